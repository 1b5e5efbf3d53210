import { isTenantName } from '../../authorize/rules/tenant.ts'
import { MAX_PAGE } from '../../console/query.ts'
import { KINDS } from '../../ledger/event.ts'
import { isRelease } from '../../ledger/head.ts'
import type { CountSpan } from '../../ledger/ledger.ts'
import { flawOfRecording } from '../../locate/names.ts'
import { isReason } from '../../reason.ts'
import type { OptionValues, TextOption } from '../../runtime/node/command.ts'
import { UsageError } from '../terminal.ts'
import { readTime } from './time.ts'

type FilterName =
  | ('recording' | 'subject' | 'owner' | 'reason' | 'release' | 'tenant')
  | ('since' | 'until' | 'from' | 'after' | 'limit' | 'count')

/** Which records to list. */
export const FILTER_OPTIONS: Readonly<Record<FilterName, TextOption>> = {
  recording: { type: 'string', value: 'ID', about: 'Only records about this recording.' },
  subject: {
    type: 'string',
    value: 'PERSON',
    about:
      'Only records of what this person did: a pseudonym, an id, or - to read an id from stdin. An id is looked for under each key: those of PSEUDONYM_KEY if it is set here, else those of the gate, which is asked.',
  },
  owner: {
    type: 'string',
    value: 'PERSON',
    about: "Only records about this person's recordings. The person is named as for --subject.",
  },
  reason: { type: 'string', value: 'REASON', about: 'Only refusals for this reason.' },
  release: { type: 'string', value: 'RELEASE', about: 'Only records of this release of an app.' },
  tenant: { type: 'string', value: 'TENANT', about: 'Only records of this tenant.' },
  since: {
    type: 'string',
    value: 'TIME',
    about: 'Only records from this time on: 2026-11-22T10:00:00Z, or 15m, 2h, 3d ago.',
  },
  until: { type: 'string', value: 'TIME', about: 'Only records from before this time.' },
  from: { type: 'string', value: 'INDEX', about: 'Only records from this index of the log on.' },
  after: {
    type: 'string',
    value: 'CURSOR',
    about: 'Only records after this place, where an earlier call ended.',
  },
  limit: { type: 'string', value: 'N', about: `Only the newest N of them, 1 to ${MAX_PAGE}.` },
  count: {
    type: 'string',
    value: 'SPAN',
    about:
      'Only how many there are by minute or hour. Without --since, those of the last hour or the last 24 hours.',
  },
}

/** What the options ask of the log, apart from people. */
export interface LogRange {
  /** The parameters of the console's API that hold for every page. */
  readonly filters: Readonly<Record<string, string>>
  /** ISO 8601, in UTC. */
  readonly since?: string
  readonly after?: string
  readonly from?: string
  /** How many of the newest records to list. */
  readonly limit?: number
  /** Whether the newest come first. */
  readonly newest: boolean
}

type FilterValues = Omit<OptionValues<typeof FILTER_OPTIONS>, 'subject' | 'owner'> & {
  readonly kind?: string | undefined
  readonly newest: boolean
  readonly follow: boolean
}

/** What each option can't be given together with. */
const EXCLUDED: Readonly<Record<string, readonly string[]>> = {
  follow: ['until', 'newest'],
  newest: ['from'],
  after: ['from'],
  count: ['recording', 'subject', 'owner', 'release', 'from', 'after', 'limit', 'newest', 'follow'],
}

/**
 * Checks which records to list. A value that no record can have is a mistake: to find nothing would seem to prove
 * something.
 *
 * @throws UsageError
 */
export function readFilters(values: FilterValues): LogRange {
  const { kind, recording, reason, release, tenant, since, until, after, from, limit, newest } = values
  refuseExcluded(values)
  if (kind !== undefined && !KINDS.some(known => known === kind)) {
    throw new UsageError(`--kind ${kind} is unknown`, `use one of ${KINDS.join(', ')}`)
  }
  const flaw = recording === undefined ? undefined : flawOfRecording(recording)
  // The message doesn't repeat the id, which may be a token in the wrong place.
  if (flaw !== undefined) throw new UsageError(`--recording can't be a recording's id: ${flaw}`)
  if (reason !== undefined && !isReason(reason)) {
    throw new UsageError(`--reason ${reason} is unknown`, 'docs/event.md lists the reasons')
  }
  if (release !== undefined && !isRelease(release)) {
    throw new UsageError("--release can't be a release", 'write it as the records have it, as in 4.12.0')
  }
  if (tenant !== undefined && !isTenantName(tenant)) {
    throw new UsageError(
      `--tenant ${tenant} is not a tenant`,
      'the log writes that for tenants that it has no name of',
    )
  }
  if (from !== undefined && !/^\d{1,15}$/.test(from)) {
    throw new UsageError(`--from ${from} is not an index`, 'the first record has the index 0')
  }
  if (limit !== undefined && !(/^\d{1,4}$/.test(limit) && Number(limit) >= 1 && Number(limit) <= MAX_PAGE)) {
    throw new UsageError(`--limit ${limit} must be from 1 to ${MAX_PAGE}`)
  }
  const filters = {
    ...{ kind, recording, reason, release, tenant },
    until: until && readTime('--until', until),
  }
  return {
    filters: Object.fromEntries(
      Object.entries(filters).flatMap(([name, value]) => (value ? [[name, value]] : [])),
    ),
    ...(since !== undefined && { since: readTime('--since', since) }),
    ...(after !== undefined && { after }),
    ...(from !== undefined && { from }),
    ...(limit !== undefined && { limit: Number(limit) }),
    newest,
  }
}

/** Reads by what to count. */
export function readSpan(count: string): CountSpan {
  if (count === 'minute' || count === 'hour') return count
  throw new UsageError(`--count ${count} is unknown`, 'use minute or hour')
}

function refuseExcluded(values: Readonly<Record<string, unknown>>): void {
  const isGiven = (name: string) => values[name] !== undefined && values[name] !== false
  for (const [name, others] of Object.entries(EXCLUDED)) {
    const other = isGiven(name) ? others.find(isGiven) : undefined
    if (other === undefined) continue
    throw new UsageError(`--${other} has no effect beside --${name}`, 'take one of them away')
  }
}
