import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { parseAnswer } from '../../../../src/cli/doctor/gate-answer.ts'
import { OUTSIDE_CHECKS, type OutsideFacts } from '../../../../src/cli/doctor/outside-checks.ts'
import { askBucket, askForGate, type SeenAnswer } from '../../../../src/cli/doctor/outside-probes.ts'
import { formatReport } from '../../../../src/cli/doctor/report.ts'
import { Failure } from '../../../../src/doctor/failure.ts'
import { type Finding, runChecks, type State } from '../../../../src/doctor/finding.ts'
import { PROBE_CONTENT } from '../../../../src/doctor/storage-probes.ts'

const URL_OF_GATE = 'https://media.clinic-seven.org'
const seen = (status: number, headers: Record<string, string> = {}, body = ''): SeenAnswer => ({
  status,
  headers: new Headers(headers),
  body,
})
const REFUSAL = { 'content-type': 'application/problem+json', 'cache-control': 'private, no-store' }
const refusal = (headers: Record<string, string> = {}) => seen(401, { ...REFUSAL, ...headers })
const gate = seen(204, { allow: 'POST, OPTIONS' })
const none = new Failure('ECONNREFUSED')
const good: OutsideFacts = {
  url: new URL(URL_OF_GATE),
  publicUrl: URL_OF_GATE,
  atPublicUrl: undefined,
  withoutTls: { url: new URL('http://media.clinic-seven.org'), answer: seen(301) },
  refusals: [refusal(), refusal({ 'cf-cache-status': 'DYNAMIC' })],
  longToken: gate,
  ready: seen(200, {}, 'ready'),
  ahead: 0.4,
  isObjectThere: true,
  buckets: [{ url: new URL('https://pub-1.r2.dev'), answer: seen(401), list: seen(401) }],
  others: [{ url: new URL('https://mediaward.clinic.workers.dev'), answer: seen(404) }],
}
const stateOf = (facts: Partial<OutsideFacts>, check: string) =>
  runChecks('outside', OUTSIDE_CHECKS, { ...good, ...facts })
    .filter(finding => finding.check === check)
    .map(({ state }) => state)

const bucket = (answer: SeenAnswer | Failure, list: SeenAnswer | Failure = seen(403)) => ({
  buckets: [{ url: new URL('https://pub-1.r2.dev'), answer, list }],
})
const plain = (answer: SeenAnswer | Failure) => ({
  withoutTls: { url: new URL('http://m.org'), answer },
})
const other = { url: new URL('https://other.org'), answer: gate }

test('a deployment that looks as it should has no finding but ok', () => {
  const states = runChecks('outside', OUTSIDE_CHECKS, good).map(({ state }) => state)
  expect(states).toEqual(Array(8).fill('ok'))
})

