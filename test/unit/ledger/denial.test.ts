import { expect, test } from 'vitest'
import { denialOf } from '../../../src/ledger/denial.ts'

const denial = (init: RequestInit) => denialOf(new Request('https://gate.test/', init), 'not_owner', 404)

test('the record of a refusal says what was decided, why, by which status and to which method', () => {
  expect(denial({ method: 'HEAD' })).toEqual({
    kind: 'access',
    decision: 'deny',
    reason: 'not_owner',
    status: 404,
    method: 'HEAD',
  })
})

test('a method that HTTP does not define is recorded as other, as a caller can write anything there', () => {
  expect(denial({ method: 'PATIENT-007' }).method).toBe('other')
})

test.each(['bytes=0-', 'bytes=-500', 'bytes=10-19', 'Bytes=0-5'])('the range %s is recorded', range => {
  expect(denial({ headers: { range } })).toMatchObject({ range })
})

test.each([
  'bytes=-',
  'bytes=5-2',
  'bytes=0-1,5-6',
  'patient-007',
  'bytes=0-1 patient-007',
  `bytes=${'1'.repeat(16)}-`,
])('the range header %s is not recorded, as the gate does not read it as one range', range => {
  expect(denial({ headers: { range } })).not.toHaveProperty('range')
})

test('the record of a refused playlist says where in it the reason is', () => {
  const request = new Request('https://gate.test/')
  const position = { line: 5, tag: 'EXT-X-MAP' }
  expect(denialOf(request, 'playlist_outside', 403, position)).toMatchObject({ playlist: position })
  expect(denialOf(request, 'playlist_outside', 403)).not.toHaveProperty('playlist')
})
