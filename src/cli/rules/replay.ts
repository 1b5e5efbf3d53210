import { parseEvent, recordedAt } from '../../ledger/query/terms.ts'
import type { WatchedRecord, WindowState } from '../../watch/detection.ts'
import { Rules } from '../../watch/engine/engine.ts'
import type { Finding } from '../../watch/finding.ts'
import { FindingBook } from '../../watch/finding-book.ts'
import { isFindingRecord } from '../../watch/findings/finding-record.ts'
import { watchWith } from '../../watch/in-force.ts'
import { isOfIsolate } from '../../watch/rules/gaps.ts'

/** Has all rules look at records of the past, in memory: what they find is stored nowhere. */
export class RuleReplay {
  readonly #engine: Rules
  readonly #book = new FindingBook(watchWith(), { findings: [], suppressions: [], seq: 0 })
  readonly #windows = new Map<string, WindowState>()
  readonly #findings = new Map<string, Finding>()
  #now = 0
  /** How many records they have looked at. */
  count = 0

  /** @param canaries the ids of the canary recordings */
  constructor(canaries: ReadonlySet<string>) {
    this.#engine = new Rules({ canaries: () => canaries })
  }

  /** What they have found, the oldest first, as it would be by the end. */
  get findings(): readonly Finding[] {
    return [...this.#findings.values()]
  }

  /** Has them look at some records, in the order of the log. */
  look(all: readonly WatchedRecord[]): void {
    this.count += all.length
    // As in the log: what they found would lead to further findings.
    const records = all.filter(({ json }) => !isFindingRecord(json))
    const stored = new Map<string, WindowState>()
    for (const key of this.#engine.needs(records)) {
      // What came before is not replayed: isolates are in the middle of their numbers.
      const window =
        this.#windows.get(key) ?? (isOfIsolate(key) ? { key, members: [], expires: 0 } : undefined)
      if (window !== undefined) stored.set(key, window)
    }
    const { detections, windows } = this.#engine.observe(records, stored)
    const last = records.at(-1)
    if (last !== undefined) this.#now = Math.max(this.#now, recordedAt(parseEvent(last.json)))
    for (const window of windows) this.#windows.set(window.key, window)
    for (const finding of this.#book.apply(detections, this.#now).findings)
      this.#findings.set(finding.id, finding)
    for (const [key, { expires }] of this.#windows) if (expires <= this.#now) this.#windows.delete(key)
  }
}

/**
 * Reads lines of the console's API that have the index of each record.
 *
 * @throws Error if they are something else
 */
export function readWatched(lines: readonly string[]): readonly WatchedRecord[] {
  return lines.map(line => {
    const [, index, json] = /^\{"index":(\d+),"record":(.*)\}$/.exec(line) ?? []
    if (index === undefined || json === undefined) {
      throw new Error('the gate answered something else than records with their indexes: look at --url')
    }
    return { index: Number(index), id: `${parseEvent(json).id}`, json }
  })
}
