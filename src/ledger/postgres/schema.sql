-- Schema 1 of a ledger in PostgreSQL, 14 or newer. Times are milliseconds since 1970, by the server's clock. States, kinds and
-- confidences are stored under their names in reports, so that any client can read them.

CREATE SCHEMA stanch;

CREATE TABLE stanch.meta (
  name  text PRIMARY KEY,
  value text NOT NULL                  -- schema: its number; ledger_id: random, in hex; instance: see instance.rs
);

-- The public keys that tokens are sealed to; the private halves are nowhere here.
CREATE TABLE stanch.key (
  id         bytea PRIMARY KEY,
  public     text   NOT NULL,
  added_at   bigint NOT NULL,
  retired_at bigint                    -- NULL for the one that is sealed to now
);
CREATE UNIQUE INDEX key_current ON stanch.key ((retired_at IS NULL)) WHERE retired_at IS NULL;

CREATE TABLE stanch.host (
  id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE
);

-- Who decided that tokens may be sent, when and within which bounds.
CREATE TABLE stanch.decision (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at             bigint  NOT NULL,
  by             text    NOT NULL,     -- user@host
  run            text    NOT NULL,
  consent        text    NOT NULL,     -- how the user agreed
  min_confidence text    NOT NULL,
  allow_own      boolean NOT NULL,
  UNIQUE (run, by, consent, min_confidence, allow_own)
);

-- A token and its state, per host, which is the base of its API. Rows are never deleted: this is how a token is never sent twice.
CREATE TABLE stanch.token (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- No foreign keys: rows of hosts and decisions are never deleted, and to look both up again is half the cost of a token.
  host         bigint   NOT NULL,
  created_at   bigint   NOT NULL,      -- when it was first written down
  at           bigint   NOT NULL,      -- when it came to its state
  decision     bigint,                 -- under which it was queued last
  batch        bigint,                 -- in flight with this batch
  bisect_group bigint   NOT NULL DEFAULT 0, -- the half of a batch that is bisected it belongs to; 0 if none
  failed_in    bigint   NOT NULL DEFAULT 0, -- the last batch it was in on which the server failed; 0 if none
  rank         smallint NOT NULL,      -- order of sending, smallest first
  sha256       bytea    NOT NULL,
  kind         text     NOT NULL,
  confidence   text     NOT NULL,
  state        text     NOT NULL,
  location     text     NOT NULL,      -- where it was first found
  sealed       bytea,                  -- the token, sealed, for as long as it may still be sent
  has_text     boolean  GENERATED ALWAYS AS (sealed IS NOT NULL) STORED -- for those who may not see it
) WITH (fillfactor = 70);
-- The hash first: a server that has not counted the rows yet would take the host alone, and read all of them.
CREATE UNIQUE INDEX token_sha256 ON stanch.token (sha256, host);
CREATE INDEX token_state ON stanch.token (host, state) WHERE state <> 'queued';
CREATE INDEX token_due ON stanch.token (host, bisect_group, failed_in, rank, id)
  WHERE batch IS NULL AND state IN ('queued', 'sent');
CREATE INDEX token_in_flight ON stanch.token (batch) WHERE batch IS NOT NULL;

-- What living tokens told when they were asked: nobody can ask them after their revocation.
CREATE TABLE stanch.grants (
  token      bigint PRIMARY KEY REFERENCES stanch.token,
  scopes     text,                     -- separated by blanks; NULL where the provider names none
  expires_at bigint,
  told_at    bigint NOT NULL
);

-- Halves of batches that were invalid or failed. Two halves of the same batch are siblings until one of them is itself found
-- to be so.
CREATE TABLE stanch.bisect_group (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sibling bigint
);

-- Whose requests are counted together, and what the server asked of them. Locked before anything is decided about a request.
CREATE TABLE stanch.quota (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  host             bigint NOT NULL REFERENCES stanch.host,
  identity         text   NOT NULL,
  -- Moments are written down twice, see quota/moment.rs: by the clock then, and as it was seen to be set back since.
  last_at          bigint NOT NULL DEFAULT 0,  -- when the last request left; 0 before the first
  last_adjusted    bigint NOT NULL DEFAULT 0,
  hold_at          bigint NOT NULL DEFAULT 0,  -- since when no request may leave
  hold_adjusted    bigint NOT NULL DEFAULT 0,
  hold_length      bigint NOT NULL DEFAULT 0,
  strikes          bigint NOT NULL DEFAULT 0,  -- how many responses in a row asked to slow down
  server_at        bigint NOT NULL DEFAULT 0,  -- since when the server counts as follows
  server_adjusted  bigint NOT NULL DEFAULT 0,
  server_length    bigint NOT NULL DEFAULT 0,
  server_remaining bigint,
  server_limit     bigint,
  accepted         bigint NOT NULL DEFAULT 0,  -- the last batch that was accepted; 0 before the first
  body_limit       bigint,                     -- the most tokens a request may carry, once one was too long
  body_taken       bigint NOT NULL DEFAULT 0,  -- the most that were taken since
  UNIQUE (host, identity)
);

