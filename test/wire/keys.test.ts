import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { VERSION } from '../../src/ledger/event.ts'
import { RUNTIME, type RunningGate, startGate } from '../support/gate.ts'
import {
  createIssuer,
  denials,
  patterned,
  records,
  store,
  type TestIssuer,
  variables,
} from '../support/gate-client.ts'

// Keys that are fetched, from a server that rotates, fails and lies.

let server: Server
let visits: number
let answer: (response: ServerResponse, request: IncomingMessage) => void
let gate: RunningGate
let idp: TestIssuer
let remote: TestIssuer

beforeEach(async () => {
  visits = 0
  server = createServer((request, response) => {
    visits++
    answer(response, request)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  idp = await createIssuer()
  remote = await createIssuer('https://remote.test/', 'recordings', 'first')
  answer = serving(remote.jwks)
  const vars = variables(idp)
  const fetched = {
    issuer: remote.issuer,
    audience: remote.audience,
    algorithms: ['ES256'],
    jwks_uri: `http://127.0.0.1:${port()}/jwks`,
  }
  gate = await startGate({
    vars: { ...vars, ISSUERS: JSON.stringify([...JSON.parse(vars.ISSUERS ?? ''), fetched]) },
  })
  await store(gate, idp, '/recordings/rec-1', 'patient-1', patterned(10), {
    'Mediaward-Owner-Issuer': remote.issuer,
  })
})
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await gate.stop()
})

const port = () => (server.address() as { port: number }).port
const serving = (jwks: object) => (response: ServerResponse) => void response.end(JSON.stringify(jwks))
const failing = (response: ServerResponse) => void response.writeHead(500).end('down')

async function play(
  issuer: TestIssuer,
  header: object = {},
  claims: Record<string, unknown> = {},
): Promise<number> {
  const token = await issuer.token('patient-1', claims, header)
  const response = await fetch(`${gate.url}/recordings/rec-1`, {
    headers: { Authorization: `Bearer ${token}` },
  })
  await response.arrayBuffer()
  return response.status
}

test('thirty viewers of a cold gate cost one key fetch, and a viewer of a warm one none', async () => {
  const statuses = await Promise.all(Array.from({ length: 30 }, () => play(remote)))
  expect(new Set(statuses)).toEqual(new Set([200]))
  expect(await play(remote)).toBe(200)
  expect(visits).toBe(1)
})

test('a token of a newly rotated key plays at once, and the change of keys is on record', async () => {
  expect(await play(remote)).toBe(200)
  expect(await records(gate, idp, 'keys')).toEqual([])
  const rotated = await createIssuer(remote.issuer, 'recordings', 'second')
  answer = serving({ keys: [...remote.jwks.keys, ...rotated.jwks.keys] })
  expect(await play(rotated)).toBe(200)
  expect(visits).toBe(2)
  await expect.poll(() => records(gate, idp, 'keys')).toHaveLength(1)
  const [change] = await records(gate, idp, 'keys')
  expect(change).toMatchObject({ issuer: remote.issuer, before: [expect.any(String)] })
  expect(change?.after).toHaveLength(2)
  expect(change?.after).toContain(change?.before[0])
})

test('a token plays at once if another key took the id of the one before', async () => {
  expect(await play(remote)).toBe(200)
  const renewed = await createIssuer(remote.issuer, 'recordings', 'first')
  answer = serving(renewed.jwks)
  expect(await play(renewed)).toBe(200)
  expect(await play(remote)).toBe(401)
  expect(visits).toBe(2)
})

test('thirty viewers with tokens of a newly rotated key all play, for one key fetch', async () => {
  expect(await play(remote)).toBe(200)
  const rotated = await createIssuer(remote.issuer, 'recordings', 'second')
  answer = response => void setTimeout(() => serving(rotated.jwks)(response), 300)
  const statuses = await Promise.all(Array.from({ length: 30 }, () => play(rotated)))
  expect(new Set(statuses)).toEqual(new Set([200]))
  expect(visits).toBe(2)
})

test('a hundred tokens with bad signatures of a known key cost one key fetch', async () => {
  expect(await play(remote)).toBe(200)
  const forger = await createIssuer(remote.issuer, 'recordings', 'first')
  const statuses = await Promise.all(Array.from({ length: 100 }, () => play(forger)))
  expect(new Set(statuses)).toEqual(new Set([401]))
  expect(visits).toBe(2)
  expect(await play(remote)).toBe(200)
})

