import { expect, test } from 'vitest'
import { createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { createIssuer } from '../../support/gate-client.ts'
import { memoryGate } from '../../support/memory-gate.ts'

// How long a playlist may be: as long as eight hours need, and not a byte longer than is said.

const MIB = 1024 * 1024
const SEGMENTS = (8 * 3600) / 2

/** A gate of which a recorder stores a part, and its patient plays it. */
async function gateWithRecorder() {
  const store = createMemoryStore()
  const idp = await createIssuer()
  const issuers = [idp.entry({ allowed_roles: ['recorder'] })]
  const { ask } = await memoryGate({ store, issuers }, idp)
  return {
    put: async (part: string, body: string) => {
      const headers = { 'Mediaward-Owner': 'patient-1', 'Content-Length': String(body.length) }
      const init = { method: 'PUT', claims: { roles: ['recorder'] }, headers, body }
      return (await ask('recorder-1', `/recordings/set/${part}`, init)).status
    },
    /** What other tools stored, which was not looked at. */
    storeUnseen: async (part: string, body: string) => {
      const ownership = { owner: 'patient-1', issuer: idp.issuer }
      const facts = { size: body.length, contentType: 'video/mp4', ownership, replaces: null }
      await store.put(`recordings/set/${part}`, new Blob([body]).stream(), facts)
    },
    play: async (part: string) => {
      const response = await ask('patient-1', `/recordings/set/${part}`)
      return [response.status, response.headers.get('content-length')]
    },
  }
}

/** Eight hours of HLS, as ffmpeg writes them with `-hls_flags program_date_time`. */
function eightHoursOfHls(): string {
  const lines = ['#EXTM3U', '#EXT-X-VERSION:3', '#EXT-X-TARGETDURATION:2', '#EXT-X-MEDIA-SEQUENCE:0']
  const began = Date.parse('2026-11-22T08:00:00Z')
  for (let number = 0; number < SEGMENTS; number += 1) {
    const time = new Date(began + 2000 * number).toISOString().replace('Z', '+0000')
    lines.push('#EXTINF:2.000000,', `#EXT-X-PROGRAM-DATE-TIME:${time}`, `consultation-720p-${number}.ts`)
  }
  return `${[...lines, '#EXT-X-ENDLIST'].join('\n')}\n`
}

/** Eight hours of DASH, with pictures and sound, each of whose segments has its time, and not the length of the one before. */
function eightHoursOfDash(): string {
  const set = (type: string, scale: number) => {
    let at = 0
    let times = ''
    for (let number = 0; number < SEGMENTS; number += 1) {
      const length = 2 * scale + (number % 2 === 0 ? 1 : -1)
      times += `<S t="${at}" d="${length}"/>`
      at += length
    }
    return (
      `<AdaptationSet contentType="${type}"><Representation id="${type}" bandwidth="1" mimeType="${type}/mp4">` +
      `<SegmentTemplate timescale="${scale}" initialization="${type}/init.mp4" media="${type}/$Number%05d$.m4s" ` +
      `startNumber="1"><SegmentTimeline>${times}</SegmentTimeline></SegmentTemplate></Representation></AdaptationSet>`
    )
  }
  const period = `<Period id="0" start="PT0S">${set('video', 90_000)}${set('audio', 48_000)}</Period>`
  return `<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT8H" minBufferTime="PT2S" profiles="urn:mpeg:dash:profile:isoff-live:2011">${period}</MPD>\n`
}

test.each([
  ['a playlist of HLS with segments of two seconds, each with its date,', 'main.m3u8', eightHoursOfHls()],
  ['a manifest of DASH with a SegmentTimeline', 'main.mpd', eightHoursOfDash()],
])('%s for eight hours is stored and played', async (_, part, text) => {
  // Else it would say nothing about how much fits.
  expect(text.length).toBeGreaterThan(MIB / 2)
  const { put, play } = await gateWithRecorder()
  expect(await put(part, text)).toBe(201)
  expect(await play(part)).toEqual([200, String(text.length)])
})

test.each([
  ['hls', 'm3u8', 2 * MIB, (length: number) => `#EXTM3U\n#${' '.repeat(length - 9)}`],
  ['dash', 'mpd', MIB, (length: number) => `<MPD>${' '.repeat(length - 11)}</MPD>`],
] as const)('a playlist of %s (%s) may have %i bytes, and not one more', async (_, ending, most, filled) => {
  const { put, storeUnseen, play } = await gateWithRecorder()
  expect(filled(most)).toHaveLength(most)
  expect(await put(`longest.${ending}`, filled(most))).toBe(201)
  expect(await play(`longest.${ending}`)).toEqual([200, String(most)])
  expect(await put(`longer.${ending}`, filled(most + 1))).toBe(400)
  await storeUnseen(`longer.${ending}`, filled(most + 1))
  expect((await play(`longer.${ending}`))[0]).toBe(403)
})
