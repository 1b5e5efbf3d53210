import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CorsPolicy } from '../../../src/http/cors.ts'
import { responseHeaders } from '../../../src/http/response-headers.ts'
import { sample } from '../../support/sample.ts'

const LISTED = ['https://app.clinic.test', 'http://localhost:3000', 'capacitor://localhost']
const from = (origin: string | undefined) =>
  new Request('https://media.clinic.test/', { headers: origin === undefined ? {} : { Origin: origin } })

const origin = fc.oneof(
  fc.constantFrom(undefined, 'null', '*', ...LISTED),
  fc.constantFrom(...LISTED).chain(one => fc.constantFrom(`${one}.evil.test`, `${one}/`, one.toUpperCase())),
  fc.webUrl().map(url => new URL(url).origin),
)
const list = fc.subarray(LISTED)

test('a listed origin may read and embed an answer, and no other origin may', () => {
  fc.assert(
    fc.property(origin, list, (origin, list) => {
      const cors = new CorsPolicy(list)
      const isListed = origin !== undefined && list.includes(origin)
      for (const headers of [
        cors.apply(from(origin), new Response(null, { headers: responseHeaders() })).headers,
        cors.apply(from(origin), cors.preflight(from(origin), 'GET')).headers,
      ]) {
        expect(headers.get('access-control-allow-origin')).toBe(isListed ? origin : null)
        expect(headers.get('access-control-allow-credentials')).toBe(isListed ? 'true' : null)
        expect(headers.get('cross-origin-resource-policy')).toBe(isListed ? 'cross-origin' : 'same-site')
        // A cache that keeps the answer to one origin must not give it to another.
        expect(headers.get('vary')).toBe(list.length > 0 ? 'Origin' : null)
      }
    }),
    sample(300, 20_000),
  )
})

// Written out once more: a header that is missing would make browsers refuse every request of the apps that send it.
const USUAL = [
  'Authorization',
  'Content-Digest',
  'Content-Range',
  'Content-Type',
  'DPoP',
  'If-Match',
  'If-Modified-Since',
  'If-None-Match',
  'If-Range',
  'If-Unmodified-Since',
  'Mediaward-App-Release',
  'Mediaward-Consultation',
  'Mediaward-Owner',
  'Mediaward-Owner-Issuer',
  'Mediaward-Upload',
  'Mediaward-Upload-Size',
  'Range',
  'Repr-Digest',
  'X-Request-ID',
  'Cache-Control',
  'Pragma',
  'X-Requested-With',
  'CMCD-Object',
  'CMCD-Request',
  'CMCD-Session',
  'CMCD-Status',
  'traceparent',
  'tracestate',
  'baggage',
  'sentry-trace',
  'x-datadog-origin',
  'x-datadog-parent-id',
  'x-datadog-sampled',
  'x-datadog-sampling-priority',
  'x-datadog-tags',
  'x-datadog-trace-id',
]

test('a page may send the usual headers, each by its name, and no others', () => {
  const cors = new CorsPolicy(LISTED)
  const headers = cors.preflight(from(LISTED[0]), 'GET').headers.get('access-control-allow-headers')
  expect(headers?.split(', ').sort()).toEqual([...USUAL].sort())
})

test('a page may send the headers that the option names, and no wildcard permits all headers', () => {
  const cors = new CorsPolicy(LISTED, ['X-App-Version', 'b3'])
  const headers = (
    cors.preflight(from(LISTED[0]), 'GET').headers.get('access-control-allow-headers') ?? ''
  ).split(', ')
  expect(headers).toEqual(expect.arrayContaining(['Authorization', 'Range', 'X-App-Version', 'b3']))
  expect(headers).not.toContain('*')
  expect(cors.preflight(from('https://evil.test'), 'GET').headers.has('access-control-allow-headers')).toBe(
    false,
  )
})

test('a policy without origins adds no header to an answer, whichever origin asks', () => {
  for (const asking of [undefined, ...LISTED])
    expect([...new CorsPolicy().apply(from(asking), new Response(null)).headers]).toEqual([])
})

test('a page of a listed origin may read what a player needs to see of an answer', () => {
  const { headers } = new CorsPolicy(LISTED).apply(from(LISTED[0]), new Response(null))
  expect(headers.get('access-control-expose-headers')?.split(', ').sort()).toEqual([
    'Accept-Ranges',
    'Content-Disposition',
    'Content-Length',
    'Content-Range',
    'ETag',
    'Mediaward-Archived',
    'Mediaward-Cursor',
    'Mediaward-End',
    'Mediaward-More',
    'Retry-After',
    'WWW-Authenticate',
    'X-Request-ID',
  ])
})

test('a preflight has the methods of the endpoint, and a listed origin keeps its answer for two hours', () => {
  const cors = new CorsPolicy(LISTED)
  const { status, headers } = cors.preflight(from(LISTED[0]), 'GET, HEAD')
  expect(status).toBe(204)
  expect(headers.get('allow')).toBe('GET, HEAD')
  expect(headers.get('access-control-max-age')).toBe('7200')
  expect(headers.get('access-control-allow-methods')).toBe('DELETE, GET, HEAD, POST, PUT')
})

test('a preflight of an origin that is not listed has the methods of the endpoint, and permits nothing', () => {
  const { status, headers } = new CorsPolicy(LISTED).preflight(from('https://evil.test'), 'GET, HEAD')
  expect(status).toBe(204)
  expect(headers.get('allow')).toBe('GET, HEAD')
  expect([...headers.keys()].filter(name => name.startsWith('access-control-'))).toEqual([])
})
