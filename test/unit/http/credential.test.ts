import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hasTokenInQuery } from '../../../src/http/credential.ts'
import { sample } from '../../support/sample.ts'

test('a token in the query is found exactly where URLSearchParams finds one, however it is encoded', () => {
  const letter = fc
    .constantFrom(...'access_token')
    .chain(c =>
      fc.constantFrom(
        c,
        `%${c.charCodeAt(0).toString(16)}`,
        `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
      ),
    )
  const encoded = fc
    .tuple(...Array.from('access_token', c => fc.constantFrom(c, `%${c.charCodeAt(0).toString(16)}`)))
    .map(letters => letters.join(''))
  const piece = fc.oneof(
    encoded,
    letter,
    fc.constantFrom('access_token', '&', '=', '%', '+', '?', 'a', '%26'),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), pieces => {
      const query = pieces.join('')
      const found = hasTokenInQuery({ url: `https://gate.test/x?${query}` } as Request)
      expect(found).toBe(new URLSearchParams(`?${query}`).has('access_token'))
    }),
    sample(1000, 200_000),
  )
})
