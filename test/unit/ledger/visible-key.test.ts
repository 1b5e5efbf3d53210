import { describe, expect, test } from 'vitest'
import { callerNetwork } from '../../../src/base/network.ts'
import { TICKET_COOKIE } from '../../../src/http/credential.ts'
import type { AccessFacts } from '../../../src/ledger/event.ts'
import { visibleKey } from '../../../src/ledger/refusals/visible-key.ts'
import type { RequestContext } from '../../../src/request-context.ts'
import { contextOf } from '../../support/context.ts'

const from = (ip: string) => () => callerNetwork(() => ({ ip }))
const HERE = from('203.0.113.7')
const SAME_NETWORK = from('203.0.113.200')
const ELSEWHERE = from('198.51.100.7')

const request = (path = '/recordings/rec-1', headers: Record<string, string> = {}) =>
  new Request(`https://gate.test${path}`, { headers })
const subject = { id: 'patient-2', issuer: 'https://idp.test/', roles: [], token: 'token-1' }
const ref = { recording: 'rec-1', key: 'recordings/rec-1' }

/** The key of a refusal to patient-2, who asked for rec-1. */
function keyOf(facts: Partial<RequestContext> = {}, refusal: Partial<AccessFacts> = {}) {
  return visibleKey(contextOf({ request: request(), network: HERE, subject, ref, ...facts }), {
    ...{ kind: 'access', decision: 'deny', reason: 'not_owner', status: 404, method: 'GET' },
    ...refusal,
  })
}
/** The key of a refusal to a caller whose credential was not accepted. */
const unauthorized = (path?: string, headers?: Record<string, string>, facts: Partial<RequestContext> = {}) =>
  visibleKey(contextOf({ request: request(path, headers), network: HERE, ref, ...facts }), {
    ...{ kind: 'access', decision: 'deny', reason: 'token_signature', status: 401, method: 'GET' },
  })
/** The key of a refusal to a caller before it is asked for a credential. */
const unknownPath = (network = HERE, path = '/recordings/..') =>
  visibleKey(contextOf({ request: request(path), network }), {
    ...{ kind: 'access', decision: 'deny', reason: 'path_invalid', status: 400, method: 'GET' },
  })

describe('visibleKey', () => {
  test.each<[string, AccessFacts['reason'], number]>([
    ['a fault of ours', 'store_unavailable', 503],
    ['a fault of ours under any status', 'gate_fault', 404],
    ['an upload that can not be stored', 'upload_invalid', 400],
    ['an upload that another one overtook', 'upload_conflict', 409],
    ['a recording that is bound to another owner', 'binding_conflict', 409],
    ['a playlist that a recorder sent', 'playlist_outside', 400],
  ])('a refusal for %s has no key, so it always gets a record of its own', async (_, reason, status) => {
    expect(await keyOf({}, { reason, status })).toBeUndefined()
  })

  test('refusals of different tokens in a configured place have different keys', async () => {
    const keys = ['a', 'b', 'a', undefined].map(presented =>
      unauthorized(undefined, undefined, presented === undefined ? {} : { presented }),
    )
    const [first, second, again, none] = await Promise.all(keys)
    expect(again).toBe(first)
    expect(new Set([first, second, none]).size).toBe(3)
    expect(first).not.toContain('"a"')
  })

  test('a refused evaluation has no key, as its record names what it asked about', async () => {
    const asked = { questions: 1, subjects: [], recordings: ['rec-1'] }
    expect(await keyOf({ asked }, { reason: 'role_missing' })).toBeUndefined()
  })

  test.each<[AccessFacts['reason'], number]>([
    ['not_owner', 404],
    ['playlist_outside', 403],
    ['encoding_unsupported', 415],
    ['request_timeout', 408],
    ['query_invalid', 400],
    ['path_invalid', 400],
    ['token_missing', 401],
  ])('a refusal for %s with status %i has a key', async (reason, status) => {
    expect(await keyOf({}, { reason, status })).toBeTypeOf('string')
  })
})

