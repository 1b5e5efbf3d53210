import type { AnalystCall, AnalystRoute, AnalystServices } from '../authenticate/analyst.ts'
import { authorize } from '../authorize/authorize.ts'
import { nameSpaceOf } from '../authorize/subject.ts'
import type { BodyTimeouts } from '../http/request-body.ts'
import { jsonResponse } from '../http/response-headers.ts'
import type { Pseudonym } from '../ledger/pseudonym.ts'
import { Fault, Refusal } from '../refusal.ts'
import type { Endpoint } from '../request-context.ts'
import type { FindingControl } from '../watch/finding-control.ts'
import { fieldsOf } from '../watch/in-force.ts'
import { analystCallEndpoint, analystEndpoint } from './analyst-endpoint.ts'
import { readAct, readCanaries, readFindingQuery, readId, readSuppression, SHOWN } from './finding-query.ts'
import type { LookRecorder } from './looks/look.ts'
import { invalidQuery, valuesIn } from './query.ts'

/** What the routes of findings take beside the request. */
export interface FindingServices extends AnalystServices {
  /** Undefined if the log has no rules. */
  readonly findingControl: FindingControl | undefined
  readonly looks: LookRecorder
  readonly pseudonym: Pseudonym
  readonly bodyTimeouts: Required<BodyTimeouts>
}

const TRIAGE: AnalystRoute = { action: 'triage', most: 16_384 }
const CONTAIN: AnalystRoute = { action: 'contain', most: 16_384 }
const ADD_CANARIES: AnalystRoute = { action: 'contain', most: 131_072 }

/**
 * Creates the endpoints of findings, by path. Reading takes the role `viewer`, working on findings `analyst`, and keeping rules
 * quiet or erasing words `security`; each role may do what the ones before may. What is changed is on record in the transaction
 * that changes it.
 */
