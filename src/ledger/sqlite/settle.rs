//! What came of a batch: the states of its tokens, the halves of an invalid one, the quota.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{quota, retries, rows};
use crate::ledger::audit::Event;
use crate::ledger::bisect::{self, Failure, Group, Step};
use crate::ledger::entry::BatchId;
use crate::ledger::settlement::{BatchOutcome, Settled, Settlement};
use crate::ledger::time::{ClockReading, timestamp};
use crate::revocation::State;

const FIND: &str =
    "SELECT quota, charged, bisect_group, verdict, host, identity, owner, status, request_id FROM batch
    JOIN quota ON quota.id = batch.quota WHERE batch.id = ?1";
const CLOSE: &str =
    "UPDATE batch SET verdict = ?2, closed_at = ?3, status = ?4, request_id = ?5, decided = ?6 WHERE id = ?1";
const UNCHARGE: &str = "UPDATE batch SET charged = 0 WHERE id = ?1";
const IN_FLIGHT: &str = "SELECT id FROM token WHERE batch = ?1
    AND NOT EXISTS (SELECT 1 FROM damaged_token AS d WHERE d.id = token.id) ORDER BY rank, id";
/// Of a batch that was taken over: the tokens it carried that still wait.
const STILL_PENDING: &str = "SELECT token.id FROM attempt JOIN token ON token.id = attempt.token
    WHERE attempt.batch = ?1 AND state IN ('queued', 'sent')
    AND NOT EXISTS (SELECT 1 FROM damaged_token AS d WHERE d.id = token.id) ORDER BY rank, token.id";
const COUNT_IN_STATE: &str = "SELECT count(*) FROM attempt JOIN token ON token.id = attempt.token
    WHERE attempt.batch = ?1 AND state = ?2";
const SET_FAILED: &str =
    "UPDATE token SET failed_in = ?1 WHERE id IN (SELECT token FROM attempt WHERE batch = ?1)";
/// Before `SET_FAILED`: the batches in which these tokens failed before.
const FAILED_BEFORE: &str =
    "SELECT EXISTS (SELECT 1 FROM token WHERE batch = ?1 AND failed_in > 0 AND failed_in < ?2)";
const FAILED_IN_OTHER_RUN: &str = "SELECT EXISTS (SELECT 1 FROM token JOIN batch ON batch.id = failed_in
    WHERE token.batch = ?1 AND failed_in > 0 AND owner != ?2)";
const SMALLEST_GROUP: &str =
    "SELECT count(*) FROM token WHERE host = ?1 AND batch IS NULL AND bisect_group > 0
    AND state IN ('queued', 'sent') GROUP BY bisect_group ORDER BY count(*) LIMIT 1";
const SET_STATE: &str = "UPDATE token SET state = ?2, at = ?3, batch = NULL WHERE id = ?1";
const SET_GROUP: &str = "UPDATE token SET bisect_group = ?2 WHERE id = ?1";
const DUE_IN_GROUP: &str = "SELECT id FROM token WHERE host = ?1 AND bisect_group = ?2 AND batch IS NULL
    AND state IN ('queued', 'sent') ORDER BY rank, id";

/// How much later than it came in an answer is written down for the trail to say so.
const LATE_MS: i64 = 1000;

/// A batch as it was written down.
struct Batch {
    id: u64,
    quota: i64,
    charged: bool,
    group: Group,
    verdict: String,
    host: i64,
    identity: String,
    owner: String,
    status: Option<u16>,
    request_id: Option<String>,
}

impl Batch {
    fn find(db: &Connection, id: u64) -> rusqlite::Result<Option<Self>> {
        let found = db.prepare_cached(FIND)?.query_row([id], |row| {
            Ok(Batch {
                id,
                quota: row.get(0)?,
                charged: row.get(1)?,
                group: row.get(2)?,
                verdict: row.get(3)?,
                host: row.get(4)?,
                identity: row.get(5)?,
                owner: row.get(6)?,
                status: row.get(7)?,
                request_id: row.get(8)?,
            })
        });
        found.optional()
    }

    /// Whether this settlement was written down before: the transaction was committed, though it seemed to fail.
    fn has(&self, settlement: &Settlement) -> bool {
        self.verdict == settlement.verdict
            && (self.status, &self.request_id) == (settlement.status, &settlement.request_id)
    }

