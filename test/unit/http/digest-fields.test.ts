import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { digestFields } from '../../../src/http/digest-fields.ts'

// RFC 9530: Content-Digest and Repr-Digest are dictionaries of byte sequences (RFC 9651).

// The example of RFC 9530 B.1, of a body that is {"hello": "world"} and a line feed.
const HELLO = 'RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg='
const hex = Buffer.from(HELLO, 'base64').toString('hex')
const other = createHash('sha256').update('other').digest('base64')

const stated = (content: string | null, repr: string | null = null) => {
  const headers = new Headers()
  if (content !== null) headers.set('Content-Digest', content)
  if (repr !== null) headers.set('Repr-Digest', repr)
  return digestFields(headers)
}

test('the example digest of RFC 9530 is that of its bytes', () => {
  expect(createHash('sha256').update('{"hello": "world"}\n').digest('hex')).toBe(hex)
})

test.each([
  [`sha-256=:${HELLO}:`],
  [`sha-512=:AAAA:, sha-256=:${HELLO}:`],
  [`sha-256=:${HELLO}:,\tmd5=:AAAA:`],
  [`  sha-256=:${HELLO}:  `],
  [`sha-256=:${HELLO}:;q=1;x, sha-512=:AAAA:;y=ab`],
  [`sha-256=:${HELLO}:, sha-256=:${HELLO}:`],
  // The padding may be left out (RFC 9651 4.2.7).
  [`sha-256=:${HELLO.replace('=', '')}:`],
])('the SHA-256 digest in %j is read', header => {
  expect(stated(header)).toBe(hex)
  expect(stated(null, header)).toBe(hex)
  expect(stated(header, `sha-256=:${HELLO}:`)).toBe(hex)
})

test.each([
  [null, null],
  ['md5=:AAAA:', null],
  ['sha-512=:AAAA:', 'unixsum=:AAAA:'],
])('the headers %s and %s name no SHA-256 digest', (content, repr) => {
  expect(stated(content, repr)).toBeUndefined()
})

test.each([
  [''],
  ['sha-256'],
  // RFC 9530 2: every member is a Byte Sequence.
  [`sha-256=:${HELLO}:, md5`],
  ['sha-512=AAAA'],
  ['sha-256=?1'],
  [`sha-256=${HELLO}`],
  [`sha-256=:${HELLO}`],
  [`sha-256=":${HELLO}:"`],
  [`SHA-256=:${HELLO}:`],
  [`sha-256=:${HELLO}:,`],
  [`,sha-256=:${HELLO}:`],
  [`sha-256=:${HELLO}: sha-512=:AAAA:`],
  [`sha-256=:${HELLO}:; ,`],
  [`sha-256 = :${HELLO}:`],
  ['sha-256=::'],
  ['sha-256=:AAAA:'],
  [`sha-256=:${HELLO}${HELLO}:`],
  [`sha-256=:${HELLO.replace('R', '-')}:`],
  [`sha-256=(:${HELLO}:)`],
])('the malformed digest field %j is refused, not ignored', header => {
  expect(stated(header)).toMatchObject({ reason: 'upload_invalid' })
  expect(stated(null, header)).toMatchObject({ reason: 'upload_invalid' })
  expect(stated(`sha-256=:${HELLO}:`, header)).toMatchObject({ reason: 'upload_invalid' })
})

test('of two SHA-256 digests in one header the last counts (RFC 9651 4.2.2)', () => {
  expect(stated(`sha-256=:${other}:, sha-256=:${HELLO}:`)).toBe(hex)
})

test('a Content-Digest and a Repr-Digest that differ are refused', () => {
  expect(stated(`sha-256=:${HELLO}:`, `sha-256=:${other}:`)).toMatchObject({
    reason: 'upload_invalid',
    detail: 'Content-Digest and Repr-Digest name two sha-256 digests that differ',
  })
})

test('three long digest headers are read within half a second', () => {
  const began = performance.now()
  stated(`${'a'.repeat(10_000)}=:${'A'.repeat(10_000)}${';a'.repeat(10_000)}`)
  stated(' '.repeat(20_000))
  stated(`a=:AA:${';a=b'.repeat(5_000)} ${'\t'.repeat(5_000)}x`)
  expect(performance.now() - began).toBeLessThan(500)
})
