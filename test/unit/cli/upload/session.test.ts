import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Unreachable } from '../../../../src/cli/client.ts'
import { UploadProgress } from '../../../../src/cli/progress.ts'
import {
  GateRefusal,
  RetryableFailure,
  sendOnce,
  type UploadRequest,
} from '../../../../src/cli/upload/request.ts'
import { UploadSession } from '../../../../src/cli/upload/session.ts'
import { SourceChanged, versionOf } from '../../../../src/cli/upload/source-file.ts'
import {
  answer,
  breakAnswer,
  breakConnection,
  neverAnswer,
  type ScriptedAnswer,
  ScriptedGate,
  type SeenRequest,
} from './scripted-gate.ts'

const CONTENT = Buffer.alloc(300_000, 'consultation')
const SHA = createHash('sha256').update(CONTENT).digest('base64')

let gate: ScriptedGate
let answers: ScriptedAnswer[]
/** The answer to a request without the bytes. */
let probeAnswer: ScriptedAnswer
let path: string
let counted: number
const uploads = (): SeenRequest[] => gate.requests.filter(({ method }) => method === 'PUT')
const probes = (): SeenRequest[] => gate.requests.filter(({ method }) => method === 'DELETE')

beforeEach(async () => {
  gate = new ScriptedGate()
  answers = []
  probeAnswer = answer(204)
  counted = 0
  gate.script = ({ method }) =>
    method === 'DELETE' ? probeAnswer : (answers.shift() ?? answer(200, { size: 300_000 }))
  await gate.start()
  path = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'video.mp4')
  writeFileSync(path, CONTENT)
})
afterEach(() => gate.stop())

function createSession(parallel = 1): UploadSession {
  const progress = new UploadProgress('rec-1', 1e9)
  const add = progress.add.bind(progress)
  progress.add = bytes => {
    counted += bytes
    add(bytes)
  }
  return new UploadSession({
    token: 'token',
    ownerHeaders: { 'Mediaward-Owner': 'patient-007' },
    parallel,
    progress,
  })
}
function putRequest(sha256 = SHA): UploadRequest<unknown> {
  const range = { path, version: versionOf(statSync(path)), first: 0, size: CONTENT.length }
  const url = new URL(`${gate.url}/recordings/rec-1`)
  return { about: 'video.mp4', method: 'PUT', url, content: { range, sha256 }, parse: json => json }
}

test('a session sends the bytes of a file with their length, their digest, the owner and the token', async () => {
  expect(await createSession().send(putRequest())).toEqual({ size: 300_000 })
  expect(uploads()[0]?.body.equals(CONTENT)).toBe(true)
  expect(uploads()[0]?.headers).toMatchObject({
    authorization: 'Bearer token',
    'mediaward-owner': 'patient-007',
    'content-length': '300000',
    'content-digest': `sha-256=:${SHA}:`,
  })
  expect(uploads()[0]?.headers).not.toHaveProperty('transfer-encoding')
  expect(counted).toBe(CONTENT.length)
})

test('a session sends JSON, and gives the JSON of the answer to the parser of the request', async () => {
  answers = [answer(200, { pieces: 3 })]
  const url = new URL(`${gate.url}/recordings/rec-1/upload`)
  const parsed: unknown[] = []
  const parse = (json: unknown) => {
    parsed.push(json)
    return 'parsed'
  }
  const request = { about: 'video.mp4', method: 'POST', url, json: { size: 9 }, parse } as const
  expect(await createSession().send(request)).toBe('parsed')
  expect(parsed).toEqual([{ pieces: 3 }])
  expect(gate.requests[0]?.headers).toMatchObject({ 'content-type': 'application/json' })
  expect(gate.requests[0]?.body.toString()).toBe('{"size":9}')
})

