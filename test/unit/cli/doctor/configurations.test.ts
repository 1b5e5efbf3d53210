import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Report } from '../../../../src/cli/doctor/report.ts'
import { examineVariables } from '../../../../src/cli/doctor/variables-examination.ts'
import {
  TESTED_DATE,
  WRANGLER_CHECKS,
  type WranglerFacts,
} from '../../../../src/cli/doctor/wrangler-checks.ts'
import { examineWrangler } from '../../../../src/cli/doctor/wrangler-examination.ts'
import { readVariablesFile } from '../../../../src/cli/variables-file.ts'
import { runChecks } from '../../../../src/doctor/finding.ts'
import { start } from '../../../../src/runtime/local/start.ts'
import { createIssuer } from '../../../support/issuer.ts'

// What `mediaward doctor` says of a configuration before it is used.

const PSEUDONYM_KEY = 'Zt1oPp0mW2y7Jq0uVb3kqkq5o1T8rYw9sX4cL6nDhGA='
const ISSUER = 'https://login.clinic-seven.org/'
const statesIn = ({ findings }: Report) => findings.map(({ check, state }) => `${check} ${state}`)
const notOk = (report: Report) => statesIn(report).filter(state => !state.endsWith(' ok'))
const foundBy = (report: Report, name: string) =>
  report.findings.flatMap(({ check, state, found }) => (check === name ? `${state}: ${found}` : []))

// Providers publish nothing here.
beforeEach(() => void vi.stubGlobal('fetch', async () => new Response(null, { status: 404 })))
afterEach(() => void vi.unstubAllGlobals())

/** Writes a file of variables. */
async function variables(more: Readonly<Record<string, string>> = {}): Promise<string> {
  const { entry } = await createIssuer(ISSUER)
  const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
  const all = {
    ISSUERS: JSON.stringify([entry()]),
    PSEUDONYM_KEY,
    DATA_DIR: join(folder, 'data'),
    PUBLIC_URL: 'https://media.clinic-seven.org',
    TICKET_KEY: 'm3Xq7Rk1vB9sT5wZ0yLcPq8dNfGhJ2aEoUiKtYrWxSQ=',
    ADDRESS_HEADER: 'X-Real-IP',
    ALERTS: '[{"type":"slack","secret":{"secret":"SLACK_URL"}}]',
    SLACK_URL: 'https://hooks.clinic-seven.org/1',
    ...more,
  }
  const file = join(folder, 'gate.vars')
  writeFileSync(
    file,
    Object.entries(all)
      .map(([name, value]) => `${name}='${value}'\n`)
      .join(''),
  )
  return file
}

