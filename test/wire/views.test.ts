import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RUNTIME, type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, records, store, type TestIssuer, variables } from '../support/gate-client.ts'

const SIZE = 64 * 2 ** 20
let gate: RunningGate
let idp: TestIssuer

beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({ vars: variables(idp) })
  expect((await store(gate, idp, '/recordings/short', 'patient-1', 'x'.repeat(1000))).status).toBe(201)
  expect((await store(gate, idp, '/recordings/long', 'patient-1', new Uint8Array(SIZE))).status).toBe(201)
})
afterAll(() => gate.stop())

test('many requests of one viewer are one view, and its delivered bytes are recorded within half a minute', async () => {
  const headers = await idp.bearer('patient-1')
  const ranges = ['bytes=0-99', 'bytes=100-199', 'bytes=500-', 'bytes=100-199']
  for (const Range of ranges) {
    const response = await fetch(`${gate.url}/recordings/short`, { headers: { ...headers, Range } })
    expect(response.status).toBe(206)
    await response.arrayBuffer()
  }
  await leaveEarly(headers)
  const views = await records(gate, idp, 'view')
  expect(views.map(({ recording }) => recording)).toEqual(['short', 'long'])

  for (let i = 0; i < 30 && (await records(gate, idp, 'delivery')).length < 2; i++) await sleep(1000)
  const [short, long] = await records(gate, idp, 'delivery')
  const parts = [
    {
      ranges: [
        [0, 199],
        [500, 999],
      ],
    },
  ]
  expect(short).toMatchObject({
    view: views[0]?.id,
    recording: 'short',
    answers: 4,
    cut: 0,
    bytes: 800,
    parts,
  })
  expect(long).toMatchObject({ view: views[1]?.id, recording: 'long', answers: 1 })
  // R2 can tell that the viewer left, and not when: all of it counts as having left.
  if (RUNTIME === 'workerd') expect(long).toMatchObject({ assumed: 1, cut: 1, bytes: SIZE })
  else {
    expect(long).toMatchObject({ assumed: 0, cut: 1 })
    expect(long?.bytes).toBeGreaterThan(0)
    expect(long?.bytes).toBeLessThan(SIZE)
  }
})

/** Takes a little of a long recording and hangs up. */
async function leaveEarly(headers: Record<string, string>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const sent = request(`${gate.url}/recordings/long`, { headers }, answer => {
      answer.once('data', () => {
        sent.destroy()
        resolve()
      })
      answer.on('error', () => {})
    })
    sent.on('error', error => (sent.destroyed ? undefined : reject(error)))
    sent.end()
  })
}
