import type { IncomingMessage, RequestListener } from 'node:http'
import { describe, expect, test } from 'vitest'
import { StorageFault } from '../../../../src/base/storage-fault.ts'
import { Claims } from '../../../../src/recordings/claims.ts'
import type { PutOptions } from '../../../../src/recordings/recording-store.ts'
import { createS3Store } from '../../../../src/runtime/s3/store.ts'
import { faultOf, KEY, scriptedS3, stored, wrong } from '../../../support/scripted-s3.ts'

// How the S3 adapter stores and claims if the store or an upload fails.

const ownership = { owner: 'patient-9', issuer: 'https://login.clinic.test/' }
const upload: PutOptions = { size: 10, contentType: 'video/mp4', ownership, replaces: null }
const content = (text = '0123456789'): ReadableStream<Uint8Array> => new Blob([text]).stream()

/** Answers after it has read the whole body, which is added to `taken`. */
function taking(answer: RequestListener, taken: string[] = []): RequestListener {
  return async (request, response) => {
    if (request.method === 'PUT') taken.push(await bodyOf(request).catch(() => 'broken'))
    answer(request, response)
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}

const done: RequestListener = (request, response) => {
  const put = request.method === 'PUT'
  response.writeHead(200, put ? { etag: '"e1"', 'content-length': '0' } : stored(10)).end()
}

describe('put', () => {
  test('an upload is one request of the announced length, and resolves to the facts that find gives', async () => {
    const taken: string[] = []
    const { options, requests } = await scriptedS3(taking(done, taken))
    const store = createS3Store(options)
    expect(await store.put(KEY, content(), upload)).toEqual(await store.find(KEY))
    expect(taken).toEqual(['0123456789'])
    expect(requests.map(({ method }) => method)).toEqual(['PUT', 'HEAD', 'HEAD'])
    const headers = requests[0]?.headers
    expect(headers).toMatchObject({
      'content-length': '10',
      'content-type': 'video/mp4',
      'if-none-match': '*',
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
      'x-amz-meta-mw-owner': 'patient-9',
      'x-amz-meta-mw-issuer': 'https://login.clinic.test/',
    })
    expect(headers?.authorization).toContain(
      'SignedHeaders=host;if-none-match;x-amz-content-sha256;x-amz-date;x-amz-meta-mw-issuer;x-amz-meta-mw-owner,',
    )
    expect(headers).not.toHaveProperty('transfer-encoding')
  })

  test('an upload sends the version that it replaces as a condition', async () => {
    const { options, requests } = await scriptedS3(taking(done))
    await createS3Store(options).put(KEY, content(), { ...upload, replaces: '"e0"' })
    expect(requests[0]?.headers).toMatchObject({ 'if-match': '"e0"' })
    expect(requests[0]?.headers).not.toHaveProperty('if-none-match')
  })

  test.each([
    [412, 'PreconditionFailed'],
    [409, 'ConditionalRequestConflict'],
    [404, 'NoSuchKey'],
  ])('an upload resolves to null if its condition fails: %i %s', async (status, code) => {
    const { options } = await scriptedS3(taking((_, response) => wrong(response, status, code)))
    expect(await createS3Store(options).put(KEY, content(), { ...upload, replaces: '"e0"' })).toBeNull()
  })

  test.each([
    [500, 'InternalError', 'S3 answered 500 InternalError to PutObject'],
    [503, 'SlowDown', 'S3 answered 503 SlowDown to PutObject'],
    [
      403,
      'SignatureDoesNotMatch',
      'S3 answered 403 SignatureDoesNotMatch to PutObject: look at S3_SECRET_ACCESS_KEY and S3_REGION',
    ],
    [404, 'NoSuchBucket', 'S3 answered 404 NoSuchBucket to PutObject: look at S3_BUCKET and S3_ENDPOINT'],
    [409, 'OperationAborted', 'S3 answered 409 OperationAborted to PutObject'],
    [
      307,
      'TemporaryRedirect',
      'S3 answered 307 TemporaryRedirect to PutObject: look at S3_ENDPOINT and S3_REGION',
    ],
    [201, 'Strange', 'S3 answered 201 Strange to PutObject'],
  ])(
    'an upload that the store refuses is a fault and is not repeated: %i %s',
    async (status, code, message) => {
      const { options, requests } = await scriptedS3(taking((_, response) => wrong(response, status, code)))
      const fault = await faultOf(createS3Store(options).put(KEY, content(), upload))
      expect(fault).toBeInstanceOf(StorageFault)
      expect(fault.message).toBe(message)
      expect(requests).toHaveLength(1)
    },
  )

  test('an upload whose connection the store closes is a fault and is not repeated', async () => {
    const { options, requests } = await scriptedS3(taking(request => request.socket.destroy()))
    const fault = await faultOf(createS3Store(options).put(KEY, content(), upload))
    expect(fault).toBeInstanceOf(StorageFault)
    expect(fault.message).toBe('S3 could not be reached for PutObject (ECONNRESET)')
    expect(requests).toHaveLength(1)
  })

  test('an upload stops if the store refuses it before its end', async () => {
    let cancelled = false
    const endless = new ReadableStream<Uint8Array>({
      pull: controller => controller.enqueue(new Uint8Array(64 * 1024)),
      cancel() {
        cancelled = true
      },
    })
    const { options } = await scriptedS3((request, response) => {
      request.resume()
      response.writeHead(403).write(`<Code>AccessDenied</Code>${' '.repeat(5000)}`)
    })
    const put = createS3Store(options).put(KEY, endless, { ...upload, size: 1e12 })
    expect((await faultOf(put)).message).toMatch(/^S3 answered 403 AccessDenied to PutObject/)
    await expect.poll(() => cancelled).toBe(true)
  })

  test('an upload is a fault if the store accepts it before its end', async () => {
    const { options } = await scriptedS3(
      (_, response) => void response.writeHead(200, { etag: '"e1"' }).end(),
    )
    let more = (): void => {}
    const slow = new ReadableStream<Uint8Array>({
      async pull(controller) {
        controller.enqueue(new Uint8Array(1))
        await new Promise<void>(resolve => {
          more = resolve
        })
      },
    })
    const fault = await faultOf(createS3Store(options).put(KEY, slow, upload))
    more()
    expect(fault.message).toBe('S3 answered PutObject before it had the whole')
  })
})

describe('incomplete uploads', () => {
  const broken = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode('0123456789'))
        controller.error(new Error(`${KEY} of AKIAPRIVATE`))
      },
    })
  const inTwo = () =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (const text of ['0123456789', 'a']) controller.enqueue(new TextEncoder().encode(text))
        controller.close()
      },
    })
  /** Breaks off late enough for the store to have all bytes, if they were sent. */
  const brokenLate = () => {
    let pulls = 0
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          if (pulls++ === 0) return controller.enqueue(new TextEncoder().encode('0123456789'))
          await new Promise(resolve => setTimeout(resolve, 100))
          controller.error(new Error('gone'))
        },
      },
      { highWaterMark: 0 },
    )
  }
  test.each<[string, () => ReadableStream<Uint8Array> | null, string]>([
    ['that is shorter', () => content('01234'), 'the upload is shorter than was announced'],
    ['that is empty', () => null, 'the upload is shorter than was announced'],
    ['that is longer', () => content('0123456789a'), 'the upload is longer than was announced'],
    ['that is longer by another chunk', inTwo, 'the upload is longer than was announced'],
    ['that breaks off', broken, 'the upload broke off'],
    ['that breaks off after its last byte', brokenLate, 'the upload broke off'],
  ])('the store never gets the last byte of an upload %s', async (_, body, message) => {
    const taken: string[] = []
    const { options } = await scriptedS3(taking(done, taken))
    const fault = await faultOf(createS3Store(options).put(KEY, body(), upload))
    // The upload failed, not the store.
    expect(fault).not.toBeInstanceOf(StorageFault)
    expect(fault.message).toBe(message)
    // If nothing was sent, there is no request at all.
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(taken.filter(text => text !== 'broken')).toEqual([])
  })
})

