import { expect, onTestFinished, test } from 'vitest'
import { FleetSinks } from '../../src/runtime/local/fleet-sinks.ts'
import { startSinks } from '../../src/runtime/local/local-sinks.ts'
import { createPostgresControl } from '../../src/runtime/postgres/control/postgres-control.ts'
import { watchWith } from '../../src/watch/in-force.ts'
import { createDatabase, openLedger, usePostgres } from '../support/postgres-test.ts'
import { refusal } from '../support/refusal.ts'

usePostgres()

test('the process that is the log of a fleet responds, once, also after another one has become the log', async () => {
  const url = await createDatabase()
  const control = createPostgresControl({ url }, Date.now)
  onTestFinished(() => control.close())
  const join = () => {
    const log = openLedger(url, undefined, Date.now, watchWith())
    const of = { ledger: log, states: log.states, data: '', control, findings: log.findings }
    const sinks = new FleetSinks(
      () => startSinks({ respond: ['RG-002'] }, of),
      call => log.call(call),
    )
    log.assign(sinks)
    return log
  }
  const first = join()
  await expect.poll(() => first.findings?.endSuppression('none', 'psn_0'), { timeout: 10_000 }).toBe(false)
  // The response begins at the end of the log that it finds.
  await expect.poll(() => first.states.load('response'), { timeout: 10_000 }).toBeDefined()
  const steal = (i: number) =>
    refusal('not_owner', { subject: 'psn_1', session: 'psn_2', recording: `rec-${i}` }, Date.now())
  await first.append(Array.from({ length: 12 }, (_, i) => steal(i)))
  const locked = async () => (await control.list()).map(({ scope, value, by }) => ({ scope, value, by }))
  await expect.poll(locked, { timeout: 10_000 }).toEqual([{ scope: 'session', value: 'psn_2', by: 'RG-002' }])
  first.close()
  const second = join()
  await second.append([steal(20), steal(21), steal(22)])
  await expect
    .poll(async () => (await second.findings?.list({ limit: 9, rule: 'RG-002' }))?.findings[0]?.contained, {
      timeout: 20_000,
    })
    .toMatchObject({ by: 'RG-002', epoch: 1 })
  expect(await locked()).toHaveLength(1)
}, 60_000)
