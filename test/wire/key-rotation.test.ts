import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createPseudonymizer } from '../../src/ledger/pseudonym.ts'
import { run, runWith } from '../support/command.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, store, type TestIssuer, variables } from '../support/gate-client.ts'
import { LiveClient } from '../support/live-client.ts'

// PSEUDONYM_KEY and TICKET_KEY are replaced step by step, and each step is a restart over the same data. The first key
// writes, all of them read.

const PATIENT = 'patient-007'
const [OLD, NEW] = ['the older key of this test and no secret', 'the newer key of this test and no secret']
const [OLD_TICKETS, NEW_TICKETS] = [
  'the older key of tickets and no secret',
  'the newer key of tickets: no secret',
]
/** What one patient does under each key: is refused a recording, begins to watch another, and gets its bytes. */
const DONE = ['access', 'ticket', 'view']

let idp: TestIssuer
let gate: RunningGate
let under: Record<string, string>
let token: string
/** The URL of a ticket that was issued under the older key. */
let ticket: string

const settings = (pseudonyms: string, tickets: string) => ({
  ...variables(idp),
  PSEUDONYM_KEY: pseudonyms,
  TICKET_KEY: tickets,
})

async function restart(pseudonyms: string, tickets: string): Promise<void> {
  const { data, port } = gate
  await gate.stop()
  gate = await startGate({ data, port, vars: settings(pseudonyms, tickets) })
}

/** Asks for a recording of another patient, and for one's own by a ticket. Returns the URL of the ticket. */
async function watch(): Promise<string> {
  const headers = await idp.bearer(PATIENT)
  expect((await fetch(`${gate.url}/recordings/another`, { headers })).status).toBe(404)
  const issued = await fetch(`${gate.url}/recordings/own/ticket`, { method: 'POST', headers })
  const { url } = (await issued.json()) as { url: string }
  expect(await (await fetch(url)).text()).toBe('the bytes of one')
  return url
}

