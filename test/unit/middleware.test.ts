import { Hono } from 'hono'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { type MediawardOptions, mediaward } from '../../src/index.ts'
import { createMemoryControl, createMemoryLedger, createMemoryStore } from '../../src/runtime/memory/index.ts'
import { createIssuer, PSEUDONYM_KEY } from '../support/gate-client.ts'

const { entry, bearer } = await createIssuer()
let options: MediawardOptions

beforeEach(() => {
  options = {
    issuers: [entry()],
    pseudonymKey: PSEUDONYM_KEY,
    publicUrl: 'https://gate.test',
    store: createMemoryStore(),
    ledger: createMemoryLedger(),
    control: createMemoryControl(),
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

describe('gate in an app', () => {
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
  ])('the gate answers %s itself', async (path, status) => {
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
  ])('the gate leaves %s to the app', async path => {
    expect(await (await whole().request(path)).text()).toBe('a page of the app')
  })

  test('the gate answers below its configured locations, and leaves other paths to the app', async () => {
    const app = whole({ locations: [{ url: '/media/:recording.mp4', key: 'consultations/:recording' }] })
    expect((await app.request('/media/rec-1.mp4')).status).toBe(401)
    expect((await app.request('/media/rec-1.webm')).status).toBe(400)
    expect(await (await app.request('/recordings/rec-1')).text()).toBe('a page of the app')
  })

  test('the gate refuses a request with a path in its Host', async () => {
    const response = await whole().request('/about', { headers: { Host: 'gate.test/recordings' } })
    expect(response.status).toBe(400)
  })

  test('the gate answers GET and HEAD of /healthz if health is configured, and refuses other methods', async () => {
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

  test('the gate can be mounted at its recordings only', async () => {
    const app = appWith(app => app.use('/recordings/*', mediaward(options)))
    expect((await app.request('/recordings/rec-1/a.ts')).status).toBe(401)
    expect(await (await app.request('/console/api/records')).text()).toBe('a page of the app')
  })
})

describe('incomplete mounts', () => {
  test('a gate that is mounted at the path of one recording fails, as it would not see the parts', async () => {
    const app = appWith(app => app.use('/recordings/:id', mediaward(options)))
    const response = await app.request('/recordings/rec-1')
    expect([response.status, await response.text()]).toEqual([
      500,
      expect.stringContaining('"/recordings/:id"'),
    ])
  })

  test('a gate that is mounted behind a route of the app fails, as the route could answer in its place', async () => {
    const app = appWith(app => {
      app.get('/recordings/:id', (_, next) => next())
      app.use(mediaward(options))
    })
    // The route doesn't match the first request, which is therefore well.
    expect((await app.request('/recordings/rec-1/part.ts')).status).toBe(401)
    const response = await app.request('/recordings/rec-1')
    expect([response.status, await response.text()]).toEqual([
      500,
      expect.stringContaining('mount the gate first'),
    ])
  })

  test('a gate may be mounted behind middleware of the app', async () => {
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

test('a gate does not start with an owner source that cannot be called', () => {
  for (const owner of [{}, 'patient-1', null]) {
    expect(() => mediaward({ ...options, owner: owner as never })).toThrow(/owner must be a function/)
  }
})

describe('close and scheduled', () => {
  test('a gate that closes records its counts, then closes what it was created with', async () => {
    const close = vi.fn()
    const gate = mediaward({ ...options, close })
    const app = appWith(app => app.use(gate))
    const headers = await bearer('patient-2')
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

  test('a gate replays spooled records when it is scheduled', async () => {
    const replay = vi.fn(async () => {})
    await mediaward({ ...options, replay }).scheduled()
    expect(replay).toHaveBeenCalledOnce()
    await mediaward(options).scheduled()
  })
})
