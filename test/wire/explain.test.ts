import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Finding } from '../../src/doctor/finding.ts'
import type { Explanation } from '../../src/explain/explanation.ts'
import { runWith } from '../support/command.ts'
import {
  type ConfigurationMistake,
  MISTAKES,
  questionOf,
  requestOf,
  tokenOf,
  variablesOf,
} from '../support/configuration-mistakes.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, records, store, type TestIssuer, variables } from '../support/gate-client.ts'

// A gate with several mistakes in its configuration: what its operator reads, and what `mediaward explain` says of it.

const NAMES = [
  "the issuer has no slash at its end, and the tokens' has",
  'a tenant of Microsoft Entra is missing in tenants',
  'the token is for another audience',
  'no entry names the header that Cloudflare Access sends',
]
const rows = MISTAKES.filter(({ mistake }) => NAMES.includes(mistake))
/** The mistakes that show at the provider's server. Opaque tokens are introspected at one endpoint only. */
const served = MISTAKES.filter(
  ({ served: answers, token, mistake }) =>
    answers !== undefined && (token !== 'opaque' || mistake === 'the secret for introspection is wrong'),
)
const right: ConfigurationMistake = { mistake: 'none', doctor: '' }

let gate: RunningGate
let staff: TestIssuer
beforeAll(async () => {
  staff = await createIssuer('https://staff.clinic.test/')
  const vars = variables(staff)
  const entriesOf = (row: ConfigurationMistake): { issuer: string }[] =>
    JSON.parse(variablesOf(row).ISSUERS ?? '')
  const all = [...JSON.parse(vars.ISSUERS ?? ''), ...[...rows, ...served].flatMap(entriesOf)]
  const issuers = all.filter(({ issuer }, i) => all.findIndex(one => one.issuer === issuer) === i)
  const secrets = served.map(row => row.variables ?? {})
  gate = await startGate({ vars: Object.assign({}, vars, ...secrets, { ISSUERS: JSON.stringify(issuers) }) })
  const owner = { 'Mediaward-Owner-Issuer': 'https://login.clinic.test/' }
  expect((await store(gate, staff, '/recordings/rec-1', 'patient-1', 'video', owner)).status).toBe(201)
})
afterAll(() => gate.stop())

async function explain(token: string, ...args: string[]) {
  const analyst = await staff.token('analyst-1', { roles: ['security'] })
  const call = ['explain', '/recordings/rec-1', '--json', '--url', gate.url, ...args]
  const { code, stdout, stderr } = await runWith(token, call, { MEDIAWARD_TOKEN: analyst })
  expect(stderr).toBe('')
  return { code, explanation: JSON.parse(stdout) as Explanation, stdout }
}

test.each(rows)('the operator and explain say on this runtime what is wrong: $mistake', async row => {
  const token = await tokenOf(row)
  const [path, init] = requestOf(row, token)
  const { status } = await fetch(gate.url + path, init)
  const { code, explanation, stdout } = await explain(
    token,
    ...(row.place === undefined ? [] : ['--header', row.place.header]),
  )
  expect({ status, code }).toEqual({ status: explanation.status, code: 1 })
  expect(explanation.reason).toBe(row.reason)
  const [first] = explanation.mistakes
  expect(`${first?.reason}: ${first?.found}. To fix it: ${first?.fix}`).toBe(row.line)
  await expect.poll(() => gate.said(), { timeout: 10_000 }).toContain(`mediaward: ${row.line}\n`)
  for (const part of token.split('.').filter(({ length }) => length > 20)) {
    expect(stdout + gate.said()).not.toContain(part)
  }
})

test('a token that may play is permitted, and explaining it begins no view', async () => {
  const token = await tokenOf(right)
  const { code, explanation } = await explain(token)
  expect(code).toBe(0)
  expect(explanation).toMatchObject({ decision: 'permit', status: 200, mistakes: [] })
  expect(explanation.steps.filter(({ outcome }) => outcome === 'fail')).toEqual([])
  expect(await records(gate, staff, 'view')).toEqual([])
})

test('each explanation is on record with who asked, about which recording, and what was answered', async () => {
  // Looks at the log are records of this kind, too.
  const all = (await records(gate, staff, 'console')).filter(({ action }) => action === 'explain')
  expect(all.map(record => ('explained' in record ? record.explained.reason : record.action))).toEqual([
    ...rows.map(({ reason }) => reason),
    undefined,
  ])
  const [last] = all.slice(-1)
  expect(last).toMatchObject({ action: 'explain', recording: 'rec-1', about: last?.owner })
  expect(new Set(all.map(({ subject }) => subject)).size).toBe(1)
})

test("explain says that an analyst's token lacks the role, and exits with 2", async () => {
  const call = ['explain', '/recordings/rec-1', '--url', gate.url]
  const MEDIAWARD_TOKEN = await staff.token('recorder-1', { roles: ['recorder'] })
  const { code, stdout, stderr } = await runWith('opaque', call, { MEDIAWARD_TOKEN })
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/the gate refused: 404 Not Found[\s\S]*--token needs the role "security"/)
})

/** Calls the console's API as an analyst. */
async function ask(path: string, body: object) {
  const headers = {
    ...(await staff.bearer('analyst-1', { roles: ['security'] })),
    'Content-Type': 'application/json',
  }
  return fetch(`${gate.url}/console/api/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
}
/** Up to where each runtime describes a failed connection in words of its own. */
const shared = (line = '') => line.replace(/\((?:E[A-Z]+|UNABLE_)[\s\S]*/, '(')

test.each(served)(
  'explain and the console say on this runtime what the provider does: $mistake',
  async row => {
    const response = await ask('explain', questionOf(row, await tokenOf(row)))
    const explanation = (await response.json()) as Explanation
    expect(explanation).toMatchObject({ decision: 'deny', reason: row.reason })
    const failed = explanation.steps.filter(({ outcome }) => outcome === 'fail').map(({ step }) => step)
    expect(failed).toEqual([row.step])
    const [first] = explanation.mistakes
    expect(`${first?.reason}: ${first?.found}. To fix it: ${first?.fix}`).toContain(shared(row.line))
    const [said] = row.console ?? []
    await expect.poll(() => gate.said(), { timeout: 10_000 }).toContain(shared(said))
  },
)

test('one examination finds on this runtime all that is wrong at the providers', async () => {
  const response = await ask('doctor', {})
  const { findings } = (await response.json()) as { findings: Finding[] }
  const found = findings.filter(({ state }) => state !== 'ok').map(finding => finding.found)
  for (const { doctor } of served) expect(found).toContainEqual(expect.stringContaining(shared(doctor)))
})
