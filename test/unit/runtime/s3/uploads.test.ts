import { createHash } from 'node:crypto'
import type { IncomingMessage, RequestListener } from 'node:http'
import { describe, expect, test } from 'vitest'
import { StorageFault } from '../../../../src/base/storage-fault.ts'
import { DigestMismatch } from '../../../../src/recordings/recording-store.ts'
import { UploadUnknown } from '../../../../src/recordings/uploads.ts'
import { createS3Store } from '../../../../src/runtime/s3/store.ts'
import { faultOf, KEY, scriptedS3, stored, wrong } from '../../../support/scripted-s3.ts'

// How the S3 adapter verifies digests and uploads in pieces if the store or an upload fails.

const ownership = { owner: 'patient-9', issuer: 'https://login.clinic.test/' }
const begun = { size: 20, pieceSize: 10, contentType: 'video/mp4', ownership }
const bytes = '0123456789'
const content = (text = bytes): ReadableStream<Uint8Array> => new Blob([text]).stream()
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const TAGS = ['10.t1', '10.t2']
const whole = { tags: TAGS, size: 20, replaces: null }

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}

/** Answers after it has read the whole body, which is added to `taken`. */
function taking(answer: RequestListener, taken: string[] = []): RequestListener {
  return async (request, response) => {
    taken.push(await bodyOf(request).catch(() => 'broken'))
    answer(request, response)
  }
}

const absent: RequestListener = (_, response) => wrong(response, 404, 'NoSuchKey')
const says = (text: string): RequestListener => taking((_, response) => response.writeHead(200).end(text))
const RESULT =
  '<?xml version="1.0"?>\n<CompleteMultipartUploadResult xmlns="x"><ETag>&quot;e1-2&quot;</ETag></CompleteMultipartUploadResult>'

describe('begin', () => {
  const named = (name: string) => says(`<R><UploadId>${name}</UploadId></R>`)

  test('beginning an upload sends the metadata of the object, and no condition', async () => {
    const { options, requests, tries } = await scriptedS3(named('a/b+c=='))
    expect(await createS3Store(options).uploads.begin(KEY, begun)).toBe('a/b+c==')
    expect([requests[0]?.method, requests[0]?.url]).toEqual(['POST', `/private-bucket/${KEY}?uploads=`])
    expect(requests[0]?.headers).toMatchObject({
      'content-length': '0',
      'content-type': 'video/mp4',
      'x-amz-meta-mw-owner': 'patient-9',
      'x-amz-meta-mw-issuer': 'https://login.clinic.test/',
    })
    expect(requests[0]?.headers).not.toHaveProperty('if-none-match')
    // The check of conditions comes before the first byte.
    expect(tries).toHaveLength(2)
  })

  test.each(['', 'a b', 'a&amp;b', 'ä', 'a'.repeat(1025)])(
    'beginning an upload is a fault if its id is %j',
    async name => {
      const { options } = await scriptedS3(named(name))
      const fault = await faultOf(createS3Store(options).uploads.begin(KEY, begun))
      expect(fault.message).toBe('S3 answered CreateMultipartUpload without the id of an upload')
    },
  )

  test('beginning an upload is a fault if the store refuses it', async () => {
    const { options } = await scriptedS3(taking((_, response) => wrong(response, 403, 'AccessDenied')))
    const fault = await faultOf(createS3Store(options).uploads.begin(KEY, begun))
    expect(fault.message).toMatch(/^S3 answered 403 AccessDenied to CreateMultipartUpload: give its key/)
  })

  test('beginning an upload does not send an owner that no header can carry', async () => {
    const { options, requests } = await scriptedS3(named('u'))
    const odd = { ...begun, ownership: { owner: 'patient-9\r\nx-amz-acl: public-read' } }
    await faultOf(createS3Store(options).uploads.begin(KEY, odd))
    expect(requests).toEqual([])
  })
})

