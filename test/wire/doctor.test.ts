import { existsSync, readdirSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Finding } from '../../src/doctor/finding.ts'
import { PROBE_CONTENT } from '../../src/doctor/storage-probes.ts'
import { PROBE_KEY } from '../../src/recordings/recording.ts'
import { type Ended, run } from '../support/command.ts'
import { RUNTIME, type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, records, type TestIssuer } from '../support/gate-client.ts'

// `mediaward doctor` against a gate that runs, on each runtime.

const SECRETS = {
  PSEUDONYM_KEY: 'Zt1oPp0mW2y7Jq0uVb3kqkq5o1T8rYw9sX4cL6nDhGA=',
  TICKET_KEY: 'm3Xq7Rk1vB9sT5wZ0yLcPq8dNfGhJ2aEoUiKtYrWxSQ=',
}

/** What the servers around the gate do at the moment. */
let mood: {
  keys: 'well' | 'down' | 'late' | 'empty'
  bucket: 'closed' | 'open'
  chat: 'well' | 'down'
} = { keys: 'well', bucket: 'closed', chat: 'well' }
let idp: TestIssuer
let gate: RunningGate
const closers: (() => void)[] = []

/** Serves on this machine. Resolves to its address. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  closers.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const answerKeys: RequestListener = ({ url }, response) => {
  if (mood.keys === 'down') return void response.destroy()
  if (mood.keys === 'late') response.setHeader('Date', new Date(Date.now() - 600_000).toUTCString())
  if (url?.startsWith('/.well-known/')) return void response.end(JSON.stringify({ issuer: idp.issuer }))
  response.end(JSON.stringify(mood.keys === 'empty' ? { keys: [] } : idp.jwks))
}

/** Whether the object is in the store, as far as this test can look there: only into a folder. */
const isThere = () => {
  const folder = join(gate.data, 'recordings', PROBE_KEY, '..')
  return (
    RUNTIME === 'workerd' ||
    (existsSync(folder) && readdirSync(folder).some(name => name.startsWith('doctor@facts')))
  )
}

/** A public address of the bucket, if it is open. */
const answerBucket: RequestListener = ({ url }, response) => {
  const isServed = mood.bucket === 'open' && url === `/${PROBE_KEY}` && isThere()
  response.statusCode = isServed ? 200 : 403
  response.end(isServed ? PROBE_CONTENT : '')
}
let bucket: string

beforeAll(async () => {
  const provider = await serve(answerKeys)
  idp = await createIssuer(`${provider}/`)
  const { jwks: _, ...entry } = idp.entry()
  const jwks_uri = `${provider}/keys`
  bucket = await serve(answerBucket)
  const chat = await serve((_, response) => {
    response.statusCode = mood.chat === 'well' ? 200 : 500
    response.end()
  })
  gate = await startGate({
    vars: {
      ...{ ISSUERS: JSON.stringify([{ ...entry, jwks_uri }]), ...SECRETS },
      ALERTS: '[{"type":"slack","secret":{"secret":"SLACK_URL"},"allow_internal":true}]',
      SLACK_URL: `${chat}/services/1`,
      RULES_DRY_RUN: 'RG-006',
      RESPOND: 'RG-022',
    },
  })
})
afterAll(async () => {
  await gate.stop()
  for (const close of closers) close()
})

async function call(command: string, ...args: string[]): Promise<Ended> {
  const token = await idp.token('analyst-1', { roles: ['security'] })
  return run([command, '--url', gate.url, '--token', token, ...args])
}
const doctor = (...args: string[]) => call('doctor', ...args)
async function findings(...args: string[]): Promise<{ code: number; notOk: string[]; all: Finding[] }> {
  const { code, stdout } = await doctor('--json', ...args)
  const { findings: all } = JSON.parse(stdout) as { findings: Finding[] }
  return { code, all, notOk: all.flatMap(({ check, state }) => (state === 'ok' ? [] : `${check} ${state}`)) }
}

/** What can't be known without being told, or without a right that Deno doesn't have. */
const OPEN = [
  ...(RUNTIME === 'deno' ? ['disk not_checked'] : []),
  'public_bucket not_checked',
  'workers_dev not_checked',
]

test('a receiver of alerts is well only once it has taken an alert or a test, and not after it failed at one', async () => {
  expect((await findings()).notOk).toEqual(['alerts warning', ...OPEN])
  mood = { ...mood, chat: 'down' }
  expect((await call('alert-test')).code).toBe(1)
  const down = await findings()
  expect({ code: down.code, notOk: down.notOk }).toEqual({ code: 1, notOk: ['alerts failed', ...OPEN] })
  mood = { ...mood, chat: 'well' }
  expect((await call('alert-test')).code).toBe(0)
  expect((await findings()).notOk).toEqual(OPEN)
})

test('the rules that only try are named, and those to which the gate responds by itself', async () => {
  const { all } = await findings()
  expect(all.find(({ check }) => check === 'rules')?.found).toMatch(
    /only try, and alert no one: RG-006; the gate responds by itself to RG-022$/,
  )
})

