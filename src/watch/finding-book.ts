import { eventId } from '../ledger/event-id.ts'
import type { Detection } from './detection.ts'
import type { Changes, Finding, FindingText, Suppression } from './finding.ts'
import { ALL_RULES, MAX_ABOUT, MAX_SUPPRESSION } from './finding.ts'
import {
  type ActRefusal,
  type FindingAct,
  MAX_CANARIES,
  type NewSuppression,
  type SuppressionRefusal,
} from './finding-control.ts'
import { absorbs, emptyFinding, keyOf, wellFormed, withDetection } from './findings/absorb.ts'
import { acted } from './findings/act.ts'
import { Draft } from './findings/draft.ts'
import { escalatesAt, withWaiting } from './findings/escalate.ts'
import { isJoining, JOINING_VERSION, Neighbours, sharedOf } from './findings/neighbours.ts'
import { isGroupOf, MAX_SUPPRESSIONS, Suppressions } from './findings/suppressions.ts'
import { worstOf } from './severity.ts'
import type { Watching } from './watching.ts'

/** What a book begins with. */
export interface BookState {
  /** Findings whose last record is younger than {@link RECENT}, the youngest last; at most {@link MAX_KEPT}. */
  readonly findings: readonly Finding[]
  /** The suppressions in force. */
  readonly suppressions: readonly Suppression[]
  /** The number of the last record that the log has written itself. */
  readonly seq: number
}

/** How long a finding is known by heart, in milliseconds: as long as it can absorb anything. */
export const RECENT: number = 24 * 3_600_000
/** Most findings that are known by heart. One that is forgotten absorbs nothing more. With all that they can hold they are 16 MiB. */
export const MAX_KEPT = 2_000

/**
 * Folds detections into findings. It keeps in memory what a detection may change, and returns what is to be stored. If that
 * can't be stored, the book is wrong and has to be made again from what is.
 *
 * A suppressed detection opens a finding all the same, marked as suppressed: it is counted and has its evidence, so that
 * what a suppression hides can be seen when it turns out to be wrong. It is not alerted.
 */
export class FindingBook {
  readonly #watching: Pick<Watching, 'rule'>
  /** The last finding of each rule, tenant and group, the one that changed last at the end. */
  readonly #findings = new Map<string, Finding>()
  /** Those that wait for an analyst, by id: also an older one of a group that was reopened. */
  readonly #waiting = new Map<string, Finding>()
  readonly #suppressions: Suppressions
  readonly #neighbours = new Neighbours()
  #seq: number
  /** Undefined if it has to be looked up. */
  #due: number | undefined

  constructor(watching: Pick<Watching, 'rule'>, { findings, suppressions, seq }: BookState) {
    this.#watching = watching
    this.#suppressions = new Suppressions(suppressions)
    this.#seq = seq
    for (const finding of findings) {
      this.#keep(finding)
      this.#neighbours.load(finding)
    }
  }

