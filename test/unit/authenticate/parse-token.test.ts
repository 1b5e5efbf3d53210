import { describe, expect, test } from 'vitest'
import { MAX_TOKEN, parseToken } from '../../../src/authenticate/parse-token.ts'

const encode = (bytes: string | Uint8Array) => Buffer.from(bytes).toString('base64url')
const token = (header: string, payload = '{}', signature = 'AA') =>
  `${encode(header)}.${encode(payload)}.${signature}`

/** An object with `depth` levels of brackets in all. */
const nested = (depth: number, [open, close] = ['[', ']']) =>
  `{"a":${open?.repeat(depth - 1)}${close?.repeat(depth - 1)}}`

test('the header and the payload of a token are parsed', () => {
  expect(parseToken(token('{"alg":"ES256"}', '{"sub":"patient-1"}'))).toEqual({
    header: { alg: 'ES256' },
    payload: { sub: 'patient-1' },
  })
})

test('every character of a payload is kept, and - and _ of base64url are decoded', () => {
  const payload = '{"sub":"å>>>???~~~ÿ💙"}'
  const encoded = encode(payload)
  expect(encoded).toMatch(/-/)
  expect(encoded).toMatch(/_/)
  expect(parseToken(token('{"a":1}', payload))?.payload).toEqual({ sub: 'å>>>???~~~ÿ💙' })
})

describe('compact form', () => {
  const [header, payload] = [encode('{"a":1}'), encode('{}')]
  test.each([
    ['', 'no parts'],
    [`${header}.${payload}`, 'two parts'],
    [`${header}.${payload}.`, 'no signature'],
    [`${header}.${payload}.AA.AA.AA`, 'five parts, as an encrypted token has'],
    [`${header}..AA`, 'no payload'],
    [`.${payload}.AA`, 'no header'],
    [`${header}.${payload}.AA==`, 'padding'],
    [`${header}=.${payload}.AA`, 'padding in the header'],
    [` ${header}.${payload}.AA`, 'white space before it'],
    [`${header}.${payload}.AA `, 'white space behind it'],
    [`${header}.${payload}.AA\n`, 'a line feed behind it'],
    [`${header}.${payload}.A+`, 'base64 instead of base64url'],
    [`${encode(' {"a":1}')}.${payload}.AA`, 'a header that begins with a space'],
  ])('%j is not a token, because it has %s', token => expect(parseToken(token)).toBeUndefined())
})

describe('JSON objects', () => {
  test.each(['[]', 'null', '1', '"a"', '', '{', '{"a":}', '{} {}', '\ufeff{}'])(
    'a token with the payload %j is not parsed',
    json => {
      expect(parseToken(token('{"a":1}', json))).toBeUndefined()
    },
  )

  test.each(['{"a"', '{"a":1}]'])('a token with the header %j is not parsed', json => {
    expect(parseToken(token(json))).toBeUndefined()
  })

  test('a payload that is not UTF-8 is refused, and its bytes are not replaced', () => {
    const payload = encode(Uint8Array.of(...Buffer.from('{"sub":"'), 0xff, ...Buffer.from('"}')))
    expect(parseToken(`${encode('{"a":1}')}.${payload}.AA`)).toBeUndefined()
  })

  test('a payload with characters that encode no whole byte is refused', () => {
    expect(parseToken(`${encode('{"a":1}')}.${encode('{}')}AA.AA`)).toBeUndefined()
    expect(parseToken(`${encode('{"a":1}')}.AAAAA.AA`)).toBeUndefined()
  })
})

describe('nesting', () => {
  test.each([[['[', ']']], [['{"a":', '}']]])(
    'a token may have sixteen nested levels of %j, and not seventeen',
    ([open = '', close = '']) => {
      const json = (depth: number) => `{"a":${open.repeat(depth - 1)}1${close.repeat(depth - 1)}}`
      expect(parseToken(token('{"a":1}', json(16)))).toBeDefined()
      expect(parseToken(token('{"a":1}', json(17)))).toBeUndefined()
      expect(parseToken(token(json(17)))).toBeUndefined()
    },
  )

  test('nesting is counted by the brackets that are open at once, not by all brackets', () => {
    expect(parseToken(token('{"a":1}', `{"a":[${'[],{},'.repeat(50)}1]}`))).toBeDefined()
  })

  test('brackets in strings do not count as nesting, whatever quotes and backslashes are beside them', () => {
    const brackets = '[{'.repeat(20)
    for (const string of [brackets, `\\"${brackets}`, `\\\\\\"${brackets}`, `${brackets}\\\\`]) {
      expect(parseToken(token('{"a":1}', `{"a":"${string}"}`)), string).toBeDefined()
    }
    expect(parseToken(token('{"a":1}', `{"a":"\\\\","b":${nested(17)}}`))).toBeUndefined()
    expect(parseToken(token('{"a":1}', `{"a":"${']}'.repeat(20)}","b":${nested(16)}}`))).toBeUndefined()
  })
})

test('a token of 16384 characters is parsed, and a longer one is not', () => {
  const start = `${token('{"a":1}', '{}', '')}`
  const full = start + 'A'.repeat(MAX_TOKEN - start.length)
  expect(full).toHaveLength(16_384)
  expect(parseToken(full)).toBeDefined()
  expect(parseToken(`${full}A`)).toBeUndefined()
})
