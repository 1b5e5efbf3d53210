import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import { extname, resolve, sep } from 'node:path'
import type Hls from 'hls.js'
import type { Browser, Page } from 'playwright-core'
import type shaka from 'shaka-player'
import { freePort } from '../../src/cli/local-gate.ts'
import type * as Stage from '../browser/page/page.ts'
import { launchChromium } from './chromium.ts'
import { type RunningGate, startGate } from './gate.ts'
import { createIssuer, type TestIssuer, variables } from './gate-client.ts'

declare global {
  interface Window {
    readonly stage: typeof Stage
    readonly Hls: typeof Hls
    readonly shaka: typeof shaka.default
  }
}

/** A gate with the demo clinic, and a page of another origin, as an app's is, in a real browser. */
export interface BrowserHarness {
  readonly gate: RunningGate
  readonly idp: TestIssuer
  /** The gate as the browser calls it: of another origin than the page. */
  readonly host: string
  /**
   * A page of an origin that the gate doesn't allow, really sent by a server: of what a test fulfils, Chromium thinks that it
   * came from a public network, and lets it reach nothing on this machine.
   */
  readonly stranger: string
  readonly browser: Browser
  /** A new page, with no cookies. */
  readonly page: () => Promise<Page>
  readonly close: () => Promise<void>
}

/** Asks for a ticket as a page does, so that the browser keeps the cookie too. Resolves to the URL that plays. */
export function ticketFor(page: Page, url: string, token: string): Promise<string> {
  return page.evaluate(
    async ({ url, token }) => {
      const headers = { Authorization: `Bearer ${token}` }
      const response = await fetch(`${url}/ticket`, { method: 'POST', headers, credentials: 'include' })
      if (response.status !== 201) throw new Error(`the ticket was answered ${response.status}`)
      return ((await response.json()) as { url: string }).url
    },
    { url, token },
  )
}

type Variables = Readonly<Record<string, string>>

/** What the page may load: nothing else of this checkout. */
const SERVED = [
  'test/browser/page',
  'src/player',
  'demo/media',
  'node_modules/hls.js',
  'node_modules/shaka-player',
  'node_modules/video.js',
]
const TYPES: Readonly<Record<string, string>> = {
  '.ts': 'text/javascript',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.mp4': 'video/mp4',
}
const PAGE = `<!doctype html><meta charset="utf-8"><title>App</title>
<script type="importmap">{ "imports": {
  "mediaward/player": "/src/player/ticket.ts", "hls.js": "/node_modules/hls.js/dist/hls.min.mjs" } }</script>
<script src="/node_modules/hls.js/dist/hls.min.js"></script>
<script src="/node_modules/shaka-player/dist/shaka-player.compiled.js"></script>
<script src="/node_modules/video.js/dist/video.min.js"></script>
<script type="module">window.stage = await import('/test/browser/page/page.ts')</script>
<body></body>`

/**
 * Opens one.
 *
 * @param vars variables of the gate, beside those that it needs, perhaps by its issuer
 * @param name of the gate's host: `localhost` is the page's own site, `127.0.0.1` is another
 */
export async function openBrowserHarness(
  vars: Variables | ((idp: TestIssuer) => Variables) = {},
  name: 'localhost' | '127.0.0.1' = 'localhost',
): Promise<BrowserHarness> {
  const apps = [await serveApp(), await serveApp()]
  // Not by its address: to a browser localhost is one site, and trustworthy enough for a cookie that is Secure.
  const [origin = '', stranger = ''] = apps.map(
    app => `http://localhost:${(app.address() as AddressInfo).port}`,
  )
  const idp = await createIssuer()
  const port = await freePort()
  const host = `http://${name}:${port}`
  const [gate, browser] = await Promise.all([
    startGate({
      demo: true,
      port,
      vars: {
        ...variables(idp),
        TICKET_KEY: 'only for tests: a ticket key that no secret protects',
        PUBLIC_URL: host,
        ALLOWED_ORIGINS: origin,
        ...(typeof vars === 'function' ? vars(idp) : vars),
      },
    }),
    launchChromium(),
  ])
  return {
    gate,
    idp,
    host,
    stranger,
    browser,
    async page() {
      const page = await (await browser.newContext()).newPage()
      await page.goto(origin)
      await page.waitForFunction(() => window.stage !== undefined)
      return page
    },
    async close() {
      await Promise.all([browser.close(), gate.stop()])
      for (const app of apps) {
        app.closeAllConnections()
        app.close()
      }
    },
  }
}

/** Serves the app's page, and what it may load. */
export async function serveApp(): Promise<Server> {
  const roots = SERVED.map(root => resolve(root) + sep)
  const server = createServer(({ url = '/' }, response) => {
    const file = resolve(`.${new URL(url, 'http://localhost').pathname}`)
    const page = url === '/'
    if (!page && !roots.some(root => file.startsWith(root))) return void response.writeHead(404).end()
    const type = page ? 'text/html' : (TYPES[extname(file)] ?? 'application/octet-stream')
    const body = page ? PAGE : readFileSync(file)
    response.writeHead(200, { 'Content-Type': type })
    response.end(extname(file) === '.ts' ? stripTypeScriptTypes(body.toString()) : body)
  })
  await new Promise<void>(listening => server.listen(0, 'localhost', listening))
  return server
}
