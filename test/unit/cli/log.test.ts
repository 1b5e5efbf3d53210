import { mkdtempSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createDevelopmentSecrets, saveDevelopmentSecrets } from '../../../src/cli/development-issuer.ts'
import type { Ledger, LedgerEntry } from '../../../src/index.ts'
import { eventId } from '../../../src/ledger/event-id.ts'
import { run, start } from '../../support/command.ts'
import { memoryGate } from '../../support/memory-gate.ts'

// Runs `mediaward denials` against a gate in this process, so that a test can record events in any order.

let server: Server
let ledger: Ledger
let at: string[]

beforeEach(async () => {
  const gate = await memoryGate()
  ledger = gate.ledger
  server = createServer(async ({ url = '/', headers: { authorization = '' } }, response) => {
    const answer = await gate.fetch(url, { headers: { authorization } })
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  at = [
    ...['--url', `http://127.0.0.1:${port}`],
    ...['--token', await gate.idp.token('analyst-1', { roles: ['security'] })],
  ]
})
afterEach(() => server.close())

/** Creates a refusal. Both times are in minutes ago: when its request arrived, and when it was recorded. */
function refusal(arrived: number, recorded: number): LedgerEntry {
  const time = (ago: number) => new Date(Date.now() - ago * 60_000).toISOString()
  const id = eventId(Date.now() - recorded * 60_000)
  const event = { id, kind: 'access', reason: 'not_owner', method: 'GET', t: time(arrived) }
  return { id, json: JSON.stringify({ ...event, recorded: time(recorded) }) }
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
  expect(stderr).toMatch(/refused: 401 .*\n.*hint: get a new token\n/)
})

test('denials --follow sends a new development token each time, which outlasts the first', async () => {
  const data = mkdtempSync(join(tmpdir(), 'mediaward-'))
  saveDevelopmentSecrets(data, await createDevelopmentSecrets())
  const tokens = answerWith(200)
  const [, url = ''] = at
  const follower = start(['denials', '--follow', '--url', url, '--data', data])
  await expect.poll(() => tokens.length, { timeout: 20_000 }).toBeGreaterThan(2)
  follower.child.kill()
  await follower.ended
  const expiries = tokens.map(token => Number(decodeJwt(token).exp))
  expect(expiries.at(-1)).toBeGreaterThan(expiries[0] ?? Number.NaN)
})
