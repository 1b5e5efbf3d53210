import { NoAnswer, reasonOf } from '../client.ts'
import { isForLater } from './retry.ts'

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

/** A try that failed and is worth another. */
export class Failed {
  readonly error: NotTaken | NoAnswer
  readonly retryAfter: string | null
  constructor(error: NotTaken | NoAnswer, retryAfter: string | null = null) {
    this.error = error
    this.retryAfter = retryAfter
  }
}

/** @throws NotTaken where another try would be refused too */
export async function refusalOf(
  response: Response,
  about: string,
  tries: number,
  hadBytes: boolean,
): Promise<Failed> {
  const { status, headers } = response
  const said = await reasonOf(response)
  const error = new NotTaken(about, status, said + hintOf(response), tries)
  if (isForLater(status)) return new Failed(error, headers.get('retry-after'))
  if (hadBytes && status === 400 && DAMAGED.test(said)) return new Failed(error)
  throw error
}

/** How the gate says that the bytes were not as they were announced. */
const DAMAGED = /digest|send it again/i

/** The JSON of an answer; null where it is none. */
export async function jsonOf(response: Response, url: URL): Promise<unknown> {
  const text = await response.text().catch((error: unknown) => {
    throw new NoAnswer(url, error)
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
  if (status === 404) return ': the token needs the role "recorder", and the gate must serve that path'
  if (status === 401) return ': get a new token, and run the same command again'
  return ''
}
