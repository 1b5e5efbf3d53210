import { describe, expect, test } from 'vitest'
import { createGate } from '../../../src/index.ts'
import { memoryLedger, memoryStore } from '../../../src/runtime/memory/index.ts'
import { createIssuer } from '../../support/clinic.ts'

// What may be asked of the log by the console's API.

const idp = await createIssuer()
const { issuer, audience } = idp
const ledger = memoryLedger()
const gate = createGate({
  issuers: [{ issuer, audience, algorithms: ['ES256'], jwks: idp.jwks as never }],
  pseudonymKey: 'only for tests: no secret protects these people',
  store: memoryStore(),
  ledger,
})
const KNOWN = ['after', 'since', 'limit', 'latest', 'kind']

async function ask(
  route: 'records' | 'denials',
  query: string,
): Promise<{ status: number; detail?: string; instance?: string }> {
  const Authorization = `Bearer ${await idp.token('analyst-1', { roles: ['security'] })}`
  const request = new Request(`https://gate.test/console/api/${route}?${query}`, {
    headers: { Authorization },
  })
  const response = await gate[route](request, () => {})
  if (response.status === 200) return { status: 200 }
  const { detail, instance } = (await response.json()) as { detail: string; instance: string }
  return { status: response.status, detail, instance }
}

describe('a parameter that the API does not know is refused, not passed over', () => {
  test.each([
    ['records', 'recording=rec-1', 'recording', KNOWN],
    ['records', 'limit=5&subject=psn_1&owner=', 'subject, owner', KNOWN],
    ['records', 'LIMIT=5', 'LIMIT', KNOWN],
    // The route is for one kind already.
    ['denials', 'kind=view', 'kind', KNOWN.slice(0, 4)],
  ] as const)('%s?%s', async (route, query, unknown, known) => {
    const { status, detail } = await ask(route, query)
    expect(status).toBe(400)
    expect(detail).toBe(`unknown: ${unknown}. Known are ${known.join(', ')}`)
  })

  test('what it says is short, however long the names are', async () => {
    const { detail } = await ask(
      'records',
      Array.from({ length: 50 }, (_, i) => `${i}${'x'.repeat(500)}=1`).join('&'),
    )
    expect(detail?.length).toBeLessThan(700)
  })

  test('one that is given twice is refused: only one of them could count', async () => {
    expect(await ask('records', 'kind=view&kind=access')).toMatchObject({
      status: 400,
      detail: 'kind may be given once',
    })
  })

  test.each([
    ['a name', 'patient-007=1', /patient-007/],
    ['a value', 'limit=0', /limit must be/],
    ['a cursor', 'after=nothing', /^after is no cursor of this log$/],
  ])('%s is refused like anything else: on record, which repeats nothing of it', async (_, query, said) => {
    const { status, detail, instance } = await ask('records', query)
    expect([status, detail]).toEqual([400, expect.stringMatching(said)])
    const { entries } = await ledger.read({ limit: 1000 })
    const record = entries.find(({ id }) => instance === `urn:uuid:${id}`)?.json ?? '{}'
    expect(JSON.parse(record)).toMatchObject({
      kind: 'access',
      decision: 'deny',
      reason: 'query_invalid',
      status: 400,
    })
    expect(record).not.toMatch(/patient-007|limit|after|nothing/)
  })

  test('those that it knows are taken, together', async () => {
    expect(await ask('records', 'limit=5&kind=view&latest=true&since=2026-01-01T00:00:00Z')).toEqual({
      status: 200,
    })
    expect(await ask('denials', '')).toEqual({ status: 200 })
  })
})
