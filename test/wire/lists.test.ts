import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, denials, records, store, type TestIssuer, variables } from '../support/gate-client.ts'

// June 2020: a list of some fifty consultations, of which one is the patient's own. Here the app asks before it shows it.

let gate: RunningGate
let idp: TestIssuer

beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({ vars: variables(idp) })
  expect((await store(gate, idp, '/recordings/rec-7', 'patient-1', 'the bytes of rec-7')).status).toBe(201)
  for (let i = 8; i < 32; i++) {
    const path = i % 2 === 0 ? `/recordings/rec-${i}` : `/recordings/rec-${i}/video.mp4`
    expect((await store(gate, idp, path, 'patient-2', 'the bytes of another')).status).toBe(201)
  }
})
afterAll(() => gate.stop())

async function ask(
  ids: readonly string[],
  subject: string,
  as: string,
  roles: string[] = [],
): Promise<Response> {
  return fetch(`${gate.url}/access/v1/evaluations`, {
    method: 'POST',
    headers: {
      ...(await idp.bearer(as, { roles })),
      'Content-Type': 'application/json',
      'X-Request-ID': 'list-1',
    },
    body: JSON.stringify({
      subject: { type: 'user', id: subject },
      action: { name: 'play' },
      evaluations: ids.map(id => ({ resource: { type: 'recording', id } })),
    }),
  })
}
const evaluations = async (response: Response) =>
  ((await response.json()) as { evaluations: { decision: boolean }[] }).evaluations

test("an app that asks about a list of fifty gets true for the patient's own alone, and one record of all", async () => {
  // rec-7 is the patient's, 24 are another's, the rest are nobody's.
  const ids = Array.from({ length: 50 }, (_, i) => `rec-${i}`)
  const response = await ask(ids, 'patient-1', 'app-1', ['app'])
  expect([response.status, response.headers.get('x-request-id')]).toEqual([200, 'list-1'])
  expect(await evaluations(response)).toEqual(ids.map(id => ({ decision: id === 'rec-7' })))
  const listed = await records(gate, idp, 'listed')
  expect(listed).toHaveLength(1)
  const [record] = listed
  expect(record?.answers.map(({ recording }) => recording)).toEqual(ids)
  expect(record?.answers.filter(({ decision }) => decision === 'permit')).toMatchObject([
    { recording: 'rec-7', owner: record?.about },
  ])
  const reasons = record?.answers.map(({ reason }) => reason) ?? []
  expect(reasons.filter(reason => reason === 'not_owner')).toHaveLength(24)
  expect(reasons.filter(reason => reason === 'recording_unknown')).toHaveLength(25)
  expect(await records(gate, idp, 'view')).toEqual([])
})

test('a patient gets the same evaluation for foreign recordings as for absent ones', async () => {
  const answerTo = async (id: string) => {
    const response = await ask([id, id], 'patient-1', 'patient-1')
    const headers = [...response.headers].filter(([name]) => name !== 'date')
    return { status: response.status, headers, body: await response.text() }
  }
  const foreign = await answerTo('rec-8')
  expect(foreign.body).toBe('{"evaluations":[{"decision":false},{"decision":false}]}')
  for (const id of ['rec-9', 'rec-0', 'nobodys']) expect(await answerTo(id)).toEqual(foreign)
})

test('the gate evaluates a thousand recordings in one request', async () => {
  const ids = Array.from({ length: 1000 }, (_, i) => `rec-${i}`)
  const answers = await evaluations(await ask(ids, 'patient-1', 'patient-1'))
  expect(answers.flatMap(({ decision }, i) => (decision ? [ids[i]] : []))).toEqual(['rec-7'])
})

test('a patient who asks about another patient gets 404, and the refusal is recorded', async () => {
  expect((await ask(['rec-8'], 'patient-2', 'patient-1')).status).toBe(404)
  expect((await denials(gate, idp)).at(-1)).toMatchObject({ reason: 'role_missing', method: 'POST' })
})
