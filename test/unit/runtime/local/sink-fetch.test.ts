import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { DeliveryFailure } from '../../../../src/follow/delivery.ts'
import { createSinkFetch } from '../../../../src/runtime/local/sink-fetch.ts'
import { SinkServer } from '../../../support/sink-server.ts'

type Address = { readonly address: string; readonly family: number }
const resolver = vi.hoisted(() => ({ addresses: [] as Address[], asked: [] as string[] }))
vi.mock('node:dns', async original => ({
  ...(await original<object>()),
  lookup: (name: string, _: object, callback: (error: null, addresses: Address[]) => void) => {
    resolver.asked.push(name)
    callback(null, resolver.addresses)
  },
}))

let sink: SinkServer
beforeAll(async () => {
  sink = await SinkServer.start()
})
afterAll(() => sink.stop())

const request = (signal = AbortSignal.timeout(5_000)) => ({
  method: 'POST' as const,
  headers: { 'Content-Type': 'application/json' },
  body: '{"name":"Zoë"}',
  signal,
})
const named = (name: string) => sink.url.replace('127.0.0.1', name)

test('a sink is sent the body with its length in bytes, and its answer comes back', async () => {
  sink.answer = () => ({ status: 429, headers: { 'Retry-After': '7', 'Set-Cookie': 'a=b' }, body: 'busy' })
  const response = await createSinkFetch(true)(sink.url, request())
  expect([response.status, response.headers.get('retry-after'), await response.text()]).toEqual([
    429,
    '7',
    'busy',
  ])
  expect(response.headers.has('set-cookie')).toBe(false)
  expect(sink.calls[0]).toMatchObject({ method: 'POST', headers: { 'content-length': '15' } })
  expect(sink.calls[0]?.headers).not.toHaveProperty('transfer-encoding')
})

test.each([301, 302, 307, 308])('a redirect with %i is an answer, and is not followed', async status => {
  const before = sink.calls.length
  sink.answer = ({ path }) =>
    path === '/' ? { status, headers: { Location: `${sink.url}/next` } } : { status: 200 }
  expect((await createSinkFetch(true)(sink.url, request())).status).toBe(status)
  expect(sink.calls.length).toBe(before + 1)
})

test('a sink that never answers is given up when the time is over', async () => {
  sink.answer = () => undefined
  await expect(createSinkFetch(true)(sink.url, request(AbortSignal.timeout(50)))).rejects.toThrow()
})

test.each([
  ['loopback', ['127.0.0.1']],
  ['the metadata service', ['169.254.169.254']],
  ['a mapped address', ['::ffff:10.0.0.1']],
  ['a public and an internal address', ['93.184.216.34', '10.0.0.1']],
])('a name that leads to %s is refused, whatever it is called', async (_, addresses) => {
  const before = sink.calls.length
  resolver.addresses = addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
  const failure = await createSinkFetch(false)(named('siem.clinic.example'), request()).catch(
    (error: unknown) => error,
  )
  expect(failure).toBeInstanceOf(DeliveryFailure)
  expect(failure).toMatchObject({ kind: 'misconfigured', message: expect.stringContaining('allow_internal') })
  expect(sink.calls.length).toBe(before)
})

test.each(['127.0.0.1', '[::1]', '2130706433', '169.254.169.254'])(
  'the address %s, written in the URL, is refused as well',
  async host => {
    const call = createSinkFetch(false)(`http://${host}:9/`, request())
    await expect(call).rejects.toThrow('allow_internal')
  },
)

test('no connection that another sink made is used for one that may not make it', async () => {
  sink.answer = () => ({ status: 200 })
  resolver.addresses = [{ address: '127.0.0.1', family: 4 }]
  await (await createSinkFetch(true)(named('localhost'), request())).text()
  await expect(createSinkFetch(false)(named('localhost'), request())).rejects.toThrow('allow_internal')
})

test('a name is resolved once for a call, so that no second answer of a name server counts', async () => {
  resolver.asked.length = 0
  resolver.addresses = [{ address: '93.184.216.34', family: 4 }]
  const call = createSinkFetch(false)('http://siem.clinic.example:9/', request(AbortSignal.timeout(200)))
  // Whatever is at that address, it is not what the test is about.
  await call.catch(() => {})
  expect(resolver.asked).toEqual(['siem.clinic.example'])
})
