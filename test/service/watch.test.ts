import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createPostgresLedger } from '../../src/runtime/postgres/postgres-ledger.ts'
import { FAKE_RULES } from '../support/fake-rules.ts'
import { end } from '../support/gate.ts'
import { createPostgresServer, type PostgresServer } from '../support/postgres-server.ts'
import { refusal } from '../support/refusal.ts'
import { LONG } from '../support/sample.ts'
import { expectWatched } from '../support/watched-whole.ts'

// The rules of a fleet, whose log is killed or hangs: nothing is found twice, and nothing is missed.

let server: PostgresServer
beforeAll(async () => {
  server = await createPostgresServer('npm')
})
afterAll(() => server?.remove())

const KILLS = LONG ? 30 : 5
const PROGRAM = 'test/support/watching-process.ts'
const pause = (milliseconds: number) => new Promise(resolve => setTimeout(resolve, milliseconds))

const kill = async (log: ChildProcess): Promise<void> => {
  await end(log, () => log.kill('SIGKILL'))
}
// The server ends the connection of one that is silent, and another one is the log.
const hang = async (log: ChildProcess): Promise<void> => {
  log.kill('SIGSTOP')
}

test.each<['was killed' | 'hangs', (log: ChildProcess) => Promise<void>]>([
  ['was killed', kill],
  ['hangs', hang],
])(
  'a fleet whose log %s has found all that is in it, each once, with its records',
  { timeout: 120_000 + KILLS * 20_000 },
  async (how, stop): Promise<void> => {
    const url = await server.createDatabase()
    const members: ChildProcess[] = []
    const add = () => {
      const { PATH, HOME } = process.env
      const env = { PATH, HOME, DATABASE_URL: url }
      members.push(spawn(process.execPath, [PROGRAM], { env, stdio: ['ignore', 'ignore', 'inherit'] }))
    }
    const endAll = () => Promise.all(members.map(kill))
    onTestFinished(async () => void (await endAll()))
    const log = async (): Promise<ChildProcess> => {
      for (;;) {
        const [row]: readonly Record<string, unknown>[] = await server.run(
          `SELECT application_name AS name FROM pg_locks JOIN pg_stat_activity USING (pid)
            WHERE locktype = 'advisory' AND classid = 1298490473 AND objid = 3 AND granted
              AND datname = '${new URL(url).pathname.slice(1)}'`,
        )
        const found: ChildProcess | undefined = members.find(({ pid }) => row?.name === `mediaward ${pid}`)
        if (found !== undefined) return found
        await pause(20)
      }
    }
    add()
    add()
    for (let time = 0; time < (how === 'hangs' ? 1 : KILLS); time++) {
      const current = await log()
      await pause(LONG ? 1_000 * Math.random() : 300 + 211 * time)
      await stop(current)
      if (how === 'hangs') {
        while ((await log()) === current) await pause(100)
        await pause(500)
        current.kill('SIGCONT')
        await pause(500)
      } else {
        add()
      }
    }
    await endAll()
    const ledger = createPostgresLedger({ url }, undefined, undefined, FAKE_RULES)
    onTestFinished(() => ledger.close())
    const { findings } = ledger
    if (findings === undefined) throw new Error('the ledger has no rules')
    const check = () => expectWatched({ ledger, findings })
    await expect.poll(() => check().catch(() => 0), { timeout: 30_000 }).toBeGreaterThan(100)
    // It stays so.
    await pause(1_000)
    expect(await check()).toBeGreaterThan(100)
  },
)

test('a finding follows its record within a second', async () => {
  const ledger = createPostgresLedger(
    { url: await server.createDatabase() },
    undefined,
    undefined,
    FAKE_RULES,
  )
  onTestFinished(() => ledger.close())
  await ledger.append([refusal('token_missing')])
  await expect.poll(async () => (await ledger.findings?.endSuppression('none', 'psn_0')) ?? true).toBe(false)
  const waits: number[] = []
  for (let i = 0; i < 10; i++) {
    const began = performance.now()
    await ledger.append([refusal('not_owner', { subject: `psn_${i}` })])
    const list = async () => (await ledger.findings?.list({ limit: 100 }))?.findings.length
    while ((await list()) !== i + 1) await pause(5)
    waits.push(performance.now() - began)
  }
  expect(Math.max(...waits)).toBeLessThan(1_000)
})
