import { logFault, NOT_SHOWN, StorageFault } from '../../base/storage-fault.ts'
import { beginWait } from '../../base/timeout.ts'
import type { Session } from './session.ts'

/** Answers a call in the process that is the log. */
export type AnswerCall = (call: unknown) => Promise<unknown>

/** How long a process waits for the log to answer, in milliseconds. It may have to wait for others, and for a new log. */
const PATIENCE = 60_000
const LOOK_EVERY = 200

/** Calls from any process of a fleet to the one that is the log, through a table: processes can't reach each other. */
export class LogCalls {
  readonly #session: Session
  /** Those that are being answered. */
  readonly #open = new Set<number>()

  constructor(session: Session) {
    this.#session = session
  }

  /**
   * Calls the process that is the log. Resolves to its answer.
   *
   * @throws StorageFault if it doesn't answer within a minute, or fails
   */
  async call(call: unknown): Promise<unknown> {
    const [row] = await this.#session.query<{ number: number }>(
      'INSERT INTO mediaward.log_call (came, call) VALUES (now(), $1) RETURNING number',
      JSON.stringify(call),
    )
    const number = row?.number ?? 0
    for (const until = performance.now() + PATIENCE; performance.now() < until; ) {
      await beginWait(LOOK_EVERY).over
      const [answered] = await this.#session.query<{ answer: string }>(
        'DELETE FROM mediaward.log_call WHERE number = $1 AND answer IS NOT NULL RETURNING answer',
        number,
      )
      if (answered !== undefined) return readAnswer(answered.answer)
    }
    throw new StorageFault('the process that is the log does not answer')
  }

  /** Begins to answer what was called. To be called again and again in the process that is the log. */
  async answer(answer: AnswerCall): Promise<void> {
    await this.#session.query("DELETE FROM mediaward.log_call WHERE came < now() - interval '5 minutes'")
    const calls = await this.#session.query<{ number: number; call: string }>(
      'SELECT number, call FROM mediaward.log_call WHERE answer IS NULL ORDER BY number LIMIT 100',
    )
    for (const { number, call } of calls) {
      if (this.#open.has(number)) continue
      this.#open.add(number)
      void this.#answer(number, answer(JSON.parse(call)))
    }
  }

  async #answer(number: number, answering: Promise<unknown>): Promise<void> {
    try {
      const answer = await answering.then(
        value => ({ value }),
        () => ({ failed: true }),
      )
      await this.#session.query(
        'UPDATE mediaward.log_call SET answer = $2 WHERE number = $1',
        number,
        JSON.stringify(answer),
      )
    } catch (error) {
      // The caller hears of it when its time is over.
      logFault('the log did not answer a call', error, NOT_SHOWN)
    } finally {
      this.#open.delete(number)
    }
  }
}

function readAnswer(answer: string): unknown {
  const { value, failed } = JSON.parse(answer) as { readonly value?: unknown; readonly failed?: true }
  if (failed === true) throw new StorageFault('the process that is the log failed')
  return value
}