describe('time limits of uploads', () => {
  const limits = { answer: 150, stall: 150 }

  test('the time limit of an upload does not count while the client sends nothing', async () => {
    const { options } = await scriptedS3(taking(done))
    const still = new ReadableStream<Uint8Array>({
      start: controller => controller.enqueue(new Uint8Array(5)),
      async pull(controller) {
        await new Promise(resolve => setTimeout(resolve, 500))
        controller.error(new Error('the body took too long'))
      },
    })
    const fault = await faultOf(createS3Store(options, limits).put(KEY, still, upload))
    expect(fault).not.toBeInstanceOf(StorageFault)
    expect(fault.message).toBe('the upload broke off')
  })

  test('an upload ends at the time limit if the store reads nothing', async () => {
    const { options } = await scriptedS3(request => void request.pause())
    const large = new ReadableStream<Uint8Array>({
      pull: controller => controller.enqueue(new Uint8Array(1024 * 1024)),
    })
    const fault = await faultOf(createS3Store(options, limits).put(KEY, large, { ...upload, size: 1e12 }))
    expect(fault).toBeInstanceOf(StorageFault)
    expect(fault.message).toBe('S3 did not answer PutObject within 0.15 s')
  })

  test('an upload ends at the time limit if the store reads all and does not answer', async () => {
    const { options } = await scriptedS3(request => void request.resume())
    for (const [body, size] of [
      [content(), 10],
      [null, 0],
    ] as const) {
      const fault = await faultOf(createS3Store(options, limits).put(KEY, body, { ...upload, size }))
      expect(fault.message).toBe('S3 did not answer PutObject within 0.15 s')
    }
  })

  test('an upload that makes slow progress does not end at the time limit', async () => {
    const { options } = await scriptedS3(taking(done))
    const slow = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise(resolve => setTimeout(resolve, 100))
        controller.enqueue(new Uint8Array(1))
      },
    })
    let sent = 0
    const ten = slow.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          controller.enqueue(chunk)
          if (++sent === 10) controller.terminate()
        },
      }),
    )
    const less = { answer: 500, stall: 500 }
    expect(await createS3Store(options, less).put(KEY, ten, upload)).toMatchObject({ size: 10 })
  })
})