    /// Whether its slot is given back: not where another process took it over, and has counted on that slot since.
    fn gives_back(&self, outcome: BatchOutcome) -> bool {
        self.charged && self.verdict == "open" && outcome == BatchOutcome::NotSent
    }
}

/// Writes a settlement down, of an answer that was `received` earlier where the ledger could not be written then; `None` if
/// there is no such batch.
pub(super) fn settle(
    db: &Connection,
    BatchId(id): BatchId,
    settlement: &Settlement,
    at: Timestamp,
    received: Option<i64>,
) -> rusqlite::Result<Option<Settled>> {
    let Some(batch) = Batch::find(db, id)? else { return Ok(None) };
    if batch.has(settlement) {
        return settled_before(db, id, settlement.outcome).map(Some);
    }
    let now = rows::millis(at);
    // What is told of the tokens is when the server took them.
    let received = received.map_or(now, |received| received.min(now));
    let tokens = ids(db, IN_FLIGHT, params![id])?;
    // What was taken before, and whether what the batch carried is to blame for its failure.
    let (mut accepted_before, mut blamed) = (0, false);
    if let Some((_, mut quota)) = quota::find(db, batch.host, &batch.identity)? {
        accepted_before = quota.accepted;
        blamed = batch.charged && !quota.observe_outcome(id, tokens.len(), settlement.outcome);
        let gives_back = batch.gives_back(settlement.outcome);
        quota.settle((id, gives_back), settlement, (ClockReading::of(at), received));
        quota::save(db, batch.quota, &quota)?;
    }
    if batch.gives_back(settlement.outcome) {
        db.prepare_cached(UNCHARGE)?.execute([id])?;
    }
    let Settlement { verdict, status, request_id, .. } = settlement;
    db.prepare_cached(CLOSE)?.execute(params![
        id,
        verdict,
        received,
        status,
        request_id,
        settlement.outcome.decides()
    ])?;
    let (settled, erased) = match batch.verdict.as_str() {
        "open" => {
            let failure =
                if blamed { Some(failure(db, &batch, tokens.len(), accepted_before)?) } else { None };
            settle_tokens(db, &batch, &tokens, (settlement.outcome, failure), received)?
        }
        // Taken over, or settled before: the only news is that the tokens were accepted.
        _ if settlement.outcome == BatchOutcome::Accepted => {
            let pending = ids(db, STILL_PENDING, params![id])?;
            set_state(db, &pending, State::Accepted, received)?;
            (Settled { accepted: pending.len() as u64, ..Settled::default() }, pending)
        }
        _ => (Settled::default(), Vec::new()),
    };
    let event = Event::Answer {
        batch: id,
        verdict: verdict.clone().into_owned(),
        status: *status,
        request_id: request_id.clone(),
        message: settlement.message.clone(),
        became: settled.counts(),
        received_at: (now - received >= LATE_MS).then(|| timestamp(received)),
        tokens: Vec::new(),
    };
    retries::tell_answer(db, id, (event, settlement.outcome.decides()), at)?;
    rows::erase(db, &erased, Some(id), at)?;
    Ok(Some(settled))
}

/// What a settlement that was written down before has brought.
fn settled_before(db: &Connection, batch: u64, outcome: BatchOutcome) -> rusqlite::Result<Settled> {
    let count = |state: State| {
        db.prepare_cached(COUNT_IN_STATE)?.query_row(params![batch, state.as_str()], |row| row.get(0))
    };
    Ok(match outcome {
        BatchOutcome::Accepted => Settled { accepted: count(State::Accepted)?, ..Settled::default() },
        BatchOutcome::Dead => Settled { dead: count(State::Dead)?, ..Settled::default() },
        BatchOutcome::Invalid => Settled { refused: count(State::Refused)?, ..Settled::default() },
        _ => Settled::default(),
    })
}

