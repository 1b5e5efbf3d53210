import type { FindingAction } from '../../ledger/facts/finding-facts.ts'
import type { LedgerEntry } from '../../ledger/ledger.ts'
import type { Changes, Finding, FindingText, Suppression } from '../finding.ts'
import { canaryRecord, findingRecord, type Said, suppressionRecord } from './finding-record.ts'

/** What happens to findings in one step, until it is known what is to be stored of it. */
export class Draft {
  readonly #now: number
  #seq: number
  readonly #findings = new Map<string, Finding>()
  readonly #opened = new Set<string>()
  readonly #said = new Map<string, Said[]>()
  readonly #suppressions = new Map<string, Suppression>()
  readonly #ofSuppressions: { readonly id: string; readonly said: Said }[] = []
  readonly #texts: FindingText[] = []
  readonly #canaries: string[] = []
  #planter = ''

  /** @param seq the number of the last record that the log has written itself */
  constructor(now: number, seq: number) {
    this.#now = now
    this.#seq = seq
  }

  /** A finding is new, or changed. */
  put(finding: Finding): void {
    this.#findings.set(finding.id, finding)
  }

  open(finding: Finding): void {
    this.put(finding)
    this.#opened.add(finding.id)
    this.say(finding, { action: finding.suppressed_by === undefined ? 'opened' : 'suppressed' })
  }

  /** Something that is to be on record happened to a finding. The record shows the finding's last state. */
  say(finding: Finding, said: Said): void {
    const before = this.#said.get(finding.id) ?? []
    // The record of a new finding shows all that the step led to.
    const isShown = this.#opened.has(finding.id) && before.length > 0 && isByItself(said.action)
    const isSaidAlready = before.some(({ action }) => action === said.action && isByItself(action))
    if (!isShown && !isSaidAlready) this.#said.set(finding.id, [...before, said])
  }

  suppression(suppression: Suppression, said?: Said): void {
    this.#suppressions.set(suppression.id, suppression)
    if (said !== undefined) this.#ofSuppressions.push({ id: suppression.id, said })
  }

  canaries(ids: readonly string[], by: string): void {
    this.#canaries.push(...ids)
    this.#planter = by
  }

  text(text: FindingText): void {
    this.#texts.push(text)
  }

  /** Returns what is to be stored. */
  end(): Changes {
    const findings = [...this.#findings.values()]
    const records = [
      ...this.#recordsOf(findings),
      ...this.#recordsOfSuppressions(),
      ...this.#recordsOfCanaries(),
    ]
    return {
      findings,
      opened: findings.filter(({ id }) => this.#opened.has(id)),
      suppressions: [...this.#suppressions.values()],
      records,
      canaries: this.#canaries,
      texts: this.#texts,
      seq: this.#seq,
    }
  }

  #recordsOf(findings: readonly Finding[]): LedgerEntry[] {
    return findings.flatMap(finding =>
      (this.#said.get(finding.id) ?? []).map(said => findingRecord(finding, said, this.#next())),
    )
  }

  #recordsOfSuppressions(): LedgerEntry[] {
    return this.#ofSuppressions.flatMap(({ id, said }) => {
      const suppression = this.#suppressions.get(id)
      return suppression === undefined ? [] : [suppressionRecord(suppression, said, this.#next())]
    })
  }

  #recordsOfCanaries(): LedgerEntry[] {
    const count = this.#canaries.length
    return count === 0 ? [] : [canaryRecord(count, this.#planter, this.#next())]
  }

  #next() {
    this.#seq += 1
    return { seq: this.#seq, now: this.#now }
  }
}

/** Whether it is an action of rules, and not of an analyst. */
const isByItself = (action: FindingAction): boolean =>
  ['opened', 'raised', 'actionable', 'joined'].includes(action)
