import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { importJWK, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { issuer, PRIVATE_KEY } from '../workerd/issuer.ts'
import { PATIENCE } from './patience.ts'
import { RUNTIMES, type RunningApp, startApp } from './start-app.ts'

// A client that sends a body slowly, or not at all, holds no connection for as long as it likes. One that sends slowly
// but goes on is never turned away.

/** Bytes of every upload. */
const SIZE = 20

interface Answer {
  readonly status: number
  readonly head: string
  /** The id of the record, of a refusal. */
  readonly instance: string
  /** Whether the server closed the connection within a second of its answer. */
  readonly closed: boolean
}

describe.each(RUNTIMES)('on %s', runtime => {
  let running: RunningApp
  let url: string
  let token: string

  beforeAll(async () => {
    // With the store that each runtime has.
    running = await startApp(runtime, runtime === 'workerd' ? '../workerd/patience.ts' : 'patience.local.ts')
    url = running.url
    token = await new SignJWT({ sub: 'recorder-1', roles: ['recorder'] })
      .setProtectedHeader({ alg: 'ES256', kid: 'workerd' })
      .setIssuer(issuer.issuer)
      .setAudience('recordings')
      .setExpirationTime('5m')
      .sign(await importJWK(PRIVATE_KEY, 'ES256'))
  })
  afterAll(() => running.stop())

  /** Sends a head, then the pieces of a body, with a pause before each; and no more. */
  function send(
    line: string,
    headers: readonly string[],
    body: readonly string[],
    pause = 0,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
      const head = [`${line} HTTP/1.1`, 'Host: gate.test', `Authorization: Bearer ${token}`, ...headers]
      let text = ''
      let closed = false
      socket.on('connect', async () => {
        socket.write(`${head.join('\r\n')}\r\n\r\n`)
        for (const piece of body) {
          await sleep(pause)
          if (text === '') socket.write(piece)
        }
      })
      socket.on('data', async (chunk: Buffer) => {
        const isFirst = text === ''
        text += chunk.toString()
        if (!isFirst) return
        await sleep(1000)
        socket.destroy()
        const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(text) ?? []
        const [, instance = ''] = /urn:uuid:([0-9a-f-]{36})/.exec(text) ?? []
        resolve({ status: Number(status), head: text.split('\r\n\r\n')[0] ?? '', instance, closed })
      })
      socket.on('end', () => {
        closed = true
      })
      socket.on('error', reject)
    })
  }

  const upload = (path: string, body: readonly string[], pause?: number, more: readonly string[] = []) =>
    send(
      `PUT /recordings/${path}`,
      ['Mediaward-Owner: patient-1', `Content-Length: ${SIZE}`, ...more],
      body,
      pause,
    )
  const json = (path: string, body: readonly string[], pause?: number, more: readonly string[] = []) =>
    send(
      `POST ${path}`,
      ['Content-Type: application/json', 'Content-Length: 1000', 'Mediaward-Owner: patient-1', ...more],
      body,
      pause,
    )

  async function begin(path: string): Promise<string> {
    const response = await fetch(`${url}/recordings/${path}/upload`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${token}`,
        'Mediaward-Owner': 'patient-1',
        'Mediaward-Upload-Size': String(SIZE),
      },
    })
    expect(response.status).toBe(201)
    return ((await response.json()) as { upload: string }).upload
  }
  const ofPiece = (name: string) => [
    `Mediaward-Upload: ${name}`,
    `Content-Range: bytes 0-${SIZE - 1}/${SIZE}`,
  ]

  async function expectRecorded(answers: readonly Answer[], status: number, reason: string): Promise<void> {
    const reasons = (await (await fetch(`${url}/reasons`)).json()) as Record<string, string>
    expect(answers.map(answer => answer.status)).toEqual(answers.map(() => status))
    expect(answers.map(({ instance }) => reasons[instance])).toEqual(answers.map(() => reason))
  }

  test('a body that never comes or stops midway gets 408 and a record, and none of it is stored', async () => {
    const name = await begin('pieces')
    const answers = await Promise.all([
      upload('never', []),
      upload('midway', ['0123456789']),
      upload('pieces', [], 0, ofPiece(name)),
      upload('pieces', ['0123456789'], 0, ofPiece(name)),
      json('/recordings/pieces/upload', [], 0, [`Mediaward-Upload: ${name}`]),
      json('/recordings/pieces/upload', ['{"size":'], 0, [`Mediaward-Upload: ${name}`]),
      json('/access/v1/evaluation', []),
      json('/access/v1/evaluations', ['{']),
    ])
    await expectRecorded(answers, 408, 'request_timeout')
    for (const { head } of answers) expect(head).toMatch(/^connection: close$/im)
    // Deno's server says so, and leaves it to the client.
    if (runtime !== 'deno') expect(answers.map(({ closed }) => closed)).toEqual(answers.map(() => true))
    // Whoever sends again is not in anyone's way.
    for (const path of ['never', 'midway']) expect((await upload(path, ['x'.repeat(SIZE)])).status).toBe(201)
  })

  test('an upload that trickles is stored, as no limit applies to its whole duration', async () => {
    const name = await begin('slow-pieces')
    const drops = Array.from({ length: SIZE }, (_, index) => String(index % 10))
    const pause = PATIENCE / 6
    expect(pause * SIZE).toBeGreaterThan(2 * PATIENCE)
    const answers = await Promise.all([
      upload('slow', drops, pause),
      upload('slow-pieces', drops, pause, ofPiece(name)),
    ])
    expect(answers.map(({ status }) => status)).toEqual([201, 200])
  })

  test('a JSON body that trickles gets 408, as a limit applies to its whole duration', async () => {
    const drops = Array.from({ length: 1000 }, () => ' ')
    const answers = await Promise.all([
      json('/recordings/pieces/upload', drops, PATIENCE / 10, [`Mediaward-Upload: ${await begin('pieces')}`]),
      json('/access/v1/evaluation', drops, PATIENCE / 10),
    ])
    await expectRecorded(answers, 408, 'request_timeout')
  })

  test('an upload without a length gets 411 and a record', async () => {
    const chunked = ['Mediaward-Owner: patient-1', 'Transfer-Encoding: chunked']
    const answers = await Promise.all([
      send('PUT /recordings/unsized', chunked, ['5\r\n01234\r\n0\r\n\r\n']),
      send(
        'PUT /recordings/unsized',
        [...chunked, ...ofPiece(await begin('unsized'))],
        ['5\r\n01234\r\n0\r\n\r\n'],
      ),
      send('PUT /recordings/unsized', ['Mediaward-Owner: patient-1'], []),
    ])
    const sized = runtime === 'deno' ? answers.slice(0, 2) : answers
    await expectRecorded(sized, 411, 'length_required')
  })
})
