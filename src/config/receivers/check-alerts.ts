import { ALERT_TYPES, type AlertEntry, type AlertType, alertName, MAIL_SERVICES } from '../../alerts/alert.ts'
import { isTenantName } from '../../authorize/rules/tenant.ts'
import { isObject } from '../../base/json.ts'
import { Secret } from '../../base/secret.ts'
import { addressMistake } from '../../sinks/address.ts'
import { SEVERITIES } from '../../watch/severity.ts'
import { each, matching, oneOf, rule } from '../checks.ts'
import { type Check, type Found, findMemberMistakes, type MembersOf, type Mistake } from '../option.ts'
import { checkSinkSecrets } from './check-sinks.ts'
import { findNamesakes, findStrangers, type OwnMembers } from './receivers.ts'

type Entry = Readonly<Partial<Record<keyof AlertEntry, unknown>>>

/** The types of which the address is the secret. */
const SECRET_ADDRESS: readonly unknown[] = ['slack', 'teams']
/** The types that settings of their own belong to. */
const OWN = { service: ['email'], from: ['email'], to: ['email'] } as const satisfies OwnMembers<
  AlertEntry,
  AlertType
>
/** As people write one. Whether it exists, the service knows. */
const ADDRESS = /^[\w.+-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/
const address = matching('must be an address, as in "security@clinic.example"', ADDRESS)

const MEMBERS: MembersOf<AlertEntry> = {
  type: { required: true, check: oneOf(...ALERT_TYPES) },
  name: matching('must be 1 to 32 of a-z, 0-9 and "-", as in "on-call"', /^[a-z0-9][a-z0-9-]{0,31}$/),
  url: (value, { type, allow_internal }: Entry) =>
    SECRET_ADDRESS.includes(type)
      ? 'must be left out: the address is a secret, so "secret" has it'
      : addressMistake(value, 'https:', allow_internal === true),
  secret: { required: true, check: checkSecrets },
  severity: oneOf(...SEVERITIES),
  escalation: oneOf(true, false),
  tenant: rule(
    'must be the name of a tenant',
    value => typeof value === 'string' && value !== '' && isTenantName(value),
  ),
  allow_internal: oneOf(true, false),
  service: oneOf(...MAIL_SERVICES),
  from: address,
  to: each(address),
}

/** Finds the mistakes in alerts that may come from JSON, so their types are not known. */
export const checkAlerts: Check = each<AlertEntry>(checkAlert, alerts => findNamesakes(alerts, alertName))

function checkAlert(alert: unknown): Found {
  if (!isObject(alert)) return 'must be an object'
  const entry: Entry = alert
  const found = findMemberMistakes(MEMBERS, alert)
  if (found.length > 0) return found
  const { type, url, from, to } = entry
  const mistakes: Mistake[] = []
  if (url === undefined && type === 'webhook') mistakes.push(['.url', 'is missing: it must be the address'])
  if (type === 'email' && (from === undefined || !Array.isArray(to) || to.length === 0)) {
    mistakes.push(['', 'must say "from" whom and "to" whom an e-mail is sent'])
  }
  return [...mistakes, ...findStrangers(alert, OWN)]
}

function checkSecrets(value: unknown, entry: Entry): Found {
  const found = checkSinkSecrets(value, entry)
  if (found !== undefined && found.length > 0) return found
  if (!SECRET_ADDRESS.includes(entry.type)) return undefined
  const revealed = Secret.of(value as string).reveal()
  return addressMistake(revealed, 'https:', entry.allow_internal === true)
}
