import { setTimeout as pause } from 'node:timers/promises'
import { NoAnswer } from '../client.ts'
import { say } from '../terminal.ts'
import { Failed } from './answer.ts'
import { attempt, type Letter, type Line } from './attempt.ts'
import { pauseBefore } from './retry.ts'

/**
 * Sends a request until it is answered for good: again where the connection broke, where the gate said "later", and
 * where the bytes did not arrive as they were sent.
 *
 * @returns the JSON of the answer; null where it has none
 * @throws NotTaken
 * @throws NoAnswer where it never was answered
 * @throws Changed
 */
export async function send(letter: Letter, line: Line): Promise<unknown> {
  return line.slots(async () => {
    for (let tries = 1; ; tries++) {
      const outcome = await attempt(letter, line, tries)
      if (!(outcome instanceof Failed)) return outcome.json
      const { error, retryAfter } = outcome
      if (error instanceof NoAnswer && letter.bytes !== undefined) await askWithoutBytes(letter, line, tries)
      const wait = pauseBefore(tries, retryAfter, Date.now(), Math.random())
      if (wait === undefined) throw error
      say(`${letter.about}: ${error.why}; trying again in ${(wait / 1000).toFixed(1)} s`)
      await pause(wait, undefined, { signal: line.stop }).catch(() => line.stop.throwIfAborted())
    }
  })
}

/**
 * A refusal that came before all bytes were sent can be lost with the connection that they were sent over. So the gate
 * is asked once more without them, by giving up an upload that never was.
 *
 * @throws NotTaken
 */
async function askWithoutBytes({ about, url }: Letter, line: Line, tries: number): Promise<void> {
  const headers = { 'Mediaward-Upload': 'none' }
  await attempt({ about, method: 'DELETE', url: new URL(`${url}/upload`), headers }, line, tries)
}
