import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MediawardOptions } from '../../../src/index.ts'
import { MAX_SEGMENT } from '../../../src/locate/names.ts'
import { createMemoryLedger, createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { createTickets } from '../../../src/ticket/ticket.ts'
import { factsOf } from '../../contract/recordings.ts'
import { createIssuer } from '../../support/gate-client.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'
import { sample } from '../../support/sample.ts'
import { storeWith } from '../../support/store-with.ts'

const KEY = 'a ticket key of the tests, long enough to be one'
const OTHER_KEY = 'another ticket key of the tests, long enough too'
const COOKIE = '__Secure-mediaward-ticket'

interface Issued {
  readonly response: Response
  readonly issued: object
  readonly url: string
  readonly path: string
  readonly ticket: string
  readonly cookie: string
}

const open = (options: Partial<MediawardOptions> = {}) => memoryGate({ tickets: { keys: [KEY] }, ...options })

async function issue(
  gate: MemoryGate,
  path = '/recordings/rec-1',
  subject = 'patient-1',
  headers: Record<string, string> = {},
): Promise<Issued> {
  const claims = { sid: 'session-1' }
  const response = await gate.ask(subject, `${path}/ticket`, { method: 'POST', claims, headers })
  if (response.status !== 201) throw new Error(`asking for a ticket was answered ${response.status}`)
  const issued = (await response.json()) as { url: string }
  const { url } = issued
  const { pathname } = new URL(url)
  const cookie = (response.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  return { response, issued, url, path: pathname, ticket: pathname.split('/')[2] ?? '', cookie }
}

const lastReason = async (gate: MemoryGate) => (await gate.events()).at(-1)?.reason

async function put(store: MediawardOptions['store'], key: string, owner: string, issuer: string) {
  const text = `bytes of ${key}`
  const body = new Blob([text]).stream()
  const ownership = { owner, issuer }
  await store.put(key, body, { size: text.length, contentType: 'video/mp4', ownership, replaces: null })
}

describe('issued tickets', () => {
  test('a ticket opens its recording by the URL and by the cookie, and its issue is on record', async () => {
    const gate = await open()
    const { response, path, cookie, url } = await issue(gate)
    expect(url).toMatch(/^https:\/\/gate\.test\/play\//)
    expect(response.headers.get('cache-control')).toBe('private, no-store')
    expect(response.headers.get('set-cookie')).toMatch(
      /; Path=\/recordings\/rec-1; Max-Age=3600; Secure; HttpOnly; SameSite=Strict$/,
    )
    const [record] = await gate.events()
    expect(record).toMatchObject({ kind: 'ticket', decision: 'permit', recording: 'rec-1' })
    // The one who asked for it is the owner.
    expect(record?.owner).toBe(record?.subject)
    expect(record).not.toHaveProperty('binding')
    expect(JSON.stringify(record)).not.toContain('patient-1')

    for (const answer of [
      await gate.fetch(path),
      await gate.fetch('/recordings/rec-1', { headers: { cookie } }),
    ]) {
      expect(answer.status).toBe(200)
      expect(new Uint8Array(await answer.arrayBuffer())).toEqual(gate.bytes)
    }
    const range = await gate.fetch(path, { headers: { range: 'bytes=5-9' } })
    expect([range.status, range.headers.get('content-range')]).toEqual([206, 'bytes 5-9/3000'])
    expect((await gate.fetch(path, { method: 'HEAD' })).headers.get('content-length')).toBe('3000')
  })

  test('a ticket shows neither its subject nor its recording, and no two are alike', async () => {
    const gate = await open()
    const [one, two] = [await issue(gate), await issue(gate)]
    expect(one.ticket).not.toBe(two.ticket)
    for (const part of one.ticket.split('.')) {
      expect(Buffer.from(part, 'base64url').toString('latin1')).not.toMatch(/patient|rec-1|session/)
    }
  })

  test('a ticket opens the parts of its recording by URLs that are relative to its own', async () => {
    const store = createMemoryStore()
    const gate = await open({ store })
    await put(store, 'recordings/rec-2/master.m3u8', 'patient-1', gate.idp.issuer)
    await put(store, 'recordings/rec-2/video/a.m4s', 'patient-1', gate.idp.issuer)
    const { url, response } = await issue(gate, '/recordings/rec-2/master.m3u8')
    expect(response.headers.get('set-cookie')).toContain('; Path=/recordings/rec-2;')
    expect(new URL(url).pathname).toMatch(/\/master\.m3u8$/)
    const part = new URL('video/a.m4s', url)
    expect(await (await gate.fetch(part.pathname)).text()).toBe('bytes of recordings/rec-2/video/a.m4s')
    // Asked for without a part it is the same for them.
    const whole = await issue(gate, '/recordings/rec-2')
    expect((await gate.fetch(`${whole.path}/video/a.m4s`)).status).toBe(200)
  })

  test('the answer with a ticket has append only if it is for a whole recording that consists of parts', async () => {
    const store = createMemoryStore()
    const gate = await open({ store })
    await put(store, 'recordings/rec-2/a.ts', 'patient-1', gate.idp.issuer)
    const whole = await issue(gate, '/recordings/rec-2')
    expect(whole.issued).toMatchObject({ append: true, url: whole.url })
    expect((await gate.fetch(whole.path)).status).toBe(404)
    expect((await gate.fetch(`${whole.path}/a.ts`)).status).toBe(200)
    for (const path of ['/recordings/rec-1', '/recordings/rec-2/a.ts']) {
      expect((await issue(gate, path)).issued).not.toHaveProperty('append')
    }
  })

  test('no ticket is issued for a missing recording, and the answer is the one for the recording of another patient', async () => {
    const store = createMemoryStore()
    const calls: string[] = []
    const counted = storeWith(store, {
      find: key => {
        calls.push('find')
        return store.find(key)
      },
      stampBelow: prefix => {
        calls.push('stampBelow')
        return store.stampBelow(prefix)
      },
    })
    const gate = await open({ store: counted })
    await put(store, 'recordings/rec-2/a.ts', 'patient-1', gate.idp.issuer)
    await put(store, 'recordings/rec-2/b.ts', 'patient-2', gate.idp.issuer)
    await put(store, 'recordings/rec-3/a.ts', 'patient-2', gate.idp.issuer)
    const headers = await gate.idp.bearer('patient-1')
    const ask = async (path: string) => {
      calls.length = 0
      const response = await gate.fetch(`${path}/ticket`, { method: 'POST', headers })
      const body = (await response.text()).replace(/[0-9a-f-]{36}/, '')
      return { status: response.status, headers: [...response.headers], body, calls: calls.sort() }
    }
    const missing = await ask('/recordings/rec-2/none.ts')
    expect(missing.status).toBe(404)
    expect(await lastReason(gate)).toBe('recording_unknown')
    // A stranger's: with and without such a part, of one's own recording too, and one that isn't there at all.
    for (const path of ['rec-3/a.ts', 'rec-3/none.ts', 'rec-2/b.ts', 'rec-9/a.ts', 'rec-3', 'rec-9']) {
      expect(await ask(`/recordings/${path}`)).toEqual(missing)
    }
    expect(missing.calls).toEqual(['find', 'find', 'stampBelow'])
  })

  test('a ticket for a missing file is issued only if the recording has parts at another location', async () => {
    const store = createMemoryStore()
    const locations = ['mp4', 'webm'].map(end => ({
      url: `/media/:recording.${end}`,
      key: `m/:recording.${end}`,
    }))
    const gate = await open({ store, locations })
    await put(store, 'm/rec-3.webm', 'patient-1', gate.idp.issuer)
    await expect(issue(gate, '/media/rec-3.mp4')).rejects.toThrow('404')
    const parts = { url: '/media/:recording/hls/:part+', key: 'm/:recording/hls/:part' }
    const another = await memoryGate(
      { store, locations: [...locations, parts], tickets: { keys: [KEY] } },
      gate.idp,
    )
    await expect(issue(another, '/media/rec-3.mp4')).rejects.toThrow('404')
    await put(store, 'm/rec-3/hls/a.ts', 'patient-1', gate.idp.issuer)
    expect((await issue(another, '/media/rec-3.mp4')).issued).toHaveProperty('append', true)
  })

  test('a ticket is longer than any name may be, so none gets into the log as the name of a part', async () => {
    const idp = await createIssuer('https://a.b')
    const store = createMemoryStore()
    const gate = await memoryGate({ store, tickets: { keys: [KEY] } }, idp)
    await put(store, 'recordings/r', 'p', idp.issuer)
    const response = await gate.ask('p', '/recordings/r/ticket', { method: 'POST' })
    const { url } = (await response.json()) as { url: string }
    const ticket = url.split('/').at(-1) ?? ''
    expect(ticket.length).toBeGreaterThan(MAX_SEGMENT)
    expect((await gate.fetch(`/recordings/r/${ticket}`)).status).toBe(400)
    expect(JSON.stringify(await gate.events())).not.toContain(ticket.slice(0, 30))
  })

  test('a ticket opens only the location for which it was issued', async () => {
    const store = createMemoryStore()
    const locations = ['mp4', 'webm'].map(end => ({
      url: `/media/:recording.${end}`,
      key: `m/:recording.${end}`,
    }))
    const gate = await open({ store, locations })
    for (const end of ['mp4', 'webm']) await put(store, `m/rec-3.${end}`, 'patient-1', gate.idp.issuer)
    const { path, response } = await issue(gate, '/media/rec-3.webm')
    expect(response.headers.get('set-cookie')).toContain('; Path=/media/rec-3.webm;')
    expect(await (await gate.fetch(path)).text()).toBe('bytes of m/rec-3.webm')
    expect((await gate.fetch(`${path}/part.ts`)).status).toBe(400)
  })

  test('a patient who may not watch gets no ticket, and the same answer whether or not the recording exists', async () => {
    const gate = await open()
    const headers = await gate.idp.bearer('patient-2')
    const ask = async (path: string) => {
      const response = await gate.fetch(path, { method: 'POST', headers })
      const body = (await response.text()).replace(/[0-9a-f-]{36}/, '')
      return { status: response.status, headers: [...response.headers], body }
    }
    const foreign = await ask('/recordings/rec-1/ticket')
    expect(foreign.status).toBe(404)
    expect(foreign).toEqual(await ask('/recordings/rec-0/ticket'))
    const [refused, unknown] = await gate.events()
    expect(refused).toMatchObject({ reason: 'not_owner', owner: expect.stringMatching(/^psn_/) })
    expect(unknown).toMatchObject({ reason: 'recording_unknown' })
    expect(unknown).not.toHaveProperty('owner')
  })

  test('a ticket cannot be used to store a recording, even if its holder is a recorder', async () => {
    const gate = await open()
    const response = await gate.ask('patient-1', '/recordings/rec-1/ticket', {
      method: 'POST',
      claims: { roles: ['recorder', 'security'] },
    })
    const cookie = (response.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    const headers = { cookie, 'mediaward-owner': 'patient-1', 'content-length': '1' }
    const stored = await gate.fetch('/recordings/rec-1', { method: 'PUT', headers, body: 'x' })
    expect([stored.status, await lastReason(gate)]).toEqual([401, 'token_missing'])
    const { pathname } = new URL(((await response.json()) as { url: string }).url)
    expect((await gate.fetch(pathname, { method: 'PUT', body: 'x' })).status).toBe(405)
  })

  test('a ticket holds no role of its subject, so the record of what it opens names none', async () => {
    const gate = await open()
    const init = { method: 'POST', claims: { roles: ['recorder', 'security'] } }
    const response = await gate.ask('patient-1', '/recordings/rec-1/ticket', init)
    const { pathname } = new URL(((await response.json()) as { url: string }).url)
    const read = await createTickets([KEY]).read(pathname.split('/').at(-1) ?? '')
    expect(read?.subject).toMatchObject({ id: 'patient-1', roles: [] })
    expect((await gate.fetch(pathname)).status).toBe(200)
    expect(await gate.events()).toMatchObject([
      { kind: 'ticket', roles: ['recorder', 'security'] },
      { kind: 'view', roles: [] },
    ])
  })

  test('a ticket cannot be used to get another ticket', async () => {
    const gate = await open()
    const { cookie } = await issue(gate)
    const again = await gate.fetch('/recordings/rec-1/ticket', { method: 'POST', headers: { cookie } })
    expect([again.status, await lastReason(gate)]).toEqual([401, 'token_missing'])
  })
})

test('the URLs of tickets and of the AuthZEN configuration come from PUBLIC_URL, never from Host', async () => {
  const store = createMemoryStore()
  const gate = await open({ store, publicUrl: 'https://media.clinic.example' })
  await put(store, 'recordings/rec-2/a.ts', 'patient-1', gate.idp.issuer)
  const { url } = await issue(gate)
  expect(url).toMatch(/^https:\/\/media\.clinic\.example\/play\//)
  const configuration = await gate.fetch('/.well-known/authzen-configuration')
  expect(await configuration.json()).toMatchObject({ policy_decision_point: 'https://media.clinic.example' })
  const { idp } = gate
  const none = await memoryGate({ publicUrl: undefined }, idp)
  const refused = await none.fetch('/.well-known/authzen-configuration')
  expect([refused.status, ((await refused.json()) as { detail: string }).detail]).toEqual([
    400,
    'This gate has no PUBLIC_URL to name here',
  ])
  expect(await lastReason(none)).toBe('path_invalid')
})

describe('authorization of tickets', () => {
  test('a ticket does not open its recording after the recording has got another owner', async () => {
    const store = createMemoryStore()
    const gate = await open({ store })
    const { path, cookie } = await issue(gate)
    const present = await factsOf(store, 'recordings/rec-1')
    const ownership = { owner: 'patient-2', issuer: gate.idp.issuer }
    const options = { size: 1, contentType: 'video/mp4', ownership, replaces: present?.etag ?? null }
    await store.put('recordings/rec-1', new Blob(['x']).stream(), options)
    expect((await gate.fetch(path)).status).toBe(404)
    expect((await gate.fetch('/recordings/rec-1', { headers: { cookie } })).status).toBe(404)
    expect(await gate.events()).toMatchObject([
      { kind: 'ticket' },
      { reason: 'not_owner' },
      { reason: 'not_owner' },
    ])
    const [issued, refusal] = await gate.events()
    expect(refusal?.ticket).toBe(issued?.id)
    expect(refusal?.subject).toBe(issued?.subject)
  })

  test('a ticket opens nothing once the issuer of its subject is no longer trusted', async () => {
    const before = await open()
    const { path } = await issue(before)
    // The same names and keys, and one trusted issuer that is another.
    const after = await open({
      issuers: [before.idp.entry({ issuer: 'https://other.test/', audience: 'a' })],
    })
    expect([(await after.fetch(path)).status, await lastReason(after)]).toEqual([401, 'ticket_invalid'])
  })
})

describe('refused tickets', () => {
  test('an expired ticket is refused, and the record says whose it was', async () => {
    let now = 1_700_000_000_000
    const gate = await open({ now: () => now })
    const init = { method: 'POST', claims: { iat: 1_700_000_000, exp: 1_700_009_000 } }
    const response = await gate.ask('patient-1', '/recordings/rec-1/ticket', init)
    const { url, ...ends } = (await response.json()) as { url: string }
    expect(ends).toEqual({ expires_at: new Date(now + 3_600_000).toISOString(), expires_in: 3600 })
    const { pathname } = new URL(url)
    now += 3_599_999
    expect((await gate.fetch(pathname)).status).toBe(200)
    now += 1
    expect((await gate.fetch(pathname)).status).toBe(401)
    const [issued, view, refusal] = await gate.events()
    expect(view).toMatchObject({ kind: 'view', ticket: issued?.id })
    expect(refusal).toMatchObject({ reason: 'ticket_expired', ticket: issued?.id, recording: 'rec-1' })
    expect(refusal?.subject).toBe(issued?.subject)
  })

  test('a ticket is refused in a cookie that is sent to another recording', async () => {
    const store = createMemoryStore()
    const gate = await open({ store })
    await put(store, 'recordings/rec-2', 'patient-1', gate.idp.issuer)
    const { cookie } = await issue(gate)
    expect((await gate.fetch('/recordings/rec-2', { headers: { cookie } })).status).toBe(401)
    expect(await lastReason(gate)).toBe('ticket_scope')
  })

  test('a ticket is refused beside a token in the query or beside a malformed bearer token', async () => {
    const gate = await open()
    const { cookie, path } = await issue(gate)
    expect((await gate.fetch(`${path}?access_token=x`)).status).toBe(401)
    expect(await lastReason(gate)).toBe('token_in_query')
    expect((await gate.fetch('/recordings/rec-1?access_token=x', { headers: { cookie } })).status).toBe(401)
    expect(await lastReason(gate)).toBe('token_in_query')
    const headers = { cookie, authorization: 'Bearer a.b.c' }
    expect((await gate.fetch('/recordings/rec-1', { headers })).status).toBe(401)
    expect(await lastReason(gate)).toBe('token_malformed')
  })

  test('a ticket is refused in a cookie whose name only resembles the right one', async () => {
    const gate = await open()
    const { cookie } = await issue(gate)
    const ask = async (sent: string) =>
      (await gate.fetch('/recordings/rec-1', { headers: { cookie: sent } })).status
    expect(await ask(`a=b; \t${cookie} ; c=d`)).toBe(200)
    // A page without TLS can set these: they don't have the prefix, and must not get it by being trimmed.
    for (const before of ['\u00a0', '\u0085', 'x']) expect(await ask(`a=b; ${before}${cookie}`)).toBe(401)
    expect(await ask(`a=${cookie}`)).toBe(401)
  })

  test('a ticket that is bound to a network and an agent is refused when one of them has changed', async () => {
    let ip = '203.0.113.7'
    const tickets = { keys: [KEY], binding: ['network', 'user-agent'] as const }
    const gate = await open({ tickets, network: () => ({ ip }) })
    const { path } = await issue(gate, undefined, undefined, { 'user-agent': 'Player/1' })
    expect(await gate.events()).toMatchObject([{ kind: 'ticket', binding: ['network', 'user-agent'] }])
    const ask = async (agent: string) => (await gate.fetch(path, { headers: { 'user-agent': agent } })).status
    expect(await ask('Player/1')).toBe(200)
    expect(await ask('Player/2')).toBe(401)
    ip = '203.0.113.200'
    expect(await ask('Player/1')).toBe(200)
    ip = '203.0.114.7'
    expect(await ask('Player/1')).toBe(401)
    expect(await lastReason(gate)).toBe('ticket_scope')
  })

  test.each(['network', 'user-agent'] as const)(
    'no ticket is issued if it is to be bound to a %s that is unknown',
    async binding => {
      const gate = await open({ tickets: { keys: [KEY], binding: [binding] } })
      await expect(issue(gate)).rejects.toThrow('503')
      expect(await lastReason(gate)).toBe('gate_fault')
    },
  )

  test('a gate without ticket keys neither accepts nor issues a ticket', async () => {
    const { path, cookie } = await issue(await open())
    const gate = await memoryGate()
    expect((await gate.fetch(path)).status).toBe(400)
    expect((await gate.fetch('/recordings/rec-1', { headers: { cookie } })).status).toBe(401)
    await expect(issue(gate)).rejects.toThrow('405')
  })

  test('no ticket is issued if the ledger takes no record of it', async () => {
    const broken = () => Promise.reject(new Error('no ledger'))
    const unrecorded: object[] = []
    const onUnrecorded = (json: string) => void unrecorded.push(JSON.parse(json))
    const gate = await open({ ledger: { ...createMemoryLedger(), append: broken }, onUnrecorded })
    await expect(issue(gate)).rejects.toThrow('503')
    expect(unrecorded).toMatchObject([
      { kind: 'ticket' },
      { reason: 'ledger_unavailable' },
      { kind: 'heartbeat' },
    ])
  })
})

test('a gate encrypts tickets with its first key, accepts those of all its keys, and rejects those of a removed key', async () => {
  const { path } = await issue(await open())
  const both = await open({ tickets: { keys: [OTHER_KEY, KEY] } })
  expect((await both.fetch(path)).status).toBe(200)
  const without = await open({ tickets: { keys: [OTHER_KEY] } })
  expect([(await without.fetch(path)).status, await lastReason(without)]).toEqual([401, 'ticket_invalid'])
  expect((await without.fetch((await issue(both)).path)).status).toBe(200)
})

test('a ticket for one recording never opens another, whatever a caller changes in it and wherever it is sent', async () => {
  const store = createMemoryStore()
  const gate = await open({ store })
  await put(store, 'recordings/rec-b', 'patient-2', gate.idp.issuer)
  await put(store, 'recordings/rec-b/part.ts', 'patient-2', gate.idp.issuer)
  const tickets = [await issue(gate), await issue(gate, '/recordings/rec-b', 'patient-2')].map(
    one => one.ticket,
  )
  const [a = '', b = ''] = tickets
  const mutated = fc.oneof(
    fc.constant(a),
    fc
      .tuple(fc.nat(a.length - 1), fc.constantFrom(...'AZaz09-_.'))
      .map(([at, c]) => a.slice(0, at) + c + a.slice(at + 1)),
    fc.nat(a.length).map(cut => a.slice(0, cut) + b.slice(cut)),
    fc.tuple(fc.nat(2), fc.nat(2)).map(([i, j]) => {
      const parts = a.split('.')
      parts[i] = b.split('.')[j] ?? ''
      return parts.join('.')
    }),
    fc.string(),
  )
  const where = fc.constantFrom<(ticket: string) => [string, RequestInit]>(
    ticket => [`/play/${encodeURI(ticket)}`, {}],
    ticket => [`/play/${encodeURI(ticket)}/part.ts`, {}],
    ticket => ['/recordings/rec-b', { headers: { cookie: `${COOKIE}=${encodeURI(ticket)}` } }],
    ticket => ['/recordings/rec-b/part.ts', { headers: { cookie: `x=1; ${COOKIE}=${encodeURI(ticket)}` } }],
    ticket => [`/play/${encodeURI(ticket)}/../rec-b`, {}],
  )
  await fc.assert(
    fc.asyncProperty(mutated, where, async (ticket, show) => {
      fc.pre(ticket !== b)
      const [path, init] = show(ticket)
      const response = await gate.fetch(path, init)
      const bytes = new Uint8Array(await response.arrayBuffer())
      // Bits of base64url that mean nothing may differ: then it is the ticket for A, and opens A.
      if (response.status === 200) expect(bytes).toEqual(gate.bytes)
      else expect(Buffer.from(bytes).includes('rec-b')).toBe(false)
    }),
    sample(500, 20_000),
  )
  expect((await gate.fetch(`/play/${b}`)).status).toBe(200)
})
