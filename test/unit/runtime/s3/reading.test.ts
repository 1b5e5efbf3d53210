import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { describe, expect, test } from 'vitest'
import { StorageFault } from '../../../../src/base/storage-fault.ts'
import { Claims, stampsAt } from '../../../../src/recordings/claims.ts'
import type { OpenedPart } from '../../../../src/recordings/recording-store.ts'
import { createS3Store } from '../../../../src/runtime/s3/store.ts'
import { faultOf, KEY, scriptedS3, stored, withheldBy, wrong } from '../../../support/scripted-s3.ts'

// How the S3 adapter reads from a store that fails, or gives wrong answers.

const noSuchKey: RequestListener = (_, response) => wrong(response, 404, 'NoSuchKey')
const noSuchBucket: RequestListener = (_, response) => wrong(response, 404, 'NoSuchBucket')
const hangUp: RequestListener = request => request.socket.destroy()

/** Answers with these headers and this body, even if the two don't fit. */
function answer(status: number, headers: Record<string, string>, body = ''): RequestListener {
  return (request, response) => {
    response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : body)
  }
}
const whole = answer(200, stored(10), '0123456789')

async function read(part: OpenedPart | null): Promise<string> {
  if (part === null) throw new Error('there is no body')
  return new Response(part.body).text()
}

describe('requests', () => {
  test('a range is opened with one request, whose body is that of the part', async () => {
    const part = answer(206, stored(4, { 'content-range': 'bytes 2-5/10' }), '2345')
    const { options, requests } = await scriptedS3(part)
    const opened = await createS3Store(options).open(KEY, { offset: 2, length: 4 })
    expect(await read(opened)).toBe('2345')
    expect(opened).toMatchObject({ size: 10, etag: '"e1"', range: { offset: 2, length: 4 } })
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([`GET /private-bucket/${KEY}`])
    const headers = requests[0]?.headers
    expect(headers?.range).toBe('bytes=2-5')
    // With a range, Node repeats the header.
    expect(headers?.['accept-encoding']).toMatch(/^identity(, identity)?$/)
    // Proxies rewrite Accept-Encoding, so it must not be signed.
    expect(headers?.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIAPRIVATE\/\d{8}\/auto\/s3\/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, /,
    )
  })

  test('the disposition that an object was stored with is returned unchanged', async () => {
    const disposition = 'attachment; filename="../visit.mp4"'
    const { options } = await scriptedS3(
      answer(200, stored(10, { 'content-disposition': disposition })),
      whole,
    )
    const store = createS3Store(options)
    expect(await store.find(KEY)).toMatchObject({ disposition })
    expect(await store.find(KEY)).not.toHaveProperty('disposition')
  })

  test.each([
    [{ offset: 0, length: 1 }, 'bytes=0-0'],
    [{ offset: 3 }, 'bytes=3-'],
    [{ suffix: 7 }, 'bytes=-7'],
    [{ offset: Number.MAX_SAFE_INTEGER - 1, length: 1 }, 'bytes=9007199254740990-9007199254740990'],
  ])('the range %o is requested with a Range header', async (range, header) => {
    const { options, requests } = await scriptedS3(noSuchKey)
    expect(await createS3Store(options).open(KEY, range)).toBeNull()
    expect(requests.map(({ headers }) => headers.range)).toEqual([header])
  })

  test('no request is sent for a key that a URL could change', async () => {
    const { options, requests } = await scriptedS3(whole)
    const store = createS3Store(options)
    const keys = [
      '',
      '/',
      'a/',
      '/a',
      'a//b',
      '.',
      '..',
      'a/./b',
      'a/../b',
      '../b',
      'a\\b',
      'a?b',
      'a#b',
      'a%2fb',
    ]
    for (const key of [...keys, 'a b', 'a\nb', 'a\0b', 'ä', 'a;b', 'a,b', `a/${'b'.repeat(1024)}`]) {
      const upload = { size: 1, contentType: 'video/mp4', ownership: {}, replaces: null }
      for (const asked of [store.find(key), store.open(key), store.put(key, null, upload)]) {
        expect((await faultOf(asked)).message).toBe(
          'a key in S3 may hold letters, digits and "._~=+:@/-", and no empty and no dot segments',
        )
      }
    }
    expect(requests).toEqual([])
    for (const key of ['.mediaward/bindings/a', 'a/.b', 'a/...', 'a.b', '~a/_-', 'a+b', 'a=b:c@d']) {
      expect(await store.find(key)).toMatchObject({ size: 10 })
    }
    // A plain "+" would be signed as a space.
    expect(requests.at(-2)?.url).toMatch(/\/a%2Bb$/)
    expect(requests.at(-1)?.url).toMatch(/\/a%3Db%3Ac%40d$/)
  })
})

