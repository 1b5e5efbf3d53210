import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { createInterface } from 'node:readline'

/** The servers that are deployed, as their documentation starts them. */
export const SERVERS: Readonly<Record<'deno' | 'node', (data: string) => readonly string[]>> = {
  deno: data => [
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
    '0',
    'src/runtime/deno/serve.ts',
  ],
  node: () => [process.execPath, 'src/runtime/node/main.ts'],
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

/** Starts a server. Rejects with its exit code and what it said where it ends before it serves. */
export async function startService(
  runtime: 'deno' | 'node',
  data: string,
  variables: Readonly<Record<string, string>>,
): Promise<Service> {
  const [command = '', ...args] = SERVERS[runtime](data)
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