-- A request. Written before it leaves: with `charged` set it is a slot of its quota, whatever became of it. The verdict is the
-- epoch of its lease: it is `open` for as long as its owner may settle it.
CREATE TABLE stanch.batch (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  quota         bigint  NOT NULL REFERENCES stanch.quota,
  charged       boolean NOT NULL,
  call          text    NOT NULL,      -- what it does, as the trail names it
  owner         text    NOT NULL,
  bisect_group  bigint  NOT NULL,
  at            bigint  NOT NULL,      -- when it left
  lease         bigint  NOT NULL,      -- when it counts as abandoned
  slot_at       bigint  NOT NULL,      -- the moment from which its slot counts
  slot_adjusted bigint  NOT NULL,
  verdict       text    NOT NULL DEFAULT 'open', -- or 'lost', or the class of the response
  closed_at     bigint,                -- when it was settled or lost
  status        integer,
  request_id    text,
  decided       boolean NOT NULL DEFAULT false, -- the answer was the end of its tokens' way, or a step to it
  retry         boolean NOT NULL DEFAULT false, -- all its tokens were sent before, and nothing was decided
  told          boolean NOT NULL DEFAULT true,  -- the trail has a record of its leaving
  unused        boolean NOT NULL DEFAULT false  -- no attempt names it any more
);
CREATE INDEX batch_slots ON stanch.batch (quota, id) WHERE charged;
CREATE INDEX batch_open ON stanch.batch (quota) WHERE verdict = 'open';
CREATE INDEX batch_unused ON stanch.batch (quota, id) WHERE unused;

-- Of the requests in vain a token was in, the first and the last, which stands for those in between.
CREATE TABLE stanch.attempt (
  token bigint NOT NULL,
  batch bigint NOT NULL,
  tries bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (token, batch)
);
CREATE INDEX attempt_batch ON stanch.attempt (batch);

-- Requests that repeated others in vain, since something was decided last: how many the trail tells one by one, and those
-- that it tells together.
CREATE TABLE stanch.retries (
  quota    bigint NOT NULL REFERENCES stanch.quota,
  verdict  text   NOT NULL,            -- what they came to
  status   integer NOT NULL,           -- 0 if there was none
  told     bigint NOT NULL,
  requests bigint NOT NULL,            -- how many are still to be told
  first    bigint NOT NULL,            -- the batches of the first and the last of these, and when they came to nothing
  last     bigint NOT NULL,
  since    bigint NOT NULL,
  until    bigint NOT NULL,
  PRIMARY KEY (quota, verdict, status)
);

-- Who writes: each handle has a row and a chain of its own in the trail, so that none waits for another.
CREATE TABLE stanch.writer (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name     text   NOT NULL UNIQUE,
  role     name   NOT NULL DEFAULT session_user, -- who logged in to make it
  op       bigint NOT NULL DEFAULT 0,  -- the last transaction that changed something: tells whether an unanswered commit happened
  seq      bigint NOT NULL DEFAULT 0,  -- the last record of its chain
  hash     text   NOT NULL DEFAULT '0000000000000000000000000000000000000000000000000000000000000000',
  anchored bigint NOT NULL DEFAULT 0   -- up to which record another chain holds its hash
);
CREATE INDEX writer_unanchored ON stanch.writer (id) WHERE seq > anchored;

-- The audit trail: JSON lines, each with the hash of the one before in its chain.
CREATE TABLE stanch.audit (
  writer bigint NOT NULL REFERENCES stanch.writer,
  seq    bigint NOT NULL,
  line   text   NOT NULL,
  PRIMARY KEY (writer, seq)
);

CREATE FUNCTION stanch.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON stanch.audit
  FOR EACH ROW EXECUTE FUNCTION stanch.refuse();
CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON stanch.audit
  FOR EACH STATEMENT EXECUTE FUNCTION stanch.refuse();

