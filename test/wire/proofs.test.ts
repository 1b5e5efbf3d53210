import { calculateThumbprint, generateKeyPair, generateProof, type JWSAlgorithm, type KeyPair } from 'dpop'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ALGORITHMS } from '../../src/authenticate/issuer.ts'
import { openTicket } from '../../src/player/ticket.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import {
  createIssuer,
  denials,
  patterned,
  store,
  type TestIssuer,
  variables,
} from '../support/gate-client.ts'
import { createProver, createRsaProver } from '../support/prover.ts'
import { sendRaw } from '../support/raw-http.ts'

// Tokens that are bound to a key of the client (RFC 9449). A library that others wrote makes the proofs.

const APP = 'https://app.clinic.test'
const BYTES = patterned(5000)
let gate: RunningGate
let idp: TestIssuer
let client: KeyPair
let token: string

beforeAll(async () => {
  idp = await createIssuer()
  const vars = variables(idp)
  const [entry] = JSON.parse(vars.ISSUERS ?? '')
  gate = await startGate({
    vars: {
      ...vars,
      ISSUERS: JSON.stringify([{ ...entry, dpop: 'accepted' }]),
      TICKET_KEY: 'the ticket key of the tests and of 32 characters at least',
      ALLOWED_ORIGINS: APP,
    },
  })
  client = await generateKeyPair('ES256')
  token = await tokenFor(client)
  expect((await store(gate, idp, '/recordings/rec-1', 'patient-1', BYTES)).status).toBe(201)
})
afterAll(() => gate.stop())

const tokenFor = async ({ publicKey }: KeyPair, claims: object = {}) =>
  idp.token('patient-1', { cnf: { jkt: await calculateThumbprint(publicKey) }, ...claims })

interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly keys?: KeyPair
  readonly token?: string
}

/** Sends a request with a token and a proof of it. */
async function ask(path: string, asked: Asked = {}): Promise<Response> {
  const { method = 'GET', keys = client, headers, token: presented = token } = asked
  const url = gate.url + path
  const dpop = await generateProof(keys, url.replace(/\?.*/, ''), method, undefined, presented)
  return fetch(url, { method, headers: { Authorization: `DPoP ${presented}`, DPoP: dpop, ...headers } })
}
const lastReason = async () => (await denials(gate, idp)).at(-1)?.reason

describe('a client with proofs', () => {
  test('plays ranges of a recording, each with a proof of its own', async () => {
    const range = await ask('/recordings/rec-1', { headers: { Range: 'bytes=4-8' } })
    expect([range.status, new Uint8Array(await range.arrayBuffer())]).toEqual([206, BYTES.slice(4, 9)])
    const rest = await ask('/recordings/rec-1?t=1', { headers: { Range: 'bytes=9-' } })
    expect([rest.status, (await rest.arrayBuffer()).byteLength]).toEqual([206, BYTES.length - 9])
    expect((await ask('/recordings/rec-1', { method: 'HEAD' })).status).toBe(200)
  })

  test.each<JWSAlgorithm>(['ES256', 'Ed25519', 'RS256', 'PS256'])(
    'plays with a key for %s',
    async algorithm => {
      const keys = await generateKeyPair(algorithm)
      const response = await ask('/recordings/rec-1', { keys, token: await tokenFor(keys) })
      expect(response.status).toBe(200)
      expect((await response.arrayBuffer()).byteLength).toBe(BYTES.length)
    },
  )

  test('gets a ticket, which plays without proofs', async () => {
    const response = await ask('/recordings/rec-1/ticket', { method: 'POST' })
    expect(response.status).toBe(201)
    const { url } = (await response.json()) as { url: string }
    expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(BYTES.length)
  })

  test('keeps a ticket with mediaward/player', async () => {
    const proof = (url: string, bound: string) => generateProof(client, url, 'POST', undefined, bound)
    const ticket = await openTicket(`${gate.url}/recordings/rec-1`, { token, proof })
    const first = ticket.url
    expect(await ticket.renew()).not.toBe(first)
    expect((await fetch(ticket.url)).status).toBe(200)
    ticket.close()
  })

  test('of another origin may send its proof, and may read the challenge', async () => {
    const preflight = await fetch(`${gate.url}/recordings/rec-1`, {
      method: 'OPTIONS',
      headers: {
        Origin: APP,
        'Access-Control-Request-Method': 'GET',
        'Access-Control-Request-Headers': 'authorization,dpop',
      },
    })
    expect(preflight.headers.get('access-control-allow-headers')?.split(', ')).toContain('DPoP')
    const refused = await fetch(`${gate.url}/recordings/rec-1`, { headers: { Origin: APP } })
    expect(refused.headers.get('access-control-expose-headers')?.split(', ')).toContain('WWW-Authenticate')
    expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer realm="mediaward", DPoP algs="ES256 /)
  })
})