describe('variables of one machine', () => {
  test('variables that are right have no finding but ok, and what only a running gate can say', async () => {
    const report = await examineVariables(await variables())
    expect(notOk(report)).toEqual([
      'clock not_checked',
      'recordings not_checked',
      'ledger not_checked',
      'data_folder not_checked',
    ])
    expect(statesIn(report)).toContain('configuration ok')
  })

  test('variables by which findings alert no one are worth a warning', async () => {
    expect(foundBy(await examineVariables(await variables()), 'alerts')).toEqual([
      'ok: systems that are alerted of findings: 1',
    ])
    expect(foundBy(await examineVariables(await variables({ ALERTS: '' })), 'alerts')).toEqual([
      'warning: ALERTS is not set: what the rules find alerts no one',
    ])
  })

  test('variables by which the worst only is tried are worth a warning', async () => {
    expect(foundBy(await examineVariables(await variables({ RESPOND: 'RG-003' })), 'rules')).toEqual([
      expect.stringMatching(/^ok: .*; none only tries; the gate responds by itself to RG-003$/),
    ])
    expect(foundBy(await examineVariables(await variables({ RULES_DRY_RUN: 'RG-003' })), 'rules')).toEqual([
      expect.stringMatching(/^warning: .*these only try, and alert no one: RG-003/),
    ])
  })

  test('nothing is created where the gate will keep its data', async () => {
    const file = await variables()
    await examineVariables(file)
    const [, data = ''] = /DATA_DIR='(.*)'/.exec(readFileSync(file, 'utf8')) ?? []
    expect(existsSync(data)).toBe(false)
  })

  test('a folder that is there is looked at', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
    chmodSync(folder, 0o777)
    expect(notOk(await examineVariables(await variables({ DATA_DIR: folder })))).toContain(
      'data_folder failed',
    )
    chmodSync(folder, 0o700)
    expect(statesIn(await examineVariables(await variables({ DATA_DIR: folder })))).toContain(
      'data_folder ok',
    )
  })

  test('a data folder that is a file, or below one, fails', async () => {
    const file = await variables()
    for (const data of [file, join(file, 'data')]) {
      expect(notOk(await examineVariables(await variables({ DATA_DIR: data })))).toContain(
        'data_folder failed',
      )
    }
  })

  test('a misspelled variable is a finding, and one of another program is not', async () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const report = await examineVariables(
      await variables({ TICKET_KEI: 'x', PSEUDONYM_NAME: 'y', NODE_EXTRA_CA_CERTS: '/ca.pem' }),
    )
    vi.restoreAllMocks()
    expect(report.findings.filter(({ check }) => check === 'variables')).toEqual([
      expect.objectContaining({ state: 'warning', found: 'the variable PSEUDONYM_NAME is not read' }),
      expect.objectContaining({
        state: 'warning',
        found: 'the variable TICKET_KEI is not read',
        fix: 'write it TICKET_KEY, if it is meant to be that',
      }),
    ])
  })

  test('every mistake is a finding, and nothing else is guessed at', async () => {
    const report = await examineVariables(
      await variables({ PSEUDONYM_KEY: 'short', PORT: '99999999', DATA_DIR: '' }),
    )
    expect(notOk(report)).toEqual(['configuration failed', 'configuration failed', 'configuration failed'])
    const said = JSON.stringify(report)
    for (const name of ['PSEUDONYM_KEY', 'PORT', 'DATA_DIR']) expect(said).toContain(name)
    expect(said).not.toContain('short')
  })

  test.each<[string, Record<string, string>, string]>([
    ['no header of the proxy', { ADDRESS_HEADER: '' }, 'address_header warning'],
    ['a header that any client can set', { HOST: '0.0.0.0' }, 'address_header warning'],
    [
      'a store that does not answer',
      {
        S3_ENDPOINT: 'http://127.0.0.1:9',
        S3_BUCKET: 'recordings',
        S3_ACCESS_KEY_ID: 'key',
        S3_SECRET_ACCESS_KEY: 'secret',
      },
      'recordings failed',
    ],
    ['a setting that is wrong', { VIEWS: 'async' }, 'views warning'],
  ])('%s', async (_, more, state) => {
    expect(notOk(await examineVariables(await variables(more)))).toContain(state)
  })

  const FLEET = {
    DATABASE_URL: 'postgres://mediaward:password@127.0.0.1:9/mediaward',
    S3_ENDPOINT: 'http://127.0.0.1:9',
    S3_BUCKET: 'recordings',
    S3_ACCESS_KEY_ID: 'key',
    S3_SECRET_ACCESS_KEY: 'secret',
  }

  test('a machine of a fleet that could not be the log does not start, as the server says with the same words', async () => {
    const more = { ...FLEET, LOG_DAYS: '30', SINKS: '[{"type":"files"}]' }
    const file = await variables(more)
    const report = await examineVariables(file)
    const found = foundBy(report, 'configuration')
    expect(() => start(readVariablesFile(file))).toThrow(
      expect.objectContaining({ mistakes: found.map(one => one.replace('failed: ', '')) }),
    )
    expect(found).toEqual([
      'failed: SINKS: with DATABASE_URL, files need the url of a bucket, as each machine may be the log',
      expect.stringMatching(/^failed: LOG_DAYS, .* need S3_AUDIT_BUCKET with DATABASE_URL/),
    ])
    // What else the variables say is still looked at.
    expect(statesIn(report)).toContain('public_url ok')
    for (const fine of [FLEET, { ...more, ...FLEET, DATABASE_URL: '' }]) {
      const report = await examineVariables(await variables(fine))
      expect(foundBy(report, 'configuration')).toEqual(['ok: a gate can start with these variables'])
    }
  })

  test('a database whose certificate is not checked is a warning', async () => {
    const stateOf = async (more: Readonly<Record<string, string>>) =>
      foundBy(await examineVariables(await variables(more)), 'database')
    expect(await stateOf({ ...FLEET, ALLOW_UNVERIFIED_DATABASE: 'true' })).toEqual([
      expect.stringMatching(/^warning: ALLOW_UNVERIFIED_DATABASE is on: /),
    ])
    expect(await stateOf(FLEET)).toEqual([expect.stringMatching(/^ok: /)])
    expect(await stateOf({})).toEqual([])
  })
})

