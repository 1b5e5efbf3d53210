import { expect, test } from 'vitest'
import { type Problem, problemResponse } from '../../../src/http/problem.ts'
import { responseHeaders } from '../../../src/http/response-headers.ts'

const ID = '3f0c6f5e-6a43-4f0e-9b7e-2f7c1d1f5a10'

const answer = (more: Partial<Problem> = {}): Response =>
  problemResponse({ status: 404, title: 'Not Found', headers: {}, id: ID, method: 'GET', ...more })

test('a refusal without a detail states its status, its title and the id of its event, and nothing else', async () => {
  const response = answer()
  expect(response.status).toBe(404)
  expect(await response.json()).toEqual({ status: 404, title: 'Not Found', instance: `urn:uuid:${ID}` })
})

test('a refusal with a detail sends it', async () => {
  expect(await answer({ status: 400, title: 'Bad Request', detail: 'Send one range' }).json()).toEqual({
    status: 400,
    title: 'Bad Request',
    instance: `urn:uuid:${ID}`,
    detail: 'Send one range',
  })
})

test('a refusal is problem details that no program saves under the name of its URL, and is not cached', () => {
  expect(Object.fromEntries(answer().headers)).toEqual({
    ...Object.fromEntries(new Headers(responseHeaders())),
    'content-type': 'application/problem+json',
    'content-disposition': 'inline; filename="refusal.json"',
    'content-length': expect.stringMatching(/^\d+$/),
  })
})

test('a refusal carries the headers that follow from its reason', () => {
  expect(answer({ status: 405, headers: { Allow: 'GET, HEAD' } }).headers.get('allow')).toBe('GET, HEAD')
})

test.each([
  [30, '30'],
  [0, '0'],
  [undefined, null],
])('a refusal that is worth retrying after %j s has a Retry-After of %j', (retryAfter, header) =>
  expect(answer({ retryAfter }).headers.get('retry-after')).toBe(header),
)

test('the length of a refusal counts bytes, not characters', async () => {
  const response = answer({ detail: 'Gespräch' })
  const { byteLength } = await response.arrayBuffer()
  expect(response.headers.get('content-length')).toBe(String(byteLength))
})

test('a refusal of HEAD has the headers of the one of GET, and no body', async () => {
  const [head, get] = [answer({ method: 'HEAD' }), answer({ method: 'GET' })]
  expect([head.status, ...head.headers]).toEqual([get.status, ...get.headers])
  expect(head.body).toBeNull()
  expect(await get.text()).not.toBe('')
})
