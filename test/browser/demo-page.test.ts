import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { BUG, FOREIGN, FREEZE, own, PLAY, type Seen, seen } from '../support/demo-page.ts'
import { type RunningGate, startGate } from '../support/gate.ts'

// The page of the demo clinic, as a visitor uses it.

const SCREENSHOT = 'docs/demo-page.png'

let gate: RunningGate
let browser: Browser
beforeAll(async () => {
  ;[gate, browser] = await Promise.all([startGate({ demo: true }), launchChromium()])
})
afterAll(() => Promise.all([browser.close(), gate.stop()]))
afterEach(async () => {
  for (const context of browser.contexts()) await context.close()
})

/** All that a page asked for, and all that went wrong in it, besides the refusals that it provokes. */
interface Watched {
  readonly page: Page
  readonly origins: Set<string>
  readonly errors: string[]
}

async function open(
  name = '127.0.0.1',
  options: BrowserContextOptions = {},
  refusals: RegExp = /status of 404/,
): Promise<Watched> {
  const page = await (await browser.newContext(options)).newPage()
  const watched: Watched = { page, origins: new Set(), errors: [] }
  page.on('request', request => watched.origins.add(new URL(request.url()).origin))
  page.on('pageerror', error => watched.errors.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error' && !refusals.test(message.text())) watched.errors.push(message.text())
  })
  await page.goto((gate.page ?? '').replace('127.0.0.1', name))
  await page.waitForSelector(own(1))
  return watched
}

const look = (page: Page, card: 1 | 2) => page.evaluate(seen(card)) as Promise<Seen>
const until = (page: Page, card: 1 | 2, isSo: (seen: Seen) => boolean) =>
  expect.poll(async () => isSo(await look(page, card)), { timeout: 20_000 }).toBe(true)

/** Plays the incident to its end. */
async function play(page: Page): Promise<void> {
  await page.click(PLAY)
  await expect.poll(() => page.getAttribute(PLAY, 'aria-disabled'), { timeout: 20_000 }).toBe('false')
}

/** Undoes the freeze that the incident ends with. */
async function thaw(page: Page): Promise<void> {
  const freeze = page.locator(FREEZE)
  await expect.poll(() => freeze.textContent(), { timeout: 20_000 }).toBe('Undo')
  await freeze.click()
  await expect.poll(() => freeze.textContent(), { timeout: 20_000 }).toBe('Freeze release 4.12.0')
  await expect.poll(() => page.getAttribute(FREEZE, 'aria-disabled'), { timeout: 20_000 }).toBe('false')
}

// First, while the log has nothing of the other tests.
test.runIf(process.env.WRITE_SCREENSHOT === '1')('the screenshot of the README is written', async () => {
  const options = {
    viewport: { width: 1360, height: 1200 },
    deviceScaleFactor: 1.4,
    colorScheme: 'light',
  } as const
  const { page } = await open('127.0.0.1', options)
  await play(page)
  await thaw(page)
  await page.click(own(2))
  await until(page, 2, ({ played }) => played > 2)
  await page.locator(FOREIGN).nth(13).click()
  await until(page, 1, ({ record }) => record !== undefined)
  await page.mouse.move(0, 0)
  await page.evaluate(() => scrollTo(0, 0))
  await page.waitForFunction(() => document.getAnimations().length === 0)
  // With 256 colors it is a third as large, and looks the same.
  const palette = 'split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none'
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', '-', '-vf', palette, '-pred', 'none', SCREENSHOT], {
    input: await page.screenshot(),
  })
  expect(statSync(SCREENSHOT).size).toBeLessThanOrEqual(200_000)
})

test.each(['127.0.0.1', 'localhost'])(
  'at %s a recording plays to its patient, is refused to another, and both are on record',
  async name => {
    const { page, origins, errors } = await open(name)
    await page.click(own(2))
    await until(page, 2, ({ played, record }) => played > 0.5 && record !== undefined)
    const playing = await look(page, 2)
    expect(playing).toMatchObject({ status: '201 Created', message: null, record: { kind: 'ticket' } })
    expect(playing.sentence).toBe('patient-001 may play rec-001, which is their own.')
    // The ticket itself is not on the screen.
    expect(JSON.parse(playing.body)).toEqual({ url: `${gate.url}/play/…` })
    const view = page.locator('#records > [data-kind="view"][data-marked]')
    await expect.poll(() => view.count(), { timeout: 10_000 }).toBe(1)

    await page.click(BUG)
    expect(await page.locator(FOREIGN).count()).toBe(50)
    await page.click(FOREIGN)
    await until(page, 1, ({ record }) => record !== undefined)
    const refused = await look(page, 1)
    expect(refused).toMatchObject({
      status: '404 Not Found',
      message: 'This recording isn’t available.',
      played: -1,
    })
    const { instance } = JSON.parse(refused.body) as { instance: string }
    expect(refused.record).toMatchObject({ reason: 'not_owner', recording: 'rec-001', status: 404 })
    expect(`urn:uuid:${refused.record?.id}`).toBe(instance)
    expect(refused.sentence).toBe('patient-007 was refused rec-001, which belongs to patient-001.')
    expect(await page.locator('#records > li').first().getAttribute('id')).toBe(
      `record-${refused.record?.id}`,
    )
    expect(await page.locator('#announcement').textContent()).toBe(
      `rec-001 is refused: 404 Not Found. On record: ${refused.sentence}`,
    )

    await page.click(BUG)
    expect(await page.locator(FOREIGN).count()).toBe(0)
    expect(errors).toEqual([])
    expect([...origins].sort()).toEqual([gate.url, new URL(page.url()).origin].sort())
  },
)

