import { CLIENT_CLAIMS, listOf } from '../authenticate/audience.ts'
import { type Claims, claimAt, isPresent, namesIn } from '../authenticate/claim-value.ts'
import { claimName, type Entry } from '../authenticate/entry.ts'
import { MAX_OPAQUE, MAX_TOKEN } from '../authenticate/parse-token.ts'
import { ROLES } from '../authorize/rules/role.ts'
import { withoutQuery } from '../base/operator.ts'
import { usesDpop } from '../http/credential.ts'
import type { Refusal } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import type { Question } from './question.ts'
import { isIntrospected, type ReadToken, type RefusedToken } from './refused-token.ts'
import { quoted, quotedList, shownEntry } from './shown.ts'
import type { StepName } from './steps.ts'

/** What a step compared: what came, and what is configured. Shown to the holder of the token, so its values may be. */
export interface Comparison {
  readonly came?: string | undefined
  readonly configured?: string | undefined
}

/** A question, and what is known of its token and of the recording. */
export interface Compared extends ReadToken {
  readonly question: Question
  readonly context: RequestContext
  /** Undefined if the gate permits. */
  readonly refusal: Refusal | undefined
  readonly why: RefusedToken['why']
  /** What the subject is called: not its id, unless its holder asks for that. Undefined if the token names none. */
  readonly subjectName: string | undefined
  /** What the recording's owner is called. Undefined if it has none, or was not looked at. */
  readonly ownerName: string | undefined
  /** The configured locations, as their URLs are. */
  readonly locations: readonly string[]
}

type Compare = (compared: Compared) => Comparison

/** What each step compares. A step that isn't here has nothing to show. */
export const COMPARISONS: Readonly<Partial<Record<StepName, Compare>>> = {
  path: ({ question: { path }, locations }) =>
    path === undefined ? {} : { came: quoted(path), configured: quotedList(locations, 8) || undefined },
  place: ({ question: { place, scheme }, entry }) => ({
    came:
      place === undefined ? `Authorization: ${scheme || 'no scheme'}` : `${place.in} ${quoted(place.name)}`,
    configured: ['Authorization', ...[entry?.header, entry?.cookie].filter(isPresent)].join(', '),
  }),
  form: ({ question: { token }, entries }) => ({
    came: `${token.length} characters, ${token.split('.').length} parts`,
    configured: isIntrospected(token, entries) ? `at most ${MAX_OPAQUE}` : `at most ${MAX_TOKEN}, 3 parts`,
  }),
  issuer: ({ payload: { iss }, entry }) => ({
    came: shown(iss),
    configured: entry && shownEntry(entry),
  }),
  algorithm: ({ header: { alg }, entry }) => ({
    came: shown(alg),
    configured: entry?.algorithms.join(', '),
  }),
  header: ({ header: { typ } }) => ({ came: `typ ${shown(typ)}`, configured: 'JWT, at+jwt or none' }),
  key: ({ header: { kid }, entry }) => ({
    came: `kid ${shown(kid)}`,
    configured: entry && keysOf(entry),
  }),
  signature: () => ({ configured: 'by a key of the entry' }),
  subject: ({ payload, entry, subjectName }) => {
    const path = entry?.subject_claim ?? 'sub'
    return { came: subjectName ?? typeName(claimAt(payload, path)), configured: claimName(path) }
  },
  tenant: ({ payload, entry }) =>
    entry?.tenant_claim === undefined
      ? {}
      : { came: shown(claimAt(payload, entry.tenant_claim)), configured: claimName(entry.tenant_claim) },
  bearer: ({ payload, request }) => {
    const found = ['act', 'cnf', 'events'].filter(name => isPresent(payload[name]))
    return {
      came: found.length === 0 ? 'the subject itself' : `has ${found.join(', ')}`,
      configured: usesDpop(request) ? 'a proof beside it, and explain has none' : undefined,
    }
  },
  audience: ({ payload: { aud }, entry }) => ({
    came: shownAll(aud),
    configured: entry?.audience === undefined ? 'any of "clients"' : quotedList(listOf(entry.audience), 8),
  }),
  client: ({ payload, entry }) => ({
    came:
      CLIENT_CLAIMS.filter(name => isPresent(payload[name]))
        .map(name => `${name} ${shown(payload[name])}`)
        .join(', ') || 'none',
    configured: entry?.clients === undefined ? 'any' : quotedList(entry.clients, 8),
  }),
  'required claims': ({ entry }) => {
    const required = Object.entries(entry?.required_claims ?? {})
    return required.length === 0
      ? {}
      : { configured: required.map(([name, value]) => `${quoted(name)} ${JSON.stringify(value)}`).join(', ') }
  },
  times: ({ payload, at, entry }) => ({
    came: (['iat', 'nbf', 'exp'] as const).map(name => `${name} ${timeOf(payload, name, at)}`).join(', '),
    configured: `within ${entry?.clock_tolerance_s ?? 30} s`,
  }),
  role: ({ payload, entry, question: { role }, facts: { subject } }) => {
    const names = namesIn(claimAt(payload, entry?.roles_claim ?? 'roles'), entry?.roles_separator ?? ' ')
    const held = names.filter(name => name !== '')
    const given = subject?.roles.filter(name => ROLES.some(known => known === name)) ?? []
    return {
      came: `${given.join(', ') || 'none'}${held.length === 0 ? '' : ` of ${quotedList(held, 8)}`}`,
      configured: role ?? 'none is needed to play',
    }
  },
  recording: ({ context: { ref } }) =>
    ref === undefined ? {} : { came: [ref.recording, ref.part].filter(isPresent).join('/') },
  owner: ({ refusal, subjectName, ownerName, context: { subject, ownership } }) => {
    // Of the people of another tenant nothing is shown, whatever the request failed at.
    const isForeign = ownership !== undefined && subject !== undefined && subject.tenant !== ownership.tenant
    if (isForeign || refusal?.reason === 'tenant_mismatch') {
      return { came: `tenant ${shown(subject?.tenant)}`, configured: `tenant ${shown(ownership?.tenant)}` }
    }
    if (subject?.owns === false) return { came: 'a subject whose entry says "owns": false' }
    if (ownership === undefined || subject === undefined) return {}
    return ownership.issuer === subject.issuer
      ? { came: subjectName, configured: ownerName ?? 'no owner' }
      : {
          came: `a subject of ${quoted(subject.issuer)}`,
          configured: `an owner of ${shown(ownership.issuer)}`,
        }
  },
}

function keysOf({ jwks_uri, discovery }: Entry): string {
  if (jwks_uri !== undefined) return withoutQuery(jwks_uri)
  return discovery === true ? 'as the metadata of the issuer says' : 'keys that the configuration gives'
}

/** Shows a value of a token to its holder. */
function shown(value: unknown): string {
  if (!isPresent(value)) return 'none'
  return typeof value === 'string' ? quoted(value) : quoted(JSON.stringify(value))
}

const shownAll = (values: unknown): string =>
  Array.isArray(values) ? quotedList(values.map(String), 8) : shown(values)

function typeName(value: unknown): string {
  if (!isPresent(value)) return 'none'
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`
}

function timeOf(payload: Claims, name: 'iat' | 'nbf' | 'exp', at: number): string {
  const value = payload[name]
  if (typeof value !== 'number' || !(Math.abs(value) < 1e11)) return isPresent(value) ? shown(value) : 'none'
  const seconds = Math.round(value - at / 1000)
  const distance = seconds < 0 ? `${-seconds} s ago` : `in ${seconds} s`
  return `${new Date(value * 1000).toISOString().slice(0, 19)}Z (${distance})`
}
