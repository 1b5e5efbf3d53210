import { type Actor, nameSpaceOf, type Subject } from '../authorize/subject.ts'
import { detached } from '../base/bytes.ts'
import { type CallerNetwork, callerNetwork } from '../base/network.ts'
import { present } from '../base/present.ts'
import type { Ownership } from '../recordings/recording.ts'
import type { AskedAbout, OwnerConflict, RequestContext, TokenFacts } from '../request-context.ts'
import type { EventHead } from './event.ts'
import type { Pseudonym } from './pseudonym.ts'

/**
 * What a record says of who asked and for what. Small values of its own: what waits to be recorded keeps this, and so
 * keeps neither the request nor anything that holds it.
 */
export interface Observed {
  /** When the request came, in milliseconds since 1970. */
  readonly at: number
  readonly network: CallerNetwork
  readonly subject: Subject | undefined
  readonly token: TokenFacts | undefined
  readonly ticket: string | undefined
  readonly recording: string | undefined
  readonly part: string | undefined
  readonly ownership: Ownership | undefined
  readonly release: string | undefined
  readonly asked: AskedAbout | undefined
  readonly conflict?: OwnerConflict | undefined
}

// Too short for a signed token: nothing that a caller sends may end up as a secret in the log.
const RELEASE = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,31}$/

/** Returns whether a string is a release as a record says it. */
export const isRelease = (value: string): boolean => RELEASE.test(value)

// Claims that are names of things, not of people. Whatever else an issuer writes there stays out of the log.
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/

/** Takes from the context of a request what its record says. */
export function observe(context: RequestContext): Observed {
  const { at, ref, subject, token, ticket, ownership, asked, conflict } = context
  return {
    at,
    network: context.network(),
    subject,
    token,
    ticket,
    recording: ref && detached(ref.recording),
    part: ref?.part === undefined ? undefined : detached(ref.part),
    ownership,
    release: releaseOf(context),
    asked,
    conflict,
  }
}

/** Returns what is known of a record that is about the gate itself: no caller, and no network. */
export function withoutCaller(at: number): Observed {
  return {
    at,
    network: callerNetwork(() => ({})),
    ...{ subject: undefined, token: undefined, ticket: undefined, recording: undefined, part: undefined },
    ...{ ownership: undefined, release: undefined, asked: undefined },
  }
}

/** Returns the release of the app that asks, or that asked for the ticket, as a record says it. */
export function releaseOf({
  request,
  subject,
  ticketRelease,
}: Pick<RequestContext, 'request' | 'subject' | 'ticketRelease'>): string | undefined {
  const release = subject?.release ?? ticketRelease ?? request.headers.get('mediaward-app-release') ?? ''
  return isRelease(release) ? detached(release) : undefined
}

/** Creates the head of a record. What is unknown is left out; what is a person becomes a pseudonym. */
export async function headOf(
  {
    at,
    network,
    subject,
    token: facts,
    ticket,
    recording,
    part,
    ownership,
    release,
    asked,
    conflict,
  }: Observed,
  id: string,
  gate: EventHead['gate'],
  pseudonym: Pseudonym,
): Promise<Omit<EventHead, 'recorded'>> {
  const { ip, prefix, asn, country } = network
  const space = subject && nameSpaceOf(subject)
  const name = (
    field: 'subject' | 'session' | 'token',
    value: string | undefined,
    scope: string | undefined,
  ) => (value === undefined || scope === undefined ? undefined : pseudonym(field, scope, value))
  const [who, session, token, owner, theirs, address, [actor, ...prior], askedAbout] = await Promise.all([
    name('subject', subject?.id, space),
    name('session', subject?.session, subject?.issuer),
    name('token', subject?.token, subject?.issuer),
    name('subject', ownership?.owner, ownership?.issuer),
    name('subject', conflict?.named.owner, conflict?.named.issuer),
    ip === undefined ? undefined : pseudonym('ip', '', ip),
    // An actor has the pseudonym that it has as a subject, so that its records can be joined: unless its entry says that
    // its subjects own nothing, as a token says of an actor no more than its issuer.
    Promise.all(chainOf(subject?.actor).map(({ id, issuer }) => pseudonym('subject', issuer, id))),
    asked && pseudonymous(asked, pseudonym),
  ])
  const net = present({ prefix, ip: address, asn, country })
  return {
    v: 1,
    id,
    t: new Date(at).toISOString(),
    tenant: tenantOf(subject?.tenant ?? ownership?.tenant),
    ...present({
      subject: who,
      actor,
      prior_actors: prior.length > 0 ? prior : undefined,
      issuer: subject?.issuer ?? facts?.issuer,
      entry: subject?.entry ?? (subject === undefined ? facts?.entry : undefined),
      claim: facts?.claim,
      session,
      token,
      ticket,
      roles: subject?.roles.filter(role => NAME.test(role)),
      recording,
      recording_tenant: ownership?.tenant === undefined ? undefined : tenantOf(ownership.tenant),
      owner,
      disputed: ownership?.disputed === true || undefined,
      conflict: conflict?.by,
      named: theirs,
      part,
      release,
      release_proven: (release !== undefined && release === subject?.release) || undefined,
      client: named(subject?.client ?? facts?.client),
      net: Object.keys(net).length > 0 ? net : undefined,
      asked: askedAbout,
    }),
    gate,
  }
}

/** All who act, from the current one to the first. */
const chainOf = (actor: Actor | undefined): readonly Actor[] =>
  actor === undefined ? [] : [actor, ...chainOf(actor.actor)]

async function pseudonymous(
  { questions, subjects, recordings }: AskedAbout,
  pseudonym: Pseudonym,
): Promise<EventHead['asked']> {
  const about = await Promise.all(subjects.map(about => pseudonym('subject', nameSpaceOf(about), about.id)))
  return { questions, subjects: about, recordings }
}

const named = (name: string | undefined): string | undefined =>
  name !== undefined && NAME.test(name) ? name : undefined

/** Names a tenant in a record. A stamp that other tools wrote may be any string; such a tenant is not the default one. */
export const tenantOf = (tenant: string | undefined): string =>
  tenant === undefined ? 'default' : (named(tenant) ?? 'unnamed')
