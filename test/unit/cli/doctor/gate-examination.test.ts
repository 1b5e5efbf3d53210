import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { examineGate } from '../../../../src/cli/doctor/gate-examination.ts'
import type { State } from '../../../../src/doctor/finding.ts'

// How `mediaward doctor` calls a gate, and what it makes of its answers.

/** Serves a gate that answers each call of its doctor with the next of these, and everything else with 404. */
async function gateWith(...answers: readonly (readonly [status: number, json: object])[]): Promise<URL> {
  const left = [...answers]
  const server = createServer((request, response) => {
    const [status, json] = (request.method === 'POST' ? left.shift() : undefined) ?? [404, {}]
    request.resume()
    response.writeHead(status, { 'retry-after': '0' }).end(JSON.stringify(json))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise(resolve => server.once('listening', resolve))
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}
const examined = (recordings: State) =>
  [
    200,
    {
      version: '0.8.0',
      time: new Date().toISOString(),
      path: '/r/doctor',
      whole: true,
      findings: [{ group: 'storage', check: 'recordings', state: recordings, found: 'it is so' }],
    },
  ] as const
const examine = (gate: URL, buckets: readonly URL[] = []) =>
  examineGate({ gate, token: 'token', buckets, others: [] })

test.each<[State, State]>([
  ['ok', 'ok'],
  ['failed', 'not_checked'],
  ['not_checked', 'not_checked'],
])('if the write to the bucket is %s, an address without the object is %s', async (recordings, state) => {
  const gate = await gateWith(examined(recordings), examined('ok'))
  const { findings } = await examine(gate, [await gateWith()])
  expect(findings.filter(({ check }) => check === 'public_bucket')).toMatchObject([{ state }])
})

test('a gate that another call examines is waited for', async () => {
  const { findings } = await examine(await gateWith([503, {}], examined('ok')))
  expect(findings[0]).toMatchObject({ check: 'recordings', state: 'ok' })
})

test('a gate that stays busy is said to be busy, and no one is sent to its console', async () => {
  const busy = [503, { detail: 'Another call examines it: try again in a few seconds' }] as const
  const failure = await examine(await gateWith(busy, busy)).catch(String)
  expect(failure).toContain('Another call examines it: try again in a few seconds')
  expect(failure).not.toContain('console')
})

test('a gate that is not well sends its operator to its console', async () => {
  const unwell = [503, { title: 'Service Unavailable' }] as const
  await expect(examine(await gateWith(unwell, unwell))).rejects.toThrow(/look at its console/)
})
