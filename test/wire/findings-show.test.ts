import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { nameSpaceOf } from '../../src/authorize/subject.ts'
import { createPseudonymizer } from '../../src/ledger/pseudonym.ts'
import { run } from '../support/command.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import {
  createIssuer,
  PSEUDONYM_KEY,
  records,
  store,
  type TestIssuer,
  variables,
} from '../support/gate-client.ts'

// What `findings show` puts together about a finding, on every runtime: lists, views, releases, and what it joins.

let idp: TestIssuer
let gate: RunningGate

beforeAll(async () => {
  idp = await createIssuer()
  const [issuer] = JSON.parse(variables(idp).ISSUERS ?? '') as readonly object[]
  const issuers = [{ ...issuer, release_claim: 'app_release' }]
  gate = await startGate({ vars: { ...variables(idp), ISSUERS: JSON.stringify(issuers) } })
})
afterAll(() => gate.stop())

interface Finding {
  readonly id: string
  readonly group: Readonly<Record<string, string>>
}

const analyst = () => idp.token('analyst-1', { roles: ['security'] })
const show = async (...args: readonly string[]) => {
  const at = ['--url', gate.url, '--token', await analyst()]
  const { code, stdout, stderr } = await run(['findings', 'show', ...args, ...at])
  expect(code, stderr).toBe(0)
  return stdout
}
/** Resolves to the newest finding that a query of the API finds. */
const found = (query: string) =>
  vi.waitFor(
    async () => {
      const headers = { Authorization: `Bearer ${await analyst()}` }
      const response = await fetch(`${gate.url}/console/api/findings?${query}`, { headers })
      const [one] = ((await response.json()) as { readonly findings: readonly Finding[] }).findings
      if (one === undefined) throw new Error('there is no finding')
      return one
    },
    { timeout: 10_000, interval: 50 },
  )
async function play(person: string, recording: string, claims: object = {}): Promise<number> {
  const headers = await idp.bearer(person, { sid: `s-${person}`, ...claims })
  const response = await fetch(`${gate.url}/recordings/${recording}`, { headers })
  await response.arrayBuffer()
  return response.status
}

let people = 0
/** Has a person who was never seen ask for what is not theirs. Resolves to the finding, and who is who. */
async function intrude() {
  people += 1
  const [person, owner, recording] = [`stranger-${people}`, `patient-${people}`, `rec-${people}`]
  expect((await store(gate, idp, `/recordings/${recording}`, owner, 'media')).status).toBe(201)
  expect(await play(person, recording)).toBe(404)
  const subject = await createPseudonymizer(PSEUDONYM_KEY)(
    ...(['subject', nameSpaceOf({ issuer: idp.issuer }), person] as const),
  )
  return { ...(await found(`rule=RG-001&subject=${subject}`)), person, owner, recording }
}

test('shows in whose lists a recording was, and what was refused and permitted', async () => {
  const { id, person, owner, recording, group } = await intrude()
  for (const who of [person, person, owner]) {
    const response = await fetch(`${gate.url}/access/v1/evaluations`, {
      method: 'POST',
      headers: { ...(await idp.bearer(who, {})), 'Content-Type': 'application/json' },
      body: JSON.stringify({
        ...{ subject: { type: 'user', id: who }, action: { name: 'play' } },
        evaluations: [recording, 'rec-none'].map(one => ({ resource: { type: 'recording', id: one } })),
      }),
    })
    expect(response.status).toBe(200)
  }
  const shown = await show(id)
  expect(shown).toContain(
    `${recording}: 1 requests refused (not_owner 1); in the lists that were read permitted 1 times, refused 2 times; 0 tickets, 0 views; no byte left to anyone\n`,
  )
  expect(shown).toContain(`  in lists of ${group.subject}: permitted 0 times, refused 2 times\n`)
  expect(shown).toMatch(/ {2}in lists of psn_[0-9a-f]{32}: permitted 1 times, refused 0 times\n/)
  const json = JSON.parse(await show(id, '--json'))
  expect(json.exposure[0].listed).toMatchObject({ permitted: 1, refused: 2 })
  expect(json.exposure_lists).toEqual({ read: [group.subject, json.exposure[0].owners[0]], cut: [] })
  expect(json.not_known.at(-1)).toContain(`${group.subject}, ${json.exposure[0].owners[0]}`)
})

test('does not say that no byte left while a view has just begun', async () => {
  const { id, owner, recording } = await intrude()
  expect(await play(owner, recording)).toBe(200)
  const shown = await show(id)
  expect(shown).toMatch(
    /1 views; no byte is on record; what left in 1 of its views is not on record yet, ask again\n/,
  )
  expect(shown).toMatch(/\nnot known: Bytes are on record up to 10 seconds after their answer ended\./)
})

test('shows when the releases of a finding were marked', async () => {
  const { recording } = await intrude()
  for (const release of ['5.0.0', '5.0.1', '5.0.0']) {
    const { code, stderr } = await run(['release', release, '--url', gate.url, '--token', await analyst()])
    expect(code, stderr).toBe(0)
  }
  expect(await play('of-release', recording, { app_release: '5.0.0' })).toBe(404)
  const { id } = await found('rule=RG-001&release=5.0.0')
  const shown = await show(id)
  expect(shown).toMatch(/\nrelease 5\.0\.0 was out at 20[^ ]+Z, \d+ s before the first record\n/)
  expect(shown).not.toContain('release 5.0.1')
  const marks = (await records(gate, idp, 'release')).filter(({ release }) => release === '5.0.0')
  // It was marked twice: the later mark is the one before the finding.
  expect(JSON.parse(await show(id, '--json')).releases_marked).toEqual([
    { release: '5.0.0', at: marks.at(-1)?.t },
  ])
})

test('shows what a finding joins, and what to do then', async () => {
  const { id, person, group } = await intrude()
  for (let i = 0; i < 10; i++) expect(await play(person, `none-${i}`)).toBe(404)
  const joined = await found(`rule=RG-100&subject=${group.subject}`)
  const shown = await show(joined.id)
  expect(shown).toContain(`\nrelated: ${id} RG-001 high open\n`)
  expect(shown).toMatch(/\nrelated: [0-9a-f-]{36} RG-006 medium open\n/)
  expect(shown).toMatch(/\nwhat to do: Show each related finding/)
})
