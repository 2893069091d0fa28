//! What more than one transaction needs: hosts, quotas, the queue, erasing, the trail.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, params};

use crate::ledger::Page;
use crate::ledger::audit::{self, Event, Head};
use crate::ledger::bisect::{self, Group};
use crate::ledger::entry::SealedToken;
use crate::ledger::intent::moment;
use crate::ledger::quota::{Quota, SLOTS_KEPT, Server, Slot, Span};
use crate::rule;
use crate::token::{Fingerprint, Kind};

pub(super) const HEAD: &str = "SELECT CAST(substr(value, 66) AS INTEGER), substr(value, 1, 64)
    FROM meta WHERE name = 'head'";
const HOST: &str = "SELECT id FROM host WHERE name = ?1";
const QUOTA: &str =
    "SELECT id, last, hold_since, hold_until, strikes, server_since, server_until, server_remaining,
    server_limit FROM quota WHERE host = ?1 AND identity = ?2";
const SLOTS: &str = "SELECT id, slot_at, slot_again FROM batch WHERE quota = ?1 AND charged
    ORDER BY id DESC LIMIT ?2";
const SAVE_QUOTA: &str =
    "UPDATE quota SET last = ?2, hold_since = ?3, hold_until = ?4, strikes = ?5, server_since = ?6,
    server_until = ?7, server_remaining = ?8, server_limit = ?9 WHERE id = ?1";
const SAVE_SLOT: &str = "UPDATE batch SET slot_at = ?2, slot_again = ?3
    WHERE id = ?1 AND (slot_at != ?2 OR slot_again != ?3)";

pub(super) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// A count as SQLite takes it: what is more than it can count is all there is.
pub(super) fn number<N: TryInto<i64>>(count: N) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// What a fingerprint is looked up by.
pub(super) fn head_of(fingerprint: &Fingerprint) -> i64 {
    fingerprint.0.first_chunk().map_or(0, |head| i64::from_be_bytes(*head))
}

/// The host's id, if it was ever named.
pub(super) fn host(db: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached(HOST)?.query_row([name], |row| row.get(0)).optional()
}

/// The host's id, made if need be.
pub(super) fn ensure_host(db: &Connection, name: &str) -> rusqlite::Result<i64> {
    if let Some(id) = host(db, name)? {
        return Ok(id);
    }
    db.execute("INSERT INTO host (name) VALUES (?1)", [name])?;
    Ok(db.last_insert_rowid())
}

/// The quota of a host and identity, if anything was ever sent.
pub(super) fn quota(db: &Connection, host: i64, identity: &str) -> rusqlite::Result<Option<(i64, Quota)>> {
    let found = db.prepare_cached(QUOTA)?.query_row(params![host, identity], |row| {
        let quota = Quota {
            slots: Vec::new(),
            last: row.get(1)?,
            hold: Span { since: row.get(2)?, until: row.get(3)? },
            strikes: row.get(4)?,
            server: Server {
                span: Span { since: row.get(5)?, until: row.get(6)? },
                remaining: row.get(7)?,
                limit: row.get(8)?,
            },
        };
        Ok((row.get(0)?, quota))
    });
    let Some((id, mut quota)) = found.optional()? else { return Ok(None) };
    quota.slots = (db.prepare_cached(SLOTS)?)
        .query_map(params![id, number(SLOTS_KEPT)], |row| {
            Ok(Slot { batch: row.get(0)?, at: row.get(1)?, again: row.get(2)? })
        })?
        .collect::<Result<_, _>>()?;
    quota.slots.reverse();
    Ok(Some((id, quota)))
}

/// The quota of a host and identity, made if need be.
pub(super) fn ensure_quota(db: &Connection, host: i64, identity: &str) -> rusqlite::Result<(i64, Quota)> {
    if let Some(found) = quota(db, host, identity)? {
        return Ok(found);
    }
    db.execute("INSERT INTO quota (host, identity) VALUES (?1, ?2)", params![host, identity])?;
    Ok((db.last_insert_rowid(), Quota::default()))
}

pub(super) fn save_quota(db: &Connection, id: i64, quota: &Quota) -> rusqlite::Result<()> {
    let Quota { last, hold, strikes, server, .. } = quota;
    db.prepare_cached(SAVE_QUOTA)?.execute(params![
        id,
        last,
        hold.since,
        hold.until,
        strikes,
        server.span.since,
        server.span.until,
        server.remaining,
        server.limit
    ])?;
    let mut save = db.prepare_cached(SAVE_SLOT)?;
    for slot in &quota.slots {
        save.execute(params![slot.batch, slot.at, slot.again])?;
    }
    Ok(())
}

