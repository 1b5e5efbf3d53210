import { createServer } from 'node:net'
import { extname } from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { DemoStore } from './demo-recordings.ts'
import { stringMember } from './json.ts'

// What the runtimes that `mediaward dev` can start have in common.

/** A gate that runs on this machine. */
export interface LocalGate {
  readonly url: string
  stop(): Promise<void>
}

/**
 * Starts a gate that listens on the loopback interface only. Calls `seed` once, unless the recordings are outside the
 * data folder. Resolves when the gate serves and `seed` is done.
 */
export type StartGate = (
  port: number,
  data: string,
  variables: Readonly<Record<string, string>>,
  seed: (store: DemoStore) => Promise<void>,
) => Promise<LocalGate>

/**
 * Returns the variables by which runtimes trust further certificate authorities, such as that of a key server in a clinic's
 * own network. Node and workerd's simulator read the first one, Deno reads both; a user sets either.
 */
export function authorityVariables(): Readonly<Record<string, string>> {
  const { NODE_EXTRA_CA_CERTS = process.env.DENO_CERT, DENO_CERT = NODE_EXTRA_CA_CERTS } = process.env
  if (NODE_EXTRA_CA_CERTS === undefined || DENO_CERT === undefined) return {}
  return { NODE_EXTRA_CA_CERTS, DENO_CERT }
}

/**
 * Returns the path of one of this package's modules: TypeScript in a checkout, JavaScript in a package.
 *
 * @param name relative to `src`, without its extension
 */
export function modulePath(name: string): string {
  return fileURLToPath(new URL(`../${name}${extname(import.meta.url)}`, import.meta.url))
}

// Below the range that systems use for outgoing connections, so that no such connection takes the port before the gate.
const FIRST_PORT = 10_000
const PORT_COUNT = 10_000

let lastTried = process.pid

/**
 * Finds a free port of the loopback interface. Port 0 would not do, because a gate must know its own URL before it
 * listens. Starts at the process id, so that processes that search at the same time try different ports.
 */
export async function freePort(): Promise<number> {
  for (let i = 0; i < PORT_COUNT; i++) {
    lastTried += 1
    const port = FIRST_PORT + (lastTried % PORT_COUNT)
    if ((await failureOf(port)) === undefined) return port
  }
  throw new Error(`no port from ${FIRST_PORT} to ${FIRST_PORT + PORT_COUNT - 1} is free`)
}

/**
 * Makes sure that a gate can listen on a port of the loopback interface. The runtimes themselves say it in their own ways,
 * one of them without the port.
 *
 * @throws Error if it can't
 */
export async function requirePort(port: number): Promise<void> {
  let failure = await failureOf(port)
  // The runtime of an earlier run that was killed has the port until it has ended.
  for (let i = 0; i < 10 && failure === 'EADDRINUSE'; i++) {
    await delay(50)
    failure = await failureOf(port)
  }
  if (failure === undefined) return
  const problem = failure === 'EADDRINUSE' ? 'is taken' : `can't be used (${failure})`
  throw new Error(`port ${port} ${problem}: choose another, as in --port ${port > 8080 ? 8080 : 8788}`)
}

/** Returns the system's name for why nothing can listen on a port, or undefined if it is free. */
function failureOf(port: number): Promise<string | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', error => resolve(stringMember(error, 'code') ?? error.message))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)))
  })
}