describe('putPiece', () => {
  const tagged = (tag: string | undefined, taken: string[] = []) =>
    taking((_, response) => response.writeHead(200, tag === undefined ? {} : { etag: tag }).end(), taken)
  const piece = { number: 2, size: 10 }

  test('a piece is sent once, with an upload id that cannot change the request', async () => {
    const taken: string[] = []
    const { options, requests } = await scriptedS3(tagged('"abc"', taken))
    const name = 'u&partNumber=1#x?y=/../z'
    expect(await createS3Store(options).uploads.putPiece(KEY, name, content(), piece)).toBe('10.abc')
    expect(requests.map(({ url }) => url)).toEqual([
      `/private-bucket/${KEY}?partNumber=2&uploadId=u%26partNumber%3D1%23x%3Fy%3D%2F..%2Fz`,
    ])
    expect(requests[0]?.headers['content-length']).toBe('10')
    expect(taken).toEqual([bytes])
  })

  test.each([undefined, '', 'W/"abc"', '"<Part>"', `"${'a'.repeat(513)}"`])(
    'a piece is a fault if its tag is %j',
    async tag => {
      const { options } = await scriptedS3(tagged(tag))
      const fault = await faultOf(createS3Store(options).uploads.putPiece(KEY, 'u', content(), piece))
      expect(fault.message).toBe('S3 answered UploadPart without a plain entity tag')
    },
  )

  test('a piece is rejected with UploadUnknown only if the store does not know the upload', async () => {
    for (const [status, code, kind] of [
      [404, 'NoSuchUpload', UploadUnknown],
      [404, 'NoSuchBucket', StorageFault],
      [500, 'InternalError', StorageFault],
      [503, 'SlowDown', StorageFault],
    ] as const) {
      const { options, requests } = await scriptedS3(taking((_, response) => wrong(response, status, code)))
      expect(
        await faultOf(createS3Store(options).uploads.putPiece(KEY, 'u', content(), piece)),
      ).toBeInstanceOf(kind)
      expect(requests).toHaveLength(1)
    }
  })
})

describe('digests', () => {
  const right = sha256(bytes)
  const cut = (text: string) =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (const letter of text) controller.enqueue(new TextEncoder().encode(letter))
        controller.close()
      },
    })
  /** Ends late enough for the store to have all bytes, if they were sent. */
  const late = (text: string) => {
    let pulls = 0
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          if (pulls++ === 0) return controller.enqueue(new TextEncoder().encode(text))
          await new Promise(resolve => setTimeout(resolve, 100))
          controller.close()
        },
      },
      { highWaterMark: 0 },
    )
  }
  const put = { size: 10, contentType: 'video/mp4', ownership, replaces: null }

  test.each([
    [
      'a piece',
      (body: ReadableStream<Uint8Array>, store: ReturnType<typeof createS3Store>) =>
        store.uploads.putPiece(KEY, 'u', body, { number: 1, size: 10, sha256: right }),
    ],
    [
      'an object',
      (body: ReadableStream<Uint8Array>, store: ReturnType<typeof createS3Store>) =>
        store.put(KEY, body, { ...put, sha256: right }),
    ],
  ])('the store never gets the last byte of %s with another digest', async (_, send) => {
    const taken: string[] = []
    const { options } = await scriptedS3(
      taking((request, response) => {
        response.writeHead(200, request.method === 'PUT' ? { etag: '"e1"' } : stored(10)).end()
      }, taken),
    )
    for (const other of ['0123456788', '1123456789']) {
      for (const body of [content(other), cut(other), late(other)]) {
        expect(await faultOf(send(body, createS3Store(options)))).toBeInstanceOf(DigestMismatch)
      }
    }
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(taken.filter(text => text !== 'broken')).toEqual([])
    await send(cut(bytes), createS3Store(options))
    expect(taken).toContain(bytes)
  })

  test('no request is sent for an empty object with another digest', async () => {
    const { options, requests } = await scriptedS3(absent)
    const none = createS3Store(options).put(KEY, null, { ...put, size: 0, sha256: right })
    expect(await faultOf(none)).toBeInstanceOf(DigestMismatch)
    expect(requests).toEqual([])
  })
})

