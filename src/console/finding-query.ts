import { isTenantName } from '../authorize/rules/tenant.ts'
import { isRelease } from '../ledger/head.ts'
import { isPseudonym } from '../ledger/pseudonym.ts'
import { isRecording } from '../locate/names.ts'
import { Refusal } from '../refusal.ts'
import { ALL_RULES, type FindingState, STATES, VERDICTS, type Verdict } from '../watch/finding.ts'
import type { FindingAct, FindingQuery, NewSuppression } from '../watch/finding-control.ts'
import { SEVERITIES, type Severity } from '../watch/severity.ts'
import { invalidQuery, isTime, type Parameter, PERSON, personOf, TIME, valuesIn } from './query.ts'

type Members = Readonly<Record<string, unknown>>

/** Most findings on a page. */
const MAX_PAGE = 500
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const RULE = /^RG-\d{3}$/
const ACTIONS = ['assign', 'acknowledge', 'comment', 'close', 'reopen'] as const

const oneOf = (values: readonly string[]): Parameter => ({
  isValid: value => values.includes(value),
  rule: `one of ${values.join(', ')}, or left out`,
})

const isId = (value: unknown): value is string => typeof value === 'string' && ID.test(value)

/** The parameter of a finding that is shown. */
export const SHOWN: Readonly<Record<'id', Parameter>> = {
  id: { isValid: isId, rule: 'the id of a finding' },
}

const PARAMETERS = {
  state: oneOf([...STATES, 'all']),
  severity: oneOf(SEVERITIES),
  rule: { isValid: value => RULE.test(value), rule: 'the id of a rule, as in RG-001' },
  subject: PERSON,
  recording: { isValid: isRecording, rule: "a recording's id" },
  release: { isValid: isRelease, rule: 'a release, as in 4.12.0' },
  tenant: { isValid: isTenantName, rule: 'the name of a tenant' },
  since: TIME,
  limit: {
    isValid: value => /^[1-9]\d{0,2}$/.test(value) && Number(value) <= MAX_PAGE,
    rule: `from 1 to ${MAX_PAGE}`,
  },
  cursor: { isValid: isId, rule: 'the cursor of the page before' },
} as const satisfies Readonly<Record<string, Parameter>>

/** Reads which findings a request wants. */
export function readFindingQuery(url: URL, own: string | undefined): FindingQuery | Refusal {
  const names = Object.keys(PARAMETERS) as (keyof typeof PARAMETERS)[]
  const given = valuesIn(url, names, PARAMETERS)
  if (given instanceof Refusal) return given
  const {
    limit = '100',
    subject,
    since,
    tenant,
    ...rest
  } = Object.fromEntries(given) as Partial<Record<keyof typeof PARAMETERS, string>>
  if (own !== undefined && tenant !== undefined && tenant !== own) {
    return invalidQuery('tenant must be your own, or left out')
  }
  const of = own ?? tenant
  return {
    ...(rest as { readonly state?: FindingState; readonly severity?: Severity }),
    limit: Number(limit),
    ...(of !== undefined && { tenant: of }),
    ...(subject !== undefined && { subject: personOf(subject) }),
    ...(since !== undefined && { since: Date.parse(since) }),
  }
}

/** Reads what is to be done to a finding. Whether it can be done, the log knows. */
export function readAct(
  json: unknown,
): (Omit<FindingAct, 'by' | 'tenant'> & { readonly id: string }) | Refusal {
  const { id, action, assignee, verdict, text, ...others } = Object(json) as Members
  if (Object.keys(others).length > 0) return invalidQuery('the call has a member that is not known')
  if (!isId(id)) return invalidQuery('id must be that of a finding')
  const known = ACTIONS.find(one => one === action)
  if (known === undefined) return invalidQuery(`action must be one of ${ACTIONS.join(', ')}`)
  if (assignee !== undefined && !(typeof assignee === 'string' && isPseudonym(assignee))) {
    return invalidQuery('assignee must be a pseudonym, as the log has it')
  }
  const verdictGiven = VERDICTS.find(one => one === verdict)
  if (verdict !== undefined && verdictGiven === undefined) {
    return invalidQuery(`verdict must be one of ${VERDICTS.join(', ')}`)
  }
  if (text !== undefined && typeof text !== 'string') return invalidQuery('text must be a string')
  return {
    ...{ id, action: known },
    ...(typeof assignee === 'string' && { assignee }),
    ...(verdictGiven !== undefined && { verdict: verdictGiven as Verdict }),
    ...(typeof text === 'string' && { text }),
  }
}

/** Reads which findings are to be suppressed, from when and until when, and why. */
export function readSuppression(json: unknown): Omit<NewSuppression, 'by' | 'tenant'> | Refusal {
  const { rule, group = {}, crowd, from, until, reason, ...others } = Object(json) as Members
  if (Object.keys(others).length > 0) return invalidQuery('the call has a member that is not known')
  if (typeof rule !== 'string' || !(RULE.test(rule) || rule === ALL_RULES)) {
    return invalidQuery('rule must be the id of a rule, or * for all that may be suppressed')
  }
  if (!isGroup(group)) return invalidQuery('group must be an object of strings, as findings have it')
  if (crowd !== undefined && (crowd !== true || rule === ALL_RULES)) {
    return invalidQuery('crowd must be true, and is for one rule; or left out')
  }
  if (typeof until !== 'string' || !isTime(until)) {
    return invalidQuery('until must be a time in UTC, as in 2026-11-22T10:24:03Z')
  }
  if (from !== undefined && !(typeof from === 'string' && isTime(from))) {
    return invalidQuery('from must be a time in UTC, as in 2026-11-22T10:24:03Z, or left out')
  }
  if (typeof reason !== 'string') return invalidQuery('reason must say why')
  const times = { expires: Date.parse(until), ...(from !== undefined && { starts: Date.parse(from) }) }
  return { rule, group, ...(crowd === true && { crowd }), ...times, reason }
}

/** Reads the id in a call. */
export function readId(json: unknown): string | Refusal {
  const { id, ...others } = Object(json) as Members
  return isId(id) && Object.keys(others).length === 0 ? id : invalidQuery('the call must be {"id":"…"}')
}

/** Most canaries of one call. */
const MAX_ADDED = 500

/** Reads which recordings are to be canaries. */
export function readCanaries(json: unknown): readonly string[] | Refusal {
  const { recordings, ...others } = Object(json) as Members
  const isList = Array.isArray(recordings) && recordings.length > 0 && recordings.length <= MAX_ADDED
  if (!isList || Object.keys(others).length > 0) {
    return invalidQuery(`the call must be {"recordings":["…"]}, with at most ${MAX_ADDED} ids`)
  }
  const ids = recordings.filter(one => typeof one === 'string' && isRecording(one)) as string[]
  return ids.length === recordings.length ? ids : invalidQuery("recordings must be recordings' ids")
}

/** What findings are grouped by. */
const FIELDS: readonly string[] = [
  ...['subject', 'session', 'recording', 'owner', 'release'],
  ...['network', 'issuer', 'isolate', 'client'],
]

const isGroup = (group: unknown): group is NewSuppression['group'] =>
  typeof group === 'object' &&
  group !== null &&
  !Array.isArray(group) &&
  Object.entries(group).every(
    ([field, value]) =>
      FIELDS.includes(field) && typeof value === 'string' && value.length <= 256 && value.isWellFormed(),
  )
