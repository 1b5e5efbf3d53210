import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readExposure } from '../../../../src/cli/contain/exposure.ts'

// How far back the log is read for a finding.

const FIRST = Date.parse('2026-11-26T10:00:00Z')

let server: Server
let asked: URLSearchParams[]
beforeEach(async () => {
  asked = []
  server = createServer(({ url = '/' }, response) => {
    asked.push(new URL(url, 'http://gate').searchParams)
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
})
afterEach(() => server.close())

const read = (finding: object) => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return readExposure({ url, token: 'token', data: '' }, finding, ['rec-1'])
}

test('it is a day before its first record, which is said', async () => {
  const { since } = await read({ rule: 'RG-001', first_seen: FIRST })
  expect(since).toBe('2026-11-25T10:00:00.000Z')
  expect(asked.map(query => query.get('since'))).toEqual([since, since])
})

test.each(['RG-020', 'RG-021', 'RG-022'])(
  'it is all of it for %s: an owner may have changed long ago',
  async rule => {
    expect(await read({ rule, first_seen: FIRST })).not.toHaveProperty('since')
    expect(asked.map(query => [query.get('recording'), query.get('since')])).toEqual([
      ['rec-1', null],
      ['rec-1', null],
    ])
  },
)
