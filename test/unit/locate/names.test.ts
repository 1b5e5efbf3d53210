import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { locate } from '../../../src/locate/locate.ts'
import { compileLocation, locationsUnder } from '../../../src/locate/location.ts'
import { flawOfPart, flawOfRecording, isPart, isRecording } from '../../../src/locate/names.ts'
import { operationOf } from '../../../src/locate/target.ts'
import { sample } from '../../support/sample.ts'

const standard = locationsUnder('/recordings').map(compileLocation)
const refusalOf = (path: string) => locate(path, standard)

test.each([
  'a',
  '0',
  'rec-013',
  'a_b',
  '1.2.840.113619.2.62.994044785528.114289542805',
  'f47ac10b-58cc-4372-a567-0e02b2c3d479',
  'eyJ.tar',
  'x'.repeat(128),
])('%s is a valid recording id', id => {
  expect(isRecording(id)).toBe(true)
  expect(refusalOf(`/recordings/${id}`)).toMatchObject({ ref: { recording: id, key: `recordings/${id}` } })
})

test.each([
  'a',
  '-',
  '=',
  'a.ts',
  'a..ts',
  'video/1/seg_1.m4s',
  '2026-11-25T10:00:00+01:00/a@b=c.ts',
  'eyJ.m3u8',
  'monkeyJump.1.ts',
  'ewok.1.ts',
  'ewo.1.ts',
  'seg-ey.1.ts',
  'eyA.1.ts',
  'x'.repeat(200),
  Array(8).fill('x').join('/'),
  'sid713476478245_cnameagora__uid_s_123__uid_e_video_2026112510000000000000000000000000000000000000000000000000000000000.m3u8',
])('%s is a valid part name', name => {
  expect(isPart(name)).toBe(true)
  expect(refusalOf(`/recordings/r/${name}`)).toMatchObject({
    ref: { part: name, key: `recordings/r/${name}` },
  })
})

