import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ALERT_TYPES, type AlertEntry } from '../../../src/alerts/alert.ts'
import { FORMATS } from '../../../src/alerts/formats.ts'
import { linesOf, type Message, messageOf } from '../../../src/alerts/message.ts'
import { logEntry } from '../../../src/sinks/receiver.ts'
import { SEVERITIES } from '../../../src/watch/severity.ts'
import { FINDING, findingRecord, PATIENT, testRecord } from '../../support/finding-records.ts'
import { sample } from '../../support/sample.ts'

// What each system is sent: in its own form, and without anything that it need not know.

type Members = Readonly<Record<string, unknown>>
type Type = Exclude<AlertEntry['type'], 'webhook'>

const SECRET = 'https://hooks.example/services/T0/B0/only-for-tests'
const MAIL = { from: 'gate@clinic.example', to: ['a@clinic.example', 'b@clinic.example'] }

const messageFor = (members: object, title = 'asked for what is not theirs', url?: string): Message =>
  messageOf(logEntry(findingRecord(members)), () => title, url)
const messageAt = (url: string | undefined, members: object = {}) => messageFor(members, 'asked', url)
const callOf = (type: Type, message: Message, more: Partial<AlertEntry> = {}) => {
  const call = FORMATS[type](message, { type, secret: SECRET, ...more }, SECRET)
  if (call === undefined) throw new Error('nothing is sent')
  return { ...call, body: call.body as Members }
}

describe('a message', () => {
  test('has people as the beginning of their pseudonyms, and no name of a recording', () => {
    const message = messageFor({
      group: { subject: PATIENT, session: PATIENT, recording: 'smith-john-1', release: '4.12.0' },
    })
    expect(message.about).toEqual(['subject: psn_eea49500…', 'session: psn_eea49500…', 'release: 4.12.0'])
  })

  test.each([
    ['opened', 'asked'],
    ['unsuppressed', 'asked'],
    ['raised', 'worse: asked'],
    ['reopened', 'reopened: asked'],
    ['escalated', 'not acknowledged: asked'],
    ['acknowledged', 'acknowledged: asked'],
    ['closed', 'closed: asked'],
  ])('says what has become of the finding: %s', (action, title) => {
    expect(messageFor({ action }, 'asked').title).toBe(title)
  })

  test('has no line that the name of a client could write', () => {
    const client = 'app\nmediaward lockdown add everything\u2028\u202e\u0007'
    expect(messageFor({ group: { client } }).about).toEqual([
      'client: app?mediaward lockdown add everything???',
    ])
  })

  test('has the commands that show, acknowledge and contain it; once it is closed, only the first', () => {
    const commands = messageFor({}).commands
    expect(commands.map(command => command.split(' ')[2])).toEqual(['show', 'acknowledge', 'contain'])
    expect(commands.every(command => command.includes(FINDING))).toBe(true)
    expect(messageFor({ action: 'closed' }).commands).toEqual([`mediaward findings show ${FINDING}`])
  })

  test.each([{}, { network: '192.0.2.0/24' }, { owner: PATIENT }, { client: 'app' }])(
    'has no command that contains a finding grouped by %j: there is nothing to lock down but what a caller chose',
    group => {
      const commands = messageFor({ group }).commands
      expect(commands.map(command => command.split(' ')[2])).toEqual(['show', 'acknowledge'])
    },
  )
})

describe('the commands of a message', () => {
  const [GATE, NUMBER] = ['https://media.clinic.example', 7]

  test('can be copied as they are, if the gate knows its address', () => {
    expect(messageAt(GATE).commands).toEqual([
      `mediaward findings show ${FINDING} --url ${GATE}`,
      `mediaward findings acknowledge ${FINDING} --url ${GATE}`,
      `mediaward findings contain ${FINDING} --url ${GATE} --reason "WHY"`,
    ])
    expect(messageOf(logEntry(testRecord()), String, GATE).commands).toEqual([
      `mediaward findings --url ${GATE}`,
    ])
  })

  test('undo what the gate did by itself', () => {
    const contained = { action: 'contained', epoch: NUMBER }
    expect(messageAt(GATE, contained).commands).toEqual([
      `mediaward findings show ${FINDING} --url ${GATE}`,
      `mediaward findings acknowledge ${FINDING} --url ${GATE}`,
      `mediaward lockdown undo ${NUMBER} --url ${GATE} --reason "WHY"`,
    ])
    expect(messageFor(contained).commands).toContain(`mediaward lockdown undo ${NUMBER} --reason "WHY"`)
  })

  test.each([
    ['http://[::1]:8080', "--url 'http://[::1]:8080'"],
    ['http://localhost:8080', '--url http://localhost:8080'],
    ["https://a$(id)'b.example", "--url 'https://a$(id)%27b.example'"],
  ])('have the address %s as a shell leaves it alone', (url, option) => {
    expect(messageAt(url).commands[0]).toContain(option)
  })

  test.each([undefined, 'not a URL', 'https://user:password@media.clinic.example', 'javascript:alert(1)'])(
    'have no address, and the message names no gate, if PUBLIC_URL is %s',
    url => {
      const message = messageAt(url)
      expect(message).not.toHaveProperty('gate')
      expect(message.commands.join()).not.toContain('--url')
      expect(linesOf(message).join()).not.toContain('gate: ')
    },
  )
})

