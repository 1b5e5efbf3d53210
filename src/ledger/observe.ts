import type { Subject } from '../authenticate/subject.ts'
import type { Reason } from '../reason.ts'
import type { Binding, Place } from '../recording.ts'
import type { AccessEvent } from './event.ts'
import { type Network, networkPrefix } from './network.ts'
import type { Pseudonym } from './pseudonym.ts'

/** What came to light about a request by the time it was refused. Stages add to it as the request goes through. */
export interface Attempt {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly request: Request
  place?: Place
  subject?: Subject
  /** Of the recording asked for, where there is one. */
  binding?: Binding
}

/** An attempt that was refused. */
export interface RefusedAttempt extends Attempt {
  /** Of the record, and of the answer. */
  readonly id: string
  readonly network: Network
}

const METHODS = new Set(['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT'])
const RANGE = /^bytes=\d{0,15}-\d{0,15}$/
// Too short for a signed token: nothing that a caller sends may end up as a secret in the log.
const RELEASE = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,31}$/

// Claims that are names of things, not of people. Whatever else an issuer writes there stays out of the log.
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/

/** Writes down a refusal. What is unknown is left out; what is a person becomes a pseudonym. */
export async function observe(
  attempt: RefusedAttempt,
  reason: Reason,
  status: number,
  gate: AccessEvent['gate'],
  pseudonym: Pseudonym,
): Promise<AccessEvent> {
  const { request, place, subject, binding, network } = attempt
  const name = (
    field: 'subject' | 'session' | 'token',
    value: string | undefined,
    issuer: string | undefined,
  ) => (value === undefined || issuer === undefined ? undefined : pseudonym(field, issuer, value))
  const [who, session, token, owner, ip] = await Promise.all([
    name('subject', subject?.id, subject?.issuer),
    name('session', subject?.session, subject?.issuer),
    name('token', subject?.token, subject?.issuer),
    name('subject', binding?.owner, binding?.issuer),
    network.ip === undefined ? undefined : pseudonym('ip', '', network.ip),
  ])
  const release = subject?.release ?? request.headers.get('mediaward-app-release') ?? ''
  const range = request.headers.get('range') ?? ''
  const prefix = network.ip === undefined ? undefined : networkPrefix(network.ip)
  const net = present({ prefix, ip, asn: network.asn, country: network.country })
  return {
    v: 1,
    id: attempt.id,
    t: new Date(attempt.at).toISOString(),
    kind: 'access',
    tenant: tenantOf(subject?.tenant ?? binding?.tenant),
    decision: 'deny',
    reason,
    status,
    method: METHODS.has(request.method) ? request.method : 'other',
    ...present({
      range: RANGE.test(range) ? range : undefined,
      subject: who,
      issuer: subject?.issuer,
      session,
      token,
      roles: subject?.roles.filter(role => NAME.test(role)),
      recording: place?.recording,
      owner,
      part: place?.part,
      release: RELEASE.test(release) ? release : undefined,
      client: named(subject?.client),
      net: Object.keys(net).length > 0 ? net : undefined,
    }),
    gate,
  }
}

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
