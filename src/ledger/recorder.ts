import { logToOperator } from '../base/operator.ts'
import { answerTo } from '../refusal.ts'
import { canonical } from './canonical.ts'
import { type EventFacts, VERSION } from './event.ts'
import { eventId } from './event-id.ts'
import { headOf, type Observed } from './head.ts'
import type { Ledger } from './ledger.ts'
import type { Pseudonym } from './pseudonym.ts'

/**
 * Records what was decided about a request. Resolves to the record's id when the record is durable.
 *
 * @param id of the record, if it had to be known before
 */
export type Recorder = (observed: Observed, facts: EventFacts, id?: string) => Promise<string>

/**
 * Creates the recorder of one isolate. If no store takes a record, its pseudonymous JSON goes to `onUnrecorded` before
 * the rejection, so that even then it can be found in the platform's log.
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
  return async (observed, facts, id = eventId(now())) => {
    const recorded = new Date(now()).toISOString()
    // Not created earlier: Workers have no random numbers before the first request.
    isolate ??= crypto.randomUUID().slice(0, 8)
    seq += 1
    const gate = { version: VERSION, isolate, seq }
    let event: object = { id, gate, recorded, ...facts }
    try {
      event = { ...(await headOf(observed, id, gate, pseudonym)), recorded, ...facts }
      await ledger.append([{ id, json: canonical(event) }])
      return id
    } catch (error) {
      // The caller is answered 503 then, not the status of the refusal's reason. The refusals that a count stands for were
      // answered before.
      const isCount = facts.kind === 'access' && facts.repeats !== undefined && 'of' in facts.repeats
      const status = facts.kind === 'access' &&
        !isCount && { status: answerTo('ledger_unavailable', { concealedStatus: 404 }).status }
      // Also if the canonical form is what failed.
      onUnrecorded(JSON.stringify({ ...event, ...status }))
      throw error
    }
  }
}

/** Writes a record to the platform's log. It holds pseudonyms only. */
function logRecord(json: string): void {
  logToOperator(`no store takes records: ${json}`)
}