describe('stored objects', () => {
  test('a stored object has the facts that were sent, even if another version replaced it at once', async () => {
    const { options } = await scriptedS3(
      taking((_, response) =>
        response.writeHead(200, { etag: '"e1"', date: 'Wed, 25 Nov 2026 03:00:01 GMT' }).end(),
      ),
      (_, response) => response.writeHead(200, stored(99, { etag: '"e2"' })).end(),
    )
    expect(await createS3Store(options).put(KEY, content(), upload)).toEqual({
      size: 10,
      etag: '"e1"',
      modified: Date.UTC(2026, 10, 25, 3, 0, 1),
      contentType: 'video/mp4',
      ownership,
    })
  })

  test('a stored object has the facts that were sent, even if the store cannot be asked for them', async () => {
    const { options } = await scriptedS3(taking(done), request => request.socket.destroy())
    expect(await createS3Store(options).put(KEY, content(), upload)).toMatchObject({
      size: 10,
      etag: '"e1"',
      ownership,
    })
  })
})

test.each([
  ['a line break', { owner: 'patient-9\r\nx-amz-acl: public-read' }],
  ['a letter that is not ASCII', { tenant: 'Zürich' }],
  ['spaces that would be lost', { owner: ' patient-9' }],
  ['spaces that would become one', { owner: 'patient  9' }],
  ['an encoded word (which R2 decodes)', { owner: '=?UTF-8?Q?patient-1?=' }],
  ['an empty id', { owner: '' }],
])('an owner with %s is not sent to the store', async (_, odd) => {
  const { options, requests } = await scriptedS3(taking(done))
  const fault = await faultOf(createS3Store(options).put(KEY, content(), { ...upload, ownership: odd }))
  expect(fault.message).toBe(
    'owner, issuer and tenant in S3 must be visible ASCII, with single spaces at most',
  )
  expect(requests).toEqual([])
})

