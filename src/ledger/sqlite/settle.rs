//! What came of a batch.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::rows;
use crate::ledger::audit::Event;
use crate::ledger::bisect::{self, Group, Step};
use crate::ledger::entry::BatchId;
use crate::ledger::intent::{BatchOutcome, Settled, Settlement, millis};
use crate::ledger::quota::Quota;
use crate::revocation::State;

const FIND: &str =
    "SELECT quota, charged, suspect, verdict, host, identity FROM batch JOIN quota ON quota.id = batch.quota
    WHERE batch.id = ?1";
const CLOSE: &str = "UPDATE batch SET verdict = ?2, over = ?3, status = ?4, request_id = ?5 WHERE id = ?1";
const MINE: &str = "SELECT id FROM token WHERE batch = ?1 ORDER BY rank, id";
/// Of a batch that was given up: all it carried, but for what was settled otherwise since.
const CARRIED: &str = "SELECT token.id FROM attempt JOIN token ON token.id = attempt.token
    WHERE attempt.batch = ?1 AND state IN ('queued', 'sent') ORDER BY rank, token.id";
const BECOME: &str = "UPDATE token SET state = ?2, at = ?3, batch = NULL WHERE id = ?1";
const SUSPECT: &str = "UPDATE token SET suspect = ?2 WHERE id = ?1";
const MEMBERS: &str = "SELECT id FROM token WHERE host = ?1 AND suspect = ?2 AND batch IS NULL
    AND state IN ('queued', 'sent') ORDER BY rank, id";

/// A batch as it was written down.
struct Batch {
    id: u64,
    quota: i64,
    charged: bool,
    suspect: Group,
    verdict: String,
    host: i64,
    identity: String,
}

/// `None` if there is no such batch.
pub(super) fn settle(
    db: &Connection,
    BatchId(id): BatchId,
    settlement: &Settlement,
    at: Timestamp,
) -> rusqlite::Result<Option<Settled>> {
    let found = db.prepare_cached(FIND)?.query_row([id], |row| {
        Ok(Batch {
            id,
            quota: row.get(0)?,
            charged: row.get(1)?,
            suspect: row.get(2)?,
            verdict: row.get(3)?,
            host: row.get(4)?,
            identity: row.get(5)?,
        })
    });
    let Some(batch) = found.optional()? else { return Ok(None) };
    let now = rows::millis(at);
    if batch.charged
        && let Some((_, mut quota)) = rows::quota(db, batch.host, &batch.identity)?
    {
        settle_quota(&mut quota, &batch, settlement, now);
        rows::save_quota(db, batch.quota, &quota)?;
    }
    let Settlement { verdict, status, request_id, .. } = settlement;
    db.prepare_cached(CLOSE)?.execute(params![id, verdict, now, status, request_id])?;
    let (became, erased) = match batch.verdict.as_str() {
        "open" => tokens(db, &batch, settlement.fate, now)?,
        // Given up, or answered before: the only news worth having is that the tokens were taken.
        _ if settlement.fate == BatchOutcome::Accepted => {
            let carried = ids(db, CARRIED, params![id])?;
            become_(db, &carried, State::Accepted, now)?;
            (Settled { accepted: carried.len() as u64, ..Settled::default() }, carried)
        }
        _ => (Settled::default(), Vec::new()),
    };
    let event = Event::Answer {
        batch: id,
        verdict: (*verdict).into(),
        status: *status,
        request_id: request_id.clone(),
        message: settlement.message.clone(),
        became: became.counts(),
    };
    rows::record(db, &event, at)?;
    rows::erase(db, &erased, Some(id), at)?;
    Ok(Some(became))
}

fn settle_quota(quota: &mut Quota, batch: &Batch, settlement: &Settlement, now: i64) {
    super::intend::finish(quota, batch.id, now);
    quota.hear(settlement.heard, now);
    match settlement.hold {
        Some(hold) => quota.hold(millis(hold), now),
        None if matches!(settlement.fate, BatchOutcome::Accepted | BatchOutcome::Invalid) => {
            quota.strikes = 0;
        }
        None => {}
    }
}

/// Gives the tokens of an open batch what the answer means for them; returns the counts and what can be erased.
fn tokens(
    db: &Connection,
    batch: &Batch,
    fate: BatchOutcome,
    now: i64,
) -> rusqlite::Result<(Settled, Vec<i64>)> {
    let mine = ids(db, MINE, params![batch.id])?;
    let count = mine.len() as u64;
    let mut became = Settled::default();
    match fate {
        BatchOutcome::Accepted => {
            become_(db, &mine, State::Accepted, now)?;
            became.accepted = count;
            let sibling = sibling(db, batch.suspect)?;
            let members = match sibling {
                Some(sibling) => ids(db, MEMBERS, params![batch.host, sibling])?,
                None => Vec::new(),
            };
            if bisect::after_accepted(members.len()) == Step::HalveSibling {
                halve(db, &members)?;
            }
            Ok((became, mine))
        }
        BatchOutcome::Dead => {
            become_(db, &mine, State::Dead, now)?;
            became.dead = count;
            Ok((became, mine))
        }
        BatchOutcome::Invalid if bisect::after_invalid(mine.len()) == Step::Refuse => {
            become_(db, &mine, State::Refused, now)?;
            became.refused = count;
            acquit_sibling(db, batch.suspect)?;
            Ok((became, mine))
        }
        BatchOutcome::Invalid => {
            become_(db, &mine, State::Queued, now)?;
            became.waiting = count;
            acquit_sibling(db, batch.suspect)?;
            halve(db, &mine)?;
            Ok((became, Vec::new()))
        }
        BatchOutcome::Returned | BatchOutcome::Unknown => {
            let state = if fate == BatchOutcome::Returned { State::Queued } else { State::Sent };
            become_(db, &mine, state, now)?;
            became.waiting = count;
            Ok((became, Vec::new()))
        }
    }
}

fn ids(db: &Connection, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<Vec<i64>> {
    db.prepare_cached(sql)?.query_map(params, |row| row.get(0))?.collect()
}

fn become_(db: &Connection, tokens: &[i64], state: State, now: i64) -> rusqlite::Result<()> {
    let mut update = db.prepare_cached(BECOME)?;
    for token in tokens {
        update.execute(params![token, state.as_str(), now])?;
    }
    Ok(())
}

fn sibling(db: &Connection, group: Group) -> rusqlite::Result<Option<Group>> {
    let sibling = "SELECT sibling FROM suspicion WHERE id = ?1";
    Ok(db.prepare_cached(sibling)?.query_row([group], |row| row.get(0)).optional()?.flatten())
}

/// What is wrong was found in this group: that its sibling holds some of it, too, is not known any more.
fn acquit_sibling(db: &Connection, group: Group) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE suspicion SET sibling = NULL WHERE sibling = ?1")?.execute([group])?;
    Ok(())
}

/// Makes two groups of one.
fn halve(db: &Connection, tokens: &[i64]) -> rusqlite::Result<()> {
    let mut group = db.prepare_cached("INSERT INTO suspicion (sibling) VALUES (?1)")?;
    let one = group.insert([None::<i64>])?;
    let two = group.insert([one])?;
    db.prepare_cached("UPDATE suspicion SET sibling = ?2 WHERE id = ?1")?.execute([one, two])?;
    let mut suspect = db.prepare_cached(SUSPECT)?;
    let (left, right) = tokens.split_at(tokens.len() / 2);
    for (half, group) in [(left, one), (right, two)] {
        for token in half {
            suspect.execute([*token, group])?;
        }
    }
    Ok(())
}
