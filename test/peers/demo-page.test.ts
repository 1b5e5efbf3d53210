import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BUG, click, FOREIGN, own, type Seen, seen } from '../support/demo-page.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { type DrivenBrowser, openFirefox, openWebKit, until } from '../support/webdriver.ts'

// The page of the demo clinic in the two browser engines that npm doesn't bring.

let gate: RunningGate
beforeAll(async () => {
  gate = await startGate({ demo: true })
})
afterAll(() => gate.stop())

describe.each([
  ['Firefox', openFirefox],
  ['WebKit', openWebKit],
])('%s', (name, open) => {
  let browser: DrivenBrowser
  beforeAll(async () => {
    browser = await open()
  })
  afterAll(() => browser.close())

  test.each(['127.0.0.1', 'localhost'])(
    `${name} plays a patient's own recording on the page at %s, and shows the record of a refusal`,
    async host => {
      await browser.open((gate.page ?? '').replace('127.0.0.1', host))
      await until(browser, `document.querySelector('${own(2)}')`)
      await browser.evaluate(click(own(2)))
      await until(browser, `${seen(2)}.played > 0.5 && ${seen(2)}.record`)
      expect(await browser.evaluate<Seen>(seen(2))).toMatchObject({
        status: '201 Created',
        message: null,
        record: { kind: 'ticket', recording: 'rec-001' },
      })

      await browser.evaluate(click(BUG))
      await browser.evaluate(click(FOREIGN))
      await until(browser, `${seen(1)}.record`)
      const { body, ...refused } = await browser.evaluate<Seen>(seen(1))
      expect(refused).toMatchObject({
        status: '404 Not Found',
        played: -1,
        record: { kind: 'access', reason: 'not_owner', recording: 'rec-001' },
      })
      expect(JSON.parse(body)).toMatchObject({ status: 404, instance: `urn:uuid:${refused.record?.id}` })
    },
  )
})
