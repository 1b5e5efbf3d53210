import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest'
import type { RecordingStore } from '../../../src/index.ts'
import { createFolderStore } from '../../../src/runtime/local/index.ts'
import { createS3Store } from '../../../src/runtime/s3/store.ts'
import { memoryGate } from '../../support/memory-gate.ts'
import { scriptedS3, stored, wrong } from '../../support/scripted-s3.ts'
import { storeWith } from '../../support/store-with.ts'

// A recording whose bytes can't be sent: only its own patient sees it, and the operator.

let said: MockInstance<typeof console.error>
beforeEach(() => {
  said = vi.spyOn(console, 'error').mockReturnValue()
})
afterEach(() => {
  said.mockRestore()
})

/** Returns a function that asks as a patient, and returns what was answered and recorded. */
async function asked(store: RecordingStore, path = '/recordings/rec-1') {
  const gate = await memoryGate({ store }).catch(() => memoryGate({ store: readOnly(store) }))
  const ask = async (subject: string, method: string, headers: Record<string, string> = {}) => {
    said.mockClear()
    const response = await gate.ask(subject, path, { method, headers })
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      etag: response.headers.get('etag'),
      reason: (await gate.events()).at(-1)?.reason,
      said: said.mock.calls.flat().join('\n'),
    }
  }
  return ask
}

/** A store in which the gate of a test can't put what it usually has. */
function readOnly(store: RecordingStore): RecordingStore {
  return storeWith(store, { put: async () => null })
}

test.each<[string, (file: string) => void]>([
  ['missing', file => rmSync(file)],
  ['cut short', file => truncateSync(file, 10)],
])(
  'a recording whose bytes in a folder are %s is a fault for its patient, and does not exist for others',
  async (_, damage) => {
    const root = mkdtempSync(join(tmpdir(), 'mediaward-'))
    const store = createFolderStore(root)
    const ask = await asked(store)
    const bytes = readdirSync(join(root, 'recordings')).find(name => /@[0-9a-f]{32}$/.test(name)) ?? ''
    damage(join(root, 'recordings', bytes))
    for (const headers of [{}, { range: 'bytes=0-0' }] as Record<string, string>[]) {
      expect(await ask('patient-1', 'GET', headers)).toEqual({
        status: 503,
        retryAfter: '5',
        etag: null,
        reason: 'store_unavailable',
        said: expect.stringMatching(/store_unavailable, event .*(missing|not as long)/),
      })
      expect(await ask('patient-2', 'GET', headers)).toMatchObject({
        status: 404,
        retryAfter: null,
        reason: 'not_owner',
        said: '',
      })
    }
    // What is beyond the end needs no bytes.
    expect(await ask('patient-1', 'GET', { range: 'bytes=99999-' })).toMatchObject({ status: 416 })
    expect(await ask('patient-2', 'HEAD')).toMatchObject({ status: 404, reason: 'not_owner' })
  },
)

test('a recording with damaged facts has no owner: its patient gets 404, and the operator reads why', async () => {
  const root = mkdtempSync(join(tmpdir(), 'mediaward-'))
  const ask = await asked(createFolderStore(root))
  writeFileSync(join(root, 'recordings/rec-1@facts.json'), '{')
  await new Promise(resolve => setTimeout(resolve, 20))
  for (const method of ['GET', 'HEAD']) {
    expect(await ask('patient-1', method)).toEqual({
      status: 404,
      retryAfter: null,
      etag: null,
      reason: 'recording_unbound',
      said: expect.stringMatching(/recording_unbound, event .* the facts beside a recording are damaged/),
    })
  }
})

describe('S3 store', () => {
  const object = (headers: Record<string, string>): RequestListener => {
    return (request, response) =>
      response
        .writeHead(200, stored(10, { 'x-amz-meta-mw-owner': 'patient-1', ...headers }))
        .end(request.method === 'HEAD' ? undefined : '0123456789')
  }

  test.each(['gzip', 'aws-chunked,gzip', 'br', 'x-unknown'])(
    'an object in S3 with the coding %s is refused to its patient for good, and does not exist for others',
    async encoding => {
      const { options } = await scriptedS3(object({ 'content-encoding': encoding }))
      const ask = await asked(readOnly(createS3Store(options)))
      for (const [method, headers] of [
        ['GET', {}],
        ['GET', { range: 'bytes=0-3' }],
        ['GET', { 'if-none-match': '"e1"' }],
        ['HEAD', {}],
      ] as [string, Record<string, string>][]) {
        expect(await ask('patient-1', method, headers)).toEqual({
          status: 415,
          retryAfter: null,
          etag: null,
          reason: 'encoding_unsupported',
          said: expect.stringMatching(
            /encoding_unsupported, event .*: a recording is stored in a content coding/,
          ),
        })
        expect(await ask('patient-2', method, headers)).toMatchObject({
          status: 404,
          reason: 'not_owner',
          said: '',
        })
      }
    },
  )

  test.each(['', 'identity', 'aws-chunked'])(
    'an object in S3 with the Content-Encoding "%s" plays',
    async encoding => {
      const { options } = await scriptedS3(object({ 'content-encoding': encoding }))
      const ask = await asked(readOnly(createS3Store(options)))
      expect(await ask('patient-1', 'GET')).toMatchObject({ status: 200, etag: '"e1"' })
    },
  )

  test.each<[string, number, string]>([
    ['an archived object', 403, 'InvalidObjectState'],
    ['an object whose KMS key is disabled', 400, 'KMS.DisabledException'],
  ])('%s in S3 is a fault for its patient, and does not exist for others', async (_, status, code) => {
    const { options } = await scriptedS3((request, response) => {
      if (request.method === 'GET') wrong(response, status, code)
      else object({})(request, response)
    })
    const ask = await asked(readOnly(createS3Store(options)))
    expect(await ask('patient-1', 'GET')).toMatchObject({
      status: 503,
      reason: 'store_unavailable',
      said: expect.stringContaining(`S3 answered ${status} ${code} to GetObject`),
    })
    expect(await ask('patient-2', 'GET')).toMatchObject({ status: 404, reason: 'not_owner', said: '' })
  })

  test('expired S3 credentials are a fault for every patient, since HEAD fails as well', async () => {
    const { options } = await scriptedS3((request, response) => {
      if (request.method === 'HEAD') response.writeHead(400).end()
      else wrong(response, 400, 'ExpiredToken')
    })
    const ask = await asked(readOnly(createS3Store(options)))
    for (const subject of ['patient-1', 'patient-2', 'patient-1']) {
      expect(await ask(subject, 'GET')).toMatchObject({ status: 503, reason: 'store_unavailable' })
    }
  })

  test('an S3 key that may not read is a fault for every patient, and the operator reads which right to give it', async () => {
    const { options } = await scriptedS3((_, response) => wrong(response, 403, 'AccessDenied'))
    const ask = await asked(readOnly(createS3Store(options)))
    for (const subject of ['patient-1', 'patient-2']) {
      expect(await ask(subject, 'GET')).toMatchObject({
        status: 503,
        said: expect.stringContaining('S3 answered 403 AccessDenied to GetObject: give its key the right'),
      })
    }
  })
})
