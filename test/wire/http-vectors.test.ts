import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RUNTIME, type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, patterned, store, type TestIssuer, variables } from '../support/gate-client.ts'

// All of test/vectors/http-cases.json over real HTTP, with the runner that came with them.

// Where several ranges stay several the whole is sent, by policy: see "Several ranges" in docs/answers.md.
const WHOLE_FOR_SEVERAL_RANGES = [
  'multi-two',
  'multi-two-b',
  'multi-open',
  'multi-three',
  'multi-far',
  'multi-desc',
  'multi-desc3',
  'multi-merge-far',
  'multi-gap1',
  'multi-suffix-first',
  'multi-boundary-safe',
  'multi-part-content-type',
  'ifr-match-multi',
]
// PUT is a route of ours; who may not store is told what everybody is told who may not.
const OTHERWISE_NOT_PREFERRED = ['m-put-range']
// Node's HTTP parser knows a list of methods, and answers 400 to every other before anybody sees the request.
const NOT_HANDED_ON = RUNTIME === 'node' ? ['m-unknown'] : []

let gate: RunningGate
let idp: TestIssuer

beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({ vars: variables(idp) })
  for (const [name, size] of [
    ['main', 10_000],
    ['one', 1],
    ['empty', 0],
  ] as const) {
    expect((await store(gate, idp, `/recordings/${name}`, 'patient-1', patterned(size))).status).toBe(201)
  }
})
afterAll(() => gate.stop())

test('the gate passes every case of the HTTP vectors', async () => {
  const results = join(gate.data, 'http-results.json')
  const { stdout } = await promisify(execFile)(process.execPath, [
    'test/vectors/run-http-cases.mjs',
    '--base',
    gate.url,
    '--json',
    results,
    '--main',
    '/recordings/main',
    '--one',
    '/recordings/one',
    '--empty',
    '/recordings/empty',
    '--missing',
    '/recordings/none',
    '--owner',
    await idp.token('patient-1'),
    '--other',
    await idp.token('patient-2'),
    '--expired',
    await idp.token('patient-1', { exp: 1_000_000_000 }),
  ])
  expect(stdout).toContain('288 passed, 0 failed, 0 skipped')
  const cases = JSON.parse(readFileSync(results, 'utf8')) as { id: string; r: string }[]
  const notPreferred = cases.filter(({ r }) => r !== 'pass').map(({ id }) => id)
  expect(notPreferred.sort()).toEqual(
    [...WHOLE_FOR_SEVERAL_RANGES, ...OTHERWISE_NOT_PREFERRED, ...NOT_HANDED_ON].sort(),
  )
})
