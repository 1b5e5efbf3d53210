import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readExposure } from '../../../../src/cli/contain/exposure.ts'

// How far back the log is read for a finding, and whose lists.

const FIRST = Date.parse('2026-11-26T10:00:00Z')

let server: Server
let asked: URLSearchParams[]
/** What the gate answers, and whether there is more. */
let answer: (query: URLSearchParams) => readonly object[]
let isMore: boolean
beforeEach(async () => {
  asked = []
  answer = () => []
  isMore = false
  server = createServer(({ url = '/' }, response) => {
    const query = new URL(url, 'http://gate').searchParams
    asked.push(query)
    if (isMore && query.has('subject')) response.setHeader('Mediaward-More', 'true')
    response.end(
      answer(query)
        .map(record => `${JSON.stringify(record)}\n`)
        .join(''),
    )
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

describe('lists are those', () => {
  const person = (digit: string | number) => `psn_${`${digit}`.padStart(32, '0')}`
  const lists = () => asked.filter(query => query.get('kind') === 'listed').map(query => query.get('subject'))

  test('of whom the finding is about, and of the owners that the records name, each once', async () => {
    answer = query => (query.has('recording') ? [{ id: '1', kind: 'access', owner: person('c') }] : [])
    const finding = {
      ...{ rule: 'RG-001', first_seen: FIRST, group: { subject: person('a') } },
      about: { subjects: [person('a'), person('b'), 'no pseudonym'] },
    }
    const { lists: whose } = await read(finding)
    expect(lists()).toEqual([person('a'), person('b'), person('c')])
    expect(whose).toEqual({ read: lists(), cut: [] })
    expect(asked.every(query => query.get('since') === '2026-11-25T10:00:00.000Z')).toBe(true)
  })

  test('of whom its answers about the recording count', async () => {
    const answers = [
      { recording: 'rec-1', decision: 'deny' },
      { recording: 'rec-2', decision: 'permit' },
      null,
    ]
    answer = query =>
      query.has('subject') ? [{ id: '1', kind: 'listed', subject: person('a'), answers }] : []
    const { exposure } = await read({ rule: 'RG-001', first_seen: FIRST, group: { subject: person('a') } })
    expect(exposure[0]?.listed).toEqual({
      ...{ permitted: 0, refused: 1 },
      by: [{ subject: person('a'), permitted: 0, refused: 1 }],
    })
  })

  test('of at most 64 persons, and the others are named', async () => {
    const subjects = Array.from({ length: 70 }, (_, i) => person(i))
    const { lists: whose } = await read({ rule: 'RG-003', first_seen: FIRST, about: { subjects } })
    expect(whose).toEqual({ read: subjects.slice(0, 64), cut: subjects.slice(64) })
    expect(lists()).toHaveLength(64)
  })

  test('as far as twenty pages or 2,000 records of a person go', async () => {
    isMore = true
    const finding = { rule: 'RG-001', first_seen: FIRST, group: { subject: person('a') } }
    expect((await read(finding)).lists).toEqual({ read: [], cut: [person('a')] })
    expect(lists()).toHaveLength(20)
    asked = []
    answer = query => (query.has('subject') ? Array.from({ length: 1000 }, () => ({ kind: 'listed' })) : [])
    expect((await read(finding)).lists).toEqual({ read: [], cut: [person('a')] })
    expect(lists()).toHaveLength(2)
  })

  test('as far as 10,000 records of all go', async () => {
    answer = query => (query.has('subject') ? Array.from({ length: 1000 }, () => ({ kind: 'listed' })) : [])
    const subjects = Array.from({ length: 12 }, (_, i) => person(i))
    const { lists: whose } = await read({ rule: 'RG-003', first_seen: FIRST, about: { subjects } })
    expect(whose).toEqual({ read: subjects.slice(0, 10), cut: subjects.slice(10) })
  })

  test('of no one, if the finding names no recording', async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const finding = { rule: 'RG-001', first_seen: FIRST, group: { subject: person('a') } }
    await readExposure({ url, token: 'token', data: '' }, finding, [])
    expect(asked).toEqual([])
  })
})
