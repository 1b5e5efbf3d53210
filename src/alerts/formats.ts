import type { AlertEntry, MailService } from './alert.ts'
import { linesOf, type Message } from './message.ts'

/** A call that alerts a system. */
export interface AlertCall {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: object
}

/** Creates the call of a system. Undefined if it takes no such message. */
type Format = (message: Message, entry: AlertEntry, secret: string) => AlertCall | undefined

const NO_HEADERS = {}

/** The systems that are no webhook of our own. */
export const FORMATS: Readonly<Record<Exclude<AlertEntry['type'], 'webhook'>, Format>> = {
  // The three characters that Slack's markup takes for its own: https://docs.slack.dev/messaging/formatting-message-text
  slack: (message, _, url) => ({
    url,
    headers: NO_HEADERS,
    body: { text: linesOf(message).map(escapeForSlack).join('\n') },
  }),

  // https://developer.pagerduty.com/docs/events-api-v2: all events about a finding are one incident. A
  // test is one, too, and its end follows at once.
  pagerduty: (message, { url = 'https://events.pagerduty.com/v2/enqueue' }, routing_key) => {
    const { action, finding, rule, severity, time, gate = 'mediaward' } = message
    const event_action = PAGER[action] ?? 'trigger'
    const dedup_key = `mediaward-${finding}`
    const [summary, ...details] = linesOf(message)
    const payload = {
      ...{ summary, timestamp: time, source: gate, class: rule },
      severity: PAGER_SEVERITY[severity],
      custom_details: { finding, details },
    }
    return {
      url,
      headers: NO_HEADERS,
      body: { routing_key, event_action, dedup_key, ...(event_action === 'trigger' && { payload }) },
    }
  },

  // A workflow "When a Teams webhook request is received" takes an adaptive card.
  teams: (message, _, url) => ({
    url,
    headers: NO_HEADERS,
    body: {
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          content: {
            $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
            type: 'AdaptiveCard',
            version: '1.4',
            body: linesOf(message).map((text, i) => ({
              ...{ type: 'TextBlock', text: withoutMarkdown(text), wrap: true },
              ...(i === 0 && { weight: 'Bolder' }),
            })),
          },
        },
      ],
    },
  }),

  email: (message, { service = 'postmark', from = '', to = [], url }, secret) => {
    const [subject = '', ...lines] = linesOf(message)
    const call = MAIL[service]({ subject, text: [subject, ...lines].join('\n'), from, to }, secret)
    return { ...call, ...(url !== undefined && { url }) }
  },
}

const PAGER: Readonly<Partial<Record<Message['action'], string>>> = {
  acknowledged: 'acknowledge',
  closed: 'resolve',
  test_ended: 'resolve',
}
const PAGER_SEVERITY: Readonly<Record<Message['severity'], string>> = {
  ...{ info: 'info', low: 'info', medium: 'warning', high: 'error', critical: 'critical' },
}

interface Mail {
  readonly subject: string
  readonly text: string
  readonly from: string
  readonly to: readonly string[]
}

const MAIL: Readonly<Record<MailService, (mail: Mail, secret: string) => AlertCall>> = {
  postmark: ({ subject, text, from, to }, secret) => ({
    url: 'https://api.postmarkapp.com/email',
    headers: { 'X-Postmark-Server-Token': secret },
    body: { From: from, To: to.join(','), Subject: subject, TextBody: text },
  }),
  resend: (mail, secret) => ({
    url: 'https://api.resend.com/emails',
    headers: { Authorization: `Bearer ${secret}` },
    body: mail,
  }),
  sendgrid: ({ subject, text, from, to }, secret) => ({
    url: 'https://api.sendgrid.com/v3/mail/send',
    headers: { Authorization: `Bearer ${secret}` },
    body: {
      personalizations: [{ to: to.map(email => ({ email })) }],
      from: { email: from },
      subject,
      content: [{ type: 'text/plain', value: text }],
    },
  }),
}

const escapeForSlack = (line: string): string =>
  line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** A card shows a part of Markdown, and a release may have such characters in its name. */
const withoutMarkdown = (line: string): string => line.replace(/[\\*_`[\]()#]/g, '\\$&')
