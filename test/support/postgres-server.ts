import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { end } from './gate.ts'

/** A PostgreSQL server of the tests, with a database of its own in a temporary folder. */
export interface PostgresServer {
  /** The variables by which a client finds it (https://www.postgresql.org/docs/current/libpq-envars.html). */
  readonly variables: Readonly<Record<string, string>>
  readonly start: () => Promise<void>
  /** Ends it at once, with all its connections. */
  readonly stop: () => Promise<void>
  /** Stops it, and takes its folder away. */
  readonly remove: () => Promise<void>
}

/** The password of its only user, which must never be in a log. */
export const PASSWORD = 'hunter2'

/** Creates a server from Debian's package `postgresql`, and starts it. */
export async function createPostgresServer(): Promise<PostgresServer> {
  const [programs] = globSync('/usr/lib/postgresql/*/bin').sort()
  if (programs === undefined) throw new Error('the Debian package postgresql is missing')
  // Beside the temporary folder of the tests and not in it, as no other user can look into that.
  const folder = mkdtempSync(join(dirname(tmpdir()), 'mediaward-postgres-'))
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
  const port = await freePort()
  let server: ChildProcess | undefined
  const start = async () => {
    const settings = ['listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, 'fsync=off']
    const args = ['-D', data, '-p', String(port), ...settings.flatMap(one => ['-c', one])]
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
  await start()
  return {
    variables: {
      PGHOST: '127.0.0.1',
      PGPORT: String(port),
      PGUSER: 'clinic',
      PGPASSWORD: PASSWORD,
      PGDATABASE: 'postgres',
    },
    start,
    stop,
    remove: async () => {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** PostgreSQL refuses to run as root: then it runs as the user that its package makes. */
function unprivileged(): { readonly uid: number; readonly gid: number } | Record<never, never> {
  if (process.getuid?.() !== 0) return {}
  const idOf = (kind: string) => Number(execFileSync('id', [kind, 'postgres']))
  return { uid: idOf('-u'), gid: idOf('-g') }
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