test('a message names the gate that it is of, on a line of its own', () => {
  const message = messageAt('https://staging.clinic.example:8443', { action: 'contained', epoch: 7 })
  expect(message.gate).toBe('staging.clinic.example:8443')
  expect(linesOf(message)[1]).toBe('gate: staging.clinic.example:8443')
})

describe('Slack', () => {
  test('is sent text whose markup characters are escaped, to the address that is the secret', () => {
    const message = messageFor({ group: { client: '<!channel> & <https://evil.example|here>' } }, 'a < b')
    const { url, body } = callOf('slack', message)
    expect(url).toBe(SECRET)
    expect(Object.keys(body)).toEqual(['text'])
    expect(body.text).toContain('client: &lt;!channel&gt; &amp; &lt;https://evil.example|here&gt;')
    expect(body.text).toMatch(/^\[CRITICAL\] RG-001 a &lt; b\n/)
    expect(body.text).not.toMatch(/[<>]/)
  })
})

describe('PagerDuty', () => {
  test.each([
    ['opened', 'trigger'],
    ['raised', 'trigger'],
    ['unsuppressed', 'trigger'],
    ['reopened', 'trigger'],
    ['escalated', 'trigger'],
    ['acknowledged', 'acknowledge'],
    ['closed', 'resolve'],
  ])('is sent of a finding that is %s the event %s, always with the same key', (action, event_action) => {
    const { url, body } = callOf('pagerduty', messageFor({ action }))
    expect(url).toBe('https://events.pagerduty.com/v2/enqueue')
    expect(body).toMatchObject({ routing_key: SECRET, event_action, dedup_key: `mediaward-${FINDING}` })
    // The payload is required to trigger, and is not read otherwise.
    expect('payload' in body).toBe(event_action === 'trigger')
  })

  test.each([
    ['info', 'info'],
    ['low', 'info'],
    ['medium', 'warning'],
    ['high', 'error'],
    ['critical', 'critical'],
  ])('knows the severity %s as %s', (severity, theirs) => {
    const { payload } = callOf('pagerduty', messageFor({ severity })).body
    expect(payload).toMatchObject({
      ...{ severity: theirs, source: 'mediaward', class: 'RG-001', timestamp: '2026-11-22T10:24:03.000Z' },
      summary: `[${severity.toUpperCase()}] RG-001 asked for what is not theirs`,
      custom_details: { finding: FINDING },
    })
  })

  test('is sent the end of a test with the key of the test', () => {
    const read = testRecord()
    const ended = { ...read, json: JSON.stringify({ ...JSON.parse(read.json), ended: true }) }
    const bodies = [read, ended].map(record => callOf('pagerduty', messageOf(logEntry(record), String)).body)
    expect(bodies.map(({ event_action }) => event_action)).toEqual(['trigger', 'resolve'])
    expect(new Set(bodies.map(({ dedup_key }) => dedup_key)).size).toBe(1)
  })

  test('is sent the host of the gate as the source, if it is known', () => {
    const { payload } = callOf('pagerduty', messageAt('https://staging.clinic.example')).body
    expect(payload).toMatchObject({ source: 'staging.clinic.example' })
  })

  test('can be called elsewhere, as in Europe', () => {
    const { url } = callOf('pagerduty', messageFor({}), {
      url: 'https://events.eu.pagerduty.com/v2/enqueue',
    })
    expect(url).toBe('https://events.eu.pagerduty.com/v2/enqueue')
  })
})

