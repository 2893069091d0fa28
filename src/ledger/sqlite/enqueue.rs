//! Writing tokens into the queue.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Row, params};

use super::{row_mac, rows, trail};
use crate::ledger::audit::{Digest, Event};
use crate::ledger::decision::{Decision, is_unopened};
use crate::ledger::entry::{Enqueued, Entry, sorted_chunk};
use crate::revocation::State;

/// How many sorted chunks a transaction takes: enough that the pages of the index are written a few times rather than once
/// per chunk, few enough that other processes wait a second or two at the most.
const CHUNKS_PER_TRANSACTION: usize = 5;

/// The token's row, or a damaged one whose hash begins in the same way: that is the token's, for no two hashes do.
const FIND: &str = "SELECT id, state, sha256 = ?3 AS exact,
        EXISTS (SELECT 1 FROM damaged_token AS d WHERE d.id = token.id) AS damaged,
        EXISTS (SELECT 1 FROM sealed WHERE sealed.token = token.id),
        CASE state WHEN 'queued' THEN (SELECT consent FROM decision WHERE decision.id = token.decision) END
    FROM token WHERE host = ?1 AND sha256_prefix = ?2 AND (exact OR damaged)";
/// Before `UPDATE`, where the row was damaged: what `UPDATE` leaves as it was.
const WRITE_ANEW: &str =
    "UPDATE token SET kind = ?2, location = ?3, created_at = ?4, batch = NULL WHERE id = ?1";
/// With its check, which a trigger would compute in a second write of the row: its values are those of all columns in their
/// order, the last three being what the schema gives a new token.
const INSERT: &str = "INSERT INTO token
    (id, host, sha256, sha256_prefix, kind, confidence, rank, location, state, created_at, at, decision, mac)
    VALUES (?11, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10,
        row_mac('token', ?11, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10, NULL, 0, 0))";
const NEXT_ID: &str = "SELECT ifnull(max(id), 0) + 1 FROM token";
const UPDATE: &str = "UPDATE token SET state = ?2, at = ?3, confidence = ?4, rank = ?5, bisect_group = 0, failed_in = 0, decision = ?6, kind = iif(?2 = 'queued', ?7, kind) WHERE id = ?1";
const FIND_DECISION: &str = "SELECT id FROM decision
    WHERE by = ?1 AND run = ?2 AND consent = ?3 AND min_confidence = ?4 AND allow_own = ?5";
const INSERT_DECISION: &str =
    "INSERT INTO decision (by, run, consent, min_confidence, allow_own, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const INSERT_SEALED: &str = "INSERT OR REPLACE INTO sealed (token, bytes) VALUES (?1, ?2)";

/// Writes what one transaction takes of the entries, with one record in the trail.
pub(super) fn enqueue_some(
    db: &Connection,
    host_name: &str,
    decision: &Decision,
    entries: &mut dyn Iterator<Item = Entry>,
    at: Timestamp,
) -> rusqlite::Result<Enqueued> {
    let mut inserter = Inserter::new(db, rows::ensure_host(db, host_name)?, rows::millis(at), decision)?;
    let mut enqueued = Enqueued::default();
    let mut kinds: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut digest = Digest::default();
    for _ in 0..CHUNKS_PER_TRANSACTION {
        for entry in sorted_chunk(entries) {
            match inserter.put(&entry)? {
                Some((state, new, replaced)) => {
                    enqueued.count(state, new);
                    if new && state == State::Queued {
                        *kinds.entry(entry.kind.rule_id()).or_default() += 1;
                    }
                    if new || replaced {
                        digest.add(&entry.fingerprint);
                    }
                }
                None => enqueued.damaged += 1,
            }
        }
    }
    // A scan that finds what was found before leaves nothing behind.
    if digest.count() == 0 {
        return Ok(enqueued);
    }
    let (digest, tokens) = digest.finish();
    let decision = decision.clone();
    let event =
        Event::Enqueue { host: host_name.into(), decision, counts: enqueued.counts(), kinds, digest, tokens };
    trail::append(db, &event, at)?;
    rows::erase(db, &inserter.forgotten, None, at)?;
    Ok(enqueued)
}

/// The decision's id. A queue that is written in several transactions has one decision.
pub(super) fn record_decision(db: &Connection, decision: &Decision, at: i64) -> rusqlite::Result<i64> {
    let Decision { by, run, consent, min_confidence, allow_own } = decision;
    let bounds = params![by, run, consent, min_confidence.as_str(), allow_own];
    if let Some(id) = db.prepare_cached(FIND_DECISION)?.query_row(bounds, |row| row.get(0)).optional()? {
        return Ok(id);
    }
    db.prepare_cached(INSERT_DECISION)?.execute(params![
        by,
        run,
        consent,
        min_confidence.as_str(),
        allow_own,
        at
    ])?;
    Ok(db.last_insert_rowid())
}

