import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { createGate } from '../../../src/index.ts'
import {
  createMemoryControl,
  createMemoryLedger,
  createMemoryStore,
} from '../../../src/runtime/memory/index.ts'
import { createIssuer, PSEUDONYM_KEY } from '../../support/gate-client.ts'

// What the gate keeps of a request when it is answered: small facts, or a caller could fill the memory of the gate.

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Until what was answered lately is let go: some of it goes only with the turn of the event loop after. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await new Promise(resolve => setTimeout(resolve, 20))
    collect()
  }
}

async function gateWith(taken?: Promise<number>) {
  const idp = await createIssuer()
  const store = createMemoryStore()
  const open = store.open.bind(store)
  store.open = async (...args) => {
    const part = await open(...args)
    return part !== null && 'body' in part && taken !== undefined ? { ...part, taken } : part
  }
  const ownership = { owner: 'patient-1', issuer: idp.issuer }
  const bytes = { size: 1, contentType: 'video/mp4', ownership, replaces: null }
  await store.put('recordings/consultation-0001', new Blob(['x']).stream(), bytes)
  const gate = createGate({
    issuers: [idp.entry()],
    pseudonymKey: PSEUDONYM_KEY,
    ledger: createMemoryLedger(),
    control: createMemoryControl(),
    store,
  })
  return { idp, gate }
}

test('refusals that are counted keep neither their requests nor the URLs that their ids were cut from', async () => {
  const { gate } = await gateWith()
  const requests: WeakRef<Request>[] = []
  await settle()
  const before = process.memoryUsage().heapUsed
  const ask = async (recording: string) => {
    const url = `https://gate.test/recordings/${recording}?${'y'.repeat(60_000)}`
    const request = new Request(url, { headers: { 'mediaward-app-release': '4.12.0-beta.rc1' } })
    requests.push(new WeakRef(request))
    expect((await gate.fetch(request, () => {})).status).toBe(401)
  }
  for (let i = 0; i < 250; i++) {
    await Promise.all(Array.from({ length: 5 }, () => ask(`consultation-of-some-day-${i}`)))
  }
  await settle()
  expect(requests.filter(one => one.deref() !== undefined)).toHaveLength(0)
  // 250 runs with a URL of 60 KB each are 15 MB. The log itself is 2, and so may be what else goes on in the process.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(8_000_000)
})

test.each(['counted', 'on its way'])('a delivery that is %s keeps no request', async state => {
  const { idp, gate } = await gateWith(state === 'counted' ? undefined : new Promise(() => {}))
  const headers = await idp.bearer('patient-1')
  const requests: WeakRef<Request>[] = []
  const play = async () => {
    const request = new Request('https://gate.test/recordings/consultation-0001', { headers })
    requests.push(new WeakRef(request))
    const response = await gate.fetch(request, () => {})
    expect(await response.text()).toBe('x')
  }
  for (let i = 0; i < 5; i++) await play()
  await settle()
  expect(requests.filter(one => one.deref() !== undefined)).toHaveLength(0)
})
