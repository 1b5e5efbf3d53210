import { parse } from 'content-disposition'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contentDisposition } from '../../../src/http/file-name.ts'
import { deliveryOf } from '../../../src/http/media-type.ts'
import { sample } from '../../support/sample.ts'

const MP4 = 'video/mp4'
function named(
  recording: string,
  part: string | undefined,
  type: string | undefined,
  stored?: string,
): string {
  const key = `recordings/${recording}${part === undefined ? '' : `/${part}`}`
  const ref = part === undefined ? { recording, key } : { recording, part, key }
  return contentDisposition(ref, stored, deliveryOf(type, part ?? key))
}

// A file is named after its recording, never after its URL.
test.each<[string, string | undefined, string | undefined, string]>([
  ['rec-042', undefined, MP4, 'inline; filename="rec-042.mp4"'],
  ['rec-042', undefined, 'Audio/MP4; codecs="mp4a.40.2"', 'inline; filename="rec-042.m4a"'],
  ['rec-042', undefined, undefined, 'attachment; filename="rec-042"'],
  ['rec-042', undefined, 'text/html', 'attachment; filename="rec-042"'],
  // An id may have dots.
  ['1.2.840.10008', undefined, MP4, 'inline; filename="1.2.840.10008.mp4"'],
  ['rec-042', 'transcript.txt', 'text/plain', 'inline; filename="rec-042-transcript.txt"'],
  ['rec-042', 'report.pdf', 'application/pdf', 'attachment; filename="rec-042-report.pdf"'],
  ['rec-042', 'report', 'application/pdf', 'attachment; filename="rec-042-report.pdf"'],
  ['rec-042', 'board.svg', 'image/svg+xml', 'attachment; filename="rec-042-board.svg"'],
  // Two parts of one name in two folders are two files.
  ['rec-042', '720p/segment-1.m4s', MP4, 'inline; filename="rec-042-720p-segment-1.m4s"'],
  ['rec-042', 'video', 'application/vnd.apple.mpegurl', 'inline; filename="rec-042-video.m3u8"'],
  ['rec-042', 'a:b.mp4', MP4, 'inline; filename="rec-042-a_b.mp4"'],
])('recording %s, part %s, of type %s, is sent as %s', (recording, part, type, header) =>
  expect(named(recording, part, type)).toBe(header),
)

// Of a stored disposition only the file name is kept.
test.each([
  ['attachment; filename="Follow-up.mp4"', 'inline; filename="Follow-up.mp4"'],
  ['form-data; name=x; filename=visit.mp4; size=1', 'inline; filename="visit.mp4"'],
  ['attachment', 'inline; filename="rec-1.mp4"'],
  ['attachment; filename=""', 'inline; filename="rec-1.mp4"'],
  ['attachment; filename="..."', 'inline; filename="rec-1.mp4"'],
  ['inline; filename="visit"', 'inline; filename="visit.mp4"'],
  ['inline; filename="visit.exe"', 'inline; filename="visit.exe.mp4"'],
  ['inline; filename="../../etc/cron.mp4"', 'inline; filename="_.._etc_cron.mp4"'],
  ['inline; filename="C:\\\\Windows\\\\x.mp4"', 'inline; filename="C__Windows_x.mp4"'],
  ['inline; filename=".htaccess.mp4"', 'inline; filename="htaccess.mp4"'],
  ['inline; filename=" . visit 1.mp4 .. "', 'inline; filename="visit 1.mp4"'],
  ['inline; filename="a\\"; x=\\"b.mp4"', 'inline; filename="a_; x=_b.mp4"'],
  ["inline; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x.mp4", 'inline; filename="a__Set-Cookie_ x.mp4"'],
  [
    "inline; filename=a.mp4; filename*=UTF-8''Gespr%C3%A4ch.mp4",
    'inline; filename="Gespr_ch.mp4"; filename*=UTF-8\'\'Gespr%C3%A4ch.mp4',
  ],
  // Right to left from the mark on: it would be read as "4pm.exe" turned round.
  ["inline; filename*=UTF-8''exe%E2%80%AE4pm.mp4", 'inline; filename="exe_4pm.mp4"'],
])('the stored disposition %s is sent as %s', (stored, header) =>
  expect(named('rec-1', undefined, MP4, stored)).toBe(header),
)

