import process from 'node:process'
import { type Started, start } from '../local/start.ts'

// The gate on Deno: `deno serve` this file, variables from the environment, stopped by SIGTERM.

/** What `deno serve` hands over beside a request. */
interface ServeInfo {
  /** Settles when the answer is sent, or can't be. */
  readonly completed: Promise<void>
}

/** What `deno serve` looks for in a module. */
interface ServeModule {
  fetch(request: Request, info: ServeInfo): Response | Promise<Response>
  onListen(address: { readonly hostname: string; readonly port: number }): void
}

/** Milliseconds that answers may still take once the server is asked to stop. */
const GRACE = 10_000

const { fetch: answer, endStreams, close } = begin()
const answering = new Set<Promise<void>>()

/** A mistake in the configuration ends the process before it serves. It prints what to fix, and no more. */
function begin(): Started {
  try {
    return start(process.env)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : 'the gate could not start'}\n`)
    process.exit(2)
  }
}

/** `deno serve` goes on taking requests until the process ends: what is answered at that moment is finished first. */
async function stop(): Promise<void> {
  endStreams()
  const late = new Promise(resolve => setTimeout(resolve, GRACE))
  const quiet = async () => {
    while (answering.size > 0) await Promise.allSettled(answering)
  }
  await Promise.race([quiet(), late])
  await close()
  process.exit(0)
}
process.once('SIGTERM', stop).once('SIGINT', stop)

/**
 * Ends the process if `deno serve` can't listen; Deno itself would print a stack. Nothing here knows the port: Deno gives its
 * arguments to no module.
 */
function endUnserved(error: unknown): void {
  const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
  const problem = isTaken
    ? 'the port that --port names (8000 without it) is taken'
    : `the gate can't be served (${error instanceof Error ? error.message : 'unknown error'})`
  process.stderr.write(
    `${problem}: name another address, as in "deno serve --host 127.0.0.1 --port 8788 …"\n`,
  )
  void close().finally(() => process.exit(1))
}
process.once('unhandledRejection', endUnserved)

const module: ServeModule = {
  fetch(request, info) {
    const { completed } = info
    answering.add(completed)
    const done = () => answering.delete(completed)
    completed.then(done, done)
    return answer(request, info)
  },
  onListen({ hostname, port }) {
    process.off('unhandledRejection', endUnserved)
    const host = hostname.includes(':') ? `[${hostname}]` : hostname
    process.stdout.write(`${JSON.stringify({ ready: true, url: `http://${host}:${port}` })}\n`)
  },
}
export default module
