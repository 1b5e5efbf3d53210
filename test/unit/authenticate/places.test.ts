import type { JWTPayload } from 'jose'
import { beforeEach, describe, expect, test } from 'vitest'
import { TICKET_COOKIE } from '../../../src/http/credential.ts'
import { createIssuer } from '../../support/gate-client.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

// The places of a token beside Authorization, and which of them counts.

const [idp, access] = await Promise.all([createIssuer(), createIssuer('https://access.test/')])
const HEADER = 'cf-access-jwt-assertion'
const COOKIE = 'CF_Authorization'
let gate: MemoryGate
let ticket: string

beforeEach(async () => {
  gate = await memoryGate(
    {
      issuers: [idp.entry(), access.entry({ header: 'Cf-Access-Jwt-Assertion', cookie: COOKIE })],
      tickets: { keys: ['only for tests: no secret protects these tickets'] },
      allowedOrigins: ['https://app.clinic.test'],
    },
    access,
  )
  const answer = await gate.ask('patient-1', '/recordings/rec-1/ticket', { method: 'POST' })
  const { url } = (await answer.json()) as { url: string }
  ticket = new URL(url).pathname.slice('/play/'.length)
})

const token = (who: string, by = access, claims: JWTPayload = {}) => by.token(who, claims)
/** The answer to a request with these headers, and the reason if it is a refusal. */
async function ask(headers: Record<string, string>, { path = '/recordings/rec-1', method = 'GET' } = {}) {
  const before = (await gate.events('access')).length
  const { status } = await gate.fetch(path, { method, headers })
  const [event] = (await gate.events('access')).slice(before)
  return event === undefined ? `${status}` : `${status} ${event.reason}`
}
const cookies = (pairs: Record<string, string>) =>
  Object.entries(pairs)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')

describe('a token counts', () => {
  test('in Authorization, in the configured header and in the configured cookie', async () => {
    const good = await token('patient-1')
    expect(await ask({ authorization: `Bearer ${good}` })).toBe('200')
    expect(await ask({ [HEADER]: good })).toBe('200')
    expect(await ask({ cookie: cookies({ [COOKIE]: good }) })).toBe('200')
    expect(await ask({ cookie: cookies({ a: 'b', [COOKIE]: good }) }, { method: 'HEAD' })).toBe('200')
    expect(await ask({ [HEADER]: good, cookie: cookies({ [COOKIE]: good }) })).toBe('200')
  })

  test('in no other header or cookie', async () => {
    const good = await token('patient-1')
    for (const headers of [
      { 'x-goog-iap-jwt-assertion': good },
      { cookie: cookies({ CF_authorization: good }) },
      { cookie: cookies({ [`x${COOKIE}`]: good }) },
      { cookie: `a=b ${COOKIE}=${good}` },
    ]) {
      expect(await ask(headers)).toBe('401 token_missing')
    }
  })

  test('in a configured place only if it is of the entry that names the place', async () => {
    const other = await token('patient-1', idp)
    expect(await ask({ authorization: `Bearer ${other}` })).toBe('404 not_owner')
    // Remembered by now, and refused all the same.
    expect(await ask({ [HEADER]: other })).toBe('401 token_place')
    expect(await ask({ cookie: cookies({ [COOKIE]: other }) })).toBe('401 token_place')
    const first = await token('patient-1', idp)
    expect(await ask({ [HEADER]: first })).toBe('401 token_place')
  })

  test('in several configured places only if all of them are of its entry', async () => {
    gate = await memoryGate(
      {
        issuers: [
          access.entry({ header: 'Cf-Access-Jwt-Assertion', cookie: COOKIE }),
          idp.entry({ header: 'X-Login' }),
        ],
      },
      access,
    )
    const good = await token('patient-1')
    expect(await ask({ [HEADER]: good, 'x-login': good })).toBe('401 token_place')
    // Remembered by now.
    expect(await ask({ [HEADER]: good, 'x-login': good })).toBe('401 token_place')
    const other = await token('patient-1', idp)
    expect(await ask({ [HEADER]: other, 'x-login': other })).toBe('401 token_place')
    expect(await ask({ 'x-login': good, cookie: cookies({ [COOKIE]: good }) })).toBe('401 token_place')
    expect(await ask({ [HEADER]: good, cookie: cookies({ [COOKIE]: good }) })).toBe('200')
  })

  test('if it has the form of a token', async () => {
    for (const bad of ['', 'a b', 'a,b', '"a"', 'Bearer a'])
      expect(await ask({ [HEADER]: bad })).toBe('401 token_malformed')
    expect(await ask({ cookie: `${COOKIE}=` })).toBe('401 token_malformed')
    expect(await ask({ cookie: `${COOKIE}="a"` })).toBe('401 token_malformed')
  })
})