test.each<[string, ScriptedAnswer, unknown]>([
  ['an empty body', answer(204), null],
  ['a page', response => response.end('<h1>Welcome to our network</h1>'), null],
  ['other JSON', answer(200, { hello: 1 }), { hello: 1 }],
])('a session rejects %s as the answer of a gate if the parser does', async (_, first, seen) => {
  answers = [first]
  const parsed: unknown[] = []
  const parse = (json: unknown) => {
    parsed.push(json)
    return undefined
  }
  await expect(createSession().send({ ...putRequest(), parse })).rejects.toThrow(
    `video.mp4 was not stored: the server at ${gate.url} is not a gate`,
  )
  expect(parsed).toEqual([seen])
  expect(uploads()).toHaveLength(1)
})

describe('retries', () => {
  test.each<[string, ScriptedAnswer]>([
    ['408', answer(408)],
    ['429', answer(429)],
    ['502', answer(502)],
    ['503', answer(503)],
    ['504', answer(504)],
    ['a broken connection', breakConnection],
    ['an answer that breaks off', breakAnswer],
    ['bytes that were damaged on the way', answer(400, { detail: 'The digest is another' })],
    ['bytes that did not all arrive', answer(400, { detail: 'The upload broke off: send it again' })],
  ])('the whole request is sent again after %s', async (_, first) => {
    answers = [first, answer(201, { size: 300_000 })]
    expect(await createSession().send(putRequest())).toEqual({ size: 300_000 })
    expect(uploads()).toHaveLength(2)
    expect(uploads()[1]?.body.equals(CONTENT)).toBe(true)
    expect(counted).toBe(CONTENT.length)
  })

  test('a request is sent again no earlier than the gate asks', async () => {
    answers = [answer(503, {}, { 'Retry-After': '2' })]
    await createSession().send(putRequest())
    expect((uploads()[1]?.at ?? 0) - (uploads()[0]?.at ?? 0)).toBeGreaterThanOrEqual(1990)
  })

  test('a request is sent five times at most', { timeout: 20_000 }, async () => {
    answers = Array.from({ length: 9 }, () => answer(503, { title: 'Service Unavailable' }))
    const sent = createSession().send(putRequest())
    await expect(sent).rejects.toThrow('video.mp4 was not stored: 503 Service Unavailable')
    await expect(sent).rejects.toMatchObject({ attempts: 5 })
    expect(uploads()).toHaveLength(5)
    expect(counted).toBe(0)
  })

  test('a request is not sent again if the gate asks to wait an hour', async () => {
    answers = [answer(503, {}, { 'Retry-After': '3600' })]
    await expect(createSession().send(putRequest())).rejects.toThrow('503')
    expect(uploads()).toHaveLength(1)
  })
})

describe('single attempts', () => {
  test.each<[number, object, Record<string, string>, RegExp]>([
    [400, { detail: 'Mediaward-Owner must name the patient' }, {}, /must name the patient$/],
    [401, {}, {}, /401 .*: get a new token/],
    [403, {}, {}, /403/],
    [404, {}, {}, /404 .*: the token needs the role "recorder"/],
    [409, { detail: 'This recording is bound to another owner' }, {}, /bound to another owner$/],
    [409, { detail: 'Another upload was faster: send yours again' }, {}, /send yours again$/],
    [413, {}, {}, /413 .*: a proxy in front/],
    [500, {}, {}, /500/],
    [301, {}, { Location: 'https://user:SECRET@new.test/r?SECRET' }, /: the gate is at https:\/\/new\.test$/],
    [307, {}, { Location: '/elsewhere' }, /307/],
  ])('a request is sent only once if it is answered %i', async (status, problem, headers, message) => {
    answers = [answer(status, problem, headers)]
    const failed: unknown = await createSession()
      .send(putRequest())
      .catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(GateRefusal)
    expect(failed).toMatchObject({ status, attempts: 1, message: expect.stringMatching(message) })
    expect((failed as Error).message).not.toContain('SECRET')
    expect(uploads()).toHaveLength(1)
    expect(counted).toBe(0)
  })

  test('a request without bytes that could have been damaged is sent only once', async () => {
    answers = [answer(400, { detail: 'send it again' })]
    const url = new URL(`${gate.url}/recordings/rec-1/upload`)
    const request = { about: 'video.mp4', method: 'POST', url, parse: () => true } as const
    await expect(createSession().send(request)).rejects.toThrow(GateRefusal)
    expect(gate.requests).toHaveLength(1)
  })

  test('a request is not sent if the file does not have the version that was examined', async () => {
    const wrong = putRequest(createHash('sha256').update('other').digest('base64'))
    await expect(createSession().send(wrong)).rejects.toThrow(SourceChanged)
    expect(uploads()).toHaveLength(0)
    expect(counted).toBe(0)
  })
})

