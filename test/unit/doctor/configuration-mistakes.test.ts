import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { examineVariables } from '../../../src/cli/doctor/variables-examination.ts'
import type { Finding } from '../../../src/doctor/finding.ts'
import { type ConfigurationMistake, MISTAKES, variablesOf } from '../../support/configuration-mistakes.ts'

// What `mediaward doctor` says of each mistake, as far as the configuration and the provider reveal it without a token.

const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))

beforeEach(() => void vi.spyOn(console, 'error').mockReturnValue())
afterEach(() => void vi.unstubAllGlobals())

/** How many seconds the clock of the provider is ahead of that of this machine. */
const AHEAD: Readonly<Record<string, number>> = {
  'the clock of the machine is a week fast': -604_800,
  'the clock of the machine is slow': 120,
}

/** Publishes the metadata of the provider whose tokens come, with the `iss` that they have, unless it has a server. */
function publish({ mistake, claims = {}, served }: ConfigurationMistake): void {
  if (served !== undefined) return
  const issuer = String(claims.iss ?? 'https://login.clinic.test/')
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  vi.stubGlobal('fetch', async (input: string) => {
    const date = new Date(Date.now() + (AHEAD[mistake] ?? 0) * 1000).toUTCString()
    const headers = { date }
    return input === url
      ? Response.json({ issuer }, { headers })
      : new Response(null, { status: 404, headers })
  })
}

async function examine(row: ConfigurationMistake) {
  const file = join(folder, 'test.vars')
  const settings = Object.entries({ DATA_DIR: join(folder, 'data'), ...variablesOf(row) })
  writeFileSync(file, settings.map(([name, value]) => `${name}='${value}'\n`).join(''))
  publish(row)
  return (await examineVariables(file)).findings
}

/** What is found of the configuration that each mistake changes: its issuer is a name of tests, and so on. */
const usual = (await examine({ mistake: '', doctor: '' })).map(({ check, found }) => `${check}: ${found}`)

describe('mistakes that keep the gate from starting', () => {
  const rows = MISTAKES.filter(({ start }) => start !== undefined)
  test.each(rows)('the doctor says why: $mistake', async row => {
    const mistakes = (await examine(row)).filter(({ check }) => check === 'configuration')
    expect(new Set(mistakes.map(({ state }) => state))).toEqual(new Set(['failed']))
    expect(mistakes.map(({ found }) => found).join('\n')).toContain(row.start)
    expect(row.doctor).toBe(row.start)
  })
})

describe('mistakes that a configuration or its provider reveals', () => {
  const rows = MISTAKES.filter(({ start, doctor }) => start === undefined && doctor !== '')
  test.each(rows)('the doctor finds it: $mistake', async row => {
    const found = (await examine(row)).filter(({ state }) => state === 'warning' || state === 'failed')
    expect(found.map(one => one.found)).toContainEqual(expect.stringContaining(row.doctor))
    for (const { fix } of found) expect(fix).toMatch(/^.{5,}[^.]$/)
  })
})

describe('mistakes that only a token reveals', () => {
  const rows = MISTAKES.filter(({ doctor }) => doctor === '')
  test.each(rows)('the doctor blames nothing else: $mistake', async row => {
    const others = (await examine(row)).filter(
      ({ check, state, found }) => state === 'failed' && !usual.includes(`${check}: ${found}`),
    )
    // True of some of these, too: entries that give no roles, and names of tests.
    const isExpected = ({ check, found }: Finding) =>
      check === 'roles' || found.includes('a name of examples')
    expect(others.filter(finding => !isExpected(finding))).toEqual([])
  })
})
