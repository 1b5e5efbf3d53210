import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { parseEnv } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { getPlatformProxy } from 'wrangler'
import { checkOptions } from '../../src/config/check-options.ts'
import type { Table } from '../../src/config/option.ts'
import { OPTIONS } from '../../src/config/table.ts'
import { readVariables } from '../../src/config/variables.ts'

// The files that a deployment on Cloudflare is copied from: wrangler.toml, .dev.vars.example and package.json.

const TOML = readFileSync('wrangler.toml', 'utf8')
const EXAMPLE = readFileSync('.dev.vars.example', 'utf8')
/** The example with every line in force. */
const ALL = parseEnv(EXAMPLE.replace(/^# (?=[A-Z_]+=)/gm, ''))
const { cloudflare } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  cloudflare: { bindings: Record<string, { description: string }> }
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Bundles a worker as `wrangler deploy` does, and returns what wrangler says of it. */
const dryRun = (toml: string, ...args: string[]): Promise<string> => {
  const config = join(folder, 'wrangler.toml')
  writeFileSync(config, toml.replace('"src/', `"${process.cwd()}/src/`))
  const { PATH = '', HOME = '' } = process.env
  const env = { PATH, HOME, CI: '1', NO_COLOR: '1', WRANGLER_SEND_METRICS: 'false' }
  const all = ['deploy', '--dry-run', '--outdir', join(folder, 'out'), '--config', config, ...args]
  return new Promise((resolve, reject) =>
    execFile('wrangler', all, { env }, (error, stdout, stderr) =>
      error ? reject(error) : resolve(stdout + stderr),
    ),
  )
}

test('wrangler dev loads every line of .dev.vars, the ones that wrangler.toml does not name too', async () => {
  // Outside of `wrangler dev` there is no worker that has the class of the Durable Objects, and wrangler would warn.
  const [, ...tables] = TOML.split(/^(?=\[)/m)
  const toml = tables.filter(table => !/^\[\[(durable_objects|migrations)/.test(table)).join('')
  writeFileSync(
    join(folder, 'wrangler.toml'),
    `name = "mediaward"\ncompatibility_date = "2026-10-20"\n${toml}`,
  )
  const lines = Object.entries({ ...ALL, LEDGER_JURISDICTION: 'eu' }).map(
    ([name, value]) => `${name}='${value}'\n`,
  )
  writeFileSync(join(folder, '.dev.vars'), lines.join(''))
  const platform = await getPlatformProxy({ configPath: join(folder, 'wrangler.toml'), persist: false })
  try {
    expect(platform.env).toMatchObject({ ...ALL, LEDGER_JURISDICTION: 'eu' })
    expect(ALL).toMatchObject({ TICKET_KEY: expect.any(String), ISSUERS: expect.any(String) })
  } finally {
    await platform.dispose()
  }
})

test('.dev.vars.example has one line for each variable that the worker reads, and says what it is for', () => {
  const table: Table = OPTIONS
  const read = Object.values(table).flatMap(({ variable, runtimes = ['workers'] }) =>
    variable !== undefined && runtimes.includes('workers') ? variable : [],
  )
  expect(Object.keys(ALL).sort()).toEqual([...read].sort())
  const lines = EXAMPLE.split('\n').filter(line => /^(# )?[A-Z_]+=/.test(line))
  expect(lines).toHaveLength(read.length)
  expect(lines.filter(line => !/ # \S.{20,}$/.test(line))).toEqual([])
})

test('the values of .dev.vars.example are valid, but for the secrets that it asks to replace', () => {
  const secret = 'x'.repeat(32)
  const secrets = { PSEUDONYM_KEY: secret, TICKET_KEY: secret, METRICS_TOKEN: secret }
  const { LOCATIONS, MEDIA_PREFIX, ...rest } = ALL
  for (const one of [{ LOCATIONS }, { MEDIA_PREFIX }]) {
    checkOptions(readVariables({ ...rest, ...one, ...secrets }))
  }
  expect(() => checkOptions(readVariables({ ...rest }))).toThrow(
    /PSEUDONYM_KEY.*at least 32[\s\S]*TICKET_KEY.*at least 32[\s\S]*METRICS_TOKEN.*at least 32/,
  )
})

test('package.json describes each binding and secret that a deploy button asks for', () => {
  const asked = Object.keys(parseEnv(EXAMPLE))
  expect(asked.sort()).toEqual(['ISSUERS', 'PSEUDONYM_KEY'])
  expect(Object.keys(cloudflare.bindings).sort()).toEqual(
    [...asked, 'AUDIT', 'CONTROL', 'LEDGER', 'LOG', 'RECORDINGS'].sort(),
  )
  for (const { description } of Object.values(cloudflare.bindings)) expect(description).toMatch(/^[A-Z].+\.$/)
})

test('a deployment has the five bindings, and so has staging once its lines are in force', async () => {
  expect(await dryRun(TOML)).toMatch(
    /LEDGER \(LedgerObject\)[\s\S]*LOG \(LogObject\)[\s\S]*CONTROL \(ControlObject\)[\s\S]*RECORDINGS \(recordings\)[\s\S]*AUDIT \(mediaward-audit\)/,
  )

  const [production = '', block = ''] = TOML.split(/(?=^# \[env\.staging\]$)/m)
  const withRoute = production.replace(/^# (?=routes = )/m, '')
  expect(withRoute).not.toBe(production)
  const staging = await dryRun(withRoute + block.replace(/^# /gm, ''), '--env', 'staging')
  expect(staging).toMatch(
    /LEDGER \(LedgerObject\)[\s\S]*LOG \(LogObject\)[\s\S]*CONTROL \(ControlObject\)[\s\S]*RECORDINGS \(recordings-staging\)[\s\S]*AUDIT \(mediaward-audit-staging\)/,
  )
  expect(staging).toMatch(/ISSUERS[\s\S]*PUBLIC_URL/)
  // wrangler warns of a route that staging would take away from production.
  expect(staging).not.toMatch(/WARNING|ERROR/)
})

test('staging in the EU has the jurisdiction of its own buckets and ledger', async () => {
  const [production = '', block = ''] = TOML.split(/(?=^# \[env\.staging\]$)/m)
  const withRoute = production.replace(/^# (?=routes = )/m, '')
  const said = await dryRun(withRoute + block.replace(/^# (?:# )?/gm, ''), '--env', 'staging')
  expect(said).toMatch(
    /RECORDINGS \(recordings-staging \(eu\)\)[\s\S]*AUDIT \(mediaward-audit-staging \(eu\)\)/,
  )
  expect(said).toMatch(/LEDGER_JURISDICTION \("eu"\)/)
})

test('a deployment in the EU has the jurisdiction of both buckets and of the ledger', async () => {
  const inEurope = TOML.replace(/^# (?=jurisdiction = |LEDGER_JURISDICTION = |\[vars\]$)/gm, '')
  expect(inEurope.match(/^jurisdiction = "eu"$/gm)).toHaveLength(2)
  const said = await dryRun(inEurope)
  expect(said).toMatch(/RECORDINGS \(recordings \(eu\)\)[\s\S]*AUDIT \(mediaward-audit \(eu\)\)/)
  expect(said).toMatch(/LEDGER_JURISDICTION \("eu"\)/)
})