describe('the first place that is there counts, and a bad one is never made good by a later one', () => {
  const BAD = 'bad'
  const places = async () => {
    const good = await token('patient-1')
    return { good, other: await token('patient-2') }
  }

  test('the ticket in the path, before all others', async () => {
    const { other } = await places()
    const headers = {
      authorization: `Bearer ${other}`,
      [HEADER]: other,
      cookie: cookies({ [COOKIE]: other }),
    }
    expect(await ask(headers, { path: `/play/${ticket}` })).toBe('200')
    const { good } = await places()
    expect(await ask({ authorization: `Bearer ${good}` }, { path: `/play/${ticket.slice(1)}a` })).toBe(
      '401 ticket_invalid',
    )
  })

  test('Authorization, before a configured header and both cookies', async () => {
    const { good, other } = await places()
    const rest = { [HEADER]: good, cookie: cookies({ [TICKET_COOKIE]: ticket, [COOKIE]: good }) }
    expect(await ask({ authorization: `Bearer ${other}`, ...rest })).toBe('404 not_owner')
    expect(await ask({ authorization: `Bearer ${BAD}`, ...rest })).toBe('401 token_malformed')
    expect(await ask({ authorization: 'Basic YTpi', ...rest })).toBe('401 token_missing')
    expect(await ask({ authorization: '', ...rest })).toBe('401 token_missing')
  })

  test('a configured header, before both cookies', async () => {
    const { good, other } = await places()
    const withTicket = { cookie: cookies({ [TICKET_COOKIE]: ticket }) }
    expect(await ask({ [HEADER]: other, ...withTicket })).toBe('404 not_owner')
    expect(await ask({ [HEADER]: BAD, ...withTicket })).toBe('401 token_malformed')
    expect(await ask({ [HEADER]: good, cookie: cookies({ [TICKET_COOKIE]: 'bad' }) })).toBe('200')
  })

  test('the ticket’s cookie, before a configured cookie', async () => {
    const { good, other } = await places()
    expect(await ask({ cookie: cookies({ [TICKET_COOKIE]: ticket, [COOKIE]: other }) })).toBe('200')
    expect(await ask({ cookie: cookies({ [TICKET_COOKIE]: 'bad', [COOKIE]: good }) })).toBe(
      '401 ticket_invalid',
    )
  })

  test('two configured places that hold different tokens are refused', async () => {
    const { good, other } = await places()
    expect(await ask({ [HEADER]: good, cookie: cookies({ [COOKIE]: other }) })).toBe('401 token_ambiguous')
    expect(await ask({ [HEADER]: good, cookie: cookies({ [COOKIE]: BAD }) })).toBe('401 token_ambiguous')
    expect(await ask({ cookie: `${cookies({ [COOKIE]: good })}; ${cookies({ [COOKIE]: other })}` })).toBe(
      '401 token_ambiguous',
    )
  })

  test('a token in the query is refused whatever else there is', async () => {
    const { good } = await places()
    for (const headers of [{ [HEADER]: good }, { cookie: cookies({ [COOKIE]: good }) }])
      expect(await ask(headers, { path: '/recordings/rec-1?access_token=a' })).toBe('401 token_in_query')
  })
})

