import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import type { ReadEntry } from '../../src/ledger/ledger.ts'
import { createArchiveFolder } from '../../src/runtime/folder/archive-folder.ts'
import { settleDeliveries } from '../../src/runtime/postgres/held-deliveries.ts'
import { databaseOf } from '../../src/runtime/postgres/options.ts'
import { createPostgresLedger } from '../../src/runtime/postgres/postgres-ledger.ts'
import { Session } from '../../src/runtime/postgres/session.ts'
import { KEPT } from './archived-ledger.ts'
import { type Counted, countedBy } from './counted.ts'
import { end } from './gate.ts'
import type { PostgresServer } from './postgres-server.ts'

const BEGUN = Date.now()
const PROGRAM = 'test/support/fleet-member.ts'

interface MachineOptions {
  readonly port?: number
  readonly runtime?: 'deno' | 'node'
  readonly authority?: string
}

interface MemberSettings {
  readonly runtime: 'deno' | 'node'
  readonly authority: string | undefined
  readonly archive: string | undefined
  readonly url: string
  readonly confirm: (id: string) => void
}

/** Machines that share one log, as processes that append to it as fast as they are confirmed. */
export class Fleet {
  readonly #server: PostgresServer
  readonly #archive: string | undefined
  /** The address of the database, without a proxy. */
  readonly url: string
  readonly members: Member[] = []
  /** The ids of all records that were confirmed to a machine. */
  readonly confirmed: string[] = []
  /** The sums of deliveries that were confirmed: the process and the place in it. */
  readonly confirmedSums: string[] = []

  private constructor(server: PostgresServer, url: string, archive?: string) {
    this.#server = server
    this.#archive = archive
    this.url = url
  }

  /** @param archive a folder in which its log archives all that it can, if it has one */
  static async create(server: PostgresServer, archive?: string): Promise<Fleet> {
    const fleet = new Fleet(server, await server.createDatabase(), archive)
    // Also those of a test that failed.
    onTestFinished(async () => void (await Promise.all(fleet.members.map(member => member.kill()))))
    return fleet
  }

  /**
   * Starts one more machine.
   *
   * @param port that of a proxy in front of the database, if there is one
   * @param authority a file with the authority of the database's certificate, which is then checked
   */
  add({ port, runtime = 'node', authority }: MachineOptions = {}): Member {
    const url = new URL(this.url)
    if (port !== undefined) url.port = String(port)
    if (authority !== undefined) url.searchParams.set('sslmode', 'verify-full')
    const member = new Member({
      ...{ runtime, authority, url: url.href, archive: this.#archive },
      confirm: line => this.#confirm(line),
    })
    this.members.push(member)
    member.start()
    return member
  }

  #confirm(line: string): void {
    const [first = '', ...sum] = line.split(' ')
    if (first === 'sum') this.confirmedSums.push(sum.join(' '))
    else this.confirmed.push(first)
  }

  /** Has what is held be due. */
  async age(): Promise<void> {
    await this.#server.run("UPDATE mediaward.held_delivery SET came = came - interval '5 minutes'", this.url)
  }

  /** Resolves when so many more records were confirmed. */
  async confirms(more: number): Promise<void> {
    const enough = this.confirmed.length + more
    while (this.confirmed.length < enough) await new Promise(resolve => setTimeout(resolve, 10))
  }

  /** Resolves to the machine that is the log, once there is one; to which one besides `not`. */
  async log(not?: Member): Promise<Member> {
    for (;;) {
      const rows = await this.#server
        .run(
          `SELECT application_name AS name FROM pg_locks JOIN pg_stat_activity USING (pid)
            WHERE locktype = 'advisory' AND classid = 1298490473 AND objid = 3 AND granted AND database =
              (SELECT oid FROM pg_database WHERE datname = '${new URL(this.url).pathname.slice(1)}')`,
        )
        .catch(() => [])
      const found = this.members.find(({ pid }) => rows[0]?.name === `mediaward ${pid}`)
      if (found !== undefined && found !== not) return found
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  /** Ends all machines, brings back what waits in their spools, has all that is held get its index, and resolves to the log. */
  async finish(): Promise<{ readonly entries: readonly ReadEntry[]; readonly counted: Counted }> {
    await Promise.all(this.members.map(member => member.kill()))
    await Promise.all(this.members.map(member => member.drain()))
    const keeping = this.#archive && { archive: createArchiveFolder(this.#archive), limits: KEPT }
    const ledger = createPostgresLedger({ url: this.url }, keeping || undefined)
    const session = new Session(databaseOf({ url: this.url }), { deadline: 10_000 })
    while ((await ledger.held({})).length > 0) {
      await this.age()
      while (await settleDeliveries(session));
    }
    const all: ReadEntry[] = []
    for (let after = '0', more = true; more; ) {
      const page = await ledger.read({ limit: 1000, after })
      all.push(...page.entries)
      ;({ more, cursor: after } = page)
    }
    const counted = await countedBy(query => ledger.count(query))
    session.close()
    ledger.close()
    return { entries: all, counted }
  }
}

/** A machine. */
export class Member {
  readonly #data = mkdtempSync(join(tmpdir(), 'mediaward-'))
  readonly #settings: MemberSettings
  #child: ChildProcess | undefined
  /** What it said on stderr. */
  said = ''
  /** Whether its process ended by itself. */
  hasCrashed = false

  constructor(settings: MemberSettings) {
    this.#settings = settings
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  start(): void {
    this.#child = this.#spawn([])
    this.#child.once('exit', (_, signal) => {
      this.hasCrashed ||= signal !== 'SIGKILL'
    })
    const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })
    lines.on('line', this.#settings.confirm)
  }

  send(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child !== undefined) await end(child, () => child.kill('SIGKILL'))
  }

  /** Brings back what waits in its spool. */
  async drain(): Promise<void> {
    const child = this.#spawn(['drain'])
    const code = await new Promise(resolve => child.once('exit', resolve))
    if (code !== 0) throw new Error(`a machine did not bring its records back:\n${this.said}`)
  }

  #spawn(args: readonly string[]): ChildProcess {
    const { runtime, url, authority, archive } = this.#settings
    const folders = [this.#data, archive ?? []].flat().join()
    const permissions = ['--allow-env', '--allow-net', `--allow-read=${folders}`, `--allow-write=${folders}`]
    const [command, ...before] =
      runtime === 'deno' ? ['deno', 'run', '--quiet', '--no-prompt', ...permissions] : [process.execPath]
    const { PATH, HOME } = process.env
    const child = spawn(command ?? '', [...before, PROGRAM, ...args], {
      env: {
        ...{ PATH, HOME, DATA_DIR: this.#data, DATABASE_URL: url },
        ...(archive !== undefined && { ARCHIVE: archive, BEGUN: `${BEGUN}` }),
        ...(authority !== undefined && { NODE_EXTRA_CA_CERTS: authority, DENO_CERT: authority }),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      this.said += chunk.toString()
    })
    return child
  }
}