describe('key for a known caller', () => {
  test('the key of a refusal is the same for every reason that is answered alike', async () => {
    const reasons = ['recording_unknown', 'recording_unbound', 'role_missing', 'tenant_mismatch'] as const
    for (const reason of reasons) expect(await keyOf({}, { reason })).toBe(await keyOf())
  })

  test('the key of a refusal does not depend on what only the log may say', async () => {
    const ownership = { owner: 'patient-1', issuer: 'https://idp.test/', tenant: 'north' }
    expect(await keyOf({ ownership })).toBe(await keyOf())
    expect(await keyOf({}, { range: 'bytes=0-9' })).toBe(await keyOf())
    expect(await keyOf({}, { playlist: { line: 7 } })).toBe(await keyOf())
  })

  test('the key of a refusal does not depend on its time, query and range, or on the address within a network', async () => {
    expect(
      await keyOf({ now: () => 9, request: request('/recordings/rec-1?x', { range: 'bytes=1-' }) }),
    ).toBe(await keyOf())
    expect(await keyOf({ network: SAME_NETWORK })).toBe(await keyOf())
  })

  test.each<[string, Partial<RequestContext>, Partial<AccessFacts>?]>([
    ['another status', {}, { status: 403 }],
    ['another method', {}, { method: 'HEAD' }],
    ['another recording', { ref: { recording: 'rec-2', key: 'recordings/rec-2' } }],
    ['another part', { ref: { ...ref, part: 'a.ts', key: 'recordings/rec-1/a.ts' } }],
    ['another person', { subject: { ...subject, id: 'patient-3' } }],
    ['another issuer', { subject: { ...subject, issuer: 'https://other.test/' } }],
    ['another token', { subject: { ...subject, token: 'token-2' } }],
    ['a ticket', { ticket: 'ticket-1' }],
    ['another network', { network: ELSEWHERE }],
  ])('the key of a refusal differs for %s', async (_, facts, refusal) => {
    const other = await keyOf(facts, refusal)
    expect(other).toBeTypeOf('string')
    expect(other).not.toBe(await keyOf())
  })
})

describe('key for a caller whose credential is not accepted', () => {
  const TICKET = { cookie: `${TICKET_COOKIE}=a.b.c` }

  test('the key of a rejected proof differs from that of its token, and is the same for each proof', async () => {
    const refused = (reason: AccessFacts['reason'], dpop: string) => {
      const sent = request('/recordings/rec-1', { authorization: 'DPoP one', dpop })
      const facts = { kind: 'access', decision: 'deny', reason, status: 401, method: 'GET' } as const
      return visibleKey(contextOf({ request: sent, network: HERE, ref }), facts)
    }
    expect(await refused('proof_invalid', 'a.b.c')).toBe(await refused('proof_replayed', 'd.e.f'))
    expect(await refused('token_expired', 'a.b.c')).toBe(await refused('token_key_mismatch', 'd.e.f'))
    expect(await refused('proof_invalid', 'a.b.c')).not.toBe(await refused('token_expired', 'a.b.c'))
  })

  test('the key of a rejected token does not depend on its subject, or it would show a valid signature', async () => {
    const path = '/recordings/rec-1'
    const headers = { authorization: 'Bearer expired' }
    expect(await unauthorized(path, headers, { subject, ticket: 'ticket-1' })).toBe(
      await unauthorized(path, headers),
    )
  })

  test.each<[string, string, Record<string, string>]>([
    ['another token', '/recordings/rec-1', { authorization: 'Bearer other' }],
    ['no credential', '/recordings/rec-1', {}],
    ['a ticket in a cookie', '/recordings/rec-1', { authorization: 'Bearer one', ...TICKET }],
    ['a ticket in the path', '/play/a.b.c', { authorization: 'Bearer one' }],
    ['a token in the query', '/recordings/rec-1?access_token=x', { authorization: 'Bearer one' }],
  ])('the key of a rejected token differs for %s', async (_, path, headers) => {
    const one = await unauthorized('/recordings/rec-1', { authorization: 'Bearer one' })
    expect(await unauthorized(path, headers)).not.toBe(one)
  })

  test('the key of a rejected ticket differs for another ticket, in the cookie or in the path', async () => {
    const keys = [
      await unauthorized('/recordings/rec-1', TICKET),
      await unauthorized('/recordings/rec-1', { cookie: `${TICKET_COOKIE}=a.b.d` }),
      await unauthorized('/play/a.b.c'),
      await unauthorized('/play/a.b.d'),
    ]
    expect(new Set(keys).size).toBe(4)
  })

  test('the key for a caller without an accepted credential differs by address, even in one network', async () => {
    for (const network of [SAME_NETWORK, ELSEWHERE]) {
      expect(await unauthorized(undefined, {}, { network })).not.toBe(await unauthorized())
    }
  })

  test('the key for an invalid path differs by address, even in one network', async () => {
    expect(await unknownPath(SAME_NETWORK)).not.toBe(await unknownPath())
  })

  test('all invalid paths of one caller share a key, or trying them would flood the log', async () => {
    expect(await unknownPath(HERE, '/.env')).toBe(await unknownPath())
  })

  test('the key for a caller without an accepted credential does not depend on other headers or the query', async () => {
    const headers = { cookie: 'theme=dark', 'user-agent': 'Player/1', range: 'bytes=0-' }
    expect(await unauthorized('/recordings/rec-1?x=1', headers)).toBe(await unauthorized())
  })

  test('the key of a refusal holds no credential', async () => {
    const key = await unauthorized('/play/secret-ticket', {
      ...{ authorization: 'Bearer secret-token', cookie: `${TICKET_COOKIE}=secret-cookie` },
    })
    expect(key).not.toContain('secret')
  })
})
