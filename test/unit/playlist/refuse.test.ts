import { expect, test } from 'vitest'
import { leadsAway, lineAt, refuseAt, refuseValue } from '../../../src/playlist/refuse.ts'
import { Refusal } from '../../../src/refusal.ts'
import { INVALID, OUTSIDE } from './context.ts'

test.each([
  ...['https://x', 'x+y.z-1://x', 'HTTP:x', 'a:\\\\x', 'a:/\\x', '9://x', 'see https:x', 'ahttp://x'],
  ...['//x', 'a //x', '"//x', "'//x", '=//x', ',//x', ';//x', '|//x', '<//x', '>//x', '(//x', ')//x'],
  ...['{//x', '}//x', '[//x', ']//x', '\\x', 'a \\x'],
  ...['http:x', 'https:x', 'ws:x', 'wss:x', 'ftp:x', 'file:x', 'blob:x', 'javascript:x', 'skd:x'],
  ...['..', '../x', 'a ..', '..?x', '..#x', '..\\x', '.. x', '.."', "..'", '..=', '..,', '..;', '..|'],
  ...['..<', '..>', '..(', '..)', '..{', '..}', '..[', '..]', '%2e%2E', '.%2e/x', '%2e.'],
  ...['a/..', 'a/../x', 'a\\..', 'a/..?x', 'a/.. ', 'a/..#', 'a/%2e%2e/', 'a\\.%2e\\x', 'a/.."', 'a/..,'],
  // The URL parser of the WHATWG drops tabs and line breaks.
  ...['ht\ntps:x', 'x:/\t/y', '/\r/x', '.\n./x', 'a/.\t./x'],
  // A piece may begin after one.
  ...['a\n//x', 'a\t\\x'],
])('the value %j leads out', value => {
  expect(leadsAway(value)).toBe(true)
  expect(refuseValue(value)).toEqual(OUTSIDE)
})

test.each([
  ...['', 'urn:x:y', 'Camera: patient', '12:30', 'a/b', 'a//b', 'a\\b', 'xhttp:x', 'http: x', 'https:'],
  ...['http:"', "http:'", 'http:,', 'data:x', '...', 'a..', '..a', '.', '/./', 'a/..b', 'a/b..', 'x:/y'],
  ...['%2e', 'a/.%2', '://x', '/x', 'a\tb', 'a\nb: c'],
])('the value %j does not lead out, and is refused as invalid', value => {
  expect(leadsAway(value)).toBe(false)
  expect(refuseValue(value)).toEqual(INVALID)
})

test('the position of a refusal has the line, and only names that may go on record', () => {
  const refusal = new Refusal('playlist_outside', 'a detail')
  expect(refuseAt(refusal, { line: 3 })).toStrictEqual(
    new Refusal('playlist_outside', undefined, { line: 3 }),
  )
  expect(refuseAt(refusal, { line: 1, tag: 'EXT-X-KEY', attribute: 'URI' }).position).toStrictEqual({
    line: 1,
    tag: 'EXT-X-KEY',
    attribute: 'URI',
  })
  expect(refuseAt(refusal, { line: 1, tag: 'patient-007', attribute: 'patient-008' }).position).toStrictEqual(
    {
      line: 1,
      tag: 'other',
      attribute: 'other',
    },
  )
  expect(refuseAt(refusal, { line: 1, tag: undefined, attribute: undefined }).position).toStrictEqual({
    line: 1,
  })
})

test.each([
  ['', 0, 1],
  ['ab', 1, 1],
  ['a\nb', 1, 1],
  ['a\nb', 2, 2],
  ['\n\n', 0, 1],
  ['\n\n', 1, 2],
  ['\n\n', 2, 3],
  ['a\nb\nc', 3, 2],
  ['a\nb\nc', 9, 3],
])('in %j, the offset %i is in line %i', (source, offset, line) => expect(lineAt(source, offset)).toBe(line))