describe('a wrangler configuration', () => {
  const LEDGER = { name: 'LEDGER', class_name: 'LedgerObject' }
  const LOG = { name: 'LOG', class_name: 'LogObject' }
  const CONTROL = { name: 'CONTROL', class_name: 'ControlObject' }
  const BINDINGS = [LEDGER, LOG, CONTROL]
  const good: WranglerFacts = {
    workers_dev: false,
    preview_urls: false,
    routes: [{ pattern: 'media.clinic-seven.org', custom_domain: true }],
    r2_buckets: [
      { binding: 'RECORDINGS', bucket_name: 'recordings' },
      { binding: 'AUDIT', bucket_name: 'audit' },
    ],
    durable_objects: { bindings: BINDINGS },
    migrations: [
      { new_sqlite_classes: ['LedgerObject'] },
      { new_sqlite_classes: ['LogObject', 'ControlObject'] },
    ],
    triggers: { crons: ['* * * * *'] },
    observability: { enabled: true, logs: { invocation_logs: false } },
    compatibility_date: TESTED_DATE,
    compatibility_flags: [],
    vars: {},
  }
  const states = (facts: Partial<WranglerFacts>) =>
    runChecks('wrangler', WRANGLER_CHECKS, { ...good, ...facts }).flatMap(({ check, state }) =>
      state === 'ok' ? [] : `${check} ${state}`,
    )

  test('one that is right leaves only the secrets open', () => {
    expect(states({})).toEqual(['secrets not_checked'])
  })

  test.each<[string, Partial<WranglerFacts>, string]>([
    [
      'a misspelled bucket',
      {
        r2_buckets: [
          { binding: 'RECORDING', bucket_name: 'r' },
          { binding: 'AUDIT', bucket_name: 'a' },
        ],
      },
      'bindings failed',
    ],
    [
      'one bucket for both',
      {
        r2_buckets: [
          { binding: 'RECORDINGS', bucket_name: 'r' },
          { binding: 'AUDIT', bucket_name: 'r' },
        ],
      },
      'bindings failed',
    ],
    ['no ledger', { durable_objects: { bindings: [] } }, 'bindings failed'],
    [
      'a ledger of a class that the worker does not have',
      {
        durable_objects: { bindings: [{ name: 'LEDGER', class_name: 'Ledger' }, LOG, CONTROL] },
        migrations: [{ new_sqlite_classes: ['Ledger', 'LogObject', 'ControlObject'] }],
      },
      'bindings failed',
    ],
    [
      'a ledger without SQLite',
      { migrations: [{ new_sqlite_classes: ['LogObject', 'ControlObject'] }] },
      'bindings failed',
    ],
    ['a log without restrictions', { durable_objects: { bindings: [LEDGER, LOG] } }, 'bindings failed'],
    ['inboxes without a log', { durable_objects: { bindings: [LEDGER, CONTROL] } }, 'bindings failed'],
    [
      'a log without a migration',
      { migrations: [{ new_sqlite_classes: ['LedgerObject', 'ControlObject'] }] },
      'bindings failed',
    ],
    ['workers.dev', { workers_dev: true }, 'addresses failed'],
    ['workers.dev by default', { workers_dev: undefined }, 'addresses failed'],
    ['preview URLs', { preview_urls: undefined }, 'addresses failed'],
    ['no route', { routes: [] }, 'addresses warning'],
    ['invocation logs', { observability: { enabled: true } }, 'invocation_logs failed'],
    ['a cache', { cache: { enabled: true } }, 'answers failed'],
    ['assets', { assets: { directory: 'public' } }, 'answers warning'],
    ['no cron trigger', { triggers: { crons: [] } }, 'cron failed'],
    ['cron triggers that are left as they are', { triggers: {} }, 'cron failed'],
    ['an old date', { compatibility_date: '2025-01-01' }, 'compatibility_date warning'],
    [
      'keys in the own zone',
      { vars: { ISSUERS: '[{"jwks_uri":"https://login.clinic-seven.org/keys"}]' } },
      'own_zone warning',
    ],
    [
      'keys in the zone of a pattern',
      {
        routes: ['*.clinic-seven.org/media/*'],
        vars: { ISSUERS: '[{"issuer":"https://login.clinic-seven.org/","discovery":true}]' },
      },
      'own_zone warning',
    ],
    ['[secrets]', { secrets: { required: ['PSEUDONYM_KEY'] } }, 'secrets warning'],
    ['a secret in [vars]', { vars: { TICKET_KEY: 'x' } }, 'secrets failed'],
    ['a token for scrapers in [vars]', { vars: { METRICS_TOKEN: 'x' } }, 'secrets failed'],
    [
      'the secret of a sink in [vars]',
      { vars: { SINKS: '[{"type":"splunk","secret":{"secret":"SPLUNK_TOKEN"}}]', SPLUNK_TOKEN: 'x' } },
      'secrets failed',
    ],
    [
      'the secret of an issuer in [vars]',
      {
        vars: {
          ISSUERS: '[{"introspection":{"client_secret":{"secret":"CLIENT_SECRET"}}}]',
          CLIENT_SECRET: 'x',
        },
      },
      'secrets failed',
    ],
    [
      'a secret that is named, and not in [vars]',
      { vars: { SINKS: '[{"type":"splunk","secret":{"secret":"SPLUNK_TOKEN"}}]' } },
      'secrets not_checked',
    ],
    [
      'buckets in two places',
      {
        r2_buckets: [
          { binding: 'RECORDINGS', bucket_name: 'r', jurisdiction: 'eu' },
          { binding: 'AUDIT', bucket_name: 'a' },
        ],
      },
      'jurisdiction warning',
    ],
  ])('%s', (_, facts, state) => {
    expect(states(facts)).toContain(state)
  })

  test('that of this package lacks nothing but what only its reader can fill in', async () => {
    expect(notOk(await examineWrangler('wrangler.toml', undefined))).toEqual([
      'addresses warning',
      'secrets not_checked',
      'configuration failed',
    ])
  })

  test('in JSON is read for an environment, with its variables', async () => {
    const { entry } = await createIssuer(ISSUER)
    const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
    const file = join(folder, 'wrangler.jsonc')
    const { vars: _, ...bindings } = good
    const staging = {
      ...bindings,
      migrations: [{ tag: 'v1', new_sqlite_classes: ['LedgerObject', 'LogObject', 'ControlObject'] }],
      vars: {
        ISSUERS: JSON.stringify([entry({ allow_actor: true })]),
        PUBLIC_URL: 'https://staging.clinic-seven.org',
      },
    }
    const migrations = [{ tag: 'v1', new_sqlite_classes: ['LedgerObject', 'LogObject', 'ControlObject'] }]
    const config = { name: 'mediaward', main: 'worker.ts', ...good, migrations, env: { staging } }
    writeFileSync(file, `// A comment.\n${JSON.stringify(config)}`)
    expect(notOk(await examineWrangler(file, 'staging'))).toEqual([
      'secrets not_checked',
      'alerts warning',
      'allowances warning',
      'clock not_checked',
    ])
  })

  /** Writes a configuration with these environments. */
  const withEnvironments = (env: object, vars: Readonly<Record<string, string>> = {}) => {
    const file = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'wrangler.jsonc')
    writeFileSync(file, JSON.stringify({ name: 'mediaward', main: 'worker.ts', vars, env }))
    return file
  }

  test('is examined for no environment that it lacks: wrangler would deploy the top level', async () => {
    await expect(examineWrangler('wrangler.toml', 'staging')).rejects.toMatchObject({
      name: 'UsageError',
      message: 'wrangler.toml has no environment "staging"',
      hint: 'it has none: add [env.staging], or take --env away',
    })
    const file = withEnvironments({ staging: {}, preview: {} })
    await expect(examineWrangler(file, 'stagin')).rejects.toMatchObject({
      name: 'UsageError',
      hint: 'its environments: staging, preview',
    })
    vi.stubEnv('CLOUDFLARE_ENV', 'stagin')
    await expect(examineWrangler(file, undefined)).rejects.toMatchObject({ name: 'UsageError' })
    vi.stubEnv('CLOUDFLARE_ENV', 'staging')
    expect((await examineWrangler(file, undefined)).title).toContain(' (staging), ')
    expect((await examineWrangler(file, '')).title).not.toContain('(')
    vi.unstubAllEnvs()
  })

  test('that wrangler can not read has a hint with its environment', async () => {
    const file = withEnvironments({ staging: { workers_dev: 'no' } })
    await expect(examineWrangler(file, 'staging')).rejects.toMatchObject({
      hint: expect.stringContaining(`--dry-run --config ${file} --env staging"`),
    })
  })

  test('with sinks that Workers lack does not start, as the worker says with the same words', async () => {
    const { entry } = await createIssuer(ISSUER)
    const configurationWith = async (sinks: readonly object[]) => {
      const vars = { ISSUERS: JSON.stringify([entry()]), SINKS: JSON.stringify(sinks) }
      return foundBy(await examineWrangler(withEnvironments({}, vars), undefined), 'configuration')
    }
    const syslog = { type: 'syslog', url: 'tls://siem.clinic-seven.org' }
    const s3 = { url: 'https://s3.clinic-seven.org', bucket: 'records', access_key_id: 'key' }
    const files = { type: 'files', ...s3, secret: { secret: 'FILES_KEY' } }
    expect(await configurationWith([syslog, files])).toEqual([
      'failed: SINKS[0] is syslog, which needs Node or Deno: on Workers take another type',
      'failed: SINKS[1] has a url, and files go to the bucket AUDIT on Workers: take the url away',
    ])
    const webhook = {
      type: 'webhook',
      url: 'https://siem.clinic-seven.org/hook',
      secret: { secret: 'HOOK_SECRET' },
    }
    expect(await configurationWith([{ type: 'files' }, webhook])).toEqual([
      'ok: a gate can start with these variables',
    ])
  })

  test('with a misspelled variable has a finding, and with one of another program has none', async () => {
    const file = withEnvironments({}, { TICKET_KEI: 'x', LOG_LEVEL: 'debug' })
    const { findings } = await examineWrangler(file, undefined)
    expect(findings.filter(({ check }) => check === 'variables')).toMatchObject([
      { group: 'settings', state: 'warning', found: 'the variable TICKET_KEI is not read' },
    ])
  })

  test.each([
    ['is not there', undefined],
    ['is not TOML', 'name = '],
  ])('that %s is a mistake of the caller', async (_, content) => {
    const file = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'wrangler.toml')
    if (content !== undefined) writeFileSync(file, content)
    await expect(examineWrangler(file, undefined)).rejects.toMatchObject({ name: 'UsageError' })
  })

  test('is tested with the compatibility date that is deployed', () => {
    expect(readFileSync('wrangler.toml', 'utf8')).toContain(`compatibility_date = "${TESTED_DATE}"`)
  })
})