test('the bug of 2020 is noticed and contained: findings, the alert, a freeze that all patients see, and its end', async () => {
  const { page, errors } = await open('127.0.0.1', {}, /status of 40[34]/)
  const freeze = page.locator(FREEZE)
  await expect.poll(() => freeze.textContent()).toBe('Freeze release 4.12.0')
  await play(page)
  const rules = () =>
    page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('#findings > li')].map(({ dataset }) => dataset.rule),
    )
  await expect
    .poll(rules, { timeout: 20_000 })
    .toEqual(expect.arrayContaining(['RG-001', 'RG-003', 'RG-005', 'RG-101']))
  const systemic = page.locator('#findings > [data-rule="RG-003"]')
  expect((await systemic.innerText()).split(/\n+/)).toEqual([
    expect.stringMatching(/^◆\s+Critical$/),
    expect.stringMatching(/^RG-003 · release 4\.12\.0, .*\d\d:\d\d:\d\d$/),
    expect.stringMatching(/^Systemic: users of one release/),
  ])
  // A screen reader hears the word, and of a finding that is there already nothing more.
  expect(await systemic.locator('.sign').getAttribute('aria-hidden')).toBe('true')
  const live = page.locator('#findings')
  expect([await live.getAttribute('aria-live'), await live.getAttribute('aria-relevant')]).toEqual([
    'polite',
    'additions',
  ])

  // The alert came to the page's server from the gate, signed.
  const alerts = page.locator('#alerts > li')
  expect(await page.locator('#alerts details[open]').count()).toBe(1)
  await expect.poll(() => alerts.count(), { timeout: 20_000 }).toBe(3)
  const message = JSON.parse((await alerts.first().locator('pre').textContent()) ?? '')
  expect(message).toMatchObject({ type: 'mediaward.finding.opened', data: { rule: expect.any(String) } })
  const [show] = message.data.commands
  expect(show).toMatch(
    new RegExp(`^mediaward findings show ${message.data.finding} --url http://[\\w.]+:\\d+$`),
  )

  // No patient saw what is another's.
  const sentences = await page.locator('#records > [data-kind="access"] .sentence').allTextContents()
  for (const patient of ['patient-007', 'patient-001']) {
    const isRefused = new RegExp(`^${patient} was refused rec-\\d+, which belongs to patient-\\d+\\.$`)
    expect(sentences.filter(sentence => isRefused.test(sentence))).not.toEqual([])
  }
  const steps = () => page.locator('#timeline > li span').allTextContents()
  await expect.poll(steps).toEqual(expect.arrayContaining(['first denial', 'finding', 'alert']))
  expect((await steps()).slice(0, 3)).toEqual(['first denial', 'finding', 'alert'])
  const times = await page.locator('#timeline > li time').allTextContents()
  expect(times[0]).toBe('0 s')
  for (const time of times.slice(0, 3)) expect(Number.parseFloat(time.replace('< ', ''))).toBeLessThan(2)
  await expect
    .poll(() => page.locator('#incident-says').textContent())
    .toMatch(
      /Not one of them was played.*first denial → finding: .* s → alert: .* s.*Release 4\.12\.0 is frozen: both/,
    )

  // The same click has contained it.
  await expect.poll(() => freeze.textContent(), { timeout: 20_000 }).toBe('Undo')
  for (const card of [1, 2] as const) {
    await until(page, card, ({ status }) => status === '403 Forbidden')
    expect(await look(page, card)).toMatchObject({ played: -1, message: 'This recording isn’t available.' })
  }
  const contained = ['the page freezes release 4.12.0, as an analyst does', 'both patients are refused']
  expect((await steps()).slice(-2)).toEqual(contained)
  expect(await freeze.evaluate(({ ariaLabel }) => ariaLabel)).toBe('Undo the freeze of release 4.12.0')

  // The page is loaded again: it is frozen still, and can be undone.
  await page.reload()
  await expect.poll(() => freeze.textContent(), { timeout: 20_000 }).toBe('Undo')
  await page.click(own(2))
  await until(page, 2, ({ status }) => status === '403 Forbidden')
  await thaw(page)
  expect(await freeze.evaluate(button => button === document.activeElement)).toBe(true)
  for (const card of [1, 2] as const) {
    await until(page, card, ({ status, played }) => status === '201 Created' && played > 0)
  }

  // By hand, too.
  await freeze.click()
  for (const card of [1, 2] as const) await until(page, card, ({ status }) => status === '403 Forbidden')
  await thaw(page)
  expect(errors).toEqual([])
})

