import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { TICKET_COOKIE } from '../../src/http/credential.ts'
import { createIssuer } from '../support/gate-client.ts'
import { type MemoryGate, memoryGate } from '../support/memory-gate.ts'
import { sample } from '../support/sample.ts'

// Credentials in every combination of places. Exactly one of them decides: the first that is there.

const [idp, first, second] = await Promise.all([
  createIssuer(),
  createIssuer('https://first.test/'),
  createIssuer('https://second.test/'),
])
let requests = 0
let gate: MemoryGate
/** What a place can hold, by what it is worth. The owner of the recording is of the first issuer. */
let values: Readonly<Record<Worth, string>>
let tickets: Readonly<Record<'good' | 'bad', string>>

/** `owner` and `other` are good tokens of the entry that names the places, `stranger` one of another entry. */
type Worth = 'owner' | 'other' | 'stranger' | 'bad'

beforeAll(async () => {
  gate = await memoryGate(
    {
      issuers: [
        idp.entry(),
        first.entry({ header: 'X-First', cookie: 'first' }),
        second.entry({ header: 'X-Second', cookie: 'second' }),
      ],
      tickets: { keys: ['only for tests: no secret protects these tickets'] },
      // Each from another network: none of their refusals is counted into another one.
      network: () => ({ ip: `2001:db8:${(++requests).toString(16)}::1` }),
    },
    first,
  )
  const answer = await gate.ask('patient-1', '/recordings/rec-1/ticket', { method: 'POST' })
  const { url } = (await answer.json()) as { url: string }
  tickets = { good: new URL(url).pathname.slice('/play/'.length), bad: 'bad' }
  values = {
    owner: await first.token('patient-1'),
    other: await first.token('patient-2'),
    stranger: await idp.token('patient-1'),
    bad: 'bad',
  }
})

const worth = fc.constantFrom<Worth[]>('owner', 'other', 'stranger', 'bad')
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const request = fc.record({
  authorization: maybe(worth),
  header: maybe(worth),
  otherHeader: maybe(fc.constantFrom<Worth[]>('owner', 'bad')),
  ticket: maybe(fc.constantFrom('good', 'bad')),
  cookies: fc.array(worth, { maxLength: 2 }),
  site: maybe(fc.constantFrom('cross-site', 'same-site', 'same-origin', 'none')),
})
type Sent = typeof request extends fc.Arbitrary<infer T> ? T : never

/** The answer that the documentation promises: 200, or the reason of the refusal. */
function promised({ authorization, header, otherHeader, ticket, cookies, site }: Sent): string {
  const isForeign = site === 'cross-site'
  const inHeaders = isForeign ? [] : [header, otherHeader].filter(one => one !== undefined)
  const inCookies = isForeign ? [] : cookies
  const verdict = (one: Worth, isConfigured: boolean) =>
    one === 'bad'
      ? 'token_malformed'
      : one === 'other'
        ? 'not_owner'
        : one === 'owner'
          ? '200'
          : isConfigured
            ? 'token_place'
            : 'not_owner'
  if (authorization !== undefined) return verdict(authorization, false)
  const [shown] = [...inHeaders, ...inCookies]
  if (inHeaders.length === 0 && ticket !== undefined) return ticket === 'good' ? '200' : 'ticket_invalid'
  if (shown === undefined) return 'token_missing'
  if (new Set([...inHeaders, ...inCookies]).size > 1) return 'token_ambiguous'
  // A token of the first entry in the header of the second, also if it is in its own, too.
  if (otherHeader === 'owner') return 'token_place'
  return verdict(shown, true)
}

test('of credentials in any places, the first that is there decides, and no other makes up for it', async () => {
  await fc.assert(
    fc.asyncProperty(request, async sent => {
      const { authorization, header, otherHeader, ticket, cookies, site } = sent
      const pairs = [
        ...cookies.map(one => `first=${values[one]}`),
        ...(ticket === undefined ? [] : [`${TICKET_COOKIE}=${tickets[ticket]}`]),
      ]
      const headers = {
        ...(authorization !== undefined && { authorization: `Bearer ${values[authorization]}` }),
        ...(header !== undefined && { 'x-first': values[header] }),
        ...(otherHeader !== undefined && { 'x-second': values[otherHeader] }),
        ...(pairs.length > 0 && { cookie: pairs.join('; ') }),
        ...(site !== undefined && { 'sec-fetch-site': site }),
      }
      const before = (await gate.events('access')).length
      const { status } = await gate.fetch('/recordings/rec-1', { headers })
      const [event] = (await gate.events('access')).slice(before)
      expect(event?.reason ?? `${status}`).toBe(promised(sent))
    }),
    sample(200, 10_000),
  )
})
