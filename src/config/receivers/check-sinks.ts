import { isTenantName } from '../../authorize/rules/tenant.ts'
import { isObject } from '../../base/json.ts'
import { MAKE_SECRET, Secret } from '../../base/secret.ts'
import { plainUrl } from '../../base/url.ts'
import { KINDS } from '../../ledger/event.ts'
import { addressMistake } from '../../sinks/address.ts'
import { SINK_TYPES, type SinkEntry, type SinkType, sinkName } from '../../sinks/sink.ts'
import { isWebhookSecret } from '../../sinks/webhook.ts'
import { each, matching, number, oneOf, rule } from '../checks.ts'
import {
  type Check,
  type Found,
  findMemberMistakes,
  listed,
  type MembersOf,
  type Mistake,
} from '../option.ts'
import { checkSecret, SECRET_SHAPE } from '../secrets.ts'
import { findNamesakes, findStrangers, type OwnMembers } from './receivers.ts'

type Entry = Readonly<Partial<Record<keyof SinkEntry, unknown>>>

/** Types that have no address and no secret, or need no secret. */
const WITHOUT_SECRET: readonly unknown[] = ['otlp', 'fhir', 'syslog', 'files']
/** The types that settings of their own belong to. */
const OWN = {
  index: ['splunk'],
  data_stream: ['elastic'],
  header: ['otlp', 'fhir'],
  profiles: ['fhir'],
  bucket: ['files'],
  access_key_id: ['files'],
  region: ['files'],
  enterprise: ['syslog'],
} as const satisfies OwnMembers<SinkEntry, SinkType>

/** A name in another system. It becomes a part of URLs and headers. */
const word = matching('must be letters, digits and "._-", as in "eu-central-1"', /^[A-Za-z0-9][\w.-]{0,254}$/)

const MEMBERS: MembersOf<SinkEntry> = {
  type: { required: true, check: oneOf(...SINK_TYPES) },
  // The automatic response follows the log under that name.
  name: matching(
    'must be 1 to 32 of a-z, 0-9 and "-", as in "siem", and not "response"',
    /^(?!response$)[a-z0-9][a-z0-9-]{0,31}$/,
  ),
  url: checkUrl,
  secret: checkSinkSecrets,
  kinds: each(oneOf(...KINDS)),
  tenant: rule(
    'must be the name of a tenant',
    value => typeof value === 'string' && value !== '' && isTenantName(value),
  ),
  allow_internal: oneOf(true, false),
  from: (value, entry) =>
    value === 'start'
      ? undefined
      : number('"start" or an index', 0, Number.MAX_SAFE_INTEGER, Number.isInteger)(value, entry),
  index: word,
  data_stream: word,
  header: word,
  bucket: word,
  access_key_id: word,
  region: word,
  profiles: rule(
    'must be an https URL with no slash at its end',
    value => plainUrl(value)?.protocol === 'https:' && !/[?#]|\/$/.test(value as string),
  ),
  enterprise: number("a number of IANA's registry", 1, 2 ** 32 - 1, Number.isInteger),
}

/** A line break in a secret, as a file may end with one, would keep every call from being made. */
const checkHeader = matching('must be visible ASCII, on one line', /^[\x20-\x7e]+$/)

/** Finds the mistakes in sinks that may come from JSON, so their types are not known. */
export const checkSinks: Check = each<SinkEntry>(checkSink, sinks => findNamesakes(sinks, sinkName))

function checkSink(sink: unknown): Found {
  if (!isObject(sink)) return 'must be an object'
  const entry: Entry = sink
  const found = findMemberMistakes(MEMBERS, sink)
  if (found.length > 0) return found
  const { type, url, secret, bucket, access_key_id } = entry
  const mistakes: Mistake[] = []
  if (url === undefined && type !== 'files')
    mistakes.push(['.url', 'is missing: it must be the address of the sink'])
  if (secret === undefined && !WITHOUT_SECRET.includes(type)) {
    mistakes.push(['.secret', `is missing: it ${SECRET_SHAPE}`])
  }
  const ofS3 = [url, secret, bucket, access_key_id].filter(value => value !== undefined)
  if (type === 'files' && ofS3.length % 4 > 0) {
    mistakes.push(['', 'must have url, bucket, access_key_id and secret, or none of them'])
  }
  return [...mistakes, ...findStrangers(sink, OWN)]
}

function checkUrl(url: unknown, { type, allow_internal }: Entry): string | undefined {
  return addressMistake(url, type === 'syslog' ? 'tls:' : 'https:', allow_internal === true)
}

/** Finds the mistakes in the secret of an entry; of a webhook there may be several. */
export function checkSinkSecrets(value: unknown, entry: { readonly type?: unknown }): Found {
  const isWebhook = entry.type === 'webhook'
  if (Array.isArray(value) && !(isWebhook && value.length > 0)) {
    return 'must be one secret: only a webhook has several'
  }
  return [value].flat().flatMap(secret => {
    const found = checkSecret(secret, entry)
    if (found !== undefined) return listed(found)
    const revealed = Secret.of(secret as string).reveal()
    return listed(
      checkHeader(revealed, entry) ??
        (isWebhook && !isWebhookSecret(revealed)
          ? `must be "whsec_" and the base64 of 24 to 64 random bytes: ${MAKE_SECRET}`
          : undefined),
    )
  })
}
