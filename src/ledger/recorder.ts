import { logToOperator } from '../base/operator.ts'
import { answerTo } from '../refusal.ts'
import { canonical } from './canonical.ts'
import { type EventFacts, type EventHead, VERSION } from './event.ts'
import { eventId } from './event-id.ts'
import type { GapFacts } from './facts/gate-facts.ts'
import { headOf, type Observed, withoutCaller } from './head.ts'
import type { Ledger } from './ledger.ts'
import type { Pseudonym } from './pseudonym.ts'

/**
 * Records what was decided about a request. Resolves to the record's id when the record is durable.
 *
 * @param id of the record, if it had to be known before
 */
export type Recorder = (observed: Observed, facts: EventFacts, id?: string) => Promise<string>

/** Where in a pseudonym the name of its key is. */
const KEY_ID = [4, 12] as const

/**
 * Creates the recorder of one isolate. If no store takes a record, its pseudonymous JSON goes to `onUnrecorded` before
 * the rejection, so that even then it can be found in the platform's log. The next record that a store takes is followed by
 * one of the gap.
 *
 * Id, time and number of a record are taken when the recorder is called, before it waits for anything. Whatever delays
 * or repeats the write stores the same bytes.
 */
export function createRecorder(
  ledger: Ledger,
  pseudonym: Pseudonym,
  now: () => number,
  onUnrecorded: (json: string) => void = logRecord,
): Recorder {
  let isolate: string | undefined
  let seq = 0
  /** The name of the key, as long as it could be found. */
  let named: Promise<string> | undefined
  let gap: GapFacts | undefined
  const record: Recorder = async (observed, facts, id = eventId(now())) => {
    const recorded = new Date(now()).toISOString()
    // Not created earlier: Workers have no random numbers before the first request.
    isolate ??= crypto.randomUUID().slice(0, 8)
    seq += 1
    const gate = { version: VERSION, isolate, seq }
    let event: object = { id, gate, recorded, ...facts }
    try {
      named ??= pseudonym('ip', 'key', '').catch((error: unknown) => {
        named = undefined
        throw error
      })
      const [head, name] = await Promise.all([headOf(observed, id, gate, pseudonym), named])
      event = { ...head, gate: { ...gate, key: name.slice(...KEY_ID) }, recorded, ...facts }
      await ledger.append([{ id, json: canonical(event) }])
    } catch (error) {
      gap = join(gap, gapOf(gate, recorded))
      // The caller is answered 503 then, not the status of the refusal's reason. The refusals that a count stands for were
      // answered before.
      const isCount = facts.kind === 'access' && [facts.repeats, facts.sum].some(one => one && 'of' in one)
      const status = facts.kind === 'access' &&
        !isCount && { status: answerTo('ledger_unavailable', { concealedStatus: 404 }).status }
      // Also if the canonical form is what failed.
      onUnrecorded(JSON.stringify({ ...event, ...status }))
      throw error
    }
    if (gap !== undefined) await recordGap(gap)
    return id
  }
  // Once an outage, one caller waits for this, too: on Workers nothing else is sure to keep the write alive.
  const recordGap = async (facts: GapFacts) => {
    gap = undefined
    await record(withoutCaller(now()), facts).catch(() => {
      gap = join(facts, gap)
    })
  }
  return record
}

/** Describes the gap that one lost record leaves. */
function gapOf({ isolate, seq }: EventHead['gate'], recorded: string): GapFacts {
  return {
    ...{ kind: 'gap', count: 1, since: recorded, until: recorded },
    missing: { isolate, from: seq, to: seq },
  }
}

/** Adds a gap to one that began before, of the same isolate. */
function join(before: GapFacts | undefined, gap: GapFacts | undefined): GapFacts | undefined {
  if (before?.missing === undefined || gap?.missing === undefined) return before ?? gap
  const { isolate, from, to } = before.missing
  return {
    kind: 'gap',
    count: before.count + gap.count,
    since: before.since,
    until: gap.until,
    missing: { isolate, from: Math.min(from, gap.missing.from), to: Math.max(to, gap.missing.to) },
  }
}

/** Writes a record to the platform's log. It holds pseudonyms only. */
function logRecord(json: string): void {
  logToOperator(`no store takes records: ${json}`)
}
