import { readFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { eventId } from '../../src/ledger/event-id.ts'
import type { Ledger, LedgerEntry, ReadEntry } from '../../src/ledger/ledger.ts'
import { createPostgresControl } from '../../src/runtime/postgres/control/postgres-control.ts'
import { PostgresFollowerStates } from '../../src/runtime/postgres/follower-states.ts'
import { LogCalls } from '../../src/runtime/postgres/log-calls.ts'
import type { PostgresLedger } from '../../src/runtime/postgres/postgres-ledger.ts'
import { ROUND, takeRound } from '../../src/runtime/postgres/round.ts'
import { eagerly, hurriedClock, keepNothing } from '../support/archived-ledger.ts'
import { FAKE_RULES } from '../support/fake-rules.ts'
import { laterLedger } from '../support/later-ledger.ts'
import {
  createDatabase,
  keep,
  openLedger,
  openSession,
  runStatements,
  usePostgres,
} from '../support/postgres-test.ts'
import { lockdown } from './control.ts'
import { followerStatesContract } from './follower-states.ts'
import { ledgerContract } from './ledger.ts'

usePostgres()

/** Returns a ledger of which each append archives and prunes, when it is the log. */
async function eagerOver(ledger: PostgresLedger): Promise<Ledger> {
  await new Promise<void>(resolve => ledger.assign({ begin: resolve, wake() {}, end() {} }))
  if (ledger.archiver === undefined) throw new Error('the ledger has no archive')
  return eagerly(ledger, ledger.archiver)
}

/** Creates a ledger in a database of its own. */
function createLedger(): Ledger {
  const ledger = createDatabase().then(openLedger)
  return laterLedger(ledger)
}

ledgerContract('PostgreSQL', createLedger)
ledgerContract(
  'PostgreSQL that archives and prunes at once',
  () => laterLedger(createDatabase().then(url => eagerOver(openLedger(url, keepNothing(), hurriedClock())))),
  true,
)
followerStatesContract('PostgreSQL', async work =>
  work(new PostgresFollowerStates(openSession(await createDatabase()))),
)

const entry = (members: object = {}): LedgerEntry => {
  const id = eventId(Date.UTC(2026, 10, 23))
  return { id, json: JSON.stringify({ id, kind: 'access', t: '2026-11-23T00:00:00.000Z', ...members }) }
}

async function readAll(ledger: Ledger): Promise<ReadEntry[]> {
  const all: ReadEntry[] = []
  for (let after = '0', more = true; more; ) {
    const page = await ledger.read({ limit: 1000, after })
    all.push(...page.entries)
    ;({ more, cursor: after } = page)
  }
  return all
}

/** Checks that a role can find something, and change it. */
async function expectWatching(url: string): Promise<void> {
  const { findings, ...ledger } = openLedger(url, undefined, undefined, FAKE_RULES)
  await ledger.append([
    entry({ reason: 'not_owner', subject: 'psn_1' }),
    ...[1, 2, 3].map(i => entry({ reason: 'recording_unknown', subject: 'psn_1', recording: `rec-${i}` })),
  ])
  const list = async () => (await findings?.list({ limit: 10 }))?.findings ?? []
  await vi.waitFor(async () => expect(await list()).toHaveLength(3), 10_000)
  const [{ id } = { id: '' }] = await list()
  const comment = { action: 'comment', by: 'psn_2', text: 'a look' } as const
  expect(await findings?.act(id, comment)).toMatchObject({ finding: { id } })
  const [text] = (await findings?.show(id))?.texts ?? []
  expect(await findings?.eraseText(text?.id ?? '', 'psn_2')).toBe(true)
}

/** Inserts a record into the inbox, as `append` does. */
const insert = ({ id, json }: LedgerEntry) =>
  `INSERT INTO mediaward.inbox (id, json, recorded, terms, counts) VALUES ('${id}', '${json}', 0, '[]', '[]')`

describe('the log in PostgreSQL', () => {
  test('rounds of several processes at once give each record one index, and skip none', async () => {
    const url = await createDatabase()
    const ledger = openLedger(url)
    const sessions = Array.from({ length: 4 }, () => openSession(url))
    const entries = Array.from({ length: 3_000 }, () => entry())
    let isAppending = true
    const rounds = sessions.map(async session => {
      while (isAppending) await takeRound(session)
    })
    for (let i = 0; i < entries.length; i += 30) {
      const some = entries.slice(i, i + 30)
      // Some of them twice, at the same time.
      await Promise.all([ledger.append(some), ...some.slice(0, 5).map(one => ledger.append([one]))])
    }
    isAppending = false
    await Promise.all(rounds)
    const all = await readAll(ledger)
    expect(all.map(({ index }) => index)).toEqual(entries.map((_, index) => index))
    expect(all.map(({ id }) => id).sort()).toEqual(entries.map(({ id }) => id).sort())
  })

  test('a record whose transaction commits late, after others with higher numbers, is not skipped', async () => {
    const url = await createDatabase()
    const ledger = openLedger(url)
    await ledger.append([entry()])
    const late = entry()
    const committing = runStatements(`BEGIN; ${insert(late)}; SELECT pg_sleep(1); COMMIT`, url)
    await vi.waitFor(async () => {
      const running = await runStatements("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
      expect(running).toHaveLength(1)
    })
    const others = Array.from({ length: 5 }, () => entry())
    for (const one of others) await ledger.append([one])
    expect(await readAll(ledger)).toHaveLength(6)
    await committing
    expect((await readAll(ledger)).at(-1)).toMatchObject({ id: late.id, index: 6 })
  })

  test('a full round leaves the rest to the next one, in the order of coming', async () => {
    const url = await createDatabase()
    const session = openSession(url)
    await takeRound(session)
    await session.query(
      `INSERT INTO mediaward.inbox (id, json, recorded, terms, counts)
        SELECT lpad((5000 - i)::text, 4, '0'), '{}', 0, '[]', '[]' FROM generate_series(1, ${ROUND + 1}) AS i`,
    )
    expect([await takeRound(session), await takeRound(session), await takeRound(session)]).toEqual([
      ROUND,
      1,
      0,
    ])
    const [last] = await session.query<{ id: string }>(
      'SELECT id FROM mediaward.event WHERE index = $1',
      ROUND,
    )
    expect(last?.id).toBe(`${5000 - ROUND - 1}`)
  })

  test('the log gives a record its index within 250 ms, also if there is no reader', async () => {
    const url = await createDatabase()
    const ledger = openLedger(url)
    await ledger.append([entry()])
    const session = openSession(url)
    await vi.waitFor(async () => {
      expect(await session.query('SELECT FROM pg_locks WHERE objid = 3 AND granted')).toHaveLength(1)
    }, 5_000)
    const waits: number[] = []
    for (let i = 0; i < 5; i++) {
      await ledger.append([entry()])
      const began = performance.now()
      while ((await session.query('SELECT FROM mediaward.inbox')).length > 0);
      waits.push(performance.now() - began)
    }
    expect(waits.sort((a, b) => a - b)[2]).toBeLessThan(250)
  })

  test.each<[string, string]>([
    ['of a megabyte', 'x'.repeat(2 ** 20)],
    ['with a NUL', 'a\0b'],
    ['with half of a character', 'a\ud83d'],
    ['that looks like SQL', "'; DROP TABLE mediaward.event; --"],
    ['that PostgreSQL would read as JSON', '{"a":[1,"]"}'],
  ])('a record is stored and found by a value %s', async (_, value) => {
    const ledger = createLedger()
    const entries = [entry({ release: value }), entry({ release: `${value}x` })]
    await ledger.append(entries)
    const { entries: found } = await ledger.read({ limit: 10, release: value })
    expect(found).toEqual([{ ...entries[0], index: found[0]?.index }])
  })

  test('a record that is not JSON has its place in the log', async () => {
    const ledger = createLedger()
    const entries = [{ id: 'a', json: 'no JSON' }, { id: 'b', json: '[' }, entry()]
    await ledger.append(entries)
    expect((await ledger.read({ limit: 10 })).entries).toHaveLength(3)
  })

  test('a record that PostgreSQL can not store is refused to its own caller, and stops no other', async () => {
    const ledger = createLedger()
    await ledger.append([entry()])
    const results = await Promise.allSettled([
      ledger.append([entry()]),
      ledger.append([{ id: 'x'.repeat(201), json: '{}' }]),
    ])
    expect(results.at(-1)?.status).toBe('rejected')
    await ledger.append([entry()])
    expect((await ledger.read({ limit: 10 })).entries.length).toBeGreaterThanOrEqual(2)
  })

  test('two gates that start at once on an empty database both work', async () => {
    const url = await createDatabase()
    const ledgers = Array.from({ length: 5 }, () => openLedger(url))
    await Promise.all(ledgers.map(ledger => ledger.append([entry()])))
    for (const ledger of ledgers) expect((await ledger.read({ limit: 10 })).entries).toHaveLength(5)
  })

  test('a gate refuses tables of a later version', async () => {
    const url = await createDatabase()
    await openLedger(url).read({ limit: 1 })
    await runStatements('UPDATE mediaward.version SET number = number + 1', url)
    await expect(openLedger(url).append([entry()])).rejects.toThrow('of a later version of mediaward')
  })

  test('a role with the rights of docs/fleet.md can do all that a gate does, and change no record', async () => {
    const url = await createDatabase()
    const owner = openLedger(url)
    await owner.append([entry()])
    const role = new URL(url)
    role.username = 'gate'
    role.password = 'secret'
    const [, documented = ''] =
      /```sql\n(CREATE ROLE gate [\s\S]*?)```/.exec(readFileSync('docs/fleet.md', 'utf8')) ?? []
    await runStatements(documented.replace('…', role.password), url)
    const ledger = openLedger(role.href)
    await ledger.append([entry()])
    expect((await ledger.read({ limit: 10, kind: 'access' })).entries).toHaveLength(2)
    const control = keep(createPostgresControl({ url: role.href }, Date.now))
    await control.add(lockdown(Date.now(), { reason: 'a leak', until: Date.now() + 1_000 }))
    const undoing = { at: Date.now(), reason: 'over', needsSecond: true }
    expect(await control.undo(1, { ...undoing, by: 'psn_1' })).toBe('proposed')
    expect(await control.list()).toHaveLength(1)
    expect(await control.undo(1, { ...undoing, by: 'psn_2' })).toBe('undone')
    expect(await control.changes(1, 0)).toMatchObject({ changes: [{ undoes: 1 }] })
    await control.eraseReason(1)
    expect(await control.reasons(1)).toEqual({})
    // Without rules, they would be the log.
    for (const one of [owner, ledger]) one.close()
    await expectWatching(role.href)
    const change = openSession(role.href).query("UPDATE mediaward.event SET json = '{}'")
    await expect(change).rejects.toThrow('PostgreSQL failed (42501, the role lacks a right)')
  })

  test('a process that is no longer the log stores nothing of its followers', async () => {
    const url = await createDatabase()
    const [before, after] = [openSession(url), openSession(url)].map(one => new PostgresFollowerStates(one))
    await before?.save('siem', { index: 5, failures: 0 })
    const late = after?.save('siem', { index: 3, failures: 0 }, [
      { index: 1, id: 'a', reason: 'no', time: 1 },
    ])
    await expect(late).rejects.toThrow('another process is the log')
    await expect(after?.bury('siem', [1])).rejects.toThrow('another process is the log')
    expect(await after?.load('siem')).toEqual({ index: 5, failures: 0 })
    expect(await after?.countDeadLetters('siem')).toBe(0)
  })

  test('a call to the log is answered once, by its value or as a failure', async () => {
    const url = await createDatabase()
    const [caller, answering] = [new LogCalls(openSession(url)), new LogCalls(openSession(url))]
    let count = 0
    const answer = async (call: unknown) => {
      count += 1
      await new Promise(resolve => setTimeout(resolve, 300))
      if (call === 'fail') throw new Error('secret')
      return { to: call }
    }
    const calls = [caller.call({ name: 'siem' }), caller.call('fail')]
    const settled = Promise.allSettled(calls)
    // The last one may be under way when the connection ends.
    const timer = setInterval(() => void answering.answer(answer).catch(() => {}), 50)
    const [value, failure] = await settled
    clearInterval(timer)
    expect(value).toEqual({ status: 'fulfilled', value: { to: { name: 'siem' } } })
    expect(failure).toMatchObject({ reason: { message: 'the process that is the log failed' } })
    expect(count).toBe(2)
  })

  test('a failure says neither the password nor the address', async () => {
    const url = new URL(await createDatabase())
    url.password = 'hunter3'
    const [wrong, away] = [openLedger(url.href), openLedger(`postgres://clinic:hunter3@127.0.0.1:1/x`)]
    const failures = await Promise.allSettled([wrong.append([entry()]), away.append([entry()])])
    const messages = failures.map(one => (one.status === 'rejected' ? one.reason.message : ''))
    expect(messages).toEqual([
      'PostgreSQL failed (28P01, the password is wrong)',
      "PostgreSQL can't be reached (ECONNREFUSED)",
    ])
  })
})
