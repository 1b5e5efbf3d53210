import { createServer } from 'node:net'
import { extname } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { DemoStore } from './demo-recordings.ts'

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
    if (await isFree(port)) return port
  }
  throw new Error(`no port from ${FIRST_PORT} to ${FIRST_PORT + PORT_COUNT - 1} is free`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
