import type { JWTPayload } from 'jose'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { StorageFault } from '../../../src/base/storage-fault.ts'
import { createMemoryControl, createMemoryLedger } from '../../../src/runtime/memory/index.ts'
import { createIssuer, type TestIssuer } from '../../support/issuer.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

// Logins that end before their tokens do: by the issuer's word, and by an analyst's.

const OWN = '/recordings/rec-1'
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
let idp: TestIssuer
let gate: MemoryGate
let time: number
beforeEach(async () => {
  time = Date.now()
  idp = await createIssuer()
  gate = await memoryGate(
    {
      now: () => time,
      issuers: [idp.entry({ clients: ['app'] })],
      tickets: { keys: ['k'.repeat(32)] },
    },
    idp,
  )
})

const APP: JWTPayload = { client_id: 'app' }
const bearer = async (claims: JWTPayload = {}, who = 'patient-1') =>
  (await idp.bearer(who, { ...APP, ...claims })).authorization
const play = async (authorization: string) => {
  const response = await gate.fetch(OWN, { headers: { authorization } })
  await response.body?.cancel()
  return response.status
}
const lastReason = async () => (await gate.events('access')).at(-1)?.reason
const later = (milliseconds = 1_000) => {
  time += milliseconds
}

const logoutToken = (claims: JWTPayload = {}, header: object = {}) =>
  idp.token('patient-1', { aud: 'app', events: { [EVENT]: {} }, ...claims }, { typ: 'logout+jwt', ...header })
const logOut = async (token: string, path = '/session/logout') =>
  (
    await gate.fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ logout_token: token }).toString(),
    })
  ).status
const revoke = (call: object, claims: JWTPayload = { roles: ['security'] }) =>
  gate.ask('analyst-1', '/session/revoke', {
    method: 'POST',
    claims: { ...APP, ...claims },
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(call),
  })

describe('a logout token', () => {
  test('ends the session that it names, and the tickets got in it', async () => {
    const token = await bearer({ sid: 's-1' })
    const response = await gate.fetch(`${OWN}/ticket`, { method: 'POST', headers: { authorization: token } })
    const { url } = (await response.json()) as { url: string }
    const ticket = new URL(url).pathname
    expect((await gate.fetch(ticket)).status).toBe(200)
    expect(await logOut(await logoutToken({ sid: 's-1', sub: undefined as never }))).toBe(200)
    later()
    expect(await play(token)).toBe(401)
    expect(await lastReason()).toBe('token_revoked')
    expect((await gate.fetch(ticket)).status).toBe(401)
    expect(await play(await bearer({ sid: 's-2' }))).toBe(200)
  })

  test('ends all tokens of a person up to its own time, and not those of a login after it', async () => {
    const [before, other] = [await bearer(), await bearer({}, 'patient-2')]
    expect(await logOut(await logoutToken())).toBe(200)
    later()
    expect(await play(before)).toBe(401)
    expect(await play(other)).toBe(404)
    later(2_000)
    expect(await play(await bearer({ iat: Math.floor(time / 1000) }))).toBe(200)
    // One that doesn't say when it was issued may be older.
    expect(await play(await bearer({ iat: undefined as never }))).toBe(401)
  })

  test('is taken once', async () => {
    const token = await logoutToken()
    expect(await logOut(token)).toBe(200)
    later()
    expect(await logOut(token)).toBe(400)
    expect(await lastReason()).toBe('logout_invalid')
  })

  test('that comes many times at once is taken once, and readers learn of no token', async () => {
    const token = await logoutToken({ sid: 's-1' })
    const answers = await Promise.all(Array.from({ length: 10 }, () => logOut(token)))
    expect(answers.sort()).toEqual([200, ...Array(9).fill(400)])
    expect(await gate.events('lockdown')).toHaveLength(2)
    const { changes } = await gate.control.changes(0, 0)
    expect(changes).toMatchObject([{ scope: 'session' }, { scope: 'subject' }])
  })

  test('that the control could not take is taken when it comes again', async () => {
    const token = await logoutToken({ sid: 's-1' })
    const adding = vi.spyOn(gate.control, 'addOnce').mockRejectedValueOnce(new StorageFault('it is away'))
    expect(await logOut(token)).toBe(503)
    expect((await gate.control.changes(0, 0)).changes).toEqual([])
    adding.mockRestore()
    expect(await logOut(token)).toBe(200)
  })

  test.each<[string, JWTPayload, object?]>([
    ['for an app that no entry lists', { aud: 'another' }],
    ['for this gate instead of an app', { aud: 'recordings' }],
    ['without its event', { events: undefined as never }],
    ['with another event', { events: { 'http://schemas.openid.net/event/other': {} } }],
    ['with an event that is no object', { events: { [EVENT]: true } }],
    ['with a nonce, as an ID token has', { nonce: 'n' }],
    ['without an id', { jti: undefined as never }],
    ['without its time', { iat: undefined as never }],
    ['that has expired', { exp: 1_000 }],
    [
      'without an end, and ten minutes old',
      { exp: undefined as never, iat: Math.floor(Date.now() / 1000) - 600 },
    ],
    ['about neither a person nor a session', { sub: undefined as never }],
    ['of the type of an access token', {}, { typ: 'at+jwt' }],
    ['of an issuer that is not trusted', { iss: 'https://other.test/' }],
  ])('%s ends nothing', async (_, claims, header) => {
    const token = await bearer()
    expect(await logOut(await logoutToken(claims, header))).toBe(400)
    expect(await lastReason()).toBe('logout_invalid')
    later()
    expect(await play(token)).toBe(200)
  })

  test('with another signature ends nothing', async () => {
    const stranger = await createIssuer()
    const token = await stranger.token(
      'patient-1',
      { aud: 'app', events: { [EVENT]: {} } },
      { typ: 'logout+jwt' },
    )
    expect(await logOut(token)).toBe(400)
    later()
    expect(await play(await bearer())).toBe(200)
  })

  test('never opens a recording', async () => {
    expect(await play(`Bearer ${await logoutToken({ aud: 'recordings', client_id: 'app' })}`)).toBe(401)
  })

  test('is on record without the person: who it is about is a pseudonym', async () => {
    await logOut(await logoutToken({ sid: 's-1' }))
    const records = await gate.events('lockdown')
    expect(records.map(({ action, scope }) => [action, scope])).toEqual([
      ['logout', 'session'],
      ['logout', 'subject'],
    ])
    expect(records.every(({ target }) => /^psn_/.test(`${target}`))).toBe(true)
    expect(JSON.stringify(records)).not.toMatch(/patient-1|s-1"/)
  })

  test('of an entry whose patients have another claim as their id needs a session', async () => {
    gate = await memoryGate(
      { now: () => time, issuers: [idp.entry({ clients: ['app'], subject_claim: 'person' })] },
      idp,
    )
    expect(await logOut(await logoutToken())).toBe(400)
    expect(await logOut(await logoutToken({ sid: 's-1' }))).toBe(200)
    later()
    const person = { person: 'patient-1' }
    expect(await play(await bearer({ ...person, sid: 's-1' }))).toBe(401)
    expect(await play(await bearer({ ...person, sid: 's-2' }))).toBe(200)
  })

  test.each([
    ['no body', { method: 'POST' }],
    ['a JSON body', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }],
  ])('%s is refused', async (_, init) => {
    expect((await gate.fetch('/session/logout', init)).status).toBe(400)
  })
})