test('a gate that answers none of five attempts is reported as unreachable', {
  timeout: 20_000,
}, async () => {
  answers = Array.from({ length: 5 }, () => breakConnection)
  await expect(createSession().send(putRequest())).rejects.toThrow(Unreachable)
  expect(uploads()).toHaveLength(5)
})

test.runIf(process.platform === 'linux')('a request that could not be sent leaves no file open', async () => {
  const connection = {
    token: 'token',
    ownerHeaders: {},
    progress: new UploadProgress('rec-1', 1e9),
    signal: new AbortController().signal,
  }
  const request = putRequest()
  await gate.stop()
  for (let i = 1; i <= 3; i++) {
    expect(await sendOnce(request, connection, i)).toBeInstanceOf(RetryableFailure)
  }
  const open = readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      return []
    }
  })
  expect(open).not.toContain(path)
  await gate.start()
})

test('a refusal that was lost with the connection is found by a request without the bytes', async () => {
  answers = [breakConnection]
  probeAnswer = answer(401)
  await expect(createSession().send(putRequest())).rejects.toThrow(
    'video.mp4 was not stored: 401 Unauthorized',
  )
  expect(uploads()).toHaveLength(1)
  expect(probes()).toMatchObject([
    {
      path: '/recordings/rec-1/upload',
      headers: {
        'mediaward-owner': 'patient-007',
        authorization: 'Bearer token',
        'mediaward-upload': 'none',
      },
    },
  ])
})

test.each<[string, ScriptedAnswer]>([
  ['before a retry', answer(503, {}, { 'Retry-After': '60' })],
  ['while it waits for an answer', neverAnswer],
])(
  'a session that is stopped %s rejects its requests and later ones with the first reason',
  async (_, first) => {
    answers = [first]
    const session = createSession()
    setTimeout(() => {
      session.stop(new Error('that is enough'))
      session.stop(new Error('and this came later'))
    }, 200)
    await expect(session.send(putRequest())).rejects.toThrow('that is enough')
    await expect(session.send(putRequest())).rejects.toThrow('that is enough')
    expect(uploads()).toHaveLength(1)
  },
)

describe('forEach', () => {
  const numbers = Array.from({ length: 50 }, (_, i) => i)
  const started: number[] = []
  let running = 0
  let most = 0
  const work = async (item: number) => {
    started.push(item)
    running += 1
    most = Math.max(most, running)
    await new Promise(resolve => setTimeout(resolve, 1))
    running -= 1
  }
  beforeEach(() => {
    started.length = 0
    most = 0
  })

  test('forEach works on each item once, and on as many at once as the session allows', async () => {
    await createSession(4).forEach(numbers, work)
    expect(most).toBe(4)
    expect(started).toEqual(numbers)
  })

  test('forEach starts no item after a failure, awaits those that run, and throws the first failure', async () => {
    const working = createSession(4).forEach(numbers, async item => {
      if (item === 1) throw new Error('the first')
      await work(item)
      if (item === 2) throw new Error('a later one')
    })
    await expect(working).rejects.toThrow('the first')
    expect(running).toBe(0)
    expect(started.length).toBeLessThan(10)
  })
})
