import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type OpenTicket, openTicket, TicketError, type TicketSettings } from '../../../src/player/ticket.ts'

// Against a server that answers over real HTTP what each test says.

type Answer = (request: IncomingMessage, response: ServerResponse) => void

let server: Server
let origin: string
let asked: IncomingMessage[]
let answer: Answer
const opened: OpenTicket[] = []

beforeEach(async () => {
  asked = []
  answer = issue(60_000)
  server = createServer((request, response) => {
    asked.push(request)
    answer(request, response)
  })
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  for (const ticket of opened.splice(0)) ticket.close()
  server.closeAllConnections()
  server.close()
})

/** Tickets T1, T2 … for whatever part is asked for. */
function issue(life: number): Answer {
  return ({ url = '' }, response) => {
    const part = url.replace(/^\/recordings\/[^/]+/, '').replace(/\/ticket$/, '')
    response.writeHead(201, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify({ url: `${origin}/play/T${asked.length}${part}`, expires_in: life / 1000 }))
  }
}
/** As of a recording of many parts, asked for at its own URL. */
const issueToAppend: Answer = (_, response) =>
  response
    .writeHead(201)
    .end(JSON.stringify({ url: `${origin}/play/T${asked.length}`, expires_in: 60, append: true }))
const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    response.writeHead(code, headers).end()

async function open(path = '/recordings/rec-1', settings: Partial<TicketSettings> = {}): Promise<OpenTicket> {
  const ticket = await openTicket(origin + path, { token: 'a.b.c', ...settings })
  opened.push(ticket)
  return ticket
}
const problem = async (promise: Promise<unknown>): Promise<TicketError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof TicketError)) throw new Error(`no TicketError: ${error}`)
  return error
}
const pause = (milliseconds: number) => new Promise(resolve => setTimeout(resolve, milliseconds))
async function until(so: () => boolean): Promise<void> {
  for (let i = 0; !so(); i++) {
    if (i > 500) throw new Error(`never came: ${so}`)
    await pause(10)
  }
}