test.each<[string, Partial<OutsideFacts>, string, State]>([
  ['no TLS', { url: new URL('http://media.clinic-seven.org') }, 'address', 'failed'],
  [
    'a PUBLIC_URL where nothing answers',
    { publicUrl: 'https://m.org', atPublicUrl: { url: new URL('https://m.org'), answer: none } },
    'address',
    'failed',
  ],
  [
    'a PUBLIC_URL where another service answers',
    { publicUrl: 'https://m.org', atPublicUrl: { url: new URL('https://m.org'), answer: seen(404) } },
    'address',
    'failed',
  ],
  [
    'another PUBLIC_URL of the same gate',
    { publicUrl: 'https://m.org', atPublicUrl: { url: new URL('https://m.org'), answer: gate } },
    'address',
    'warning',
  ],
  ['no PUBLIC_URL', { publicUrl: undefined }, 'address', 'ok'],
  [
    'a gate that answers without TLS',
    { withoutTls: { url: new URL('http://m.org'), answer: gate } },
    'plain_http',
    'warning',
  ],
  ['a request without a token that is answered', { refusals: [refusal(), seen(200)] }, 'cache', 'failed'],
  ['a page of a login proxy', { refusals: [seen(302), seen(302)] }, 'cache', 'failed'],
  [
    'a cache that had the refusal',
    { refusals: [refusal(), refusal({ 'cf-cache-status': 'HIT' })] },
    'cache',
    'failed',
  ],
  ['a cache that says how old it is', { refusals: [refusal(), refusal({ age: '3' })] }, 'cache', 'failed'],
  [
    'a cache of another kind',
    { refusals: [refusal(), refusal({ 'x-cache': 'Hit from cloudfront' })] },
    'cache',
    'failed',
  ],
  ['a refusal with an entity tag', { refusals: [refusal({ etag: '"1"' })] }, 'cache', 'failed'],
  [
    'a refusal that may be stored',
    { refusals: [refusal({ 'cache-control': 'max-age=60' })] },
    'cache',
    'failed',
  ],
  [
    'a page in place of the refusal',
    { refusals: [refusal({ 'content-type': 'text/html' })] },
    'cache',
    'failed',
  ],
  ['a cache that passes by', { refusals: [refusal({ 'x-cache': 'Miss from cloudfront' })] }, 'cache', 'ok'],
  ['a gate that is not ready', { ready: seen(503, {}, 'not ready') }, 'ready', 'failed'],
  ['a proxy that fails in its place', { ready: seen(503) }, 'ready', 'not_checked'],
  ['a page of an app at /readyz', { ready: seen(200, {}, '<html>') }, 'ready', 'not_checked'],
  ['a gate of an earlier version', { ready: seen(400) }, 'ready', 'not_checked'],
  ['no answer at /readyz', { ready: none }, 'ready', 'not_checked'],
  ['a proxy with short headers', { longToken: seen(400) }, 'long_tokens', 'warning'],
  ['a proxy that hangs up', { longToken: none }, 'long_tokens', 'warning'],
  ['a gate whose clock is ahead', { ahead: 90 }, 'clock_here', 'warning'],
  ['a bucket that serves the object', bucket(seen(200, {}, PROBE_CONTENT)), 'public_bucket', 'failed'],
  [
    'a bucket that lists itself',
    bucket(seen(403), seen(200, {}, '<ListBucketResult><Name>b</Name><KeyCount>1</KeyCount>')),
    'public_bucket',
    'failed',
  ],
  ['an address that serves something else', bucket(seen(200, {}, '<html>')), 'public_bucket', 'warning'],
  ['a bucket whose list can not be had', bucket(seen(404), none), 'public_bucket', 'not_checked'],
  [
    'a bucket that the gate could not write to',
    { ...bucket(seen(404)), isObjectThere: false },
    'public_bucket',
    'not_checked',
  ],
  [
    'a bucket that serves the object, whatever the gate says of it',
    { ...bucket(seen(200, {}, PROBE_CONTENT)), isObjectThere: false },
    'public_bucket',
    'failed',
  ],
  ['an address that needs another request', bucket(seen(400)), 'public_bucket', 'not_checked'],
  ['no address of the bucket', { buckets: [] }, 'public_bucket', 'not_checked'],
  ['a second address of the gate', { others: [other] }, 'workers_dev', 'failed'],
  ['no second address', { others: [] }, 'workers_dev', 'not_checked'],
  ['a port that refuses connections without TLS', plain(none), 'plain_http', 'ok'],
  ['a port that never answers', plain(new Failure('no answer within 10 s')), 'plain_http', 'not_checked'],
  ['a port that is overloaded', plain(seen(503)), 'plain_http', 'not_checked'],
])('%s', (_, facts, check, state) => {
  expect(stateOf(facts, check)).toEqual([state])
})