describe('absent objects', () => {
  test('an absent object is null, also for HEAD, whose answer has no body', async () => {
    const { options, requests } = await scriptedS3(noSuchKey)
    const store = createS3Store(options)
    expect(await store.find(KEY)).toBeNull()
    expect(await store.open(KEY)).toBeNull()
    // The bucket was seen by then.
    expect(await store.find(KEY)).toBeNull()
    expect(requests.map(({ method }) => method)).toEqual(['GET', 'GET', 'HEAD'])
  })

  test('an absent bucket is a fault, not an absent object', async () => {
    const { options } = await scriptedS3(noSuchBucket)
    const store = createS3Store(options)
    expect((await faultOf(store.open(KEY))).message).toBe(
      'S3 answered 404 NoSuchBucket to GetObject: look at S3_BUCKET and S3_ENDPOINT',
    )
    expect((await faultOf(store.find(KEY))).message).toContain('404 NoSuchBucket')
    expect((await faultOf(new Claims(store).claim('rec-1', {}, []))).message).toContain('404 NoSuchBucket')
  })

  test('a bucket that was deleted in the meantime is a fault, not an absent object', async () => {
    const { options } = await scriptedS3(whole, noSuchBucket)
    const store = createS3Store(options)
    expect(await store.find(KEY)).toMatchObject({ size: 10 })
    await faultOf(store.open(KEY))
    await faultOf(store.find(KEY))
  })

  test('a 404 of another server is a fault, not an absent object', async () => {
    const { options } = await scriptedS3(answer(404, {}, '<html>Not found</html>'))
    expect((await faultOf(createS3Store(options).open(KEY))).message).toBe('S3 answered 404 to GetObject')
    expect((await faultOf(createS3Store(options).find(KEY))).message).toBe('S3 answered 404 to GetObject')
  })
})

