import { Buffer } from 'node:buffer'
import {
  type AddedOnce,
  type Changes,
  type Control,
  MAX_CHANGES,
  type Once,
  PROPOSAL,
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
import { LastEpoch } from './last-epoch.ts'

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

const ADD = `
  ended AS (
    DELETE FROM mediaward.restriction WHERE epoch = ANY (ARRAY(
      SELECT epoch FROM mediaward.restriction WHERE ends <= (SELECT (json ->> 'ended')::bigint FROM given) LIMIT 1000
    ))
  ), forgotten AS (
    DELETE FROM mediaward.restriction_proposal AS proposal
    WHERE NOT EXISTS (SELECT FROM mediaward.restriction WHERE restriction.epoch = proposal.epoch)
  ), expired AS (
    DELETE FROM mediaward.restriction_once WHERE key = ANY (ARRAY(
      SELECT key FROM mediaward.restriction_once WHERE ends <= (SELECT (json ->> 'ended')::bigint FROM given) LIMIT 1000
    ))
  ), asked AS (
    SELECT number, one FROM given, json_array_elements(json -> 'restrictions') WITH ORDINALITY AS each (one, number)
  ), before AS (
    SELECT epochs FROM mediaward.restriction_once JOIN given ON key = json ->> 'key'
  ), next AS (
    UPDATE mediaward.control SET epoch = epoch + (SELECT count(*) FROM asked)
    WHERE NOT EXISTS (SELECT FROM before) RETURNING epoch - (SELECT count(*) FROM asked) AS last
  ), known AS (
    SELECT epoch, revokes, ends IS NULL OR ends > (json ->> 'now')::bigint AS is_in_force,
      (change::json ->> 'until')::numeric AS until, (change::json ->> 'issued')::numeric AS issued
    FROM given, mediaward.restriction
    WHERE revokes = ANY (ARRAY(SELECT one ->> 'revokes' FROM asked)) AND undone IS NULL
  ), reach AS (
    SELECT number, CASE WHEN bool_and(until IS NOT NULL) THEN max(until) END AS until,
      CASE WHEN bool_and(issued IS NOT NULL) THEN max(issued) END AS issued
    FROM (
      SELECT number, (one ->> 'until')::numeric AS until, (one ->> 'issued')::numeric AS issued FROM asked
      UNION ALL
      SELECT number, until, issued FROM asked JOIN known ON revokes = one ->> 'revokes' WHERE is_in_force
    ) AS each GROUP BY number
  ), added AS (
    SELECT last + number AS epoch, one, until, issued FROM next, asked JOIN reach USING (number)
  ), replaced AS (
    UPDATE mediaward.restriction SET ends = least(ends, (SELECT (json ->> 'now')::bigint FROM given)),
      undone = (SELECT max(added.epoch) FROM added WHERE one ->> 'revokes' = revokes)
    WHERE epoch = ANY (ARRAY(SELECT known.epoch FROM known WHERE EXISTS (SELECT FROM next)))
  ), reason AS (
    INSERT INTO mediaward.restriction_reason (epoch, made)
    SELECT epoch, one ->> 'reason' FROM added WHERE one ->> 'reason' IS NOT NULL
  ), change AS (
    INSERT INTO mediaward.restriction (epoch, change, about, is_listed, ends, revokes)
    SELECT epoch, left(one ->> 'change', -1) || coalesce(',"until":' || until, '') || coalesce(',"issued":' || issued, '') || '}',
      one ->> 'about', (one ->> 'is_listed')::boolean, ceil(until)::bigint, one ->> 'revokes'
    FROM added
  ), made AS (
    SELECT coalesce(json_agg(epoch ORDER BY epoch), '[]')::text AS epochs FROM added
  ), once AS (
    INSERT INTO mediaward.restriction_once (key, epochs, ends)
    SELECT json ->> 'key', epochs, (json ->> 'until')::bigint FROM next, made, given WHERE json ->> 'key' IS NOT NULL
  )
  SELECT coalesce((SELECT epochs FROM before), epochs) AS epochs, EXISTS (SELECT FROM next) AS is_first FROM made`

const UNDO = `
  target AS (
    SELECT restriction.epoch, ends, json, proposal.epoch IS NOT NULL AS is_proposed,
      NOT (json ->> 'only_proposes')::boolean AND (NOT (json ->> 'needs_second')::boolean OR coalesce(
        person <> ALL (ARRAY(SELECT json_array_elements_text(json -> 'persons')))
          AND (json ->> 'at')::bigint - at < ${PROPOSAL}, false
      )) AS is_agreed
    FROM given
      JOIN mediaward.restriction ON restriction.epoch = (json ->> 'epoch')::bigint
      LEFT JOIN mediaward.restriction_proposal AS proposal ON proposal.epoch = restriction.epoch
    WHERE undoes IS NULL AND undone IS NULL AND (ends IS NULL OR ends > (json ->> 'now')::bigint)
  ), proposed AS (
    INSERT INTO mediaward.restriction_proposal (epoch, person, at, reason)
    SELECT epoch, json ->> 'person', (json ->> 'at')::bigint, json ->> 'reason' FROM target WHERE NOT is_agreed
    ON CONFLICT (epoch) DO UPDATE SET person = excluded.person, at = excluded.at, reason = excluded.reason
  ), next AS (
    UPDATE mediaward.control SET epoch = control.epoch + 1 FROM target WHERE is_agreed RETURNING control.epoch
  ), undone AS (
    UPDATE mediaward.restriction SET undone = next.epoch FROM next, target WHERE restriction.epoch = target.epoch
  ), dropped AS (
    DELETE FROM mediaward.restriction_proposal USING target
    WHERE is_agreed AND restriction_proposal.epoch = target.epoch
  ), reason AS (
    INSERT INTO mediaward.restriction_reason (epoch, undone)
    SELECT epoch, json ->> 'reason' FROM target WHERE is_agreed AND json ->> 'reason' IS NOT NULL
    ON CONFLICT (epoch) DO UPDATE SET undone = excluded.undone
  ), change AS (
    INSERT INTO mediaward.restriction (epoch, change, about, is_listed, ends, undoes)
    SELECT next.epoch, json ->> 'change', json ->> 'about', false, ends, target.epoch FROM next, target
  )
  SELECT CASE WHEN is_agreed THEN 'undone' ELSE 'proposed' END AS undone FROM target`

const LIST = `
  SELECT epoch, change, about, made, proposal.person, proposal.at::bigint, proposal.reason
  FROM mediaward.restriction
    LEFT JOIN mediaward.restriction_reason USING (epoch)
    LEFT JOIN (SELECT * FROM mediaward.restriction_proposal WHERE at > $1::bigint - ${PROPOSAL}) AS proposal USING (epoch)
  WHERE is_listed AND restriction.undone IS NULL AND (ends IS NULL OR ends > $1::bigint) ORDER BY epoch`

interface ListedRow extends StoredChange {
  readonly made: string | null
  readonly person: string | null
  readonly at: number | null
  readonly reason: string | null
}

const CHANGES = `
  WITH read AS (
    SELECT epoch AS last, CASE WHEN epoch < $1::bigint THEN 0 ELSE $1::bigint END AS after FROM mediaward.control
  )
  SELECT last, epoch, change FROM read LEFT JOIN LATERAL (
    SELECT epoch, change FROM mediaward.restriction
    WHERE epoch > after AND epoch <= last AND undone IS NULL AND (ends IS NULL OR ends > $2::bigint)
      AND (undoes IS NULL OR undoes <= after)
    ORDER BY epoch LIMIT ${MAX_CHANGES + 1}
  ) AS change ON true`

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

    async changes(after, wait) {
      if (wait > 0) await last.wait(after, wait)
      const { page, epoch } = await read(session, after, Math.floor(now()))
      last.note(epoch)
      return page
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

async function read(
  session: Session,
  after: number,
  now: number,
): Promise<{ readonly page: Changes; readonly epoch: number }> {
  const rows = await session.query<{ last: number; epoch: number | null; change: string }>(
    CHANGES,
    after,
    now,
  )
  const last = rows[0]?.last ?? 0
  // Without a change there is one row, with the last epoch alone.
  const stored = rows.flatMap(({ epoch, change }) => (epoch === null ? [] : [{ epoch, change }]))
  const changes = stored.slice(0, MAX_CHANGES).map(changeOf)
  const more = stored.length > changes.length
  const page = {
    changes,
    epoch: more ? (changes.at(-1)?.epoch ?? last) : last,
    more,
    ...(after > last && { restart: true as const }),
  }
  return { page, epoch: last }
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
