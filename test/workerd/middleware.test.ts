import { evictAllDurableObjects } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { importJWK, SignJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { eventId } from '../../src/ledger/event-id.ts'
import { cloudflare } from '../../src/runtime/cloudflare/index.ts'
import { issuer, PRIVATE_KEY } from './issuer.ts'

// An app of somebody else's, with Mediaward mounted in it.

async function get(path: string, subject?: string, headers: Record<string, string> = {}): Promise<Response> {
  const authorization: Record<string, string> =
    subject === undefined ? {} : { Authorization: `Bearer ${await token(subject)}` }
  return exports.default.fetch(`https://app.test${path}`, { headers: { ...authorization, ...headers } })
}

async function token(subject: string): Promise<string> {
  return new SignJWT({ sub: subject })
    .setProtectedHeader({ alg: 'ES256', kid: 'workerd' })
    .setIssuer(issuer.issuer)
    .setAudience('recordings')
    .setExpirationTime('5m')
    .sign(await importJWK(PRIVATE_KEY, 'ES256'))
}

beforeAll(async () => {
  // Stamped as any recorder can: with the bucket's own means, and no issuer, for there is but one.
  await env.RECORDINGS.put('recordings/rec-1', '0123456789', {
    httpMetadata: { contentType: 'text/html', cacheControl: 'public', contentDisposition: 'inline' },
    customMetadata: { 'mw-owner': 'patient-1' },
  })
  await env.RECORDINGS.put('recordings/named', '0123456789', {
    httpMetadata: { contentType: 'video/mp4', contentDisposition: 'attachment; filename="../visit.mp4"' },
    customMetadata: { 'mw-owner': 'patient-1' },
  })
  await env.RECORDINGS.put('recordings/unbound', 'nobody’s', { customMetadata: { 'mw-owner': '' } })
})

describe('the middleware in an app', () => {
  test('the middleware plays a recording to its owner', async () => {
    const response = await get('/recordings/rec-1', 'patient-1', { Range: 'bytes=2-4' })
    expect(response.status).toBe(206)
    expect(await response.text()).toBe('234')
  })

  test('the middleware takes only a listed media type and a file name from the metadata of an object', async () => {
    const { headers } = await get('/recordings/rec-1', 'patient-1')
    expect(headers.get('content-type')).toBe('application/octet-stream')
    expect(headers.get('cache-control')).toBe('private, no-store')
    expect(headers.get('content-disposition')).toBe('attachment; filename="rec-1"')
    const named = await get('/recordings/named', 'patient-1')
    expect(named.headers.get('content-type')).toBe('video/mp4')
    expect(named.headers.get('content-disposition')).toBe('inline; filename="_visit.mp4"')
  })

  test('the middleware leaves the rest of the app alone, and passes on no request below its own paths', async () => {
    expect(await (await get('/')).text()).toBe('my app')
    for (const path of ['/recordings/rec-1', '/recordings/', '/recordings/a%2fb', '/recordings']) {
      expect(await (await get(path)).text()).not.toContain('past the gate')
    }
  })

  test('fails closed: a recording with an empty owner gets 404, recorded as recording_unbound', async () => {
    const response = await get('/recordings/unbound', 'patient-1')
    expect(response.status).toBe(404)
    const { instance } = (await response.json()) as { instance: string }
    const { entries } = await cloudflare(env).ledger.read({ limit: 1000 })
    const record = entries.find(({ id }) => instance.endsWith(id))
    expect(JSON.parse(record?.json ?? '{}')).toMatchObject({
      reason: 'recording_unbound',
      recording: 'unbound',
    })
  })

  test('a record outlives the eviction of the Durable Object that took it', async () => {
    const response = await get('/recordings/rec-1', 'patient-2')
    const { instance } = (await response.json()) as { instance: string }
    await evictAllDurableObjects()
    const { entries } = await cloudflare(env).ledger.read({ limit: 1000 })
    expect(entries.some(({ id }) => instance.endsWith(id))).toBe(true)
  })

  test('records that waited in R2 come back when the schedule runs, and not before', async () => {
    const { ledger, replay } = cloudflare(env)
    const id = eventId(Date.now())
    const json = JSON.stringify({ id, t: new Date().toISOString() })
    await env.AUDIT.put(`.mediaward/overflow/${id}`, json)
    const found = async () => {
      const { entries } = await ledger.read({ limit: 1000 })
      return entries.filter(entry => entry.id === id)
    }
    expect(await found()).toEqual([])
    await replay()
    expect(await found()).toMatchObject([{ id, json }])
    expect((await env.AUDIT.list({ prefix: '.mediaward/' })).objects).toEqual([])
  })
})
