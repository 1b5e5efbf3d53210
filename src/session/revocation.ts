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
  /** How long that matters, in seconds. Default: until its last token and ticket have expired. */
  readonly lasts?: number
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
  const revocations: Revocation[] = []
  for (const one of ended) revocations.push(await revocationOf(one, context.at, services))
  const inForce: InForce[] = []
  try {
    for (const one of revocations)
      inForce.push({ ...one, epoch: await add(one, context.at, revoker, services) })
  } finally {
    // Also if not all could be added: those that were are in force.
    await record(context, inForce, revoker, services)
  }
  return inForce.map(({ epoch }) => epoch)
}

interface Revocation extends Pick<NewRestriction, 'issued'> {
  readonly scope: Scope
  /** The pseudonym of what has ended. */
  readonly value: string
  readonly until: number
}
interface InForce extends Revocation {
  readonly epoch: number
}

async function revocationOf(
  { entry, scope, id, issued, lasts }: Ended,
  at: number,
  { issuers, pseudonym, ticketOptions }: RevocationServices,
): Promise<Revocation> {
  const space = scope === 'subject' ? spaceOf(entry) : entry.issuer
  const value = await pseudonym(scope, space, id)
  // Any entry of the issuer may accept its tokens.
  const ofIssuer = issuers.entries.filter(({ issuer }) => issuer === entry.issuer)
  const lives = ofIssuer.map(
    ({ max_age_s = LONGEST_TOKEN, clock_tolerance_s = 30 }) => max_age_s + clock_tolerance_s,
  )
  const longest = Math.max(...lives) + (ticketOptions?.lifetime ?? 0)
  return { scope, value, until: at + (lasts ?? longest) * 1000, ...present({ issued }) }
}

function add(
  revocation: Revocation,
  at: number,
  { by, reason }: Revoker,
  { control }: RevocationServices,
): Promise<number> {
  return control
    .add({ kind: 'revocation', at, by, ...revocation, ...present({ reason }) })
    .catch(Fault.as('control_unavailable'))
}

/** Records what is in force. A record that fails keeps no other one out of the log. */
async function record(
  context: RequestContext,
  inForce: readonly InForce[],
  { action, reason }: Revoker,
  services: RevocationServices,
): Promise<void> {
  const said = present({ reason_sha256: reason === undefined ? undefined : hexOf(await sha256(reason)) })
  const records = inForce.map(({ scope, value, until, epoch }) =>
    services.record(observe(context), {
      ...{ kind: 'lockdown', decision: 'permit', action, epoch, scope, target: value },
      until: new Date(until).toISOString(),
      ...said,
    }),
  )
  await Promise.allSettled(records)
  await Promise.all(records).catch(Fault.as('ledger_unavailable'))
}

const spaceOf = ({ issuer, name, owns }: Entry): string =>
  nameSpaceOf(owns ? { issuer } : { issuer, entry: name, owns: false })