describe('claims', () => {
  const list = (keys: string, encoding = '<EncodingType>url</EncodingType>'): RequestListener => {
    const text = `<?xml version="1.0"?><ListBucketResult>${encoding}${keys}</ListBucketResult>`
    return (_, response) => void response.writeHead(200).end(text)
  }
  /** The answer to the GET for the claim itself, before the list: the bucket was not seen yet. */
  const absent: RequestListener = (_, response) => wrong(response, 404, 'NoSuchKey')

  test('a claim lists the objects below a prefix', async () => {
    const { options, requests } = await scriptedS3(absent, list(''), absent, taking(done))
    expect(
      await new Claims(createS3Store(options), 'https://login.clinic.test/').claim('rec-1', ownership, [
        'recordings/rec-1/',
      ]),
    ).toMatchObject({
      owner: 'patient-9',
    })
    const url = requests[1]?.url ?? ''
    expect(url).toBe('/private-bucket?list-type=2&prefix=recordings%2Frec-1%2F&max-keys=2&encoding-type=url')
    expect(requests[3]?.headers['content-length']).toBe('0')
    // There is a request for an object even if the list is empty.
    expect(requests[2]?.method).toBe('HEAD')
  })

  test('a claim ignores the marker of a folder', async () => {
    const { options, requests } = await scriptedS3(
      absent,
      list(
        '<Contents><Key>recordings%2Frec-1%2F</Key></Contents><Contents><Key>recordings%2Frec-1%2Fa.ts</Key></Contents>',
      ),
      taking(done),
    )
    await new Claims(createS3Store(options)).claim('rec-1', ownership, ['recordings/rec-1/'])
    expect(requests[2]?.url).toBe('/private-bucket/recordings/rec-1/a.ts')
  })

  test.each([
    ['if the store encodes it', list('<Key>recordings/rec-1/a%2Bb%40c%3Ad.ts</Key>')],
    ['if the store does not encode it', list('<Key>recordings/rec-1/a+b@c:d.ts</Key>', '')],
  ])('a claim finds the key of a part, %s', async (_, listed) => {
    const { options, requests } = await scriptedS3(absent, listed, taking(done))
    await new Claims(createS3Store(options)).claim('rec-1', ownership, ['recordings/rec-1/'])
    expect(requests[2]?.url).toBe('/private-bucket/recordings/rec-1/a%2Bb%40c%3Ad.ts')
  })

  test.each([
    ['a page that is not a list', (_, response) => void response.end('<html></html>')],
    ['a list that breaks off', (_, response) => void response.end('<ListBucketResult><Contents>')],
    ['a list of other keys', list('<Key>recordings%2Frec-2%2Fa.ts</Key>')],
    ['a list with a bad encoding', list('<Key>recordings/rec-1/%</Key>')],
    ['403', (_, response) => wrong(response, 403, 'AccessDenied')],
    [
      'an endless list',
      (_, response) => void response.end(`<ListBucketResult>${' '.repeat(1e5)}</ListBucketResult>`),
    ],
  ] satisfies [string, RequestListener][])('a claim fails on %s', async (_, listed) => {
    const { options, requests } = await scriptedS3(absent, listed)
    const fault = await faultOf(
      new Claims(createS3Store(options)).claim('rec-1', ownership, ['recordings/rec-1/']),
    )
    expect(fault).toBeInstanceOf(StorageFault)
    expect(requests.filter(({ method }) => method === 'PUT')).toEqual([])
  })

  test.each([
    'recordings%2Frec-1%2F..%2Frec-2',
    'recordings%2Frec-1%2Fa%20b.ts',
    'recordings%2Frec-1%2Fa+b.ts',
  ])('a claim is not stored beside %s, which no request can name and which counts as unowned', async name => {
    const { options, requests } = await scriptedS3(absent, list(`<Key>${name}</Key>`), absent)
    expect(await new Claims(createS3Store(options)).claim('rec-1', ownership, ['recordings/rec-1/'])).toEqual(
      {},
    )
    expect(requests.map(({ method, url }) => `${method} ${url?.split('?')[0]}`)).toEqual([
      'GET /private-bucket/.mediaward/bindings/rec-1',
      'GET /private-bucket',
      'HEAD /private-bucket/recordings/rec-1/.nothing',
    ])
  })
})