describe('an address that must not answer is ok only if it said that nothing is there', () => {
  const moved = (location: string) => seen(301, { location })
  const ofBucket = (answer: SeenAnswer | Failure) => bucket(answer, answer)
  const ofGate = (answer: SeenAnswer | Failure) => ({
    others: [{ url: new URL('https://mediaward.clinic.workers.dev'), answer }],
  })
  test.each<[string, SeenAnswer | Failure, State, string, RegExp | undefined]>([
    ['401', seen(401), 'ok', 'status 401', undefined],
    ['403', seen(403), 'ok', 'status 403', undefined],
    ['404', seen(404), 'ok', 'status 404', undefined],
    ['410', seen(410), 'ok', 'status 410', undefined],
    [
      'a name that does not exist',
      new Failure('ENOTFOUND'),
      'warning',
      'ENOTFOUND',
      /^check the spelling of --/,
    ],
    [
      'a name that can not be resolved now',
      new Failure('EAI_AGAIN'),
      'not_checked',
      'EAI_AGAIN',
      /reached from here$/,
    ],
    ['a connection that is refused', none, 'not_checked', 'ECONNREFUSED', /^check the spelling of --/],
    [
      'a wrong certificate',
      new Failure('DEPTH_ZERO_SELF_SIGNED_CERT'),
      'not_checked',
      'SIGNED_CERT',
      /spelling/,
    ],
    ['silence', new Failure('no answer within 10 s'), 'not_checked', 'within 10 s', /spelling/],
    ['429', seen(429), 'not_checked', 'status 429', /^run this again in a while$/],
    ['502', seen(502), 'not_checked', 'status 502', /^run this again in a while$/],
    [
      'a redirect to another host',
      moved('https://pub-2.r2.dev/?x=SECRET'),
      'not_checked',
      'https://pub-2.r2.dev/ ',
      /^name that address with --/,
    ],
    [
      'a redirect within',
      moved('/login'),
      'not_checked',
      '/login (status 301)',
      /^name that address with --/,
    ],
    ['a redirect to nowhere', seen(302), 'not_checked', 'leads elsewhere', /^look at where/],
  ])('%s', (_, answer, state, found, fix) => {
    for (const [check, facts] of [
      ['public_bucket', ofBucket(answer)],
      ['workers_dev', ofGate(answer)],
    ] as const) {
      const [finding] = runChecks('outside', OUTSIDE_CHECKS, { ...good, ...facts }).filter(
        one => one.check === check,
      )
      expect(finding).toMatchObject({ state, found: expect.stringContaining(found) })
      expect(finding?.found).not.toContain('SECRET')
      if (fix === undefined) expect(finding).not.toHaveProperty('fix')
      else expect(finding?.fix).toMatch(fix)
      if (fix?.source.includes('--')) expect(finding?.fix).toContain(`--${check.replace('_', '-')}`)
    }
  })

  test('a redirect is named without the path that was asked for', () => {
    const [of, other] = [
      bucket(moved('https://pub-2.r2.dev/below/.mediaward/doctor')),
      ofGate(moved('https://two.workers.dev/console/api/doctor')),
    ].map(facts => runChecks('outside', OUTSIDE_CHECKS, { ...good, ...facts }).map(({ found }) => found))
    expect(of).toContain('pub-1.r2.dev/ leads to https://pub-2.r2.dev/below (status 301)')
    expect(other).toContain(
      'https://mediaward.clinic.workers.dev leads to https://two.workers.dev (status 301)',
    )
  })

  test('another service at a second address is no gate', () => {
    for (const status of [200, 204, 400, 405]) {
      expect(stateOf(ofGate(seen(status)), 'workers_dev')).toEqual(['ok'])
    }
  })
})

