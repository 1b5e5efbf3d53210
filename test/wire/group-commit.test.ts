import { Agent, request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, denials, type TestIssuer, variables } from '../support/gate-client.ts'

// Requests whose records are written together. On Workers one that waits only for another's promise is ended as hung, and
// one whose client has left never ends what it began: neither may cost another request its answer or its record.

let gate: RunningGate
let idp: TestIssuer

beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({ vars: variables(idp) })
})
afterAll(() => gate.stop())

/** Asks for a name that no other request asks for, on a connection of its own. Resolves to the id of the refusal, or to undefined if it hung up. */
function refused(
  name: string,
  headers: Record<string, string>,
  hangUpAfter?: number,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const agent = new Agent()
    const sent = request(`${gate.url}/recordings/${name}`, { agent, headers }, response => {
      let body = ''
      response.on('data', chunk => {
        body += chunk
      })
      response.on('end', () => {
        agent.destroy()
        resolve(/urn:uuid:([0-9a-f-]{36})/.exec(body)?.[1])
      })
      response.on('error', () => resolve(undefined))
    })
    sent.on('error', error => (hangUpAfter === undefined ? reject(error) : resolve(undefined)))
    sent.end()
    if (hangUpAfter !== undefined) setTimeout(() => sent.destroy(), hangUpAfter)
  })
}

test('every client of hundreds at once is answered, and its refusal recorded, though every third one hangs up', async () => {
  const headers = await idp.bearer('patient-2')
  const began = performance.now()
  const answers = await Promise.all(
    Array.from({ length: 300 }, (_, i) => refused(`none-${i}`, headers, i % 3 === 0 ? i % 40 : undefined)),
  )
  // One that waits for a request that was cut off waits for a quarter of a second.
  expect(performance.now() - began).toBeLessThan(20_000)
  const stayed = answers.filter((_, i) => i % 3 !== 0)
  expect(stayed.filter(id => id === undefined)).toEqual([])
  const recorded = new Set((await denials(gate, idp)).map(({ id }) => id))
  expect(answers.filter(id => id !== undefined && !recorded.has(id))).toEqual([])
})