-- What a role that may only queue must not do: take a token out of the queue, say that it was accepted, put another text or
-- another rank to one that waits, or write in the chain of another role. Who may send is not asked.
CREATE FUNCTION stanch.check_token() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.state NOT IN ('held', 'own', 'unsupported', 'withdrawn', 'dead', 'refused')
        -- A text that nobody has opened makes way for one that somebody has.
        AND NOT (OLD.state = 'queued' AND OLD.batch IS NULL AND EXISTS (
          SELECT 1 FROM stanch.decision WHERE id = OLD.decision AND consent = 'intake, unopened'))
     OR NEW.state NOT IN ('queued', 'held', 'own', 'unsupported')
        AND (TG_OP = 'INSERT' OR NEW.state IS DISTINCT FROM OLD.state)
     OR NEW.batch IS NOT NULL THEN
    RAISE EXCEPTION 'a role that only queues may not do this to a token'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER token_is_checked BEFORE UPDATE ON stanch.token
  FOR EACH ROW WHEN (NOT has_table_privilege('stanch.batch', 'INSERT')) EXECUTE FUNCTION stanch.check_token();
CREATE TRIGGER new_token_is_checked BEFORE INSERT ON stanch.token
  FOR EACH ROW WHEN (NEW.state <> 'queued' AND NOT has_table_privilege('stanch.batch', 'INSERT'))
  EXECUTE FUNCTION stanch.check_token();

CREATE FUNCTION stanch.check_writer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.role <> session_user
     OR TG_OP = 'UPDATE' AND (OLD.role <> session_user OR NEW.name <> OLD.name OR NEW.seq < OLD.seq) THEN
    RAISE EXCEPTION 'the chain of another role' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER writer_is_checked BEFORE INSERT OR UPDATE ON stanch.writer
  FOR EACH ROW WHEN (NOT has_table_privilege('stanch.batch', 'INSERT')) EXECUTE FUNCTION stanch.check_writer();

CREATE FUNCTION stanch.check_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM stanch.writer WHERE id = NEW.writer AND role = session_user)
     OR NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM stanch.audit WHERE writer = NEW.writer) THEN
    RAISE EXCEPTION 'the chain of another role, or a record out of its turn'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER record_is_checked BEFORE INSERT ON stanch.audit
  FOR EACH ROW WHEN (NOT has_table_privilege('stanch.batch', 'INSERT')) EXECUTE FUNCTION stanch.check_record();

-- Roles, where whoever runs this may make them; docs/fleet.md has the same for those who may not.
DO $$
DECLARE role text;
BEGIN
  FOREACH role IN ARRAY ARRAY['stanch_read', 'stanch_enqueue', 'stanch_drain'] LOOP
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role) THEN
      IF NOT (SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RETURN;
      END IF;
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', role);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
      END;
    END IF;
  END LOOP;
  GRANT USAGE ON SCHEMA stanch TO stanch_read, stanch_enqueue, stanch_drain;
  GRANT SELECT ON ALL TABLES IN SCHEMA stanch TO stanch_drain;
  GRANT SELECT ON stanch.meta, stanch.key, stanch.host, stanch.decision, stanch.grants, stanch.quota, stanch.batch,
    stanch.attempt, stanch.retries, stanch.writer, stanch.audit, stanch.bisect_group TO stanch_read, stanch_enqueue;
  -- Not the sealed texts.
  GRANT SELECT (id, host, created_at, at, decision, batch, bisect_group, failed_in, rank, sha256, kind, confidence, state,
    location, has_text) ON stanch.token TO stanch_read, stanch_enqueue;
  GRANT INSERT ON stanch.host, stanch.decision, stanch.token, stanch.writer, stanch.audit TO stanch_enqueue, stanch_drain;
  GRANT UPDATE ON stanch.writer TO stanch_enqueue, stanch_drain;
  GRANT UPDATE (state, at, kind, confidence, rank, bisect_group, failed_in, decision, sealed) ON stanch.token TO stanch_enqueue;
  GRANT UPDATE ON stanch.token, stanch.meta TO stanch_drain;
  GRANT INSERT, UPDATE, DELETE ON stanch.grants, stanch.bisect_group, stanch.quota, stanch.batch, stanch.attempt,
    stanch.retries TO stanch_drain;
  GRANT INSERT, UPDATE ON stanch.meta, stanch.key TO stanch_drain;
END $$;
