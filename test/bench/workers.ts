import { cpSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { bundle, DURABLE_OBJECTS } from '../../src/cli/workerd.ts'
import { createIssuer, type TestIssuer, variables } from '../support/gate-client.ts'
import { hlsObjects, hlsSegment, PUBLIC_URL, TICKET_KEY } from './hls.ts'
import { childrenOf } from './process-facts.ts'
import { BARE, BARE_INSERT, SEED } from './scripts.ts'

const NAIVE = new URL('naive.worker.ts', import.meta.url).pathname
const MEBIBYTE = 2 ** 20

/** The patient who asks. */
export const PATIENT = 'patient-1'
/** The one whose recording is none of their business. */
const OTHER = 'patient-2'

/** An object of the bench. `path` is where all workers have it, `size` is in bytes. */
export interface BenchObject {
  readonly path: string
  readonly size: number
  readonly owner: string
  /** What it holds, where that is of account. */
  readonly text?: string
}

/** What an object holds. */
export function contentOf({ path, size, text = `${path} ` }: BenchObject): Buffer<ArrayBuffer> {
  return Buffer.alloc(size, text)
}

const object = (name: string, mebibytes: number, owner = PATIENT): BenchObject => ({
  path: `/recordings/${name}`,
  size: mebibytes * MEBIBYTE,
  owner,
})

/** What is in every worker's bucket. */
export const OBJECTS = {
  seekable: object('seekable', 64),
  small: object('small', 1),
  large: object('large', 256),
  foreign: object('foreign', 1, OTHER),
  segment: hlsSegment(PATIENT),
}

/** One of the workers that are compared, in a process of its own. */
export interface BenchWorker {
  readonly name: string
  readonly port: number
  /** Of the processes that serve it. */
  readonly pids: readonly number[]
  stop(): Promise<void>
}

/** All workers of the bench. */
export interface Workers {
  readonly bare: BenchWorker
  readonly naive: BenchWorker
  readonly mediaward: BenchWorker
  /** The same without a key for tickets. */
  readonly ticketless: BenchWorker
  readonly bareInsert: BenchWorker
  /** A token of {@link OBJECTS}' patient that all of them take, good for an hour. */
  readonly token: string
  /** Text of the mediaward bundle, as it is deployed. */
  readonly bundle: string
  stop(): Promise<void>
}

/** Starts the workers one after the other, each over its own copy of the same objects, all below `folder`. */
export async function startWorkers(folder: string): Promise<Workers> {
  const issuer = await createIssuer()
  const seeded = join(folder, 'seeded')
  await seed(seeded, issuer, Object.values(OBJECTS))
  const recorded = join(folder, 'recorded')
  cpSync(seeded, recorded, { recursive: true })
  await seed(recorded, issuer, hlsObjects(PATIENT))
  const started: BenchWorker[] = []
  const start = async (
    name: string,
    script: string,
    settings: Settings = {},
    objects: string = seeded,
  ): Promise<BenchWorker> => {
    const data = join(folder, name)
    cpSync(objects, data, { recursive: true })
    const worker = await startWorker(name, script, data, settings)
    started.push(worker)
    return worker
  }
  const worker = await bundle()
  const bindings = variables(issuer)
  const ledger = { durableObjects: DURABLE_OBJECTS }
  return {
    bare: await start('bare', BARE),
    naive: await start('naive', await bundle(NAIVE), {
      bindings: { KEYS: JSON.stringify(issuer.jwks.keys) },
    }),
    mediaward: await start(
      'mediaward',
      worker,
      { bindings: { ...bindings, TICKET_KEY, PUBLIC_URL }, ...ledger },
      recorded,
    ),
    ticketless: await start('mediaward without tickets', worker, { bindings, ...ledger }),
    bareInsert: await start('bare-insert', BARE_INSERT, {
      durableObjects: { LEDGER: DURABLE_OBJECTS.LEDGER },
    }),
    // Plain `JWT` is the kind that hono's middleware takes without being told.
    token: await issuer.token(PATIENT, { exp: Math.floor(Date.now() / 1000) + 3600 }, { typ: 'JWT' }),
    bundle: worker,
    stop: async () => {
      for (const { stop } of started) await stop()
    },
  }
}

/** What a worker is started with. */
export interface Settings {
  readonly bindings?: Record<string, string>
  readonly durableObjects?: Record<string, { className: string; useSQLite: boolean }>
}

/** As `mediaward dev` starts its worker, so that all have the same road from socket to worker. */
export async function startWorker(
  name: string,
  script: string,
  data: string,
  settings: Settings,
): Promise<BenchWorker> {
  const before = childrenOf(process.pid, 'workerd')
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name,
      modules: true,
      script,
      compatibilityDate: '2026-10-20',
      r2Buckets: { RECORDINGS: 'recordings', AUDIT: 'mediaward-audit' },
      resourcePersistencePath: data,
      host: '127.0.0.1',
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.ERROR),
      ...settings,
    }),
  )
  await miniflare.ready
  const { port } = await miniflare.unsafeGetDirectURL()
  const [pid, ...more] = childrenOf(process.pid, 'workerd').filter(child => !before.includes(child))
  if (pid === undefined || more.length > 0) throw new Error(`can't tell which process serves ${name}`)
  return { name, port: Number(port), pids: [pid], stop: () => miniflare.dispose() }
}

/** Fills a folder in a process of its own: the memory that storing takes must not count for reading. */
export async function seed(
  folder: string,
  issuer: TestIssuer,
  objects: readonly BenchObject[],
): Promise<void> {
  const { port, stop } = await startWorker('seed', SEED, folder, {})
  for (const object of objects) {
    const { path, owner } = object
    const metadata = JSON.stringify({ 'mw-owner': owner, 'mw-issuer': issuer.issuer })
    const body = contentOf(object)
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'PUT',
      headers: { metadata },
      body,
    })
    if (!response.ok) throw new Error(`${path} can't be stored: ${await response.text()}`)
  }
  await stop()
}
