//! Writing tokens into the queue, in statements over many of them.
//!
//! What is known is read first, without a lock. A token that another runner writes down in the same moment shows as a row that
//! could not be inserted, or that is not any more what it was: then the transaction begins anew, and finds it known.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::db::{Db, typed};
use super::error::{PgError, PgResult};
use super::rows;
use super::transaction::Tx;
use crate::ledger::audit::{Digest, Event};
use crate::ledger::decision::{Decision, is_unopened};
use crate::ledger::entry::{Enqueued, Entry};
use crate::revocation::State;
use crate::token::Fingerprint;

const FIND: &str = "SELECT sha256, id, state,
        CASE state WHEN 'queued' THEN (SELECT consent FROM stanch.decision WHERE decision.id = token.decision) END
    FROM stanch.token WHERE host = $1 AND sha256 = ANY($2)";
const INSERT: &str = "INSERT INTO stanch.token
        (host, sha256, kind, confidence, rank, location, state, created_at, at, decision, sealed)
    SELECT $1, sha256, kind, confidence, rank, location, state, $2, $2, $3, sealed
    FROM unnest($4::bytea[], $5::text[], $6::text[], $7::smallint[], $8::text[], $9::text[], $10::bytea[])
        AS new (sha256, kind, confidence, rank, location, state, sealed)
    ON CONFLICT (host, sha256) DO NOTHING";
/// Only from the state it was seen in. The kind is that of the text: what somebody else said of the token before may be wrong.
const QUEUE: &str =
    "UPDATE stanch.token SET state = new.state, at = $1, confidence = new.confidence, rank = new.rank,
        bisect_group = 0, failed_in = 0, decision = $2, kind = new.kind, sealed = new.sealed
    FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::smallint[], $8::text[], $9::bytea[])
        AS new (id, seen, state, confidence, rank, kind, sealed)
    WHERE token.id = new.id AND token.state = new.seen";
/// The same, which leaves a text as it is: who may only queue can neither see nor copy one.
const SET_ASIDE: &str =
    "UPDATE stanch.token SET state = new.state, at = $1, confidence = new.confidence, rank = new.rank,
        bisect_group = 0, failed_in = 0, decision = $2
    FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::smallint[])
        AS new (id, seen, state, confidence, rank)
    WHERE token.id = new.id AND token.state = new.seen";
/// Of tokens that go on without a text: which had one.
const ERASE: &str = "UPDATE stanch.token SET sealed = NULL WHERE id = ANY($1) AND has_text";

/// A token as this transaction leaves it.
#[derive(Clone, Copy)]
struct Known {
    /// None for one that it inserts.
    id: Option<i64>,
    /// The state it was found in, where it was known.
    seen: Option<State>,
    state: State,
    /// Whether these entries have changed it before.
    is_changed: bool,
    /// Whether it waits with a text that nobody has opened.
    is_unopened: bool,
}

/// What one transaction is to write.
#[derive(Default)]
struct Changes<'a> {
    inserts: Vec<&'a Entry>,
    updates: Vec<(i64, State, &'a Entry)>,
    /// Tokens that were set aside with their text kept, and are now in a state that keeps none.
    forgotten: Vec<i64>,
    /// Whether nobody has opened these either.
    is_unopened: bool,
}

/// Writes entries, sorted by their fingerprints so that two transactions never wait for each other in a circle, with one record
/// in the trail.
pub(super) fn enqueue(
    tx: &mut Tx<'_>,
    host_name: &str,
    decision: &Decision,
    entries: &[Entry],
) -> PgResult<Enqueued> {
    let host = rows::ensure_host(&mut tx.db, host_name)?;
    let mut known = known(&mut tx.db, host, entries)?;
    let mut changes = Changes { is_unopened: decision.is_unopened(), ..Changes::default() };
    let (mut enqueued, mut digest) = (Enqueued::default(), Digest::default());
    let mut kinds: BTreeMap<&'static str, u64> = BTreeMap::new();
    for entry in entries {
        let (state, new, replaced) = changes.put(&mut known, entry);
        enqueued.count(state, new);
        if new && state == State::Queued {
            *kinds.entry(entry.kind.rule_id()).or_default() += 1;
        }
        if new || replaced {
            digest.add(&entry.fingerprint);
        }
    }
    // A scan that finds what was found before leaves nothing behind.
    if digest.count() == 0 {
        return Ok(enqueued);
    }
    let (at, _) = tx.clock()?;
    let decision_id = record_decision(&mut tx.db, decision, at.as_millisecond())?;
    changes.write(&mut tx.db, (host, decision_id), at)?;
    let (digest, tokens) = digest.finish();
    let (host, decision, counts) = (host_name.to_owned(), decision.clone(), enqueued.counts());
    tx.append(&Event::Enqueue { host, decision, counts, kinds, digest, tokens }, at);
    if !changes.forgotten.is_empty() {
        let erased = tx.db.execute(ERASE, typed![changes.forgotten => INT8_ARRAY])?;
        if erased > 0 {
            tx.append(&Event::Erase { batch: None, tokens: erased }, at);
        }
    }
    Ok(enqueued)
}

