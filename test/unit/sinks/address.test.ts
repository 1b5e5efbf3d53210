import { describe, expect, test } from 'vitest'
import { addressMistake, isInternalHost } from '../../../src/sinks/address.ts'

const INTERNAL = [
  'https://localhost/',
  'https://LOCALHOST./',
  'https://a.localhost/',
  'https://127.0.0.1/',
  'https://127.1/',
  'https://2130706433/',
  'https://0x7f.0.0.1/',
  'https://0177.0.0.1/',
  'https://0/',
  'https://10.1.2.3/',
  'https://100.64.0.1/',
  'https://169.254.169.254/latest/meta-data/',
  'https://172.31.255.255/',
  'https://192.168.1.1/',
  'https://192.0.0.1/',
  'https://198.18.0.1/',
  'https://224.0.0.1/',
  'https://255.255.255.255/',
  'https://[::1]/',
  'https://[::]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:8.8.8.8]/',
  'https://[64:ff9b::a00:1]/',
  'https://[fe80::1]/',
  'https://[fc00::1]/',
  'https://[fd12:3456::1]/',
  'https://[ff02::1]/',
  'https://[2002:7f00:1::]/',
  'https://[2001::1]/',
  'https://[2001:0:1::1]/',
  'https://[2001:db8::1]/',
  'https://metadata.google.internal/',
  'https://splunk/',
  'https://printer.local/',
  'https://siem.corp/',
]
const PUBLIC = [
  'https://siem.clinic.example/',
  'https://8.8.8.8/',
  'https://172.32.0.1/',
  'https://100.128.0.1/',
  'https://192.0.1.1/',
  'https://[2606:4700::1111]/',
  'https://[2001:4860:4860::8888]/',
  'https://localhost.clinic.example/',
]

describe('the address of a sink', () => {
  test.each(INTERNAL)('%s is refused without allow_internal, and taken with it', url => {
    expect(addressMistake(url, 'https:', false)).toContain('allow_internal')
    expect(addressMistake(url, 'https:', true)).toBeUndefined()
  })

  test.each(PUBLIC)('%s is taken', url => {
    expect(addressMistake(url, 'https:', false)).toBeUndefined()
  })

  test.each([
    'http://siem.clinic.example/',
    'ftp://siem.clinic.example/',
    'https://user:password@siem.clinic.example/',
    'https://siem.clinic.example/#a',
    'siem.clinic.example',
    '',
    undefined,
    7,
  ])('%j is not an address of a sink, whatever is allowed', url => {
    expect(addressMistake(url, 'https:', false)).toContain('must be a URL')
    expect(addressMistake(url, 'https:', true)).toContain('must be a URL')
  })

  test('http is for loopback alone, and only with allow_internal', () => {
    expect(addressMistake('http://127.0.0.1:8088/', 'https:', false)).toContain('must be a URL')
    expect(addressMistake('http://127.0.0.1:8088/', 'https:', true)).toBeUndefined()
    expect(addressMistake('http://10.0.0.1/', 'https:', true)).toContain('must be a URL')
  })

  test('an address that a resolver returns is judged as one that is written', () => {
    expect(['127.0.0.1', '::1', '::ffff:10.0.0.1', 'fe80::1', '169.254.169.254'].every(isInternalHost)).toBe(
      true,
    )
    expect(['93.184.216.34', '2606:2800:220:1::1'].some(isInternalHost)).toBe(false)
  })
})
