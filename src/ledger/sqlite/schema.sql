-- Schema 1 of the ledger. Times are milliseconds since 1970, by the wall clock. States, kinds and confidences are stored
-- under their names in reports, so that the file can be read with any SQLite client. A column `mac` is a check over the rest of
-- its row, keyed with the key beside the ledger: see row_mac.rs.

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;                       -- ledger_id: random; key_id: of the right key file; mac: a check of both; head: the last audit record

CREATE TABLE host (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  mac  BLOB
);

-- Who decided that tokens may be sent, when and within which bounds.
CREATE TABLE decision (
  id             INTEGER PRIMARY KEY,
  at             INTEGER NOT NULL,
  by             TEXT    NOT NULL,     -- user@host
  run            TEXT    NOT NULL,
  consent        TEXT    NOT NULL,     -- how the user agreed
  min_confidence TEXT    NOT NULL,
  allow_own      INTEGER NOT NULL,
  mac            BLOB
);

-- A token and its state, per host, which is the base of its API. Rows are never deleted: this is how a token is never sent twice.
CREATE TABLE token (
  id            INTEGER PRIMARY KEY,
  host          INTEGER NOT NULL,
  sha256        BLOB    NOT NULL,
  sha256_prefix INTEGER NOT NULL,      -- its first eight bytes, big-endian: what the index is on
  kind          TEXT    NOT NULL,
  confidence    TEXT    NOT NULL,
  rank          INTEGER NOT NULL,      -- order of sending, smallest first
  location      TEXT    NOT NULL,      -- where it was first found
  state         TEXT    NOT NULL,
  created_at    INTEGER NOT NULL,      -- when it was first written down
  at            INTEGER NOT NULL,      -- when it came to its state
  decision      INTEGER REFERENCES decision, -- under which it was queued last
  batch         INTEGER,               -- in flight with this batch
  bisect_group  INTEGER NOT NULL DEFAULT 0, -- the half of a batch that is bisected it belongs to; 0 if none
  failed_in     INTEGER NOT NULL DEFAULT 0, -- the last batch it was in on which the server failed; 0 if none
  mac           BLOB
);
-- Eight bytes of each fingerprint rather than 32: the index of a million tokens is written in random order, and has to
-- fit into memory for that. A lookup compares the rest of the hash in the row, and writers check before they insert.
CREATE INDEX token_sha256 ON token (host, sha256_prefix);
-- Partial indexes (https://www.sqlite.org/partialindex.html). For counting: queued tokens are counted by the index of the
-- queue, and need not be written into a second one.
CREATE INDEX token_state ON token (host, state) WHERE state != 'queued';
CREATE INDEX token_due ON token (host, bisect_group, failed_in, rank, id) WHERE batch IS NULL AND state IN ('queued', 'sent');
-- What waits, by kind: every run asks for that first, and a million tokens are counted without a look at their rows.
CREATE INDEX token_waiting ON token (host, kind) WHERE state IN ('queued', 'sent');
CREATE INDEX token_in_flight ON token (batch) WHERE batch IS NOT NULL;

-- The sealed token, for as long as it must still be sent. Apart from its row, so that nothing of it is left there.
CREATE TABLE sealed (
  token INTEGER PRIMARY KEY,
  bytes BLOB NOT NULL
);

-- What living tokens told when they were asked: nobody can ask them after their revocation.
CREATE TABLE grants (
  token      INTEGER PRIMARY KEY REFERENCES token,
  scopes     TEXT,                     -- separated by blanks; NULL where the provider names none
  expires_at INTEGER,
  told_at    INTEGER NOT NULL
);

-- Halves of batches that were invalid or failed. Two halves of the same batch are siblings until one of them is itself found
-- to be so.
CREATE TABLE bisect_group (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  sibling INTEGER
);

-- Whose requests are counted together, and what the server asked of them.
CREATE TABLE quota (
  id               INTEGER PRIMARY KEY,
  host             INTEGER NOT NULL REFERENCES host,
  identity         TEXT    NOT NULL,
  -- Moments are written down by several clocks, see quota/moment.rs: the wall clock then and as it was seen to be set back since,
  -- and how long the machine had run since which start.
  last_at          INTEGER NOT NULL DEFAULT 0,  -- when the last request left; 0 before the first
  last_adjusted    INTEGER NOT NULL DEFAULT 0,
  last_boot        INTEGER,
  last_uptime      INTEGER,
  hold_at          INTEGER NOT NULL DEFAULT 0,  -- since when no request may leave
  hold_adjusted    INTEGER NOT NULL DEFAULT 0,
  hold_boot        INTEGER,
  hold_uptime      INTEGER,
  hold_length      INTEGER NOT NULL DEFAULT 0,
  strikes          INTEGER NOT NULL DEFAULT 0,  -- how many responses in a row asked to slow down
  server_at        INTEGER NOT NULL DEFAULT 0,  -- since when the server counts as follows
  server_adjusted  INTEGER NOT NULL DEFAULT 0,
  server_boot      INTEGER,
  server_uptime    INTEGER,
  server_length    INTEGER NOT NULL DEFAULT 0,
  server_remaining INTEGER,
  server_limit     INTEGER,
  accepted         INTEGER NOT NULL DEFAULT 0,  -- the last batch that was accepted; 0 before the first
  body_limit       INTEGER,                     -- the most tokens a request may carry, once one was too long
  body_taken       INTEGER NOT NULL DEFAULT 0,  -- the most that were taken since
  mac              BLOB,
  UNIQUE (host, identity)
);

-- A request. Written before it leaves: with `charged` set it is a slot of its quota, whatever became of it.
CREATE TABLE batch (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  quota        INTEGER NOT NULL REFERENCES quota,
  charged      INTEGER NOT NULL,
  call         TEXT    NOT NULL,       -- what it does, as the trail names it
  owner        TEXT    NOT NULL,       -- whose lock file shows whether the process lives
  bisect_group INTEGER NOT NULL,
  at           INTEGER NOT NULL,       -- when it left
  lease        INTEGER NOT NULL,       -- when it counts as abandoned
  slot_at       INTEGER NOT NULL,      -- the moment from which its slot counts
  slot_adjusted INTEGER NOT NULL,
  slot_boot     INTEGER,
  slot_uptime   INTEGER,
  verdict      TEXT    NOT NULL DEFAULT 'open', -- or 'lost', or the class of the response
  closed_at    INTEGER,                -- when it was settled or lost
  status       INTEGER,
  request_id   TEXT,
  decided      INTEGER NOT NULL DEFAULT 0, -- the answer was the end of its tokens' way, or a step to it
  retry        INTEGER NOT NULL DEFAULT 0, -- all its tokens were sent before, and nothing was decided
  told         INTEGER NOT NULL DEFAULT 1, -- the trail has a record of its leaving
  unused       INTEGER NOT NULL DEFAULT 0, -- no attempt names it any more
  mac          BLOB
);
CREATE INDEX batch_slots ON batch (quota, id) WHERE charged;
CREATE INDEX batch_open ON batch (quota) WHERE verdict = 'open';

CREATE INDEX batch_unused ON batch (quota, id) WHERE unused;

-- Of the requests in vain a token was in, the first and the last, which stands for those in between.
CREATE TABLE attempt (
  token INTEGER NOT NULL REFERENCES token,
  batch INTEGER NOT NULL REFERENCES batch,
  tries INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (token, batch)
) WITHOUT ROWID;
CREATE INDEX attempt_batch ON attempt (batch);

-- Requests that repeated others in vain, since something was decided last: how many the trail tells one by one, and those
-- that it tells together.
CREATE TABLE retries (
  quota    INTEGER NOT NULL REFERENCES quota,
  verdict  TEXT    NOT NULL,           -- what they came to
  status   INTEGER NOT NULL,           -- 0 if there was none
  told     INTEGER NOT NULL,
  requests INTEGER NOT NULL,           -- how many are still to be told
  first    INTEGER NOT NULL,           -- the batches of the first and the last of these, and when they came to nothing
  last     INTEGER NOT NULL,
  since    INTEGER NOT NULL,
  until    INTEGER NOT NULL,
  PRIMARY KEY (quota, verdict, status)
) WITHOUT ROWID;

-- The audit trail: JSON lines, each with the hash of the one before.
CREATE TABLE audit (
  seq  INTEGER PRIMARY KEY,
  line TEXT NOT NULL
);
CREATE TRIGGER audit_is_append_only_1 BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_is_append_only_2 BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_is_append_only_3 BEFORE INSERT ON audit
WHEN NEW.seq IS NOT (SELECT ifnull(max(seq), 0) + 1 FROM audit)
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