fn known(db: &mut Db<'_>, host: i64, entries: &[Entry]) -> PgResult<HashMap<Fingerprint, Known>> {
    let hashes: Vec<&[u8]> = entries.iter().map(|entry| entry.fingerprint.0.as_slice()).collect();
    let found = db.rows(FIND, typed![host => INT8, hashes => BYTEA_ARRAY])?;
    let mut known = HashMap::with_capacity(entries.len());
    for row in &found {
        let state = State::from_word(row.try_get(2)?).unwrap_or(State::Refused);
        let (fingerprint, id) = (rows::fingerprint(row.try_get(0)?)?, Some(row.try_get(1)?));
        let is_unopened = row.try_get::<_, Option<&str>>(3)?.is_some_and(is_unopened);
        known.insert(fingerprint, Known { id, seen: Some(state), state, is_changed: false, is_unopened });
    }
    Ok(known)
}

impl<'a> Changes<'a> {
    /// Decides about one token; returns the state it has then, whether this call changed it, and whether only its text.
    fn put(&mut self, known: &mut HashMap<Fingerprint, Known>, entry: &'a Entry) -> (State, bool, bool) {
        let Some(found) = known.get_mut(&entry.fingerprint) else {
            let known_now =
                Known { id: None, seen: None, state: entry.state, is_changed: true, is_unopened: false };
            known.insert(entry.fingerprint, known_now);
            self.inserts.push(entry);
            return (entry.state, true, false);
        };
        if let (Some(id), true) =
            (found.id, found.is_unopened && !self.is_unopened && entry.state == State::Queued)
        {
            found.is_unopened = false;
            self.updates.push((id, State::Queued, entry));
            return (State::Queued, false, true);
        }
        // A token that waits stays queued, whatever this run would have done with it: a token once queued is sent.
        if found.state.pending() || found.state == entry.state || !found.state.may_become(entry.state) {
            return (found.state, false, false);
        }
        // Twice in these entries, first to be set aside and then to be queued: it is written once, as it ends.
        if found.is_changed {
            self.inserts.retain(|other| other.fingerprint != entry.fingerprint);
            self.updates.retain(|(.., other)| other.fingerprint != entry.fingerprint);
            self.forgotten.retain(|other| Some(*other) != found.id);
        }
        if let (Some(id), Some(seen)) = (found.id, found.seen) {
            self.updates.push((id, seen, entry));
            if !entry.state.keeps_text() {
                self.forgotten.push(id);
            }
        } else {
            self.inserts.push(entry);
        }
        found.is_changed = true;
        found.state = entry.state;
        (entry.state, true, false)
    }

    fn write(&self, db: &mut Db<'_>, (host, decision): (i64, i64), at: Timestamp) -> PgResult<()> {
        let at = at.as_millisecond();
        if !self.inserts.is_empty() {
            let written = insert(db, (host, decision, at), &self.inserts)?;
            if written < self.inserts.len() as u64 {
                return Err(PgError::Raced);
            }
        }
        if !self.updates.is_empty() && self.update(db, decision, at)? < self.updates.len() as u64 {
            return Err(PgError::Raced);
        }
        Ok(())
    }

