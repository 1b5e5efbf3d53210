import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { createIssuer } from '../../support/gate-client.ts'
import { memoryGate } from '../../support/memory-gate.ts'
import { sample } from '../../support/sample.ts'

// What a stored object is delivered as: by its type, or by its name if nobody said a type. In a store that others fill,
// any type can stand beside any bytes.

const OUTSIDE = '#EXTM3U\n#EXTINF:1,\nhttps://elsewhere.example/a.ts\n'
const OUTSIDE_MPD = `<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Location>https://elsewhere.example/</Location></MPD>`
const PLAYLIST_TYPES = /mpegurl|dash/i

const LOCATIONS = [
  { url: '/media/:recording.mp4', key: 'consultations/:recording/video.mp4' },
  { url: '/lists/:recording', key: 'lists/:recording/index.m3u8' },
  { url: '/recordings/:recording', key: 'recordings/:recording' },
  { url: '/recordings/:recording/:part+', key: 'recordings/:recording/:part' },
]

async function openGate() {
  const store = createMemoryStore()
  const idp = await createIssuer()
  const { fetch } = await memoryGate({ store, locations: LOCATIONS }, idp)
  const headers = await idp.bearer('patient-1')
  return async (path: string, key: string, contentType: string | undefined, text: string) => {
    const present = await store.find(key)
    await store.put(key, new Blob([text]).stream(), {
      size: new Blob([text]).size,
      contentType: contentType as string,
      ownership: { owner: 'patient-1', issuer: idp.issuer },
      replaces: present !== null && 'etag' in present ? present.etag : null,
    })
    return fetch(path, { headers })
  }
}

test.each([
  ['/media/rec-1.mp4', 'consultations/rec-1/video.mp4', 'video/mp4', 'rec-1.mp4'],
  ['/recordings/rec-1/a/b.mkv', 'recordings/rec-1/a/b.mkv', 'video/x-matroska', 'rec-1-a-b.mkv'],
  ['/recordings/rec-1', 'recordings/rec-1', 'application/octet-stream', 'rec-1'],
])(
  '%s has the type that the name of its object implies if the store has no type',
  async (path, key, type, name) => {
    const play = await openGate()
    for (const stored of [
      undefined,
      '',
      'application/octet-stream',
      'binary/octet-stream',
      'BINARY/octet-stream; x=y',
    ]) {
      const { status, headers } = await play(path, key, stored, 'some bytes')
      expect([status, headers.get('content-type')]).toEqual([200, type])
      expect(headers.get('content-disposition')).toContain(`filename="${name}"`)
    }
    const { headers } = await play(path, key, 'audio/webm', 'some bytes')
    expect(headers.get('content-type')).toBe('audio/webm')
  },
)

test('a recording of one file whose type is not a media type is a playlist if its first bytes are', async () => {
  const play = await openGate()
  for (const type of [undefined, 'application/octet-stream', 'text/plain', 'application/json', 'text/html']) {
    const { status } = await play('/recordings/rec-1', 'recordings/rec-1', type, OUTSIDE)
    expect([type, status]).toEqual([type, 403])
  }
})

test('no object is delivered as a playlist unless the gate has read it as one', async () => {
  const play = await openGate()
  const paths: readonly [path: string, key: string][] = [
    ['/media/rec-1.mp4', 'consultations/rec-1/video.mp4'],
    ['/lists/rec-1', 'lists/rec-1/index.m3u8'],
    ['/recordings/rec-1', 'recordings/rec-1'],
    ...['a.m3u8', 'a.M3U8', 'a.m3u', 'a.mpd', 'a.b/c.mpd', 'a.mp4', 'a.txt', 'a.bin', 'a'].map(
      (part): [string, string] => [`/recordings/rec-1/${part}`, `recordings/rec-1/${part}`],
    ),
  ]
  const type = fc.constantFrom(
    ...[
      undefined,
      '',
      'application/octet-stream',
      'binary/octet-stream',
      'text/plain',
      'text/html',
      'video/mp4',
    ],
    ...['application/vnd.apple.mpegurl', 'Audio/X-MPEGURL; a=b', 'application/dash+xml'],
  )
  // A mark, or what is no playlist to us and may be one to a player.
  const text = fc
    .tuple(fc.constantFrom('', '\ufeff', '.'), fc.constantFrom(OUTSIDE, OUTSIDE_MPD))
    .map(([before, text]) => before + text)
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), type, text, async ([path, key], type, text) => {
      const { status, headers } = await play(path, key, type, text)
      expect([200, 403]).toContain(status)
      if (status === 200) expect(headers.get('content-type')).not.toMatch(PLAYLIST_TYPES)
    }),
    sample(200, 5000),
  )
})
