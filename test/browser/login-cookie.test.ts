import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BrowserHarness, openBrowserHarness } from '../support/browser-harness.ts'
import { denials } from '../support/gate-client.ts'

// The cookie of a login proxy, in a real browser: it plays for the app's own site and for listed origins, and for no
// other page that embeds the recording.

const COOKIE = 'CF_Authorization'
const OWN = '/recordings/rec-007'

describe.each(['localhost', '127.0.0.1'] as const)('with the gate on %s and the app on localhost', name => {
  let harness: BrowserHarness
  beforeAll(async () => {
    harness = await openBrowserHarness(
      idp => ({ ISSUERS: JSON.stringify([idp.entry({ cookie: COOKIE })]) }),
      name,
    )
  })
  afterAll(() => harness.close())

  /** A page of an origin, whose browser is logged in. */
  async function open(origin?: string): Promise<Page> {
    const page = await harness.page()
    if (origin !== undefined) await page.goto(origin)
    const value = await harness.idp.token('patient-007')
    await page
      .context()
      .addCookies([
        { name: COOKIE, value, domain: name, path: '/', secure: true, httpOnly: true, sameSite: 'None' },
      ])
    return page
  }
  /** What a media element of the page gets: the status of a refusal, by the log, or that it plays. */
  async function play(page: Page, crossOrigin: 'use-credentials' | undefined) {
    const before = (await denials(harness.gate, harness.idp)).length
    const outcome = await page.evaluate(
      async ({ url, crossOrigin }) => {
        const video = document.createElement('video')
        if (crossOrigin !== undefined) video.crossOrigin = crossOrigin
        video.src = url
        return new Promise<string>(resolve => {
          video.addEventListener('loadeddata', () => resolve('plays'))
          video.addEventListener('error', () => resolve('refused'))
        })
      },
      { url: harness.host + OWN, crossOrigin },
    )
    const refused = (await denials(harness.gate, harness.idp)).slice(before).map(({ reason }) => reason)
    return [outcome, ...new Set(refused)].join(' ')
  }

  test('a listed origin plays by the cookie, with credentials', async () => {
    const page = await open()
    expect(await play(page, 'use-credentials')).toBe('plays')
    await page.context().close()
  })

  test('an element that sends no origin plays by the cookie on the same site alone', async () => {
    const page = await open()
    expect(await play(page, undefined)).toBe(name === 'localhost' ? 'plays' : 'refused token_missing')
    await page.context().close()
  })

  test('a page of an origin that is not listed does not play by the cookie on another site', async () => {
    const page = await open(harness.stranger)
    // On the same site the cookie counts, and the browser keeps the answer from the page.
    expect(await play(page, 'use-credentials')).toBe(
      name === 'localhost' ? 'refused' : 'refused token_missing',
    )
    await page.context().close()
  })

  test('following a link from another site does not play by the cookie', async () => {
    const page = await open(harness.stranger)
    const before = (await denials(harness.gate, harness.idp)).length
    await page.evaluate(url => {
      document.body.innerHTML = `<a href="${url}">watch</a>`
    }, harness.host + OWN)
    const [answer] = await Promise.all([page.waitForResponse(harness.host + OWN), page.click('a')])
    expect(answer.status()).toBe(name === 'localhost' ? 200 : 401)
    const refused = (await denials(harness.gate, harness.idp)).slice(before).map(({ reason }) => reason)
    expect(new Set(refused)).toEqual(new Set(name === 'localhost' ? [] : ['token_missing']))
    await page.context().close()
  })
})
