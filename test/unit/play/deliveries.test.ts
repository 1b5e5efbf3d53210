import { expect, test } from 'vitest'
import type { Observed } from '../../../src/ledger/observe.ts'
import type { Recorder } from '../../../src/ledger/recorder.ts'
import { deliveryRecorder } from '../../../src/play/deliveries.ts'

const observed: Observed = { at: 0, now: Date.now, method: 'GET', network: { ip: undefined } } as never

function counted() {
  const facts: unknown[] = []
  const record = (async (_: unknown, recorded: unknown) => void facts.push(recorded)) as unknown as Recorder
  return { deliveries: deliveryRecorder(record, Date.now), facts }
}
const asked = { view: 'view-1', part: undefined, offset: 0, length: 1000 } as const
const noWait = () => {}

test('what was taken of an answer that is cut at the end is counted', async () => {
  const { deliveries, facts } = counted()
  const taken = new Promise<number>(resolve => setTimeout(() => resolve(300), 50))
  deliveries.sending(observed, { ...asked, taken }, noWait)
  await deliveries.flush()
  expect(facts).toMatchObject([{ kind: 'delivery', bytes: 300, cut: 1, assumed: 0 }])
})

test('of an answer that nobody hears of again all counts that was asked for, and it counts once', async () => {
  const { deliveries, facts } = counted()
  let tell: (bytes: number) => void = () => {}
  const taken = new Promise<number>(resolve => {
    tell = resolve
  })
  deliveries.sending(observed, { ...asked, taken }, noWait)
  await deliveries.flush()
  tell(300)
  await deliveries.flush()
  expect(facts).toMatchObject([{ kind: 'delivery', bytes: 1000, assumed: 1 }])
})
