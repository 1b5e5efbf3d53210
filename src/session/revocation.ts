import type { Entry } from '../authenticate/entry.ts'
import type { TrustedIssuers } from '../authenticate/trusted-issuers.ts'
import { nameSpaceOf } from '../authorize/subject.ts'
import { hexOf, sha256 } from '../base/bytes.ts'
import { present } from '../base/present.ts'
import type { Containment } from '../control/containment.ts'
import type { Control } from '../control/control.ts'
import type { NewRestriction, Scope } from '../control/restriction.ts'
import { observe } from '../ledger/head.ts'
import type { Pseudonym } from '../ledger/pseudonym.ts'
import type { Recorder } from '../ledger/recorder.ts'
import { Fault } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import type { TicketOptions } from '../ticket/ticket-options.ts'

/** What ending logins takes beside the request. */
export interface RevocationServices {
  readonly issuers: TrustedIssuers
  readonly control: Control
  readonly containment: Containment
  readonly record: Recorder
  readonly pseudonym: Pseudonym
  /** Undefined if there are no tickets. */
  readonly ticketOptions: Required<TicketOptions> | undefined
}

/** What has ended. */
export interface Ended {
  readonly entry: Entry
  readonly scope: Extract<Scope, 'subject' | 'session' | 'token'>
  /** The id of the subject, the session or the token, as the issuer has it. */
  readonly id: string
  /** Of a subject: its tokens that were issued by then end, in seconds since 1970. */
  readonly issued?: number
}

/** Who ended it, and why. */
export interface Revoker {
  readonly action: 'revoke' | 'logout'
  /** The pseudonym of a caller, or the name of an issuer's entry. */
  readonly by: string
  readonly reason?: string
}

/** Of an entry without `max_age_s`: a token that is valid for longer comes back to life after so many seconds. */
const LONGEST_TOKEN = 90 * 86_400

/**
 * Ends logins: refuses their tokens, and the tickets got with them, until the last of them has expired. All are in force before
 * the first is on record: what the log can't take must not keep a thief logged in.
 *
 * @returns the epoch of each
 * @throws Fault
 */
export async function revoke(
  context: RequestContext,
  ended: readonly Ended[],
  revoker: Revoker,
  services: RevocationServices,
): Promise<readonly number[]> {
  const revocations = await Promise.all(ended.map(one => revocationOf(context, one, revoker, services)))
  const inForce: InForce[] = []
  try {
    for (const revocation of revocations)
      inForce.push({ ...revocation, epoch: await services.control.add(revocation).catch(unavailable) })
  } finally {
    // Also if not all could be added: those that were are in force.
    await record(context, inForce, revoker, services)
  }
  return inForce.map(({ epoch }) => epoch)
}

/** Logins that end by one call, which may come again. */
export interface EndedOnce {
  readonly ended: readonly Ended[]
  /** What the call is known by. */
  readonly key: string
  /** From when on the call is refused, in seconds since 1970. */
  readonly expires: number
}

/**
 * Ends logins as `revoke` does: all of them or none. Resolves to false, and does nothing, if a call with the same key has
 * ended some.
 *
 * @throws Fault
 */
export async function endOnce(
  context: RequestContext,
  { ended, key, expires }: EndedOnce,
  revoker: Revoker,
  services: RevocationServices,
): Promise<boolean> {
  const revocations = await Promise.all(ended.map(one => revocationOf(context, one, revoker, services)))
  const { epochs, isFirst } = await services.control
    .addOnce(revocations, { key, until: expires * 1000 })
    .catch(unavailable)
  if (!isFirst) return false
  const inForce = revocations.flatMap((revocation, i) => {
    const epoch = epochs[i]
    return epoch === undefined ? [] : [{ ...revocation, epoch }]
  })
  await record(context, inForce, revoker, services)
  return true
}

/** A revocation that is to be made. */
type NewRevocation = NewRestriction & { readonly until: number }
type InForce = NewRevocation & { readonly epoch: number }

async function revocationOf(
  { at }: RequestContext,
  { entry, scope, id, issued }: Ended,
  { by, reason }: Revoker,
  { pseudonym, issuers, ticketOptions }: RevocationServices,
): Promise<NewRevocation> {
  const space = scope === 'subject' ? spaceOf(entry) : entry.issuer
  const value = await pseudonym(scope, space, id)
  // Any entry of the issuer may accept its tokens.
  const ofIssuer = issuers.entries.filter(({ issuer }) => issuer === entry.issuer)
  const lives = ofIssuer.map(
    ({ max_age_s = LONGEST_TOKEN, clock_tolerance_s = 30 }) => max_age_s + clock_tolerance_s,
  )
  const until = at + (Math.max(...lives) + (ticketOptions?.lifetime ?? 0)) * 1000
  return { kind: 'revocation', at, by, scope, value, until, ...present({ issued, reason }) }
}

/** Records what is in force. A record that fails keeps no other one out of the log. */
async function record(
  context: RequestContext,
  inForce: readonly InForce[],
  { action, reason }: Revoker,
  services: RevocationServices,
): Promise<void> {
  const said = present({ reason_sha256: reason === undefined ? undefined : hexOf(await sha256(reason)) })
  const records = inForce.map(({ epoch, scope, value, until }) =>
    services.record(observe(context), {
      ...{ kind: 'lockdown', decision: 'permit', action, epoch, scope },
      ...present({ target: value }),
      until: new Date(until).toISOString(),
      ...said,
    }),
  )
  await Promise.allSettled(records)
  await Promise.all(records).catch(Fault.as('ledger_unavailable'))
}

const unavailable: (error: unknown) => never = Fault.as('control_unavailable')

const spaceOf = ({ issuer, name, owns }: Entry): string =>
  nameSpaceOf(owns ? { issuer } : { issuer, entry: name, owns: false })