async function api(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${gate.url}/console/api/${path}`, {
    ...init,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(init.body !== undefined && { 'Content-Type': 'application/json' }),
    },
  })
}

interface Found {
  readonly kind: string
  readonly subject: string
  readonly owner: string
}

const linesIn = (text: string): Found[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Found)

/** The kinds of the records that a query finds, each with the key of its subject. */
async function found(query: string): Promise<string[]> {
  const records = linesIn(await (await api(`records?${query}`)).text())
  return records.map(({ kind, subject }) => `${kind} ${keyOf(subject)}`).sort()
}

const keyOf = (pseudonym: string) => (pseudonym === under.old ? 'old' : pseudonym === under.new ? 'new' : '')

const each = (...keys: readonly string[]) => DONE.flatMap(kind => keys.map(key => `${kind} ${key}`)).sort()

const log = (args: readonly string[], stdin = '') =>
  runWith(stdin, ['log', ...args, '--json', '--url', gate.url, '--token', token], {})

beforeAll(async () => {
  idp = await createIssuer()
  token = await idp.token('analyst-1', { roles: ['security'] })
  const [older, newer] = [OLD, NEW].map(key => createPseudonymizer(key)('subject', idp.issuer, PATIENT))
  under = { old: (await older) ?? '', new: (await newer) ?? '' }
  gate = await startGate({ vars: settings(OLD, OLD_TICKETS) })
  await store(gate, idp, '/recordings/own', PATIENT, 'the bytes of one')
  await store(gate, idp, '/recordings/another', 'patient-001', 'the bytes of two')
  ticket = await watch()
  // The delivery is on record when it was summed up over ten seconds. It has no index yet, and is held over the restart.
  const held = async () => expect(await found(`held=true&subject=${under.old}`)).toHaveLength(1)
  await vi.waitFor(held, { timeout: 20_000, interval: 250 })
  await restart(`${NEW}, ${OLD}`, `${NEW_TICKETS},${OLD_TICKETS}`)
  await watch()
}, 60_000)
afterAll(() => gate.stop())

test('a person is found by id under each key, by what a ticket, a view and a refusal say and what is held', async () => {
  const answer = await api('pseudonym', { method: 'POST', body: JSON.stringify({ subject: PATIENT }) })
  expect(await answer.json()).toEqual({
    pseudonym: under.new,
    pseudonyms: [under.new, under.old],
    issuer: idp.issuer,
  })
  const both = `subject=${under.new},${under.old}`
  expect(await found(both)).toEqual(each('new', 'old'))
  expect(await found(`subject=${under.new}`)).toEqual(each('new'))
  expect(await found(`subject=${under.old}`)).toEqual(each('old'))
  await expect
    .poll(() => found(`held=true&${both}`), { timeout: 20_000 })
    .toEqual(['delivery new', 'delivery old'])
  expect(await found(`${both}&order=newest&limit=3&kind=view`)).toEqual(['view new', 'view old'])
})

test('log finds a person under each key, by the keys of a file, by those of the gate, and as an owner', async () => {
  const vars = join(gate.data, 'test.vars')
  const kinds = (stdout: string) => linesIn(stdout).map(({ kind, subject }) => `${kind} ${keyOf(subject)}`)
  const refused = ['access old', 'access new']
  expect(kinds((await log(['--subject', '-', '--kind', 'access'], PATIENT)).stdout)).toEqual(refused)
  expect(kinds((await log(['--subject', PATIENT, '--kind', 'access', '--vars', vars])).stdout)).toEqual(
    refused,
  )
  const { stdout } = await log(['--owner', 'patient-001', '--kind', 'access'])
  expect(kinds(stdout)).toEqual(refused)
  expect(new Set(linesIn(stdout).map(({ owner }) => owner)).size).toBe(2)
  // A pseudonym is taken as it is.
  const pasted = await log(['--subject', `${under.old}`, '--kind', 'access'])
  expect(kinds(pasted.stdout)).toEqual(['access old'])
})

test('pseudonym prints the pseudonym under each key, beside the place of the key', async () => {
  const vars = ['--vars', join(gate.data, 'test.vars')]
  const printed = await runWith(PATIENT, ['pseudonym', '--sub', '-', ...vars])
  expect(printed.stdout).toBe(`${under.new}  key 1, writes\n${under.old}  key 2\n`)
  const json = await runWith(PATIENT, ['pseudonym', '--sub', '-', '--json', ...vars])
  expect(JSON.parse(json.stdout)).toEqual({
    pseudonym: under.new,
    pseudonyms: [under.new, under.old],
    issuer: idp.issuer,
  })
})

test('a stream of a person sends what is recorded under each key', async () => {
  const url = `${gate.url}/console/api/records?from=0&kind=ticket&subject=${under.new},${under.old}`
  const client = await LiveClient.open(url, { Authorization: `Bearer ${token}` })
  await expect.poll(() => client.events.length, { timeout: 10_000 }).toBe(2)
  expect(client.events.map(({ record }) => keyOf((record as unknown as Found).subject))).toEqual([
    'old',
    'new',
  ])
  await client.close()
})

test('a ticket of the older key plays while that key is listed, and is void without it', async () => {
  expect((await fetch(ticket)).status).toBe(200)
  await restart(NEW, NEW_TICKETS)
  expect((await fetch(ticket)).status).toBe(401)
})

test('without the older key its records stay, and a query by id no longer finds them', async () => {
  const refusals = linesIn((await log(['--subject', '-', '--kind', 'access'], PATIENT)).stdout)
  expect(refusals.map(({ subject }) => keyOf(subject))).toEqual(['new'])
  expect(await found(`kind=access&subject=${under.old}`)).toEqual(['access old'])
})

test.each([
  ['a short key in second place', 'PSEUDONYM_KEY', `${NEW},short`, '[1]', 'at least 32 characters'],
  ['an empty entry', 'PSEUDONYM_KEY', `${NEW},`, '[1]', 'must not be empty: remove the comma before it'],
  ['a key that is there twice', 'PSEUDONYM_KEY', `${NEW},${OLD},${NEW}`, '[2]', 'must differ'],
  ['a key that is there twice', 'TICKET_KEY', `${NEW_TICKETS}, ${NEW_TICKETS}`, '[1]', 'must differ'],
])('a gate does not start with %s of %s, and does not repeat it', async (_, name, value, place, message) => {
  const start = startGate({ vars: { ...settings(NEW, NEW_TICKETS), [name]: value } })
  const said = await start.then(
    () => 'it started',
    (error: Error) => error.message,
  )
  expect(said).toContain(`${name}${place} `)
  expect(said).toContain(message)
  for (const secret of [OLD, NEW, NEW_TICKETS, 'short']) expect(said).not.toContain(secret)
})

test('a command says which of the keys no gate would accept', async () => {
  const { code, stderr } = await run(['pseudonym', '--sub', '-'], { PSEUDONYM_KEY: `${NEW},short` })
  expect(code).toBe(2)
  expect(stderr).toContain('PSEUDONYM_KEY has a key shorter than 32 characters')
})
