import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createDevelopmentSecrets, saveDevelopmentSecrets } from '../../../src/cli/development-issuer.ts'
import type { Ledger, LedgerEntry } from '../../../src/index.ts'
import { eventId } from '../../../src/ledger/event-id.ts'
import { run, runWith, start } from '../../support/command.ts'
import { PSEUDONYM_KEY, variables } from '../../support/gate-client.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

// Runs `mediaward log` and `mediaward denials` against a gate in this process, so that a test can record events in any
// order.

let server: Server
let gate: MemoryGate
let ledger: Ledger
let at: string[]
/** Method and URL of each request that the gate got. */
let requests: string[]

beforeEach(async () => {
  gate = await memoryGate()
  ledger = gate.ledger
  requests = []
  server = createServer(async (request, response) => {
    const { method = 'GET', url = '/', headers } = request
    requests.push(`${method} ${url}`)
    const passed = ['authorization', 'content-type', 'accept', 'last-event-id'] as const
    const answer = await gate.fetch(url, {
      method,
      headers: passed.flatMap(name => (headers[name] === undefined ? [] : [[name, `${headers[name]}`]])),
      ...(method === 'POST' && { body: await bodyOf(request) }),
    })
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    const reader = answer.body?.getReader()
    response.once('close', () => void reader?.cancel())
    for (let chunk = await reader?.read(); chunk?.value !== undefined; chunk = await reader?.read()) {
      response.write(chunk.value)
    }
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  at = [
    ...['--url', `http://127.0.0.1:${port}`],
    ...['--token', await gate.idp.token('analyst-1', { roles: ['security'] })],
  ]
})
afterEach(() => server.close())

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk as string
  return body
}

/** Creates a refusal. Both times are in minutes ago: when its request arrived, and when it was recorded. */
function refusal(arrived: number, recorded: number, members: object = {}): LedgerEntry {
  const time = (ago: number) => new Date(Date.now() - ago * 60_000).toISOString()
  const id = eventId(Date.now() - recorded * 60_000)
  const event = { id, kind: 'access', reason: 'not_owner', method: 'GET', t: time(arrived) }
  return { id, json: JSON.stringify({ ...event, recorded: time(recorded), ...members }) }
}
const idsIn = (lines: string): string[] =>
  lines
    .split('\n')
    .filter(line => line !== '')
    .map(line => (JSON.parse(line) as { id: string }).id)

test('denials --since lists events by when they were recorded, not by when their requests arrived', async () => {
  const held = refusal(90, 5)
  for (const one of [refusal(70, 65), refusal(62, 61), held, refusal(1, 1)]) await ledger.append([one])
  const { stdout } = await run(['denials', '--json', '--since', '60m', ...at])
  expect(idsIn(stdout)).toHaveLength(2)
  expect(idsIn(stdout)).toContain(held.id)
})

test('denials --follow --since lists an event that is recorded late, and none from before --since', async () => {
  for (let i = 0; i < 1500; i++) await ledger.append([refusal(120, 110)])
  const follower = start(['denials', '--json', '--follow', '--since', '60m', ...at])
  let output = ''
  follower.child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const fresh = refusal(1, 1)
  await ledger.append([fresh])
  await expect.poll(() => idsIn(output), { timeout: 20_000 }).toEqual([fresh.id])
  const late = refusal(200, 199)
  await ledger.append([late])
  await expect.poll(() => idsIn(output), { timeout: 20_000 }).toEqual([fresh.id, late.id])
  follower.child.kill()
  await follower.ended
})

/** Answers each request with the status that is next, the last one again and again. Returns the tokens that it got. */
function answerWith(...statuses: number[]): string[] {
  const tokens: string[] = []
  server.removeAllListeners('request').on('request', ({ headers: { authorization = '' } }, response) => {
    tokens.push(authorization.replace('Bearer ', ''))
    response.writeHead(statuses[Math.min(tokens.length, statuses.length) - 1] ?? 500).end()
  })
  return tokens
}

test.each([
  ['2026-11-22', '2026-11-22T00:00:00.000Z'],
  ['2026-11-22T10:00:00Z', '2026-11-22T10:00:00.000Z'],
  ['2026-11-22T10:00:00.5+01:00', '2026-11-22T09:00:00.500Z'],
])('denials --since %s asks for the events since %s', async (given, expected) => {
  let asked: string | null = null
  server.removeAllListeners('request').on('request', ({ url = '/' }, response) => {
    asked = new URL(url, 'http://gate').searchParams.get('since')
    response.end()
  })
  await run(['denials', '--since', given, ...at])
  expect(asked).toBe(expected)
})

test('denials that the gate refuses with 401 says to get a new token', async () => {
  answerWith(401)
  const { code, stderr } = await run(['denials', ...at])
  expect(code).toBe(2)
  expect(stderr).toMatch(
    /refused: 401 .*\n.*hint: get a new token\. If it is refused, too, the console of the gate says why\n/,
  )
})

describe('a gate that trusts another issuer than the one of dev', () => {
  let data: string
  let url: string
  let file: string
  beforeEach(async () => {
    data = mkdtempSync(join(tmpdir(), 'mediaward-'))
    saveDevelopmentSecrets(data, await createDevelopmentSecrets())
    file = join(data, 'visit.mp4')
    writeFileSync(file, 'the recording')
    ;[, url = ''] = at
  })

  test.each([
    ['log', []],
    ['denials', ['--follow']],
    ['log', ['--subject', 'patient-007']],
    ['doctor', []],
    ['explain', ['/recordings/rec-007']],
    ['put', ['rec-042', 'FILE', '--owner', 'patient-007']],
  ])('%s %j says that the token of dev was sent, and how to name another', async (command, args) => {
    const tokens = answerWith(401)
    const given = args.map(arg => (arg === 'FILE' ? file : arg))
    const { code, stdout, stderr } = await runWith('x.y.z', [command, ...given, '--url', url, '--data', data])
    expect(tokens).toHaveLength(1)
    expect(stderr).toMatch(
      /refused: 401 .*\nmediaward: hint: the token of "dev" was sent, and this gate doesn't trust it: name one with MEDIAWARD_TOKEN or --token/,
    )
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  test('a token of dev that has expired is said to need a new one', async () => {
    answerWith(401)
    const { stdout: expired } = await run(['token', '--sub', 'a', '--ttl=-60', '--data', data])
    const { code, stderr } = await runWith('', ['log', '--url', url], { MEDIAWARD_TOKEN: expired.trim() })
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /hint: get a new token\. If it is refused, too, the console of the gate says why\n/,
    )
  })
})

/** Answers each request in turn: the first list, then the streams. Returns the requests, and the place each began at. */
function answerInTurn(...answers: ((response: ServerResponse) => void)[]): string[] {
  const asked: string[] = []
  server.removeAllListeners('request').on('request', ({ url = '', headers }, response) => {
    asked.push(
      `${url.split('?')[1] ?? ''} ${headers.accept === 'text/event-stream' ? 'stream' : 'list'} ${headers['last-event-id'] ?? '-'}`,
    )
    answers[Math.min(asked.length, answers.length) - 1]?.(response)
  })
  return asked
}
const page =
  (headers: Record<string, string>, body = '') =>
  (response: ServerResponse) =>
    response.writeHead(200, headers).end(body)
const stream =
  (events: string, end: (response: ServerResponse) => void = response => response.end()) =>
  (response: ServerResponse) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    response.write(events, () => end(response))
  }
const refuse = (response: ServerResponse) => response.writeHead(401).end()

describe.each(['log', 'denials'])('%s --follow', command => {
  const follow = (...args: string[]) => run([command, '--follow', ...args, ...at])

  test('once its token has ended, says in one line how to go on, and exits with 3', async () => {
    const cursor = { 'Mediaward-Cursor': '18' }
    answerInTurn(page(cursor), refuse)
    const { code, stdout, stderr } = await follow()
    const ended = 'mediaward: error: the gate no longer accepts the token: get a new one, and go on with'
    expect(stderr).toBe(`${ended} --after 18\n`)
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    answerInTurn(page(cursor), stream('retry: 100\n\nid: 41\ndata: {"id":"a"}\n\n'), refuse)
    expect(await follow('--json')).toEqual({
      code: 3,
      stdout: '{"id":"a"}\n',
      stderr: `${ended} --from 42\n`,
    })
  })

  test('goes on after the last event over a broken stream and an outage, and says so', async () => {
    const cursor = { 'Mediaward-Cursor': '7' }
    const asked = answerInTurn(
      page({ ...cursor, 'Mediaward-More': 'true' }, '{"id":"a"}\n'),
      response => response.writeHead(503).end(),
      page({ 'Mediaward-Cursor': '8' }, '{"id":"b"}\n'),
      // Cut off in the middle of an event, whose beginning must not be taken for it.
      stream('retry: 100\n\nid: 8\ndata: {"id":"c"}\n\nid: 9\ndata: {"id":', response => response.destroy()),
      response => response.writeHead(503).end(),
      stream(':\n\nid: 9\ndata: {"id":"d"}\n\n'),
      refuse,
    )
    const { code, stdout, stderr } = await follow('--json', '--since', '1h')
    expect([code, idsIn(stdout)]).toEqual([3, ['a', 'b', 'c', 'd']])
    expect(stderr).toMatch(
      /answered 503.*; trying again\n.*stream broke off \(.+\); trying again\n.*answered 503.*; trying again\n.*--from 10\n$/,
    )
    const kind = command === 'denials' ? 'kind=access&' : ''
    const since = expect.stringMatching(`^${kind}since=[^&]+ list -$`)
    const again = expect.stringMatching(`^${kind}since=[^&]+&after=7 list -$`)
    expect(asked).toEqual([
      ...[since, again, again],
      `${kind}after=8 stream -`,
      ...[8, 8, 9].map(id => `${kind} stream ${id}`.replace('& ', ' ')),
    ])
  })

  test('refuses what is no stream, as an earlier gate sends', async () => {
    answerInTurn(page({ 'Mediaward-Cursor': '1' }))
    expect(await follow()).toMatchObject({ code: 2, stderr: expect.stringContaining('0.7.0 or later') })
  })
})

test('denials --follow lists what is there and what comes, each record once', async () => {
  const wanted: string[] = []
  const record = async (times: number) => {
    for (let i = 0; i < times; i++) {
      const one = refusal(1, 1)
      wanted.push(one.id)
      await ledger.append([one])
    }
  }
  await record(1_100)
  const follower = start(['denials', '--json', '--follow', ...at])
  let output = ''
  follower.child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  // Also between the last page and the stream.
  while (!requests.some(line => line.includes('after='))) {
    await record(5)
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  for (let i = 0; i < 20; i++) {
    await record(20)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  await expect.poll(() => idsIn(output).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(wanted.length)
  follower.child.kill()
  await follower.ended
  expect(idsIn(output)).toEqual(wanted)
})

test('log without --follow exits with 2 if the token ends between two pages', async () => {
  let pages = 0
  server.removeAllListeners('request').on('request', (_, response) => {
    pages += 1
    response
      .writeHead(pages === 1 ? 200 : 401, { 'Mediaward-Cursor': '17.4', 'Mediaward-More': 'true' })
      .end()
  })
  expect(await run(['log', ...at])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('get a new token'),
  })
})

test('denials --follow sends a new development token each time, which outlasts the first', async () => {
  const data = mkdtempSync(join(tmpdir(), 'mediaward-'))
  saveDevelopmentSecrets(data, await createDevelopmentSecrets())
  const tokens: string[] = []
  server.removeAllListeners('request').on('request', ({ headers }, response) => {
    tokens.push(headers.authorization?.replace('Bearer ', '') ?? '')
    if (headers.accept === 'text/event-stream') stream('retry: 500\n\n')(response)
    else page({ 'Mediaward-Cursor': '1' })(response)
  })
  const [, url = ''] = at
  const follower = start(['denials', '--follow', '--url', url, '--data', data])
  // Tokens say their end in whole seconds, and the stream is asked for again after half a second.
  await expect.poll(() => tokens.length, { timeout: 20_000 }).toBeGreaterThan(4)
  follower.child.kill()
  await follower.ended
  const expiries = tokens.map(token => Number(decodeJwt(token).exp))
  expect(expiries.at(-1)).toBeGreaterThan(expiries[0] ?? Number.NaN)
})

describe('records of any kind', () => {
  const pseudonymIn = (json: string | undefined): string =>
    (JSON.parse(json ?? '{}') as { subject: string }).subject
  const listed = async (...args: string[]) => idsIn((await run(['log', '--json', ...args, ...at])).stdout)

  test('log lists records of all kinds, or of the kind, recording, reason and time that it is asked for', async () => {
    const entries = [
      refusal(50, 50, { recording: 'rec-1' }),
      refusal(40, 40, { recording: 'rec-2', reason: 'recording_unknown' }),
      refusal(30, 30, { kind: 'view', recording: 'rec-1', reason: undefined }),
      refusal(20, 20, { recording: 'rec-1', reason: 'recording_unknown' }),
    ]
    for (const one of entries) await ledger.append([one])
    const ids = (...indexes: number[]) => indexes.map(index => entries[index]?.id)
    expect(await listed()).toEqual(ids(0, 1, 2, 3))
    expect(await listed('--kind', 'view')).toEqual(ids(2))
    expect(await listed('--recording', 'rec-1')).toEqual(ids(0, 2, 3))
    expect(await listed('--reason', 'recording_unknown')).toEqual(ids(1, 3))
    expect(await listed('--since', '45m', '--until', '25m')).toEqual(ids(1, 2))
    expect(await listed('--recording', 'rec-1', '--kind', 'access', '--limit', '1')).toEqual(ids(3))
    expect(idsIn((await run(['denials', '--json', '--recording', 'rec-1', ...at])).stdout)).toEqual(ids(0, 3))
  })

  test('log says where it ended, and goes on from there with --after', async () => {
    await ledger.append([refusal(2, 2)])
    const [, cursor = ''] =
      /^1 record; what comes later: --after (\S+)\n$/.exec((await run(['log', ...at])).stderr) ?? []
    const late = refusal(1, 1)
    await ledger.append([late])
    // The look that ended there is a record, too.
    expect(await listed('--kind', 'access', '--after', cursor)).toEqual([late.id])
    expect(await run(['log', '--after', 'nothing', ...at])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('400 Bad Request: after is not a cursor of this log'),
    })
  })

  test('log --limit lists the newest records also if the gate looks at too few of them at once', async () => {
    const pages = [
      { asked: 'limit=3&order=newest', cursor: '50', lines: [], more: true },
      { asked: 'limit=3&order=newest&after=50', cursor: '7', lines: ['e', 'd'], more: true },
      { asked: 'limit=1&order=newest&after=7', cursor: '3', lines: ['b'], more: true },
    ]
    server.removeAllListeners('request').on('request', ({ url = '/' }, response) => {
      const page = pages.shift()
      expect(url.split('?')[1]).toBe(page?.asked)
      response.writeHead(200, {
        'Mediaward-Cursor': page?.cursor,
        'Mediaward-End': '99',
        ...(page?.more && { 'Mediaward-More': 'true' }),
      })
      response.end(page?.lines.map(id => `{"id":"${id}"}\n`).join(''))
    })
    expect(await listed('--limit', '3')).toEqual(['b', 'd', 'e'])
    expect(pages).toEqual([])
  })

  test('log --newest lists the newest first, back to the beginning of the log, or as many as --limit says', async () => {
    const entries = Array.from({ length: 1_050 }, () => refusal(1, 1))
    for (const one of entries) await ledger.append([one])
    const newest = entries.map(({ id }) => id).reverse()
    expect(await listed('--kind', 'access', '--newest')).toEqual(newest)
    const { stdout, stderr } = await run(['denials', '--newest', '--limit', '3', ...at])
    expect(stdout.split('\n').map(line => line.slice(-36))).toEqual([...newest.slice(0, 3), ''])
    const [, older = ''] = /^3 refusals; older ones: (--newest --after \S+)\n$/.exec(stderr) ?? []
    expect(await listed('--kind', 'access', '--limit', '2', ...older.split(' '))).toEqual(newest.slice(3, 5))
  })

  test('log --from lists from an index on, and takes --limit', async () => {
    const entries = Array.from({ length: 5 }, () => refusal(1, 1))
    for (const one of entries) await ledger.append([one])
    const ids = entries.map(({ id }) => id)
    expect(await listed('--from', '2', '--kind', 'access')).toEqual(ids.slice(2))
    expect(await listed('--from', '2', '--kind', 'access', '--limit', '2')).toEqual(ids.slice(3))
  })

  test('log finds records by owner, release and tenant', async () => {
    const [first, second] = [`psn_${'1'.repeat(32)}`, `psn_${'2'.repeat(32)}`]
    const entries = [
      refusal(3, 3, { owner: first, release: '4.12.0', tenant: 'north' }),
      refusal(2, 2, { owner: second, release: '4.12.0', tenant: 'south' }),
      refusal(1, 1, { owner: second, release: '4.13.0', tenant: 'north' }),
    ]
    for (const one of entries) await ledger.append([one])
    const ids = (...indexes: number[]) => indexes.map(index => entries[index]?.id)
    expect(await listed('--owner', second)).toEqual(ids(1, 2))
    expect(await listed('--release', '4.12.0')).toEqual(ids(0, 1))
    expect(await listed('--tenant', 'north', '--kind', 'access')).toEqual(ids(0, 2))
    expect(await listed('--tenant', 'north', '--owner', second, '--release', '4.13.0')).toEqual([])
    expect(await listed('--owner', second, '--release', '4.13.0')).toEqual(ids(2))
  })

  test('log shows pseudonyms shortened, and in full with --wide', async () => {
    await gate.ask('patient-2', '/recordings/rec-1')
    const { entries } = await ledger.read({ limit: 1 })
    const full = pseudonymIn(entries[0]?.json)
    const short = (await run(['log', ...at])).stdout
    expect(short).toContain(`by ${full.slice(0, 16)} `)
    expect(short).not.toContain(full)
    expect((await run(['log', '--wide', ...at])).stdout).toContain(`by ${full} `)
    expect(short).toMatch(/^\S+Z {2}access {5}not_owner {13}GET rec-1 /)
  })

  test('log shows of each kind what it is about, and no control character', async () => {
    const records = [
      { kind: 'delivery', bytes: 3000, recording: 'rec-1', part: 'a.m4s' },
      { kind: 'listed', answers: [{ decision: 'permit' }, { decision: 'deny' }, { decision: 'deny' }] },
      { kind: 'view', recording: 'rec-\u001b[2J' },
      { kind: 'binding', action: 'bound', source: 'upload' },
      { kind: 'gap', count: 3 },
      { kind: 'heartbeat' },
      { reason: 'token_missing', sum: { of: 'a', count: 98_765 } },
      { reason: 'not_owner', repeats: { of: 'a', count: 12 } },
      { reason: 'not_owner', repeats: { until: '2026-11-23T00:00:00.000Z' } },
      { kind: 'console', action: 'sink_replay' },
      { kind: 'keys', issuer: 'https://login.example/' },
    ]
    for (const members of records)
      await ledger.append([refusal(1, 1, { reason: undefined, method: undefined, ...members })])
    const lines = (await run(['log', ...at])).stdout.trimEnd().split('\n')
    expect(lines.map(line => line.slice(26, 60).trimEnd())).toEqual([
      'delivery   3000 bytes            r',
      'listed     1 of 3 permitted      -',
      'view       -                     r',
      'binding    bound by upload       -',
      'gap        3 missing             -',
      'heartbeat  -                     -',
      'access     token_missing ×98765  -',
      'access     not_owner ×12         -',
      'access     not_owner             -',
      'console    sink_replay           -',
      'keys       https://login.example/',
    ])
    expect(lines[2]).toContain('rec-?[2J')
  })

  test('log shows which finding, lockdown or release a record is about', async () => {
    const target = `psn_${'ab'.repeat(16)}`
    const none = { reason: undefined, method: undefined, status: undefined, subject: undefined }
    const records = [
      {
        kind: 'finding',
        action: 'opened',
        rule: 'RG-001',
        finding: 'f-1',
        suppression: 's-1',
        recording: 'rec-1',
      },
      { kind: 'finding', action: 'suppression_added', rule: 'RG-002', suppression: 's-1', subject: target },
      { kind: 'finding', action: 'canary_added', rule: 'RG-040' },
      { kind: 'lockdown', action: 'add', epoch: 7, scope: 'session', target, subject: target },
      { kind: 'lockdown', action: 'undo', epoch: 8, scope: 'everything', subject: target },
      {
        kind: 'lockdown',
        action: 'add',
        epoch: 9,
        scope: 'recording',
        target: 'rec-\u001b',
        subject: target,
      },
      { kind: 'lockdown', action: 'erase_reason', epoch: 9, subject: target },
      { kind: 'release', release: '4.12.0', subject: target },
    ]
    for (const members of records)
      await ledger.append([refusal(1, 1, { recording: undefined, ...none, ...members })])
    const shown = async (more: readonly string[] = []) => {
      const lines = (await run(['log', ...more, ...at])).stdout.trimEnd().split('\n')
      return lines.map(line => line.slice(26).split(/ {2,}/).slice(0, 4).join(' | '))
    }
    expect(await shown()).toEqual([
      'finding | opened RG-001 | f-1 | by the gate',
      'finding | suppression_added RG-002 | s-1 | by psn_abababababab',
      'finding | canary_added RG-040 | - | by the gate',
      'lockdown | add 7 | session psn_abababababab | by psn_abababababab',
      'lockdown | undo 8 | everything | by psn_abababababab',
      'lockdown | add 9 | recording rec-? | by psn_abababababab',
      'lockdown | erase_reason 9 | - | by psn_abababababab',
      'release | is out | 4.12.0 | by psn_abababababab',
    ])
    expect((await shown(['--wide', '--kind', 'lockdown']))[0]).toContain(`| session ${target} |`)
  })
})

describe('--count', () => {
  const hours = (ago: number) => `${new Date(Date.now() - ago * 3_600_000).toISOString().slice(0, 13)}:00Z`

  test('denials --count hour draws each of the last 24 hours, with its reasons', async () => {
    for (const one of [
      ...Array.from({ length: 6 }, () => refusal(60, 60)),
      ...Array.from({ length: 3 }, () => refusal(60, 60, { reason: 'token_expired' })),
      refusal(180, 180),
      refusal(60, 60, { kind: 'view', reason: undefined }),
      refusal(3_000, 3_000),
    ])
      await ledger.append([one])
    const { code, stdout, stderr } = await run(['denials', '--count', 'hour', ...at])
    const rows = stdout.trimEnd().split('\n')
    expect(code).toBe(0)
    expect(rows).toHaveLength(25)
    expect(rows[23]).toBe(`${hours(1)}  9  ${'#'.repeat(30)}  not_owner 6, token_expired 3`)
    expect(rows[22]).toBe(`${hours(2)}  0`)
    expect(rows[21]).toBe(`${hours(3)}  1  ####${' '.repeat(28)}not_owner 1`)
    expect(stderr).toMatch(/^10 records of refusals from \S+Z to \S+Z\n$/)
  })

  test('log --count minute counts by kind, of the last hour; --json prints what the gate answers', async () => {
    for (const one of [refusal(1, 1), refusal(1, 1, { kind: 'view', reason: undefined }), refusal(70, 70)])
      await ledger.append([one])
    const { stdout } = await run(['log', '--count', 'minute', ...at])
    expect(stdout.trimEnd().split('\n')).toHaveLength(61)
    expect(stdout).toMatch(/ {2}access 1, view 1\n/)
    const lines = (await run(['log', '--count', 'minute', '--json', '--kind', 'access', ...at])).stdout
    expect(lines).toMatch(/^\{"start":"[^"]+:00\.000Z","kind":"access","reason":"not_owner","count":1\}\n$/)
  })

  test('log --count says that there is nothing, and prints nothing', async () => {
    expect(await run(['log', '--count', 'hour', '--reason', 'token_expired', ...at])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(/^no records from /),
    })
  })
})

describe('a person', () => {
  const ID = 'patient-2'
  let full: string
  beforeEach(async () => {
    await gate.ask(ID, '/recordings/rec-1')
    await gate.ask('patient-3', '/recordings/rec-1')
    const { entries } = await ledger.read({ limit: 1 })
    full = (JSON.parse(entries[0]?.json ?? '{}') as { subject: string }).subject
    requests = []
  })
  const asked = async (args: readonly string[], env: Record<string, string> = {}, stdin = '') => {
    const { code, stdout, stderr } = await runWith(stdin, ['log', '--json', ...args, ...at], env)
    return code === 0 ? idsIn(stdout).length : stderr
  }

  test('log asks the gate by POST for the pseudonym of an id, and no URL has the id', async () => {
    expect(await asked(['--subject', ID])).toBe(1)
    expect(requests).toEqual(['POST /console/api/pseudonym', `GET /console/api/records?subject=${full}`])
  })

  test('log makes the pseudonym of an id on this machine if PSEUDONYM_KEY is set, and asks the gate nothing', async () => {
    const { issuer } = gate.idp
    expect(await asked(['--subject', ID, '--issuer', issuer], { PSEUDONYM_KEY })).toBe(1)
    expect(await asked(['--subject', ID], variables(gate.idp))).toBe(1)
    expect(new Set(requests)).toEqual(new Set([`GET /console/api/records?subject=${full}`]))
    expect(await asked(['--subject', ID], { PSEUDONYM_KEY })).toContain('--issuer is missing')
  })

  test('log takes a pseudonym as it is, and reads an id from stdin', async () => {
    expect(
      await asked(['--subject', full], { PSEUDONYM_KEY: 'of another gate, so it must not be used' }),
    ).toBe(1)
    expect(await asked(['--subject', '-'], {}, `${ID}\n`)).toBe(1)
    expect(requests.join()).not.toContain(ID)
  })

  test('log finds the records about the recordings of a person by id', async () => {
    expect(await asked(['--owner', 'patient-1', '--kind', 'access'])).toBe(2)
    expect(await asked(['--owner', '-', '--subject', full], {}, 'patient-1\n')).toBe(1)
    expect(await asked(['--owner', '-', '--subject', '-'], {}, 'patient-1\n')).toMatch(/only one of them/)
    expect(requests.join()).not.toMatch(/owner=patient/)
  })

  test('log refuses a shortened pseudonym, which would be found nowhere', async () => {
    expect(await asked(['--subject', full.slice(0, 16)])).toMatch(
      /only the beginning of a pseudonym\n.*--wide/,
    )
    expect(requests).toEqual([])
  })

  test('log says why the gate knows no pseudonym, without the id', async () => {
    const stderr = await asked(['--subject', ID, '--issuer', 'https://other.test/'])
    expect(stderr).toMatch(/400 Bad Request: issuer must be one of those that this gate trusts/)
    expect(stderr).not.toContain(ID)
  })
})
