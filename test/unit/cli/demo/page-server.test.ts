import { mkdtempSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { describeClinic } from '../../../../src/cli/demo/clinic.ts'
import { variablesFor } from '../../../../src/cli/demo/open-page.ts'
import { type DemoPage, openDemoPage, type PageSettings } from '../../../../src/cli/demo/page-server.ts'
import { createDevelopmentSecrets, saveDevelopmentSecrets } from '../../../../src/cli/development-issuer.ts'
import { PSEUDONYM_KEY } from '../../../support/issuer.ts'

// The server of the demo clinic's page, and above all its route that issues tokens.

const GATE = 'http://127.0.0.1:8787'

let settings: PageSettings
let page: DemoPage
let port: number
beforeAll(async () => {
  const data = mkdtempSync(join(tmpdir(), 'mediaward-'))
  saveDevelopmentSecrets(data, await createDevelopmentSecrets())
  const issuer = 'https://issuer.mediaward.invalid/'
  const clinic = await describeClinic({
    gate: GATE,
    path: '/recordings/:recording',
    pseudonymKey: PSEUDONYM_KEY,
    issuer,
  })
  settings = { port: 0, data, origins: [GATE], clinic }
  page = await openDemoPage(settings)
  port = Number(new URL(page.url).port)
})
afterAll(() => page.close())

test('the page takes another port if its own is taken, and says which', async () => {
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const other = await openDemoPage({ ...settings, port })
  const [[line] = []] = said.mock.calls
  said.mockRestore()
  other.close()
  const moved = new URL(other.url).port
  expect(moved).not.toBe(`${port}`)
  expect(line).toBe(
    `port ${port} is taken, so the page is on port ${moved}: --port moves the gate and the page\n`,
  )
})

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Sends exactly these headers: `fetch` would set some of them itself. */
function ask(method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, headers, setHost: headers.Host === undefined }
    request(options, response => {
      let body = ''
      response.setEncoding('utf8').on('data', chunk => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
      .on('error', reject)
      .end()
  })
}

const OF_PAGE = { 'Sec-Fetch-Site': 'same-origin' }
const tokenFor = (person: string, headers: Record<string, string>) => ask('POST', `/token/${person}`, headers)
/** Puts the port into headers that a test names. */
const here = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace('PORT', `${port}`)]))

describe('the route that issues tokens', () => {
  test.each([
    ['patient-007', undefined],
    ['patient-001', undefined],
    ['analyst', ['security']],
  ])('the page gets a short-lived token of %s, with the roles %j', async (person, roles) => {
    const { status, headers, body } = await tokenFor(person, OF_PAGE)
    expect([status, headers['cache-control']]).toEqual([200, 'no-store'])
    const { token, expires_in } = JSON.parse(body) as { token: string; expires_in: number }
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ sub: person, iss: 'https://issuer.mediaward.invalid/' })
    expect(claims.roles).toEqual(roles)
    expect(claims.exp - claims.iat).toBe(expires_in)
    expect(expires_in).toBeLessThanOrEqual(900)
  })

  test.each(['patient-002', 'recorder', 'constructor'])(
    'the page gets no token of %s, whom it does not need',
    async person => {
      expect((await tokenFor(person, OF_PAGE)).status).toBe(404)
    },
  )

  test.each([
    ['localhost', { Host: 'localhost:PORT', Origin: 'http://localhost:PORT' }],
    ['127.0.0.1', { Host: '127.0.0.1:PORT', Origin: 'http://127.0.0.1:PORT' }],
  ])('the page gets one at %s', async (_, headers) => {
    expect((await tokenFor('analyst', here({ ...OF_PAGE, ...headers }))).status).toBe(200)
  })

  test.each<[string, Record<string, string>]>([
    ['a page of another site', { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' }],
    ['a page of another port', { 'Sec-Fetch-Site': 'same-site', Origin: 'http://127.0.0.1:5173' }],
    ['an address bar', { 'Sec-Fetch-Site': 'none' }],
    ['a client that says nothing', {}],
    ['a client that says it twice', { 'Sec-Fetch-Site': 'same-origin, cross-site' }],
    ['a page of another origin', { ...OF_PAGE, Origin: 'http://127.0.0.1:5173' }],
    ['a page at the other name', { ...OF_PAGE, Host: 'localhost:PORT', Origin: 'http://127.0.0.1:PORT' }],
    ['a page without an origin of its own', { ...OF_PAGE, Origin: 'null' }],
    ['a page whose name was bound to this machine', { ...OF_PAGE, Host: 'evil.example:PORT' }],
    [
      'a page whose name was bound to this machine, with its origin',
      { ...OF_PAGE, Host: 'evil.example:PORT', Origin: 'http://evil.example:PORT' },
    ],
    ['a name that begins like a loopback name', { ...OF_PAGE, Host: 'localhost.evil.example:PORT' }],
    ['a name that ends like a loopback name', { ...OF_PAGE, Host: 'evil.example#127.0.0.1:PORT' }],
    ['a loopback name with another port', { ...OF_PAGE, Host: '127.0.0.1:80' }],
    ['a loopback name without a port', { ...OF_PAGE, Host: '127.0.0.1' }],
    ['an address of the network', { ...OF_PAGE, Host: '192.168.1.7:PORT' }],
  ])('%s gets no token, and no page may read the answer', async (_, headers) => {
    const { status, headers: answered, body } = await tokenFor('analyst', here(headers))
    expect([status, body]).toEqual([403, ''])
    expect(Object.keys(answered).filter(name => name.startsWith('access-control-'))).toEqual([])
    expect(answered['cross-origin-resource-policy']).toBe('same-origin')
  })

  test('a link or a preflight gets no token', async () => {
    for (const method of ['GET', 'OPTIONS', 'HEAD', 'PUT']) {
      const { status, headers, body } = await ask(method, '/token/analyst', OF_PAGE)
      expect([method, status, headers.allow, body]).toEqual([method, 405, 'POST', ''])
    }
  })
})

