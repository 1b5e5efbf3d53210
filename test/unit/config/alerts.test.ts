import { describe, expect, test } from 'vitest'
import type { ConfigurationError } from '../../../src/config/options.ts'
import { readVariables } from '../../../src/config/variables.ts'

const KEY = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const SECRETS = {
  ...{ HOOK: KEY, HOOK_2: KEY, PAGER: 'R0UT1NG', MAIL: 'mail-key' },
  ...{
    SLACK: 'https://hooks.slack.com/services/T0/B0/x',
    INSIDE: 'https://10.0.0.7/hook',
    PLAIN: 'http://a.example/',
  },
}
const webhook = { type: 'webhook', url: 'https://hooks.clinic.example/', secret: { secret: 'HOOK' } }
const slack = { type: 'slack', secret: { secret: 'SLACK' } }
const pager = { type: 'pagerduty', secret: { secret: 'PAGER' } }
const mail = {
  ...{ type: 'email', secret: { secret: 'MAIL' } },
  ...{ from: 'gate@clinic.example', to: ['on-call@clinic.example'] },
}

const read = (alerts: unknown, more: object = {}) =>
  readVariables({ ALERTS: JSON.stringify(alerts), ...SECRETS, ...more }).alerts

function mistakesOf(alerts: unknown, more: object = {}): string {
  try {
    read(alerts, more)
    return ''
  } catch (error) {
    return (error as ConfigurationError).mistakes.join('\n')
  }
}

describe('ALERTS', () => {
  test('takes an entry of each type, with its own settings, and shows no secret', () => {
    const entries = [
      { ...webhook, secret: [{ secret: 'HOOK' }, { secret: 'HOOK_2' }], tenant: 'clinic-north' },
      { ...slack, severity: 'critical' },
      { ...slack, type: 'teams', secret: { secret: 'INSIDE' }, allow_internal: true },
      { ...pager, escalation: true },
      { ...pager, name: 'pagerduty-eu', url: 'https://events.eu.pagerduty.com/v2/enqueue' },
      mail,
      { ...mail, name: 'resend', service: 'resend', severity: 'info' },
      { ...mail, name: 'sendgrid', service: 'sendgrid', url: 'https://api.eu.sendgrid.com/v3/mail/send' },
    ]
    expect(mistakesOf(entries)).toBe('')
    for (const secret of Object.values(SECRETS)) expect(JSON.stringify(read(entries))).not.toContain(secret)
  })

  test.each<[string, unknown, string]>([
    ['no list', webhook, 'must be a JSON list'],
    ['no object', ['webhook'], 'ALERTS[0] (alerts[0]) must be an object'],
    [
      'an unknown type',
      [{ ...webhook, type: 'sms' }],
      'ALERTS[0].type (alerts[0].type) must be webhook, slack',
    ],
    ['no type', [{ ...webhook, type: undefined }], '.type) is missing'],
    ['a misspelt member', [{ ...webhook, urll: 'x' }], '.urll) is unknown: write url'],
    ['a wrong name', [{ ...webhook, name: 'On Call' }], '.name) must be 1 to 32 of a-z'],
    ['two of one name', [webhook, webhook], 'ALERTS[1] (alerts[1]) has the name of [0]'],
    ['no address of a webhook', [{ ...webhook, url: undefined }], '.url) is missing: it must be the address'],
    ['an internal address', [{ ...webhook, url: 'https://169.254.169.254/' }], 'set "allow_internal": true'],
    ['http', [{ ...webhook, url: 'http://hooks.clinic.example/' }], 'begins with "https://"'],
    [
      'http inside',
      [{ ...webhook, url: 'http://hooks.clinic.example/', allow_internal: true }],
      'begins with "https://"',
    ],
    ['an address of Slack in the open', [{ ...slack, url: 'https://hooks.slack.com/x' }], 'must be left out'],
    [
      'an internal address in a secret',
      [{ ...slack, secret: { secret: 'INSIDE' } }],
      '"allow_internal": true',
    ],
    ['http in a secret', [{ ...slack, secret: { secret: 'PLAIN' } }], 'begins with "https://"'],
    ['no address in a secret', [{ ...slack, secret: { secret: 'PAGER' } }], 'begins with "https://"'],
    ['no secret', [{ ...pager, secret: undefined }], '.secret) is missing'],
    ['a plain secret', [{ ...pager, secret: 'R0UT1NG' }], 'the variable NAME must hold the secret'],
    [
      'a secret that is not there',
      [{ ...pager, secret: { secret: 'NOPE' } }],
      'the variable NOPE, which is missing',
    ],
    [
      'the key of pseudonyms',
      [{ ...pager, secret: { secret: 'PSEUDONYM_KEY' } }],
      'which the gate reads itself',
    ],
    ['a weak secret of a webhook', [{ ...webhook, secret: { secret: 'PAGER' } }], 'openssl rand -base64 32'],
    [
      'several secrets of another type',
      [{ ...pager, secret: [{ secret: 'PAGER' }] }],
      'only a webhook has several',
    ],
    ['an empty list of secrets', [{ ...webhook, secret: [] }], 'must be one secret'],
    ['an unknown severity', [{ ...webhook, severity: 'severe' }], '.severity) must be info, low'],
    [
      'an escalation that is a word',
      [{ ...webhook, escalation: 'yes' }],
      '.escalation) must be true or false',
    ],
    [
      'a tenant that the log cannot mean',
      [{ ...webhook, tenant: 'default' }],
      'must be the name of a tenant',
    ],
    ['an unknown service', [{ ...mail, service: 'pigeon' }], '.service) must be postmark, resend'],
    ['no sender', [{ ...mail, from: undefined }], 'must say "from" whom and "to" whom'],
    ['no receiver', [{ ...mail, to: [] }], 'must say "from" whom and "to" whom'],
    ['one receiver and no list', [{ ...mail, to: 'on-call@clinic.example' }], '.to) must be'],
    ['a receiver that is no address', [{ ...mail, to: ['on-call'] }], '.to[0]) must be an address'],
    [
      'a second header in an address',
      [{ ...mail, from: 'gate@clinic.example\nBcc: x@evil.example' }],
      '.from) must be an address',
    ],
    ['a setting of another type', [{ ...webhook, service: 'resend' }], 'is only for email: take it away'],
    ['a sender of another type', [{ ...slack, from: 'gate@clinic.example' }], 'is only for email'],
  ])('with %s keeps the gate from starting, and says how to fix it', (_, alerts, message) => {
    const mistakes = mistakesOf(alerts)
    expect(mistakes).toContain(message)
    expect(mistakes).not.toMatch(/R0UT1NG|10\.0\.0\.7|a\.example/)
  })

  test('refuses a secret with a line break in it without quoting it', () => {
    const message = mistakesOf([pager], { PAGER: 'a\nb-secret' })
    expect(message).toContain('visible ASCII')
    expect(message).not.toContain('b-secret')
  })
})