/// Gives the tokens of an open batch their new states; returns the counts and the tokens whose sealed text can be erased.
fn settle_tokens(
    db: &Connection,
    batch: &Batch,
    tokens: &[i64],
    (outcome, failure): (BatchOutcome, Option<Failure>),
    now: i64,
) -> rusqlite::Result<(Settled, Vec<i64>)> {
    let count = tokens.len() as u64;
    let mut settled = Settled::default();
    match outcome {
        BatchOutcome::Accepted => {
            set_state(db, tokens, State::Accepted, now)?;
            settled.accepted = count;
            let due_in_sibling = match sibling(db, batch.group)? {
                Some(sibling) => ids(db, DUE_IN_GROUP, params![batch.host, sibling])?,
                None => Vec::new(),
            };
            if bisect::after_accepted(due_in_sibling.len()) == Step::HalveSibling {
                halve(db, &due_in_sibling)?;
            }
            Ok((settled, tokens.to_vec()))
        }
        BatchOutcome::Dead => {
            set_state(db, tokens, State::Dead, now)?;
            settled.dead = count;
            Ok((settled, tokens.to_vec()))
        }
        BatchOutcome::Invalid if bisect::after_invalid(tokens.len()) == Step::Refuse => {
            set_state(db, tokens, State::Refused, now)?;
            settled.refused = count;
            unlink_sibling(db, batch.group)?;
            // It may have been a misunderstanding: `queue requeue` needs the text.
            Ok((settled, Vec::new()))
        }
        BatchOutcome::Invalid => {
            set_state(db, tokens, State::Queued, now)?;
            settled.waiting = count;
            unlink_sibling(db, batch.group)?;
            halve(db, tokens)?;
            Ok((settled, Vec::new()))
        }
        BatchOutcome::Returned
        | BatchOutcome::NotSent
        | BatchOutcome::Failed
        | BatchOutcome::TooLarge
        | BatchOutcome::Unknown => {
            let state = if outcome == BatchOutcome::Unknown { State::Sent } else { State::Queued };
            set_state(db, tokens, state, now)?;
            settled.waiting = count;
            // A token that revokes itself is in nobody's way.
            if batch.charged && !matches!(outcome, BatchOutcome::Returned | BatchOutcome::NotSent) {
                db.prepare_cached(SET_FAILED)?.execute([batch.id])?;
            }
            if failure.is_some_and(|failure| bisect::after_failed(&failure) == Step::Halve) {
                unlink_sibling(db, batch.group)?;
                halve(db, tokens)?;
            }
            Ok((settled, Vec::new()))
        }
    }
}

/// What is known about the failure of a batch of `size` tokens, where the last batch accepted before was this one.
fn failure(db: &Connection, batch: &Batch, size: usize, accepted: u64) -> rusqlite::Result<Failure> {
    let exists = |sql: &str, params: &[&dyn rusqlite::ToSql]| {
        db.prepare_cached(sql)?.query_row(params, |row| row.get(0))
    };
    Ok(Failure {
        size,
        others_accepted: exists(FAILED_BEFORE, &[&batch.id, &accepted])?,
        in_other_run: exists(FAILED_IN_OTHER_RUN, &[&batch.id, &batch.owner])?,
        smallest: (db.prepare_cached(SMALLEST_GROUP)?)
            .query_row([batch.host], |row| row.get(0))
            .optional()?,
    })
}

fn ids(db: &Connection, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<Vec<i64>> {
    db.prepare_cached(sql)?.query_map(params, |row| row.get(0))?.collect()
}

fn set_state(db: &Connection, tokens: &[i64], state: State, now: i64) -> rusqlite::Result<()> {
    let mut update = db.prepare_cached(SET_STATE)?;
    for token in tokens {
        update.execute(params![token, state.as_str(), now])?;
    }
    Ok(())
}

fn sibling(db: &Connection, group: Group) -> rusqlite::Result<Option<Group>> {
    let sibling = "SELECT sibling FROM bisect_group WHERE id = ?1";
    Ok(db.prepare_cached(sibling)?.query_row([group], |row| row.get(0)).optional()?.flatten())
}

/// An invalid token was found in this group: whether its sibling holds one, too, is not known any more.
fn unlink_sibling(db: &Connection, group: Group) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE bisect_group SET sibling = NULL WHERE sibling = ?1")?.execute([group])?;
    Ok(())
}

/// Splits tokens into two groups, each the other's sibling.
fn halve(db: &Connection, tokens: &[i64]) -> rusqlite::Result<()> {
    let mut insert = db.prepare_cached("INSERT INTO bisect_group (sibling) VALUES (?1)")?;
    let one = insert.insert([None::<i64>])?;
    let two = insert.insert([one])?;
    db.prepare_cached("UPDATE bisect_group SET sibling = ?2 WHERE id = ?1")?.execute([one, two])?;
    let mut set_group = db.prepare_cached(SET_GROUP)?;
    let (left, right) = tokens.split_at(tokens.len() / 2);
    for (half, group) in [(left, one), (right, two)] {
        for token in half {
            set_group.execute([*token, group])?;
        }
    }
    Ok(())
}