describe('openTicket', () => {
  test('a ticket says whether the name of a part must be appended to its URL', async () => {
    expect((await open()).append).toBe(false)
    answer = issueToAppend
    const ticket = await open('/recordings/rec-2')
    expect([ticket.append, ticket.url]).toEqual([true, `${origin}/play/T2`])
    await ticket.renew()
    expect(ticket.fresh(`${origin}/play/T2/master.m3u8`)).toBe(`${ticket.url}/master.m3u8`)
    expect(ticket.append).toBe(true)
  })

  test('a ticket is requested with the token, and has the URL that plays', async () => {
    const ticket = await open('/recordings/rec-1/master.m3u8')
    expect(ticket.url).toBe(`${origin}/play/T1/master.m3u8`)
    expect(asked[0]).toMatchObject({ method: 'POST', url: '/recordings/rec-1/master.m3u8/ticket' })
    expect(asked[0]?.headers.authorization).toBe('Bearer a.b.c')
  })

  test('a ticket is requested with a proof of its own each time, if the token is bound to a key', async () => {
    const proved: string[] = []
    const proof = async (url: string, token: string) => {
      proved.push(`${url} ${token}`)
      return `proof-${proved.length}`
    }
    const ticket = await open('/recordings/rec-1', { proof })
    await ticket.renew()
    expect(proved).toEqual(Array(2).fill(`${origin}/recordings/rec-1/ticket a.b.c`))
    for (const [index, { headers }] of asked.entries()) {
      expect(headers).toMatchObject({ authorization: 'DPoP a.b.c', dpop: `proof-${index + 1}` })
    }
  })

  test('the release of the app is sent with each request if it is given, and only then', async () => {
    const ticket = await open('/recordings/rec-1', { release: '4.12.0' })
    await ticket.renew()
    await open('/recordings/rec-1')
    const releases = asked.map(({ headers }) => headers['mediaward-app-release'])
    expect(releases).toEqual(['4.12.0', '4.12.0', undefined])
  })

  test('without a proof that can be made there is no ticket, and the gate is not asked', async () => {
    const proof = () => Promise.reject(new Error('no key'))
    expect(await problem(open('/recordings/rec-1', { proof }))).toMatchObject({ problem: 'expired' })
    expect(asked).toEqual([])
  })

  test('a ticket is renewed again and again, at 80 % of its life and with the token of that time', async () => {
    const [life, times] = [1000, [] as number[]]
    answer = (request, response) => {
      times.push(performance.now())
      issue(life)(request, response)
    }
    let tokens = 0
    const ticket = await open(undefined, { token: async () => `token-${++tokens}` })
    await until(() => asked.length === 3 && ticket.url.endsWith('T3'))
    for (const gap of [1, 2].map(i => (times[i] ?? 0) - (times[i - 1] ?? 0))) {
      expect(gap).toBeGreaterThan(0.75 * life)
      expect(gap).toBeLessThan(life)
    }
    expect(asked.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-2',
      'Bearer token-3',
    ])
  })

  test('the error of a refusal has the problem details that the gate answered', async () => {
    const details = {
      title: 'Not Found',
      status: 404,
      instance: 'urn:uuid:01a20657-1d65-70a8-a1f9-c9dba64c576e',
    }
    const answerWith = (body: string, type = 'application/problem+json') => {
      answer = (_, response) => response.writeHead(404, { 'Content-Type': type }).end(body)
    }
    answerWith(JSON.stringify(details))
    expect(await problem(open())).toMatchObject({ problem: 'refused', status: 404, details })
    answerWith('{')
    expect(await problem(open())).toMatchObject({ problem: 'refused', status: 404, details: undefined })
    answerWith('{"title":"of a proxy"}', 'application/json')
    expect((await problem(open())).details).toBeUndefined()
  })

  test('a ticket whose life exceeds the longest timer is not renewed at once', async () => {
    answer = issue(400 * 86_400_000)
    await open()
    await pause(200)
    expect(asked).toHaveLength(1)
  })

  test('concurrent renewals of a ticket send one request', async () => {
    const ticket = await open()
    const urls = await Promise.all([1, 2, 3].map(() => ticket.renew()))
    expect(urls).toEqual([1, 2, 3].map(() => `${origin}/play/T2`))
    expect(asked).toHaveLength(2)
  })

  test('a closed ticket is not renewed', async () => {
    answer = issue(300)
    const ticket = await open()
    ticket.close()
    await pause(500)
    expect(asked).toHaveLength(1)
    expect((await problem(ticket.renew())).message).toContain('closed')
  })

  test('a ticket that is closed during a renewal is not renewed again', async () => {
    const ticket = await open()
    answer = issue(100)
    const renewed = ticket.renew()
    ticket.close()
    await renewed
    await pause(250)
    expect(asked).toHaveLength(2)
  })
})

describe('fresh', () => {
  test('fresh replaces an older ticket of this recording by the newest one', async () => {
    const ticket = await open('/recordings/rec-1/master.m3u8')
    await ticket.renew()
    await ticket.renew()
    for (const old of ['T1', 'T2', 'T3'])
      expect(ticket.fresh(`${origin}/play/${old}/a/b.m4s?x=1#t=3`)).toBe(`${origin}/play/T3/a/b.m4s?x=1#t=3`)
    expect(ticket.fresh(`${origin}/play/T1`)).toBe(`${origin}/play/T3`)
  })

  test.each(['/play/T10/a.m4s', '/play/other', '/recordings/rec-1', '/play/'])(
    'fresh does not change %s',
    async path => {
      const ticket = await open()
      await ticket.renew()
      expect(ticket.fresh(origin + path)).toBe(origin + path)
    },
  )

  test('fresh does not change the same path of another host', async () => {
    const ticket = await open()
    await ticket.renew()
    expect(ticket.fresh('https://other.example/play/T1')).toBe('https://other.example/play/T1')
  })
})