describe('a login cookie', () => {
  let cookie: string
  beforeEach(async () => {
    cookie = cookies({
      [COOKIE]: await token('patient-1', access, { roles: ['security', 'recorder', 'app'] }),
    })
  })

  test.each([
    ['POST', '/recordings/rec-1/ticket'],
    ['PUT', '/recordings/rec-2'],
    ['POST', '/recordings/rec-2/upload'],
    ['DELETE', '/recordings/rec-2/upload'],
    ['POST', '/access/v1/evaluation'],
    ['POST', '/access/v1/evaluations'],
    ['GET', '/console/api/records'],
    ['GET', '/console/api/denials'],
  ])('does not count for %s %s', async (method, path) => {
    expect(await ask({ cookie, 'content-type': 'application/json' }, { method, path })).toBe(
      '401 token_missing',
    )
  })

  test('does not count for a page of another site, unless its origin is allowed', async () => {
    const from = (site: string, origin?: string) =>
      ask({ cookie, 'sec-fetch-site': site, ...(origin !== undefined && { origin }) })
    expect(await from('cross-site')).toBe('401 token_missing')
    expect(await from('cross-site', 'https://evil.test')).toBe('401 token_missing')
    expect(await from('cross-site', 'null')).toBe('401 token_missing')
    expect(await from('cross-site', 'https://app.clinic.test')).toBe('200')
    for (const site of ['same-site', 'same-origin', 'none']) expect(await from(site)).toBe('200')
  })

  test('that does not count is not compared with a header that does', async () => {
    const headers = { cookie, [HEADER]: await token('patient-2') }
    expect(await ask(headers)).toBe('401 token_ambiguous')
    expect(await ask(headers, { method: 'POST', path: '/recordings/rec-1/ticket' })).toBe('404 not_owner')
  })
})

describe('a header that a login proxy adds', () => {
  let login: Record<string, string>
  beforeEach(async () => {
    login = { [HEADER]: await token('patient-2'), 'content-type': 'application/json' }
  })

  test.each([
    ['GET', '/recordings/rec-1', 'not_owner'],
    ['HEAD', '/recordings/rec-1', 'not_owner'],
    ['POST', '/recordings/rec-1/ticket', 'not_owner'],
    ['PUT', '/recordings/rec-2', 'role_missing'],
    ['POST', '/access/v1/evaluation', 'question_invalid'],
    ['GET', '/console/api/records', 'role_missing'],
    ['POST', '/console/api/lockdowns/add', 'role_missing'],
    ['POST', '/session/revoke', 'role_missing'],
  ])(
    'puts nothing that a page of another site sends on its visitor: %s %s',
    async (method, path, mistake) => {
      for (const origin of [undefined, 'null', 'https://evil.test']) {
        const sent = { ...login, 'sec-fetch-site': 'cross-site', ...(origin !== undefined && { origin }) }
        expect(await ask(sent, { method, path })).toBe('401 token_missing')
        const [record] = (await gate.events('access')).slice(-1)
        expect([record?.subject, record?.session]).toEqual([undefined, undefined])
      }
      // An app or a server sends no such header, and a page of the gate's own site another value.
      expect(await ask(login, { method, path })).toContain(mistake)
      for (const site of ['same-site', 'same-origin', 'none'])
        expect(await ask({ ...login, 'sec-fetch-site': site }, { method, path })).toContain(mistake)
    },
  )

  test('counts for a page of another site whose origin is allowed', async () => {
    const headers = { [HEADER]: await token('patient-1'), 'sec-fetch-site': 'cross-site' }
    expect(await ask({ ...headers, origin: 'https://app.clinic.test' })).toBe('200')
    expect(await ask(headers)).toBe('401 token_missing')
  })

  test('that does not count leaves it to a ticket', async () => {
    const headers = { [HEADER]: await token('patient-2'), 'sec-fetch-site': 'cross-site' }
    expect(await ask({ ...headers, cookie: cookies({ [TICKET_COOKIE]: ticket }) })).toBe('200')
    expect(await ask(headers, { path: `/play/${ticket}` })).toBe('200')
  })
})

test('a page of another site plays with Authorization, whatever a login proxy adds', async () => {
  const good = { authorization: `Bearer ${await token('patient-1')}`, 'sec-fetch-site': 'cross-site' }
  for (const added of [{}, { [HEADER]: await token('patient-2') }]) {
    expect(await ask({ ...good, ...added })).toBe('200')
    expect(await ask({ ...good, ...added, origin: 'https://app.clinic.test' })).toBe('200')
    expect(await ask({ ...good, ...added }, { method: 'POST', path: '/recordings/rec-1/ticket' })).toBe('201')
  }
})
