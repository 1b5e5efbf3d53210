import { setTimeout as pause } from 'node:timers/promises'
import { ask, NoAnswer, reasonOf } from '../client.ts'
import { say } from '../terminal.ts'
import { Body, type Bytes } from './body.ts'
import type { Meter } from './meter.ts'
import type { Slots } from './parallel.ts'
import { isForLater, pauseBefore } from './retry.ts'

/** What all requests of an upload share. */
export interface Line {
  readonly token: string
  /** Sent with each request: whose recording it is. */
  readonly owner: Readonly<Record<string, string>>
  readonly slots: Slots
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

/** The gate refused, or answered what no gate answers. */
export class NotTaken extends Error {
  override readonly name = 'NotTaken'
  readonly status: number
  /** What the gate said. */
  readonly why: string
  /** How often the request had been sent. */
  readonly tries: number

  constructor(about: string, status: number, why: string, tries: number) {
    super(`${about} was not stored: ${why}`)
    this.status = status
    this.why = why
    this.tries = tries
  }
}

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
  return line.slots.run(async () => {
    for (let tries = 1; ; tries++) {
      const outcome = await attempt(letter, line, tries)
      if (!(outcome instanceof Failed)) return outcome.json
      const { error, retryAfter } = outcome
      const wait = pauseBefore(tries, retryAfter, Date.now(), Math.random())
      if (wait === undefined) throw error
      say(`${letter.about}: ${error.why}; trying again in ${(wait / 1000).toFixed(1)} s`)
      await pause(wait, undefined, { signal: line.stop }).catch(() => line.stop.throwIfAborted())
    }
  })
}

/** A try that failed and is worth another. */
class Failed {
  readonly error: NotTaken | NoAnswer
  readonly retryAfter: string | null
  constructor(error: NotTaken | NoAnswer, retryAfter: string | null = null) {
    this.error = error
    this.retryAfter = retryAfter
  }
}

async function attempt(letter: Letter, line: Line, tries: number): Promise<Failed | { json: unknown }> {
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
    const failed = await refusalOf(response, letter, tries)
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

/** @throws NotTaken where another try would be refused too */
async function refusalOf(response: Response, { about, bytes }: Letter, tries: number): Promise<Failed> {
  const { status, headers } = response
  const said = await reasonOf(response)
  const error = new NotTaken(about, status, said + hintOf(response), tries)
  if (isForLater(status)) return new Failed(error, headers.get('retry-after'))
  if (bytes !== undefined && status === 400 && DAMAGED.test(said)) return new Failed(error)
  throw error
}

/** How the gate says that the bytes were not as they were announced. */
const DAMAGED = /digest|send it again/i

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

async function jsonOf(response: Response, url: URL): Promise<unknown> {
  const text = await response.text().catch((error: unknown) => {
    throw new NoAnswer(url, { cause: error })
  })
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    return null
  }
}

function hintOf({ status, headers }: Response): string {
  const elsewhere = headers.get('location') ?? ''
  if (status >= 300 && status < 400 && URL.canParse(elsewhere))
    return `: the gate is at ${new URL(elsewhere).origin}`
  if (status === 413) return ': a proxy in front of the gate must let bodies of 32 MiB pass'
  if (status === 401) return ': get a new token, and run the same command again'
  return ''
}