describe('the page', () => {
  test('a name that was bound to this machine gets nothing of the page', async () => {
    for (const path of ['/', '/clinic.json', '/page/main.js', '/style.css']) {
      expect((await ask('GET', path, { Host: `evil.example:${port}` })).status).toBe(403)
    }
  })

  test.each([
    ['/', 'text/html; charset=utf-8'],
    ['/style.css', 'text/css; charset=utf-8'],
    ['/favicon.ico', 'image/svg+xml'],
    ['/clinic.json', 'application/json'],
    ['/page/main.js', 'text/javascript; charset=utf-8'],
    ['/page/record-log.ts', 'text/javascript; charset=utf-8'],
    ['/player/ticket.ts', 'text/javascript; charset=utf-8'],
  ])('%s is served as %s', async (path, type) => {
    const { status, headers, body } = await ask('GET', path)
    expect([status, headers['content-type']]).toEqual([200, type])
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['content-length']).toBe(String(Buffer.byteLength(body)))
    // In a checkout, modules are sent without their types.
    if (path.startsWith('/p')) expect(body).not.toMatch(/^(?:import type|export interface)|: string\b/m)
    const head = await ask('HEAD', path)
    expect([head.status, head.body, head.headers['content-length']]).toEqual([
      200,
      '',
      headers['content-length'],
    ])
  })

  test.each([
    '/page/../../package.json',
    '/page/..%2f..%2fpackage.json',
    '/page/missing.js',
    '/page/main.css',
    '/player/other.js',
    '/cli/development-issuer.ts',
    '/index.html',
    '/constructor',
    '//',
  ])('%s is not there', async path => {
    expect((await ask('GET', path)).status).toBe(404)
  })

  test('nothing is posted to the page', async () => {
    expect((await ask('POST', '/')).headers.allow).toBe('GET, HEAD')
  })

  test('its policy lets it load from itself and from the gate, and nothing else', async () => {
    const { headers, body } = await ask('GET', '/')
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ${GATE}; media-src ${GATE}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'`,
    )
    expect(headers['referrer-policy']).toBe('no-referrer')
    // Nothing of another host, and nothing that the policy would stop.
    expect(body).not.toMatch(/https?:|<script(?![^>]*src=)|<style|\son\w+=|\sstyle=/)
    const css = (await ask('GET', '/style.css')).body
    expect(css).not.toMatch(/url\(|@import/)
  })
})

