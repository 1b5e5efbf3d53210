import { expect, test } from 'vitest'
import { parseToken } from '../../src/authenticate/parse-token.ts'
import { normalizeUrl } from '../../src/authenticate/proof/normalize-url.ts'
import { networkPrefix } from '../../src/base/network.ts'
import { classify } from '../../src/cli/upload/playlist-check.ts'
import { parseRange } from '../../src/http/byte-range.ts'
import {
  authorizationToken,
  hasTokenInQuery,
  TICKET_COOKIE,
  ticketCookie,
} from '../../src/http/credential.ts'
import { digestFields } from '../../src/http/digest-fields.ts'
import { parseEntityTags } from '../../src/http/entity-tag.ts'
import { parseHttpDate } from '../../src/http/http-date.ts'
import { mediaTypeOf, safeMediaType } from '../../src/http/media-type.ts'
import { parsePieceRange } from '../../src/ingest/pieces.ts'
import { observe } from '../../src/ledger/head.ts'
import { compileLocation, locationsUnder } from '../../src/locate/location.ts'
import { operationOf } from '../../src/locate/target.ts'
import { firstElement, kindOfName, kindOfType } from '../../src/playlist/kind.ts'
import { rewritePlaylist } from '../../src/playlist/playlist.ts'
import { errorCodeIn, isWhole } from '../../src/runtime/s3/answer.ts'
import { contextOf } from '../support/context.ts'
import { growth } from '../support/growth.ts'
import { contextAt } from './playlist/context.ts'

// Whatever reads bytes that somebody sends or stores takes time that grows no faster than they do. Each is given texts
// made of its own pieces, again and again: a run of something, begun and not ended, or ended wrongly.

const locations = locationsUnder('/recordings').map(compileLocation)
const headers = (name: string, value: string) => new Headers([[name, value]])
const request = (init: RequestInit, path = '/recordings/x') => new Request(`https://gate.test${path}`, init)
const nowhere = { ip: undefined, prefix: undefined, asn: undefined, country: undefined }
const withHeader = (name: string, value: string) => request({ headers: headers(name, value) })

interface Reader {
  readonly read: (text: string) => unknown
  readonly begins?: string
  readonly pieces: readonly string[]
}
/** Larger than what any runtime lets through as a header, and than any path. */
const SENT = 64 * 1024
const READERS: Readonly<Record<string, Reader>> = {
  'entity tags': { read: parseEntityTags, pieces: ['"a", ', ' ', ',', ', ', 'W/', '"', '"a"', 'W/"a",\t'] },
  range: { read: parseRange, begins: 'bytes=', pieces: ['0-0,', ' ', ',', '\t,', '0', '-1, '] },
  'range of one': {
    read: text => parseRange(text.slice(0, 256)),
    begins: 'bytes=',
    pieces: [' ', ', ', '0 '],
  },
  'HTTP date': { read: text => parseHttpDate(text, 0), begins: 'Sun, ', pieces: ['0', ' ', 'Sun, '] },
  'bearer token': {
    read: text => authorizationToken(withHeader('authorization', text), true),
    begins: 'Bearer ',
    pieces: ['a', '=', ' ', 'a.', 'Bearer ', 'DPoP '],
  },
  'URL of a proof': {
    read: normalizeUrl,
    begins: 'https://gate.test/',
    pieces: ['%2', '%2D', '/', 'a', ':', '?'],
  },
  'token in a query': {
    read: text => hasTokenInQuery(request({}, `/x?${text}`)),
    pieces: ['a&', 'a=b&', '%', '&'],
  },
  'parts of a token': { read: parseToken, pieces: ['e', 'e.', '.', 'e30.'] },
  cookie: {
    read: text => ticketCookie(headers('cookie', text)),
    begins: 'a=b',
    pieces: ['; ', ';', '\t', `;${TICKET_COOKIE}`, `; ${TICKET_COOKIE} `, `${TICKET_COOKIE}=`],
  },
  path: {
    read: text => operationOf(request({}, `/recordings/${text}`), locations),
    pieces: ['a', 'a/', '/', '.', 'a.', '%2F', '/ticket'],
  },
  'path with a ticket': {
    read: text => operationOf(request({}, `/play/${text}`), locations),
    pieces: ['a', 'a/', '/', 'a.', '.'],
  },
  digest: {
    read: text => digestFields(headers('content-digest', text)),
    pieces: [
      'sha-256=:',
      'a=1, ',
      'a;b',
      'a;b="',
      '(',
      'a=(',
      'a=( "x" ',
      ' ',
      ',',
      'a=:AA==:,',
      'a="\\"',
      'a=%"%41',
    ],
  },
  'content range': { read: parsePieceRange, begins: 'bytes ', pieces: ['0', '0-', '0-0/'] },
  'media type': {
    read: text => [safeMediaType(text), kindOfType(text)],
    pieces: ['a', 'a/', ';', ' ', '; a='],
  },
  'file name': { read: text => [mediaTypeOf(text), kindOfName(text)], pieces: ['a', '.', '.a', 'm3u', '/.'] },
  address: { read: networkPrefix, pieces: ['1', '1.', ':', 'f:', '::ffff:', '1, '] },
  release: {
    read: text => {
      const sent = withHeader('mediaward-app-release', text)
      return observe(contextOf({ request: sent, network: () => nowhere }))
    },
    pieces: ['1', '1.', '-'],
  },
}

