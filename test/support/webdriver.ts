import { type ChildProcess, spawn } from 'node:child_process'
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from '../../src/cli/local-gate.ts'
import { end } from './gate.ts'

// Debian's Firefox and WebKit, by the protocols that they speak themselves: WebDriver BiDi over a WebSocket, and
// WebDriver over HTTP. Neither needs a driver that is not in Debian.

/** A browser with one page, and nothing in its profile. */
export interface DrivenBrowser {
  /** Opens a URL as a page of its own, as from the address bar. */
  open(url: string): Promise<void>
  /** Evaluates an expression, or a promise, in the page. Resolves to its value, which must be JSON. */
  evaluate<Value>(expression: string): Promise<Value>
  close(): Promise<void>
}

/** Waits until an expression is true in the page. Rejects after twenty seconds. */
export async function until(browser: DrivenBrowser, expression: string): Promise<void> {
  const late = Date.now() + 20_000
  while (!(await browser.evaluate<boolean>(`Boolean(${expression})`))) {
    if (Date.now() > late) throw new Error(`never came: ${expression}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

/** A test clicks nothing, has no loudspeaker, and asks no server but its own. */
const FIREFOX_PREFERENCES = {
  'media.autoplay.default': 0,
  'media.volume_scale': '0.0',
  'app.update.enabled': false,
  'browser.safebrowsing.downloads.remote.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'media.gmp-manager.url': '',
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': '',
}

/** Opens Firefox, headless. */
export async function openFirefox(): Promise<DrivenBrowser> {
  const profile = mkdtempSync(join(tmpdir(), 'mediaward-firefox-'))
  const preferences = Object.entries(FIREFOX_PREFERENCES).map(
    preference => `user_pref(${JSON.stringify(preference).slice(1, -1)});\n`,
  )
  writeFileSync(join(profile, 'user.js'), preferences.join(''))
  const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0']
  const { PATH = '' } = process.env
  const env = { PATH, HOME: profile }
  const firefox = spawn('firefox-esr', args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  const bidi = await connect(`${await listening(firefox)}/session`)
  await bidi('session.new', { capabilities: {} })
  const { contexts } = await bidi<{ contexts: { context: string }[] }>('browsingContext.getTree', {})
  const context = contexts[0]?.context
  return {
    async open(url) {
      await bidi('browsingContext.navigate', { context, url, wait: 'interactive' })
    },
    async evaluate(expression) {
      const { result, exceptionDetails } = await bidi<{
        result?: { value: string }
        exceptionDetails?: { text: string }
      }>('script.evaluate', {
        expression: `Promise.resolve(${expression}).then(JSON.stringify)`,
        target: { context },
        awaitPromise: true,
      })
      if (result === undefined) throw new Error(exceptionDetails?.text)
      return JSON.parse(result.value)
    },
    async close() {
      await bidi('browser.close', {}).catch(() => {})
      await end(firefox, () => firefox.kill('SIGTERM'))
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Resolves to the address at which Firefox takes commands, which it says on stderr. */
function listening(firefox: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    firefox.once('error', reject)
    firefox.once('exit', code => reject(new Error(`Firefox ended with ${code}`)))
    createInterface({ input: firefox.stderr as NodeJS.ReadableStream }).on('line', line => {
      const [, address] = /WebDriver BiDi listening on (ws:\S+)/.exec(line) ?? []
      if (address !== undefined) resolve(address)
    })
  })
}

type Command = <Result>(method: string, params: object) => Promise<Result>

async function connect(address: string): Promise<Command> {
  const socket = new WebSocket(address)
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = reject
  })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  socket.onmessage = ({ data }) => {
    const { id = 0, error, result } = JSON.parse(String(data)) as Record<string, unknown> & { id?: number }
    if (error === undefined) waiting.get(id)?.resolve(result)
    else waiting.get(id)?.reject(new Error(String(data)))
  }
  return async <Result>(method: string, params: object) => {
    const id = waiting.size + 1
    const answer = Promise.withResolvers<unknown>()
    waiting.set(id, answer)
    socket.send(JSON.stringify({ id, method, params }))
    return (await answer.promise) as Result
  }
}

/** Opens WebKit for GTK, on a display of its own. */
export async function openWebKit(): Promise<DrivenBrowser> {
  const [binary] = globSync('/usr/lib/*/webkit2gtk-4.1/MiniBrowser')
  const home = mkdtempSync(join(tmpdir(), 'mediaward-webkit-'))
  const xvfb = ['-displayfd', '3', '-screen', '0', '1280x720x24', '-nolisten', 'tcp']
  const display = spawn('Xvfb', xvfb, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
  const number = await new Promise<string>((resolve, reject) => {
    display.once('error', reject)
    createInterface({ input: display.stdio[3] as NodeJS.ReadableStream }).once('line', resolve)
  })
  // It takes no port 0.
  const port = await freePort()
  const driver = spawn('WebKitWebDriver', [`--port=${port}`, '--host=127.0.0.1'], {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: home,
      DISPLAY: `:${number}`,
      LIBGL_ALWAYS_SOFTWARE: '1',
      // Off by default in this port of WebKit. In Safari it is on.
      WEBKIT_GST_ENABLE_HLS_SUPPORT: '1',
    },
    stdio: 'ignore',
  })
  async function ask<Value>(method: string, path: string, body?: object): Promise<Value> {
    const init = { method, ...(body && { body: JSON.stringify(body) }) }
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
    const { value } = (await response.json()) as { value: Value }
    if (!response.ok) throw new Error(JSON.stringify(value))
    return value
  }
  for (let tries = 0; ; tries++) {
    const ready = await ask('GET', '/status').catch((error: unknown) => {
      if (tries === 100) throw error
    })
    if (ready !== undefined) break
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  const options = { binary, args: ['--automation', '--autoplay-policy=allow'] }
  const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': options } }
  const { sessionId } = await ask<{ sessionId: string }>('POST', '/session', { capabilities })
  const session = `/session/${sessionId}`
  return {
    async open(url) {
      await ask('POST', `${session}/url`, { url })
    },
    evaluate: expression =>
      ask('POST', `${session}/execute/sync`, { script: `return (${expression})`, args: [] }),
    async close() {
      await ask('DELETE', session).catch(() => {})
      await end(driver, () => driver.kill('SIGTERM'))
      await end(display, () => display.kill('SIGTERM'))
      rmSync(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
