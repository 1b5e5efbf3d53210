import type { ConsoleAction } from '../../authorize/decision.ts'
import { parseGateUrl, requestGate, requireAnswer, tokenFor } from '../client.ts'

/** Which gate is called, and with which token. */
export interface CalledGate {
  readonly url: string
  readonly token?: string | undefined
  readonly data: string
}

/** What calls are that do more than look: the beginning of their path. */
const ACTIONS: readonly (readonly [path: string, action: ConsoleAction])[] = [
  ['findings/act', 'triage'],
  ['findings/erase', 'contain'],
  ['suppressions/', 'contain'],
  ['canaries/', 'contain'],
  ['lockdowns/', 'contain'],
  ['sinks', 'operate'],
  ['releases', 'mark'],
]

const actionOf = (pathname: string): ConsoleAction =>
  ACTIONS.find(([path]) => pathname.startsWith(`/console/api/${path}`))?.[1] ?? 'audit'

/**
 * Calls the console's API of a gate, and resolves to its answer: by POST if there is a body.
 *
 * @throws UsageError if the call is refused; Error if the gate failed
 */
export async function callConsole(
  { url, token, data }: CalledGate,
  path: string,
  body?: object,
): Promise<unknown> {
  const headers = { 'Content-Type': 'application/json' }
  const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
  const address = new URL(path, parseGateUrl(url))
  const response = await requestGate(address, await tokenFor(token, data, 'security'), init)
  return (await requireAnswer(response, actionOf(address.pathname))).json()
}

/** A terminal obeys control characters. No gate answers any, but this may be another server. */
export const clean = (line: string): string => line.replace(/\p{Cc}/gu, '?')