/** How large what is stored may be for this measure: growth shows long before a playlist's limit. */
const STORED = 256 * 1024
const hls = (text: string) => rewritePlaylist(text, 'hls', contextAt('video/main.m3u8'))
const dash = (text: string) => rewritePlaylist(text, 'dash', contextAt('video/main.mpd'))
const STORED_READERS: Readonly<Record<string, Reader>> = {
  'first element': {
    read: firstElement,
    pieces: ['<!---->', '<!--', '<?a?>', '<?', '<!DOCTYPE x>', ' ', '-->', '<a:'],
  },
  'what put sends': {
    read: text => classify('x', text),
    pieces: ['<!-- --> ', 'F:\u2028', '.m3u8x', '<?xml?>', '#EXTM3U\n'],
  },
  'lines of HLS': {
    read: hls,
    begins: '#EXTM3U\n#EXT-X-TARGETDURATION:1\n',
    pieces: [
      '\n',
      '#',
      '# ',
      '#EXT',
      '#EXTINF:1,\na.ts\n',
      'a/',
      '../',
      '#EXT-X-',
      '#EXT-X-STREAM-INF ',
      ' ',
      '#EXTINF:1,',
      'a.ts?a=1&\n',
    ],
  },
  'attributes of HLS': {
    read: hls,
    begins: '#EXTM3U\n#EXT-X-MAP:URI="a"',
    pieces: [',A="', ',A=1', ', ', ',URI="a"', ' ', '"', ',A="../', ',A=":'],
  },
  'elements of DASH': {
    read: dash,
    begins: '<MPD><Period>',
    pieces: [
      '<a>',
      '<a/>',
      '<!---->',
      '<!-- -->',
      '<',
      ' ',
      '&amp;',
      '&',
      '</a>',
      '<BaseURL>a/</BaseURL>',
      '<a b="&amp;"/>',
      '<?',
    ],
  },
  'attributes of DASH': {
    read: dash,
    begins: '<MPD ',
    pieces: ['a="" ', 'a', ' ', 'a="', 'a:', 'a=" &amp;', '=', "a='"],
  },
  'answer of S3': {
    read: text => [errorCodeIn(text), isWhole(text, 'ListBucketResult')],
    pieces: ['<ListBucketResult ', '</ListBucketResult> ', '<Code>', '<', ' ', '</'],
  },
}

const cases = [
  ...Object.entries(READERS).map(([name, reader]) => [name, reader, SENT] as const),
  ...Object.entries(STORED_READERS).map(([name, reader]) => [name, reader, STORED] as const),
]

test.each(cases)(
  'the time to read input of kind "%s" grows no faster than its length',
  async (_, reader, size) => {
    const { read, begins = '', pieces } = reader
    for (const piece of pieces) {
      for (const end of ['', '!', '\0']) {
        const text = (length: number) => begins + piece.repeat(Math.ceil(length / piece.length)) + end
        const work = (one: string) => {
          try {
            read(one)
          } catch {
            // A header that can't be sent: it never reaches us.
          }
        }
        expect(await growth(text, size / 4, work), JSON.stringify([begins, piece, end])).toBeUndefined()
      }
    }
  },
)
