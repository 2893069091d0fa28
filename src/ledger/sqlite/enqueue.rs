//! Writing tokens down.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::rows;
use crate::ledger::audit::{Digest, Event};
use crate::ledger::entry::{Enqueued, Entry, State};

/// How many tokens a transaction takes: so many that the index is written once rather than over and over, so few that
/// others wait a second or two at the most.
pub(super) const CHUNK: usize = 250_000;

const INSERT: &str = "INSERT INTO token (host, sha256, kind, confidence, rank, place, state, seen, at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) ON CONFLICT (host, sha256) DO NOTHING";
const FIND: &str = "SELECT id, state FROM token WHERE host = ?1 AND sha256 = ?2";
const CHANGE: &str =
    "UPDATE token SET state = ?2, at = ?3, confidence = ?4, rank = ?5, suspect = 0 WHERE id = ?1";
const KEEP: &str = "INSERT OR REPLACE INTO sealed (token, bytes) VALUES (?1, ?2)";

/// Takes up to [`CHUNK`] entries, with one record in the trail.
pub(super) fn chunk(
    db: &Connection,
    host_name: &str,
    entries: &mut dyn Iterator<Item = Entry>,
    at: Timestamp,
) -> rusqlite::Result<Enqueued> {
    let host = rows::ensure_host(db, host_name)?;
    let mut tally = Enqueued::default();
    let mut kinds: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut digest = Digest::default();
    for entry in entries.take(CHUNK) {
        let (state, new) = put(db, host, &entry, rows::millis(at))?;
        tally.count(state, new);
        if new && state == State::Queued {
            *kinds.entry(entry.kind.rule_id()).or_default() += 1;
        }
        digest.add(&entry.fingerprint);
    }
    let (digest, tokens) = digest.finish();
    let event = Event::Enqueue { host: host_name.into(), counts: tally.counts(), kinds, digest, tokens };
    rows::record(db, &event, at)?;
    Ok(tally)
}

/// Writes one token down; returns the state it has then, and whether it came to it just now.
fn put(db: &Connection, host: i64, entry: &Entry, at: i64) -> rusqlite::Result<(State, bool)> {
    let inserted = db.prepare_cached(INSERT)?.execute(params![
        host,
        entry.fingerprint.0,
        entry.kind.rule_id(),
        entry.confidence.as_str(),
        entry.rank(),
        entry.place,
        entry.state.as_str(),
        at
    ])?;
    if inserted == 1 {
        return keep(db, db.last_insert_rowid(), entry).map(|()| (entry.state, true));
    }
    let known = db
        .prepare_cached(FIND)?
        .query_row(params![host, entry.fingerprint.0], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    let Some((id, state)) = known else { return Ok((entry.state, false)) };
    let state = State::from_word(&state).unwrap_or(State::Refused);
    // What waits goes on waiting, whatever this run would have done with it: a token once queued is sent.
    if state.aside() && state != entry.state && state.may_become(entry.state) {
        let (word, sure) = (entry.state.as_str(), entry.confidence.as_str());
        db.prepare_cached(CHANGE)?.execute(params![id, word, at, sure, entry.rank()])?;
        return keep(db, id, entry).map(|()| (entry.state, true));
    }
    Ok((state, false))
}

fn keep(db: &Connection, id: i64, entry: &Entry) -> rusqlite::Result<()> {
    if entry.state == State::Queued {
        db.prepare_cached(KEEP)?.execute(params![id, entry.sealed])?;
    }
    Ok(())
}
