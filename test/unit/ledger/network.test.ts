import { expect, test } from 'vitest'
import { networkPrefix } from '../../../src/ledger/network.ts'

test.each([
  ['203.0.113.24', '203.0.113.0/24'],
  ['::ffff:203.0.113.24', '203.0.113.0/24'],
  ['2001:db8:85a3:8d3:1319:8a2e:370:7348', '2001:db8:85a3::/48'],
  ['2001:DB8::1', '2001:db8::/48'],
  ['::1', '::/48'],
  ['2001:db8:1:2::', '2001:db8:1::/48'],
  ['', undefined],
  ['unknown', undefined],
  ['a:b:c', undefined],
  ['1.2.3', undefined],
])('%s', (ip, prefix) => expect(networkPrefix(ip)).toBe(prefix))
