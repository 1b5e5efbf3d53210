import { describe, expect, test } from 'vitest'
import { ConfigurationError } from '../../../src/config/options.ts'
import { readVariables } from '../../../src/config/variables.ts'
import { requireWorkersSinks } from '../../../src/runtime/cloudflare/log-variables.ts'
import type { SinkEntry } from '../../../src/sinks/sink.ts'

const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const SECRETS = { SPLUNK_TOKEN: 'token', HOOK: WEBHOOK_SECRET, HOOK_2: WEBHOOK_SECRET }
const splunk = {
  type: 'splunk',
  url: 'https://hec.clinic.example/services/collector/event',
  secret: { secret: 'SPLUNK_TOKEN' },
}
const webhook = { type: 'webhook', url: 'https://hooks.clinic.example/', secret: { secret: 'HOOK' } }

const read = (sinks: unknown, more: object = {}) =>
  readVariables({ SINKS: JSON.stringify(sinks), ...SECRETS, ...more }).sinks

function mistakesOf(sinks: unknown, more: object = {}): string {
  try {
    read(sinks, more)
    return ''
  } catch (error) {
    return (error as ConfigurationError).mistakes.join('\n')
  }
}

describe('SINKS', () => {
  test('takes an entry of each type, with its own settings', () => {
    const entries = [
      { ...splunk, index: 'audit', kinds: ['access', 'view'], from: 'start' },
      { ...webhook, secret: [{ secret: 'HOOK' }, { secret: 'HOOK_2' }], tenant: 'clinic-north' },
      { ...splunk, type: 'elastic', url: 'https://es.clinic.example', data_stream: 'logs-gate-prod' },
      { ...splunk, type: 'datadog', url: 'https://http-intake.logs.datadoghq.eu/api/v2/logs' },
      { ...splunk, type: 'otlp', url: 'https://otel.clinic.example/v1/logs', header: 'X-Api-Key', from: 12 },
      { type: 'fhir', url: 'https://arr.clinic.example/fhir', profiles: 'https://clinic.example/fhir' },
      { type: 'syslog', url: 'tls://10.0.0.7:6514', allow_internal: true, enterprise: 32473 },
      { type: 'files' },
      {
        type: 'files',
        name: 'archive-2',
        url: 'https://s3.eu-central-1.amazonaws.com',
        bucket: 'audit',
        access_key_id: 'AKIA123',
        secret: { secret: 'SPLUNK_TOKEN' },
        region: 'eu-central-1',
      },
    ]
    expect(mistakesOf(entries)).toBe('')
    expect(JSON.stringify(read(entries))).not.toContain('token')
  })

  test.each<[string, unknown, string]>([
    ['no list', splunk, 'must be a JSON list'],
    [
      'an unknown type',
      [{ ...splunk, type: 'kafka' }],
      'SINKS[0].type (sinks[0].type) must be webhook, splunk',
    ],
    ['no type', [{ url: 'https://a.example' }], 'SINKS[0].type (sinks[0].type) is missing'],
    ['a misspelt member', [{ ...splunk, urll: 'x' }], 'SINKS[0].urll (sinks[0].urll) is unknown: write url'],
    ['no address', [{ ...splunk, url: undefined }], '.url) is missing'],
    ['no secret', [{ ...splunk, secret: undefined }], '.secret) is missing: it must be {"secret":"NAME"}'],
    ['a plain secret', [{ ...splunk, secret: 'B5A79AAD' }], 'the variable NAME must hold the secret'],
    [
      'a secret that is not there',
      [{ ...splunk, secret: { secret: 'NOPE' } }],
      'names the variable NOPE, which is missing',
    ],
    [
      'the key of pseudonyms',
      [{ ...splunk, secret: { secret: 'PSEUDONYM_KEY' } }],
      'which the gate reads itself',
    ],
    ['an internal address', [{ ...splunk, url: 'https://169.254.169.254/' }], 'set "allow_internal": true'],
    [
      'http',
      [{ ...splunk, url: 'http://siem.clinic.example/', allow_internal: true }],
      'begins with "https://"',
    ],
    [
      'syslog without TLS',
      [{ type: 'syslog', url: 'udp://siem.clinic.example:514' }],
      'begins with "tls://"',
    ],
    [
      'two of one name',
      [splunk, splunk],
      'SINKS[1] (sinks[1]) has the name of [0]: give one of them a "name"',
    ],
    ['a setting of another type', [{ ...splunk, data_stream: 'logs-a-b' }], 'is only for elastic'],
    ['an unknown kind', [{ ...splunk, kinds: ['denial'] }], '.kinds[0]) must be access'],
    ['a tenant that the log cannot mean', [{ ...splunk, tenant: 'default' }], 'must be the name of a tenant'],
    ['a wrong start', [{ ...splunk, from: 'yesterday' }], 'must be "start" or an index'],
    [
      'a weak secret of a webhook',
      [{ ...webhook, secret: { secret: 'SPLUNK_TOKEN' } }],
      'openssl rand -base64 32',
    ],
    [
      'several secrets of another type',
      [{ ...splunk, secret: [{ secret: 'SPLUNK_TOKEN' }] }],
      'only a webhook has several',
    ],
    [
      'half of S3',
      [{ type: 'files', url: 'https://s3.example.com' }],
      'url, bucket, access_key_id and secret',
    ],
  ])('with %s keeps the gate from starting, and says how to fix it', (_, sinks, message) => {
    expect(mistakesOf(sinks)).toContain(message)
    expect(mistakesOf(sinks)).not.toContain('B5A79AAD')
  })

  test('refuses a secret with a line break in it without quoting it', () => {
    const message = mistakesOf([splunk], { SPLUNK_TOKEN: 'a\nb-secret' })
    expect(message).toContain('visible ASCII')
    expect(message).not.toContain('b-secret')
  })

  test('refuses syslog, and files with an address, on Workers', () => {
    const sinks: SinkEntry[] = [
      { type: 'files' },
      { type: 'syslog', url: 'tls://siem.clinic.example' },
      { type: 'files', url: 'https://s3.example.com' },
    ]
    expect(() => requireWorkersSinks(sinks)).toThrow(ConfigurationError)
    expect(() => requireWorkersSinks(sinks)).toThrow(/SINKS\[1\] .* needs Node or Deno/)
    expect(() => requireWorkersSinks(sinks)).toThrow(/SINKS\[2\] .*take the url away/)
    expect(() => requireWorkersSinks(sinks.slice(0, 1))).not.toThrow()
    expect(() => requireWorkersSinks()).not.toThrow()
  })
})
