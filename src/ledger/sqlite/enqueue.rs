//! Writing tokens down.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};

use super::rows;
use crate::ledger::audit::{Digest, Event};
use crate::ledger::entry::{Enqueued, Entry, portion};
use crate::revocation::State;

/// How many portions a transaction takes: so many that the index is written out a few times rather than over and over,
/// so few that others wait a second or two at the most.
const PORTIONS: usize = 5;

const FIND: &str = "SELECT id, state FROM token WHERE host = ?1 AND head = ?2 AND sha256 = ?3";
const INSERT: &str = "INSERT INTO token (host, sha256, head, kind, confidence, rank, place, state, seen, at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)";
const CHANGE: &str =
    "UPDATE token SET state = ?2, at = ?3, confidence = ?4, rank = ?5, suspect = 0 WHERE id = ?1";
const KEEP: &str = "INSERT OR REPLACE INTO sealed (token, bytes) VALUES (?1, ?2)";

/// Takes up to [`PORTIONS`] of the entries, with one record in the trail.
pub(super) fn chunk(
    db: &Connection,
    host_name: &str,
    entries: &mut dyn Iterator<Item = Entry>,
    at: Timestamp,
) -> rusqlite::Result<Enqueued> {
    let mut pen = Inserter::new(db, rows::ensure_host(db, host_name)?, rows::millis(at))?;
    let mut tally = Enqueued::default();
    let mut kinds: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut digest = Digest::default();
    for _ in 0..PORTIONS {
        for entry in portion(entries) {
            let (state, new) = pen.put(&entry)?;
            tally.count(state, new);
            if new && state == State::Queued {
                *kinds.entry(entry.kind.rule_id()).or_default() += 1;
            }
            digest.add(&entry.fingerprint);
        }
    }
    let (digest, tokens) = digest.finish();
    let event = Event::Enqueue { host: host_name.into(), counts: tally.counts(), kinds, digest, tokens };
    rows::record(db, &event, at)?;
    Ok(tally)
}

/// The statements a million tokens are written with, looked up once.
struct Inserter<'db> {
    db: &'db Connection,
    host: i64,
    at: i64,
    find: CachedStatement<'db>,
    insert: CachedStatement<'db>,
    change: CachedStatement<'db>,
    keep: CachedStatement<'db>,
}

impl<'db> Inserter<'db> {
    fn new(db: &'db Connection, host: i64, at: i64) -> rusqlite::Result<Self> {
        Ok(Inserter {
            db,
            host,
            at,
            find: db.prepare_cached(FIND)?,
            insert: db.prepare_cached(INSERT)?,
            change: db.prepare_cached(CHANGE)?,
            keep: db.prepare_cached(KEEP)?,
        })
    }

    /// Writes one token down; returns the state it has then, and whether it came to it just now.
    fn put(&mut self, entry: &Entry) -> rusqlite::Result<(State, bool)> {
        let Inserter { host, at, .. } = *self;
        let (sha256, head) = (entry.fingerprint.0, rows::head_of(&entry.fingerprint));
        let known = (self.find)
            .query_row(params![host, head, sha256], |row| {
                // Read where it lies: a million known tokens need no million strings.
                let state = row.get_ref(1)?.as_str()?;
                Ok((row.get::<_, i64>(0)?, State::from_word(state).unwrap_or(State::Refused)))
            })
            .optional()?;
        let (kind, word, sure) = (entry.kind.rule_id(), entry.state.as_str(), entry.confidence.as_str());
        let Some((id, state)) = known else {
            let row = params![host, sha256, head, kind, sure, entry.rank(), entry.place, word, at];
            self.insert.execute(row)?;
            let id = self.db.last_insert_rowid();
            return self.seal(id, entry).map(|()| (entry.state, true));
        };
        // What waits goes on waiting, whatever this run would have done with it: a token once queued is sent.
        if !state.aside() || state == entry.state || !state.may_become(entry.state) {
            return Ok((state, false));
        }
        self.change.execute(params![id, word, at, sure, entry.rank()])?;
        self.seal(id, entry).map(|()| (entry.state, true))
    }

    fn seal(&mut self, id: i64, entry: &Entry) -> rusqlite::Result<()> {
        if entry.state == State::Queued {
            self.keep.execute(params![id, entry.sealed])?;
        }
        Ok(())
    }
}
