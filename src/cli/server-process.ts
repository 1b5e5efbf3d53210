import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { BodyCut } from '../recordings/counted-body.ts'
import type { RecordingStore } from '../recordings/recording-store.ts'
import { local } from '../runtime/local/local.ts'
import { readLocalVariables } from '../runtime/local/local-variables.ts'
import { runtimeMark } from './data-lock.ts'
import type { DemoStore } from './demo-recordings.ts'
import { member, parseJson, stringMember } from './json.ts'
import { authorityVariables, modulePath, type StartGate } from './local-gate.ts'
import { fail, say, UsageError } from './terminal.ts'

/** Variables that the server inherits. It gets none of the others, which may hold secrets of the user. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'XDG_CACHE_HOME', 'DENO_DIR']

type ExitArguments = [code: number | null, signal: NodeJS.Signals | null]

/** Creates a starter for the server on Node or Deno. It is the one that is deployed, and runs in a process of its own. */
export function createServerStarter(runtime: 'node' | 'deno'): StartGate {
  return async (port, folder, given, seed) => {
    const data = resolve(folder)
    const variables = { ...given, DATA_DIR: data, HOST: '127.0.0.1', PORT: String(port) }
    const options = readLocalVariables(variables)
    // A bucket that the variables name may hold the recordings of a clinic.
    if (options.s3 === undefined) {
      const { store, close } = local(options)
      await seed(demoStoreOf(store))
      close()
    } else say('The recordings are in an S3 bucket, so no demo recordings are stored')

    const environment = Object.fromEntries(INHERITED.map(name => [name, process.env[name]]))
    const [command, args] = runtime === 'node' ? nodeCommand() : denoCommand(port, data)
    const child = spawn(command, args, {
      env: { ...environment, ...authorityVariables(), ...variables, ...runtimeMark(data) },
      stdio: ['ignore', 'pipe', runtime === 'deno' ? 'pipe' : 'inherit'],
    })
    if (child.stderr !== null) passOn(child.stderr)
    const url = await waitUntilReady(child, runtime)
    const exit = (...how: ExitArguments) => fail(new Error(`the gate ended ${describeExit(...how)}`))
    child.once('exit', exit)
    return {
      url,
      stop: () =>
        new Promise(stopped => {
          child.off('exit', exit).once('exit', () => stopped())
          child.kill('SIGTERM')
        }),
    }
  }
}

/** Shows what Deno says, besides the line that it prints for each stream that is cut: that is no fault, and only Deno itself prints it. */
function passOn(said: Readable): void {
  const cut = `[${new BodyCut().stack}]`
  createInterface({ input: said }).on('line', line => {
    if (line !== cut) say(line)
  })
}

function nodeCommand(): [string, string[]] {
  return [process.execPath, [modulePath('runtime/node/development')]]
}

/** Grants only what the server needs: its data folder, its variables, and the network. */
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
      modulePath('runtime/deno/development'),
    ],
  ]
}

/** Waits until the server serves. Resolves to its address. */
function waitUntilReady(child: ChildProcess, runtime: string): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', () =>
      reject(
        new UsageError(
          `${runtime} can't be started`,
          'install it, or use another --runtime; in a project, run "npm install --save-dev deno"',
        ),
      ),
    )
    child.once('exit', (...how) =>
      reject(new Error(`the gate ended ${describeExit(...how)} before it served`)),
    )
    if (child.stdout === null) return reject(new Error('the output of the gate is not piped'))
    createInterface({ input: child.stdout }).on('line', line => {
      const message = parseJson(line)
      const url = stringMember(message, 'url')
      if (member(message, 'ready') === true && url !== undefined) resolve(url)
    })
  })
}

function describeExit(...[code, signal]: ExitArguments): string {
  return signal === null ? `with code ${code}` : `by ${signal}`
}

function demoStoreOf(store: RecordingStore): DemoStore {
  return {
    has: async key => (await store.find(key)) !== null,
    put: (key, bytes, contentType, ownership) => {
      const body = new Blob([bytes]).stream()
      return store.put(key, body, { size: bytes.length, contentType, ownership, replaces: null })
    },
  }
}