test('played again, it is found and alerted again', async () => {
  const { page } = await open()
  const alerts = () => page.locator('#alerts > li').evaluateAll(all => all.map(({ id }) => id))
  const timeline = page.locator('#timeline > li span', { hasText: /^alert$/ })
  const ids: string[][] = []
  for (let times = 0; times < 2; times++) {
    await play(page)
    expect(await timeline.count()).toBe(1)
    ids.push(await alerts())
    await expect.poll(() => page.locator(FREEZE).textContent()).toBe('Undo')
  }
  await thaw(page)
  expect(ids[1]?.[0]).not.toBe(ids[0]?.[0])
})

test('the page is used by the keyboard alone', async () => {
  const { page } = await open()
  // The page has heard of the gate what it offers.
  await page.getByRole('button', { name: 'Freeze release 4.12.0' }).waitFor()
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim().split('\n')[0])
  await page.keyboard.press('Tab')
  expect(await focused()).toBe('Others’ recordings in a list')
  await page.keyboard.press('Space')
  expect(await page.getAttribute(BUG, 'aria-checked')).toBe('true')
  const pressed = []
  for (let i = 0; i < 20 && pressed.at(-1) !== '001'; i++) {
    await page.keyboard.press('Tab')
    pressed.push(await focused())
  }
  expect(pressed.slice(0, 2)).toEqual(['Play the app’s bug of 2020', 'Freeze release 4.12.0'])
  // In between are the alerts that came in other tests.
  expect(pressed.slice(-4)).toEqual(['rec-007', 'rec-053', 'rec-054', '001'])
  await page.keyboard.press('Enter')
  await until(page, 1, ({ status }) => status === '404 Not Found')
  // The focus stays where it is, and a screen reader hears the whole name.
  expect(await page.evaluate(() => document.activeElement?.ariaLabel)).toBe('rec-001 of patient-001')
})

test('the record is there after the page is loaded again', async () => {
  const { page } = await open()
  await page.click(BUG)
  await page.click(FOREIGN)
  await until(page, 1, ({ record }) => record !== undefined)
  const { record } = await look(page, 1)
  await page.reload()
  await page.waitForSelector(`#record-${record?.id}`)
  expect(await page.getAttribute(BUG, 'aria-checked')).toBe('false')
})

/** For each text of the page, how far it stands out from what is behind it (WCAG 2.2, 1.4.3). */
function contrasts() {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })
  if (canvas === null) throw new Error('no canvas')
  const behind = (element: Element | null): string[] =>
    element === null ? [] : [...behind(element.parentElement), getComputedStyle(element).backgroundColor]
  const luminance = (colors: readonly string[]) => {
    for (const color of colors) {
      canvas.fillStyle = color
      canvas.fillRect(0, 0, 1, 1)
    }
    const [red = 0, green = 0, blue = 0] = [...canvas.getImageData(0, 0, 1, 1).data].map(value =>
      value <= 10 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  return [...document.querySelectorAll('h1, h2, h3, p, button, code, pre, summary, .kind, time, a, span')]
    .filter(element => element.checkVisibility() && element.textContent !== '')
    .map(element => {
      const ground = behind(element)
      const [low = 0, high = 0] = [
        luminance([...ground, getComputedStyle(element).color]),
        luminance(ground),
      ].sort((a, b) => a - b)
      return { text: element.textContent, ratio: (high + 0.05) / (low + 0.05) }
    })
}

test.each(['light', 'dark'] as const)(
  'in a %s colour scheme all text has a contrast of at least 4.5, also if nothing may move',
  async colorScheme => {
    const { page } = await open('127.0.0.1', { colorScheme, reducedMotion: 'reduce' })
    await play(page)
    await thaw(page)
    expect(await page.locator('#alerts > li').count()).toBeGreaterThan(0)
    expect(await page.locator('#findings > li').count()).toBeGreaterThan(3)
    await page.click(own(2))
    await page.click(FOREIGN)
    await until(page, 1, ({ record }) => record !== undefined)
    const ratios = await page.evaluate(contrasts)
    expect(ratios.length).toBeGreaterThan(80)
    expect(ratios.filter(({ ratio }) => ratio < 4.5)).toEqual([])
    const animations = await page.evaluate(() => document.getAnimations().length)
    expect(animations).toBe(0)
  },
)

test('in a window of 320 pixels nothing is cut off or beside another', async () => {
  const { page } = await open('127.0.0.1', { viewport: { width: 320, height: 640 } })
  await play(page)
  expect(await page.locator('#timeline > li').count()).toBeGreaterThan(2)
  await thaw(page)
  await page.click(FOREIGN)
  await until(page, 1, ({ record }) => record !== undefined)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320)
  const cut = await page.evaluate(() =>
    [...document.querySelectorAll('#incident *')]
      .filter(element => element.checkVisibility() && element.getBoundingClientRect().right > 320)
      .map(({ outerHTML }) => outerHTML),
  )
  expect(cut).toEqual([])
})
