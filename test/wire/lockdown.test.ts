import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readPaced } from '../streams/paced-reader.ts'
import { run } from '../support/command.ts'
import { RUNTIME, type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, records, store, type TestIssuer, variables } from '../support/gate-client.ts'

// The kill switch, by its command, on every runtime: what it stops, how soon, and that it is never forgotten.

const MIB = 2 ** 20
const SIZE = 96 * MIB
/** How soon a lockdown is obeyed, in milliseconds. */
const BOUND = 2_000

let idp: TestIssuer
let gate: RunningGate
let token: string
beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({ vars: variables(idp) })
  token = await idp.token('analyst-1', { roles: ['security'] })
  const bytes = new Uint8Array(SIZE)
  for (const [recording, owner] of [
    ['rec-1', 'patient-1'],
    ['rec-2', 'patient-2'],
  ] as const) {
    expect((await store(gate, idp, `/recordings/${recording}`, owner, bytes)).status).toBe(201)
  }
})
afterAll(() => gate.stop())

const lockdown = async (...args: readonly string[]) => {
  const reason = args[0] === 'list' ? [] : ['--reason', 'patients see the lists of others']
  const { code, stdout, stderr } = await run([
    ...['lockdown', ...args, ...reason],
    ...['--url', gate.url, '--token', token],
  ])
  expect(code, stderr).toBe(0)
  return stdout.trim()
}
const status = async (patient = 'patient-1', recording = 'rec-1') => {
  const headers = { ...(await idp.bearer(patient)), Range: 'bytes=0-99' }
  const response = await fetch(`${gate.url}/recordings/${recording}`, { headers })
  await response.arrayBuffer()
  return response.status
}
/** Waits until a request is answered so. Returns how long that took. */
async function until(expected: number, patient?: string, recording?: string): Promise<number> {
  const begun = performance.now()
  while ((await status(patient, recording)) !== expected) {
    if (performance.now() - begun > 10_000) throw new Error(`it was never answered ${expected}`)
    await wait(20)
  }
  return performance.now() - begun
}

describe('requests', () => {
  test('obey within two seconds, others are served, and the end is obeyed as soon', async () => {
    expect(await status()).toBe(206)
    const number = await lockdown('add', 'recording', 'rec-1')
    expect(await until(403)).toBeLessThan(BOUND)
    expect(await status('patient-2', 'rec-2')).toBe(206)
    expect(await status('patient-2', 'rec-1')).toBe(404)
    expect(await lockdown('list')).toMatch(/recording rec-1.*patients see the lists of others/)
    await lockdown('undo', number)
    expect(await until(206)).toBeLessThan(BOUND)
    const actions = (await records(gate, idp)).filter(({ kind }) => kind === 'lockdown')
    expect(actions).toMatchObject([
      { action: 'add', scope: 'recording', recording: 'rec-1' },
      { action: 'undo', scope: 'recording', recording: 'rec-1' },
    ])
  })
})

describe('streams in flight', () => {
  test.each([
    ['of 16 MiB/s gets its last byte within two seconds', 16 * MIB, undefined],
    ['of 1 MiB/s gets no more than is in buffers after that', MIB, (RUNTIME === 'node' ? 1 : 5) * MIB],
  ])('a reader %s', async (_, pace, most) => {
    const path = `${gate.url}/recordings/rec-1`
    const locked = readPaced(path, await idp.bearer('patient-1'), pace)
    const other = readPaced(`${gate.url}/recordings/rec-2`, await idp.bearer('patient-2'), pace)
    while (locked.bytes() < MIB || other.bytes() < MIB) await wait(20)
    const called = performance.now()
    const number = await lockdown('add', 'recording', 'rec-1')
    const done = performance.now()
    await wait(Math.max(0, BOUND - (performance.now() - done)))
    const atBound = locked.bytes()
    const answer = await Promise.race([locked.over, wait(30_000, undefined)])
    expect(answer, 'it was not cut').toBeDefined()
    // The head says how long the whole is: a reader can't take what it got for it.
    expect(answer?.head).toContain(`content-length: ${SIZE}`)
    expect(answer?.bytes).toBeLessThan(SIZE)
    if (most === undefined) expect((answer?.last ?? 0) - done).toBeLessThan(BOUND)
    else expect((answer?.bytes ?? 0) - atBound).toBeLessThan(most)
    const before = other.bytes()
    await wait(500)
    expect(other.bytes()).toBeGreaterThan(before)
    other.leave()
    process.stderr.write(
      `${RUNTIME}, ${pace / MIB} MiB/s: command ${Math.round(done - called)} ms, last byte ${Math.round((answer?.last ?? 0) - done)} ms after it, ${(((answer?.bytes ?? 0) - atBound) / MIB).toFixed(2)} MiB after two seconds\n`,
    )
    await lockdown('undo', number)
    await until(206)
  })
})

test('a lockdown outlives the gate: it is in force after a crash', async () => {
  const number = await lockdown('add', 'recording', 'rec-1')
  await gate.kill()
  gate = await startGate({ vars: variables(idp), data: gate.data })
  expect(await status()).toBe(403)
  await lockdown('undo', number)
  await until(206)
})

test('everything is stopped and the console is not, and a wrong call changes nothing', async () => {
  const number = await lockdown('add', 'everything')
  await until(403)
  expect(await lockdown('list')).toContain('everything')
  await lockdown('undo', number)
  await until(206)
  const wrong = await run(['lockdown', 'add', 'recording', '--url', gate.url, '--token', token])
  expect(wrong.code).toBe(2)
  const patient = await idp.token('patient-1')
  const other = await run([
    ...['lockdown', 'add', 'everything', '--reason', 'x'],
    ...['--url', gate.url, '--token', patient],
  ])
  expect(other.code).toBe(2)
  expect(await status()).toBe(206)
})