describe('what is asked', () => {
  async function server(answer: RequestListener): Promise<URL> {
    const listening = createServer(answer).listen(0, '127.0.0.1')
    onTestFinished(() => void listening.close())
    await new Promise(resolve => listening.once('listening', resolve))
    return new URL(`http://127.0.0.1:${(listening.address() as AddressInfo).port}`)
  }

  test('a bucket is asked for the object and a list, below the path of its address', async () => {
    const paths: (string | undefined)[] = []
    const url = await server(({ url }, response) => {
      paths.push(url)
      response.end(PROBE_CONTENT)
    })
    const { answer } = await askBucket(new URL('/bucket', url))
    expect(answer).toMatchObject({ status: 200, body: PROBE_CONTENT })
    expect(paths.sort()).toEqual(['/bucket/.mediaward/doctor', '/bucket/?list-type=2&max-keys=1'])
  })

  test('no redirect is followed, no more than the beginning of a body is read, and no token is sent', async () => {
    const headers: object[] = []
    const url = await server((request, response) => {
      headers.push(request.headers)
      response.writeHead(302, { location: 'https://elsewhere.test/' }).end('x'.repeat(100_000))
    })
    const { answer } = await askForGate(url)
    expect(answer).toMatchObject({ status: 302 })
    expect((answer as SeenAnswer).body.length).toBeLessThanOrEqual(4096)
    expect(headers[0]).not.toHaveProperty('authorization')
  })

  test('an address where nothing listens is a failure with the name of its cause', async () => {
    const listening = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => listening.once('listening', resolve))
    const { port } = listening.address() as AddressInfo
    await new Promise(resolve => listening.close(resolve))
    const { answer } = await askForGate(new URL(`http://127.0.0.1:${port}`))
    expect(answer).toEqual(new Failure('ECONNREFUSED'))
  })

  test('a server that takes too long is a failure that says for how long it was waited', async () => {
    vi.spyOn(AbortSignal, 'timeout').mockImplementation(() =>
      AbortSignal.abort(new DOMException('', 'TimeoutError')),
    )
    onTestFinished(() => void vi.restoreAllMocks())
    const { answer } = await askForGate(await server(() => {}))
    expect(answer).toEqual(new Failure('no answer within 10 s'))
  })
})

describe('the answer of a gate', () => {
  const finding: Finding = { group: 'keys', check: 'keys', state: 'ok', found: 'fine', entry: 'staff' }
  const answer = {
    version: '0.8.0',
    time: '2026-11-26T10:00:05Z',
    path: '/r/doctor',
    whole: true,
    findings: [finding],
  }
  const at = Date.parse('2026-11-26T10:00:00Z')

  test('is read', () => {
    expect(parseAnswer(answer, at)).toEqual({
      version: '0.8.0',
      path: '/r/doctor',
      whole: true,
      publicUrl: undefined,
      ahead: 5,
      findings: [finding],
    })
  })

  test.each([
    undefined,
    [],
    {},
    { ...answer, findings: {} },
    { ...answer, findings: [{}] },
    { ...answer, findings: [{ ...finding, state: 'good' }] },
  ])('is not %j', json => {
    expect(() => parseAnswer(json, at)).toThrow(/gate/)
  })
})

describe('a report', () => {
  const finding = (check: string, state: State, more: Partial<Finding> = {}): Finding => ({
    group: 'keys',
    check,
    state,
    found: 'it is so',
    ...more,
  })
  const report = { title: 'Mediaward 0.8.0 at https://m.org', whole: true }

  test('groups findings, aligns them, and says how to fix them', () => {
    const findings = [
      finding('keys', 'failed', { entry: 'staff', fix: 'do this' }),
      finding('record', 'warning', { group: 'storage' }),
      finding('clock', 'not_checked'),
      finding('other', 'ok', { group: 'later' as never }),
    ]
    expect(formatReport({ ...report, findings })).toBe(
      [
        'Mediaward 0.8.0 at https://m.org',
        '',
        'Keys',
        '  ✘ keys    staff: it is so',
        '            → do this',
        '  – clock   it is so',
        '',
        'Storage',
        '  ! record  it is so',
        '',
        'later',
        '  ✔ other   it is so',
        '',
        '1 failed, 1 warning, 1 ok, 1 not checked',
      ].join('\n'),
    )
  })

  test('says if it is of one tenant alone', () => {
    expect(formatReport({ ...report, whole: false, findings: [finding('keys', 'ok')] })).toContain(
      'of one tenant',
    )
  })

  test('holds nothing that a terminal obeys', () => {
    const found = formatReport({
      ...report,
      findings: [finding('keys', 'ok', { entry: '\u001b[2J', found: 'a\nb\u202e' })],
    })
    expect(found).toContain('\\u{1b}[2J: a\\u{a}b\\u{202e}')
  })
})
