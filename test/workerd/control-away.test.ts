import { reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { importJWK, SignJWT } from 'jose'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createGate } from '../../src/index.ts'
import { cloudflare, createCloudflareControl } from '../../src/runtime/cloudflare/index.ts'
import { lockdown } from '../contract/control.ts'
import { issuer, PRIVATE_KEY } from './issuer.ts'

// What a gate answers on Workers while the object of the restrictions is away, and its copy in R2 too.

/** What is away. */
const away = { object: false, copy: false }
let now: number
beforeEach(async () => {
  await reset()
  vi.spyOn(console, 'error').mockImplementation(() => {})
  away.object = false
  away.copy = false
  now = Date.now()
  for (const recording of ['rec-1', 'rec-2']) {
    await env.RECORDINGS.put(`recordings/${recording}`, '0123456789', {
      httpMetadata: { contentType: 'video/mp4' },
      customMetadata: { 'mw-owner': 'patient-1' },
    })
  }
})
afterEach(() => void vi.restoreAllMocks())

const down = () => Promise.reject(new Error('internal error; reference = secret'))
/** The namespace of the object, which answers nothing while that is away. */
const objects = {
  idFromName: (name: string) => env.CONTROL.idFromName(name),
  get: (id: DurableObjectId) =>
    away.object
      ? { add: down, undo: down, list: down, reasons: down, eraseReason: down, changes: down }
      : env.CONTROL.get(id),
}
const bucket = {
  list: (options: R2ListOptions) => (away.copy ? down() : env.AUDIT.list(options)),
  get: (key: string) => (away.copy ? down() : env.AUDIT.get(key)),
}

/** A gate in an isolate of its own: it knows nothing yet. */
function startGate() {
  const platform = cloudflare(env)
  const gate = createGate({
    ...platform,
    ...{ issuers: [issuer], pseudonymKey: env.PSEUDONYM_KEY, now: () => now },
    control: createCloudflareControl(objects as never, bucket as never),
  })
  return async (recording: string, subject = 'patient-1') => {
    const authorization = `Bearer ${await token(subject)}`
    const request = new Request(`https://app.test/recordings/${recording}`, { headers: { authorization } })
    const response = await gate.fetch(request, () => {})
    const body = await response.text()
    return { status: response.status, body, retryAfter: response.headers.get('retry-after') }
  }
}
const token = async (subject: string) =>
  new SignJWT({ sub: subject })
    .setProtectedHeader({ alg: 'ES256', kid: 'workerd' })
    .setIssuer(issuer.issuer)
    .setAudience('recordings')
    .setExpirationTime('5m')
    .sign(await importJWK(PRIVATE_KEY, 'ES256'))
const lock = (value: string) =>
  createCloudflareControl(env.CONTROL as never, env.AUDIT as never).add(lockdown(Date.now(), { value }))
const lastReason = async () => {
  const { entries } = await cloudflare(env).ledger.read({ limit: 1_000, kind: 'access' })
  return entries.map(({ json }) => (JSON.parse(json) as { readonly reason: string }).reason).at(-1)
}

test('the copy counts for a gate that has never heard of the object', async () => {
  await lock('rec-1')
  away.object = true
  const ask = startGate()
  expect((await ask('rec-1')).status).toBe(403)
  expect(await ask('rec-2')).toMatchObject({ status: 200, body: '0123456789' })
})

test('without the object and the copy nothing plays: 503, which is on record as what it is', async () => {
  away.object = true
  away.copy = true
  const ask = startGate()
  const { status, body, retryAfter } = await ask('rec-2')
  expect(status).toBe(503)
  expect(retryAfter).not.toBeNull()
  expect(body).not.toMatch(/0123456789|secret/)
  expect(await lastReason()).toBe('control_unavailable')
})

test('what is known counts for ten seconds, then the copy does, and then nothing plays', async () => {
  await lock('rec-1')
  const ask = startGate()
  expect((await ask('rec-1')).status).toBe(403)
  expect((await ask('rec-2')).status).toBe(200)
  away.object = true
  away.copy = true
  now += 9_000
  expect((await ask('rec-1')).status).toBe(403)
  expect((await ask('rec-2')).status).toBe(200)
  now += 2_000
  expect((await ask('rec-2')).status).toBe(503)
  away.copy = false
  now += 2_000
  expect((await ask('rec-1')).status).toBe(403)
  expect((await ask('rec-2')).status).toBe(200)
  away.copy = true
  now += 2_000
  expect((await ask('rec-2')).status).toBe(503)
  away.object = false
  now += 2_000
  expect((await ask('rec-2')).status).toBe(200)
})

test('a lockdown that came while the object was away is obeyed from the copy', async () => {
  const ask = startGate()
  expect((await ask('rec-2')).status).toBe(200)
  await lock('rec-2')
  away.object = true
  now += 11_000
  expect((await ask('rec-2')).status).toBe(403)
})

test('a stranger learns nothing of it: 404 as ever, or 503', async () => {
  const ask = startGate()
  await lock('rec-1')
  now += 2_000
  expect((await ask('rec-1', 'patient-2')).status).toBe(404)
})
