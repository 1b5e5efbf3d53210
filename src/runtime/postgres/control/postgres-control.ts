import { Buffer } from 'node:buffer'
import { present } from '../../../base/present.ts'
import {
  type AddedOnce,
  type Changes,
  type Control,
  MAX_CHANGES,
  type Once,
  type Undone,
} from '../../../control/control.ts'
import {
  changeOf,
  type ListedRestriction,
  type NewRestriction,
  partsOf,
  type StoredChange,
} from '../../../control/restriction.ts'
import { type DatabaseOptions, databaseOf } from '../options.ts'
import { LOCKS } from '../schema.ts'
import { Session } from '../session.ts'
import { LastEpoch, type Position } from './last-epoch.ts'
import { ADD, CHANGES, LIST, UNDO } from './statements.ts'

/** The restrictions of a fleet. */
export interface PostgresControl extends Control {
  /** Ends its connection. Calls that wait for a change, and later ones, reject. */
  close(): void
}

/** How long the database may take for a statement, in milliseconds. */
const DEADLINE = 5_000
/** A change is kept for so long after its end, in milliseconds: the clocks of machines differ. */
const MARGIN = 300_000

/**
 * One change after another: the next one begins when the one before is committed, and sees it. So the epochs are committed in
 * their order, and a reader misses none.
 */
const CONTROL_LOCK = `SELECT pg_advisory_xact_lock(${LOCKS.control})`

/**
 * Returns what a statement under the lock is given, as the table `given`. In hexadecimal: statements that are sent together take no
 * parameters, and nothing in these digits can end the string.
 */
const given = (value: object): string =>
  `given AS (SELECT json FROM (SELECT convert_from(decode('${Buffer.from(JSON.stringify(value)).toString('hex')}', 'hex'), 'UTF8')::json AS json) AS one)`

interface ListedRow extends StoredChange {
  readonly made: string | null
  readonly person: string | null
  readonly at: number | null
  readonly reason: string | null
}

/**
 * Creates the restrictions of a fleet in PostgreSQL 14 or newer. Any process can change them, and looks at the last epoch once a
 * second while a reader waits.
 *
 * @param now the clock, in milliseconds since 1970
 * @throws ConfigurationError if the URL is wrong
 */
export function createPostgresControl(options: DatabaseOptions, now: () => number): PostgresControl {
  const session = new Session(databaseOf(options), { deadline: DEADLINE })
  const last = new LastEpoch(session)
  const change = async <Row extends object>(statement: string, value: object): Promise<Row | undefined> => {
    const [row] = await session.queryInOrder<Row>(CONTROL_LOCK, `WITH ${given(value)}, ${statement}`)
    last.look()
    return row
  }
  const add = async (restrictions: readonly NewRestriction[], once?: Once): Promise<AddedOnce> => {
    const row = await change<{ epochs: string; is_first: boolean }>(ADD, {
      ...{ restrictions: restrictions.map(rowOf), ended: Math.floor(now()) - MARGIN, now: Math.floor(now()) },
      ...once,
    })
    return { epochs: JSON.parse(row?.epochs ?? '[]') as number[], isFirst: row?.is_first === true }
  }
  return {
    async add(restriction) {
      const { epochs } = await add([restriction])
      return Number(epochs[0])
    },

    addOnce: (restrictions, { key, until }) => add(restrictions, { key, until: Math.ceil(until) }),

    async undo(epoch, { by, at, reason, needsSecond, names = [], onlyProposes = false }) {
      const row = await change<{ undone: Undone }>(UNDO, {
        ...{ epoch, person: JSON.stringify(by), persons: [by, ...names].map(one => JSON.stringify(one)) },
        ...{ at: Math.floor(at), needs_second: needsSecond, only_proposes: onlyProposes },
        ...{
          now: Math.floor(now()),
          change: JSON.stringify({ undoes: epoch }),
          about: JSON.stringify({ by, at }),
        },
        ...(reason !== undefined && { reason: JSON.stringify(reason) }),
      })
      return row?.undone ?? 'unknown'
    },

    async list() {
      const rows = await session.query<ListedRow>(LIST, Math.floor(now()))
      return rows.map(listedOf)
    },

    async reasons(epoch) {
      const [row] = await session.query<{ made: string | null; undone: string | null }>(
        'SELECT made, undone FROM mediaward.restriction_reason WHERE epoch = $1::bigint',
        epoch,
      )
      const { made = null, undone = null } = row ?? {}
      return {
        ...(made !== null && { made: JSON.parse(made) }),
        ...(undone !== null && { undone: JSON.parse(undone) }),
      }
    },

    async eraseReason(epoch) {
      await session.query(
        `WITH erased AS (DELETE FROM mediaward.restriction_reason WHERE epoch = $1::bigint)
        UPDATE mediaward.restriction_proposal SET reason = NULL WHERE epoch = $1::bigint`,
        epoch,
      )
    },

    async changes(after, wait, mark) {
      if (wait > 0) await last.wait({ epoch: after, mark }, wait)
      const read = await readChanges(session, { epoch: after, mark }, Math.floor(now()))
      last.note(read.last)
      return read.page
    },

    close() {
      session.close()
      last.look()
    },
  }
}

function rowOf({ until, issued, ...restriction }: NewRestriction): object {
  const { reason, ...parts } = partsOf(restriction)
  const { kind, scope, value } = restriction
  return {
    ...{ ...parts, is_listed: kind === 'lockdown', until, issued },
    ...(kind === 'revocation' && { revokes: JSON.stringify([scope, value]) }),
    ...(reason !== undefined && { reason: JSON.stringify(reason) }),
  }
}

interface ChangeRow extends Omit<StoredChange, 'epoch' | 'about'> {
  readonly last: number
  readonly last_mark: string | null
  readonly is_lost: boolean
  readonly epoch: number | null
  readonly mark: string
}

async function readChanges(
  session: Session,
  { epoch: after, mark = '' }: Position,
  now: number,
): Promise<{ readonly page: Changes; readonly last: Position }> {
  const rows = await session.query<ChangeRow>(CHANGES, after, now, mark)
  const [first] = rows
  const last = { epoch: first?.last ?? 0, mark: first?.last_mark ?? undefined }
  // Without a change there is one row, with the last epoch alone.
  const stored = rows.flatMap(({ epoch, change, mark }) => (epoch === null ? [] : [{ epoch, change, mark }]))
  const shown = stored.slice(0, MAX_CHANGES)
  const more = stored.length > shown.length
  const page = {
    ...{ changes: shown.map(changeOf), more, epoch: last.epoch },
    ...present(more ? { ...shown.at(-1), change: undefined } : last),
    ...(first?.is_lost === true && { restart: true as const }),
  }
  return { page, last }
}

function listedOf(row: ListedRow): ListedRestriction {
  const { epoch, change, about, made, person, at, reason } = row
  return {
    ...{ epoch, ...JSON.parse(change), ...JSON.parse(about) },
    ...(made !== null && { reason: JSON.parse(made) }),
    ...(person !== null && {
      proposed: { by: JSON.parse(person), at, ...(reason !== null && { reason: JSON.parse(reason) }) },
    }),
  }
}
