import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** The runtime that the wire tests run on. */
export const RUNTIME: string = process.env.MEDIAWARD_RUNTIME ?? 'workerd'

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname

/** A gate in processes of its own, as a user would have it. */
export interface RunningGate {
  readonly url: string
  /** The address of the demo clinic's page. */
  readonly page: string | undefined
  readonly port: number
  readonly data: string
  /** Everything it said on stderr. */
  readonly said: () => string
  readonly stop: () => Promise<void>
  /** SIGKILL for every process of it at once. */
  readonly kill: () => Promise<void>
}

export interface GateSettings {
  /** The program, where it is not the one in src. */
  readonly main?: string
  readonly runtime?: string
  readonly vars?: Readonly<Record<string, string>>
  /** What the environment of `mediaward dev` has beside that of the test; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly varsFile?: string
  readonly data?: string
  readonly port?: number
  readonly demo?: boolean
}

/** Starts `mediaward dev` and waits until it serves. Rejects with what it said where it ends before that. */
export async function startGate(settings: GateSettings = {}): Promise<RunningGate> {
  const data = settings.data ?? mkdtempSync(join(tmpdir(), 'mediaward-'))
  const args = [
    'dev',
    '--runtime',
    settings.runtime ?? RUNTIME,
    '--port',
    String(settings.port ?? 0),
    '--data',
    data,
  ]
  if (settings.demo !== true) args.push('--no-demo')
  if (settings.vars !== undefined) {
    const file = join(data, 'test.vars')
    const lines = Object.entries(settings.vars).map(([name, value]) => `${name}='${value}'\n`)
    writeFileSync(file, lines.join(''))
    args.push('--vars', file)
  }
  if (settings.varsFile !== undefined) args.push('--vars', settings.varsFile)
  // A process group of its own, so that all of it can be killed.
  const child = spawn(process.execPath, [settings.main ?? MAIN, ...args], {
    detached: true,
    env: { ...process.env, ...settings.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const { url, page } = await readyLine(child, () => said)
  return {
    url,
    page,
    port: Number(new URL(url).port),
    data,
    said: () => said,
    stop: () => end(child, () => child.kill('SIGTERM')),
    kill: () => end(child, () => process.kill(-(child.pid ?? 0), 'SIGKILL')),
  }
}

/** Waits until a server says that it serves; resolves to its address. */
export async function ready(child: ChildProcess, said: () => string): Promise<string> {
  return (await readyLine(child, said)).url
}

interface ReadyLine {
  readonly url: string
  readonly page?: string
}

async function readyLine(child: ChildProcess, said: () => string): Promise<ReadyLine> {
  return new Promise((resolve, reject) => {
    child.once('exit', code => reject(new Error(`the gate ended with ${code} before it served:\n${said()}`)))
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', line => {
      if (line.startsWith('{"ready":true')) resolve(JSON.parse(line) as ReadyLine)
    })
  })
}

/** Ends a process with a signal, and waits until it has ended. */
export async function end(child: ChildProcess, signal: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  signal()
  await exited
}