describe('a thief', () => {
  test('of a token gets nothing with it as a bearer token, or with a proof of another key', async () => {
    const bearer = await fetch(`${gate.url}/recordings/rec-1`, {
      headers: { Authorization: `Bearer ${token}` },
    })
    expect([bearer.status, await lastReason()]).toEqual([401, 'token_bound'])
    const own = await ask('/recordings/rec-1', { keys: await generateKeyPair('ES256') })
    expect([own.status, await lastReason()]).toEqual([401, 'token_key_mismatch'])
    expect(own.headers.get('www-authenticate')).toContain('error="invalid_token"')
  })

  test('of a whole request can’t send it a second time, or with another path or method', async () => {
    const url = `${gate.url}/recordings/rec-1`
    const DPoP = await generateProof(client, url, 'GET', undefined, token)
    const headers = { Authorization: `DPoP ${token}`, DPoP }
    expect((await fetch(url, { headers, method: 'HEAD' })).status).toBe(401)
    expect((await fetch(`${gate.url}/recordings/rec-2`, { headers })).status).toBe(401)
    expect((await denials(gate, idp)).slice(-2).map(({ claim }) => claim)).toEqual(['htm', 'htu'])
    const first = await fetch(url, { headers })
    expect([first.status, (await first.arrayBuffer()).byteLength]).toEqual([200, BYTES.length])
    const second = await fetch(url, { headers })
    expect([second.status, await lastReason()]).toEqual([401, 'proof_replayed'])
    expect(second.headers.get('www-authenticate')).toContain('error="invalid_dpop_proof"')
  })

  test('can’t use a proof that was made for a host that the request only names', async () => {
    const DPoP = await generateProof(client, 'http://evil.example/recordings/rec-1', 'GET', undefined, token)
    const head = `GET /recordings/rec-1 HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n`
    const { status } = await sendRaw(
      gate.port,
      `${head}Authorization: DPoP ${token}\r\nDPoP: ${DPoP}\r\n\r\n`,
    )
    expect([status, (await denials(gate, idp)).at(-1)?.claim]).toEqual([401, 'htu'])
  })

  test('can’t hide a bad proof beside a good one', async () => {
    const proof = () => generateProof(client, `${gate.url}/recordings/rec-1`, 'GET', undefined, token)
    const head = `GET /recordings/rec-1 HTTP/1.1\r\nHost: 127.0.0.1:${gate.port}\r\nConnection: close\r\n`
    const credentials = `Authorization: DPoP ${token}\r\nDPoP: ${await proof()}\r\nDPoP: ${await proof()}\r\n`
    const { status } = await sendRaw(gate.port, `${head}${credentials}\r\n`)
    expect([status, await lastReason()]).toEqual([401, 'proof_invalid'])
  })
})

test.each(ALGORITHMS)(
  'a proof that is signed with %s, which the challenge names, is good',
  async algorithm => {
    const prover = await createProver(algorithm)
    const bound = await idp.token('patient-1', { cnf: prover.cnf })
    const headers = await prover.headers({ url: `${gate.url}/recordings/rec-1`, token: bound })
    expect((await fetch(`${gate.url}/recordings/rec-1`, { headers })).status).toBe(200)
  },
)

test.each([1024, 4104])('a proof of an RSA key of %i bits is refused', async modulusLength => {
  const prover = await createRsaProver(modulusLength)
  const bound = await idp.token('patient-1', { cnf: prover.cnf })
  const headers = await prover.headers({ url: `${gate.url}/recordings/rec-1`, token: bound })
  expect((await fetch(`${gate.url}/recordings/rec-1`, { headers })).status).toBe(401)
  expect((await denials(gate, idp)).at(-1)).toMatchObject({ reason: 'proof_invalid', claim: 'jwk' })
})
