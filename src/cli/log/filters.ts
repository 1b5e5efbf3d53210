import { MAX_PAGE } from '../../console/query.ts'
import { KINDS } from '../../ledger/event.ts'
import { flawOfRecording } from '../../locate/names.ts'
import { isReason } from '../../reason.ts'
import type { OptionValues, TextOption } from '../../runtime/node/command.ts'
import { UsageError } from '../terminal.ts'

type FilterName = 'recording' | 'subject' | 'reason' | 'since' | 'until' | 'after' | 'limit'

/** Which records to list. */
export const FILTER_OPTIONS: Readonly<Record<FilterName, TextOption>> = {
  recording: { type: 'string', value: 'ID', about: 'Only records about this recording.' },
  subject: {
    type: 'string',
    value: 'PERSON',
    about:
      'Only records of what this person did: a pseudonym, an id, or - to read an id from stdin. If PSEUDONYM_KEY is set, an id becomes a pseudonym here, else the gate is asked.',
  },
  reason: { type: 'string', value: 'REASON', about: 'Only refusals for this reason.' },
  since: {
    type: 'string',
    value: 'TIME',
    about: 'Only records from this time on: 2026-11-22T10:00:00Z, or 15m, 2h, 3d ago.',
  },
  until: { type: 'string', value: 'TIME', about: 'Only records from before this time.' },
  after: {
    type: 'string',
    value: 'CURSOR',
    about: 'Only records after this place, where an earlier call ended.',
  },
  limit: { type: 'string', value: 'N', about: `Only the newest N of them, 1 to ${MAX_PAGE}.` },
}

/** What the options ask of the log, apart from a person. */
export interface LogRange {
  /** The parameters of the console's API that hold for every page. */
  readonly filters: Readonly<Record<string, string>>
  /** ISO 8601, in UTC. */
  readonly since?: string
  readonly after?: string
  /** How many of the newest records to list. */
  readonly limit?: number
}

type FilterValues = Omit<OptionValues<typeof FILTER_OPTIONS>, 'subject'> & {
  readonly kind?: string | undefined
  readonly follow: boolean
}

/**
 * Checks which records to list. A value that no record can have is a mistake: to find nothing would seem to prove
 * something.
 *
 * @throws UsageError
 */
export function readFilters({
  kind,
  recording,
  reason,
  since,
  until,
  after,
  limit,
  follow,
}: FilterValues): LogRange {
  if (kind !== undefined && !KINDS.some(known => known === kind)) {
    throw new UsageError(`--kind ${kind} is unknown`, `use one of ${KINDS.join(', ')}`)
  }
  const flaw = recording === undefined ? undefined : flawOfRecording(recording)
  // The message doesn't repeat the id, which may be a token in the wrong place.
  if (flaw !== undefined) throw new UsageError(`--recording can't be a recording's id: ${flaw}`)
  if (reason !== undefined && !isReason(reason)) {
    throw new UsageError(`--reason ${reason} is unknown`, 'docs/event.md lists the reasons')
  }
  if (limit !== undefined && !(/^\d{1,4}$/.test(limit) && Number(limit) >= 1 && Number(limit) <= MAX_PAGE)) {
    throw new UsageError(`--limit ${limit} must be from 1 to ${MAX_PAGE}`)
  }
  if (follow && until !== undefined) {
    throw new UsageError('--until has no effect beside --follow', 'take one of them away')
  }
  const filters = { kind, recording, reason, until: until && readTime('--until', until) }
  return {
    filters: Object.fromEntries(
      Object.entries(filters).flatMap(([name, value]) => (value ? [[name, value]] : [])),
    ),
    ...(since !== undefined && { since: readTime('--since', since) }),
    ...(after !== undefined && { after }),
    ...(limit !== undefined && { limit: Number(limit) }),
  }
}

/** A date of ISO 8601, or a date and a time. `Date` reads much else as a time: 5 as May 2001. */
const ISO_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/
/** The units of a duration, in milliseconds. */
const UNITS: Readonly<Record<string, number>> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5 }

/** Reads a time, or how long ago it was, as the console's API takes it. */
function readTime(option: string, time: string): string {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(time) ?? []
  const ago = Number(count) * (UNITS[unit] ?? Number.NaN)
  const date = new Date(ISO_TIME.test(time) ? time : Date.now() - ago)
  if (Number.isNaN(date.getTime())) {
    throw new UsageError(
      `${option} ${time} is not a time`,
      'write it as 2026-11-22T10:00:00Z, or as 15m, 2h, 3d',
    )
  }
  return date.toISOString()
}
