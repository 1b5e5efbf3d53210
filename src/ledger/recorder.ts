import { logToOperator } from '../base/storage-fault.ts'
import { answerTo } from '../refusal.ts'
import { canonical } from './canonical.ts'
import { type EventFacts, VERSION } from './event.ts'
import { eventId } from './event-id.ts'
import { headOf, type Observed } from './head.ts'
import type { Ledger } from './ledger.ts'
import type { Pseudonym } from './pseudonym.ts'

/**
 * Records what was decided about a request. Resolves to the record's id, only when the record is durable.
 *
 * @param id of the record, where it had to be known before
 */
export type Recorder = (observed: Observed, facts: EventFacts, id?: string) => Promise<string>

/**
 * Makes the recorder of one isolate. Where no store takes a record, its pseudonymous text goes to `onUnrecorded`
 * before the rejection, so that even then it can be found in the platform's log.
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
    // Not made right away: Workers have no random numbers before the first request.
    isolate ??= crypto.randomUUID().slice(0, 8)
    seq += 1
    const gate = { version: VERSION, isolate, seq }
    let event: object = { id, gate, ...facts }
    try {
      const head = await headOf(observed, id, gate, pseudonym)
      event = { ...head, recorded: new Date(now()).toISOString(), ...facts }
      await ledger.append([{ id, json: canonical(event) }])
      return id
    } catch (error) {
      // What is answered to a refusal then is another status than the one of its reason. A count's were answered before.
      const isCount = facts.kind === 'access' && facts.repeats !== undefined && 'of' in facts.repeats
      const status = facts.kind === 'access' &&
        !isCount && { status: answerTo('ledger_unavailable', 404).status }
      onUnrecorded(canonical({ ...event, ...status }))
      throw error
    }
  }
}

/** It holds pseudonyms only. */
function logRecord(json: string): void {
  logToOperator(`no store takes records: ${json}`)
}
