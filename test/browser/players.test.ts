import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type BrowserHarness, openBrowserHarness, ticketFor } from '../support/browser-harness.ts'
import type { Likeness } from './page/page.ts'

// Players as they are, with their own defaults, in a browser, on a page of another origin than the gate's. Whose
// recording plays is read from the picture.

let harness: BrowserHarness
let page: Page
let token: string
beforeAll(async () => {
  harness = await openBrowserHarness()
  token = await harness.idp.token('patient-007')
})
afterAll(() => harness.close())
beforeEach(async () => {
  page = await harness.page()
})
afterEach(() => page.context().close())

const ticket = (path: string, bearer = token) => ticketFor(page, harness.host + path, bearer)

/** The picture is that patient's, and by far no other's. */
function expectOnly(patient: string, seen: readonly Likeness[]): void {
  const [first, second] = seen
  expect(first?.patient).toBe(patient)
  expect((first?.distance ?? 1) * 3, JSON.stringify(seen)).toBeLessThan(second?.distance ?? 0)
}

/** Plays an MP4, seeks in it, and tells what it showed. */
function playAndSeek(source: string, crossOrigin: 'anonymous' | 'use-credentials') {
  return page.evaluate(
    async ({ source, crossOrigin }) => {
      const { stage } = window
      const video = stage.video(crossOrigin)
      video.src = source
      await stage.played(video, 0.5)
      const playing = await stage.whose(video)
      await stage.sought(video, 9.05)
      const clock = stage.read(video, 'clock')
      return {
        playing,
        sought: await stage.whose(video),
        toNine: stage.distance(clock, await stage.onDisk('patient-007.mp4', 'clock', 9.05)),
        toThree: stage.distance(clock, await stage.onDisk('patient-007.mp4', 'clock', 3.05)),
      }
    },
    { source, crossOrigin },
  )
}

const shown = async (source: string, crossOrigin: 'anonymous' | 'use-credentials') => {
  const { playing, sought, toNine, toThree } = await playAndSeek(source, crossOrigin)
  expectOnly('patient-007', playing)
  expectOnly('patient-007', sought)
  expect(toNine * 3).toBeLessThan(toThree)
}

test('a <video> plays an MP4 by the URL of a ticket, and seeks in it', async () =>
  shown(await ticket('/recordings/rec-007'), 'anonymous'))

test('a <video> plays an MP4 by the cookie, and seeks in it', async () => {
  await ticket('/recordings/rec-007')
  await shown(`${harness.host}/recordings/rec-007`, 'use-credentials')
})

test('an <audio> plays a recording without a picture by the URL of a ticket', async () => {
  const source = await ticket('/recordings/rec-012', await harness.idp.token('patient-003'))
  const heard = await page.evaluate(async source => {
    const audio = new Audio(source)
    audio.muted = true
    await window.stage.played(audio, 0.5)
    await window.stage.sought(audio, 9)
    return { duration: audio.duration, at: audio.currentTime }
  }, source)
  expect(heard.duration).toBeCloseTo(12, 0)
  expect(heard.at).toBe(9)
})

test('a <video> plays HLS without a library by the URL of a ticket', async () => {
  const source = await ticket('/recordings/rec-013/master.m3u8')
  const seen = await page.evaluate(async source => {
    const video = window.stage.video('anonymous')
    video.src = source
    await window.stage.played(video, 0.5)
    return window.stage.whose(video)
  }, source)
  expectOnly('patient-007', seen)
})

const play = (source: string, by: 'header' | 'cookie' | 'ticket') =>
  page.evaluate(
    async ({ source, by, token }) => {
      const video = window.stage.video()
      const config = {
        header: {
          xhrSetup: (xhr: XMLHttpRequest) => xhr.setRequestHeader('Authorization', `Bearer ${token}`),
        },
        cookie: {
          xhrSetup: (xhr: XMLHttpRequest) => {
            xhr.withCredentials = true
          },
        },
        ticket: {},
      }[by]
      const hls = new window.Hls(config)
      hls.loadSource(source)
      hls.attachMedia(video)
      await window.stage.played(video, 0.5)
      const playing = await window.stage.whose(video)
      await window.stage.sought(video, 9.05)
      const sought = await window.stage.whose(video)
      hls.destroy()
      return { playing, sought }
    },
    { source, by, token },
  )

test.each(['header', 'cookie', 'ticket'] as const)(
  'hls.js plays HLS by the %s, and seeks in it',
  async by => {
    const path = '/recordings/rec-013/master.m3u8'
    const url = by === 'header' ? '' : await ticket(path)
    const { playing, sought } = await play(by === 'ticket' ? url : harness.host + path, by)
    expectOnly('patient-007', playing)
    expectOnly('patient-007', sought)
  },
)

test('Shaka Player plays HLS by the URL of a ticket', async () => {
  const source = await ticket('/recordings/rec-013/master.m3u8')
  const seen = await page.evaluate(async source => {
    const video = window.stage.video()
    const player = new window.shaka.Player()
    await player.attach(video)
    await player.load(source)
    await window.stage.played(video, 0.5)
    await window.stage.sought(video, 9.05)
    const seen = await window.stage.whose(video)
    await player.destroy()
    return seen
  }, source)
  expectOnly('patient-007', seen)
})
