import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PacedReader, readPaced } from '../streams/paced-reader.ts'
import { RUNTIME, type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, store, type TestIssuer, variables } from '../support/gate-client.ts'
import { LONG } from '../support/sample.ts'

// The kill switch while much is going on: what is locked gets nothing more after two seconds, and what isn't notices nothing.

const MIB = 2 ** 20
const SIZE = 96 * MIB
const BOUND = 2_000
/** How many streams are in flight, half of them of what is to be locked. */
const STREAMS = LONG ? 200 : 20
/** How many new requests there are in a second. */
const RATE = LONG ? 500 : 50
/** How fast all streams are read together, in bytes a second. */
const PACE = (LONG ? 40 : 20) * MIB

let idp: TestIssuer
let gate: RunningGate
beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({ vars: variables(idp) })
  for (const [recording, owner] of [
    ['locked', 'patient-1'],
    ['other', 'patient-2'],
  ] as const) {
    const put = await store(gate, idp, `/recordings/${recording}`, owner, new Uint8Array(SIZE))
    expect(put.status).toBe(201)
  }
})
afterAll(() => gate.stop())

const control = async (action: 'add' | 'undo', call: object) => {
  const response = await fetch(`${gate.url}/console/api/lockdowns/${action}`, {
    method: 'POST',
    headers: {
      ...(await idp.bearer('analyst-1', { roles: ['security'] })),
      'Content-Type': 'application/json',
    },
    body: JSON.stringify({ ...call, reason: 'a test under load' }),
  })
  expect(response.ok).toBe(true)
  return ((await response.json()) as { readonly epoch: number }).epoch
}

/** What a new request was answered, when it was sent, and how many bytes of a recording came. */
interface Asked {
  readonly sent: number
  readonly status: number
  readonly bytes: number
}

/** Sends so many requests a second until it is stopped. */
function ask(recording: string, headers: Record<string, string>, rate: number) {
  const asked: Promise<Asked>[] = []
  const timer = setInterval(() => {
    const sent = performance.now()
    asked.push(
      fetch(`${gate.url}/recordings/${recording}`, { headers: { ...headers, Range: 'bytes=0-99' } }).then(
        async response => {
          const { byteLength } = await response.arrayBuffer()
          const isMedia = response.status === 206
          return { sent, status: response.status, bytes: isMedia ? byteLength : 0 }
        },
        // No answer is not the answer that is expected.
        () => ({ sent, status: 0, bytes: 0 }),
      ),
    )
  }, 1_000 / rate)
  return async () => {
    clearInterval(timer)
    return Promise.all(asked)
  }
}

test(`${STREAMS} streams and ${RATE} requests a second obey a lockdown, and its end, within two seconds`, async () => {
  const patients = { locked: await idp.bearer('patient-1'), other: await idp.bearer('patient-2') }
  const read = (recording: 'locked' | 'other') =>
    Array.from({ length: STREAMS / 2 }, () =>
      readPaced(`${gate.url}/recordings/${recording}`, patients[recording], PACE / STREAMS),
    )
  const [locked, others] = [read('locked'), read('other')]
  const all: readonly PacedReader[] = [...locked, ...others]
  while (all.some(stream => stream.bytes() === 0)) await wait(20)
  const stop = [ask('locked', patients.locked, RATE / 2), ask('other', patients.other, RATE / 2)] as const
  await wait(1_000)

  const epoch = await control('add', { scope: 'recording', value: 'locked' })
  const added = performance.now()
  // Longer than the bound: what is sent after it is looked at.
  await wait(BOUND + 1_000)
  const before = others.map(stream => stream.bytes())
  // What the sockets between hold comes after the gate has cut: a reader this slow takes a while to read it.
  const ended = await Promise.race([Promise.all(locked.map(stream => stream.over)), wait(60_000, undefined)])
  expect(ended, 'not all were cut').toBeDefined()
  for (const { bytes } of ended ?? []) expect(bytes).toBeLessThan(SIZE)
  const undone = performance.now()
  await control('undo', { epoch })
  const opened = performance.now()
  await wait(BOUND + 1_000)

  const [refused, served] = await Promise.all([stop[0](), stop[1]()])
  const obeying = refused.filter(({ sent }) => sent > added + BOUND && sent < undone)
  expect(obeying.length).toBeGreaterThan(0)
  expect(new Set(obeying.map(({ status }) => status))).toEqual(new Set([403]))
  expect(obeying.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(0)
  const again = refused.filter(({ sent }) => sent > opened + BOUND)
  expect(again.length).toBeGreaterThan(0)
  expect(new Set(again.map(({ status }) => status))).toEqual(new Set([206]))
  // The others notice nothing: neither those that play, nor those that begin.
  expect(new Set(served.map(({ status }) => status))).toEqual(new Set([206]))
  for (const [i, stream] of others.entries()) expect(stream.bytes()).toBeGreaterThan(before[i] ?? 0)
  for (const stream of all) stream.leave()
  const late = refused.filter(({ status, sent }) => status === 206 && sent > added && sent < undone)
  process.stderr.write(
    `${RUNTIME}: ${served.length + refused.length} requests, the last that played was sent ${Math.round((late.at(-1)?.sent ?? added) - added)} ms after the lockdown\n`,
  )
})