describe('Teams', () => {
  test('is sent an adaptive card of a version that it shows, without Markdown that a name could bring in', () => {
    const { url, body } = callOf(
      'teams',
      messageFor({ group: { client: '[here](https://evil.example) *x*' } }),
    )
    expect(url).toBe(SECRET)
    const { attachments, type } = body as {
      readonly type: string
      readonly attachments: readonly {
        readonly contentType: string
        readonly content: {
          readonly type: string
          readonly version: string
          readonly body: readonly Members[]
        }
      }[]
    }
    expect(type).toBe('message')
    expect(attachments).toHaveLength(1)
    const [card] = attachments
    expect(card?.contentType).toBe('application/vnd.microsoft.card.adaptive')
    expect(card?.content).toMatchObject({ type: 'AdaptiveCard', version: '1.4' })
    expect(card?.content.body[0]).toMatchObject({ type: 'TextBlock', weight: 'Bolder', wrap: true })
    expect(card?.content.body[1]?.text).toBe('client: \\[here\\]\\(https://evil.example\\) \\*x\\*')
  })
})

describe('e-mail', () => {
  const SUBJECT = '[CRITICAL] RG-001 asked for what is not theirs'

  test('goes to Postmark, unless another service is named', () => {
    expect(callOf('email', messageFor({}), MAIL)).toMatchObject({
      url: 'https://api.postmarkapp.com/email',
      headers: { 'X-Postmark-Server-Token': SECRET },
      body: {
        ...{ From: MAIL.from, To: 'a@clinic.example,b@clinic.example', Subject: SUBJECT },
        TextBody: expect.stringContaining('3 times, last at 2026-11-22T10:24:03.000Z'),
      },
    })
  })

  test('goes to Resend', () => {
    expect(callOf('email', messageFor({}), { ...MAIL, service: 'resend' })).toMatchObject({
      url: 'https://api.resend.com/emails',
      headers: { Authorization: `Bearer ${SECRET}` },
      body: { from: MAIL.from, to: MAIL.to, subject: SUBJECT, text: expect.stringContaining(SUBJECT) },
    })
  })

  test('goes to SendGrid', () => {
    expect(callOf('email', messageFor({}), { ...MAIL, service: 'sendgrid' })).toMatchObject({
      url: 'https://api.sendgrid.com/v3/mail/send',
      headers: { Authorization: `Bearer ${SECRET}` },
      body: {
        personalizations: [{ to: [{ email: 'a@clinic.example' }, { email: 'b@clinic.example' }] }],
        from: { email: MAIL.from },
        subject: SUBJECT,
        content: [{ type: 'text/plain', value: expect.stringContaining(SUBJECT) }],
      },
    })
  })
})

const FORMATTED = ALERT_TYPES.filter(type => type !== 'webhook')

test.each(FORMATTED)('%s is sent a test that says that nothing happened', type => {
  const message = messageOf(logEntry(testRecord()), () => 'never said')
  expect(JSON.stringify(callOf(type, message, MAIL).body)).toContain('a test of alerts: nothing happened')
})

describe('no body has more than a receiver may know', () => {
  const pseudonym = fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: 32, maxLength: 32 })
    .map(digits => `psn_${digits.join('')}`)
  // One that is nowhere else in a body by chance.
  const recording = fc.integer({ min: 0 }).map(n => `patient-smith-${n}`)
  const said = fc.string({ maxLength: 40 })
  const group = fc.record(
    {
      ...{ subject: pseudonym, session: pseudonym, owner: pseudonym, recording, release: said },
      ...{ network: said, issuer: said, isolate: said, client: fc.oneof(said, pseudonym) },
    },
    { requiredKeys: [] },
  )
  const members = fc.record({
    group,
    severity: fc.constantFrom(...SEVERITIES),
    action: fc.constantFrom('opened', 'raised', 'reopened', 'escalated', 'acknowledged', 'closed'),
    ...{ about: pseudonym, assignee: pseudonym, evidence: fc.array(fc.uuid(), { minLength: 1 }) },
    count: fc.integer({ min: 1, max: 1_000 }),
  })

  test.each(ALERT_TYPES)('%s', type => {
    fc.assert(
      fc.property(members, given => {
        const message = messageFor(given)
        const body = JSON.stringify(type === 'webhook' ? message : callOf(type, message, MAIL).body)
        expect(body).not.toMatch(/psn_[0-9a-f]{9}/)
        expect(body).not.toContain('patient-smith')
        for (const id of given.evidence) expect(body).not.toContain(id)
        // PagerDuty has its secret in the body: it has no other place.
        if (type !== 'pagerduty') expect(body).not.toContain('only-for-tests')
      }),
      sample(300, 20_000),
    )
  })
})
