import type { AnalystCall, AnalystRoute, AnalystServices } from '../authenticate/analyst.ts'
import { nameSpaceOf } from '../authorize/subject.ts'
import { hexOf, sha256 } from '../base/bytes.ts'
import { present } from '../base/present.ts'
import type { Control } from '../control/control.ts'
import type { Identities } from '../control/identities.ts'
import type { ListedRestriction, NewRestriction } from '../control/restriction.ts'
import type { BodyTimeouts } from '../http/request-body.ts'
import { jsonResponse } from '../http/response-headers.ts'
import type { LockdownFacts } from '../ledger/facts/lockdown-facts.ts'
import { observe } from '../ledger/head.ts'
import type { Pseudonym } from '../ledger/pseudonym.ts'
import type { Recorder } from '../ledger/recorder.ts'
import { Fault, Refusal } from '../refusal.ts'
import type { Endpoint, RequestContext } from '../request-context.ts'
import { analystCallEndpoint, analystEndpoint } from './analyst-endpoint.ts'
import { readLockdown, readUndo } from './lockdown-query.ts'
import { invalidQuery } from './query.ts'

const ROUTE: AnalystRoute = { action: 'contain', most: 4096 }

/** What the routes of lockdowns take beside the request. */
export interface LockdownServices extends AnalystServices {
  readonly control: Control
  readonly record: Recorder
  readonly pseudonym: Pseudonym
  readonly identities: Identities
  readonly bodyTimeouts: Required<BodyTimeouts>
  /** How many persons it takes to undo a lockdown of a tenant or of everything. */
  readonly lockdownUndo: 'one' | 'two'
}

/**
 * Creates the endpoints that add, list and undo lockdowns, by path. No lockdown stops them. Adding requires the role `security`,
 * and waits for no other person and no log: what goes on must end now. Undoing is on record before it is done.
 */
export function lockdownEndpoints(services: LockdownServices): ReadonlyMap<string, Endpoint> {
  const { control } = services
  return new Map([
    ['/console/api/lockdowns', listEndpoint(services)],
    [
      '/console/api/lockdowns/add',
      analystCallEndpoint(services, ROUTE, async (context, call) => {
        const asked = readLockdown(call.json, context.at)
        if (asked instanceof Refusal) return asked
        const { tenant } = call.analyst
        // An analyst of one tenant stops what its own tenant does, and nothing of others.
        const restriction: NewRestriction = {
          ...asked,
          ...{ kind: 'lockdown', at: context.at, by: await nameOf(call, services) },
          ...present({ tenant }),
        }
        const epoch = await control.add(restriction).catch(unavailable)
        const recorded = await record(context, { action: 'add', epoch }, restriction, services).then(
          () => true,
          () => false,
        )
        return jsonResponse({ epoch, recorded }, 201)
      }),
    ],
    ['/console/api/lockdowns/undo', undoEndpoint(services)],
    ['/console/api/lockdowns/erase', eraseEndpoint(services)],
  ])
}

function listEndpoint(services: LockdownServices): Endpoint {
  return analystEndpoint(services, async (_, { tenant }) =>
    jsonResponse({ lockdowns: (await inForce(services, tenant)).map(shown) }),
  )
}

function undoEndpoint(services: LockdownServices): Endpoint {
  return analystCallEndpoint(services, ROUTE, async (context, call) => {
    const asked = readUndo(call.json)
    if (asked instanceof Refusal) return asked
    const { epoch, reason } = asked
    const lockdown = (await inForce(services, call.analyst.tenant)).find(one => one.epoch === epoch)
    if (lockdown === undefined) return invalidQuery('epoch must be the number of a lockdown in force')
    const by = await nameOf(call, services)
    const isWide = lockdown.scope === 'tenant' || lockdown.scope === 'everything'
    const needsSecond = services.lockdownUndo === 'two' && isWide
    const { proposed } = lockdown
    // One person may have several pseudonyms: by another entry of the issuer, or since the key was replaced.
    const names = await services.identities.everyNameOf(call.analyst.subject)
    const isSecond = !needsSecond || (proposed !== undefined && !names.includes(proposed.by))
    const note = (action: 'undo' | 'propose_undo') =>
      record(context, { action, epoch }, { ...lockdown, reason }, services).catch(
        Fault.as('ledger_unavailable'),
      )
    await note(isSecond ? 'undo' : 'propose_undo')
    // Others may have asked since the list was read. It does no more than what is on record.
    const undoing = { by, at: context.at, reason, needsSecond, names, onlyProposes: !isSecond }
    const state = await services.control.undo(epoch, undoing).catch(unavailable)
    if (isSecond && state === 'proposed') await note('propose_undo')
    return jsonResponse({ epoch, state })
  })
}

