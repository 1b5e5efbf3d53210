import { describe, expect, test } from 'vitest'
import { introspect } from '../../../../src/authenticate/introspection/introspect.ts'
import type { Introspection } from '../../../../src/authenticate/introspection/introspection.ts'
import { Secret } from '../../../../src/base/secret.ts'
import { VERSION } from '../../../../src/ledger/event.ts'

const URL = 'https://idp.test/introspect?tenant=1'
const CLIENT: Introspection = { url: URL, client_id: 'gate', client_secret: 'SECRET' }

/** Sends one call to an endpoint that gives this answer. Returns what it was sent, and what came of it. */
async function call(
  answer: (signal: AbortSignal) => Response | Promise<Response>,
  { introspection = CLIENT, timeout = 1_000 }: { introspection?: Introspection; timeout?: number } = {},
) {
  const sent: { url: string; request: Request; init: RequestInit }[] = []
  const outcome = await introspect('a-token', introspection, {
    timeout,
    maxBytes: 1024,
    fetch: async (url, init = {}) => {
      sent.push({ url: String(url), request: new Request(String(url), init), init })
      return answer(init.signal as AbortSignal)
    },
  }).catch((error: unknown) => error as Error)
  const [{ request, init, url } = { url: '', request: new Request(URL), init: {} }, ...others] = sent
  expect(others).toEqual([])
  return { url, headers: request.headers, body: new URLSearchParams(await request.text()), init, outcome }
}
const active = () => Response.json({ active: true, sub: 'patient-1' })
const messageOf = async (...asked: Parameters<typeof call>): Promise<string> =>
  ((await call(...asked)).outcome as Error).message

describe('a call', () => {
  test('is a form that holds the token, and asks for JSON', async () => {
    const { url, headers, body, init, outcome } = await call(active)
    expect(outcome).toEqual({ active: true, sub: 'patient-1' })
    expect(url).toBe(URL)
    expect(init.method).toBe('POST')
    expect(init.redirect).toBe('manual')
    expect(Object.fromEntries(body)).toEqual({ token: 'a-token', token_type_hint: 'access_token' })
    expect(headers.get('content-type')).toBe('application/x-www-form-urlencoded')
    expect(headers.get('accept')).toBe('application/json')
    expect(headers.get('user-agent')).toBe(`mediaward/${VERSION}`)
  })

  test.each([
    ['gate', 'SECRET', 'gate:SECRET'],
    // RFC 6749 appendix B.
    ['a client', ' %&+£€', 'a+client:+%25%26%2B%C2%A3%E2%82%AC'],
    ['https://gate.test:1', ':/=', 'https%3A%2F%2Fgate.test%3A1:%3A%2F%3D'],
    ['*-._', '~', '*-._:%7E'],
  ])('of client %s with secret %s has both in Authorization, form-encoded', async (id, secret, basic) => {
    for (const client_secret of [secret, new Secret(secret)]) {
      const { headers, body } = await call(active, {
        introspection: { ...CLIENT, client_id: id, client_secret, method: 'client_secret_basic' },
      })
      expect(atob((headers.get('authorization') ?? '').replace('Basic ', ''))).toBe(basic)
      expect(body.has('client_secret')).toBe(false)
    }
  })

  test('with client_secret_post has both in the body alone', async () => {
    const { headers, body } = await call(active, {
      introspection: { ...CLIENT, client_secret: 'a&b', method: 'client_secret_post' },
    })
    expect(headers.has('authorization')).toBe(false)
    expect(body.get('client_id')).toBe('gate')
    expect(body.get('client_secret')).toBe('a&b')
  })
})

test('only the boolean true is active, and the boolean false is the only other answer', async () => {
  expect((await call(() => Response.json({ active: false, sub: 'x' }))).outcome).toBeUndefined()
  for (const answer of [{}, { active: 'true' }, { active: 1 }, { active: null }, { Active: true }]) {
    expect(await messageOf(() => Response.json(answer))).toContain('"active" is neither true nor false')
  }
  for (const answer of [
    '',
    'active',
    '[]',
    '[{"active":true}]',
    'null',
    '"active"',
    'eyJ0.eyJh.c2ln',
    '<html>',
  ]) {
    expect(await messageOf(() => new Response(answer))).toContain('not a JSON object')
  }
  expect(await messageOf(() => new Response('\ufeff{"active":true}'))).toContain('not a JSON object')
})

describe('a failure', () => {
  test.each([
    [400, 'invalid_request', 'status 400 invalid_request'],
    [403, undefined, 'status 403'],
    [404, 'SECRET: not found', 'status 404'],
    [500, 'server_error', 'status 500 server_error'],
    [204, undefined, 'status 204'],
    [302, undefined, 'status 302, a redirect to https://evil.test/elsewhere: redirects are not followed'],
  ])('with status %i says so', async (status, error, message) => {
    const answer = () =>
      new Response(status === 204 ? null : JSON.stringify({ active: true, error }), {
        status,
        headers: { ...(status === 302 && { location: 'https://evil.test/elsewhere?code=SECRET' }) },
      })
    expect(await messageOf(answer)).toBe(message)
  })

  test('of the gate’s own authentication says what to check, without the secret', async () => {
    for (const [status, error] of [
      [401, undefined],
      [401, 'invalid_client'],
      [400, 'invalid_client'],
    ] as const) {
      const message = await messageOf(() => Response.json({ error, error_description: 'SECRET' }, { status }))
      expect(message).toContain(
        `it doesn't accept the gate as the client "gate": check client_id, client_secret and method (client_secret_basic)`,
      )
      expect(message).not.toContain('SECRET')
    }
  })

  test('is an answer that is too long, without reading it to its end', async () => {
    let read = 0
    const endless = new ReadableStream({
      pull(controller) {
        read++
        controller.enqueue(new Uint8Array(512))
      },
    })
    expect(await messageOf(() => new Response(endless))).toBe('an answer of over 1024 bytes')
    expect(read).toBeLessThan(6)
  })

  test('is an endpoint that takes too long to answer, or to end its answer', async () => {
    const never = (signal: AbortSignal) =>
      new Promise<Response>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    expect(await messageOf(never, { timeout: 20 })).toBe('no answer in time')
    const halting = (signal: AbortSignal) =>
      new Response(
        new ReadableStream({
          start: controller => signal.addEventListener('abort', () => controller.error(signal.reason)),
        }),
      )
    expect(await messageOf(halting, { timeout: 20 })).toBe('no answer in time')
  })

  test('of the network is named by its code, and by nothing that may hold a secret', async () => {
    const refused = Object.assign(new Error('connect SECRET'), { code: 'ECONNREFUSED' })
    const failing = (error: unknown) => () => Promise.reject(error)
    expect(await messageOf(failing(new TypeError('fetch failed', { cause: refused })))).toBe('ECONNREFUSED')
    const unreachable = new TypeError(
      'error sending request for url (https://idp.test/?SECRET): client error',
    )
    expect(await messageOf(failing(unreachable))).not.toContain('SECRET')
    expect(await messageOf(failing('SECRET'))).not.toContain('SECRET')
  })
})
