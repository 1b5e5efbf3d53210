import { spawn } from 'node:child_process'
import process from 'node:process'
import { createInterface } from 'node:readline'

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  workerd: [process.execPath, 'test/streams/workerd.ts'],
  deno: ['deno', 'serve', '--quiet', '-A', '--host', '127.0.0.1', '--port', '0', 'test/streams/deno.ts'],
  node: [process.execPath, 'test/streams/node.ts'],
}
/** The runtimes that an app can be started on. */
export const RUNTIMES: readonly string[] = Object.keys(COMMANDS)

/** An app in a process of its own. */
export interface RunningApp {
  readonly url: string
  readonly stop: () => Promise<void>
}

/**
 * Starts an app of this folder on a runtime, and waits until it serves.
 *
 * @param variables for its environment
 */
export async function startApp(
  runtime: string,
  app: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<RunningApp> {
  const [command = '', ...args] = COMMANDS[runtime] ?? []
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...variables, TEST_APP: new URL(app, import.meta.url).pathname },
  })
  const line = await new Promise<string>((resolve, reject) => {
    child.once('exit', code => reject(new Error(`the app ended with ${code} before it served`)))
    createInterface({ input: child.stdout }).on('line', text => {
      if (text.startsWith('{"ready"')) resolve(text)
    })
  })
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  return {
    url: (JSON.parse(line) as { url: string }).url,
    stop: () => {
      // Deno's server would wait for connections that it leaves to the client to close.
      child.kill(runtime === 'deno' ? 'SIGKILL' : 'SIGTERM')
      return exited
    },
  }
}
