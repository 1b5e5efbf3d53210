import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type BrowserHarness, openBrowserHarness } from '../support/browser-harness.ts'
import { store } from '../support/gate-client.ts'
import { stretched } from '../support/stretched.ts'

// Tickets of a few seconds, recordings of twelve: the programs of docs/players.md, unchanged, play on in a bare element of a
// page whose site is another one than the gate's.

declare global {
  interface Window {
    session: { accessToken(): Promise<string> }
  }
}

/** The programs of the page: the blocks that import something. */
const [PLAIN = '', HLS = '', SHAKA = '', VIDEO_JS = ''] = [
  ...readFileSync('docs/players.md', 'utf8').matchAll(/```js\n(import [\s\S]*?)```/g),
].map(match => match[1])

let harness: BrowserHarness
let page: Page
/** Status of every answer under /play/, by ticket. */
let answers: { readonly ticket: string; readonly status: number }[]
async function openFor(seconds: number): Promise<void> {
  harness = await openBrowserHarness({ TICKET_TTL: String(seconds) }, '127.0.0.1')
  const long = stretched(readFileSync('demo/media/patient-007.mp4'), 32 * 2 ** 20)
  const { gate, idp } = harness
  expect(
    (await store(gate, idp, '/recordings/long', 'patient-007', long, { 'Content-Type': 'video/mp4' })).status,
  ).toBe(201)
}
beforeEach(async () => {
  page = await harness.page()
  answers = []
  page.on('response', response => {
    const [, ticket] = /\/play\/([^/]+)/.exec(response.url()) ?? []
    if (ticket !== undefined) answers.push({ ticket, status: response.status() })
  })
  const token = await harness.idp.token('patient-007')
  await page.evaluate(token => {
    window.session = { accessToken: async () => token }
    window.stage.video().autoplay = true
  }, token)
})
afterEach(() => page.context().close())

/** Runs a program of the page, and watches until the recording is played so far. */
async function play(program: string, path: string, seconds: number) {
  const own = program.replace(/https:\/\/media\.clinic\.example[^']*/, harness.host + path)
  expect(own).not.toBe(program)
  const watching = page.evaluate(async seconds => {
    const video = document.querySelector('video')
    if (video === null) throw new Error('no video')
    const seen = await window.stage.watch(video)
    const steps: number[] = []
    let [last, reloads] = [0, 0]
    video.addEventListener('timeupdate', () => {
      steps.push(video.currentTime - last)
      last = video.currentTime
    })
    video.addEventListener('emptied', () => {
      // What a player does before anything is shown is its own affair.
      if (last > 0) reloads++
    })
    await window.stage.until(() => video.currentTime >= seconds)
    return { frames: seen(), back: Math.min(...steps), leap: Math.max(...steps), reloads }
  }, seconds)
  await page.addScriptTag({ type: 'module', content: own })
  return watching
}

describe('tickets of three seconds', () => {
  beforeAll(() => openFor(3))
  afterAll(() => harness.close())

  test('a <video> goes on where it was when its ticket has expired', async () => {
    const { frames, back, leap, reloads } = await play(PLAIN, '/recordings/long', 7)
    expect(Object.keys(frames)).toEqual(['patient-007'])
    expect(back).toBeGreaterThan(-0.5)
    expect(leap).toBeLessThan(3)
    // It did meet a ticket that had ended, or this test tells nothing.
    expect(answers.map(({ status }) => status)).toContain(401)
    expect(reloads).toBe(1)
  })
})

// A renewal that is a moment late, on a busy machine, is still in time.
describe('tickets of five seconds', () => {
  beforeAll(() => openFor(5))
  afterAll(() => harness.close())

  test.each([
    ['hls.js', HLS, 'new Hls({', 'new Hls({ maxBufferLength: 1, maxMaxBufferLength: 1,'],
    [
      'Shaka Player',
      SHAKA,
      'new shaka.Player()\n',
      'new shaka.Player(); player.configure({ streaming: { bufferingGoal: 1, rebufferingGoal: 0.5 } })\n',
    ],
  ])(
    '%s plays on with renewed tickets, and never sends an expired one',
    async (_, program, make, makeWithLittleInStore) => {
      expect(program).toContain(make)
      const little = program.replace(make, makeWithLittleInStore)
      const { frames, back, leap, reloads } = await play(little, '/recordings/rec-013/master.m3u8', 8)
      expect(Object.keys(frames)).toEqual(['patient-007'])
      expect(back).toBeGreaterThanOrEqual(0)
      expect(leap).toBeLessThan(3)
      expect(reloads).toBe(0)
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      expect(new Set(answers.map(({ ticket }) => ticket)).size).toBeGreaterThan(1)
    },
  )

  test.each([
    ['hls.js', '/recordings/rec-013/master.m3u8', HLS],
    ['Shaka Player', '/recordings/rec-013/master.m3u8', SHAKA],
    ['Shaka Player', '/recordings/rec-007', SHAKA],
    ['video.js', '/recordings/rec-007', VIDEO_JS],
    ['<video>', '/recordings/rec-007', PLAIN],
  ])('%s plays %s with its default settings', async (_, path, program) => {
    const { frames } = await play(program, path, 1)
    expect(Object.keys(frames)).toEqual(['patient-007'])
  })
})
