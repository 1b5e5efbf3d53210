import { spawn, spawnSync } from 'node:child_process'
import { linkSync, mkdirSync, openAsBlob, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFolderStore } from '../../src/runtime/local/index.ts'
import { createIssuer, type TestIssuer, variables } from '../support/gate-client.ts'
import { createPostgresServer } from '../support/postgres-server.ts'
import { startService } from '../support/service.ts'
import { hlsObjects, PUBLIC_URL, TICKET_KEY } from './hls.ts'
import { childrenOf } from './process-facts.ts'
import { type BenchObject, type BenchWorker, contentOf } from './workers.ts'

const MEBIBYTE = 2 ** 20
const PATIENT = 'patient-1'
const HERE = new URL('.', import.meta.url).pathname

const object = (name: string, mebibytes: number, owner = PATIENT): BenchObject => ({
  path: `/recordings/${name}`,
  size: mebibytes * MEBIBYTE,
  owner,
})

/** What is in every folder. */
export const FILES = {
  seekable: object('seekable', 64),
  large: object('large', 1024),
  foreign: object('foreign', 1, 'patient-2'),
}

/** All that serve the same files on one machine. */
export interface Machine {
  readonly node: BenchWorker
  readonly deno: BenchWorker
  /** A machine of a fleet: Node, with its ledger in PostgreSQL, which writes to the disk as it does by default. */
  readonly fleet: BenchWorker
  /** nginx with `auth_request` to a service that verifies each token. Undefined where there is no nginx. */
  readonly nginx: BenchWorker | undefined
  /** The same, but nginx remembers for 10 s what the service said. */
  readonly nginxMemory: BenchWorker | undefined
  readonly plainNode: BenchWorker
  readonly plainDeno: BenchWorker
  /** A token of the files' patient, good for an hour. */
  readonly token: string
  stop(): Promise<void>
}

/** Starts the servers one after the other, over the same files, all below `folder`. */
export async function startMachine(folder: string): Promise<Machine> {
  const issuer = await createIssuer()
  const data = join(folder, 'machine-node')
  await fill(data, issuer)
  // Links, not copies: what is in the cache of the disk for one is there for all.
  const deno = join(folder, 'machine-deno')
  await linked(data, deno)
  const root = join(folder, 'machine-files')
  mkdirSync(join(root, 'recordings'), { recursive: true })
  for (const name of readdirSync(join(data, 'recordings/recordings'))) {
    const [, id] = /^([a-z]+)@[0-9a-f]{32}$/.exec(name) ?? []
    if (id !== undefined) linkSync(join(data, 'recordings/recordings', name), join(root, 'recordings', id))
  }
  const started: BenchWorker[] = []
  const keep = <Worker extends BenchWorker | undefined>(worker: Worker): Worker => {
    if (worker !== undefined) started.push(worker)
    return worker
  }
  return {
    node: keep(await gate('node', data, issuer)),
    deno: keep(await gate('deno', deno, issuer)),
    fleet: keep(await fleetGate(join(folder, 'machine-fleet'), issuer)),
    nginx: keep(await nginx('nginx, verifying each token', join(folder, 'nginx'), root, issuer)),
    nginxMemory: keep(await nginx('nginx with a memory', join(folder, 'nginx-memory'), root, issuer, MEMORY)),
    plainNode: keep(await program('plain node', [process.execPath, join(HERE, 'plain.node.ts'), root])),
    plainDeno: keep(await program('plain deno', ['deno', 'run', '-A', join(HERE, 'plain.deno.js'), root])),
    token: await issuer.token(PATIENT, { exp: Math.floor(Date.now() / 1000) + 3600 }),
    stop: async () => {
      for (const { stop } of started) await stop()
    },
  }
}

async function fill(data: string, { issuer }: TestIssuer): Promise<void> {
  const store = createFolderStore(join(data, 'recordings'))
  for (const object of [...Object.values(FILES), ...hlsObjects(PATIENT)]) {
    const { path, size, owner } = object
    const file = join(data, 'bytes')
    writeFileSync(file, contentOf(object))
    const body = (await openAsBlob(file)).stream()
    const ownership = { owner, issuer }
    await store.put(path.slice(1), body, { size, contentType: 'video/mp4', ownership, replaces: null })
  }
}

async function linked(from: string, to: string): Promise<void> {
  const files = join('recordings', 'recordings')
  const entries = readdirSync(join(from, files), { recursive: true, withFileTypes: true })
  for (const entry of entries.filter(one => one.isFile())) {
    const name = join(entry.parentPath, entry.name)
    const link = join(to, name.slice(from.length))
    mkdirSync(dirname(link), { recursive: true })
    linkSync(name, link)
  }
}

