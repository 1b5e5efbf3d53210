import { describe, expect, test } from 'vitest'
import { fetchJson } from '../../../../src/authenticate/keys/fetch-keys.ts'
import { VERSION } from '../../../../src/ledger/event.ts'

const URI = 'https://login.clinic.test/jwks?secret=SECRET'
const signal = new AbortController().signal

const fetched = (answer: Response | (() => Promise<Response>), maxBytes = 1000) =>
  fetchJson(URI, { maxBytes, fetch: async () => (typeof answer === 'function' ? answer() : answer) }, signal)

test('a document is asked for as JSON, by a client with a name, without following a redirect', async () => {
  const asked: [unknown, RequestInit | undefined][] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    asked.push([input, init])
    return Response.json({ a: 1 })
  }
  expect(await fetchJson(URI, { maxBytes: 1000, fetch }, signal)).toEqual({ a: 1 })
  expect(asked).toEqual([
    [
      URI,
      {
        headers: {
          Accept: 'application/json, application/jwk-set+json, */*;q=0.1',
          'User-Agent': `mediaward/${VERSION}`,
        },
        redirect: 'manual',
        signal,
      },
    ],
  ])
})

describe('response size', () => {
  const body = JSON.stringify({ keys: [] })

  test('a response one byte over the limit is refused', async () => {
    expect(await fetched(new Response(body), body.length)).toEqual({ keys: [] })
    await expect(fetched(new Response(body), body.length - 1)).rejects.toThrow(
      `answered with over ${body.length - 1} bytes`,
    )
  })

  test('the size of a response is counted in bytes, not in characters', async () => {
    const wide = JSON.stringify({ note: 'é'.repeat(20) })
    await expect(fetched(new Response(wide), wide.length)).rejects.toThrow('bytes')
  })

  test('a response that is too long is cancelled while it arrives', async () => {
    let pulled = 0
    let cancelled = false
    const long = new ReadableStream({
      pull(controller) {
        // It does end, so that a reader without a limit fails the test and doesn't hang it.
        if (pulled++ === 100) controller.close()
        else controller.enqueue(new TextEncoder().encode(' '.repeat(100)))
      },
      cancel() {
        cancelled = true
      },
    })
    await expect(fetched(new Response(long), 1000)).rejects.toThrow('over 1000 bytes')
    expect(pulled).toBeLessThan(15)
    expect(cancelled).toBe(true)
  })

  test('a character that is split between two chunks of a response is read whole', async () => {
    const bytes = new TextEncoder().encode(JSON.stringify({ kid: 'é' }))
    const split = bytes.indexOf(0xc3) + 1
    const chunks = [bytes.slice(0, split), bytes.slice(split)]
    const stream = new ReadableStream({
      pull(controller) {
        const chunk = chunks.shift()
        if (chunk === undefined) controller.close()
        else controller.enqueue(chunk)
      },
    })
    expect(await fetched(new Response(stream))).toEqual({ kid: 'é' })
  })

  test('a byte order mark in front of a document is left out', async () => {
    expect(await fetched(new Response('\ufeff{"a":1}'))).toEqual({ a: 1 })
  })
})

describe('response status', () => {
  const cancellable = (status: number, headers = {}) => {
    const state = { cancelled: false }
    const body = new ReadableStream({
      start: controller => controller.enqueue(new TextEncoder().encode('{}')),
      cancel: () => {
        state.cancelled = true
      },
    })
    return { state, response: new Response(body, { status, headers }) }
  }

  test.each([
    [201, true],
    [302, true],
    [400, true],
    [403, true],
    [404, true],
    [429, false],
    [500, false],
    [503, false],
  ])(
    'a response with the status %i is refused and cancelled, whatever it contains; it means that the document is absent: %s',
    async (status, isAbsent) => {
      const { state, response } = cancellable(status)
      await expect(fetched(response)).rejects.toMatchObject({
        name: 'KeyFault',
        message: `https://login.clinic.test/jwks answered with status ${status}`,
        isAbsent,
      })
      expect(state.cancelled).toBe(true)
    },
  )

  test.each([
    ['/elsewhere?secret=SECRET', 'https://login.clinic.test/elsewhere'],
    ['https://u:SECRET@other.test:8443/a/b?c#d', 'https://other.test:8443/a/b'],
    [`https://other.test/${'a'.repeat(300)}`, `https://other.test/${'a'.repeat(181)}…`],
    ['https://other.test/a\u0085b', 'https://other.test/a%C2%85b'],
    ['https://[', 'something else than a URL'],
  ])('a redirect to %j is not followed, and the operator reads where it leads', async (location, shown) => {
    const { response } = cancellable(302, { Location: location })
    await expect(fetched(response)).rejects.toMatchObject({
      message: `https://login.clinic.test/jwks answered with status 302, a redirect to ${shown}: redirects are not followed`,
    })
  })

  test('a response without a body is refused', async () => {
    await expect(fetched(new Response(null, { status: 204 }))).rejects.toThrow('status 204')
    await expect(fetched(new Response(null))).rejects.toThrow('answered with an empty body')
  })
})

test.each([
  ['-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----', 'PEM, not JSON'],
  ['eyJhbGciOiJFUzI1NiJ9.eyJrZXlzIjpbXX0.c2ln\n', 'a signed key set'],
  ['\n<!DOCTYPE html><title>Log in</title>', 'HTML or XML'],
  ['<?xml version="1.0"?>', 'HTML or XML'],
  ['{"keys":[', 'something else than JSON'],
  ['SECRET', 'something else than JSON'],
])('a response that is not JSON is named by its kind: %j', async (body, kind) => {
  const error = (await fetched(new Response(body)).catch(error => error)) as Error
  expect(error).toMatchObject({ name: 'KeyFault', isAbsent: true })
  expect(error.message).toContain(`https://login.clinic.test/jwks answered with ${kind}`)
  expect(error.message).not.toContain('SECRET')
})

test('a fetch that fails, before or within its body, is reported with its cause and without the query', async () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  await expect(fetched(() => Promise.reject(new TypeError('fetch failed', { cause })))).rejects.toMatchObject(
    {
      message: "https://login.clinic.test/jwks can't be fetched (ECONNREFUSED)",
      isAbsent: false,
    },
  )
  const broken = new ReadableStream({
    pull: controller => controller.error(Object.assign(new Error('cut'), { code: 'ECONNRESET' })),
  })
  await expect(fetched(new Response(broken))).rejects.toThrow("can't be fetched (ECONNRESET)")
})
