import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../support/command.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, records, store, type TestIssuer, variables } from '../support/gate-client.ts'
import { SinkServer } from '../support/sink-server.ts'

// The automatic response, on every runtime: a login that tries recordings of others is blocked with no person who does it.

/** No request goes there: alerts name it. */
const PUBLIC_URL = 'https://media.clinic.example'
let idp: TestIssuer
let gate: RunningGate
let pager: SinkServer
beforeAll(async () => {
  idp = await createIssuer()
  pager = await SinkServer.start()
  const receiver = { type: 'webhook', url: `${pager.url}/hook`, secret: { secret: 'HOOK' } }
  gate = await startGate({
    vars: {
      ...variables(idp),
      PUBLIC_URL,
      RESPOND: 'RG-002,RG-022',
      ALERTS: JSON.stringify([{ ...receiver, allow_internal: true }]),
      HOOK: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
    },
  })
  for (let i = 0; i < 12; i++) {
    const path = `/recordings/rec-${i}`
    expect((await store(gate, idp, path, i === 0 ? 'patient-1' : `other-${i}`, 'video')).status).toBe(201)
  }
})
afterAll(async () => {
  await gate.stop()
  pager.stop()
})

const status = async (session: string, recording: string) => {
  const headers = { Authorization: `Bearer ${await idp.token('patient-1', { sid: session })}` }
  const response = await fetch(`${gate.url}/recordings/${recording}`, { headers })
  await response.arrayBuffer()
  return response.status
}

test('ten recordings of others block the session, no other session of the person, and an analyst can undo it', async () => {
  expect(await status('one', 'rec-0')).toBe(200)
  for (let i = 1; i < 9; i++) expect(await status('one', `rec-${i}`)).toBe(404)
  await wait(1_000)
  expect(await status('one', 'rec-0')).toBe(200)
  for (let i = 9; i < 12; i++) await status('one', `rec-${i}`)
  await expect.poll(() => status('one', 'rec-0'), { timeout: 10_000 }).toBe(403)
  expect(await status('two', 'rec-0')).toBe(200)
  const finding = (await records(gate, idp)).find(one => 'action' in one && one.action === 'contained')
  expect(finding).toMatchObject({ kind: 'finding', rule: 'RG-002', epoch: 1, may_respond: true })
  const token = await idp.token('analyst-1', { roles: ['security'] })
  const gateAt = ['--url', gate.url, '--token', token]
  expect((await run(['lockdown', 'list', ...gateAt])).stdout).toMatch(/session psn_.* by RG-002 .*by itself/)
  const id = finding !== undefined && 'finding' in finding ? `${finding.finding}` : ''
  const shown = JSON.parse((await run(['findings', 'show', id, '--json', ...gateAt])).stdout)
  expect(shown.finding.contained).toMatchObject({ by: 'RG-002', epoch: 1 })
  // The rule found it from the third recording on.
  expect(shown.exposure).toContainEqual({
    recording: 'rec-5',
    ...{ owners: [expect.stringMatching(/^psn_/)], isDisputed: false },
    refused: { count: 1, reasons: { not_owner: 1 } },
    listed: { permitted: 0, refused: 0, by: [] },
    ...{ tickets: 0, views: 0, views_without_delivery: 0, sent: [] },
  })
  const words = (await run(['findings', 'show', id, ...gateAt])).stdout
  expect(words).toMatch(/^rec-5: 1 requests refused \(not_owner 1\).*no byte left to anyone$/m)
  expect(words).toMatch(/^what the log says of each recording, read from 20.*Z:$/m)
  expect(words).toMatch(/^not known: The log has/m)
  // The alert has the command that undoes it.
  const alerts = () => pager.calls.map(({ body }) => `${body}`)
  const undo = JSON.stringify(`mediaward lockdown undo 1 --url ${PUBLIC_URL} --reason "WHY"`)
  await expect.poll(alerts, { timeout: 10_000 }).toContainEqual(expect.stringContaining(undo))
  await run(['lockdown', 'undo', '1', '--reason', 'a test', ...gateAt])
  await expect.poll(() => status('one', 'rec-0'), { timeout: 10_000 }).toBe(200)
}, 60_000)

test('an upload that is refused takes no recording from its owner', async () => {
  const before = (await records(gate, idp)).length
  expect((await store(gate, idp, '/recordings/rec-0', 'patient-2', 'another video')).status).toBe(409)
  const found = async () => (await records(gate, idp)).slice(before).filter(({ kind }) => kind === 'finding')
  await expect.poll(found, { timeout: 10_000 }).toMatchObject([{ rule: 'RG-022', action: 'opened' }])
  await wait(2_500)
  expect(await found()).toHaveLength(1)
  expect((await found())[0]).not.toHaveProperty('may_respond')
  expect(await status('three', 'rec-0')).toBe(200)
}, 60_000)
