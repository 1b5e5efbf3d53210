import type { Sql } from 'postgres'
import { logToOperator } from '../../base/operator.ts'
import { StorageFault } from '../../base/storage-fault.ts'
import { WATCH_TABLES } from './watch/watch-schema.ts'

/**
 * The advisory locks of a database that only Mediaward may use, by their two numbers: to change the tables, to do a round,
 * to be the log, and to change restrictions. The first number is "Medi" in ASCII.
 */
export const LOCKS = {
  schema: '1298490473, 1',
  round: '1298490473, 2',
  log: '1298490473, 3',
  control: '1298490473, 4',
} as const

/**
 * The steps from an empty database to the tables of this version. A step that was released is never changed.
 *
 * - `inbox`: records that are durable, and have no index yet, with all that is needed to give them one. What the log takes is
 *   deleted. `view`: whose deliveries it is a sum of, if it is one that is held.
 * - `event`: the log. `event_term`: at which indexes a value of a field occurs. `event_time`: which indexes the records of a
 *   minute or an hour have, from the first to the last. `event_count`: how many records a span of time has.
 * - `held_delivery`: sums of a view's deliveries that wait for further ones, in the order of coming. `sums`: of how many a row
 *   is put together. `held_id`: the ids of all sums that came, so that none counts twice.
 * - `follower`, `dead_letter`: what followers of the log remember. `log_call`: calls to the process that is the log.
 * - `archive_segment`: the manifest of the archive. `pruned`: a row with the index of the first record that was not pruned, and the
 *   time from which minutes are counted, in milliseconds since 1970.
 * - `control`: a row with the last epoch of the restrictions. `restriction`: their changes. `ends`: when a restriction ends by itself; an
 *   undo has the end of what it undoes. `undone`: the epoch of the change that undid this one, or of the revocation that took its place.
 *   `revokes`: the scope and value of a revocation, as JSON. `restriction_reason`: why each was made and undone, as JSON. `restriction_proposal`: who wants to undo one, and waits for a second person. `restriction_once`: the keys
 *   of what counts once, with the epochs that it got as JSON.
 * - {@link WATCH_TABLES}
 */
