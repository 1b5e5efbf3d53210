import type { Actor, Subject } from '../authenticate/subject.ts'
import type { Binding, Place } from '../recording.ts'
import type { EventHead } from './event.ts'
import { type Network, networkPrefix } from './network.ts'
import type { Pseudonym } from './pseudonym.ts'

/** What came to light about a request so far. Stages add to it as the request goes through. */
export interface Attempt {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly request: Request
  /** Where it came from. Looked at only where it is needed. */
  readonly network: () => Network
  place?: Place
  subject?: Subject
  /** Id of the ticket that it came with. */
  ticket?: string
  /** Of the recording asked for, where there is one. */
  binding?: Binding
}

// Too short for a signed token: nothing that a caller sends may end up as a secret in the log.
const RELEASE = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,31}$/

// Claims that are names of things, not of people. Whatever else an issuer writes there stays out of the log.
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/

/** The release of the app that asks, as a record tells it. */
export function releaseOf(request: Request, subject: Subject | undefined): string | undefined {
  const release = subject?.release ?? request.headers.get('mediaward-app-release') ?? ''
  return RELEASE.test(release) ? release : undefined
}

/** What a record says of who asked and for what. What is unknown is left out; what is a person becomes a pseudonym. */
export async function observe(
  { at, request, place, subject, ticket, binding, network }: Attempt,
  id: string,
  gate: EventHead['gate'],
  pseudonym: Pseudonym,
): Promise<EventHead> {
  const { ip, asn, country } = network()
  const name = (
    field: 'subject' | 'session' | 'token',
    value: string | undefined,
    issuer: string | undefined,
  ) => (value === undefined || issuer === undefined ? undefined : pseudonym(field, issuer, value))
  const [who, session, token, owner, address, [actor, ...prior]] = await Promise.all([
    name('subject', subject?.id, subject?.issuer),
    name('session', subject?.session, subject?.issuer),
    name('token', subject?.token, subject?.issuer),
    name('subject', binding?.owner, binding?.issuer),
    ip === undefined ? undefined : pseudonym('ip', '', ip),
    // An actor has the pseudonym that it has as a subject, so that its records can be joined.
    Promise.all(chainOf(subject?.actor).map(({ id, issuer }) => pseudonym('subject', issuer, id))),
  ])
  const prefix = ip === undefined ? undefined : networkPrefix(ip)
  const net = present({ prefix, ip: address, asn, country })
  return {
    v: 1,
    id,
    t: new Date(at).toISOString(),
    tenant: tenantOf(subject?.tenant ?? binding?.tenant),
    ...present({
      subject: who,
      actor,
      prior_actors: prior.length > 0 ? prior : undefined,
      issuer: subject?.issuer,
      session,
      token,
      ticket,
      roles: subject?.roles.filter(role => NAME.test(role)),
      recording: place?.recording,
      owner,
      part: place?.part,
      release: releaseOf(request, subject),
      client: named(subject?.client),
      net: Object.keys(net).length > 0 ? net : undefined,
    }),
    gate,
  }
}

/** All who act, from the current one to the first. */
const chainOf = (actor: Actor | undefined): readonly Actor[] =>
  actor === undefined ? [] : [actor, ...chainOf(actor.actor)]

const named = (name: string | undefined): string | undefined =>
  name !== undefined && NAME.test(name) ? name : undefined

/** What a recording is stamped with by other means may be any text; such a tenant is not the default one. */
const tenantOf = (tenant: string | undefined): string =>
  tenant === undefined ? 'default' : (named(tenant) ?? 'unnamed')

type Present<Members> = { [Name in keyof Members]?: Exclude<Members[Name], undefined> }

function present<Members extends object>(members: Members): Present<Members> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as Present<Members>
}
