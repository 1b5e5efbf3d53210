import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { createDevelopmentSecrets, saveDevelopmentSecrets } from '../../../src/cli/development-issuer.ts'
import { runWith } from '../../support/command.ts'
import { createIssuer, type TestIssuer, variables } from '../../support/gate-client.ts'

// What `mediaward pseudonym` refuses. test/wire/pseudonym.test.ts compares what it prints with the log of a gate.

const ID = 'patient-007'
let idp: TestIssuer
let vars: string

function fileOf(settings: Record<string, string>): string {
  const file = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'test.vars')
  const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'\n`)
  writeFileSync(file, lines.join(''))
  return file
}

beforeAll(async () => {
  idp = await createIssuer()
  vars = fileOf(variables(idp))
})

const pseudonym = (args: readonly string[], stdin: string, env: Record<string, string> = {}) =>
  runWith(stdin, ['pseudonym', ...args], env)

describe('mistakes', () => {
  const SHORT = 'a-short-secret'
  test.each<[string, string[], string, Record<string, string>, RegExp]>([
    ['an id as an argument', ['--sub', ID], '', {}, /read from stdin[\s\S]*history[\s\S]*list of processes/],
    ['an id in the same argument as --sub', [`--sub=${ID}`], '', {}, /read from stdin/],
    ['a missing id', [], ID, {}, /--sub - is missing/],
    ['a key as an argument', ['--sub', '-', '--key', SHORT], ID, {}, /Unknown option '--key'/],
    [
      'a missing key',
      ['--sub', '-', '--issuer', 'https://a.test/'],
      ID,
      {},
      /PSEUDONYM_KEY is missing[\s\S]*findings show ID[\s\S]*log --subject -/,
    ],
    [
      'a key that no gate accepts',
      ['--sub', '-'],
      ID,
      { PSEUDONYM_KEY: SHORT },
      /shorter than 32 characters/,
    ],
    ['a missing issuer', ['--sub', '-'], ID, { PSEUDONYM_KEY: 'x'.repeat(32) }, /--issuer is missing/],
    ['an empty stdin', ['--sub', '-', '--vars', 'VARS'], '\n', {}, /stdin is empty/],
    ['several ids', ['--sub', '-', '--vars', 'VARS'], `${ID}\n${ID}\n`, {}, /several lines/],
    [
      'much too long an id',
      ['--sub', '-', '--vars', 'VARS'],
      'x'.repeat(5000),
      {},
      /more than 1024 characters/,
    ],
    ['a file that does not exist', ['--sub', '-', '--vars', '/none'], ID, {}, /\/none can't be read/],
  ])('pseudonym reports %s, and repeats neither the id nor the key', async (_, args, stdin, env, message) => {
    const none = mkdtempSync(join(tmpdir(), 'mediaward-'))
    const given = args.map(arg => (arg === 'VARS' ? vars : arg))
    const { code, stdout, stderr } = await pseudonym([...given, '--data', none], stdin, env)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain(ID)
    expect(stderr).not.toContain(SHORT)
  })

  test('pseudonym requires --issuer if the variables name two issuers', async () => {
    const file = fileOf(variables(idp, await createIssuer('https://second.test/')))
    const { code, stderr } = await pseudonym(['--sub', '-', '--vars', file], ID)
    expect(code).toBe(2)
    expect(stderr).toMatch(/--issuer is missing/)
  })
})

describe('places', () => {
  const ISSUER = 'https://other.test/'
  const MISSING = { code: 2, stderr: expect.stringContaining('--issuer is missing') }
  const issuerOf = async (args: readonly string[], env: Record<string, string> = {}) => {
    const { code, stdout, stderr } = await pseudonym(['--sub', '-', '--json', ...args], ID, env)
    return code === 0 ? (JSON.parse(stdout) as { issuer: string }).issuer : { code, stderr }
  }
  const KEY = 'k'.repeat(32)
  let data: string
  let ISSUERS: string
  beforeAll(async () => {
    data = mkdtempSync(join(tmpdir(), 'mediaward-'))
    saveDevelopmentSecrets(data, await createDevelopmentSecrets())
    ISSUERS = variables(await createIssuer(ISSUER)).ISSUERS ?? ''
  })

  test('pseudonym never takes the issuer of the environment with the key of a file', async () => {
    const file = fileOf({ PSEUDONYM_KEY: KEY })
    expect(await issuerOf(['--vars', file], { ISSUERS })).toEqual(MISSING)
  })

  test('pseudonym never takes the issuer of a file with the key of the environment', async () => {
    const file = fileOf({ ISSUERS })
    expect(await issuerOf(['--vars', file], { PSEUDONYM_KEY: KEY })).toEqual(MISSING)
    expect(await issuerOf(['--vars', file], variables(idp))).toBe(idp.issuer)
  })

  test('pseudonym never takes the issuer of the environment with the key of dev', async () => {
    expect(await issuerOf(['--data', data], { ISSUERS })).toBe('https://issuer.mediaward.invalid/')
  })

  test('pseudonym takes the issuer of a file with the key of dev, as dev does with the same --vars', async () => {
    expect(await issuerOf(['--data', data, '--vars', fileOf({ ISSUERS })])).toBe(ISSUER)
  })
})
