import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { importJWK, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stored } from '../support/scripted-s3.ts'
import { issuer, PRIVATE_KEY } from '../workerd/issuer.ts'
import { SIZE } from './cuts.ts'
import { type PacedReader, readPaced } from './paced-reader.ts'
import { type RunningApp, startApp } from './start-app.ts'

// What a client gets of a recording after it was cut, over the real servers.

const MEBIBYTE = 2 ** 20

/** A store that speaks S3 and has every recording. It counts the answers that are being sent. */
async function startS3(): Promise<{ readonly server: Server; readonly sending: () => number }> {
  let sending = 0
  const chunk = Buffer.alloc(64 * 1024, 7)
  const facts = stored(SIZE, { 'x-amz-meta-mw-owner': 'patient-1', 'x-amz-meta-mw-issuer': issuer.issuer })
  const server = createServer((request, response) => {
    response.writeHead(200, facts)
    if (request.method === 'HEAD') return void response.end()
    sending += 1
    response.once('close', () => (sending -= 1))
    let left = SIZE
    const send = (): void => {
      while (left > 0) {
        left -= chunk.length
        if (!response.write(chunk)) return void response.once('drain', send)
      }
      response.end()
    }
    send()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, sending: () => sending }
}

/**
 * What a slow client can still get, in MiB: what the buffers of both sockets hold, 5 MiB with Linux's settings. On Node the
 * connection is reset, so it is thrown away.
 */
const BUFFERED = { workerd: 6, deno: 6, node: 1 } as const

describe.each([
  ['workerd', 'R2', '../workerd/cuts.ts'],
  ['node', 'a folder', 'cuts.local.ts'],
  ['node', 'S3', 'cuts.s3.ts'],
  ['deno', 'a folder', 'cuts.local.ts'],
  ['deno', 'S3', 'cuts.s3.ts'],
] as const)('on %s, from %s', (runtime, from, file) => {
  let s3: Awaited<ReturnType<typeof startS3>>
  let running: RunningApp
  let headers: Record<string, string>

  beforeAll(async () => {
    s3 = await startS3()
    const { port } = s3.server.address() as AddressInfo
    const bucket = {
      endpoint: `http://127.0.0.1:${port}`,
      bucket: 'b',
      accessKeyId: 'k',
      secretAccessKey: 's',
    }
    running = await startApp(runtime, file, { TEST_S3: JSON.stringify(bucket) })
    const token = await new SignJWT({ sub: 'patient-1' })
      .setProtectedHeader({ alg: 'ES256', kid: 'workerd' })
      .setIssuer(issuer.issuer)
      .setAudience('recordings')
      .setExpirationTime('5m')
      .sign(await importJWK(PRIVATE_KEY, 'ES256'))
    headers = { authorization: `Bearer ${token}` }
    for (const name of from === 'S3' ? [] : ['fast', 'slow', 'other', 'stalled']) {
      const response = await fetch(`${running.url}/recordings-of-the-test/${name}`, { method: 'POST' })
      expect(response.status).toBe(201)
    }
  })
  afterAll(async () => {
    await running.stop()
    s3.server.closeAllConnections()
    s3.server.close()
  })

  const read = (name: string, pace: number) => readPaced(`${running.url}/recordings/${name}`, headers, pace)
  const outcomes = async (name: string) => (await fetch(`${running.url}/cuts/${name}`)).json()

  /** Cuts a recording, and waits until its reader's connection has ended. */
  async function cut(name: string, reader: PacedReader) {
    const [at, before] = [performance.now(), reader.bytes()]
    expect((await fetch(`${running.url}/cuts/${name}`, { method: 'POST' })).status).toBe(204)
    const { head, bytes, last, error } = await reader.over
    expect(head).toContain('http/1.1 200')
    expect(head).toContain(`content-length: ${SIZE}`)
    expect(before).toBeGreaterThan(0)
    const [after, milliseconds] = [bytes - before, Math.max(0, last - at)]
    if (runtime === 'node') expect(error).toBe('ECONNRESET')
    return { after, milliseconds, bytes }
  }

  test('a stream that is cut breaks off for a fast and for a slow reader, and no other stream does', async () => {
    const fast = read('fast', 16 * MEBIBYTE)
    const slow = read('slow', MEBIBYTE)
    const other = read('other', 32 * MEBIBYTE)
    await sleep(1000)
    const [ofFast, ofSlow] = await Promise.all([cut('fast', fast), cut('slow', slow)])
    expect(ofFast.milliseconds).toBeLessThan(1000)
    expect(ofFast.bytes).toBeLessThan(SIZE)
    expect(ofSlow.after).toBeLessThan(BUFFERED[runtime] * MEBIBYTE)
    expect((await other.over).bytes).toBe(SIZE)
    expect(await outcomes('other')).toEqual([SIZE])
    for (const name of ['fast', 'slow']) {
      const [taken] = await outcomes(name)
      if (runtime === 'workerd') expect(taken).toBe('cut')
      else expect(taken).toBeLessThan(SIZE)
    }
    if (from === 'S3') await expect.poll(s3.sending).toBe(0)
  })
  test('a stream that is cut gives back what it holds, even if its client takes nothing', async () => {
    const reader = read('stalled', 1024)
    await expect.poll(reader.bytes).toBeGreaterThan(0)
    await sleep(500)
    expect((await fetch(`${running.url}/cuts/stalled`, { method: 'POST' })).status).toBe(204)
    if (from === 'S3') await expect.poll(s3.sending).toBe(0)
    await expect.poll(() => outcomes('stalled')).toHaveLength(1)
    reader.leave()
  })
})
