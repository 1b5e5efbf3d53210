import { Agent, request } from 'node:http'
import { expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, denials, patterned, store, variables } from '../support/gate-client.ts'

// "no denial without a record": the gate is killed under a load of refusals, again and again, on one data folder.
// Every refusal that a client has received must be there after the restart.

const RUNS = 20
const CLIENTS = 16

test(`no denial without a record: a gate killed ${RUNS} times under load loses no refusal that a client got`, {
  timeout: 400_000,
}, async () => {
  const idp = await createIssuer()
  const vars = variables(idp)
  const stranger = await idp.bearer('patient-2')
  let gate = await startGate({ vars })
  await store(gate, idp, '/recordings/rec-1', 'patient-1', patterned(1000))

  const received = new Set<string>()
  for (let run = 0; run < RUNS; run++) {
    const before = received.size
    const load = refuseUntilGone(gate, stranger, received)
    // Long enough for the gate to be in the middle of it, never at the same point of it.
    while (received.size < before + 40 + 17 * (run % 7)) await new Promise(resolve => setTimeout(resolve, 5))
    await gate.kill()
    await load
    gate = await startGate({ vars, data: gate.data, port: gate.port })
    const recorded = new Set((await denials(gate, idp)).map(({ id }) => id))
    expect(
      [...received].filter(id => !recorded.has(id)),
      `lost in run ${run}`,
    ).toEqual([])
  }
  await gate.stop()
  expect(received.size).toBeGreaterThan(RUNS * 40)
})

let another = 0

/**
 * Asks for another patient's recording, and without a token, until nothing answers. Half of the clients ask for the same
 * recording and are counted; the other half ask for another one each time.
 */
async function refuseUntilGone(
  gate: RunningGate,
  login: Record<string, string>,
  received: Set<string>,
): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  const client = async (number: number) => {
    for (;;) {
      const headers = number % 4 === 0 ? {} : login
      const recording = number % 2 === 0 ? `rec-1-${++another}` : 'rec-1'
      const body = await ask(`${gate.url}/recordings/${recording}`, agent, headers)
      if (body === undefined) return
      received.add((JSON.parse(body) as { instance: string }).instance.slice('urn:uuid:'.length))
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)))
  agent.destroy()
}

/** The whole body of an answer; undefined where none came, or not to its end. */
function ask(url: string, agent: Agent, headers: Record<string, string>): Promise<string | undefined> {
  return new Promise(resolve => {
    const gone = () => resolve(undefined)
    request(url, { agent, headers }, response => {
      let body = ''
      response.on('data', chunk => {
        body += chunk
      })
      response.on('end', () => resolve(response.complete ? body : undefined))
      response.on('error', gone)
    })
      .on('error', gone)
      .end()
  })
}