describe('an analyst', () => {
  test.each<[string, (id: string) => object, JWTPayload]>([
    ['a person', () => ({ sub: 'patient-1' }), {}],
    ['a session', () => ({ sid: 's-1' }), { sid: 's-1' }],
    ['a token', id => ({ jti: id }), {}],
  ])('ends the logins of %s', async (_, call, claims) => {
    const id = crypto.randomUUID()
    const token = await bearer({ ...claims, jti: id })
    expect(await play(token)).toBe(200)
    const response = await revoke({ ...call(id), reason: 'a stolen phone' })
    expect(response.status, await response.clone().text()).toBe(201)
    later()
    expect(await play(token)).toBe(401)
    expect(await lastReason()).toBe('token_revoked')
    const [record] = await gate.events('lockdown')
    expect(record).toMatchObject({ action: 'revoke', reason_sha256: expect.any(String) })
    expect(JSON.stringify(record)).not.toContain('stolen')
    expect(await gate.control.list()).toEqual([])
  })

  test.each<[object]>([
    [{}],
    [{ sub: 'a', sid: 'b' }],
    [{ sub: 1 }],
    [{ sub: '' }],
    [{ name: 'x' }],
    [{ sub: 'a', issuer: 'https://other.test/' }],
    [{ sub: 'a', reason: '' }],
    [{ toString: 'a' }],
  ])('is refused with %o', async call => {
    expect((await revoke(call)).status).toBe(400)
  })

  test('needs the role security', async () => {
    expect((await revoke({ sub: 'patient-1' }, { roles: ['app'] })).status).toBe(404)
  })

  test('whose own login has ended is refused', async () => {
    const claims = { roles: ['security'], sid: 'mine' }
    expect((await revoke({ sid: 'mine' }, claims)).status).toBe(201)
    later()
    expect((await revoke({ sid: 'other' }, claims)).status).toBe(401)
  })
})

describe('a logout', () => {
  let isLogDown: boolean
  let isControlDown: boolean
  beforeEach(async () => {
    isLogDown = false
    isControlDown = false
    const [ledger, control] = [createMemoryLedger(), createMemoryControl(() => time)]
    gate = await memoryGate(
      {
        now: () => time,
        issuers: [idp.entry({ clients: ['app'] })],
        ledger: {
          ...ledger,
          append: async entries => {
            const isLockdown = entries.some(({ json }) => json.includes('"kind":"lockdown"'))
            if (isLogDown && isLockdown) throw new Error('down')
            return ledger.append(entries)
          },
        },
        control: {
          ...control,
          addOnce: async (restrictions, once) => {
            if (isControlDown) throw new Error('down')
            return control.addOnce(restrictions, once)
          },
        },
      },
      idp,
    )
  })

  test('that the log takes no record of has ended all that it names', async () => {
    const [inSession, other] = [await bearer({ sid: 's-1' }), await bearer({ sid: 's-2' })]
    expect([await play(inSession), await play(other)]).toEqual([200, 200])
    isLogDown = true
    expect(await logOut(await logoutToken({ sid: 's-1' }))).toBe(503)
    expect(await lastReason()).toBe('ledger_unavailable')
    later()
    expect([await play(inSession), await play(other)]).toEqual([401, 401])
  })

  test('that the control does not take ends nothing, and can be sent again', async () => {
    isControlDown = true
    const token = await logoutToken({ sid: 's-1' })
    expect(await logOut(token)).toBe(503)
    expect(await lastReason()).toBe('control_unavailable')
    const scopes = async () => (await gate.events('lockdown')).map(({ scope }) => scope)
    expect(await scopes()).toEqual([])
    isControlDown = false
    expect(await logOut(token)).toBe(200)
    expect(await scopes()).toEqual(['session', 'subject'])
    expect(await logOut(token)).toBe(400)
  })
})