describe('complete', () => {
  test('a completion names every piece, under the given condition', async () => {
    const taken: string[] = []
    const done: RequestListener = (_, response) => response.writeHead(200).end(RESULT)
    const { options, requests } = await scriptedS3(absent, taking(done, taken))
    expect(await createS3Store(options).uploads.complete(KEY, 'u', whole)).toEqual({
      size: 20,
      etag: '"e1-2"',
    })
    expect(requests[1]?.url).toBe(`/private-bucket/${KEY}?uploadId=u`)
    expect(requests[1]?.headers).toMatchObject({ 'if-none-match': '*' })
    expect(taken).toEqual([
      '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Part><PartNumber>1</PartNumber><ETag>"t1"</ETag></Part><Part><PartNumber>2</PartNumber><ETag>"t2"</ETag></Part></CompleteMultipartUpload>',
    ])
  })

  test('a completion sends the version that it replaces as a condition', async () => {
    const present: RequestListener = (_, response) => response.writeHead(200, stored(5)).end()
    const { options, requests } = await scriptedS3(present, says(RESULT))
    await createS3Store(options).uploads.complete(KEY, 'u', { ...whole, replaces: '"e1"' })
    expect(requests[1]?.headers).toMatchObject({ 'if-match': '"e1"' })
    expect(requests[1]?.headers).not.toHaveProperty('if-none-match')
  })

  test('a completion changes nothing if the object was replaced, even if the store ignores conditions', async () => {
    const present: RequestListener = (_, response) => response.writeHead(200, stored(5)).end()
    const { options, requests } = await scriptedS3(present)
    expect(await createS3Store(options).uploads.complete(KEY, 'u', whole)).toBeNull()
    expect(await createS3Store(options).uploads.complete(KEY, 'u', { ...whole, replaces: '"e0"' })).toBeNull()
    expect(requests.map(({ method }) => method)).toEqual(['GET', 'GET'])
  })

  test.each([
    [412, 'PreconditionFailed'],
    [409, 'ConditionalRequestConflict'],
    [200, 'PreconditionFailed'],
    [200, 'ConditionalRequestConflict'],
  ])('a completion resolves to null if another request was faster: %i %s', async (status, code) => {
    const late = taking((_, response) => wrong(response, status, code))
    const { options } = await scriptedS3(absent, late)
    expect(await createS3Store(options).uploads.complete(KEY, 'u', whole)).toBeNull()
  })

  test.each([
    [404, 'NoSuchUpload'],
    [400, 'InvalidPart'],
    [400, 'InvalidPartOrder'],
    [400, 'EntityTooSmall'],
    [200, 'NoSuchUpload'],
    [200, 'InvalidPart'],
  ])(
    'a completion rejects with UploadUnknown if the upload or a piece is unknown: %i %s',
    async (status, code) => {
      const unknown = taking((_, response) => wrong(response, status, code))
      const { options } = await scriptedS3(absent, unknown)
      expect(await faultOf(createS3Store(options).uploads.complete(KEY, 'u', whole))).toBeInstanceOf(
        UploadUnknown,
      )
    },
  )

  test.each<[string, RequestListener, string]>([
    [
      'an error after 200',
      taking((_, response) => wrong(response, 200, 'InternalError')),
      'S3 answered 200 InternalError to CompleteMultipartUpload',
    ],
    [
      '500',
      taking((_, response) => wrong(response, 500, 'InternalError')),
      'S3 answered 500 InternalError to CompleteMultipartUpload',
    ],
    ['nothing after 200', says(''), 'S3 answered 200 to CompleteMultipartUpload'],
    ['something else after 200', says('<html></html>'), 'S3 answered 200 to CompleteMultipartUpload'],
    ['half an answer', says(RESULT.slice(0, -5)), 'S3 answered 200 to CompleteMultipartUpload'],
    [
      'an answer that never ends',
      says(' '.repeat(70_000) + RESULT),
      'S3 answered 200 to CompleteMultipartUpload',
    ],
    [
      'an answer without a tag',
      says('<CompleteMultipartUploadResult></CompleteMultipartUploadResult>'),
      'S3 answered CompleteMultipartUpload without an entity tag',
    ],
    [
      'an answer that breaks off',
      taking((_, response) => {
        response.writeHead(200, { 'content-length': '500' }).write(RESULT.slice(0, 60))
        setTimeout(() => response.destroy(), 20)
      }),
      'S3 could not be reached for CompleteMultipartUpload',
    ],
  ])('a completion that is answered with %s is a fault', async (_, answer, message) => {
    const { options, requests } = await scriptedS3(absent, answer)
    const fault = await faultOf(createS3Store(options).uploads.complete(KEY, 'u', whole))
    expect(fault).toBeInstanceOf(StorageFault)
    expect(fault.message).toBe(message)
    // Nor is it repeated, since its effect is unknown.
    expect(requests.filter(({ method }) => method === 'POST')).toHaveLength(1)
  })

  test('a completion waits for a slow store that sends spaces in the meantime', async () => {
    const slow = taking((_, response) => {
      response.writeHead(200).write('<?xml version="1.0"?>\n')
      let spaces = 0
      const timer = setInterval(() => {
        if (spaces++ < 6) return void response.write(' ')
        clearInterval(timer)
        response.end(RESULT.slice(RESULT.indexOf('\n')))
      }, 50)
    })
    const { options } = await scriptedS3(absent, slow)
    const limits = { answer: 1000, stall: 150 }
    expect(await createS3Store(options, limits).uploads.complete(KEY, 'u', whole)).toMatchObject({
      etag: '"e1-2"',
    })
  })

  test.each([
    ['a tag without a size', ['10', '10.t2']],
    ['a tag with XML', ['10.t1', '10."/><Part>']],
    ['a tag with a space', ['10.t1', '10. t2']],
    ['a tag of another size', ['10.t1', '11.t2']],
    ['too few tags', ['10.t1']],
  ])('a completion with %s sends no request', async (_, tags) => {
    const { options, requests } = await scriptedS3(absent)
    const none = createS3Store(options).uploads.complete(KEY, 'u', { ...whole, tags })
    expect(await faultOf(none)).toBeInstanceOf(UploadUnknown)
    expect(requests).toEqual([])
  })
})

describe('abandon', () => {
  test.each([
    [204, undefined],
    [200, undefined],
    [404, 'NoSuchUpload'],
  ])('abandoning an upload succeeds if the store answers %i %s', async (status, code) => {
    const answer = taking((_, response) =>
      code === undefined ? response.writeHead(status).end() : wrong(response, status, code),
    )
    const { options, requests } = await scriptedS3(answer)
    await createS3Store(options).uploads.abandon(KEY, 'u v')
    expect([requests[0]?.method, requests[0]?.url]).toEqual([
      'DELETE',
      `/private-bucket/${KEY}?uploadId=u%20v`,
    ])
  })

  test.each([
    [500, 'InternalError'],
    [403, 'AccessDenied'],
    [404, 'NoSuchBucket'],
  ])('abandoning an upload is a fault if the store answers %i %s', async (status, code) => {
    const { options } = await scriptedS3(taking((_, response) => wrong(response, status, code)))
    const fault = await faultOf(createS3Store(options).uploads.abandon(KEY, 'u'))
    expect(fault).toBeInstanceOf(StorageFault)
    expect(fault.message).toContain(`S3 answered ${status} ${code} to AbortMultipartUpload`)
  })
})
