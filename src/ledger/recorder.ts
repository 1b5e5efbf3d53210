import type { Reason } from '../reason.ts'
import { answerTo } from '../refusal.ts'
import { canonical } from './canonical.ts'
import { VERSION } from './event.ts'
import type { Ledger } from './ledger.ts'
import { observe, type RefusedAttempt } from './observe.ts'
import type { Pseudonym } from './pseudonym.ts'

/** Records that a request was refused. Resolves only when the record is durable. */
export type Recorder = (attempt: RefusedAttempt, reason: Reason, status: number) => Promise<void>

/**
 * Makes the recorder of one isolate. Where no store takes a record, its pseudonymous text goes to `lastResort`
 * before the rejection, so that even then it can be found in the platform's log.
 */
export function recorder(ledger: Ledger, pseudonym: Pseudonym, lastResort: (json: string) => void): Recorder {
  let isolate: string | undefined
  let seq = 0
  return async (attempt, reason, status) => {
    // Not made right away: Workers have no random numbers before the first request.
    isolate ??= crypto.randomUUID().slice(0, 8)
    seq += 1
    const gate = { version: VERSION, isolate, seq }
    let event: object = { id: attempt.id, reason, gate }
    try {
      event = await observe(attempt, reason, status, gate, pseudonym)
      await ledger.record({ id: attempt.id, json: canonical(event) })
    } catch (error) {
      // What is answered then is another status than the one of the reason.
      lastResort(canonical({ ...event, status: answerTo('ledger_unavailable', 404).status }))
      throw error
    }
  }
}
