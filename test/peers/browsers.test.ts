import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serveApp } from '../support/browser-harness.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, denials, type TestIssuer, variables } from '../support/gate-client.ts'
import { type DrivenBrowser, openFirefox, openWebKit, until } from '../support/webdriver.ts'

// The URL of a ticket in the two browser engines that npm doesn't bring: in the address bar, and in the first program
// of docs/players.md on a page of another site.

let gate: RunningGate
let idp: TestIssuer
let app: Server
let origin: string
beforeAll(async () => {
  app = await serveApp()
  origin = `http://localhost:${(app.address() as AddressInfo).port}`
  idp = await createIssuer()
  gate = await startGate({
    demo: true,
    vars: {
      ...variables(idp),
      TICKET_KEY: 'only for tests: a ticket key that no secret protects',
      ALLOWED_ORIGINS: origin,
    },
  })
})
afterAll(async () => {
  await gate.stop()
  app.closeAllConnections()
  app.close()
})

async function ticketFor(path: string, patient: string): Promise<string> {
  const headers = await idp.bearer(patient)
  const response = await fetch(`${gate.url}${path}/ticket`, { method: 'POST', headers })
  return ((await response.json()) as { url: string }).url
}

const MP4 = ['an MP4', '/recordings/rec-007', 'patient-007'] as const
const WEBM = ['a WebM', '/recordings/rec-011', 'patient-002'] as const
const AUDIO = ['audio', '/recordings/rec-012', 'patient-003'] as const
const HLS = ['a playlist', '/recordings/rec-013/master.m3u8', 'patient-007'] as const

describe.each([
  // Without a loudspeaker Firefox plays no audio that has no picture, and it plays no HLS by itself.
  ['Firefox', openFirefox, [MP4, WEBM]],
  ['WebKit', openWebKit, [MP4, WEBM, AUDIO, HLS]],
])('%s', (name, open, recordings) => {
  let browser: DrivenBrowser
  beforeAll(async () => {
    browser = await open()
  })
  afterAll(() => browser.close())

  test.each(recordings)(
    `${name} plays %s from its address bar, in its own player`,
    async (_, path, patient) => {
      const url = await ticketFor(path, patient)
      const before = (await denials(gate, idp)).length
      await browser.open(url)
      await until(browser, `location.href === '${url}' && document.querySelector('video')?.currentTime > 0.5`)
      const player = await browser.evaluate<{
        error: string | null
        width: number
        controls: boolean
      }>(`(() => {
      const video = document.querySelector('video')
      const { width } = video.getBoundingClientRect()
      return { error: video.error?.message ?? null, width, controls: video.controls }
    })()`)
      expect(player).toMatchObject({ error: null, controls: true })
      // With a policy that its scripts may not run under, WebKit's player stays as small as its spinner.
      expect(player.width).toBeGreaterThan(300)
      // Nor did it ask for anything that it was refused, such as an icon.
      expect((await denials(gate, idp)).length).toBe(before)
    },
  )

  test(`${name} runs the program of docs/players.md on a page of another site`, async () => {
    const [, program = ''] = /```js\n(import [\s\S]*?)```/.exec(readFileSync('docs/players.md', 'utf8')) ?? []
    const own = program.replace(/https:\/\/media\.clinic\.example[^']*/, `${gate.url}/recordings/rec-007`)
    expect(own).not.toBe(program)
    await browser.open(origin)
    await until(browser, 'window.stage')
    const token = await idp.token('patient-007')
    await browser.evaluate(`(() => {
      window.session = { accessToken: async () => ${JSON.stringify(token)} }
      window.stage.video().autoplay = true
      const script = document.createElement('script')
      script.type = 'module'
      script.textContent = ${JSON.stringify(own)}
      document.body.append(script)
      return true
    })()`)
    await until(browser, `document.querySelector('video').currentTime > 0.5`)
    // The page may read the picture: it was loaded for its origin.
    const [seen] = await browser.evaluate<{ patient: string }[]>(
      `window.stage.whose(document.querySelector('video'))`,
    )
    expect(seen?.patient).toBe('patient-007')
  })
})
