import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run, runWith } from '../support/command.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, denials, type TestIssuer, variables } from '../support/gate-client.ts'

// Whose pseudonym is it? The command says what a running gate writes into its log.

const ID = 'patient-007'
let idp: TestIssuer
let gate: RunningGate
let vars: string
let written: string | undefined

const pseudonym = (args: readonly string[], stdin: string, env: Record<string, string> = {}) =>
  runWith(stdin, ['pseudonym', ...args], env)

beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({ vars: variables(idp) })
  vars = join(gate.data, 'test.vars')
  const headers = await idp.bearer(ID)
  expect((await fetch(`${gate.url}/recordings/rec-none`, { headers })).status).toBe(404)
  written = (await denials(gate, idp))[0]?.subject
  expect(written).toMatch(/^psn_[0-9a-f]{32}$/)
})
afterAll(() => gate.stop())

test('pseudonym prints the pseudonym in the log, by the key and the sole issuer of a file of variables', async () => {
  expect(await pseudonym(['--sub', '-', '--vars', vars], `${ID}\n`)).toEqual({
    code: 0,
    stdout: `${written}\n`,
    stderr: '',
  })
})

test('pseudonym takes the key and the issuer from the environment, or the issuer from --issuer', async () => {
  const { PSEUDONYM_KEY = '', ISSUERS = '' } = variables(idp)
  expect((await pseudonym(['--sub', '-'], ID, { PSEUDONYM_KEY, ISSUERS })).stdout).toBe(`${written}\n`)
  const named = await pseudonym(['--sub', '-', '--issuer', idp.issuer, '--json'], ID, { PSEUDONYM_KEY })
  expect(JSON.parse(named.stdout)).toEqual({ pseudonym: written, pseudonyms: [written], issuer: idp.issuer })
  const other = await pseudonym(['--sub', '-', '--issuer', 'https://other.test/'], ID, { PSEUDONYM_KEY })
  expect(other.stdout).toMatch(/^psn_[0-9a-f]{32}\n$/)
  expect(other.stdout).not.toBe(`${written}\n`)
})

test('pseudonym takes the key and the issuer of dev if no other is named', async () => {
  const dev = await startGate()
  try {
    const token = await run(['token', '--sub', ID, '--data', dev.data])
    const headers = { Authorization: `Bearer ${token.stdout.trim()}` }
    expect((await fetch(`${dev.url}/recordings/none`, { headers })).status).toBe(404)
    const listed = await run(['denials', '--json', '--url', dev.url, '--data', dev.data])
    const { stdout } = await pseudonym(['--sub', '-', '--data', dev.data], ID)
    expect(JSON.parse(listed.stdout)).toMatchObject({ subject: stdout.trim() })
  } finally {
    await dev.stop()
  }
})