describe('failures', () => {
  test.each([
    [401, 'expired'],
    [404, 'refused'],
    [403, 'refused'],
    [400, 'refused'],
    [405, 'refused'],
    [429, 'unavailable'],
    [500, 'unavailable'],
    [503, 'unavailable'],
    [200, 'unavailable'],
  ])('a ticket request that is answered %d fails as %s', async (code, kind) => {
    answer = status(code)
    const error = await problem(open())
    expect([error.problem, error.status]).toEqual([kind, code])
    expect(`${error.message} ${error.stack}`).not.toContain('a.b.c')
  })

  test('a gate that cannot be reached is unavailable', async () => {
    server.close()
    expect(await problem(open())).toMatchObject({ problem: 'unavailable', status: undefined, retryAfter: 5 })
  })

  const lasting = (life: string) => `{"url":"https://media.clinic.example/play/T1","expires_in":${life}}`
  test.each([
    '',
    '{',
    'null',
    '{}',
    '{"url":"javascript:alert(1)","expires_in":3600}',
    ...['0', '-5', 'null', '"3600"'].map(lasting),
  ])('a server that answers 201 with the body %j is not taken for a gate', async body => {
    answer = (_, response) => response.writeHead(201).end(body)
    expect((await problem(open())).problem).toBe('unavailable')
  })

  test('the token is not sent to the target of a redirect', async () => {
    answer = (request, response) =>
      request.url === '/elsewhere'
        ? issue(1000)(request, response)
        : status(307, { Location: '/elsewhere' })(request, response)
    expect((await problem(open())).problem).toBe('unavailable')
    expect(asked.map(({ url }) => url)).toEqual(['/recordings/rec-1/ticket'])
  })

  test('openTicket throws a TypeError for a URL with a query', async () => {
    await expect(open('/recordings/rec-1?x=1')).rejects.toThrow(TypeError)
    expect(asked).toEqual([])
  })

  test('a token function that fails is reported as an expired token', async () => {
    const token = () => Promise.reject(new Error('signed out'))
    expect((await problem(open(undefined, { token }))).problem).toBe('expired')
    expect(asked).toEqual([])
  })

  test('Retry-After is read as seconds or as a date, and limited to a day', async () => {
    const waits = async (value: string) => {
      answer = status(503, { 'Retry-After': value })
      return (await problem(open())).retryAfter
    }
    expect(await waits('17')).toBe(17)
    expect(await waits(new Date(Date.now() + 30_000).toUTCString())).toBeGreaterThan(27)
    expect(await waits('0')).toBe(1)
    expect(await waits('99999999999')).toBe(86_400)
    expect(await waits('soon')).toBe(5)
  })
})

describe('renewals during playback', () => {
  test('a refusal of a renewal is reported, and the ticket is not requested again', async () => {
    const told: TicketError[] = []
    answer = issue(300)
    const ticket = await open(undefined, { onError: error => told.push(error) })
    answer = status(404)
    await until(() => told.length === 1)
    expect(told[0]?.problem).toBe('refused')
    expect(await problem(ticket.renew())).toBe(told[0])
    await pause(300)
    expect(asked).toHaveLength(2)
  })

  test('an expired token is reported, and renewals go on with a new one', async () => {
    const told: TicketError[] = []
    answer = issue(300)
    const ticket = await open(undefined, { onError: error => told.push(error) })
    answer = status(401)
    await until(() => told.length === 1)
    expect(told[0]?.problem).toBe('expired')
    await pause(300)
    expect(asked).toHaveLength(2)
    answer = issue(300)
    await ticket.renew()
    await until(() => asked.length === 4)
  })

  test('a renewal that fails is tried again at the time that the gate names, not before', async () => {
    const told: TicketError[] = []
    answer = issue(300)
    const ticket = await open(undefined, { onError: error => told.push(error) })
    answer = status(503, { 'Retry-After': '1' })
    await until(() => told.length === 1)
    answer = issue(60_000)
    expect(await problem(ticket.renew())).toBe(told[0])
    expect(asked).toHaveLength(2)
    const start = performance.now()
    await until(() => ticket.url.endsWith('T3'))
    expect(performance.now() - start).toBeGreaterThan(700)
    expect(told).toHaveLength(1)
  })
})