/// A list of kinds for an `IN`: words of our own, not of anybody who writes tokens.
pub(super) fn kind_list(kinds: &[Kind]) -> String {
    let words: Vec<String> = kinds.iter().map(|kind| format!("'{}'", kind.rule_id())).collect();
    words.join(", ")
}

/// The condition for a token that could be sent now, on a query that names its host `?1`.
pub(super) const DUE: &str = "host = ?1 AND batch IS NULL AND state IN ('queued', 'sent')";

/// Which group goes next, and how many of its tokens fit into a request.
pub(super) fn next_group(
    db: &Connection,
    host: i64,
    kinds: &[Kind],
    max_batch: usize,
) -> rusqlite::Result<Option<(Group, usize)>> {
    let kinds = kind_list(kinds);
    let clean = format!(
        "SELECT count(*) FROM (SELECT 1 FROM token WHERE {DUE} AND suspect = 0 AND kind IN ({kinds}) LIMIT {max_batch})"
    );
    let clean = db.prepare_cached(&clean)?.query_row([host], |row| row.get(0))?;
    let suspects = format!(
        "SELECT suspect, count(*) FROM token WHERE {DUE} AND suspect > 0 AND kind IN ({kinds}) GROUP BY suspect"
    );
    let suspects: Vec<(Group, usize)> = (db.prepare_cached(&suspects)?)
        .query_map([host], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(bisect::next(clean, suspects))
}

/// A token of the queue with its row number.
pub(super) struct Waiting {
    pub(super) id: i64,
    pub(super) row: SealedToken,
}

/// The tokens of a group that could be sent now, in the order of the queue.
pub(super) fn waiting(
    db: &Connection,
    host: i64,
    group: Group,
    kinds: &[Kind],
    page: Page,
) -> rusqlite::Result<Vec<Waiting>> {
    let sql = format!(
        "SELECT id, sha256, kind, bytes FROM token JOIN sealed ON sealed.token = token.id
         WHERE {DUE} AND suspect = ?2 AND kind IN ({}) ORDER BY rank, id LIMIT ?3 OFFSET ?4",
        kind_list(kinds)
    );
    db.prepare_cached(&sql)?
        .query_map(params![host, group, number(page.limit), number(page.skip)], waiting_row)?
        .collect()
}

pub(super) fn waiting_row(row: &SqlRow<'_>) -> rusqlite::Result<Waiting> {
    let kind: String = row.get(2)?;
    Ok(Waiting {
        id: row.get(0)?,
        row: SealedToken {
            fingerprint: Fingerprint(row.get(1)?),
            kind: rule::kind(&kind).unwrap_or(Kind::OTHER),
            sealed: row.get(3)?,
        },
    })
}

/// Erases the sealed texts of tokens that need none any more, and says so in the trail.
pub(super) fn erase(
    db: &Connection,
    tokens: &[i64],
    batch: Option<u64>,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let mut delete = db.prepare_cached("DELETE FROM sealed WHERE token = ?1")?;
    let mut erased = 0_usize;
    for token in tokens {
        erased += delete.execute([token])?;
    }
    if erased == 0 {
        return Ok(());
    }
    record(db, &Event::Erase { batch, tokens: erased as u64 }, at)
}

pub(super) fn head(db: &Connection) -> rusqlite::Result<Head> {
    let found =
        db.prepare_cached(HEAD)?.query_row([], |row| Ok(Head { seq: row.get(0)?, hash: row.get(1)? }));
    Ok(found.optional()?.unwrap_or_default())
}

/// Adds a record to the trail.
pub(super) fn record(db: &Connection, event: &Event, at: Timestamp) -> rusqlite::Result<()> {
    let mut head = head(db)?;
    let line = audit::append(&mut head, moment(millis(at)), event);
    db.prepare_cached("INSERT INTO audit (seq, line) VALUES (?1, ?2)")?.execute(params![head.seq, line])?;
    db.prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES ('head', ?1)")?
        .execute([format!("{} {}", head.hash, head.seq)])?;
    Ok(())
}
