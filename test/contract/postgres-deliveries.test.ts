import { describe, expect, test } from 'vitest'
import { settleDeliveries } from '../../src/runtime/postgres/held-deliveries.ts'
import { InboxWriter } from '../../src/runtime/postgres/inbox-writer.ts'
import { takeRound } from '../../src/runtime/postgres/round.ts'
import type { Session } from '../../src/runtime/postgres/session.ts'
import { createDatabase, openLedger, openSession, usePostgres } from '../support/postgres-test.ts'
import { deliveriesContract, delivery } from './deliveries.ts'

usePostgres()

/** Has what is held come so many milliseconds earlier. */
const age = (session: Session, milliseconds: number) =>
  session.queryInOrder(
    `UPDATE mediaward.held_delivery SET came = came - interval '${milliseconds} milliseconds'`,
    `UPDATE mediaward.held_id SET came = came - interval '${milliseconds} milliseconds'`,
  )

async function settleAll(session: Session): Promise<void> {
  await takeRound(session)
  while (await settleDeliveries(session));
}

deliveriesContract('PostgreSQL', async () => {
  const url = await createDatabase()
  const session = openSession(url)
  let ledger = openLedger(url)
  return {
    ledger,
    async pass(milliseconds) {
      await takeRound(session)
      await age(session, milliseconds)
      await settleAll(session)
    },
    async restart() {
      ledger.close()
      ledger = openLedger(url)
      return ledger
    },
  }
})

describe('deliveries in PostgreSQL', () => {
  test('processes that put deliveries together at once count each sum once, and lose none', async () => {
    const url = await createDatabase()
    const sessions = Array.from({ length: 4 }, () => openSession(url))
    const ledgers = Array.from({ length: 3 }, () => openLedger(url))
    const [first] = sessions
    if (first === undefined) throw new Error('there is no session')
    let isAppending = true
    const settling = sessions.map(async (session, i) => {
      while (isAppending) {
        if (i === 0) await age(session, 200_000)
        await settleAll(session)
      }
    })
    const views = Array.from({ length: 30 }, (_, i) => `view-${i}`)
    const rounds = 40
    for (let round = 0; round < rounds; round++) {
      const sums = views.map(view => delivery(view, round * 10))
      // Each comes to two machines.
      await Promise.all(ledgers.slice(0, 2).map(ledger => ledger.append(sums)))
    }
    isAppending = false
    await Promise.all(settling)
    await takeRound(first)
    await age(first, 400_000)
    await settleAll(first)
    const { entries } = (await ledgers[0]?.read({ limit: 1000 })) ?? { entries: [] }
    expect(entries.length).toBeLessThan(views.length * rounds)
    expect(entries.map(({ index }) => index)).toEqual(entries.map((_, index) => index))
    const records = entries.map(({ json }) => JSON.parse(json))
    for (const view of views) {
      const own = records.filter(record => record.view === view)
      const seqs = own.flatMap(({ merged, gate }) =>
        (merged ?? [{ seq: [gate.seq] }]).flatMap(({ seq }: { seq: number[] }) => seq),
      )
      expect(new Set(seqs).size).toBe(rounds)
      expect(seqs).toHaveLength(rounds)
      expect(own.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(rounds * 10)
    }
    expect(await ledgers[0]?.held({})).toEqual([])
  })

  test('a sum that comes again in the round that gives its view an index takes nothing away from it', async () => {
    const session = openSession(await createDatabase())
    const inbox = new InboxWriter(session)
    const [one, two] = [delivery('a', 0), delivery('a', 10)]
    await inbox.write([one, two])
    await takeRound(session)
    await age(session, 400_000)
    await inbox.write([one])
    await settleDeliveries(session)
    await takeRound(session)
    const records = await session.query<{ json: string }>('SELECT json FROM mediaward.event')
    expect(records.map(({ json }) => JSON.parse(json).bytes)).toEqual([20])
  })

  test('the elected log puts deliveries together by itself', async () => {
    const url = await createDatabase()
    const ledger = openLedger(url)
    const session = openSession(url)
    await ledger.append([delivery('a', 0), delivery('a', 10)])
    await ledger.held({})
    await age(session, 400_000)
    await expect
      .poll(async () => (await ledger.read({ limit: 10 })).entries.length, { timeout: 20_000 })
      .toBe(1)
  })

  test('a view whose name PostgreSQL can not store has an index for each sum', async () => {
    const url = await createDatabase()
    const ledger = openLedger(url)
    await ledger.append([delivery('a\0b', 0), delivery('x'.repeat(300), 0), delivery('x'.repeat(301), 0)])
    expect((await ledger.read({ limit: 10 })).entries).toHaveLength(3)
  })
})
