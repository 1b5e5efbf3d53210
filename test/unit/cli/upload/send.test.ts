import { createHash } from 'node:crypto'
import { mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NoAnswer } from '../../../../src/cli/client.ts'
import { NotTaken } from '../../../../src/cli/upload/answer.ts'
import type { Letter, Line } from '../../../../src/cli/upload/attempt.ts'
import { Meter } from '../../../../src/cli/upload/meter.ts'
import { Changed, versionOf } from '../../../../src/cli/upload/read.ts'
import { send } from '../../../../src/cli/upload/send.ts'

// Against a server that answers by a script, for what no gate does on demand.

type Answer = (response: ServerResponse, request: IncomingMessage) => void
interface Seen {
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  readonly at: number
}

let script: Answer[] = []
let seen: Seen[] = []
let asked: IncomingMessage['headers'][] = []
let withoutBytes: Answer
const server = createServer(async (request, response) => {
  const at = Date.now()
  if (request.method === 'DELETE') {
    asked.push(request.headers)
    return withoutBytes(response, request)
  }
  const chunks: Buffer[] = []
  const answer = script.shift() ?? (() => response.end('{}'))
  if (answer === broken) return answer(response, request)
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer)
  } catch {
    return
  }
  seen.push({ headers: request.headers, body: Buffer.concat(chunks), at })
  answer(response, request)
})
const says = (status: number, problem: object = {}, headers: Record<string, string> = {}): Answer => {
  return response => response.writeHead(status, headers).end(JSON.stringify(problem))
}
const broken: Answer = (response, request) => {
  seen.push({ headers: request.headers, body: Buffer.alloc(0), at: Date.now() })
  response.destroy()
}
const brokenInTheAnswer: Answer = response => {
  response.writeHead(200, { 'Content-Length': '100' }).write('{"si')
  setTimeout(() => response.destroy(), 20)
}

