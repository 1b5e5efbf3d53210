import { existsSync, readFileSync } from 'node:fs'
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

// test/vectors/path-cases.json, byte for byte over TCP, and third-party lists of traversals where they are at hand.

interface PathCase {
  readonly id: string
  readonly method: string
  readonly target: string
  readonly auth: 'owner' | 'none'
  readonly expect: 'deny' | 'same-or-deny' | 'no-listing' | 'deny-or-nostore'
  readonly host?: string
  readonly extraLines?: readonly string[]
}

// workerd takes a bare LF as the end of a line, as RFC 9112 2.2 allows; so a good token in the next line counts. What
// it opens is its own subject's recording. In production Cloudflare's own front has read the request before.
const TAKEN_BY_THE_SERVER = new Set(['sm-bare-lf'])
const DENIED = [0, 400, 401, 403, 404, 405, 414, 431, 501]
const OWN = 'rec-own'
const OTHER = 'rec-other'
const ownBytes = patterned(4000)
const otherBytes = patterned(4000).map(byte => byte ^ 0x5a)
const THIRD_PARTY = new URL('../../../shared/vectors/third-party/paths/', import.meta.url)

let gate: RunningGate
let idp: TestIssuer
let ownerToken: string

beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({ vars: variables(idp) })
  ownerToken = await idp.token('patient-1')
  await store(gate, idp, `/recordings/${OWN}`, 'patient-1', ownBytes)
  await store(gate, idp, `/recordings/${OTHER}`, 'patient-2', otherBytes)
})
afterAll(() => gate.stop())

const percent = (text: string) =>
  [...text].map(c => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')
const swapCase = (text: string) =>
  [...text].map(c => (c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase())).join('')

function fill(text: string): string {
  const values: Record<string, string> = {
    base: '/recordings',
    baseName: 'recordings',
    baseUpper: '/RECORDINGS',
    baseEnc: '/%72ecordings',
    own: OWN,
    other: OTHER,
    otherEnc: percent(OTHER),
    otherPrefix: OTHER.slice(0, -1),
    otherSwapCase: swapCase(OTHER),
    keyEnc: `recordings%2f${OTHER}`,
    host: `127.0.0.1:${gate.port}`,
    ownerToken,
  }
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
}

function leaks(body: Buffer, bytes: Uint8Array): boolean {
  return (
    body.length >= 16 &&
    (body.includes(Buffer.from(bytes.subarray(0, 16))) || Buffer.from(bytes).includes(body))
  )
}

test('the gate answers every path as its case says, and records each of its refusals once', async () => {
  const { cases } = JSON.parse(readFileSync('test/vectors/path-cases.json', 'utf8')) as { cases: PathCase[] }
  const ROOT = new Set(['tf-abs-noslash', 'tf-abs-q'])
  const wrong: string[] = []
  const refused: string[] = []
  const instances: string[] = []
  for (const { id, method, target, auth, host = '{host}', extraLines = [], ...rest } of cases) {
    const lines = [
      `${method} ${fill(target)} HTTP/1.1`,
      `Host: ${fill(host)}`,
      'Connection: close',
      // Each of another release, so that each has a record: refusals that differ in nothing are counted.
      `Mediaward-App-Release: ${id}`,
      ...(auth === 'owner' ? [`Authorization: Bearer ${ownerToken}`] : []),
      ...extraLines.map(fill),
    ]
    const { status, head, body } = await sendRaw(
      gate.port,
      Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'),
    )
    const instance = /urn:uuid:([0-9a-f-]{36})/.exec(body.toString())?.[1]
    if (instance !== undefined) {
      refused.push(id)
      instances.push(instance)
    }
    const own = status === 200 && body.equals(ownBytes)
    const asExpected =
      DENIED.includes(status) ||
      (TAKEN_BY_THE_SERVER.has(id) && own) ||
      (rest.expect === 'same-or-deny' && own) ||
      (rest.expect === 'deny-or-nostore' && /cache-control:.*no-store/i.test(head))
    // `dev` answers the root for a developer's browser, without a record. A deployment refuses it (service/deployed).
    const isRootOfDev = ROOT.has(id) && status === 200 && body.toString().includes('gate for development')
    if (!(asExpected || isRootOfDev) || leaks(body, otherBytes)) wrong.push(`${id}: ${status}`)
  }
  expect(wrong).toEqual([])
  expect(cases.length).toBeGreaterThanOrEqual(78)
  const recorded = await denials(gate, idp)
  expect(recorded.map(({ release }) => release).sort()).toEqual(refused.sort())
  expect(recorded.map(event => event.id)).toEqual(expect.arrayContaining(instances))
  for (const run of ownerToken.split('.')) expect(JSON.stringify(recorded)).not.toContain(run)
})

test.skipIf(!existsSync(THIRD_PARTY))(
  'the paths of third-party traversal lists never reach a recording',
  async () => {
    const lists = ['directory_traversal.txt', 'traversals-8-deep-exotic-encoding.txt']
    const lines = lists.flatMap(name => readFileSync(new URL(name, THIRD_PARTY), 'latin1').split(/\r?\n/))
    const targets = [...new Set(lines)].filter(line => line !== '' && !/[ \t]/.test(line))
    expect(targets.length).toBeGreaterThan(500)
    const wrong: string[] = []
    const queue = targets.flatMap(line => [
      `/recordings/${OWN}/${line}`,
      `/recordings/${line.replaceAll('{FILE}', OTHER)}`,
    ])
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let target = queue.pop(); target !== undefined; target = queue.pop()) {
          const request = `GET ${target} HTTP/1.1\r\nHost: gate\r\nConnection: close\r\nAuthorization: Bearer ${ownerToken}\r\n\r\n`
          const { status, body } = await sendRaw(gate.port, Buffer.from(request, 'latin1'))
          if (!DENIED.includes(status) || leaks(body, otherBytes)) wrong.push(`${target}: ${status}`)
        }
      }),
    )
    expect(wrong).toEqual([])
  },
)