describe('flaws of names', () => {
  test.each([
    ['', /names no recording/],
    ['a b', /can't contain U\+0020\./],
    ['%61', /can't contain "%"\./],
    ['a:b', /can't contain ":"\./],
    ['ä', /can't contain U\+00E4\./],
    ['a\n', /can't contain U\+000A\./],
    ['😀', /can't contain U\+1F600\./],
    ['a"b', /can't contain "\\""\./],
    ['_a', /begin and end with a letter or digit, not with "_"/],
    ['-a', /not with "-"/],
    ['a.', /not with "\."/],
    ['a-', /not with "-"/],
    ['a..b', /can't contain "\.\."/],
    ['..', /can't contain "\.\."/],
    ['.', /not with "\."/],
    ['x'.repeat(129), /at most 128 characters\. This one has 129/],
  ])('a refusal of the recording id %j names its flaw', (id, flaw) => {
    expect(flawOfRecording(id)).toMatch(flaw)
    if (!id.includes('/'))
      expect(refusalOf(`/recordings/${id}`)).toMatchObject({ detail: flawOfRecording(id) })
  })

  test.each([
    ['', /can't begin or end with "\/"/],
    ['a/', /can't begin or end with "\/"/],
    ['/a', /can't begin or end with "\/"/],
    ['a//b', /can't contain "\/\/"/],
    ['.a', /can't begin with "\."/],
    ['a/..', /can't begin with "\."/],
    ['a~b', /can't contain "~"\./],
    ['a\\b', /can't contain "\\\\"\./],
    ['a\u0000', /can't contain U\+0000\./],
    ['x'.repeat(201), /at most 200 characters\. One has 201/],
    [Array(9).fill('x').join('/'), /at most 8 segments\. This one has 9/],
    [Array(4).fill('x'.repeat(192)).join('/'), /at most 768 characters\. This one has 771/],
  ])('a refusal of the part name %j names its flaw', (name, flaw) => {
    expect(flawOfPart(name)).toMatch(flaw)
    expect(refusalOf(`/recordings/r/${name}`)).toMatchObject({ detail: flawOfPart(name) })
  })

  test('a refusal of a part name after a ticket names its flaw', () => {
    const request = new Request(`https://h/play/ticket/${'x'.repeat(201)}`)
    expect(operationOf(request, standard)).toMatchObject({ detail: /One has 201/ })
  })

  test('a refusal of a path without a name has no detail', () => {
    for (const path of ['/', '/recordings', '/other/a b']) {
      expect(refusalOf(path)).toEqual({ reason: 'path_invalid' })
    }
  })

  test('the flaw of a name repeats at most one character of the name', () => {
    const odd = fc.oneof(fc.string({ unit: 'grapheme' }), fc.stringMatching(/^[A-Za-z0-9._=+:@/%~-]{1,300}$/))
    fc.assert(
      fc.property(odd, name => {
        for (const flaw of [flawOfRecording(`Q${name}`), flawOfPart(`Q${name}`)]) {
          // What is in quotes is the character, or one of those that our own words name.
          const quoted = [...(flaw ?? '').matchAll(/"((?:\\.|[^"\\])*)"/g)].map(([, quote = '']) => quote)
          expect(quoted.filter(quote => quote.replace('\\', '').length > 2)).toEqual([])
          expect(flaw ?? '').not.toMatch(/Q/)
          expect(flaw ?? '').toMatch(/^[\x20-\x7e]*$/)
        }
      }),
      sample(500, 20_000),
    )
  })
})

describe('tokens in names', () => {
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const jws = `${encoded({ alg: 'ES256' })}.${encoded({ sub: 'p' })}.c2lnbmF0dXJl`
  const jwe = `${encoded({ alg: 'dir', enc: 'A256GCM' })}..aXY.dGV4dA.dGFn`
  const withHeader = (json: string) => jws.replace(/^[^.]*/, Buffer.from(json).toString('base64url'))
  const bare = `${encoded({ alg: 'none' })}.${encoded({ sub: 'p' })}.`

  test.each([
    jws,
    jwe,
    bare,
    `${jws}.m3u8`,
    `a.${jws}`,
    `Bearer:${jws}`,
    `access_token=${jws}`,
    `a@${jwe}.ts`,
    `bearer-${jws}`,
    `t_${jwe}`,
    withHeader('{ "alg":"ES256"}'),
    withHeader('{\n  "alg": "ES256"\n}'),
    withHeader('{\r\n\t"alg": "ES256"}'),
    // A run of base64url that itself holds `_ey`.
    withHeader('{"kid":"R@&?{*"}'),
  ])('the token %s is not part of a valid name, and the refusal does not repeat it', token => {
    const names = [token, `a/${token}`, `${token}/a`]
    for (const name of names) expect(flawOfPart(name)).toBe(flawOfPart(jws))
    expect(isRecording(token)).toBe(false)
    for (const path of [`/recordings/${token}`, ...names.map(name => `/recordings/r/${name}`)]) {
      const refusal = refusalOf(path)
      expect(refusal).toMatchObject({ reason: 'path_invalid' })
      expect(JSON.stringify(refusal)).not.toMatch(/e[wy]/)
    }
  })

  test('a token is not a valid id at a location with an ending after the id', () => {
    const media = compileLocation({ url: '/media/:recording.mp4', key: ':recording.mp4' })
    expect(locate(`/media/${jws}.mp4`, [media])).toMatchObject({ reason: 'path_invalid' })
  })

  test('a long name is searched for tokens within 50 ms', () => {
    const began = performance.now()
    const pieces = ['eyJ-', 'eyJ.', '.eyJ', '-ey', 'ew.', 'eyA.', '_ewo']
    for (const piece of pieces) flawOfPart(piece.repeat(768 / piece.length))
    expect(performance.now() - began).toBeLessThan(50)
  })
})

test('every valid name has a key of its own, without a segment that a store would resolve', () => {
  const id = fc.stringMatching(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/).filter(isRecording)
  const part = fc.stringMatching(/^[A-Za-z0-9._=+:@/-]{1,40}$/).filter(isPart)
  const names = fc.tuple(id, fc.option(part, { nil: undefined }))
  fc.assert(
    fc.property(names, names, ([a, x], [b, y]) => {
      const found = [
        [a, x],
        [b, y],
      ].map(([recording, name]) =>
        locate(`/recordings/${recording}${name === undefined ? '' : `/${name}`}`, standard),
      )
      const keys = found.map(one => ('ref' in one ? one.ref.key : ''))
      for (const key of keys) expect(new URL(`https://h/${key}`).pathname).toBe(`/${key}`)
      expect(keys[0] === keys[1]).toBe(a === b && x === y)
    }),
    sample(300, 20_000),
  )
})
