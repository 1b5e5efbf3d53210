import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import type { RecordingStore } from '../recordings/recording-store.ts'
import { local } from '../runtime/local/local.ts'
import { readLocalVariables } from '../runtime/local/local-variables.ts'
import type { Shelf } from './clinic.ts'
import { runtimeMark } from './data-lock.ts'
import type { StartGate } from './local-gate.ts'
import { ownFile } from './own-file.ts'
import { UsageError } from './terminal.ts'

/** The rest of the environment is the caller's, and none of the gate's business. */
const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'XDG_CACHE_HOME', 'DENO_DIR']

/** Starts the server that is deployed on Node or Deno, in a process of its own. */
export function serverProcess(runtime: 'node' | 'deno'): StartGate {
  return async (port, folder, given, seed) => {
    const data = resolve(folder)
    const variables = { ...given, DATA_DIR: data, HOST: '127.0.0.1', PORT: String(port) }
    const { store, close } = local(readLocalVariables(variables))
    await seed(shelfOf(store))
    close()

    const environment = Object.fromEntries(PASSED_ON.map(name => [name, process.env[name]]))
    const [command, args] = runtime === 'node' ? nodeCommand() : denoCommand(port, data)
    const child = spawn(command, args, {
      env: { ...environment, ...variables, ...runtimeMark(data) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const url = await ready(child, runtime)
    const ended = () => process.exit(1)
    child.once('exit', ended)
    return {
      url,
      stop: () =>
        new Promise(stopped => {
          child.off('exit', ended).once('exit', () => stopped())
          child.kill('SIGTERM')
        }),
    }
  }
}

function nodeCommand(): [string, string[]] {
  return [process.execPath, [ownFile('runtime/node/main')]]
}

/** With no more rights than it needs: its data folder, its variables, and the network. */
function denoCommand(port: number, data: string): [string, string[]] {
  const rights = [
    '--no-prompt',
    '--allow-env',
    '--allow-net',
    `--allow-read=${data}`,
    `--allow-write=${data}`,
  ]
  return [
    'deno',
    [
      'serve',
      '--quiet',
      ...rights,
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      ownFile('runtime/deno/serve'),
    ],
  ]
}

/** Waits until the server says that it serves; resolves to its address. */
function ready(child: ChildProcess, runtime: string): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', () =>
      reject(
        new UsageError(
          `${runtime} can't be started`,
          'install it, or take another --runtime; in a project, "npm install --save-dev deno" brings it',
        ),
      ),
    )
    child.once('exit', code => reject(new Error(`the gate ended with ${code} before it served`)))
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', line => {
      if (line.startsWith('{"ready":true')) resolve((JSON.parse(line) as { url: string }).url)
    })
  })
}

function shelfOf(store: RecordingStore): Shelf {
  return {
    has: async key => (await store.find(key)) !== null,
    put: (key, bytes, contentType, binding) => {
      const body = new Blob([bytes]).stream()
      return store.put(key, body, { size: bytes.length, contentType, binding, replaces: null })
    },
  }
}
