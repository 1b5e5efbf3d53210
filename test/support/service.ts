import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { createInterface } from 'node:readline'

/** Returns the command that starts a server. `port` is 0 for any. */
type Arguments = (data: string, port: string, main?: string) => readonly string[]

/** The servers that are deployed, as their documentation starts them. */
const SERVERS: Readonly<Record<'deno' | 'node', Arguments>> = {
  deno: (data, port, main = 'src/runtime/deno/serve.ts') => [
    'deno',
    'serve',
    '--quiet',
    '--no-prompt',
    '--allow-env',
    '--allow-net',
    `--allow-read=${data}`,
    `--allow-write=${data}`,
    '--host',
    '127.0.0.1',
    '--port',
    port,
    main,
  ],
  node: (_, __, main = 'src/runtime/node/main.ts') => [process.execPath, main],
}

/** A server in a process of its own. */
export interface Service {
  readonly url: string
  readonly pid: number
  readonly data: string
  /** Everything it said on stderr. */
  readonly said: () => string
  readonly kill: (signal: NodeJS.Signals) => void
  /** Resolves to its exit code. */
  readonly ended: Promise<number | null>
}

/** Starts a server, or the program `main`. Rejects with its exit code and what it said where it ends before it serves. */
export async function startService(
  runtime: 'deno' | 'node',
  data: string,
  variables: Readonly<Record<string, string>>,
  main?: string,
): Promise<Service> {
  const [command = '', ...args] = SERVERS[runtime](data, variables.PORT ?? '0', main)
  const { PATH, HOME } = process.env
  const child: ChildProcess = spawn(command, args, {
    env: { PATH, HOME, DATA_DIR: data, PORT: '0', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  const url = await new Promise<string>((resolve, reject) => {
    void ended.then(code => reject(new Error(`ended with ${code}: ${said}`)))
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', line => {
      if (line.startsWith('{"ready":true')) resolve((JSON.parse(line) as { url: string }).url)
    })
  })
  return { url, pid: child.pid ?? 0, data, said: () => said, kill: signal => child.kill(signal), ended }
}
