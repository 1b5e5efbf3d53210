import fc from 'fast-check'
import { expect, test } from 'vitest'
import { callerNetwork, networkPrefix } from '../../../src/base/network.ts'
import { sample } from '../../support/sample.ts'

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
  ['::ffff:cb00:7109', '203.0.113.0/24'],
  ['0:0:0:0:0:ffff:cb00:7109', '203.0.113.0/24'],
  ['::ffff:7109', '::/48'],
])('the network of the address %j is %j', (ip, prefix) => expect(networkPrefix(ip)).toBe(prefix))

test('the origin of a request is what the runtime reports, with the network of its address', () => {
  expect(callerNetwork(() => ({ ip: '203.0.113.24', asn: 2856, country: 'GB' }))).toEqual({
    ip: '203.0.113.24',
    prefix: '203.0.113.0/24',
    asn: 2856,
    country: 'GB',
  })
  expect(callerNetwork(() => ({ asn: 2856, country: 'GB' }))).toEqual({ asn: 2856, country: 'GB' })
})

test('the origin of a request is unknown if the runtime fails to report it', () => {
  const failing = () => {
    throw new Error('no connection')
  }
  expect(callerNetwork(failing)).toEqual({})
})

test('an address is in one network, however it is written', () => {
  const group = fc.oneof(fc.constantFrom(0, 0, 1, 0xdb8, 0x2001), fc.nat(0xffff))
  const address = fc.array(group, { minLength: 8, maxLength: 8 })
  fc.assert(
    fc.property(address, groups => {
      const plain = groups.map(one => one.toString(16)).join(':')
      const padded = groups.map(one => one.toString(16).padStart(4, '0')).join(':')
      const shortest = new URL(`http://[${plain}]/`).hostname.slice(1, -1)
      const prefix = networkPrefix(plain)
      expect(prefix).toMatch(/^[0-9a-f:]+::\/48$|^::\/48$/)
      for (const other of [padded, shortest, plain.toUpperCase()]) expect(networkPrefix(other)).toBe(prefix)
      expect(networkPrefix(`${plain}:1`)).toBeUndefined()
    }),
    sample(500, 100_000),
  )
})
