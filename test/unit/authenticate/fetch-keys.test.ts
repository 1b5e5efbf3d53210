import { describe, expect, test } from 'vitest'
import { fetchKeys } from '../../../src/authenticate/fetch-keys.ts'

const URI = 'https://login.clinic.test/jwks'
const KEY = { kty: 'EC', kid: 'a' }

const fetched = (answer: Response | (() => Promise<Response>), maxBytes = 1000) =>
  fetchKeys(URI, {
    timeout: 1000,
    maxBytes,
    fetch: async () => (typeof answer === 'function' ? answer() : answer),
  })

test('keys are asked for as JSON, without following a redirect, and until a timeout', async () => {
  const asked: [unknown, RequestInit | undefined][] = []
  await fetchKeys(URI, {
    timeout: 20,
    maxBytes: 1000,
    fetch: async (input, init) => {
      asked.push([input, init])
      return Response.json({ keys: [KEY] })
    },
  })
  const [input, init] = asked[0] ?? []
  expect([asked.length, input, init?.redirect]).toEqual([1, URI, 'manual'])
  expect(init?.headers).toEqual({ Accept: 'application/jwk-set+json, application/json' })
  expect(init?.signal?.aborted).toBe(false)
  await new Promise(resolve => setTimeout(resolve, 50))
  expect(init?.signal?.aborted).toBe(true)
})

describe('response size', () => {
  const body = JSON.stringify({ keys: [KEY] })

  test('a response one byte over the limit is refused, even if the keys in it are good', async () => {
    expect(await fetched(new Response(body), body.length)).toEqual({ keys: [KEY] })
    await expect(fetched(new Response(body), body.length - 1)).rejects.toThrow(
      `over ${body.length - 1} bytes`,
    )
  })

  test('the size of a response is counted in bytes, not in characters', async () => {
    const wide = JSON.stringify({ keys: [{ ...KEY, note: 'é'.repeat(20) }] })
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
    const bytes = new TextEncoder().encode(JSON.stringify({ keys: [{ ...KEY, kid: 'é' }] }))
    const split = bytes.indexOf(0xc3) + 1
    const chunks = [bytes.slice(0, split), bytes.slice(split)]
    const stream = new ReadableStream({
      pull(controller) {
        const chunk = chunks.shift()
        if (chunk === undefined) controller.close()
        else controller.enqueue(chunk)
      },
    })
    expect(await fetched(new Response(stream))).toEqual({ keys: [{ ...KEY, kid: 'é' }] })
  })
})

describe('response status', () => {
  test.each([201, 302, 404, 500])(
    'a response with the status %i is refused and cancelled, whatever it contains',
    async status => {
      let cancelled = false
      const body = new ReadableStream({
        start: controller => controller.enqueue(new TextEncoder().encode(JSON.stringify({ keys: [KEY] }))),
        cancel: () => {
          cancelled = true
        },
      })
      await expect(fetched(new Response(body, { status }))).rejects.toThrow(`status ${status}`)
      expect(cancelled).toBe(true)
    },
  )

  test('a response without a body is refused', async () => {
    await expect(fetched(new Response(null, { status: 204 }))).rejects.toThrow('status 204')
    await expect(fetched(new Response(null))).rejects.toThrow(SyntaxError)
  })
})

describe('key sets', () => {
  test.each([[{ kty: 'RSA' }], [{ kty: 'EC', kid: 'a', use: 'sig' }], [{ kty: 'OKP', kid: '' }]])(
    'a key of %j is kept',
    async key => {
      expect(await fetched(Response.json({ keys: [key] }))).toEqual({ keys: [key] })
    },
  )

  test.each([
    [{}],
    [null],
    ['a'],
    [1],
    [{ kty: 'oct', k: 'AA' }],
    [{ kty: 'AKP' }],
    [{ kty: ['EC'] }],
    [{ kty: 'EC', kid: 1 }],
    [{ kty: 'EC', kid: null }],
    [{ kty: 'EC', use: 'enc' }],
    [{ kty: 'EC', use: null }],
  ])('a member of %j is ignored, and a set that has no other is refused', async key => {
    expect(await fetched(Response.json({ keys: [key, KEY] }))).toEqual({ keys: [KEY] })
    await expect(fetched(Response.json({ keys: [key] }))).rejects.toThrow('no JWK set')
  })

  test.each(['null', '1', '[]', '{}', '{"keys":{}}', '{"keys":null}', '{"keys":"EC"}', '"keys"'])(
    'a response of %s is refused, as it is not a key set',
    async json => {
      await expect(fetched(new Response(json))).rejects.toThrow('no JWK set')
    },
  )
})
