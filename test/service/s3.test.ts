import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { S3Options } from '../../src/runtime/local/index.ts'
import type { RunningGate } from '../support/gate.ts'
import {
  createIssuer,
  denials,
  instanceOf,
  patterned,
  store,
  type TestIssuer,
  variables,
} from '../support/gate-client.ts'
import { r2OverS3, type S3Server } from '../support/s3-server.ts'
import { startService } from '../support/service.ts'

// The servers over R2's S3 API: the recordings there, the ledger on this machine.

describe.each(['deno', 'node'] as const)('on %s', runtime => {
  let server: S3Server
  let idp: TestIssuer
  let bucket: S3Options
  beforeAll(async () => {
    server = await r2OverS3()
    idp = await createIssuer()
    bucket = server.bucket()
  })
  afterAll(() => server.stop())

  test('a server on S3 keeps recordings in the bucket and records on disk, and answers 503 in an outage', async () => {
    const data = mkdtempSync(join(tmpdir(), 'mediaward-'))
    const service = await startService(runtime, data, {
      ...variables(idp),
      S3_ENDPOINT: bucket.endpoint,
      S3_BUCKET: bucket.bucket,
      S3_ACCESS_KEY_ID: bucket.accessKeyId,
      S3_SECRET_ACCESS_KEY: bucket.secretAccessKey,
    })
    const gate = { url: service.url } as RunningGate
    const bytes = patterned(3_000_000)
    const play = async (subject: string, headers: Record<string, string> = {}) =>
      fetch(`${service.url}/recordings/rec-1`, {
        headers: { ...(await idp.bearer(subject)), ...headers },
      })
    expect((await store(gate, idp, '/recordings/rec-1', 'patient-1', bytes)).status).toBe(201)
    expect((await store(gate, idp, '/recordings/rec-1', 'patient-2', 'other')).status).toBe(409)
    expect(Buffer.from(await (await play('patient-1')).arrayBuffer()).equals(bytes)).toBe(true)
    const range = await play('patient-1', { Range: 'bytes=1000000-1000009' })
    expect(range.headers.get('content-range')).toBe('bytes 1000000-1000009/3000000')
    expect(new Uint8Array(await range.arrayBuffer())).toEqual(bytes.subarray(1_000_000, 1_000_010))
    expect((await play('patient-1', { Range: 'bytes=3000000-' })).status).toBe(416)
    expect((await play('patient-1', { 'If-None-Match': range.headers.get('etag') ?? '' })).status).toBe(304)
    expect((await play('patient-2')).status).toBe(404)
    expect(readdirSync(data).sort()).not.toContain('recordings')

    // In pieces, too: the second of them is wrong at first.
    const film = patterned(9 * 2 ** 20)
    const border = 8 * 2 ** 20
    const ask = async (method: string, path: string, headers: Record<string, string>, body?: BodyInit) =>
      fetch(`${service.url}/recordings/film${path}`, {
        method,
        headers: {
          ...(await idp.bearer('recorder-1', { roles: ['recorder'] })),
          'Mediaward-Owner': 'patient-1',
          ...headers,
        },
        ...(body !== undefined && { body }),
      })
    const begun = await ask('POST', '/upload', { 'Mediaward-Upload-Size': String(film.length) })
    const { upload } = (await begun.json()) as { upload: string }
    const piece = (first: number, of: Uint8Array<ArrayBuffer>) => {
      const sent = film.slice(first, first + border)
      const digest = createHash('sha256').update(sent).digest('base64')
      const range = `bytes ${first}-${first + sent.length - 1}/${film.length}`
      const headers = { 'Mediaward-Upload': upload, 'Content-Range': range }
      return ask('PUT', '', { ...headers, 'Content-Digest': `sha-256=:${digest}:` }, of)
    }
    const wrong = await piece(border, new Uint8Array(film.length - border))
    expect(wrong.status).toBe(400)
    const pieces = []
    for (const first of [0, border]) {
      const stored = await piece(first, film.slice(first, first + border))
      pieces.push(((await stored.json()) as { piece: string }).piece)
    }
    const json = { 'Mediaward-Upload': upload, 'Content-Type': 'application/json' }
    const whole = JSON.stringify({ size: film.length, pieces })
    expect((await ask('POST', '/upload', { ...json, 'Mediaward-Owner': 'patient-2' }, whole)).status).toBe(
      409,
    )
    expect((await ask('POST', '/upload', json, whole)).status).toBe(201)
    const over = await fetch(`${service.url}/recordings/film`, {
      headers: { ...(await idp.bearer('patient-1')), Range: `bytes=${border - 5}-${border + 4}` },
    })
    expect(new Uint8Array(await over.arrayBuffer())).toEqual(film.slice(border - 5, border + 5))

    await server.stop()
    const failed = await play('patient-1')
    expect(failed.status).toBe(503)
    const id = await instanceOf(failed)
    expect((await denials(gate, idp)).map(({ reason }) => reason)).toEqual([
      'binding_conflict',
      'not_owner',
      'upload_invalid',
      'binding_conflict',
      'store_unavailable',
    ])
    expect(service.said()).toMatch(
      new RegExp(`store_unavailable, event ${id}: S3 could not be reached for GetObject`),
    )
    expect(service.said()).not.toMatch(/rec-1|film|AKID|secret|cdn-cgi|bucket-/)
    service.kill('SIGTERM')
    expect(await service.ended).toBe(0)
  })

  test('a server with mistakes in its S3 variables exits with 2 and names them, without the secret', async () => {
    const start = startService(runtime, mkdtempSync(join(tmpdir(), 'mediaward-')), {
      ...variables(idp),
      S3_ENDPOINT: 'http://s3.example.com',
      S3_SECRET_ACCESS_KEY: 'TOPSECRET',
    })
    await expect(start).rejects.toThrow(
      /ended with 2: [\s\S]*S3_ENDPOINT[\s\S]*S3_BUCKET[\s\S]*S3_ACCESS_KEY_ID/,
    )
    await expect(start).rejects.not.toThrow(/TOPSECRET/)
  })
})