const STEPS: readonly string[] = [
  `CREATE TABLE mediaward.inbox (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    came timestamptz NOT NULL DEFAULT clock_timestamp(),
    id text COLLATE "C" NOT NULL CHECK (length(id) <= 200),
    json text NOT NULL,
    recorded bigint NOT NULL,
    terms json NOT NULL,
    counts json NOT NULL,
    view text COLLATE "C"
  ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
  CREATE TABLE mediaward.event (
    index bigint PRIMARY KEY CHECK (index >= 0),
    id text COLLATE "C" NOT NULL UNIQUE,
    json text NOT NULL
  );
  CREATE TABLE mediaward.event_term (
    field text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    index bigint NOT NULL,
    PRIMARY KEY (field, value, index)
  );
  CREATE TABLE mediaward.event_time (
    unit bigint NOT NULL,
    start bigint NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (unit, start)
  );
  CREATE TABLE mediaward.event_count (
    unit bigint NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    start bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (unit, tenant, start, kind, reason)
  );
  CREATE TABLE mediaward.held_delivery (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    view text COLLATE "C" NOT NULL,
    came timestamptz NOT NULL,
    id text COLLATE "C" NOT NULL,
    json text NOT NULL,
    sums integer NOT NULL DEFAULT 1
  );
  CREATE INDEX held_delivery_view ON mediaward.held_delivery (view, number);
  CREATE TABLE mediaward.held_id (
    id text COLLATE "C" PRIMARY KEY,
    came timestamptz NOT NULL
  );
  CREATE INDEX held_id_came ON mediaward.held_id (came);
  CREATE TABLE mediaward.follower (name text COLLATE "C" PRIMARY KEY, state text NOT NULL);
  CREATE TABLE mediaward.dead_letter (
    name text COLLATE "C" NOT NULL,
    index bigint NOT NULL,
    letter text NOT NULL,
    PRIMARY KEY (name, index)
  );
  CREATE TABLE mediaward.log_call (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    came timestamptz NOT NULL,
    call text NOT NULL,
    answer text
  )`,
  `CREATE TABLE mediaward.archive_segment (
    first bigint PRIMARY KEY,
    last bigint NOT NULL,
    since bigint NOT NULL,
    until bigint NOT NULL,
    written bigint NOT NULL,
    bytes bigint NOT NULL,
    sha256 text COLLATE "C" NOT NULL,
    terms text COLLATE "C" NOT NULL
  );
  CREATE TABLE mediaward.pruned (below bigint NOT NULL, minutes_since bigint NOT NULL);
  INSERT INTO mediaward.pruned VALUES (0, 0)`,
  `CREATE TABLE mediaward.control (epoch bigint NOT NULL);
  INSERT INTO mediaward.control VALUES (0);
  CREATE TABLE mediaward.restriction (
    epoch bigint PRIMARY KEY,
    change text NOT NULL,
    about text NOT NULL,
    is_listed boolean NOT NULL,
    ends bigint,
    undoes bigint,
    undone bigint,
    revokes text COLLATE "C"
  );
  CREATE INDEX restriction_revokes ON mediaward.restriction (revokes) WHERE revokes IS NOT NULL;
  CREATE INDEX restriction_ends ON mediaward.restriction (ends) WHERE ends IS NOT NULL;
  CREATE INDEX restriction_listed ON mediaward.restriction (epoch) WHERE is_listed;
  CREATE TABLE mediaward.restriction_reason (epoch bigint PRIMARY KEY, made text, undone text);
  CREATE TABLE mediaward.restriction_proposal (
    epoch bigint PRIMARY KEY,
    person text NOT NULL,
    at bigint NOT NULL,
    reason text
  );
  CREATE TABLE mediaward.restriction_once (
    key text COLLATE "C" PRIMARY KEY,
    epochs text NOT NULL,
    ends bigint NOT NULL
  );
  CREATE INDEX restriction_once_ends ON mediaward.restriction_once (ends)`,
  WATCH_TABLES,
]

/**
 * Creates the tables, or those that a later version added. Does nothing if they are there, and then needs no right to
 * create any.
 *
 * @throws StorageFault if the tables are of a later version
 */
export async function prepareSchema(sql: Sql): Promise<void> {
  if ((await versionIn(sql)) === STEPS.length) return
  await sql.begin(async transaction => {
    await transaction.unsafe(`SELECT pg_advisory_xact_lock(${LOCKS.schema})`)
    const version = await versionIn(transaction)
    // Another process was faster.
    if (version === STEPS.length) return
    if (version > STEPS.length) {
      throw new StorageFault(
        'the tables in PostgreSQL are of a later version of mediaward: run that version here, too',
      )
    }
    if (version === 0) {
      await transaction.unsafe(
        `CREATE SCHEMA IF NOT EXISTS mediaward;
        CREATE TABLE mediaward.version (number integer NOT NULL);
        INSERT INTO mediaward.version VALUES (0)`,
      )
    }
    for (const step of STEPS.slice(version)) await transaction.unsafe(step)
    await transaction.unsafe('UPDATE mediaward.version SET number = $1', [STEPS.length])
    logToOperator(`the tables in PostgreSQL are now of version ${STEPS.length}`)
  })
}

/** Returns how many steps were done. */
async function versionIn(sql: Pick<Sql, 'unsafe'>): Promise<number> {
  // Not `to_regclass`: after a wait for the lock it may remember that the table was not there.
  const found = await sql.unsafe(
    "SELECT FROM pg_tables WHERE schemaname = 'mediaward' AND tablename = 'version'",
  )
  if (found.length === 0) return 0
  const [row] = await sql.unsafe('SELECT number FROM mediaward.version')
  return Number(row?.number)
}
