import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, denials, type TestIssuer, variables } from '../support/gate-client.ts'

// What `mediaward dev` adds to the gate that is deployed.

const APP = 'https://app.clinic.test'
/** The first page of each is on this machine. */
const LOCAL = ['http://localhost:5173', 'http://127.0.0.1:3000', 'http://localhost', 'https://localhost:8443']
const STRANGE = [
  'http://localhost.evil.test',
  'http://evil.test:5173',
  'http://127.0.0.1.evil.test',
  'http://localhost:5173.evil.test',
  'http://10.0.0.1:5173',
  'null',
  APP,
]

let idp: TestIssuer
beforeAll(async () => {
  idp = await createIssuer()
})

describe('a gate of dev without the demo clinic', () => {
  let gate: RunningGate
  beforeAll(async () => {
    gate = await startGate({ vars: variables(idp) })
  })
  afterAll(() => gate.stop())

  const reasons = async () => (await denials(gate, idp)).map(({ reason }) => reason)
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(gate.url + path, { redirect: 'manual', ...init })

  test('a browser that opens the address of the gate leaves no record', async () => {
    const before = await reasons()
    const home = await ask('/?utm=1')
    expect([home.status, await home.text()]).toEqual([200, expect.stringContaining('for development')])
    expect((await ask('/', { method: 'HEAD' })).status).toBe(200)
    expect((await ask('/favicon.ico')).status).toBe(204)
    expect(home.headers.get('cache-control')).toBe('private, no-store')
    expect(await reasons()).toEqual(before)
  })

  test('any other request for these paths is refused, and recorded', async () => {
    const before = (await reasons()).length
    const answers = [await ask('/', { method: 'POST' }), await ask('//'), await ask('/favicon.ico/x')]
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400])
    expect((await reasons()).slice(before)).toEqual(['path_invalid', 'path_invalid', 'path_invalid'])
  })

  test('there is no page, and nothing that issues a token', async () => {
    expect(gate.page).toBeUndefined()
    expect(gate.said()).not.toContain('browser')
    const before = (await reasons()).length
    const headers = { Origin: gate.url, 'Sec-Fetch-Site': 'same-origin' }
    for (const path of ['/token/patient-007', '/clinic.json', '/page/main.js']) {
      const { status } = await ask(path, { method: path.startsWith('/token') ? 'POST' : 'GET', headers })
      expect([path, status]).toEqual([path, 400])
    }
    expect((await reasons()).length).toBe(before + 3)
  })

  test.each(LOCAL)('a page of %s may ask the gate, and read what it answers', async origin => {
    const preflight = await ask('/recordings/rec-1/ticket', {
      method: 'OPTIONS',
      headers: { Origin: origin },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-headers')).toContain('Authorization')
    expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
    expect(preflight.headers.get('allow')).toContain('POST')
    const refusal = await ask('/recordings/rec-1', { headers: { Origin: origin } })
    expect(refusal.status).toBe(401)
    for (const { headers } of [preflight, refusal]) {
      expect(headers.get('access-control-allow-origin')).toBe(origin)
      expect(headers.get('vary')).toBe('Origin')
    }
    expect(refusal.headers.get('cross-origin-resource-policy')).toBe('cross-origin')
  })

  test.each(STRANGE)('a page of %s may not', async origin => {
    for (const method of ['OPTIONS', 'GET']) {
      const { headers } = await ask('/recordings/rec-1', { method, headers: { Origin: origin } })
      expect([...headers.keys()].filter(name => name.startsWith('access-control-'))).toEqual([])
      expect(headers.get('vary')).toBe('Origin')
    }
  })
})

test('a gate of dev with ALLOWED_ORIGINS allows these, and no other of this machine', async () => {
  const gate = await startGate({ vars: { ...variables(idp), ALLOWED_ORIGINS: APP } })
  const allows = async (origin: string) => {
    const { headers } = await fetch(`${gate.url}/recordings/rec-1`, { headers: { Origin: origin } })
    return headers.get('access-control-allow-origin')
  }
  try {
    expect([await allows(APP), await allows('http://localhost:5173')]).toEqual([APP, null])
  } finally {
    await gate.stop()
  }
})

describe('a gate of dev with the demo clinic', () => {
  let gate: RunningGate
  beforeAll(async () => {
    // The page may use the gate all the same.
    gate = await startGate({ demo: true, vars: { ALLOWED_ORIGINS: APP } })
  })
  afterAll(() => gate.stop())

  const tokenOf = async (person: string) => {
    const headers = { 'Sec-Fetch-Site': 'same-origin' }
    const response = await fetch(`${gate.page}token/${person}`, { method: 'POST', headers })
    expect(response.status).toBe(200)
    return ((await response.json()) as { token: string }).token
  }

  test('dev names the address of the page once for programs, and once for people', async () => {
    expect(gate.page).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/)
    expect(gate.said().split(gate.page ?? '-')).toHaveLength(2)
    const home = await fetch(gate.url, { redirect: 'manual' })
    expect([home.status, home.headers.get('location')]).toEqual([302, gate.page])
  })

  test('the gate itself has neither the page nor anything that issues a token', async () => {
    const headers = { Origin: gate.url, 'Sec-Fetch-Site': 'same-origin' }
    const { status } = await fetch(`${gate.url}/token/patient-007`, { method: 'POST', headers })
    expect(status).toBe(400)
    expect((await fetch(`${gate.url}/clinic.json`)).status).toBe(400)
  })

  test('a token of the page gets a ticket for its own recording, a refusal for fifty others, and the log', async () => {
    const clinic = (await (await fetch(`${gate.page}clinic.json`)).json()) as {
      gate: string
      path: string
      patients: { id: string; recordings: { id: string }[] }[]
      foreign: { id: string; owner: string }[]
      names: Record<string, string>
    }
    expect(clinic.gate).toBe(gate.url)
    expect(clinic.foreign).toHaveLength(50)
    const [patient] = clinic.patients
    const headers = {
      Authorization: `Bearer ${await tokenOf(patient?.id ?? '')}`,
      Origin: gate.page?.slice(0, -1) ?? '',
    }
    const askFor = async (id: string) => {
      const url = `${clinic.gate}${clinic.path.replace(':recording', id)}/ticket`
      const response = await fetch(url, { method: 'POST', headers })
      expect(response.headers.get('access-control-allow-origin')).toBe(headers.Origin)
      return { status: response.status, ...((await response.json()) as { instance?: string; url?: string }) }
    }
    for (const { id } of patient?.recordings ?? []) {
      const { status, url = '' } = await askFor(id)
      expect([id, status]).toEqual([id, 201])
      expect((await fetch(url)).headers.get('content-type')).toBe('video/mp4')
    }
    const refused = await Promise.all(clinic.foreign.map(({ id }) => askFor(id)))
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([404]))

    const log = await fetch(`${gate.url}/console/api/denials`, {
      headers: { Authorization: `Bearer ${await tokenOf('analyst')}` },
    })
    const records = (await log.text())
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, string>)
      .filter(({ reason }) => reason === 'not_owner')
    expect(records.map(({ id }) => `urn:uuid:${id}`).sort()).toEqual(
      refused.map(({ instance }) => instance).sort(),
    )
    // The page names people, whom the log knows by their pseudonyms only.
    for (const { recording, owner = '', subject = '' } of records) {
      expect(clinic.names[subject]).toBe(patient?.id)
      expect(clinic.names[owner]).toBe(clinic.foreign.find(({ id }) => id === recording)?.owner)
    }
  })
})
