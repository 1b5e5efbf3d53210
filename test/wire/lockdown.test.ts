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

/** The variables of a gate that has tickets, and all roles. */
function settings(): Record<string, string> {
  const given = variables(idp)
  const [entry] = JSON.parse(given.ISSUERS ?? '') as readonly object[]
  const roles = ['recorder', 'security', 'app', 'analyst', 'viewer']
  return {
    ...given,
    ISSUERS: JSON.stringify([{ ...entry, allowed_roles: roles }]),
    TICKET_KEY: 'only for tests: no secret protects these tickets',
  }
}

let idp: TestIssuer
let gate: RunningGate
let token: string
beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({ vars: settings() })
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

describe('what a login got before', () => {
  const post = async (path: string, as = 'patient-1', body?: object, roles?: readonly string[]) => {
    const claims = roles === undefined ? {} : { roles }
    const response = await fetch(gate.url + path, {
      method: 'POST',
      headers: { ...(await idp.bearer(as, claims)), 'Content-Type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return { status: response.status, json: (await response.json()) as Record<string, unknown> }
  }
  const ticketOf = async (recording = 'rec-1', patient = 'patient-1') => {
    const { status, json } = await post(`/recordings/${recording}/ticket`, patient)
    return { status, url: `${json.url}` }
  }
  const first = async (url: string) => {
    const response = await fetch(url, { headers: { Range: 'bytes=0-99' } })
    await response.arrayBuffer()
    return response.status
  }

  test('a ticket is refused with 403, no other is made, and it is good again after the end', async () => {
    const [ticket, other] = [await ticketOf(), await ticketOf('rec-2', 'patient-2')]
    expect(await first(ticket.url)).toBe(206)
    const number = await lockdown('add', 'recording', 'rec-1')
    await until(403)
    expect(await first(ticket.url)).toBe(403)
    expect((await ticketOf()).status).toBe(403)
    expect(await first(other.url)).toBe(206)
    await lockdown('undo', number)
    await until(206)
    expect(await first(ticket.url)).toBe(206)
  })

  test('a stream by the URL of a ticket is cut within two seconds', async () => {
    const { url } = await ticketOf()
    const stream = readPaced(url, {}, 16 * MIB)
    while (stream.bytes() < MIB) await wait(20)
    const number = await lockdown('add', 'recording', 'rec-1')
    const done = performance.now()
    const answer = await Promise.race([stream.over, wait(20_000, undefined)])
    stream.leave()
    expect(answer, 'it was not cut').toBeDefined()
    expect(answer?.bytes).toBeLessThan(SIZE)
    expect((answer?.last ?? 0) - done).toBeLessThan(BOUND)
    await lockdown('undo', number)
    await until(206)
  })

  test('a list answers false, for its own and for an app that asks', async () => {
    const list = {
      subject: { type: 'user', id: 'patient-1' },
      action: { name: 'play' },
      evaluations: ['rec-1', 'rec-2'].map(id => ({ resource: { type: 'recording', id } })),
    }
    const decisions = async (as: string, roles?: readonly string[]) => {
      const { json } = await post('/access/v1/evaluations', as, list, roles)
      return (json.evaluations as readonly { readonly decision: boolean }[]).map(({ decision }) => decision)
    }
    expect(await decisions('patient-1')).toEqual([true, false])
    const number = await lockdown('add', 'recording', 'rec-1')
    await until(403)
    expect(await decisions('patient-1')).toEqual([false, false])
    expect(await decisions('app-1', ['app'])).toEqual([false, false])
    await lockdown('undo', number)
    await until(206)
    expect(await decisions('patient-1')).toEqual([true, false])
  })
})

describe('who may', () => {
  test.each(['analyst', 'viewer', 'recorder', 'app'])(
    'the role %s locks nothing and undoes nothing',
    async role => {
      const other = await idp.token(`${role}-1`, { roles: [role] })
      const call = (...args: readonly string[]) =>
        run(['lockdown', ...args, '--reason', 'x', '--url', gate.url, '--token', other])
      expect((await call('add', 'recording', 'rec-1')).code).not.toBe(0)
      const number = await lockdown('add', 'recording', 'rec-2')
      await until(403, 'patient-2', 'rec-2')
      expect((await call('undo', number)).code).not.toBe(0)
      expect(await status('patient-2', 'rec-2')).toBe(403)
      expect(await status()).toBe(206)
      await lockdown('undo', number)
      await until(206, 'patient-2', 'rec-2')
    },
  )

  test('with LOCKDOWN_UNDO=two, it takes two persons to open everything again, and one for a recording', async () => {
    await gate.stop()
    gate = await startGate({ vars: { ...settings(), LOCKDOWN_UNDO: 'two' }, data: gate.data })
    const everything = await lockdown('add', 'everything')
    const recording = await lockdown('add', 'recording', 'rec-1')
    await until(403)
    await lockdown('undo', recording)
    // The same person twice is one person.
    for (let i = 0; i < 2; i++) await lockdown('undo', everything)
    await wait(BOUND)
    expect(await status()).toBe(403)
    expect(await lockdown('list')).toMatch(/everything.*waits for a second person/)
    const second = await idp.token('analyst-2', { roles: ['security'] })
    const { code, stderr } = await run([
      ...['lockdown', 'undo', everything, '--reason', 'all is well'],
      ...['--url', gate.url, '--token', second],
    ])
    expect(code, stderr).toBe(0)
    expect(await until(206)).toBeLessThan(BOUND)
    const done = (await records(gate, idp)).filter(({ kind }) => kind === 'lockdown').slice(-5)
    expect(done.map(record => 'action' in record && record.action)).toEqual([
      ...['add', 'undo', 'propose_undo', 'propose_undo', 'undo'],
    ])
    await gate.stop()
    gate = await startGate({ vars: settings(), data: gate.data })
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
  gate = await startGate({ vars: settings(), data: gate.data })
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
