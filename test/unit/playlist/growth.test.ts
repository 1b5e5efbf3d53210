import { describe, expect, test } from 'vitest'
import { MAX_PLAYLIST, rewritePlaylist } from '../../../src/playlist/playlist.ts'
import { growth } from '../../support/growth.ts'
import { contextAt } from './context.ts'

// However hostile a playlist is, four times its length takes about four times as long to rewrite.

const OWN = 'https://media.clinic.example/recordings/rec-013'
const MEDIA = '#EXTM3U\n#EXT-X-TARGETDURATION:1\n'
const repeated = (before: string, unit: string, after: string) => (size: number) =>
  before + unit.repeat((size - 80) / unit.length) + after

describe('HLS', () => {
  const filled = (unit: string, before = '', after = '') => repeated(MEDIA + before, unit, after)
  test.each([
    ['empty lines', filled('\n')],
    ['short URIs', filled('a\n')],
    ['absolute URIs', filled(`${OWN}/video/a\n`)],
    ['absolute paths', filled('/recordings/rec-013/a\n')],
    ['one line', filled('a', '#EXT-X-FUTURE:')],
    ['marks', filled('#')],
    ['marks and spaces', filled('# ')],
    ['comments', filled('#\n')],
    ['tags', filled('#EXT\n')],
    ['tags in a line', filled('#EXT#EXT#EXT#EXT\n')],
    ['tags in one line', filled('#EXT')],
    ['variants without their colon', filled('#EXT-X-STREAM-INF \t')],
    ['spaces', filled(' ', '#')],
    ['a quote that never ends', filled('a', '#EXT-X-FUTURE:A="')],
    ['quotes', filled('"', '#EXT-X-FUTURE:A=')],
    ['a text that speaks of URIs', filled('uri=', '#EXT-X-MEDIA:NAME="', '"')],
    ['texts of one tag', filled('NAME="uri=",', '#EXT-X-MEDIA:')],
    ['a quote far away', filled('A=1 ', '#EXT-X-FUTURE:', ',B="1"')],
    ['names', filled('A', '#EXT-X-FUTURE:')],
    ['equals signs', filled('=', '#EXT-X-FUTURE:A')],
    ['elements', filled('<', '#')],
    ['an element that never ends', filled('a', '#<')],
    ['commas', filled(',', '#EXT-X-FUTURE:A')],
    ['colons', filled(':', '#EXT-X-FUTURE:A')],
    ['attributes', filled('A=1,', '#EXT-X-FUTURE:', 'B=1')],
    ['attributes of one tag each', filled('#EXT-X-MAP:URI="a"\n')],
    ['renditions', filled('#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="b",URI="c.m3u8"\n')],
    ['folders', filled('../')],
    ['uri, uri', filled('uri ', '#EXT-X-FUTURE:')],
    ['uri and space', filled(' ', '#EXT-X-FUTURE:uri')],
    ['durations', filled('1', '#EXTINF:')],
    ['titles', filled('#EXTINF:1,a="b"\na\n')],
    ['slashes', filled('/..', '#EXT-X-FUTURE:a')],
    ['white space', filled(' \t', '#EXT-X-FUTURE:a', 'b')],
  ])('the time to rewrite HLS with %s grows no faster than its length', async (_, playlist) => {
    const rewrite = (text: string) => rewritePlaylist(text, 'hls', contextAt('video/main.m3u8'))
    expect(await growth(playlist, MAX_PLAYLIST.hls / 4, rewrite)).toBeUndefined()
  })
})

describe('MPD', () => {
  const filled = (unit: string, before = '<MPD>', after = '</MPD>') => repeated(before, unit, after)
  test.each([
    ['nothing but space', filled(' ', '')],
    ['elements', filled('<Period/>')],
    ['open elements', filled('<a>')],
    ['bases', filled('<Period><BaseURL>a</BaseURL></Period>')],
    ['bases of one', filled('<BaseURL>a</BaseURL>')],
    ['segments', filled('<SegmentURL media="a"/>')],
    ['absolute segments', filled(`<SegmentURL media="${OWN}/a"/>`)],
    ['ids', filled('<Representation id="a"/>')],
    ['attributes', filled(' a="1"', '<MPD')],
    ['an attribute that never ends', filled('a', '<MPD a="')],
    ['space in a tag', filled(' ', '<MPD')],
    ['space in a text', filled(' ', '<MPD><BaseURL>a', 'b</BaseURL></MPD>')],
    ['a name', filled('a', '<MPD ')],
    ['entities', filled('&amp;')],
    ['ampersands', filled('&')],
    ['comments', filled('<!-- -->')],
    ['a comment that never ends', filled('-', '<MPD><!--')],
    ['templates', filled('$Number$', '<MPD><SegmentTemplate media="', '"/></MPD>')],
    ['dollars', filled('$', '<MPD><SegmentTemplate media="', '"/></MPD>')],
    ['dollars elsewhere', filled('$', '<MPD><Future a="', '"/></MPD>')],
    ['space elsewhere', filled(' ', '<MPD><Future a="x', 'x"/></MPD>')],
    ['folders in a template', filled('$Time$/', '<MPD><SegmentTemplate media="', '"/></MPD>')],
    ['widths', filled('$Number%099d$', '<MPD><SegmentTemplate media="', '"/></MPD>')],
    ['dots', filled('/..', '<MPD a="x', 'x"/>')],
    ['sections', filled('<![CDATA[]]>')],
    [
      'attributes of many names',
      (size: number) => `<MPD${Array.from({ length: size / 12 }, (_, i) => ` a${i}=""`).join('')}/>`,
    ],
    ['unknown elements', filled('<F a="b"/>')],
    ['boxes', filled('<pssh>AAAA</pssh>')],
    [
      'ids of several segments',
      filled('<SegmentTemplate media="$RepresentationID$/x"/>', '<MPD><Representation id="a/b"/>'),
    ],
  ])('the time to rewrite an MPD with %s grows no faster than its length', async (_, playlist) => {
    const rewrite = (text: string) => rewritePlaylist(text, 'dash', contextAt('manifest.mpd'))
    expect(await growth(playlist, MAX_PLAYLIST.dash / 4, rewrite)).toBeUndefined()
  })
})