describe('temporary faults', () => {
  test.each([429, 502, 503, 504])('a request that is answered %i is repeated', async status => {
    const { options, requests } = await scriptedS3((_, r) => wrong(r, status, 'SlowDown'), whole)
    expect(await read(await createS3Store(options).open(KEY))).toBe('0123456789')
    expect(requests).toHaveLength(2)
  })

  test('a GET that is answered 500 is not repeated, since HEAD then gives the owner', async () => {
    const { options, requests } = await scriptedS3((_, r) => wrong(r, 500, 'InternalError'), whole, whole)
    const store = createS3Store(options)
    expect((await faultOf(store.open(KEY))).message).toBe('S3 answered 500 InternalError to GetObject')
    expect(requests).toHaveLength(1)
    expect(await store.find(KEY)).toMatchObject({ size: 10 })
  })

  test.each([
    [400, 'KMS.DisabledException'],
    [403, 'InvalidObjectState'],
    [500, 'InternalError'],
  ])(
    'find sends HEAD for the owner if the first GET of a process is answered %i %s',
    async (status, code) => {
      const { options, requests } = await scriptedS3((_, r) => wrong(r, status, code), whole)
      expect(await createS3Store(options).find(KEY)).toMatchObject({ size: 10 })
      expect(requests.map(({ method }) => method)).toEqual(['GET', 'HEAD'])
    },
  )

  test('a request is repeated if its connection broke', async () => {
    const { options, requests } = await scriptedS3(hangUp, hangUp, whole)
    expect(await createS3Store(options).find(KEY)).toMatchObject({ size: 10 })
    expect(requests).toHaveLength(3)
  })

  test('a request is repeated at most twice', async () => {
    const { options, requests } = await scriptedS3((_, r) => wrong(r, 503, 'SlowDown'))
    expect((await faultOf(createS3Store(options).open(KEY))).message).toBe(
      'S3 answered 503 SlowDown to GetObject',
    )
    expect(requests).toHaveLength(3)
    const broken = await scriptedS3(hangUp)
    const fault = await faultOf(createS3Store(broken.options).open(KEY))
    expect(fault.message).toMatch(/^S3 could not be reached for GetObject( \([A-Z_]+\))?$/)
    expect(broken.requests).toHaveLength(3)
  })

  test('a request does not wait longer if the store sends a long Retry-After', async () => {
    const { options } = await scriptedS3((_, response) => {
      response.setHeader('retry-after', '3600')
      wrong(response, 503, 'SlowDown')
    })
    const start = performance.now()
    await faultOf(createS3Store(options).find(KEY))
    expect(performance.now() - start).toBeLessThan(2000)
  })

  test('a store that cannot be reached is reported', async () => {
    const { options, stop } = await scriptedS3(whole)
    await stop()
    const fault = await faultOf(createS3Store(options).open(KEY))
    expect(fault).toBeInstanceOf(StorageFault)
    expect(fault.message).toBe('S3 could not be reached for GetObject (ECONNREFUSED)')
  })
})

describe('refusals of the store', () => {
  test('a request that the store refuses is not repeated, and the message of the store is not quoted', async () => {
    const { options, requests } = await scriptedS3((_, response) => wrong(response, 403, 'AccessDenied'))
    const store = createS3Store(options)
    const message =
      'S3 answered 403 AccessDenied to GetObject: give its key the right to read, write and list this bucket, also below ".mediaward/"'
    expect(await withheldBy(store.open(KEY))).toEqual(new StorageFault(message))
    expect((await faultOf(store.find(KEY))).message).toBe('S3 answered 403 to HeadObject')
    expect(requests).toHaveLength(2)
  })

  test.each([
    ['an access key id', 'AKIAPRIVATE'],
    ['a bucket', 'private-bucket'],
    ['a key', `of ${KEY}`],
    ['a name of JavaScript', 'constructor'],
    ['too long a word', `A${'a'.repeat(64)}`],
    ['a word behind 4 KiB', `${'</Code>'.repeat(1000)}<Code>NoSuchKey`],
    ['an empty string', ''],
  ])('%s in the place of an error code is not quoted', async (_, code) => {
    const { options } = await scriptedS3((_, response) => wrong(response, 404, code))
    expect((await faultOf(createS3Store(options).open(KEY))).message).toBe('S3 answered 404 to GetObject')
  })

  test('the error message of a store is read no further than 4 KiB', async () => {
    const { options } = await scriptedS3((_, response) => {
      response.writeHead(403)
      const talk = (): void => {
        while (response.write('<Error>'.repeat(1000)));
        response.once('drain', talk)
      }
      talk()
    })
    expect(await withheldBy(createS3Store(options).open(KEY))).toEqual(
      new StorageFault('S3 answered 403 to GetObject'),
    )
  })

  test.each([301, 302, 307, 308])('a redirect by %i is not followed', async status => {
    const elsewhere = await scriptedS3(whole)
    const { options, requests } = await scriptedS3(
      answer(status, { location: `${elsewhere.options.endpoint}/private-bucket/${KEY}` }),
    )
    expect((await faultOf(createS3Store(options).open(KEY))).message).toBe(
      `S3 answered ${status} to GetObject`,
    )
    expect((await faultOf(createS3Store(options).find(KEY))).message).toBe(
      `S3 answered ${status} to GetObject`,
    )
    // After a GET without bytes, HEAD is asked for the owner.
    expect(requests.map(({ method }) => method)).toEqual(['GET', 'GET', 'HEAD'])
    expect(elsewhere.requests).toEqual([])
  })
})

