/**
 * The step of the schema that adds what rules remember and found.
 *
 * - `finding`: of each finding what lists need, and the rest as JSON. `finding_text`: what analysts said of a finding or a
 *   suppression, which can be erased. `suppression`. `canary`: the ids of canary recordings.
 * - `watch_window`: what rules remember of a group for longer than the log is replayed at a start.
 * - `watch`: a row that says how far the rules are: `next`, the index of the first record that they have not looked at, and
 *   `seq`, the number of the last record that the log has written itself. `version` rises with each change of all this.
 */
export const WATCH_TABLES = `CREATE TABLE mediaward.finding (
    id text COLLATE "C" PRIMARY KEY,
    is_closed boolean NOT NULL,
    last_seen bigint NOT NULL,
    json text NOT NULL
  );
  CREATE INDEX finding_unclosed ON mediaward.finding (id) WHERE NOT is_closed;
  CREATE INDEX finding_last_seen ON mediaward.finding (last_seen);
  CREATE TABLE mediaward.finding_text (
    id text COLLATE "C" PRIMARY KEY,
    about text COLLATE "C" NOT NULL,
    json text NOT NULL
  );
  CREATE INDEX finding_text_about ON mediaward.finding_text (about, id);
  CREATE TABLE mediaward.suppression (
    id text COLLATE "C" PRIMARY KEY,
    over bigint NOT NULL,
    json text NOT NULL
  );
  CREATE TABLE mediaward.canary (id text COLLATE "C" PRIMARY KEY);
  CREATE TABLE mediaward.watch_window (
    key text COLLATE "C" PRIMARY KEY,
    expires bigint NOT NULL,
    members text NOT NULL
  );
  CREATE INDEX watch_window_expires ON mediaward.watch_window (expires);
  CREATE TABLE mediaward.watch (version bigint NOT NULL, next bigint NOT NULL, seq bigint NOT NULL);
  INSERT INTO mediaward.watch SELECT 0, coalesce(max(index), -1) + 1, 0 FROM mediaward.event`
