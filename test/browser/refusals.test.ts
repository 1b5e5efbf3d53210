import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type BrowserHarness, openBrowserHarness, ticketFor } from '../support/browser-harness.ts'
import { denials } from '../support/gate-client.ts'

// In the middle of a patient's own recording the app asks for what is another's. The page can read the refusal, which
// is no "CORS error", and of the other's recording no frame is shown.

const OWN = '/recordings/rec-007'
const HLS = '/recordings/rec-013/master.m3u8'
const OTHERS = '/recordings/rec-001'

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

const reasons = async () => (await denials(harness.gate, harness.idp)).map(({ reason }) => reason)

test("a page that asks for another patient's recording while its own plays gets a refusal and no frame", async () => {
  const source = await ticketFor(page, harness.host + OWN, token)
  const before = (await reasons()).length
  const { answers, error, frames } = await page.evaluate(
    async ({ source, other, token }) => {
      const { stage } = window
      const video = stage.video('use-credentials')
      video.src = source
      const seen = await stage.watch(video)
      await stage.played(video, 1)
      const headers = { Authorization: `Bearer ${token}` }
      const answers = []
      for (const [url, init] of [
        [`${other}/ticket`, { method: 'POST', headers }],
        [other, { headers }],
        [other, { credentials: 'include' }],
        [source.replace(/\/play\/..../, '/play/AAAA'), {}],
      ] as const) {
        const response = await fetch(url, init)
        const { instance } = (await response.json()) as { instance: string }
        answers.push({ status: response.status, instance })
      }
      video.src = other
      const error = await stage.played(video, 1).then(
        () => 'it plays',
        (reason: Error) => reason.message,
      )
      return { answers, error, frames: seen() }
    },
    { source, other: harness.host + OTHERS, token },
  )
  expect(answers.map(({ status }) => status)).toEqual([404, 404, 401, 401])
  for (const { instance } of answers) expect(instance).toMatch(/^urn:uuid:[0-9a-f-]{36}$/)
  expect(error).toMatch(/^4: /)
  expect(Object.keys(frames)).toEqual(['patient-007'])
  expect(frames['patient-007']).toBeGreaterThan(5)
  const refused = (await reasons()).slice(before)
  expect(refused.slice(0, 4)).toEqual(['not_owner', 'not_owner', 'token_missing', 'ticket_invalid'])
  expect(new Set(refused.slice(4))).toEqual(new Set(['token_missing']))
})

/** Plays HLS with little in store, so that hls.js still has to load while it plays, until it meets a refusal. */
function playUntilRefused(by: 'cookie' | 'header', bearer = '') {
  return page.evaluate(
    async ({ source, by, bearer }) => {
      const { stage, Hls } = window
      const video = stage.video()
      const hls = new Hls({
        maxBufferLength: 1,
        maxMaxBufferLength: 1,
        xhrSetup(xhr) {
          xhr.withCredentials = by === 'cookie'
          // Where another signs in, the page has another token from then on: the test puts it into the title.
          if (by === 'header') xhr.setRequestHeader('Authorization', `Bearer ${document.title || bearer}`)
        },
      })
      const refused = new Promise<number | undefined>(resolve => {
        hls.on(Hls.Events.ERROR, (_, data) => {
          if (data.response?.code !== undefined) resolve(data.response.code)
        })
      })
      document.title = ''
      hls.loadSource(source)
      hls.attachMedia(video)
      const seen = await stage.watch(video)
      await stage.played(video, 0.5)
      const code = await refused
      // What was loaded before may still be shown.
      await new Promise(resolve => setTimeout(resolve, 1000))
      hls.destroy()
      return { code, frames: seen() }
    },
    { source: `${harness.host}${HLS}`, by, bearer },
  )
}
const playing = () => page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 0.5)

test("hls.js gets 401 once the cookie of another patient's ticket replaces its own while it plays", async () => {
  await ticketFor(page, harness.host + HLS, token)
  const theirs = await ticketFor(page, harness.host + OTHERS, await harness.idp.token('patient-001'))
  const before = (await reasons()).length
  const play = playUntilRefused('cookie')
  await playing()
  const jar = page.context()
  const own = await jar.cookies(harness.host + HLS)
  expect(own).toMatchObject([
    {
      name: '__Secure-mediaward-ticket',
      path: '/recordings/rec-013',
      secure: true,
      httpOnly: true,
      sameSite: 'Strict',
    },
  ])
  const [, , value = ''] = new URL(theirs).pathname.split('/')
  await jar.addCookies(own.map(cookie => ({ ...cookie, value })))
  const { code, frames } = await play
  expect(code).toBe(401)
  expect(Object.keys(frames)).toEqual(['patient-007'])
  expect(new Set((await reasons()).slice(before))).toEqual(new Set(['ticket_scope']))
})

test('hls.js gets 404 for the rest of a recording once another patient signs in while it plays', async () => {
  const theirs = await harness.idp.token('patient-001')
  const before = (await reasons()).length
  const play = playUntilRefused('header', token)
  await playing()
  await page.evaluate(theirs => {
    document.title = theirs
  }, theirs)
  const { code, frames } = await play
  expect(code).toBe(404)
  expect(Object.keys(frames)).toEqual(['patient-007'])
  expect(new Set((await reasons()).slice(before))).toEqual(new Set(['not_owner']))
})

test('a page of an origin that is not allowed reads neither a recording nor a refusal', async () => {
  const source = await ticketFor(page, harness.host + OWN, token)
  const read = (url: string) =>
    page.evaluate(
      url =>
        fetch(url).then(
          ({ status }) => status,
          () => 'nothing',
        ),
      url,
    )
  expect(await read(source)).toBe(200)
  await page.goto(harness.stranger)
  expect(await read(source)).toBe('nothing')
  expect(await read(harness.host + OTHERS)).toBe('nothing')
})
