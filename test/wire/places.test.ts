import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, denials, store, type TestIssuer, variables } from '../support/gate-client.ts'

// Where a token comes in, and how long it may be, through a real server.

let gate: RunningGate
let idp: TestIssuer
beforeAll(async () => {
  idp = await createIssuer()
  const entry = idp.entry({ header: 'Cf-Access-Jwt-Assertion', cookie: 'CF_Authorization' })
  gate = await startGate({ vars: { ...variables(idp), ISSUERS: JSON.stringify([entry]) } })
  const { status } = await store(gate, idp, '/recordings/one', 'patient-1', 'the bytes of one')
  expect(status).toBe(201)
})
afterAll(() => gate.stop())

const ask = (headers: Record<string, string>) => fetch(`${gate.url}/recordings/one`, { headers })

/** A token of this many characters. */
async function tokenOf(length: number): Promise<string> {
  const fill = async (size: number) => idp.token('patient-1', { jti: 'one', groups: 'x'.repeat(size) })
  const bare = (await fill(0)).length
  // Three bytes are four characters: the nearest one that isn't shorter.
  for (let size = Math.floor(((length - bare) * 3) / 4); ; size++) {
    const token = await fill(size)
    if (token.length >= length) return token
  }
}

test('a token plays from the configured header and the configured cookie', async () => {
  const token = await idp.token('patient-1')
  for (const headers of [{ 'cf-access-jwt-assertion': token }, { cookie: `a=b; CF_Authorization=${token}` }])
    expect(await (await ask(headers)).text()).toBe('the bytes of one')
  const refused = await ask({ 'cf-access-jwt-assertion': token, cookie: 'CF_Authorization=other' })
  expect(refused.status).toBe(401)
  expect((await denials(gate, idp)).at(-1)).toMatchObject({ reason: 'token_ambiguous' })
})

test('a token of nearly 16,384 characters plays, and a longer one is refused with a reason of its own', async () => {
  const long = await tokenOf(16_381)
  expect(long.length).toBeLessThanOrEqual(16_384)
  expect((await ask({ authorization: `Bearer ${long}` })).status).toBe(200)
  // With as much beside it, as proxies and other cookies add.
  expect((await ask({ authorization: `Bearer ${long}`, cookie: `a=${'b'.repeat(14_000)}` })).status).toBe(200)
  expect((await ask({ 'cf-access-jwt-assertion': long })).status).toBe(200)
  const tooLong = await tokenOf(16_385)
  expect((await ask({ authorization: `Bearer ${tooLong}` })).status).toBe(401)
  expect((await denials(gate, idp)).at(-1)).toMatchObject({ reason: 'token_too_long' })
})