/// What is known of a token.
struct Known {
    id: i64,
    /// None where it cannot be known.
    state: Option<State>,
    damaged: bool,
    /// Whether it waits with a text that nobody has opened.
    is_unopened: bool,
}

impl Known {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (id, exact, damaged, text): (_, bool, bool, bool) =
            (row.get(0)?, row.get(2)?, row.get(3)?, row.get(4)?);
        let state = match (damaged, text && exact) {
            // Borrowed from the row: a million known tokens need no million strings.
            (false, _) => Some(State::from_word(row.get_ref(1)?.as_str()?).unwrap_or(State::Refused)),
            // It was not accepted, or its text would have been erased.
            (true, true) => Some(State::Held),
            (true, false) => None,
        };
        let is_unopened = row.get_ref(5)?.as_str_or_null()?.is_some_and(is_unopened);
        Ok(Known { id, state, damaged, is_unopened })
    }
}

/// The statements that write a token, prepared once for a million of them.
struct Inserter<'db> {
    db: &'db Connection,
    host: i64,
    at: i64,
    decision: &'db Decision,
    /// The decision's id, once a token was queued under it.
    decision_id: Option<i64>,
    /// Of the next new token.
    next_id: i64,
    find: CachedStatement<'db>,
    insert: CachedStatement<'db>,
    update: CachedStatement<'db>,
    insert_sealed: CachedStatement<'db>,
    /// Tokens that were set aside with their text kept, and are now in a state that keeps none.
    forgotten: Vec<i64>,
}

impl<'db> Inserter<'db> {
    fn new(db: &'db Connection, host: i64, at: i64, decision: &'db Decision) -> rusqlite::Result<Self> {
        Ok(Inserter {
            db,
            host,
            at,
            decision,
            decision_id: None,
            next_id: db.query_row(NEXT_ID, [], |row| row.get(0))?,
            find: db.prepare_cached(FIND)?,
            insert: db.prepare_cached(INSERT)?,
            update: db.prepare_cached(UPDATE)?,
            insert_sealed: db.prepare_cached(INSERT_SEALED)?,
            forgotten: Vec::new(),
        })
    }

    /// Writes one token; returns the state it has then, whether this call changed it, and whether only its text; none where the
    /// row is damaged, and the token may have been accepted.
    fn put(&mut self, entry: &Entry) -> rusqlite::Result<Option<(State, bool, bool)>> {
        let Inserter { host, at, .. } = *self;
        let (sha256, prefix) = (entry.fingerprint.0, rows::prefix_of(&entry.fingerprint));
        let known = self.find.query_row(params![host, prefix, sha256], Known::from_row).optional()?;
        let (kind, new_state, confidence) =
            (entry.kind.rule_id(), entry.state.as_str(), entry.confidence.as_str());
        let Some(Known { id, state, damaged, is_unopened }) = known else {
            let (id, rank, decision) = (self.next_id, entry.rank(), self.decision_id()?);
            self.next_id += 1;
            self.insert.execute(params![
                host,
                sha256,
                prefix,
                kind,
                confidence,
                rank,
                entry.location,
                new_state,
                at,
                decision,
                id
            ])?;
            return self.put_sealed(id, entry).map(|()| Some((entry.state, true, false)));
        };
        let Some(state) = state else { return Ok(None) };
        // A token that waits stays queued, whatever this run would have done with it: a token once queued is sent.
        let replaces =
            is_unopened && !damaged && entry.state == State::Queued && !self.decision.is_unopened();
        if !replaces && (state.pending() || state == entry.state || !state.may_become(entry.state)) {
            return Ok(Some((state, false, false)));
        }
        if damaged {
            self.db.prepare_cached(WRITE_ANEW)?.execute(params![id, kind, entry.location, at])?;
        }
        let decision = self.decision_id()?;
        self.update.execute(params![id, new_state, at, confidence, entry.rank(), decision, kind])?;
        if !entry.state.keeps_text() {
            self.forgotten.push(id);
        }
        if damaged {
            row_mac::restamp_row(self.db, "token", id)?;
        }
        self.put_sealed(id, entry).map(|()| Some((entry.state, !replaces, replaces)))
    }

    fn decision_id(&mut self) -> rusqlite::Result<i64> {
        match self.decision_id {
            Some(id) => Ok(id),
            None => Ok(*self.decision_id.insert(record_decision(self.db, self.decision, self.at)?)),
        }
    }

    fn put_sealed(&mut self, id: i64, entry: &Entry) -> rusqlite::Result<()> {
        if entry.state == State::Queued {
            self.insert_sealed.execute(params![id, entry.sealed])?;
        }
        Ok(())
    }
}