export function findingEndpoints(services: FindingServices): ReadonlyMap<string, Endpoint> {
  const { looks, findingControl } = services
  const nameOf = ({ analyst: { subject } }: AnalystCall) =>
    services.pseudonym('subject', nameSpaceOf(subject), subject.id)

  /** Creates the endpoint of a call that changes something. */
  const changing = (
    route: AnalystRoute,
    change: (control: FindingControl, call: AnalystCall, by: string) => Promise<unknown>,
  ): Endpoint =>
    analystCallEndpoint(services, route, async (_, call) => {
      if (findingControl === undefined) return NO_RULES
      const changed = await change(findingControl, call, await nameOf(call)).catch(unavailable)
      if (changed instanceof Refusal) return changed
      const { refused } = Object(changed) as { readonly refused?: string }
      return refused === undefined ? jsonResponse(changed) : invalidQuery(REFUSED[refused] ?? refused)
    })

  return new Map<string, Endpoint>([
    [
      '/console/api/findings',
      analystEndpoint(services, async (context, { tenant }) => {
        const query = readFindingQuery(new URL(context.request.url), tenant)
        if (query instanceof Refusal) return query
        if (findingControl === undefined) return NO_RULES
        const page = await findingControl.list(query).catch(unavailable)
        const { since, limit: _, ...asked } = query
        const from = since === undefined ? {} : { since: new Date(since).toISOString() }
        await looks.record(context, 'findings', { ...asked, ...from }, page.findings.length)
        return jsonResponse(page)
      }),
    ],
    [
      '/console/api/findings/show',
      analystEndpoint(services, async (context, { tenant }) => {
        const given = valuesIn(new URL(context.request.url), ['id'], SHOWN)
        if (given instanceof Refusal) return given
        if (findingControl === undefined) return NO_RULES
        const shown = await findingControl.show(given.get('id') ?? '', tenant).catch(unavailable)
        await looks.record(context, 'findings', {}, shown === undefined ? 0 : 1)
        return shown === undefined ? invalidQuery(UNKNOWN) : jsonResponse(shown)
      }),
    ],
    [
      '/console/api/findings/act',
      changing(TRIAGE, async (control, { json, analyst: { tenant } }, by) => {
        const asked = readAct(json)
        if (asked instanceof Refusal) return asked
        const { id, ...act } = asked
        return control.act(id, { ...act, by, ...(tenant !== undefined && { tenant }) })
      }),
    ],
    [
      '/console/api/findings/erase',
      changing(CONTAIN, async (control, { json, analyst: { tenant } }, by) => {
        const id = readId(json)
        if (id instanceof Refusal) return id
        return (await control.eraseText(id, by, tenant)) ? { erased: true } : invalidQuery(UNKNOWN_WORDS)
      }),
    ],
    [
      '/console/api/suppressions',
      analystEndpoint(services, async (context, { tenant }) => {
        if (findingControl === undefined) return NO_RULES
        const suppressions = await findingControl.suppressions(tenant).catch(unavailable)
        await looks.record(context, 'findings', {}, suppressions.length)
        return jsonResponse({ suppressions })
      }),
    ],
    [
      '/console/api/suppressions/add',
      changing(CONTAIN, async (control, { json, analyst: { tenant } }, by) => {
        const asked = readSuppression(json)
        if (asked instanceof Refusal) return asked
        const made = await control.suppress({ ...asked, by, ...(tenant !== undefined && { tenant }) })
        return 'refused' in made && made.refused === 'group_wrong' ? wrongGroup(asked.rule) : made
      }),
    ],
    [
      '/console/api/canaries',
      analystEndpoint(services, async (context, { subject, tenant }) => {
        if (findingControl === undefined) return NO_RULES
        const recordings = await findingControl.canaries().catch(unavailable)
        // A person who knows them can keep clear of them.
        const mayKnow =
          tenant === undefined && !(authorize({ subject, action: 'contain' }) instanceof Refusal)
        await looks.record(context, 'findings', {}, mayKnow ? recordings.length : 0)
        return jsonResponse({ count: recordings.length, ...(mayKnow && { recordings }) })
      }),
    ],
    [
      '/console/api/canaries/add',
      changing(ADD_CANARIES, async (control, { json, analyst: { tenant } }, by) => {
        const ids = readCanaries(json)
        if (ids instanceof Refusal) return ids
        return tenant === undefined ? control.addCanaries(ids, by) : OF_ALL_TENANTS
      }),
    ],
    [
      '/console/api/suppressions/end',
      changing(CONTAIN, async (control, { json, analyst: { tenant } }, by) => {
        const id = readId(json)
        if (id instanceof Refusal) return id
        return (await control.endSuppression(id, by, tenant))
          ? { ended: true }
          : invalidQuery(UNKNOWN_SUPPRESSION)
      }),
    ],
  ])
}

const unavailable: (error: unknown) => never = Fault.as('ledger_unavailable')
const NO_RULES = invalidQuery('The log of this gate has no rules: it was given a ledger without any')
const OF_ALL_TENANTS = invalidQuery('canaries are for all tenants: an analyst of one can not add them')
function wrongGroup(rule: string): Refusal {
  const fields = fieldsOf(rule).join(' and ') || 'nothing'
  return invalidQuery(
    `findings of ${rule} are grouped by ${fields}, and group may name nothing else. Only if many of them come at once, they are one finding for the release: {"release":"…"} with "crowd": true is about that one`,
  )
}

const UNKNOWN = 'there is no finding with this id'
const UNKNOWN_WORDS = 'there are no words with this id, of a finding or of a suppression'
const UNKNOWN_SUPPRESSION = 'there is no suppression with this id'

/** What is wrong with a call that was understood. */
const REFUSED: Readonly<Record<string, string>> = {
  unknown: UNKNOWN,
  closed: 'the finding is closed: reopen it first',
  not_closed: 'the finding is not closed',
  contained: 'what the finding is about is locked down already',
  incomplete:
    'assign needs "assignee", close needs "verdict", and comment needs "text" of at most 4000 characters',
  never_suppressed: 'findings of this rule are never suppressed: acknowledge and close them',
  expires_wrong: 'until must be a time within the next 30 days, and after from',
  too_many: 'there are too many suppressions or canaries',
}
