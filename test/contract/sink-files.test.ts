import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFileStore } from '../../src/runtime/local/sink-files.ts'
import { S3_LIMITS, S3Client } from '../../src/runtime/s3/client.ts'
import type { FileStore } from '../../src/sinks/files.ts'
import { createFilesTarget } from '../../src/sinks/files.ts'
import { ENTRIES } from '../support/log-entries.ts'
import { r2OverS3, type S3Server } from '../support/s3-server.ts'

// Where a sink of the type files keeps them: in a folder, and in a store that speaks S3.

let server: S3Server
beforeAll(async () => {
  server = await r2OverS3()
})
afterAll(() => server.stop())

/** A store for files, and what reads them. */
interface Place {
  readonly store: FileStore
  readonly read: (name: string) => Promise<string | undefined>
}

const PLACES: Readonly<Record<string, () => Place>> = {
  'a folder'() {
    const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
    return {
      store: createFileStore({ type: 'files' }, folder),
      read: async name => readFileSync(join(folder, name), 'utf8'),
    }
  },
  S3() {
    const options = server.bucket()
    const { endpoint: url, bucket, accessKeyId: access_key_id, secretAccessKey: secret } = options
    const client = new S3Client(options, S3_LIMITS)
    const entry = { type: 'files', url, bucket, access_key_id, secret, allow_internal: true } as const
    return {
      store: createFileStore(entry, ''),
      read: async key => {
        const text = await client.ask({ operation: 'GetObject', key }, answer => answer.text())
        return typeof text === 'string' ? text : undefined
      },
    }
  },
}

describe.each(Object.entries(PLACES))('files in %s', (_, place) => {
  test('a batch is one file of JSON lines, with the records as they are stored', async () => {
    const { store, read } = place()
    const target = createFilesTarget({ type: 'files', name: 'archive' }, store)
    const entries = ENTRIES.slice(0, 20)
    expect(await target.send(entries)).toEqual([])
    const text = await read('records/archive/2026-11-23/000000000000-000000000019.ndjson')
    const lines = text
      ?.trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as unknown)
    expect(lines).toEqual(entries.map(({ index, event }) => ({ index, record: event })))
    expect(text?.endsWith('\n')).toBe(true)
  })

  test('a file that is there already stays as it is, and that is a success', async () => {
    const { store, read } = place()
    await store.put('records/files/2026-11-23/0-1.ndjson', 'first')
    await store.put('records/files/2026-11-23/0-1.ndjson', 'second')
    expect(await read('records/files/2026-11-23/0-1.ndjson')).toBe('first')
  })
})

test('a folder keeps no half of a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
  const store = createFileStore({ type: 'files' }, folder)
  await store.put('records/files/2026-11-23/0-1.ndjson', 'x'.repeat(100_000))
  expect(readdirSync(join(folder, 'records/files/2026-11-23'))).toEqual(['0-1.ndjson'])
})

test('a key that S3 does not accept is a mistake of the configuration', async () => {
  const { endpoint: url, bucket } = server.bucket()
  const entry = {
    type: 'files',
    url,
    bucket,
    access_key_id: 'AKIDOFANOTHER',
    secret: 'wrong',
    allow_internal: true,
  } as const
  await expect(createFileStore(entry, '').put('records/a.ndjson', 'x')).rejects.toMatchObject({
    kind: 'misconfigured',
    message: expect.not.stringContaining('AKIDOFANOTHER'),
  })
})