describe('alerts', () => {
  const BODY = '{"type":"mediaward.finding.opened","data":{"rule":"RG-001"}}'
  const send = async (headers: Record<string, string>, body = BODY) =>
    (await fetch(page.alerts.url, { method: 'POST', headers, body })).status
  const signed = (id: string, secret = page.alerts.secret, at = new Date(), body = BODY) => ({
    'webhook-id': id,
    'webhook-timestamp': `${Math.floor(at.getTime() / 1000)}`,
    'webhook-signature': new Webhook(secret).sign(id, at, body),
  })
  const arrived = async () =>
    JSON.parse((await ask('GET', '/alerts')).body) as { id: string; at: number; message: unknown }[]

  test('one that the gate signed is there as it arrived, once, however often it is sent', async () => {
    const before = Date.now()
    expect([await send(signed('alert-1')), await send(signed('alert-1'))]).toEqual([204, 204])
    const came = (await arrived()).filter(({ id }) => id === 'alert-1')
    expect(came).toEqual([{ id: 'alert-1', at: expect.any(Number), message: JSON.parse(BODY) }])
    expect(came[0]?.at).toBeGreaterThanOrEqual(before)
  })

  test('one with two signatures is taken if one is right, as while a secret is replaced', async () => {
    const headers = signed('alert-2')
    const [first, second] = [signed('alert-2', `whsec_${'A'.repeat(32)}`), headers].map(
      one => one['webhook-signature'],
    )
    expect(await send({ ...headers, 'webhook-signature': `${first} ${second}` })).toBe(204)
  })

  test.each<[string, () => Record<string, string>]>([
    ['no signature', () => ({})],
    ['the signature of another secret', () => signed('alert-x', `whsec_${'A'.repeat(32)}`)],
    ['the signature of another message', () => ({ ...signed('alert-y'), 'webhook-id': 'alert-x' })],
    ['an empty signature', () => ({ ...signed('alert-x'), 'webhook-signature': '' })],
    ['an old signature', () => signed('alert-x', undefined, new Date(Date.now() - 600_000))],
    ['a time that is none', () => ({ ...signed('alert-x'), 'webhook-timestamp': 'now' })],
  ])('one with %s is refused', async (_, headers) => {
    expect(await send(headers())).toBe(401)
    expect((await arrived()).map(({ id }) => id)).not.toContain('alert-x')
  })

  test('one that is too large, or that is no JSON, is refused', async () => {
    expect(await send(signed('alert-x'), 'x'.repeat(70_000))).toBe(413)
    expect(await send(signed('alert-x', undefined, undefined, 'no JSON'), 'no JSON')).toBe(401)
  })

  test('only the newest are kept', async () => {
    for (let i = 0; i < 25; i++) expect(await send(signed(`many-${i}`))).toBe(204)
    const ids = (await arrived()).map(({ id }) => id)
    expect(ids).toEqual(Array.from({ length: 20 }, (_, i) => `many-${i + 5}`))
  })

  test('they go to the page unless the developer has receivers, and their address is this machine', () => {
    const { ALERTS = '', DEMO_PAGE_ALERT_SECRET } = variablesFor(page, {})
    expect(JSON.parse(ALERTS)).toEqual([
      {
        ...{ name: 'demo-page', type: 'webhook', url: `http://127.0.0.1:${port}/alerts` },
        ...{ secret: { secret: 'DEMO_PAGE_ALERT_SECRET' }, allow_internal: true },
      },
    ])
    expect(DEMO_PAGE_ALERT_SECRET).toBe(page.alerts.secret)
    expect(variablesFor(page, { ALERTS: '[]' }).ALERTS).toBe('[]')
  })
})

test('the page takes another port if its own is taken', async () => {
  const other = createServer()
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  const taken = (other.address() as AddressInfo).port
  const moved = await openDemoPage({ ...settings, port: taken })
  expect(new URL(moved.url).port).not.toBe(`${taken}`)
  expect((await fetch(moved.url)).status).toBe(200)
  expect(moved.origins).toContain(moved.url.slice(0, -1))
  moved.close()
  other.close()
})

test('the clinic of the page has two patients, and fifty recordings that are not of the first', () => {
  const { patients, foreign, names } = settings.clinic
  const [first, second] = patients
  expect(first.recordings.map(({ owner }) => owner)).toEqual(['patient-007', 'patient-007', 'patient-007'])
  expect(new Set(second.recordings.map(({ owner }) => owner))).toEqual(new Set(['patient-001']))
  expect(new Set(foreign.map(({ id }) => id)).size).toBe(50)
  expect(foreign.some(({ owner }) => owner === first.id)).toBe(false)
  expect(Object.values(names)).toHaveLength(10)
})
