-- Schema 1 of the ledger. Times are milliseconds since 1970, by the wall clock. States, kinds and confidences are the
-- words of the reports, so that the file can be read with any SQLite client.

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;                       -- key_check: tells the right key file; head: the last audit record

CREATE TABLE host (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);

-- A token and its state, per host. Rows are never deleted: this is how a token is never sent twice.
CREATE TABLE token (
  id         INTEGER PRIMARY KEY,
  host       INTEGER NOT NULL,
  sha256     BLOB    NOT NULL,
  head       INTEGER NOT NULL,         -- its first eight bytes, big-endian: what it is looked up by
  kind       TEXT    NOT NULL,
  confidence TEXT    NOT NULL,
  rank       INTEGER NOT NULL,         -- order of sending, smallest first
  place      TEXT    NOT NULL,         -- where it was first found
  state      TEXT    NOT NULL,
  seen       INTEGER NOT NULL,         -- first written down
  at         INTEGER NOT NULL,         -- came to its state
  batch      INTEGER,                  -- in flight with this batch
  suspect    INTEGER NOT NULL DEFAULT 0 -- the half of an invalid batch it belongs to
);
-- Eight bytes of each fingerprint rather than 32: the index of a million tokens is written in no order, and has to fit
-- into memory for that. Whoever looks a token up compares the rest; writers do so one at a time.
CREATE INDEX token_identity ON token (host, head);
-- For counting. What is queued is counted by the queue itself, and need not be written into a second index.
CREATE INDEX token_state ON token (host, state) WHERE state != 'queued';
CREATE INDEX token_due ON token (host, suspect, rank, id) WHERE batch IS NULL AND state IN ('queued', 'sent');
CREATE INDEX token_flight ON token (batch) WHERE batch IS NOT NULL;

-- The sealed token, for as long as it must still be sent. Apart from its row, so that erasing it leaves no trace in it.
CREATE TABLE sealed (
  token INTEGER PRIMARY KEY,
  bytes BLOB NOT NULL
);

-- Halves of invalid batches. Two halves of the same batch are siblings until one of them is found to be invalid itself.
CREATE TABLE suspicion (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  sibling INTEGER
);

-- Whose requests are counted together, and what the server asked of them.
CREATE TABLE quota (
  id               INTEGER PRIMARY KEY,
  host             INTEGER NOT NULL REFERENCES host,
  identity         TEXT    NOT NULL,
  last             INTEGER NOT NULL DEFAULT 0,  -- when the last request left
  hold_since       INTEGER NOT NULL DEFAULT 0,
  hold_until       INTEGER NOT NULL DEFAULT 0,  -- not before
  strikes          INTEGER NOT NULL DEFAULT 0,  -- how often in a row the server asked for patience
  server_since     INTEGER NOT NULL DEFAULT 0,
  server_until     INTEGER NOT NULL DEFAULT 0,
  server_remaining INTEGER,
  server_limit     INTEGER,
  UNIQUE (host, identity)
);

-- A request. Written before it leaves: with `charged` set it is a slot of its quota, whatever became of it.
CREATE TABLE batch (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  quota      INTEGER NOT NULL REFERENCES quota,
  charged    INTEGER NOT NULL,
  owner      TEXT    NOT NULL,         -- the process whose lock file says that it lives
  suspect    INTEGER NOT NULL,
  at         INTEGER NOT NULL,         -- left
  lease      INTEGER NOT NULL,         -- taken for abandoned after this
  slot_at    INTEGER NOT NULL,         -- see quota.rs: the two stamps of a slot
  slot_again INTEGER NOT NULL,
  verdict    TEXT    NOT NULL DEFAULT 'open', -- or 'lost', or the answer's
  over       INTEGER,
  status     INTEGER,
  request_id TEXT
);
CREATE INDEX batch_slots ON batch (quota, id) WHERE charged;
CREATE INDEX batch_open ON batch (quota) WHERE verdict = 'open';

CREATE TABLE attempt (
  token INTEGER NOT NULL REFERENCES token,
  batch INTEGER NOT NULL REFERENCES batch,
  PRIMARY KEY (token, batch)
) WITHOUT ROWID;
CREATE INDEX attempt_batch ON attempt (batch);

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
