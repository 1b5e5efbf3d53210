import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  authorizationToken,
  hasTokenInQuery,
  TICKET_COOKIE,
  ticketCookie,
} from '../../../src/http/credential.ts'
import { Refusal } from '../../../src/refusal.ts'
import { sample } from '../../support/sample.ts'

test('a token in the query is found exactly when URLSearchParams finds one, however it is encoded', () => {
  const letter = fc
    .constantFrom(...'access_token')
    .chain(c =>
      fc.constantFrom(
        c,
        `%${c.charCodeAt(0).toString(16)}`,
        `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
      ),
    )
  const encoded = fc
    .tuple(...Array.from('access_token', c => fc.constantFrom(c, `%${c.charCodeAt(0).toString(16)}`)))
    .map(letters => letters.join(''))
  const piece = fc.oneof(
    encoded,
    letter,
    fc.constantFrom('access_token', '&', '=', '%', '+', '?', 'a', '%26'),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), pieces => {
      const query = pieces.join('')
      const found = hasTokenInQuery({ url: `https://gate.test/x?${query}` } as Request)
      expect(found).toBe(new URLSearchParams(`?${query}`).has('access_token'))
    }),
    sample(1000, 200_000),
  )
})

describe('tokens in Authorization', () => {
  const read = (authorization?: string, acceptsProofs = false) => {
    const headers = new Headers(authorization === undefined ? {} : { authorization })
    const request = new Request('https://gate.test/recordings/rec-1', { headers })
    const outcome = authorizationToken(request, acceptsProofs)
    return outcome instanceof Refusal ? outcome.reason : outcome?.token
  }

  test('a request without the Authorization header has no bearer token', () => expect(read()).toBeUndefined())

  test.each([
    ['Bearer a.b.c', 'a.b.c'],
    ['bearer a', 'a'],
    ['BEARER   a', 'a'],
    ['Bearer AZaz09-._~+/', 'AZaz09-._~+/'],
    ['Bearer a==', 'a=='],
  ])('the bearer token of the Authorization header %j is %j', (header, token) =>
    expect(read(header)).toBe(token),
  )

  test.each([
    '',
    'Basic dXNlcjpwYXNz',
    'Bearera.b.c',
    'Bearer\ta.b.c',
    'a.b.c',
    'Token Bearer a',
    'DPoP a.b.c',
  ])('the bearer token is missing in the Authorization header %j', header =>
    expect(read(header)).toBe('token_missing'),
  )

  test.each([
    'Bearer',
    'Bearer a b',
    'Bearer a, Bearer b',
    'Bearer a,b',
    'Bearer a=b',
    'Bearer =',
    'Bearer a"b',
    'Bearer \ta',
    'Bearer \u00a0a',
    'Bearer a\u00a0',
    'Bearer é',
  ])('the bearer token is malformed in the Authorization header %j', header =>
    expect(read(header)).toBe('token_malformed'),
  )

  test.each([
    ['DPoP a.b.c', 'a.b.c'],
    ['dpop   a', 'a'],
    ['DPOP a==', 'a=='],
  ])('with DPoP, the token of the Authorization header %j is %j, and needs a proof', (header, token) => {
    const headers = { authorization: header }
    expect(authorizationToken(new Request('https://gate.test/', { headers }), true)).toEqual({
      token,
      scheme: 'DPoP',
      places: [],
    })
  })

  test('with DPoP, a bearer token needs no proof by its scheme', () => {
    const headers = { authorization: 'Bearer a', dpop: 'a.b.c' }
    const outcome = authorizationToken(new Request('https://gate.test/', { headers }), true)
    expect(outcome).toEqual({ token: 'a', places: [] })
  })

  test.each<[string, string]>([
    ['DPoP', 'token_malformed'],
    ['DPoP a b', 'token_malformed'],
    ['DPoP a, Bearer b', 'token_malformed'],
    ['Bearer a, DPoP b', 'token_malformed'],
    ['DPoP \ta', 'token_malformed'],
    ['DPoPa', 'token_missing'],
    ['DPoP\ta', 'token_missing'],
    ['Basic a', 'token_missing'],
  ])('with DPoP, the Authorization header %j is refused as %s', (header, reason) =>
    expect(read(header, true)).toBe(reason),
  )

  test('the bearer token of several Authorization headers is malformed', () => {
    const headers = new Headers([
      ['authorization', 'Bearer a'],
      ['authorization', 'Bearer b'],
    ])
    expect(authorizationToken(new Request('https://gate.test/', { headers }), true)).toEqual(
      new Refusal('token_malformed'),
    )
  })
})

test.each([
  ['?access_token=', true],
  ['?access_token', true],
  ['?a=b&access_token=c', true],
  ['?%61%63%63%65%73%73%5f%74%6f%6b%65%6e=c', true],
  ['?access%5Ftoken', true],
  ['', false],
  ['/access_token', false],
  // A path isn't a query, even if it looks like one.
  ['&access_token=a', false],
  ['?', false],
  ['?access_tokens=a', false],
  ['?xaccess_token=a', false],
  ['?a=access_token', false],
  ['?Access_Token=a', false],
  [`?%61${'x'.repeat(40)}`, false],
])('a URL that ends with %j has a token in its query: %s', (rest, found) => {
  expect(hasTokenInQuery({ url: `https://gate.test/x${rest}` } as Request)).toBe(found)
})

test('only a parameter of a query whose name may be an encoded access_token is decoded', () => {
  const decode = vi.spyOn(globalThis, 'URLSearchParams')
  onTestFinished(() => decode.mockRestore())
  const others = ['access-token=a', 'plain', `%61${'x'.repeat(40)}`, `${'%78'.repeat(12)}x`]
  const query = [...Array(1000).fill(others).flat(), '%78'.repeat(12)].join('&')
  expect(hasTokenInQuery({ url: `https://gate.test/x?${query}` } as Request)).toBe(false)
  expect(decode.mock.calls).toEqual([[`?${'%78'.repeat(12)}`]])
})

describe('ticketCookie', () => {
  const read = (cookie?: string) => ticketCookie(new Headers(cookie === undefined ? {} : { cookie }))

  test.each([
    [`${TICKET_COOKIE}=a.b.c`, 'a.b.c'],
    [`x=y; ${TICKET_COOKIE}=a.b.c; z=0`, 'a.b.c'],
    [`x=y;${TICKET_COOKIE}=a.b.c`, 'a.b.c'],
    [`x=y; \t ${TICKET_COOKIE}=a.b.c\t;z=0`, 'a.b.c'],
    [`${TICKET_COOKIE}=first; ${TICKET_COOKIE}=second`, 'first'],
    [`${TICKET_COOKIE}=`, ''],
    [undefined, undefined],
    ['', undefined],
    ['x=y', undefined],
    [`x${TICKET_COOKIE}=a`, undefined],
    [`x=${TICKET_COOKIE}=a`, undefined],
    [`x=y; \u00a0${TICKET_COOKIE}=a`, undefined],
    [`${TICKET_COOKIE.toLowerCase()}=a`, undefined],
    [`${TICKET_COOKIE} =a`, undefined],
  ])('the ticket of the Cookie header %j is %j', (cookie, ticket) => expect(read(cookie)).toBe(ticket))

  test('the cookie of a ticket can only be set over TLS', () => expect(TICKET_COOKIE).toMatch(/^__Secure-/))
})