test('a key server that asks for a User-Agent gets one that names the gate', async () => {
  const agents: unknown[] = []
  answer = (response, { headers }) => {
    agents.push(headers['user-agent'])
    serving(remote.jwks)(response)
  }
  expect(await play(remote)).toBe(200)
  expect(agents).toEqual([`mediaward/${VERSION}`])
})

test('a hundred tokens with made-up key ids cost one key fetch', async () => {
  expect(await play(remote)).toBe(200)
  const statuses = await Promise.all(
    Array.from({ length: 100 }, (_, i) => play(remote, { kid: `made-up-${i}` })),
  )
  expect(new Set(statuses)).toEqual(new Set([401]))
  expect(visits).toBe(2)
})

test('a token that its header alone rules out causes no key fetch', async () => {
  const stranger = await createIssuer('https://remote.test/', 'recordings', 'first')
  for (const header of [{ alg: 'ES384' }, { typ: 'logout+jwt' }, { kid: 'x'.repeat(300) }]) {
    const token = (await stranger.token('patient-1')).split('.')
    token[0] = Buffer.from(JSON.stringify({ alg: 'ES256', kid: 'first', ...header })).toString('base64url')
    const response = await fetch(`${gate.url}/recordings/rec-1`, {
      headers: { Authorization: `Bearer ${token.join('.')}` },
    })
    expect(response.status).toBe(401)
  }
  expect(visits).toBe(0)
})

test('a viewer gets 503, not 401, while the key server is down, and the refusal is recorded', async () => {
  answer = failing
  const response = await fetch(`${gate.url}/recordings/rec-1`, { headers: await remote.bearer('patient-1') })
  expect(response.status).toBe(503)
  expect(response.headers.get('retry-after')).toBe('5')
  expect((await denials(gate, idp)).map(({ reason }) => reason)).toEqual(['keys_unavailable'])
})

test('the gate goes on with the keys that it fetched before an outage of the key server', async () => {
  expect(await play(remote)).toBe(200)
  answer = failing
  for (let i = 0; i < 5; i++) expect(await play(remote)).toBe(200)
  // A key that isn't among them may be good or bad; nobody can know.
  expect(await play(remote, { kid: 'newer' })).toBe(503)
  expect(await play(remote)).toBe(200)
})

describe('what the operator reads of a key fetch that fails', () => {
  test('a redirect is named with where it leads', async () => {
    answer = response =>
      void response.writeHead(302, { Location: 'https://login.clinic.test/sign-in?secret=SECRET' }).end()
    expect(await play(remote)).toBe(503)
    expect(gate.said()).toContain(
      'keys of https://remote.test/: http://127.0.0.1:'.concat(
        `${port()}/jwks answered with status 302, a redirect to https://login.clinic.test/sign-in: redirects are not followed; there are no older ones`,
      ),
    )
    expect(gate.said()).not.toContain('SECRET')
  })

  test('a discovery document is named as one', async () => {
    answer = serving({ issuer: remote.issuer, jwks_uri: 'https://login.clinic.test/jwks' })
    expect(await play(remote)).toBe(503)
    expect(gate.said()).toContain('/jwks is a discovery document, not a key set: set "discovery": true')
  })

  test('a refused connection is named by its cause', async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    expect(await play(remote)).toBe(503)
    const cause = { node: 'ECONNREFUSED', deno: 'Connection refused', workerd: 'Network connection lost' }
    expect(gate.said()).toMatch(new RegExp(`/jwks can't be fetched \\(.*${Object(cause)[RUNTIME]}`))
  })

  test('a key that cannot be used is named, and its token is not blamed', async () => {
    answer = serving({ keys: [{ kty: 'RSA', kid: 'first', n: 'AQAB', e: 'AQAB' }, ...idp.jwks.keys] })
    expect(await play(remote)).toBe(503)
    expect(gate.said()).toContain(
      'keys of https://remote.test/: kid "first" is not used: it has 17 bits, and RSA needs 2048',
    )
  })
})

test.each([
  [
    'a redirect',
    (response: ServerResponse) => void response.writeHead(302, { Location: '/elsewhere' }).end(),
  ],
  ['HTML instead of JSON', (response: ServerResponse) => void response.end('<html>')],
  [
    'an answer that is too long',
    (response: ServerResponse) => void response.end(`{"keys":[],"x":"${'x'.repeat(300_000)}"}`),
  ],
  ['an answer that never ends', (response: ServerResponse) => void response.write('{"keys":[')],
])('the gate answers 503 after one try if the key server sends %s', { timeout: 20_000 }, async (_, bad) => {
  answer = bad
  expect(await play(remote)).toBe(503)
  expect(visits).toBe(1)
})