describe('time limits', () => {
  test('a request that is not answered ends at the time limit', async () => {
    const { options, requests } = await scriptedS3(() => {})
    const fault = await faultOf(createS3Store(options, { answer: 100, stall: 100 }).open(KEY))
    expect(fault.message).toBe('S3 did not answer GetObject within 0.1 s')
    expect(requests).toHaveLength(1)
  })

  test('a body does not end at the time limit, however long it takes', async () => {
    const { options } = await scriptedS3((_, response) => {
      response.writeHead(200, stored(10)).write('01234')
      setTimeout(() => response.end('56789'), 1200)
    })
    const opened = await createS3Store(options, { answer: 500, stall: 500 }).open(KEY)
    expect(await read(opened)).toBe('0123456789')
  })

  test('an error message that never ends is cut off at the time limit', async () => {
    const { options } = await scriptedS3((_, response) => void response.writeHead(403).write('<Error>'))
    const fault = await withheldBy(createS3Store(options, { answer: 100, stall: 100 }).open(KEY))
    expect(fault).toEqual(new StorageFault('S3 answered 403 to GetObject'))
  })
})

describe('bodies', () => {
  test('a body that breaks off fails for its reader', async () => {
    const { options } = await scriptedS3((_, response) => {
      response.writeHead(200, stored(10)).write('01234', () => response.destroy())
    })
    const opened = await createS3Store(options).open(KEY)
    await faultOf(read(opened))
  })

  test('a body is not read ahead of its reader', async () => {
    let sent = 0
    const { options } = await scriptedS3((_, response) => {
      response.writeHead(200, stored(1e9))
      const more = (): void => {
        while (response.write('x'.repeat(64 * 1024))) sent += 64 * 1024
        response.once('drain', more)
      }
      more()
    })
    const opened = await createS3Store(options).open(KEY)
    await new Promise(resolve => setTimeout(resolve, 300))
    // As much as fits into the sockets.
    expect(sent).toBeLessThan(50e6)
    await opened?.body.cancel()
  })

  test('a body that is not used is cancelled with its connection', async () => {
    const { options, requests } = await scriptedS3((_, response) => {
      response.writeHead(200, stored(1e9, { etag: 'W/"weak"' })).write('x')
    })
    await faultOf(createS3Store(options).open(KEY))
    const [request] = requests
    if (request !== undefined && !request.socket.destroyed) await once(request.socket, 'close')
  })
})

