import { expect, test } from 'vitest'
import type { PlaylistContext } from '../../../src/playlist/context.ts'
import { MAX_PLAYLIST, rewriteBytes } from '../../../src/playlist/playlist.ts'
import { leastCpu } from '../../support/growth.ts'
import { contextAt } from './context.ts'

// The accepted playlists that cost the most, of many that were tried: their references take the longest way to resolve.

const OWN = 'https://media.clinic.example/recordings/rec-013'
const HLS = '#EXTM3U\n#EXT-X-TARGETDURATION:6\n'

/** Creates a playlist that repeats a unit up to the limits of bytes and lines. */
function filled(kind: 'hls' | 'dash', before: string, unit: string, after = ''): Uint8Array<ArrayBuffer> {
  const room = Math.floor((MAX_PLAYLIST[kind] - before.length - after.length) / unit.length)
  const lines = Math.floor(49_990 / (unit.split('\n').length - 1))
  const text = before + unit.repeat(kind === 'hls' ? Math.min(room, lines) : room) + after
  return new TextEncoder().encode(text)
}

const [inRoot, inFolder] = [contextAt('main'), contextAt('a/b/c/d/main')]

test.each<[string, 'hls' | 'dash', PlaylistContext, Uint8Array<ArrayBuffer>]>([
  ['absolute URLs', 'hls', inRoot, filled('hls', HLS, `${OWN}/video/a\n`)],
  ['absolute paths', 'hls', inFolder, filled('hls', HLS, '/recordings/rec-013/e/f/g/h/i/a\n')],
  ['ways up and down', 'hls', inFolder, filled('hls', HLS, `${'x/../'.repeat(7)}x\n`)],
  ['ranges of maps', 'hls', inFolder, filled('hls', HLS, `#EXT-X-MAP:URI="${OWN}/e/a",BYTERANGE="1@0"\na\n`)],
  ['ways up', 'dash', inFolder, filled('dash', '<MPD>', '<SegmentURL media="../a"/>', '</MPD>')],
  ['bases', 'dash', inFolder, filled('dash', '<MPD>', '<Period><BaseURL>./</BaseURL></Period>', '</MPD>')],
])('a playlist full of %s (%s) takes at most 250 ms of CPU', async (_, kind, context, bytes) => {
  const read = () => expect(rewriteBytes(bytes, kind, context)).toBeInstanceOf(Uint8Array)
  expect(await leastCpu(read, 250)).toBeLessThanOrEqual(250)
})
