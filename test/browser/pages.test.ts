import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type BrowserHarness, openBrowserHarness, ticketFor } from '../support/browser-harness.ts'
import { denials, patterned, store } from '../support/gate-client.ts'

// The URL of a ticket where a person puts it: into the address bar, and into pages of other sites.

/** One pixel. */
const PICTURE = Uint8Array.from(
  Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  ),
)

let harness: BrowserHarness
let page: Page
beforeAll(async () => {
  harness = await openBrowserHarness({}, '127.0.0.1')
  const { gate, idp } = harness
  const files = { 'letter.pdf': patterned(100), 'board.svg': patterned(100), 'page.html': patterned(100) }
  for (const [name, bytes] of Object.entries({ ...files, 'picture.png': PICTURE })) {
    expect((await store(gate, idp, `/recordings/set/${name}`, 'patient-007', bytes)).status).toBe(201)
  }
})
afterAll(() => harness.close())
beforeEach(async () => {
  page = await harness.page()
})
afterEach(() => page.context().close())

const ticket = async (path: string, patient = 'patient-007') =>
  ticketFor(page, harness.host + path, await harness.idp.token(patient))

describe('the address bar', () => {
  test.each([
    ['an MP4', '/recordings/rec-007', 'patient-007'],
    ['a WebM', '/recordings/rec-011', 'patient-002'],
    ['audio', '/recordings/rec-012', 'patient-003'],
    ['a playlist', '/recordings/rec-013/master.m3u8', 'patient-007'],
  ])(
    '%s plays from the address bar, and the browser requests nothing but the recording',
    async (_, path, patient) => {
      const url = await ticket(path, patient)
      const before = (await denials(harness.gate, harness.idp)).length
      const tab = await page.context().newPage()
      const asked: string[] = []
      tab.on('request', request => asked.push(request.url()))
      await tab.goto(url, { waitUntil: 'commit' })
      await tab.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 0.5)
      const error = await tab.evaluate(() => document.querySelector('video')?.error?.message)
      expect(error).toBeUndefined()
      const [root = ''] = /^.*\/play\/[^/]+/.exec(url) ?? []
      expect(asked.filter(one => !one.startsWith(root))).toEqual([])
      expect((await denials(harness.gate, harness.idp)).length).toBe(before)
    },
  )

  test('the browser shows a picture that is opened from the address bar', async () => {
    const url = await ticket('/recordings/set/picture.png')
    const tab = await page.context().newPage()
    await tab.goto(url)
    expect(await tab.evaluate(() => document.images[0]?.naturalWidth)).toBe(1)
  })

  test.each(['letter.pdf', 'board.svg', 'page.html'])(
    'the browser saves %s, opened from the address bar, instead of showing it',
    async name => {
      const url = await ticket(`/recordings/set/${name}`)
      const tab = await page.context().newPage()
      const [download] = await Promise.all([
        tab.waitForEvent('download'),
        tab.goto(url).catch((error: Error) => expect(error.message).toContain('Download is starting')),
      ])
      expect(download.suggestedFilename()).toBe(`set-${name}`)
    },
  )

  test('the browser shows the refusal of an invalid ticket', async () => {
    const url = await ticket('/recordings/rec-007')
    const tab = await page.context().newPage()
    const response = await tab.goto(`${url.slice(0, -4)}AAAA`)
    expect(response?.status()).toBe(401)
    expect(await tab.evaluate(() => document.body.innerText)).toContain('"status":401')
  })
})

describe('pages of other sites', () => {
  const played = (source: string, crossOrigin?: 'anonymous') =>
    page.evaluate(
      async ({ source, crossOrigin }) => {
        const video = window.stage.video(crossOrigin)
        video.src = source
        return window.stage.played(video, 0.5).then(
          () => 'it plays',
          (error: Error) => error.message,
        )
      },
      { source, crossOrigin },
    )

  test('a <video> with crossorigin plays a recording on a page of an allowed origin', async () => {
    const source = await ticket('/recordings/rec-007')
    expect(await played(source, 'anonymous')).toBe('it plays')
  })

  test('a <video> without crossorigin plays nothing on a page of another site', async () => {
    const source = await ticket('/recordings/rec-007')
    expect(await played(source)).toMatch(/^4: /)
  })

  test('a page of an origin that is not allowed plays nothing unless it is same-site and omits crossorigin', async () => {
    const source = await ticket('/recordings/rec-007')
    await page.goto(harness.stranger)
    const outcome = (crossOrigin: string | null, source: string) =>
      page.evaluate(
        async ({ crossOrigin, source }) => {
          const video = document.createElement('video')
          video.crossOrigin = crossOrigin
          video.src = source
          return new Promise(resolve => {
            video.onloadedmetadata = () => resolve('it plays')
            video.onerror = () => resolve('nothing')
          })
        },
        { crossOrigin, source },
      )
    expect(await outcome('anonymous', source)).toBe('nothing')
    expect(await outcome(null, source)).toBe('nothing')
    const ownSite = source.replace('127.0.0.1', 'localhost')
    expect(await outcome('anonymous', ownSite)).toBe('nothing')
    expect(await outcome(null, ownSite)).toBe('it plays')
  })
})
