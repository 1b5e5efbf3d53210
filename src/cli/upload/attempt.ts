import type { LimitFunction } from 'p-limit'
import { ask, NoAnswer } from '../client.ts'
import { Failed, jsonOf, refusalOf } from './answer.ts'
import { Body, type Bytes } from './body.ts'
import type { Meter } from './meter.ts'

/** What all requests of an upload share. */
export interface Line {
  readonly token: string
  /** Sent with each request: whose recording it is. */
  readonly owner: Readonly<Record<string, string>>
  /** Room for so many requests at once; who comes later waits its turn. */
  readonly slots: LimitFunction
  readonly meter: Meter
  /** Ends everything, with its reason. */
  readonly stop: AbortSignal
}

/** A request to the gate. */
export interface Letter {
  /** What it is about, for the person at the terminal. */
  readonly about: string
  readonly method: 'PUT' | 'POST' | 'DELETE'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly bytes?: Bytes
}

/**
 * Sends a request once.
 *
 * @param tries how often it was sent, this time among them
 * @returns the JSON of the answer, or why it is worth another try
 * @throws NotTaken
 * @throws Changed
 */
export async function attempt(
  letter: Letter,
  line: Line,
  tries: number,
): Promise<Failed | { json: unknown }> {
  const { method, url, json, bytes } = letter
  line.stop.throwIfAborted()
  const body = bytes && new Body(bytes, line.meter)
  try {
    const response = await ask(url, line.token, {
      method,
      headers: { ...line.owner, ...contentHeaders(letter), ...letter.headers },
      // A redirect is for who asks for something, not for who sends a patient's recording.
      redirect: 'manual',
      signal: line.stop,
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...(body && { body: body.stream(), duplex: 'half' as const }),
    })
    if (response.ok) return { json: await jsonOf(response, url) }
    const failed = await refusalOf(response, letter.about, tries, bytes !== undefined)
    body?.takeBack()
    return failed
  } catch (error) {
    body?.takeBack()
    // What was stopped, and a file that changed, look like a broken connection.
    line.stop.throwIfAborted()
    if (body?.fault !== undefined) throw body.fault
    if (error instanceof NoAnswer) return new Failed(error)
    throw error
  }
}

function contentHeaders({ bytes, json }: Letter): Record<string, string> {
  if (bytes !== undefined) {
    return {
      'Content-Length': String(bytes.stretch.size),
      // RFC 9530 2: the store refuses what was damaged on its way.
      'Content-Digest': `sha-256=:${bytes.sha256}:`,
    }
  }
  return json === undefined ? {} : { 'Content-Type': 'application/json' }
}
