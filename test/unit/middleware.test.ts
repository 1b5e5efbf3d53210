import { Hono } from 'hono'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { type MediawardOptions, mediaward } from '../../src/index.ts'
import { createMemoryLedger, createMemoryStore } from '../../src/runtime/memory/index.ts'
import { createIssuer, PSEUDONYM_KEY } from '../support/gate-client.ts'

const { issuer, audience, jwks, token } = await createIssuer()
let options: MediawardOptions

beforeEach(() => {
  options = {
    issuers: [{ issuer, audience, algorithms: ['ES256'], jwks: jwks as never }],
    pseudonymKey: PSEUDONYM_KEY,
    publicUrl: 'https://gate.test',
    store: createMemoryStore(),
    ledger: createMemoryLedger(),
  }
})

/** An app with a page of its own at every path that the gate leaves to it. */
function appWith(mount: (app: Hono) => unknown): Hono {
  const app = new Hono()
  app.onError((error, context) => context.text(error.message, 500))
  mount(app)
  app.all('*', context => context.text('a page of the app'))
  return app
}
const whole = (more: Partial<MediawardOptions> = {}) =>
  appWith(app => app.use(mediaward({ ...options, ...more })))

describe('the gate in an app', () => {
  test.each([
    ['/recordings/rec-1', 401],
    ['/recordings/rec-1/master.m3u8', 401],
    ['/recordings', 400],
    ['/recordings/', 400],
    ['/recordings/a%2fb', 400],
    // Hono would route it to what is registered for /recordings/*.
    ['/%72ecordings/rec-1', 400],
    ['/play/ticket', 400],
    ['/play', 400],
    ['/access/v1/evaluation', 405],
    ['/access/v1/unknown', 400],
    ['/.well-known/authzen-configuration', 200],
    ['/console/api/denials', 401],
    ['/console/api/records', 401],
  ])('answers %s itself', async (path, status) => {
    const response = await whole().request(path)
    expect([response.status, await response.text()]).toEqual([status, expect.not.stringContaining('a page')])
  })

  test.each([
    '/',
    '/healthz',
    '/recording',
    '/recordings-of-others/rec-1',
    '/console',
    '/playlists',
    '/access',
  ])('leaves %s to the app', async path => {
    expect(await (await whole().request(path)).text()).toBe('a page of the app')
  })

  test('answers below the locations that it is configured with, and nowhere else', async () => {
    const app = whole({ locations: [{ url: '/media/:recording.mp4', key: 'consultations/:recording' }] })
    expect((await app.request('/media/rec-1.mp4')).status).toBe(401)
    expect((await app.request('/media/rec-1.webm')).status).toBe(400)
    expect(await (await app.request('/recordings/rec-1')).text()).toBe('a page of the app')
  })

  test('refuses a request with a path in its Host, wherever that leads', async () => {
    const response = await whole().request('/about', { headers: { Host: 'gate.test/recordings' } })
    expect(response.status).toBe(400)
  })

  test('says that it is alive if it is asked to, and refuses to do anything else there', async () => {
    const app = whole({ health: true })
    const alive = await app.request('/healthz')
    expect([alive.status, await alive.text(), alive.headers.get('cache-control')]).toEqual([
      ...[200, 'ok'],
      'private, no-store',
    ])
    expect(await (await app.request('/healthz', { method: 'HEAD' })).text()).toBe('')
    const refused = await app.request('/healthz', { method: 'PUT' })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
  })

  test('can be mounted in part', async () => {
    const app = appWith(app => app.use('/recordings/*', mediaward(options)))
    expect((await app.request('/recordings/rec-1/a.ts')).status).toBe(401)
    expect(await (await app.request('/console/api/records')).text()).toBe('a page of the app')
  })
})

describe('a gate that would miss requests fails at the first one', () => {
  test('mounted at one recording, it would not see the parts', async () => {
    const app = appWith(app => app.use('/recordings/:id', mediaward(options)))
    const response = await app.request('/recordings/rec-1')
    expect([response.status, await response.text()]).toEqual([
      500,
      expect.stringContaining('"/recordings/:id"'),
    ])
  })

  test('mounted behind a route of the app, that could answer in its place', async () => {
    const app = appWith(app => {
      app.get('/recordings/:id', (_, next) => next())
      app.use(mediaward(options))
    })
    const response = await app.request('/recordings/rec-1')
    expect([response.status, await response.text()]).toEqual([
      500,
      expect.stringContaining('mount the gate first'),
    ])
  })

  test('middleware of the app may come before it', async () => {
    const seen = vi.fn()
    const app = appWith(app => {
      app.use(async (_, next) => {
        seen()
        await next()
      })
      app.use(mediaward(options))
    })
    expect((await app.request('/recordings/rec-1')).status).toBe(401)
    expect(seen).toHaveBeenCalledOnce()
  })
})

test('a gate does not start with an owner source that can not be asked', () => {
  for (const owner of [{}, 'patient-1', null]) {
    expect(() => mediaward({ ...options, owner: owner as never })).toThrow(/owner must be a function/)
  }
})

describe('a gate that ends', () => {
  test('records what it has counted, then gives back what it was made with', async () => {
    const close = vi.fn()
    const gate = mediaward({ ...options, close })
    const app = appWith(app => app.use(gate))
    const headers = { authorization: `Bearer ${await token('patient-2')}` }
    for (let time = 0; time < 6; time += 1) await app.request('/recordings/rec-1', { headers })
    await gate.close()
    const { entries } = await options.ledger.read({ limit: 100 })
    const counts = entries.flatMap(({ json }) => {
      const { repeats } = JSON.parse(json) as { repeats?: { count?: number } }
      return repeats?.count ?? []
    })
    expect(counts).toEqual([2])
    expect(close).toHaveBeenCalledOnce()
  })

  test('brings back records when its schedule says so', async () => {
    const replay = vi.fn(async () => {})
    await mediaward({ ...options, replay }).scheduled()
    expect(replay).toHaveBeenCalledOnce()
    await mediaward(options).scheduled()
  })
})
