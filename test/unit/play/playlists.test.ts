import { describe, expect, test } from 'vitest'
import type { MediawardOptions, RecordingStore } from '../../../src/index.ts'
import { createVerdicts } from '../../../src/play/read-playlist.ts'
import { MAX_PLAYLIST } from '../../../src/playlist/playlist.ts'
import { Refusal } from '../../../src/refusal.ts'
import { createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { factsOf } from '../../contract/recordings.ts'
import { createIssuer } from '../../support/gate-client.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'
import { storeWith } from '../../support/store-with.ts'

const OWN = 'https://gate.test/recordings/set'
const HLS = `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${OWN}/video/seg-0.ts\n#EXTINF:1,\nseg-1.ts\n`
const REWRITTEN = '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nseg-0.ts\n#EXTINF:1,\nseg-1.ts\n'

interface GateWithParts extends MemoryGate {
  readonly store: RecordingStore
  /** Asks as the patient whose recordings these are. */
  readonly play: (part: string, headers?: Record<string, string>, method?: string) => Promise<Response>
  /** What was asked of the store since the last time. */
  readonly asked: () => string[]
}

/** Creates a gate with the recording `set` of these parts. */
async function gateWithParts(
  parts: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>,
  { type = 'video/mp4', ...options }: Partial<MediawardOptions> & { type?: string } = {},
): Promise<GateWithParts> {
  const idp = await createIssuer()
  const memory = createMemoryStore()
  let asked: string[] = []
  const store = storeWith(memory, {
    find: key => {
      asked.push('find')
      return memory.find(key)
    },
    open: (key, range) => {
      asked.push(range === undefined ? 'open' : `open ${JSON.stringify(range)}`)
      return memory.open(key, range)
    },
  })
  for (const [part, content] of Object.entries(parts)) {
    const body = new Blob([content])
    const ownership = { owner: 'patient-1', issuer: idp.issuer }
    const facts = { size: body.size, contentType: type, ownership, replaces: null }
    await memory.put(`recordings/set/${part}`, body.stream(), facts)
  }
  const gate = await memoryGate({ store, ...options }, idp)
  return {
    ...gate,
    store,
    play: (part, headers = {}, method = 'GET') =>
      gate.ask('patient-1', `/recordings/set/${part}`, { method, headers }),
    asked: () => {
      const since = asked
      asked = []
      return since
    },
  }
}

describe('rewritten playlists', () => {
  test('the headers of a rewritten playlist describe the bytes that are sent, not those that are stored', async () => {
    const gate = await gateWithParts({ 'video/main.m3u8': HLS, 'video/own.m3u8': REWRITTEN })
    const response = await gate.play('video/main.m3u8')
    const etag = response.headers.get('etag') ?? ''
    expect(await response.text()).toBe(REWRITTEN)
    expect(gate.asked()).toEqual(['open'])
    expect(response.headers.get('content-length')).toBe(String(REWRITTEN.length))
    expect(response.headers.get('content-type')).toBe('application/vnd.apple.mpegurl')
    expect(etag).toMatch(/^"[0-9a-f]+-m1"$/)

    const head = await gate.play('video/main.m3u8', { range: 'bytes=0-1' }, 'HEAD')
    expect([head.status, await head.text()]).toEqual([200, ''])
    for (const name of ['etag', 'content-length', 'content-type', 'last-modified'])
      expect(head.headers.get(name)).toBe(response.headers.get(name))
    expect(gate.asked()).toEqual(['open'])

    // What needs nothing is sent as it is stored, under its own tag.
    const own = await gate.play('video/own.m3u8')
    expect(await own.text()).toBe(REWRITTEN)
    expect(own.headers.get('etag')).toMatch(/^"[0-9a-f]+"$/)
  })

  test('preconditions and ranges of a rewritten playlist apply to the bytes that are sent', async () => {
    const gate = await gateWithParts({ 'video/main.m3u8': HLS })
    const play = (headers: Record<string, string>) => gate.play('video/main.m3u8', headers)
    const etag = (await play({})).headers.get('etag') ?? ''
    const stored = etag.replace('-m1', '')
    expect((await play({ 'if-none-match': etag })).status).toBe(304)
    expect((await play({ 'if-none-match': stored })).status).toBe(200)
    expect((await play({ 'if-match': stored })).status).toBe(412)

    const part = await play({ range: 'bytes=8-15' })
    expect([part.status, await part.text()]).toEqual([206, REWRITTEN.slice(8, 16)])
    expect(part.headers.get('content-range')).toBe(`bytes 8-15/${REWRITTEN.length}`)
    const end = await play({ range: 'bytes=-9' })
    expect(await end.text()).toBe('seg-1.ts\n')
    const resumed = await play({ range: 'bytes=8-15', 'if-range': stored })
    expect([resumed.status, await resumed.text()]).toEqual([200, REWRITTEN])
    // Within what is stored, beyond what is sent.
    const beyond = await play({ range: `bytes=${REWRITTEN.length}-` })
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${REWRITTEN.length}`])
    expect(new Set(gate.asked())).toEqual(new Set(['open']))
  })

  test('a part with the media type of a playlist is read whole and rewritten, whatever its name', async () => {
    const gate = await gateWithParts(
      { 'video/main.x': HLS },
      { type: 'Application/x-mpegURL; charset=utf-8' },
    )
    gate.asked()
    const response = await gate.play('video/main.x', { range: 'bytes=8-15' })
    expect([response.status, await response.text()]).toEqual([206, REWRITTEN.slice(8, 16)])
    expect(response.headers.get('content-type')).toBe('application/vnd.apple.mpegurl')
    expect(gate.asked()).toEqual(['open {"offset":8,"length":8}', `open {"offset":0,"length":${HLS.length}}`])
    const beyond = await gate.play('video/main.x', { range: 'bytes=5000-' })
    expect(beyond.headers.get('content-range')).toBe(`bytes */${REWRITTEN.length}`)
    const head = await gate.play('video/main.x', {}, 'HEAD')
    expect(head.headers.get('content-length')).toBe(String(REWRITTEN.length))
  })

  test('the gate takes URLs in a playlist for its own only if they begin with its public URL', async () => {
    const text = HLS.replaceAll('https://gate.test', 'https://media.clinic.example')
    const gate = await gateWithParts(
      { 'video/main.m3u8': text },
      { publicUrl: 'https://media.clinic.example' },
    )
    expect(await (await gate.play('video/main.m3u8')).text()).toBe(REWRITTEN)
    const other = await gateWithParts({ 'video/main.m3u8': text })
    expect((await other.play('video/main.m3u8')).status).toBe(403)
    // Not that of the request, which whoever asks can write.
    const none = await gateWithParts(
      { 'video/main.m3u8': HLS, 'video/other.m3u8': text },
      { publicUrl: undefined },
    )
    for (const part of ['video/main.m3u8', 'video/other.m3u8'])
      expect((await none.play(part)).status).toBe(403)
  })

  test('a playlist that refers to the same recording at another location is refused', async () => {
    const locations = [
      { url: '/recordings/:recording/:part+', key: 'recordings/:recording/:part' },
      { url: '/archive/:recording/:part+', key: 'archive/:recording/:part' },
    ]
    const text = HLS.replace('/recordings/', '/archive/')
    const gate = await gateWithParts({ 'video/main.m3u8': text }, { locations })
    expect((await gate.play('video/main.m3u8')).status).toBe(403)
  })

  test('a playlist that refers to another recording at another location is refused', async () => {
    const locations = [
      { url: '/recordings/:recording/:part+', key: 'recordings/:recording/:part' },
      { url: '/by-room/:recording/:part+', key: 'rooms/:recording/set/:part' },
    ]
    const gate = await gateWithParts(
      { 'main.m3u8': '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/by-room/recordings/seg-0.ts\n' },
      { locations },
    )
    expect((await gate.play('main.m3u8')).status).toBe(403)
  })

  test('a gate rejects locations that would keep two recordings at one key', async () => {
    const locations = [
      { url: '/recordings/:recording/:part+', key: 'recordings/:recording/:part' },
      { url: '/by-room/:recording/:part+', key: ':recording/set/:part' },
    ]
    await expect(gateWithParts({}, { locations })).rejects.toThrow('keep two recordings at one key')
  })

  test('a manifest of DASH is rewritten, or refused if it leads out of its recording', async () => {
    const mpd = (base: string) => `<MPD><BaseURL>${base}</BaseURL><Period/></MPD>`
    const gate = await gateWithParts({
      'a/x.mpd': mpd('/recordings/set/b/'),
      'a/y.mpd': mpd('//evil.example/'),
    })
    const response = await gate.play('a/x.mpd')
    expect(response.headers.get('content-type')).toBe('application/dash+xml')
    expect(await response.text()).toBe(mpd('../b/'))
    expect((await gate.play('a/y.mpd')).status).toBe(403)
  })
})

describe('remembered playlists', () => {
  test('a playlist is not read again for the next request, but each request needs a permit of its own', async () => {
    const gate = await gateWithParts({ 'video/main.m3u8': HLS })
    const first = await gate.play('video/main.m3u8')
    const again = await gate.play('video/main.m3u8', { range: 'bytes=8-15' })
    expect([again.status, await again.text()]).toEqual([206, REWRITTEN.slice(8, 16)])
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'))
    expect(gate.asked()).toEqual(['open', 'open'])
    expect((await gate.ask('patient-2', '/recordings/set/video/main.m3u8')).status).toBe(404)
    expect(await gate.events('access')).toHaveLength(1)
  })

  test('a verdict on a playlist does not apply to the same bytes as another recording, part or kind', async () => {
    const idp = await createIssuer()
    const store = createMemoryStore()
    const text = `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${OWN}/video/seg-0.ts\n`
    const put = (key: string, contentType = 'video/mp4') =>
      store.put(key, new Blob([text]).stream(), {
        size: text.length,
        contentType,
        ownership: { owner: 'patient-1', issuer: idp.issuer },
        replaces: null,
      })
    const locations = [
      { url: '/recordings/:recording/:part+', key: 'recordings/:recording/:part' },
      { url: '/archive/:recording/:part+', key: 'archive/:recording/:part' },
    ]
    const etags: (string | undefined)[] = []
    for (const key of [
      'recordings/set/a.m3u8',
      'recordings/set/v/a.m3u8',
      'recordings/other/a.m3u8',
      'archive/set/a.m3u8',
    ])
      etags.push((await put(key))?.etag)
    await put('recordings/set/a.mpd')
    // As R2 and S3 make them: of the bytes alone.
    const open: typeof store.open = async (key, range) => {
      const part = await store.open(key, range)
      return part && { ...part, etag: etags[0] ?? '' }
    }
    const gate = await memoryGate({ store: storeWith(store, { open }), locations }, idp)
    const play = async (path: string) => {
      const response = await gate.ask('patient-1', path)
      const body = await response.text()
      return response.status === 200 ? body.split('\n')[3] : response.status
    }
    for (let time = 0; time < 2; time += 1) {
      expect(await play('/recordings/set/a.m3u8')).toBe('video/seg-0.ts')
      expect(await play('/recordings/set/v/a.m3u8')).toBe('../video/seg-0.ts')
      expect(await play('/recordings/other/a.m3u8')).toBe(403)
      expect(await play('/archive/set/a.m3u8')).toBe(403)
      expect(await play('/recordings/set/a.mpd')).toBe(403)
    }
  })

  test('a playlist is read again after it was replaced', async () => {
    const gate = await gateWithParts({ 'a.m3u8': HLS })
    expect((await gate.play('a.m3u8')).status).toBe(200)
    const bad = HLS.replace(OWN, 'https://evil.example')
    const present = await factsOf(gate.store, 'recordings/set/a.m3u8')
    await gate.store.put('recordings/set/a.m3u8', new Blob([bad]).stream(), {
      size: bad.length,
      contentType: 'video/mp4',
      ownership: present?.ownership ?? {},
      replaces: present !== null && 'etag' in present ? present.etag : null,
    })
    expect((await gate.play('a.m3u8')).status).toBe(403)
  })

  test('the gate remembers at most 16 MiB of playlists, and drops the oldest first', () => {
    const verdicts = createVerdicts()
    const bytes = new Uint8Array(2 * 1024 * 1024)
    for (let number = 0; number < 9; number += 1) verdicts.set(`${number}`, { bytes, isStored: true })
    const kept = Array.from({ length: 9 }, (_, number) => verdicts.get(`${number}`) !== undefined)
    expect(kept).toEqual([false, false, true, true, true, true, true, true, true])
    for (let number = 0; number < 100_000; number += 1)
      verdicts.set(`r${number}`, new Refusal('playlist_invalid'))
    expect(verdicts.get('8')).toBeUndefined()
    expect(verdicts.get('r99999')).toBeDefined()
    expect(verdicts.get('r60000')).toBeUndefined()
  })
})

describe('refused playlists', () => {
  const out = HLS.replace(OWN, 'https://evil.example')

  test('a playlist that leads out is refused without a byte or a view, and the record holds its line and owner', async () => {
    const gate = await gateWithParts({ 'video/main.m3u8': out })
    for (const [headers, method] of [[{}], [{ range: 'bytes=0-6' }], [{}, 'HEAD']] as const) {
      const response = await gate.play('video/main.m3u8', headers, method)
      expect(response.status).toBe(403)
      const said = await response.text()
      expect(said).not.toMatch(/evil|EXTM3U/)
    }
    const refusals = await gate.events('access')
    expect(refusals.map(({ reason, method }) => [reason, method])).toEqual([
      ['playlist_outside', 'GET'],
      ['playlist_outside', 'GET'],
      ['playlist_outside', 'HEAD'],
    ])
    expect(refusals[0]).toMatchObject({ recording: 'set', part: 'video/main.m3u8', decision: 'deny' })
    expect(refusals.map(({ playlist }) => playlist)).toEqual(Array(3).fill({ line: 4 }))
    expect(refusals[0]?.subject).toBe(refusals[0]?.owner)
    expect(await gate.events()).toHaveLength(3)
  })

  test('the record of a refused playlist names tags and attributes from our lists alone', async () => {
    const gate = await gateWithParts({
      'map.m3u8': '#EXTM3U\n\n#EXT-X-MAP:URI="//secret.example/patient-1"\n',
      'future.m3u8': '#EXTM3U\n#EXT-X-SECRET:A="//secret.example/patient-1"\n',
      'period.mpd': '<MPD>\n<Period\n xlink:href="//secret.example/patient-1"/></MPD>',
      'own.mpd': '<MPD>\n<Secret\n\nsecret="//secret.example/patient-1"/></MPD>',
    })
    for (const part of ['map.m3u8', 'future.m3u8', 'period.mpd', 'own.mpd'])
      expect((await gate.play(part)).status).toBe(403)
    const refusals = await gate.events('access')
    expect(refusals.map(({ playlist }) => playlist)).toEqual([
      { line: 3, tag: 'EXT-X-MAP', attribute: 'URI' },
      { line: 2, tag: 'other' },
      { line: 3, tag: 'Period', attribute: 'href' },
      { line: 4, tag: 'other', attribute: 'other' },
    ])
    expect(JSON.stringify(refusals)).not.toMatch(/secret/i)
  })

  test('a playlist that leads out does not exist for another patient', async () => {
    const gate = await gateWithParts({ 'video/main.m3u8': out })
    gate.asked()
    const answers = []
    for (const part of ['video/main.m3u8', 'video/none.m3u8']) {
      const headers = { range: 'bytes=0-9' }
      const response = await gate.ask('patient-2', `/recordings/set/${part}`, { headers })
      const body = (await response.text()).replace(/urn:uuid:[0-9a-f-]+/, '')
      answers.push([response.status, [...response.headers], body, gate.asked()])
    }
    expect(answers[0]).toEqual(answers[1])
    expect((await gate.events('access')).map(({ reason }) => reason)).toEqual([
      'not_owner',
      'recording_unknown',
    ])
  })

  test.each([
    ['a.mpd', '#EXTM3U\n# <MPD><BaseURL>https://evil.example/</BaseURL></MPD>', 'application/x-mpegurl'],
    ['b.mpd', '#EXTM3U\n', 'application/x-mpegurl'],
    ['c.m3u8', '<MPD/>', 'application/dash+xml'],
    ['d', '#EXTM3U\n# <MPD><BaseURL>https://evil.example/</BaseURL></MPD>', 'video/mp4'],
    ['e', '<MPD><!--\n#EXTM3U\n#EXTINF:1,\n//evil.example/x\n--></MPD>', 'video/mp4'],
  ])('a playlist that players may read as two kinds is refused: %s, %j', async (part, content, type) => {
    const gate = await gateWithParts({ [part]: content }, { type })
    expect((await gate.play(part)).status).toBe(403)
    expect(await gate.events('access')).toMatchObject([{ reason: 'playlist_invalid' }])
  })

  test('a playlist that is not UTF-8 or too long is refused', async () => {
    const gate = await gateWithParts({
      'latin.m3u8': Uint8Array.from([...Buffer.from('#EXTM3U\n#'), 0xe9, 10]),
      'zipped.m3u8': Uint8Array.from([0x1f, 0x8b, 8, 0]),
      'long.m3u8': `#EXTM3U\n#${' '.repeat(MAX_PLAYLIST.hls)}`,
      'longest.m3u8': `#EXTM3U\n#${' '.repeat(MAX_PLAYLIST.hls - 9)}`,
      'long.mpd': `<MPD>${' '.repeat(MAX_PLAYLIST.dash)}</MPD>`,
      'longest.mpd': `<MPD>${' '.repeat(MAX_PLAYLIST.dash - 11)}</MPD>`,
    })
    for (const part of ['latin.m3u8', 'zipped.m3u8', 'long.m3u8', 'long.mpd'])
      expect((await gate.play(part)).status).toBe(403)
    for (const [part, kind] of [
      ['longest.m3u8', 'hls'],
      ['longest.mpd', 'dash'],
    ] as const)
      expect((await gate.play(part)).headers.get('content-length')).toBe(String(MAX_PLAYLIST[kind]))
    expect(new Set((await gate.events('access')).map(({ reason }) => reason))).toEqual(
      new Set(['playlist_invalid']),
    )
  })
})