/** Erases why a lockdown was added and undone, also after its end. The record keeps the SHA-256 of the words. */
function eraseEndpoint(services: LockdownServices): Endpoint {
  return analystCallEndpoint(services, ROUTE, async (context, { json, analyst: { tenant } }) => {
    // Of a lockdown that has ended it isn't known whose tenant's it was.
    if (tenant !== undefined) return new Refusal('tenant_mismatch')
    const { epoch, ...others } = Object(json) as Readonly<Record<string, unknown>>
    if (!Number.isSafeInteger(epoch) || (epoch as number) < 1 || Object.keys(others).length > 0) {
      return invalidQuery('the call must be {"epoch":1}: the number of a lockdown')
    }
    const number = epoch as number
    if (!(await isKnown(number, services))) {
      return invalidQuery(
        'epoch must be the number of a lockdown: there is none of this number, or it has ended and its reasons were erased before',
      )
    }
    const facts = { kind: 'lockdown', decision: 'permit', action: 'erase_reason', epoch: number } as const
    await services.record(observe(context), facts).catch(Fault.as('ledger_unavailable'))
    await services.control.eraseReason(number).catch(unavailable)
    return jsonResponse({ epoch, erased: true })
  })
}

/** Returns whether a number is that of a lockdown that is in force, or of one that has ended and has its reasons. */
async function isKnown(epoch: number, services: LockdownServices): Promise<boolean> {
  const reasons = await services.control.reasons(epoch).catch(unavailable)
  if (Object.keys(reasons).length > 0) return true
  return (await inForce(services, undefined)).some(one => one.epoch === epoch)
}

const unavailable: (error: unknown) => never = Fault.as('control_unavailable')

/** Returns the lockdowns in force that an analyst of one tenant, or of all, may see. */
async function inForce(
  { control }: LockdownServices,
  tenant: string | undefined,
): Promise<readonly ListedRestriction[]> {
  const all = await control.list().catch(unavailable)
  return tenant === undefined ? all : all.filter(one => one.tenant === tenant)
}

function nameOf({ analyst: { subject } }: AnalystCall, { pseudonym }: LockdownServices): Promise<string> {
  return pseudonym('subject', nameSpaceOf(subject), subject.id)
}

async function record(
  context: RequestContext,
  done: Pick<LockdownFacts, 'action' | 'epoch'>,
  { scope, value, tenant, until, uploads, reason, finding }: NewRestriction,
  services: LockdownServices,
): Promise<void> {
  const observed = {
    ...observe(context),
    ...present({
      recording: scope === 'recording' ? value : undefined,
      release: scope === 'release' ? value : undefined,
    }),
  }
  await services.record(observed, {
    ...{ kind: 'lockdown', decision: 'permit', scope },
    ...done,
    ...present({
      ...{ target: value, within: tenant, uploads, finding },
      until: until === undefined ? undefined : new Date(until).toISOString(),
      reason_sha256: reason === undefined ? undefined : hexOf(await sha256(reason)),
    }),
  })
}

/** Writes a lockdown as answers have it, with times of ISO 8601. */
function shown({ kind: _, at, until, proposed, ...rest }: ListedRestriction): object {
  return {
    ...rest,
    at: new Date(at).toISOString(),
    ...(until !== undefined && { until: new Date(until).toISOString() }),
    ...(proposed && { proposed: { by: proposed.by, at: new Date(proposed.at).toISOString() } }),
  }
}
