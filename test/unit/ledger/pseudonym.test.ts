import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { createPseudonymizer, createPseudonyms } from '../../../src/ledger/pseudonym.ts'

const KEY = 'a key of the tests, long enough to be one'

test('a pseudonym is an HMAC-SHA-256 over field, scope and value, as another implementation computes it', async () => {
  const mac = createHmac('sha256', KEY).update('["subject","https://idp.test/","patient-1"]').digest('hex')
  expect(await createPseudonymizer(KEY)('subject', 'https://idp.test/', 'patient-1')).toBe(
    `psn_${mac.slice(0, 32)}`,
  )
})

test('a pseudonym differs by field, scope, value and key, and by nothing else', async () => {
  const pseudonym = createPseudonymizer(KEY)
  const all = await Promise.all([
    pseudonym('subject', 'a', 'b'),
    pseudonym('session', 'a', 'b'),
    pseudonym('subject', 'b', 'b'),
    pseudonym('subject', 'a', 'a'),
    pseudonym('subject', 'a","b', ''),
    createPseudonymizer(`${KEY}!`)('subject', 'a', 'b'),
  ])
  expect(new Set(all).size).toBe(6)
  expect(await createPseudonymizer(KEY)('subject', 'a', 'b')).toBe(all[0])
})

test('of several keys the first writes, and each reads, in their order', async () => {
  const [first, second] = [KEY, `${KEY}!`].map(key => createPseudonymizer(key)('subject', 'a', 'b'))
  expect(await createPseudonymizer([KEY, `${KEY}!`])('subject', 'a', 'b')).toBe(await first)
  expect(await createPseudonyms([KEY, `${KEY}!`])('subject', 'a', 'b')).toEqual([await first, await second])
  expect(await createPseudonyms(KEY)('subject', 'a', 'b')).toEqual([await first])
})
