import { expect, test } from 'vitest'
import { INERT_MEDIA, representationHeaders, responseHeaders } from '../../../src/http/response-headers.ts'

test('every response keeps caches, other sites and scripts out', () => {
  expect(responseHeaders()).toEqual({
    'Cache-Control': 'private, no-store',
    'Content-Security-Policy':
      "default-src 'none'; media-src 'self'; form-action 'none'; frame-ancestors 'none'; sandbox",
    'Cross-Origin-Resource-Policy': 'same-site',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  })
})

test('later headers win over earlier ones, and change no other response', () => {
  const headers = responseHeaders({ Allow: 'GET', A: '1' }, { A: '2', 'Referrer-Policy': 'origin' })
  expect(headers).toMatchObject({
    Allow: 'GET',
    A: '2',
    'Referrer-Policy': 'origin',
    'Cache-Control': 'private, no-store',
  })
  expect(responseHeaders()).not.toHaveProperty('A')
  expect(responseHeaders()['Referrer-Policy']).toBe('no-referrer')
})

test('the policy of media that can not run code lacks the sandbox, and nothing else', () => {
  expect(INERT_MEDIA).toEqual({
    'Content-Security-Policy':
      "default-src 'none'; media-src 'self'; form-action 'none'; frame-ancestors 'none'",
  })
})

test('a recording is described by its validators and by ranges', () => {
  expect(representationHeaders({ etag: '"a"', modified: Date.UTC(1994, 10, 6, 8, 49, 37) })).toEqual({
    'Accept-Ranges': 'bytes',
    ETag: '"a"',
    'Last-Modified': 'Sun, 06 Nov 1994 08:49:37 GMT',
  })
})
