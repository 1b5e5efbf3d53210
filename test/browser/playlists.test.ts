import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type BrowserHarness, openBrowserHarness, ticketFor } from '../support/browser-harness.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { denials, store } from '../support/gate-client.ts'

// Playlists as some packagers write them, told where their files will be: with absolute URLs, and names that tell
// nothing. What players ask for is counted, so that nothing goes anywhere else, or without its ticket.

const MEDIA = 'demo/media/patient-007-hls'
const ELSEWHERE = 'https://elsewhere.example'
const SEGMENTS = [0, 1, 2, 3, 4, 5].map(number => `segment-00${number}.m4s`)
const MPD = (base: string) => `<?xml version="1.0" encoding="utf-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static"
  mediaPresentationDuration="PT12S" minBufferTime="PT2S">
  <BaseURL>${base}</BaseURL>
  <Period><AdaptationSet mimeType="video/mp4" segmentAlignment="true">
    <Representation id="v" bandwidth="26400" width="320" height="180" codecs="avc1.640015,mp4a.40.2">
      <SegmentTemplate timescale="1" duration="2" startNumber="0"
        initialization="init.mp4" media="segment-$Number%03d$.m4s"/>
    </Representation>
  </AdaptationSet></Period>
</MPD>
`

let harness: BrowserHarness
let gate: RunningGate
let page: Page
let token: string
let asked: string[]

beforeAll(async () => {
  harness = await openBrowserHarness({ PUBLIC_URL: ELSEWHERE })
  token = await harness.idp.token('patient-007')
  const base = `${harness.host}/recordings/abs/`
  const text = (name: string) => readFileSync(`${MEDIA}/${name}`, 'utf8')
  const media = text('video.m3u8').replaceAll(/(init\.mp4|segment-\d+\.m4s)/g, `${base}$1`)
  const files: Record<string, string | Uint8Array<ArrayBuffer>> = {
    'master.m3u8': text('master.m3u8').replace('video.m3u8', `${base}v/720p.m3u8`),
    'v/720p.m3u8': media,
    'manifest.mpd': MPD(base),
  }
  for (const name of ['init.mp4', ...SEGMENTS]) files[name] = new Uint8Array(readFileSync(`${MEDIA}/${name}`))
  await keep(harness.gate, {
    'out.m3u8': media
      .replace(`${base}segment-003`, `${ELSEWHERE}/recordings/abs/segment-003`)
      .replaceAll(base, ''),
  })
  gate = await movedTo(harness.host, harness.gate)
  await keep(gate, files)
})
afterAll(async () => {
  await gate.stop()
  await harness.close()
})
beforeEach(async () => {
  asked = []
  page = await harness.page()
})
afterEach(() => page.context().close())

async function keep(
  at: RunningGate,
  files: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>,
): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const stored = await store(at, harness.idp, `/recordings/abs/${name}`, 'patient-007', content)
    expect(stored.status).toBe(201)
  }
}

/** No gate stores a playlist that leads out. One that was well at the gate's old origin does so at its new one. */
async function movedTo(origin: string, { kill, data, port }: RunningGate): Promise<RunningGate> {
  await kill()
  const varsFile = join(data, 'test.vars')
  const vars = readFileSync(varsFile, 'utf8').replace(/^PUBLIC_URL=.*$/m, `PUBLIC_URL='${origin}'`)
  writeFileSync(varsFile, vars)
  return startGate({ data, port, varsFile })
}

/** The URL of a ticket; from then on all that the page asks for is counted. */
async function ticket(part: string): Promise<string> {
  const url = await ticketFor(page, `${harness.host}/recordings/abs/${part}`, token)
  page.on('request', request => asked.push(request.url()))
  return url
}

/** All that was asked for, below the ticket. */
function below(url: string, part: string): string[] {
  const root = url.slice(0, -part.length)
  // But for the app's own pictures, which it compares with.
  const own = new RegExp(`^(?:blob:)?${new URL(page.url()).origin}/`)
  const web = asked.filter(one => !own.test(one) && !one.startsWith('data:'))
  expect(web.filter(one => !one.startsWith(root))).toEqual([])
  return [...new Set(web.map(one => one.slice(root.length)))].sort()
}

const PLAYERS = [
  ['hls.js', 'master.m3u8'],
  ['<video>', 'master.m3u8'],
  ['Shaka Player', 'master.m3u8'],
  ['Shaka Player', 'manifest.mpd'],
] as const

test.each(PLAYERS)(
  '%s plays %s with absolute URLs, and requests only parts of the recording, by its ticket',
  async (player, part) => {
    const url = await ticket(part)
    const seen = await page.evaluate(
      async ({ player, url }) => {
        const { stage, Hls, shaka } = window
        const video = stage.video('anonymous')
        if (player === '<video>') video.src = url
        else if (player === 'hls.js') {
          const hls = new Hls()
          hls.loadSource(url)
          hls.attachMedia(video)
        } else {
          const shown = new shaka.Player()
          await shown.attach(video)
          await shown.load(url)
        }
        await stage.played(video, 0.5)
        await stage.sought(video, 9.05)
        return stage.whose(video)
      },
      { player, url },
    )
    expect(seen[0]?.patient).toBe('patient-007')
    const parts = below(url, part)
    expect(parts).toEqual(expect.arrayContaining([part, 'init.mp4', 'segment-000.m4s', 'segment-004.m4s']))
    if (part === 'master.m3u8') expect(parts).toContain('v/720p.m3u8')
  },
)

test('hls.js gets 403 for a playlist that leads out of its recording, and requests nothing else', async () => {
  const url = await ticket('out.m3u8')
  const error = await page.evaluate(async url => {
    const hls = new window.Hls()
    const failed = new Promise<{ details: string; code: number | undefined }>(resolve =>
      hls.on(window.Hls.Events.ERROR, (_, { details, response }) =>
        resolve({ details, code: response?.code }),
      ),
    )
    hls.loadSource(url)
    hls.attachMedia(window.stage.video())
    return failed
  }, url)
  expect(error).toEqual({ details: 'manifestLoadError', code: 403 })
  expect(below(url, 'out.m3u8')).toEqual(['out.m3u8'])
  const [refused] = (await denials(gate, harness.idp)).filter(({ part }) => part === 'out.m3u8')
  expect(refused).toMatchObject({ reason: 'playlist_outside', recording: 'abs' })
  expect(refused?.subject).toBe(refused?.owner)
})