describe('long file names', () => {
  const nameOf = (stored: string) =>
    parse(named('rec-1', undefined, MP4, `inline; filename*=UTF-8''${encodeURIComponent(stored)}`)).parameters
      .filename

  test.each([
    ['a file name of 200 bytes is kept', `${'a'.repeat(196)}.mp4`, `${'a'.repeat(196)}.mp4`],
    ['a longer file name is cut before its ending', `${'a'.repeat(197)}.mp4`, `${'a'.repeat(196)}.mp4`],
    [
      'a longer file name keeps only its last ending',
      `a.webm${'-'.repeat(300)}.mp4`,
      `a.webm${'-'.repeat(190)}.mp4`,
    ],
    ['an ending added to a file name is part of its 200 bytes', 'a'.repeat(199), `${'a'.repeat(196)}.mp4`],
    [
      'an ending added to a name of three-byte characters is part of its 200 bytes',
      '診'.repeat(66),
      `${'診'.repeat(65)}.mp4`,
    ],
    ['no character of a file name is cut in two', `a${'🎥'.repeat(50)}.mp4`, `a${'🎥'.repeat(48)}.mp4`],
  ])('%s', (_, stored, name) => expect(nameOf(stored)).toBe(name))

  test.each([
    ['without an ending', '', `${'r'.repeat(200)}`],
    ['with an ending of an unknown type', '.dcm', `${'r'.repeat(196)}.dcm`],
  ])('a recording id %s gives a file name of 200 bytes at most', (_, ending, name) =>
    expect(named(`${'r'.repeat(300)}${ending}`, undefined, undefined)).toBe(`attachment; filename="${name}"`),
  )
})

test('a stored disposition of more than 1,024 characters is not read', () => {
  const padded = (length: number) => 'inline; filename=visit.mp4; x='.padEnd(length, 'x')
  expect(named('rec-1', undefined, MP4, padded(1024))).toBe('inline; filename="visit.mp4"')
  expect(named('rec-1', undefined, MP4, padded(1025))).toBe('inline; filename="rec-1.mp4"')
})

/** A stored header as a recorder, a tool or an attacker may write one. */
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc
    .array(
      fc.constantFrom('../', '\\', '/', '.', ' ', '"', '%2f', '\r\n', '\u202e', '\ud800', 'ä', '🎥', 'a.mp4'),
    )
    .map(pieces => pieces.join('')),
  fc.string({ minLength: 200, maxLength: 400 }),
)
const stored = fc.oneof(
  text,
  text.map(name => `attachment; filename="${name}"`),
  text.map(name => `attachment; filename*=UTF-8''${encodeURIComponent(name.toWellFormed())}`),
)
const type = fc.constantFrom(undefined, MP4, 'application/pdf', 'text/plain', 'text/html', 'image/png')
const segment = fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._=+:@-]{0,199}$/)
const part = fc.option(
  fc.array(segment, { minLength: 1, maxLength: 8 }).map(segments => segments.join('/')),
  { nil: undefined },
)

test('whatever is stored, the header holds one file name, which is safe to save', () => {
  fc.assert(
    fc.property(
      segment,
      part,
      type,
      fc.option(stored, { nil: undefined }),
      (recording, part, type, stored) => {
        const header = named(recording, part, type, stored)
        // What a header may hold, and no more than servers take.
        expect(header).toMatch(/^(?:inline|attachment); filename="[^"\\]+"(?:; filename\*=UTF-8''[!-~]+)?$/)
        expect(header).toMatch(/^[ -~]{1,1000}$/)
        const { filename = '' } = parse(header).parameters
        expect(Buffer.byteLength(filename)).toBeLessThanOrEqual(200)
        expect(filename).not.toMatch(/[\p{Cc}/\\:"%\u202a-\u202e\u2066-\u2069]/u)
        expect(filename).not.toMatch(/^[. ]|^$/)
        expect(filename.isWellFormed()).toBe(true)
      },
    ),
    sample(500, 50_000),
  )
})