describe('wrong answers', () => {
  const { 'content-length': _, ...lengthless } = stored(0)
  const { etag: _tag, ...tagless } = stored(10)
  const { 'last-modified': _date, ...dateless } = stored(10)
  test.each<[string, number, Record<string, string>, string]>([
    ['has no length', 200, lengthless, 'S3 answered without a Content-Length'],
    ['has a weak tag', 200, stored(10, { etag: 'W/"e1"' }), 'S3 answered without a strong entity tag'],
    ['has a bare tag', 200, stored(10, { etag: 'e1' }), 'S3 answered without a strong entity tag'],
    ['has no tag', 200, tagless, 'S3 answered without a strong entity tag'],
    ['has no date', 200, dateless, 'S3 answered without a Last-Modified'],
    [
      'has a date in another format',
      200,
      stored(10, { 'last-modified': '2026-11-25' }),
      'S3 answered without a Last-Modified',
    ],
  ])(
    'an answer that %s is a fault of the bytes, and find still gives the owner',
    async (_, status, headers, message) => {
      const { options } = await scriptedS3(answer(status, headers, '0123456789'))
      const store = createS3Store(options)
      const fault = new StorageFault(message)
      expect(await withheldBy(store.open(KEY))).toEqual(fault)
      const found = await store.find(KEY)
      expect(found?.ownership).toEqual({ owner: 'patient-9' })
      expect(found).toHaveProperty('fault', fault)
      expect(await stampsAt(store, [KEY])).toEqual([{ owner: 'patient-9' }])
    },
  )

  test.each([
    ['another beginning', 4, 'bytes 3-6/10'],
    ['another end', 4, 'bytes 2-6/10'],
    ['fewer bytes', 3, 'bytes 2-4/10'],
    ['the whole object', 10, 'bytes 0-9/10'],
    ['another length', 5, 'bytes 2-5/10'],
  ])('an answer to a range with %s is a fault', async (_, length, contentRange) => {
    const { options } = await scriptedS3(
      answer(206, stored(length, { 'content-range': contentRange }), '0123456789'.slice(0, length)),
    )
    const opened = createS3Store(options).open(KEY, { offset: 2, length: 4 })
    expect(await withheldBy(opened)).toEqual(
      new StorageFault('S3 answered GetObject with another range than was asked for'),
    )
  })

  test.each(['', 'bytes 2-5/*', 'bytes */10', 'bytes=2-5/10', 'items 2-5/10', 'bytes 2-5/10, bytes 7-8/10'])(
    'an answer with the Content-Range "%s" is a fault',
    async contentRange => {
      const { options } = await scriptedS3(answer(206, stored(4, { 'content-range': contentRange }), '2345'))
      expect(await withheldBy(createS3Store(options).open(KEY, { offset: 2, length: 4 }))).toEqual(
        new StorageFault('S3 answered 206 to GetObject without a Content-Range'),
      )
    },
  )

  test('an answer with a range is a fault if the whole object was asked for', async () => {
    const { options } = await scriptedS3(answer(206, stored(4, { 'content-range': 'bytes 2-5/10' }), '2345'))
    expect(String(await withheldBy(createS3Store(options).open(KEY)))).toContain('another range')
  })

  test('an answer with 204 is a fault', async () => {
    const { options } = await scriptedS3(answer(204, {}))
    await faultOf(createS3Store(options).open(KEY))
  })
})

describe('stores without ranges', () => {
  test('a store without ranges gives the whole object, and the range says so', async () => {
    const { options } = await scriptedS3(whole)
    const opened = await createS3Store(options).open(KEY, { offset: 2, length: 4 })
    expect(opened).toMatchObject({ size: 10, range: { offset: 0, length: 10 } })
    expect(await read(opened)).toBe('0123456789')
  })

  test('a store without ranges gives no body for a range beyond the end', async () => {
    const { options } = await scriptedS3(whole)
    expect(await withheldBy(createS3Store(options).open(KEY, { offset: 10 }))).toBeUndefined()
  })
})

test.each([
  ['416', answer(416, {}, '<Error><Code>InvalidRange</Code></Error>')],
  ['200', answer(200, stored(0))],
  ['206 and a range of nothing', answer(206, stored(0, { 'content-range': 'bytes 0--1/0' }))],
  ['206 and a byte that does not exist', answer(206, stored(0, { 'content-range': 'bytes 0-0/0' }))],
])('a range of an empty object gives no bytes if the store answers %s', async (_, answered) => {
  const { options, requests } = await scriptedS3(answered)
  for (const range of [{ offset: 0 }, { suffix: 1 }])
    await withheldBy(createS3Store(options).open(KEY, range))
  expect(requests).toHaveLength(2)
})

test('an object has no owner if the store left out some of its metadata', async () => {
  const { options } = await scriptedS3(answer(200, stored(10, { 'x-amz-missing-meta': '1' }), '0123456789'))
  expect(await createS3Store(options).find(KEY)).toMatchObject({ ownership: {} })
})

test('an archived object has its facts, but no bytes', async () => {
  const { options, requests } = await scriptedS3((request, response) => {
    if (request.method === 'GET') wrong(response, 403, 'InvalidObjectState')
    else whole(request, response)
  })
  const store = createS3Store(options)
  expect(await withheldBy(store.open(KEY))).toBeInstanceOf(StorageFault)
  expect(await store.find(KEY)).toMatchObject({ size: 10, ownership: { owner: 'patient-9' } })
  expect(requests.map(({ method }) => method)).toEqual(['GET', 'HEAD'])
})