test('a healthy gate has no finding but ok, and what nothing was said about', async () => {
  const { code, notOk, all } = await findings()
  expect(notOk).toEqual(OPEN)
  expect(code).toBe(0)
  expect(all.length).toBeGreaterThan(15)
  expect(isThere()).toBe(RUNTIME === 'workerd')
  const [record] = (await records(gate, idp, 'console')).slice(-1)
  expect(record).toMatchObject({ action: 'doctor', findings: { failed: 0, warning: 0 } })
})

test('a report for people names what was looked at, and no secret', async () => {
  const { code, stdout, stderr } = await doctor()
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^Mediaward \S+ at http:\/\/127\.0\.0\.1:\d+\n\nSettings\n {2}✔ public_url/)
  expect(stdout).toMatch(/✔ keys +http:\/\/127\.0\.0\.1:\d+\/: 1 usable key for ES256\n/)
  for (const secret of [...Object.values(SECRETS), 'analyst-1', 'eyJ']) expect(stdout).not.toContain(secret)
})

describe('what is not well is found', () => {
  test.each<[typeof mood.keys, string, RegExp]>([
    ['down', 'keys failed', /\/keys can't be fetched/],
    ['empty', 'keys failed', /has no keys/],
    ['late', 'clock failed', /the clock of the gate is (?:59\d|60\d) s ahead of/],
  ])('a key server that is %s', async (keys, state, found) => {
    mood = { ...mood, keys }
    const { code, notOk, all } = await findings()
    mood = { ...mood, keys: 'well' }
    expect(code).toBe(1)
    expect(notOk).toContain(state)
    expect(all.find(({ state: one }) => one === 'failed')?.found).toMatch(found)
  })

  test('a bucket with a public address, and the object is not left there', async () => {
    mood = { ...mood, bucket: 'open' }
    const open = await findings('--public-bucket', bucket)
    mood = { ...mood, bucket: 'closed' }
    expect(open.code).toBe(1)
    expect(open.notOk).toContain('public_bucket failed')
    expect(isThere()).toBe(RUNTIME === 'workerd')
    expect((await findings('--public-bucket', bucket)).notOk).not.toContain('public_bucket failed')
    // Four examinations, and a gate begins one in 2 s.
  }, 60_000)

  test('a second address of the gate', async () => {
    const { code, notOk } = await findings('--workers-dev', gate.url)
    expect(code).toBe(1)
    expect(notOk).toContain('workers_dev failed')
    expect((await findings('--workers-dev', bucket)).notOk).not.toContain('workers_dev failed')
  })

  test.skipIf(RUNTIME === 'workerd')('a bucket that the gate may not write to', async () => {
    const forbid: RequestListener = (request, response) => {
      request.resume()
      response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>')
    }
    const { jwks, ...entry } = idp.entry()
    const vars = {
      ISSUERS: JSON.stringify([{ ...entry, jwks }]),
      ...SECRETS,
      S3_ENDPOINT: await serve(forbid),
      S3_BUCKET: 'recordings',
      S3_ACCESS_KEY_ID: 'AKIDOFTHETESTS',
      S3_SECRET_ACCESS_KEY: 'secret-of-the-tests',
    }
    const forbidden = await startGate({ vars })
    const token = await idp.token('analyst-1', { roles: ['security'] })
    const { code, stdout } = await run(['doctor', '--url', forbidden.url, '--token', token])
    await forbidden.stop()
    expect(code).toBe(1)
    expect(stdout).toMatch(/✘ recordings +the store of the recordings failed: S3 answered 403 AccessDenied/)
    expect(stdout).not.toContain('AKIDOFTHETESTS')
  })
})

describe('a mistake of the caller ends with 2', () => {
  test.each([
    ['a token without the role', async () => ['--url', gate.url, '--token', await idp.token('patient-1')]],
    ['a token that is not one', async () => ['--url', gate.url, '--token', 'nope']],
    ['an address that is not one', async () => ['--public-bucket', 'https://[']],
    ['an environment without a file', async () => ['--env', 'staging']],
    ['two files at once', async () => ['--vars', 'a', '--wrangler', 'b']],
    ['an environment that the file lacks', async () => ['--wrangler', 'wrangler.toml', '--env', 'staging']],
    ['addresses beside --wrangler', async () => ['--wrangler', 'wrangler.toml', '--public-bucket', 'a.test']],
    ['addresses beside --vars', async () => ['--vars', 'a', '--workers-dev', 'a.test']],
    ['a gate beside --vars', async () => ['--vars', 'a', '--url', 'http://127.0.0.1:8787']],
    ['a token beside --wrangler', async () => ['--wrangler', 'wrangler.toml', '--token', 'a']],
    ['a file that is not there', async () => ['--vars', 'nowhere']],
  ])('%s', async (_, args) => {
    const { code, stdout, stderr } = await run(['doctor', ...(await args())])
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^mediaward: error: /)
  })
})

test('a gate that does not answer ends with 1', async () => {
  const token = await idp.token('analyst-1')
  const { code, stderr } = await run(['doctor', '--url', 'http://127.0.0.1:1', '--token', token])
  expect(code).toBe(1)
  expect(stderr).toContain('nothing answers at http://127.0.0.1:1')
})