    fn update(&self, db: &mut Db<'_>, decision: i64, at: i64) -> PgResult<u64> {
        let mut sorted: Vec<_> = self.updates.iter().collect();
        sorted.sort_by_key(|(id, ..)| *id);
        let ids: Vec<i64> = sorted.iter().map(|(id, ..)| *id).collect();
        // Locked in one order, so that no two transactions wait for each other.
        db.rows(
            "SELECT id FROM stanch.token WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
            typed![ids => INT8_ARRAY],
        )?;
        let (queued, aside): (Vec<&(i64, State, &Entry)>, Vec<_>) =
            sorted.into_iter().partition(|(.., entry)| entry.state == State::Queued);
        let mut written = 0;
        for (part, is_queued) in [(queued, true), (aside, false)] {
            if part.is_empty() {
                continue;
            }
            let ids: Vec<i64> = part.iter().map(|(id, ..)| *id).collect();
            let seen: Vec<&str> = part.iter().map(|(_, seen, _)| seen.as_str()).collect();
            let states: Vec<&str> = part.iter().map(|(.., entry)| entry.state.as_str()).collect();
            let confidences: Vec<&str> = part.iter().map(|(.., entry)| entry.confidence.as_str()).collect();
            let ranks: Vec<i16> = part.iter().map(|(.., entry)| i16::from(entry.rank())).collect();
            let kinds: Vec<&str> = part.iter().map(|(.., entry)| entry.kind.rule_id()).collect();
            let texts: Vec<&[u8]> = part.iter().map(|(.., entry)| entry.sealed.as_slice()).collect();
            let bounds = typed![
                at => INT8, decision => INT8, ids => INT8_ARRAY, seen => TEXT_ARRAY, states => TEXT_ARRAY,
                confidences => TEXT_ARRAY, ranks => INT2_ARRAY, kinds => TEXT_ARRAY, texts => BYTEA_ARRAY
            ];
            written +=
                if is_queued { db.execute(QUEUE, bounds)? } else { db.execute(SET_ASIDE, &bounds[..7])? };
        }
        Ok(written)
    }
}

fn insert(db: &mut Db<'_>, (host, decision, at): (i64, i64, i64), entries: &[&Entry]) -> PgResult<u64> {
    let hashes: Vec<&[u8]> = entries.iter().map(|entry| entry.fingerprint.0.as_slice()).collect();
    let kinds: Vec<&str> = entries.iter().map(|entry| entry.kind.rule_id()).collect();
    let confidences: Vec<&str> = entries.iter().map(|entry| entry.confidence.as_str()).collect();
    let ranks: Vec<i16> = entries.iter().map(|entry| i16::from(entry.rank())).collect();
    let locations: Vec<String> = entries.iter().map(|entry| text(&entry.location)).collect();
    let states: Vec<&str> = entries.iter().map(|entry| entry.state.as_str()).collect();
    let sealed: Vec<Option<&[u8]>> = entries.iter().map(|entry| sealed(entry)).collect();
    db.execute(
        INSERT,
        typed![
            host => INT8, at => INT8, decision => INT8, hashes => BYTEA_ARRAY, kinds => TEXT_ARRAY,
            confidences => TEXT_ARRAY, ranks => INT2_ARRAY, locations => TEXT_ARRAY, states => TEXT_ARRAY,
            sealed => BYTEA_ARRAY
        ],
    )
}

/// The sealed text of an entry, if it is to be kept.
fn sealed(entry: &Entry) -> Option<&[u8]> {
    (entry.state == State::Queued).then_some(entry.sealed.as_slice())
}

/// A text of the database holds no NUL.
pub(super) fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// The decision's id. A queue that is written in several transactions has one decision.
pub(super) fn record_decision(db: &mut Db<'_>, decision: &Decision, at: i64) -> PgResult<i64> {
    let Decision { by, run, consent, min_confidence, allow_own } = decision;
    let (by, confidence) = (text(by), min_confidence.as_str());
    let find = "SELECT id FROM stanch.decision
        WHERE run = $1 AND by = $2 AND consent = $3 AND min_confidence = $4 AND allow_own = $5";
    let bounds = typed![run => TEXT, by => TEXT, consent => TEXT, confidence => TEXT, allow_own => BOOL];
    if let Some(row) = db.row(find, bounds)? {
        return Ok(row.try_get(0)?);
    }
    db.execute(
        "INSERT INTO stanch.decision (run, by, consent, min_confidence, allow_own, at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING",
        typed![run => TEXT, by => TEXT, consent => TEXT, confidence => TEXT, allow_own => BOOL, at => INT8],
    )?;
    db.row(find, bounds)?.map_or(Err(PgError::Raced), |row| Ok(row.try_get(0)?))
}
