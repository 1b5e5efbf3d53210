import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../support/command.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, records, store, type TestIssuer, variables } from '../support/gate-client.ts'

// Canary recordings and the replay of rules, by their commands.

let idp: TestIssuer
let gate: RunningGate
let at: readonly string[]
beforeAll(async () => {
  idp = await createIssuer()
  const issuer = { ...idp.entry(), allowed_roles: ['recorder', 'security', 'viewer'] }
  gate = await startGate({
    vars: { ...variables(idp), ISSUERS: JSON.stringify([issuer]), RULES_DRY_RUN: 'RG-001,RG-008' },
  })
  at = ['--url', gate.url, '--token', await idp.token('analyst-1', { roles: ['security'] })]
})
afterAll(() => gate.stop())

const call = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await run([...args, ...at])
  expect(code, stderr).toBe(0)
  return stdout.trim().split('\n')
}
const findings = async () =>
  (await call('findings', '--rule', 'RG-040', '--json')).filter(line => line !== '')

test('canaries are planted without a finding, each touch is one, and a replay finds it again', async () => {
  expect((await store(gate, idp, '/recordings/rec-000417', 'patient-1', 'video')).status).toBe(201)
  const recorder = await idp.token('recorder-1', { roles: ['recorder'] })
  const planted = ['canary', 'add', '--count', '3', '--like', 'rec-000417', '--recorder-token', recorder]
  const ids = await call(...planted)
  expect(ids).toHaveLength(3)
  for (const id of ids) expect(id).toMatch(/^rec-\d{6}$/)
  expect(ids).not.toContain('rec-000417')
  await wait(1_000)
  expect(await findings()).toEqual([])
  expect((await records(gate, idp)).filter(({ kind }) => kind === 'binding')).toHaveLength(4)

  const touched = await fetch(`${gate.url}/recordings/${ids[0]}`, { headers: await idp.bearer('patient-1') })
  expect(touched.status).toBe(404)
  await expect.poll(findings, { timeout: 10_000 }).toHaveLength(1)
  expect(JSON.parse((await findings())[0] ?? '')).toMatchObject({
    ...{ rule: 'RG-040', severity: 'critical', group: { recording: ids[0] } },
  })
  const [added] = (await records(gate, idp)).filter(one => 'action' in one && one.action === 'canary_added')
  expect(added).toMatchObject({ kind: 'finding', count: 3 })

  const replayed = await call('rules', 'replay', '--rule', 'RG-040', '--json')
  expect(replayed.map(line => JSON.parse(line).group)).toEqual([{ recording: ids[0] }])
  expect((await call('rules', 'replay')).length).toBeGreaterThan(1)
  expect(await findings()).toHaveLength(1)
})

test('a rule that only tries has its findings marked', async () => {
  await store(gate, idp, '/recordings/rec-2', 'patient-2', 'video')
  await fetch(`${gate.url}/recordings/rec-2`, { headers: await idp.bearer('patient-1') })
  const tried = async () =>
    (await call('findings', '--rule', 'RG-001', '--json'))
      .filter(line => line !== '')
      .map(line => JSON.parse(line))
  await expect.poll(async () => (await tried()).length, { timeout: 10_000 }).toBeGreaterThan(0)
  expect((await tried()).every(finding => finding.dry_run)).toBe(true)
})

test('only who may contain learns the ids, and wrong calls add nothing', async () => {
  const viewer = { Authorization: `Bearer ${await idp.token('viewer-1', { roles: ['viewer'] })}` }
  const answer = await fetch(`${gate.url}/console/api/canaries`, { headers: viewer })
  expect(await answer.json()).toEqual({ count: 3 })
  const security = { Authorization: `Bearer ${await idp.token('analyst-1', { roles: ['security'] })}` }
  const all = await (await fetch(`${gate.url}/console/api/canaries`, { headers: security })).json()
  expect(all).toMatchObject({ count: 3, recordings: { length: 3 } })
  const add = (headers: object, body: unknown) =>
    fetch(`${gate.url}/console/api/canaries/add`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
  expect((await add(viewer, { recordings: ['rec-1'] })).status).not.toBe(200)
  for (const wrong of [{}, { recordings: [] }, { recordings: ['../x'] }, { recordings: ['a'], more: 1 }]) {
    expect((await add(security, wrong)).status).toBe(400)
  }
  expect(await (await add(security, { recordings: ['rec-x'] })).json()).toEqual({ added: 1 })
})