describe('check of conditions', () => {
  const refused: RequestListener = (_, response) => wrong(response, 412, 'PreconditionFailed')
  const ignored: RequestListener = (_, response) => response.writeHead(200).end()
  const unable: RequestListener = (_, response) => wrong(response, 501, 'NotImplemented')
  const ignores = /^this S3 store ignores If-None-Match or If-Match/
  const asked = ({ headers }: IncomingMessage) => headers['if-none-match'] ?? headers['if-match']
  const zeros = '"00000000000000000000000000000000"'

  test('conditions are checked once before the first upload, and the check stores nothing', async () => {
    const server = await scriptedS3(taking(done))
    const store = createS3Store(server.options)
    await store.find(KEY)
    expect(server.tries).toEqual([])
    await Promise.all([store.put(KEY, content(), upload), store.put(KEY, content(), upload)])
    await store.put(KEY, content(), upload)
    expect(server.tries.map(asked)).toEqual(['*', zeros])
    expect(server.tries.map(({ headers }) => headers['content-length'])).toEqual(['0', '0'])
  })

  test('conditions are checked twice if the first check stored its object', async () => {
    const server = await scriptedS3(taking(done))
    server.conditions = [ignored, refused]
    await createS3Store(server.options).put(KEY, content(), upload)
    expect(server.tries.map(asked)).toEqual(['*', '*', zeros])
  })

  test('conditions are checked again after a second if the store takes one write a second', async () => {
    const busy: RequestListener = (_, response) => wrong(response, 429, 'TooManyRequests')
    const server = await scriptedS3(taking(done))
    server.conditions = [ignored, busy, refused]
    await createS3Store(server.options).put(KEY, content(), upload)
    expect(server.tries.map(asked)).toEqual(['*', '*', '*', zeros])
    server.conditions = [busy]
    const fault = await faultOf(createS3Store(server.options).put(KEY, content(), upload))
    expect(fault.message).toBe('S3 answered 429 TooManyRequests to PutObject')
  })

  test.each([
    ['it ignores If-None-Match', [ignored, ignored, refused], ignores],
    ['it ignores If-Match', [refused, ignored], ignores],
    ['it supports no conditions', [unable], /^S3 answered 501 NotImplemented to PutObject$/],
  ])('nothing is stored if the store fails the check of conditions: %s', async (_, conditions, message) => {
    const server = await scriptedS3(taking(done))
    server.conditions = conditions
    const store = createS3Store(server.options)
    const fault = await faultOf(store.put(KEY, content(), upload))
    expect(fault).toBeInstanceOf(StorageFault)
    expect(fault.message).toMatch(message)
    expect(server.requests).toEqual([])
    // The next upload checks again.
    server.conditions = [refused]
    expect(await store.put(KEY, content(), upload)).toMatchObject({ size: 10 })
  })
})

test('each upload opens a connection of its own', async () => {
  const { options, requests } = await scriptedS3(taking(done))
  const store = createS3Store(options)
  for (let i = 0; i < 3; i++) await store.put(KEY, content(), upload)
  const puts = requests.filter(({ method }) => method === 'PUT')
  expect(new Set(puts.map(({ socket }) => socket)).size).toBe(3)
})
