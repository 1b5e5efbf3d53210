import { MAX_CHANGES, PROPOSAL } from '../../../control/control.ts'

// The statements of the restrictions.

/** What tells a change from another one that has the same epoch on another server. */
const MARK = "left(encode(sha256(convert_to(change || about, 'UTF8')), 'hex'), 16)"

/**
 * Adds restrictions, all or none. To be run under the lock, on the table `given`. What has ended is removed in the order of its end:
 * so the index is used, also before PostgreSQL has counted the rows.
 */
export const ADD = `
  ended AS (
    DELETE FROM mediaward.restriction WHERE epoch = ANY (ARRAY(
      SELECT epoch FROM mediaward.restriction WHERE ends <= (SELECT (json ->> 'ended')::bigint FROM given)
        AND epoch < (SELECT epoch FROM mediaward.control) ORDER BY ends LIMIT 1000
    ))
  ), forgotten AS (
    DELETE FROM mediaward.restriction_proposal AS proposal
    WHERE NOT EXISTS (SELECT FROM mediaward.restriction WHERE restriction.epoch = proposal.epoch)
  ), expired AS (
    DELETE FROM mediaward.restriction_once WHERE key = ANY (ARRAY(
      SELECT key FROM mediaward.restriction_once WHERE ends <= (SELECT (json ->> 'ended')::bigint FROM given) ORDER BY ends LIMIT 1000
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

/** Undoes one or proposes it. To be run under the lock, on the table `given`. */
export const UNDO: string = `
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

/** Lists the lockdowns in force at a time. */
export const LIST: string = `
  SELECT epoch, change, about, made, proposal.person, proposal.at::bigint, proposal.reason
  FROM mediaward.restriction
    LEFT JOIN mediaward.restriction_reason USING (epoch)
    LEFT JOIN (SELECT * FROM mediaward.restriction_proposal WHERE at > $1::bigint - ${PROPOSAL}) AS proposal USING (epoch)
  WHERE is_listed AND restriction.undone IS NULL AND (ends IS NULL OR ends > $1::bigint) ORDER BY epoch`

/** The last epoch, with the mark of its change. */
export const LAST: string = `
  SELECT epoch, (
    SELECT ${MARK} FROM mediaward.restriction WHERE restriction.epoch = control.epoch
  ) AS mark FROM mediaward.control`

/** The changes after an epoch that a reader knows by a mark, or by none (''), at a time. */
export const CHANGES: string = `
  WITH last AS MATERIALIZED (${LAST}), read AS MATERIALIZED (
    SELECT epoch AS last, mark AS last_mark,
      epoch < $1::bigint OR $1::bigint > 0 AND $3::text <> '' AND NOT EXISTS (
        SELECT FROM mediaward.restriction WHERE restriction.epoch = $1::bigint AND ${MARK} = $3::text
      ) AS is_lost
    FROM last
  ), start AS MATERIALIZED (SELECT *, CASE WHEN is_lost THEN 0 ELSE $1::bigint END AS after FROM read)
  SELECT last, last_mark, is_lost, epoch, change, mark FROM start LEFT JOIN LATERAL (
    SELECT epoch, change, ${MARK} AS mark FROM mediaward.restriction
    WHERE epoch > after AND epoch <= last AND undone IS NULL AND (ends IS NULL OR ends > $2::bigint)
      AND (undoes IS NULL OR undoes <= after)
    ORDER BY epoch LIMIT ${MAX_CHANGES + 1}
  ) AS change ON true`