/** Starts a gate on Node whose ledger is in PostgreSQL. It has no recordings. */
export async function fleetGate(data: string, issuer: TestIssuer): Promise<BenchWorker> {
  const server = await createPostgresServer('npm', { settings: ['fsync=on'] })
  const worker = await gate('node', data, issuer, {
    DATABASE_URL: await server.createDatabase(),
    S3_ENDPOINT: 'http://127.0.0.1:9',
    S3_BUCKET: 'recordings',
    S3_ACCESS_KEY_ID: 'key',
    S3_SECRET_ACCESS_KEY: 'secret',
  })
  return {
    ...worker,
    name: 'node on PostgreSQL',
    stop: async () => {
      await worker.stop()
      await server.remove()
    },
  }
}

async function gate(
  runtime: 'node' | 'deno',
  data: string,
  issuer: TestIssuer,
  more: Readonly<Record<string, string>> = {},
): Promise<BenchWorker> {
  const { url, pid, kill, ended } = await startService(runtime, data, {
    ...variables(issuer),
    TICKET_KEY,
    ADDRESS_HEADER: 'X-Real-IP',
    PUBLIC_URL,
    ...more,
  })
  return {
    name: runtime,
    port: Number(new URL(url).port),
    pids: [pid],
    stop: async () => {
      kill('SIGTERM')
      await ended
    },
  }
}

/** Starts a program that says where it serves. */
async function program(name: string, [command = '', ...args]: readonly string[]): Promise<BenchWorker> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const line = await new Promise<string>(resolve => {
    createInterface({ input: child.stdout }).once('line', resolve)
  })
  const { url } = JSON.parse(line) as { url: string }
  return {
    name,
    port: Number(new URL(url).port),
    pids: [child.pid ?? 0],
    stop: async () => {
      child.kill()
    },
  }
}

/** What nginx takes to remember a permit. Its key is the token and the path: nobody has another's. */
const MEMORY = `
      proxy_cache permits;
      proxy_cache_key "$http_authorization $request_uri";
      proxy_cache_valid 204 10s;`

async function nginx(
  name: string,
  folder: string,
  root: string,
  issuer: TestIssuer,
  remembering = '',
): Promise<BenchWorker | undefined> {
  if (spawnSync('nginx', ['-v']).status !== 0) return undefined
  mkdirSync(folder, { recursive: true })
  const owners = Object.fromEntries(
    Object.values(FILES).map(({ path, owner }) => [path.split('/').at(-1), owner]),
  )
  const settings = join(folder, 'verifier.json')
  writeFileSync(settings, JSON.stringify({ ...issuer, owners }))
  const verifier = await program('verifier', [process.execPath, join(HERE, 'verifier.ts'), settings])
  const port = 20_000 + Math.floor(Math.random() * 10_000)
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, nginxConfiguration(folder, root, port, verifier.port, remembering))
  const child = spawn('nginx', ['-c', file, '-p', folder, '-g', 'daemon off;'], { stdio: 'inherit' })
  await sleep(1000)
  return {
    name,
    port,
    // Those that answer: one that looks after a cache comes and goes.
    pids: [...childrenOf(child.pid ?? 0, 'nginx').filter(isWorker), ...verifier.pids],
    stop: async () => {
      child.kill('SIGQUIT')
      await verifier.stop()
    },
  }
}

const isWorker = (pid: number): boolean =>
  readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('nginx: worker')

/**
 * As one would set it up with care: connections to the service are kept, nothing is logged. Without `tcp_nopush`, which
 * many copy from examples: with it, answers to ranges waited 40 ms for an acknowledgement here.
 */
function nginxConfiguration(
  folder: string,
  root: string,
  port: number,
  verifier: number,
  remembering: string,
): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map(name => `${name}_temp_path ${folder}/nginx-${name};`)
    .join(' ')
  return `
user root; worker_processes auto; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; keepalive_requests 10000000; default_type video/mp4; ${temporary}
  proxy_cache_path ${folder}/permits keys_zone=permits:10m;
  upstream verifier { server 127.0.0.1:${verifier}; keepalive 64; keepalive_requests 10000000; }
  server {
    listen 127.0.0.1:${port};
    root ${root};
    location /recordings/ { auth_request /verify; add_header Cache-Control "private, no-store"; }
    location = /verify {
      internal;${remembering}
      proxy_pass http://verifier/;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header X-Original-URI $request_uri;
    }
  }
}
`
}