describe('parts of unknown kind', () => {
  const video = new Uint8Array(3000).fill(7)
  const start = 'open {"offset":0,"length":1024}'

  test('the first bytes of a part without an ending decide whether it is a playlist, even if its type is video', async () => {
    const gate = await gateWithParts({
      'v/720p': HLS,
      'v/out': HLS.replace(OWN, '//evil.example'),
      'v/xml': '<MPD><BaseURL>//evil.example/</BaseURL></MPD>',
      'v/raw': video,
      'v/empty': '',
    })
    gate.asked()
    const response = await gate.play('v/720p')
    expect(await response.text()).toBe(HLS.replace(`${OWN}/video`, '../video'))
    expect(response.headers.get('content-type')).toBe('application/vnd.apple.mpegurl')
    expect(gate.asked()).toEqual(['open', start])
    // Nor is a playlist had in pieces.
    const piece = await gate.play('v/720p', { range: 'bytes=20-' })
    expect(await piece.text()).toBe(HLS.replace(`${OWN}/video`, '../video').slice(20))
    for (const part of ['v/out', 'v/xml']) expect((await gate.play(part)).status).toBe(403)
    gate.asked()
    const raw = await gate.play('v/raw', { range: 'bytes=1000-1999' })
    expect([raw.status, (await raw.arrayBuffer()).byteLength]).toEqual([206, 1000])
    expect(gate.asked()).toEqual(['open {"offset":1000,"length":1000}', start])
    expect((await gate.play('v/empty')).status).toBe(200)
  })

  test('a segment with an ending takes one read, even if its type says nothing', async () => {
    const gate = await gateWithParts({ 'v/seg-0.ts': video }, { type: 'application/octet-stream' })
    gate.asked()
    expect((await gate.play('v/seg-0.ts')).status).toBe(200)
    expect(gate.asked()).toEqual(['open'])
  })

  test('the first bytes of a recording of one file are read only if its type says nothing', async () => {
    const store = createMemoryStore()
    const gate = await memoryGate({ store })
    const ownership = { owner: 'patient-1', issuer: gate.idp.issuer }
    const put = (id: string, contentType: string) =>
      store.put(`recordings/${id}`, new Blob([HLS]).stream(), {
        size: HLS.length,
        contentType,
        ownership,
        replaces: null,
      })
    await put('untyped', 'application/octet-stream')
    await put('typed', 'video/mp4')
    // In a recording of one file, every reference leads out of it.
    expect((await gate.ask('patient-1', '/recordings/untyped')).status).toBe(403)
    const typed = await gate.ask('patient-1', '/recordings/typed')
    expect([typed.status, typed.headers.get('content-type')]).toEqual([200, 'video/mp4'])
  })

  test('a playlist that is replaced between two reads is answered 503, and the body opened first is closed', async () => {
    const memory = createMemoryStore()
    let [opened, left] = [0, 0]
    const store = storeWith(memory, {
      async open(key, range) {
        const part = await memory.open(key, range)
        if (part === null || !('body' in part)) return part
        if (opened++ > 0) return { ...part, etag: '"another"' }
        const body = new ReadableStream<Uint8Array>({ cancel: () => void left++ })
        return { ...part, body }
      },
    })
    const gate = await memoryGate({ store })
    const ownership = { owner: 'patient-1', issuer: gate.idp.issuer }
    const facts = { size: HLS.length, contentType: 'audio/mpegurl', ownership, replaces: null }
    await memory.put('recordings/set/720p', new Blob([HLS]).stream(), { ...facts, contentType: 'video/mp4' })
    await memory.put('recordings/set/a.x', new Blob([HLS]).stream(), facts)
    const headers = { range: 'bytes=0-9' }
    for (const part of ['720p', 'a.x']) {
      opened = 0
      expect((await gate.ask('patient-1', `/recordings/set/${part}`, { headers })).status).toBe(503)
    }
    // What was opened first is let go of.
    expect(left).toBe(2)
  })
})