const CONTENT = Buffer.alloc(300_000, 'consultation')
const SHA = createHash('sha256').update(CONTENT).digest('base64')
let url: URL
let path: string
let counted: number
beforeEach(async () => {
  script = []
  seen = []
  asked = []
  withoutBytes = says(204)
  counted = 0
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/recordings/rec-1`)
  path = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'video.mp4')
  writeFileSync(path, CONTENT)
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

function line(stop: AbortSignal = new AbortController().signal): Line {
  const meter = new Meter('rec-1', 1e9)
  const add = meter.add.bind(meter)
  meter.add = bytes => {
    counted += bytes
    add(bytes)
  }
  return { token: 'token', owner: { 'Mediaward-Owner': 'patient-7' }, slots: pLimit(1), meter, stop }
}
function letter(sha256 = SHA): Letter {
  const stretch = { path, version: versionOf(statSync(path)), first: 0, size: CONTENT.length }
  return { about: 'video.mp4', method: 'PUT', url, bytes: { stretch, sha256 } }
}

test('a stretch of a file goes with its length, its digest, its owner and the token', async () => {
  script = [says(201, { size: 300_000 })]
  expect(await send(letter(), line())).toEqual({ size: 300_000 })
  expect(seen[0]?.body.equals(CONTENT)).toBe(true)
  expect(seen[0]?.headers).toMatchObject({
    authorization: 'Bearer token',
    'mediaward-owner': 'patient-7',
    'content-length': '300000',
    'content-digest': `sha-256=:${SHA}:`,
  })
  expect(seen[0]?.headers).not.toHaveProperty('transfer-encoding')
  expect(counted).toBe(CONTENT.length)
})

describe('sent again, whole', () => {
  test.each<[string, Answer]>([
    ['429', says(429)],
    ['502', says(502)],
    ['503', says(503)],
    ['504', says(504)],
    ['a broken connection', broken],
    ['an answer that breaks off', brokenInTheAnswer],
    ['bytes that were damaged on their way', says(400, { detail: 'The digest is another' })],
  ])('after %s', async (_, answer) => {
    script = [answer, says(201, { size: 300_000 })]
    expect(await send(letter(), line())).toEqual({ size: 300_000 })
    expect(seen).toHaveLength(2)
    expect(seen[1]?.body.equals(CONTENT)).toBe(true)
    expect(counted).toBe(CONTENT.length)
  })

  test('when the gate says', async () => {
    script = [says(503, {}, { 'Retry-After': '2' })]
    await send(letter(), line())
    expect((seen[1]?.at ?? 0) - (seen[0]?.at ?? 0)).toBeGreaterThanOrEqual(1990)
  })

  test('five times in all, and no more', { timeout: 20_000 }, async () => {
    script = Array.from({ length: 9 }, () => says(503, { title: 'Service Unavailable' }))
    await expect(send(letter(), line())).rejects.toThrow('video.mp4 was not stored: 503 Service Unavailable')
    expect(seen).toHaveLength(5)
    expect(counted).toBe(0)
  })

  test('not where the gate asks for an hour', async () => {
    script = [says(503, {}, { 'Retry-After': '3600' })]
    await expect(send(letter(), line())).rejects.toThrow('503')
    expect(seen).toHaveLength(1)
  })
})

describe('sent once', () => {
  test.each<[number, object, Record<string, string>, RegExp]>([
    [400, { detail: 'Mediaward-Owner must name the patient' }, {}, /must name the patient$/],
    [401, {}, {}, /401 .*: get a new token/],
    [403, {}, {}, /403/],
    [404, {}, {}, /404/],
    [409, { detail: 'This recording is bound to another owner' }, {}, /bound to another owner$/],
    [413, {}, {}, /413 .*: a proxy in front/],
    [500, {}, {}, /500/],
    [301, {}, { Location: 'https://user:SECRET@new.test/r?SECRET' }, /: the gate is at https:\/\/new\.test$/],
    [307, {}, { Location: '/elsewhere' }, /307/],
  ])('after %i', async (status, problem, headers, message) => {
    script = [says(status, problem, headers)]
    const failed: unknown = await send(letter(), line()).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(NotTaken)
    expect(failed).toMatchObject({ status, tries: 1, message: expect.stringMatching(message) })
    expect((failed as Error).message).not.toContain('SECRET')
    expect(seen).toHaveLength(1)
    expect(counted).toBe(0)
  })

  test('where the file is not what it was', async () => {
    const wrong = letter(createHash('sha256').update('other').digest('base64'))
    await expect(send(wrong, line())).rejects.toThrow(Changed)
    expect(seen).toHaveLength(0)
    expect(counted).toBe(0)
  })
})

test('where nothing answers, it says so at the end', { timeout: 20_000 }, async () => {
  script = Array.from({ length: 5 }, () => broken)
  await expect(send(letter(), line())).rejects.toThrow(NoAnswer)
  expect(seen).toHaveLength(5)
})

test('a refusal that was lost with the connection is asked for again, without the bytes', async () => {
  script = [broken]
  withoutBytes = says(401)
  await expect(send(letter(), line())).rejects.toThrow('video.mp4 was not stored: 401 Unauthorized')
  expect(seen).toHaveLength(1)
  expect(asked).toEqual([
    expect.objectContaining({ 'mediaward-owner': 'patient-7', authorization: 'Bearer token' }),
  ])
})

test.each<[string, Answer]>([
  ['in a pause', says(503, {}, { 'Retry-After': '60' })],
  ['while it waits for the answer', () => {}],
])('what is stopped %s ends with the reason of that', async (_, answer) => {
  script = [answer]
  const stop = new AbortController()
  setTimeout(() => stop.abort(new Error('that is enough')), 200)
  await expect(send(letter(), line(stop.signal))).rejects.toThrow('that is enough')
  await expect(send(letter(), line(stop.signal))).rejects.toThrow('that is enough')
  expect(seen).toHaveLength(1)
})