  /**
   * Folds detections into findings, in the order of the log.
   *
   * @param now in milliseconds since 1970
   */
  apply(detections: readonly Detection[], now: number): Changes {
    return this.#draft(now, draft => {
      for (const detection of detections.map(wellFormed)) {
        // A clock that is ahead must not have a finding absorb what comes until then.
        const time = Number.isFinite(detection.time) ? Math.min(detection.time, now) : now
        const finding = this.#fold(draft, detection, { time, now })
        if (!isQuiet(finding)) this.#join(draft, detection, finding, { time, now })
      }
    })
  }

  /**
   * Has an analyst do something to a finding.
   *
   * @param finding as it is stored
   * @param text what is said with it
   */
  act(finding: Finding, act: FindingAct, text: FindingText | undefined, now: number): Changes | ActRefusal {
    const changed = acted(finding, act, text, now)
    if (typeof changed === 'string') return changed
    const after = withWaiting(changed.finding, now)
    return this.#draft(now, draft => {
      draft.put(after)
      draft.say(after, changed.said)
      if (text !== undefined) draft.text(text)
      const key = keyOf(finding)
      if ((this.#findings.get(key)?.id ?? finding.id) === finding.id) this.#keep(after)
      else this.#wait(after)
    })
  }

  /** When the next finding is to be escalated, in milliseconds since 1970; infinity if none waits. */
  get due(): number {
    this.#due ??= [...this.#waiting.values()].map(escalatesAt).reduce((a, b) => Math.min(a, b), Infinity)
    return this.#due
  }

  /** Escalates the findings that have waited for an analyst for too long, each once. */
  escalate(now: number): Changes {
    return this.#draft(now, draft => {
      for (const finding of [...this.#waiting.values()].filter(one => escalatesAt(one) <= now)) {
        const escalated = { ...finding, escalated: now }
        const key = keyOf(finding)
        if (this.#findings.get(key)?.id === finding.id) this.#findings.set(key, escalated)
        this.#wait(escalated)
        draft.put(escalated)
        draft.say(escalated, { action: 'escalated' })
      }
    })
  }

  /** Begins to suppress findings. */
  suppress(wanted: NewSuppression, text: FindingText, now: number): Changes | SuppressionRefusal {
    const { rule, group, tenant, by, starts = now, expires } = wanted
    if (rule === ALL_RULES) {
      if (wanted.crowd === true) return 'group_wrong'
    } else {
      const traits = this.#watching.rule(rule)
      if (!traits.canSuppress) return 'never_suppressed'
      if (!isGroupOf(wanted, traits.group)) return 'group_wrong'
    }
    if (!(expires > Math.max(starts, now) && expires <= now + MAX_SUPPRESSION)) return 'expires_wrong'
    if (this.#suppressions.size >= MAX_SUPPRESSIONS) return 'too_many'
    const suppression = {
      ...{ id: text.of, rule, group, owner: by, created: now, expires, hits: 0 },
      ...(tenant !== undefined && { tenant }),
      ...(starts > now && { starts }),
    }
    return this.#draft(now, draft => {
      this.#suppressions.set(suppression, now)
      draft.suppression(suppression, { action: 'suppression_added', by, said: saidOf(text) })
      draft.text(text)
    })
  }

  /** Ends a suppression before its time. Returns undefined if there is none in force with that id. */
  endSuppression(id: string, by: string, now: number, tenant?: string): Changes | undefined {
    const suppression = this.#suppressions.get(id)
    if (suppression === undefined || (tenant !== undefined && suppression.tenant !== tenant)) return undefined
    return this.#draft(now, draft => {
      const ended = { ...suppression, ended: now }
      this.#suppressions.set(ended, now)
      draft.suppression(ended, { action: 'suppression_ended', by })
    })
  }

  /** Adds canary recordings. The rules know all of them by heart, so there can be only so many. */
  addCanaries(
    ids: readonly string[],
    known: ReadonlySet<string>,
    by: string,
    now: number,
  ): Changes | 'too_many' {
    const fresh = new Set(ids.filter(id => !known.has(id)))
    if (known.size + fresh.size > MAX_CANARIES) return 'too_many'
    return this.#draft(now, draft => draft.canaries([...fresh], by))
  }

  /** Erases a text about a finding or a suppression, which it returns unchanged. */
  eraseText(text: FindingText, about: Finding | Suppression, by: string, now: number): Changes {
    const said = { action: 'text_erased', by, said: saidOf(text) } as const
    return this.#draft(now, draft => {
      const { text: _, ...erased } = text
      draft.text(erased)
      if ('state' in about) {
        draft.put(about)
        draft.say(about, said)
      } else {
        draft.suppression(about, said)
      }
    })
  }

  #draft(now: number, work: (draft: Draft) => void): Changes {
    const draft = new Draft(now, this.#seq)
    work(draft)
    const changes = draft.end()
    this.#seq = changes.seq
    return changes
  }

  /** Folds a detection into its finding, or opens one. */
  #fold(draft: Draft, detection: Detection, { time, now }: Moment): Finding {
    const { canSuppress, dryRun } = this.#watching.rule(detection.rule)
    const suppression = canSuppress ? this.#suppressions.match(detection, now) : undefined
    if (suppression !== undefined) {
      const hit = { ...suppression, hits: suppression.hits + 1 }
      this.#suppressions.set(hit, now)
      draft.suppression(hit)
    }
    const tries = dryRun && { dry_run: true as const }
    const known = this.#findings.get(keyOf({ ...detection, ...tries }))
    const suppressed_by = suppression?.id
    if (known !== undefined && absorbs(known, time)) {
      const { suppressed_by: _, ...before } = known
      const absorbed = withDetection(before, detection, time)
      const finding = withWaiting({ ...absorbed, ...(suppressed_by !== undefined && { suppressed_by }) }, now)
      this.#keep(finding)
      draft.put(finding)
      this.#sayOf(draft, known, finding)
      return finding
    }
    const empty = emptyFinding(eventId(now), detection, time)
    const opened = withWaiting(
      {
        ...withDetection(empty, detection, time),
        ...(suppressed_by !== undefined && { suppressed_by }),
        ...tries,
        ...(known?.state === 'closed' && { previous: known.id }),
      },
      now,
    )
    this.#keep(opened)
    draft.open(opened)
    return opened
  }

  /** Says what absorbing a detection has changed. */
  #sayOf(draft: Draft, before: Finding, finding: Finding): void {
    const [was, is] = [before.suppressed_by !== undefined, finding.suppressed_by !== undefined]
    if (was && !is) draft.say(finding, { action: 'unsuppressed' })
    if (!was && is) draft.say(finding, { action: 'suppressed' })
    if (before.severity !== finding.severity) draft.say(finding, { action: 'raised' })
    if (before.may_respond !== finding.may_respond) draft.say(finding, { action: 'actionable' })
  }

  /** Joins the findings of several rules about the subject or the release of a detection. */
  #join(draft: Draft, detection: Detection, of: Finding, moment: Moment): void {
    if (isJoining(detection.rule)) return
    const key = keyOf(detection)
    for (const { rule, field, tenant, value } of sharedOf(detection, of)) {
      const keys = this.#neighbours.note({ field, tenant, value }, detection.rule, key, moment.time)
      const joined = keys
        .map(one => this.#findings.get(one))
        .filter(one => one !== undefined)
        .filter(one => one.state !== 'closed' && !isQuiet(one))
      if (joined.length < 2) continue
      const severity = worstOf(
        joined.map(one => one.severity),
        'high',
      )
      const { record, index, time } = detection
      const recordings = joined.flatMap(({ about }) => about.recordings)
      const shared = { rule, version: JOINING_VERSION, severity, tenant, group: { [field]: value } }
      const finding = this.#fold(
        draft,
        { ...shared, record, index, time, recordings, [field]: value },
        moment,
      )
      const before = finding.related ?? []
      const related = [...new Set([...before, ...joined.map(({ id }) => id)])].slice(0, MAX_ABOUT)
      if (related.length === before.length) continue
      const changed = { ...finding, related }
      this.#keep(changed)
      draft.put(changed)
      draft.say(changed, { action: 'joined' })
    }
  }

  #keep(finding: Finding): void {
    const key = keyOf(finding)
    this.#wait(finding)
    this.#findings.delete(key)
    this.#findings.set(key, finding)
    for (const oldest of this.#findings.keys()) {
      if (this.#findings.size <= MAX_KEPT) break
      this.#findings.delete(oldest)
    }
  }

  #wait(finding: Finding): void {
    this.#due = undefined
    if (escalatesAt(finding) === Number.POSITIVE_INFINITY) this.#waiting.delete(finding.id)
    else this.#waiting.set(finding.id, finding)
  }
}

/** When the record of a detection was made, and the time now. In milliseconds since 1970. */
interface Moment {
  readonly time: number
  readonly now: number
}

const isQuiet = ({ suppressed_by, dry_run }: Finding): boolean =>
  suppressed_by !== undefined || dry_run === true

const saidOf = ({ id, sha256 }: FindingText) => ({ id, sha256 })
