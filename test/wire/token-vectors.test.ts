import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import {
  createIssuer,
  denials,
  patterned,
  store,
  type TestIssuer,
  variables,
} from '../support/gate-client.ts'
import { sendRaw } from '../support/raw-http.ts'

// All tokens that test/vectors/mint-jwt-cases.mjs makes, over real HTTP.

interface TokenCase {
  readonly id: string
  readonly expect: 'accept' | 'reject' | 'deny' | 'policy'
  readonly token: string
  readonly maxMs?: number
}

// Where the RFCs leave it open: accepted, all others of the kind are refused.
const ACCEPTED_BY_POLICY = [
  'b64-unused-bits',
  'b64-false-nocrit',
  'cty-jwt',
  'hd-8k',
  'hd-dup-alg',
  'hd-dup-kid',
  'hd-proto',
  'ok-high-s',
  'ok-no-typ',
  'pl-12k',
  'typ-AT_JWT',
  'typ-application_at_jwt',
  'typ-at_jwt',
  'zip-jws',
]

const out = mkdtempSync(join(tmpdir(), 'mediaward-tokens-'))
let gate: RunningGate
let idp: TestIssuer
let cases: TokenCase[]
const canaryVisits: string[] = []
const canary = createServer((request, response) => {
  canaryVisits.push(request.url ?? '')
  response.end('{}')
})

beforeAll(async () => {
  await new Promise<void>(resolve => canary.listen(0, '127.0.0.1', resolve))
  const address = canary.address() as { port: number }
  await promisify(execFile)(process.execPath, [
    'test/vectors/mint-jwt-cases.mjs',
    '--out',
    out,
    '--iss',
    'https://vectors.test/',
    '--aud',
    'recordings',
    '--sub',
    'patient-1',
    '--other',
    'patient-2',
    '--canary',
    `http://127.0.0.1:${address.port}/x`,
  ])
  cases = (JSON.parse(readFileSync(join(out, 'tokens.json'), 'utf8')) as { cases: TokenCase[] }).cases
  const jwks = JSON.parse(readFileSync(join(out, 'jwks.json'), 'utf8')) as { keys: object[] }
  idp = await createIssuer()
  const vars = variables(idp)
  const vectors = {
    issuer: 'https://vectors.test/',
    audience: 'recordings',
    algorithms: ['ES256', 'RS256', 'EdDSA'],
    jwks,
  }
  gate = await startGate({
    vars: { ...vars, ISSUERS: JSON.stringify([...JSON.parse(vars.ISSUERS ?? ''), vectors]) },
  })
  const stored = await store(gate, idp, '/recordings/own', 'patient-1', patterned(100), {
    'Mediaward-Owner-Issuer': 'https://vectors.test/',
  })
  expect(stored.status).toBe(201)
})
afterAll(async () => {
  canary.close()
  await gate.stop()
})

test('the gate answers every token as its case says, and records each of its refusals once', async () => {
  const wrong: string[] = []
  const accepted: string[] = []
  const refusedIds: string[] = []
  for (const { id, expect: expected, token, maxMs = 5000 } of cases) {
    // Each of another release: of what repeats itself there are not as many records as refusals.
    const request = `GET /recordings/own HTTP/1.1\r\nHost: gate\r\nConnection: close\r\nMediaward-App-Release: ${id}\r\nAuthorization: Bearer ${token}\r\n\r\n`
    const { status, body, milliseconds } = await sendRaw(gate.port, request)
    // A header that the HTTP server itself refuses never reaches the gate.
    const byTheServer = status === 0 || status === 431 || !body.toString().includes('urn:uuid:')
    if (status === 200) accepted.push(id)
    else if (!byTheServer)
      refusedIds.push((JSON.parse(body.toString()) as { instance: string }).instance.slice(9))
    const asExpected =
      expected === 'accept'
        ? status === 200
        : expected === 'policy'
          ? status === 200 || status === 401 || byTheServer
          : [400, 401, 404, 431, 0].includes(status)
    if (!asExpected || status >= 500 || milliseconds > maxMs)
      wrong.push(`${id}: ${status} in ${milliseconds} ms`)
  }
  expect(wrong).toEqual([])
  expect(cases.length).toBeGreaterThan(180)
  const policies = new Set(cases.filter(c => c.expect === 'policy').map(c => c.id))
  expect(accepted.filter(id => policies.has(id)).sort()).toEqual([...ACCEPTED_BY_POLICY].sort())

  const recorded = await denials(gate, idp)
  expect(recorded.map(event => event.id).sort()).toEqual(refusedIds.sort())
  expect(canaryVisits).toEqual([])
  // "no secret in a record": no part of any token that is long enough to be one.
  const log = JSON.stringify(recorded) + gate.said()
  for (const { id, token } of cases) {
    for (const part of token.split('.').filter(text => text.length > 20))
      expect(log.includes(part), id).toBe(false)
  }
})
