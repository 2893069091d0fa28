//! What came of a batch: the states of its tokens, the halves of an invalid one, the quota.

use jiff::Timestamp;
use postgres::Row;

use super::db::{Db, Param, int, typed, uint};
use super::error::PgResult;
use super::halves::{halve, sibling, unlink_sibling};
use super::transaction::Tx;
use super::{quota, retries};
use crate::ledger::audit::Event;
use crate::ledger::bisect::{self, Failure, Group, Step};
use crate::ledger::entry::BatchId;
use crate::ledger::settlement::{BatchOutcome, Settled, Settlement};
use crate::ledger::time::{ClockReading, timestamp};
use crate::revocation::State;

const FIND: &str = "SELECT quota, charged, bisect_group, verdict, host, identity, owner, status, request_id
    FROM stanch.batch JOIN stanch.quota ON quota.id = batch.quota WHERE batch.id = $1";
const CLOSE: &str =
    "UPDATE stanch.batch SET verdict = $2, closed_at = $3, status = $4, request_id = $5, decided = $6,
    charged = charged AND NOT $7 WHERE id = $1";
const IN_FLIGHT: &str = "SELECT id FROM stanch.token WHERE batch = $1 ORDER BY rank, id FOR NO KEY UPDATE";
/// Of a batch that was taken over: the tokens it carried that still wait.
const STILL_PENDING: &str = "SELECT token.id FROM stanch.attempt JOIN stanch.token ON token.id = attempt.token
    WHERE attempt.batch = $1 AND state IN ('queued', 'sent') ORDER BY rank, token.id FOR NO KEY UPDATE OF token";
const COUNT_IN_STATE: &str =
    "SELECT count(*) FROM stanch.attempt JOIN stanch.token ON token.id = attempt.token
    WHERE attempt.batch = $1 AND state = $2";
const SET_FAILED: &str = "UPDATE stanch.token SET failed_in = $1
    WHERE id IN (SELECT attempt.token FROM stanch.attempt WHERE attempt.batch = $1)";
/// Before `SET_FAILED`: the batches in which these tokens failed before.
const FAILED_BEFORE: &str =
    "SELECT count(*) FROM stanch.token WHERE batch = $1 AND failed_in > 0 AND failed_in < $2";
const FAILED_IN_OTHER_RUN: &str =
    "SELECT count(*) FROM stanch.token JOIN stanch.batch ON batch.id = failed_in
    WHERE token.batch = $1 AND failed_in > 0 AND owner <> $2";
const SMALLEST_GROUP: &str =
    "SELECT count(*) FROM stanch.token WHERE host = $1 AND batch IS NULL AND bisect_group > 0
    AND state IN ('queued', 'sent') GROUP BY bisect_group ORDER BY count(*) LIMIT 1";
const SET_STATE: &str = "UPDATE stanch.token SET state = $2, at = $3, batch = NULL WHERE id = ANY($1)";
/// Together, for a row is written anew by each change.
const SET_STATE_AND_ERASE: &str =
    "UPDATE stanch.token SET state = $2, at = $3, batch = NULL, sealed = NULL WHERE id = ANY($1)";
const COUNT_TEXTS: &str = "SELECT count(*) FROM stanch.token WHERE id = ANY($1) AND has_text";
const DUE_IN_GROUP: &str =
    "SELECT id FROM stanch.token WHERE host = $1 AND bisect_group = $2 AND batch IS NULL
    AND state IN ('queued', 'sent') ORDER BY rank, id FOR NO KEY UPDATE";

/// How much later than it came in an answer is written down for the trail to say so.
const LATE_MS: i64 = 1000;

/// A batch as it was written down.
struct Batch {
    id: u64,
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
    /// Locks its quota and then the batch itself.
    fn lock(db: &mut Db<'_>, id: u64) -> PgResult<Option<Self>> {
        let Some(found) = Self::find(db, id, "")? else { return Ok(None) };
        quota::lock(db, found.host, &found.identity)?;
        Self::find(db, id, "FOR NO KEY UPDATE OF batch")
    }

    fn find(db: &mut Db<'_>, id: u64, lock: &str) -> PgResult<Option<Self>> {
        let found = db.row(&format!("{FIND} {lock}"), typed![int(id) => INT8])?;
        found.map(|row| Self::from_row(id, &row)).transpose()
    }

    fn from_row(id: u64, row: &Row) -> PgResult<Self> {
        let status: Option<i32> = row.try_get(7)?;
        Ok(Batch {
            id,
            charged: row.try_get(1)?,
            group: uint(row.try_get(2)?),
            verdict: row.try_get(3)?,
            host: row.try_get(4)?,
            identity: row.try_get(5)?,
            owner: row.try_get(6)?,
            status: status.and_then(|status| u16::try_from(status).ok()),
            request_id: row.try_get(8)?,
        })
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

/// Writes a settlement down; `None` if there is no such batch. With `kept`, the answer was received earlier, when the ledger
/// could not be written: the time now, and the time then.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    BatchId(id): BatchId,
    settlement: &Settlement,
    kept: Option<(Timestamp, i64)>,
) -> PgResult<Option<Settled>> {
    let Some(batch) = Batch::lock(&mut tx.db, id)? else { return Ok(None) };
    if batch.has(settlement) {
        return settled_before(&mut tx.db, id, settlement.outcome).map(Some);
    }
    let at = match kept {
        Some((at, _)) => at,
        None => tx.clock()?.0,
    };
    let now = at.as_millisecond();
    // What is told of the tokens is when the server took them.
    let received = kept.map_or(now, |(_, received)| received.min(now));
    let (settled, erased) = settle_batch(tx, &batch, settlement, (now, received))?;
    let event = Event::Answer {
        batch: id,
        verdict: settlement.verdict.clone().into_owned(),
        status: settlement.status,
        request_id: settlement.request_id.clone(),
        message: settlement.message.clone(),
        became: settled.counts(),
        received_at: (now - received >= LATE_MS).then(|| timestamp(received)),
        tokens: Vec::new(),
    };
    retries::tell_answer(tx, id, (event, settlement.outcome.decides()), at)?;
    if erased > 0 {
        tx.append(&Event::Erase { batch: Some(id), tokens: erased }, at);
    }
    Ok(Some(settled))
}

/// Quota, batch and tokens; returns the counts, and how many sealed texts were erased.
fn settle_batch(
    tx: &mut Tx<'_>,
    batch: &Batch,
    settlement: &Settlement,
    (now, received): (i64, i64),
) -> PgResult<(Settled, u64)> {
    let (id, outcome) = (int(batch.id), settlement.outcome);
    let tokens = ids(&mut tx.db, IN_FLIGHT, typed![id => INT8])?;
    // What was taken before, and whether what the batch carried is to blame for its failure.
    let (mut accepted_before, mut blamed) = (0, false);
    if let Some(mut stored) = quota::find(&mut tx.db, batch.host, &batch.identity)? {
        accepted_before = stored.quota.accepted;
        blamed = batch.charged && !stored.quota.observe_outcome(batch.id, tokens.len(), outcome);
        let reading = ClockReading { wall: now, uptime: None };
        let gives_back = batch.gives_back(outcome);
        stored.quota.settle((batch.id, gives_back), settlement, (reading, received));
        stored.save(&mut tx.db)?;
    }
    let (status, gives_back) = (settlement.status.map(i32::from), batch.gives_back(outcome));
    let verdict: &str = &settlement.verdict;
    tx.db.execute(
        CLOSE,
        typed![
            id => INT8, verdict => TEXT, received => INT8, status => INT4, settlement.request_id => TEXT,
            outcome.decides() => BOOL, gives_back => BOOL
        ],
    )?;
    match batch.verdict.as_str() {
        "open" => {
            let failure =
                if blamed { Some(failure(&mut tx.db, batch, tokens.len(), accepted_before)?) } else { None };
            settle_tokens(&mut tx.db, batch, &tokens, (outcome, failure), received)
        }
        // Taken over, or settled before: the only news is that the tokens were accepted.
        _ if outcome == BatchOutcome::Accepted => {
            let pending = ids(&mut tx.db, STILL_PENDING, typed![id => INT8])?;
            let erased = set_state(&mut tx.db, &pending, State::Accepted, received)?;
            Ok((Settled { accepted: pending.len() as u64, ..Settled::default() }, erased))
        }
        _ => Ok((Settled::default(), 0)),
    }
}

/// What a settlement that was written down before has brought.
fn settled_before(db: &mut Db<'_>, batch: u64, outcome: BatchOutcome) -> PgResult<Settled> {
    let mut count = |state: State| {
        db.number(COUNT_IN_STATE, typed![int(batch) => INT8, state.as_str() => TEXT]).map(uint)
    };
    Ok(match outcome {
        BatchOutcome::Accepted => Settled { accepted: count(State::Accepted)?, ..Settled::default() },
        BatchOutcome::Dead => Settled { dead: count(State::Dead)?, ..Settled::default() },
        BatchOutcome::Invalid => Settled { refused: count(State::Refused)?, ..Settled::default() },
        _ => Settled::default(),
    })
}

/// Gives the tokens of an open batch their new states; returns the counts, and how many sealed texts were erased.
fn settle_tokens(
    db: &mut Db<'_>,
    batch: &Batch,
    tokens: &[i64],
    (outcome, failure): (BatchOutcome, Option<Failure>),
    now: i64,
) -> PgResult<(Settled, u64)> {
    let count = tokens.len() as u64;
    match outcome {
        BatchOutcome::Accepted => {
            let erased = set_state(db, tokens, State::Accepted, now)?;
            let due_in_sibling = match sibling(db, batch.group)? {
                Some(sibling) => ids(db, DUE_IN_GROUP, typed![batch.host => INT8, sibling => INT8])?,
                None => Vec::new(),
            };
            if bisect::after_accepted(due_in_sibling.len()) == Step::HalveSibling {
                halve(db, &due_in_sibling)?;
            }
            Ok((Settled { accepted: count, ..Settled::default() }, erased))
        }
        BatchOutcome::Dead => {
            let erased = set_state(db, tokens, State::Dead, now)?;
            Ok((Settled { dead: count, ..Settled::default() }, erased))
        }
        BatchOutcome::Invalid if bisect::after_invalid(tokens.len()) == Step::Refuse => {
            set_state(db, tokens, State::Refused, now)?;
            unlink_sibling(db, batch.group)?;
            // It may have been a misunderstanding: `queue requeue` needs the text.
            Ok((Settled { refused: count, ..Settled::default() }, 0))
        }
        BatchOutcome::Invalid => {
            set_state(db, tokens, State::Queued, now)?;
            unlink_sibling(db, batch.group)?;
            halve(db, tokens)?;
            Ok((Settled { waiting: count, ..Settled::default() }, 0))
        }
        BatchOutcome::Returned
        | BatchOutcome::NotSent
        | BatchOutcome::Failed
        | BatchOutcome::TooLarge
        | BatchOutcome::Unknown => {
            let state = if outcome == BatchOutcome::Unknown { State::Sent } else { State::Queued };
            set_state(db, tokens, state, now)?;
            // A token that revokes itself is in nobody's way.
            if batch.charged && !matches!(outcome, BatchOutcome::Returned | BatchOutcome::NotSent) {
                db.execute(SET_FAILED, typed![int(batch.id) => INT8])?;
            }
            if failure.is_some_and(|failure| bisect::after_failed(&failure) == Step::Halve) {
                unlink_sibling(db, batch.group)?;
                halve(db, tokens)?;
            }
            Ok((Settled { waiting: count, ..Settled::default() }, 0))
        }
    }
}

/// What is known about the failure of a batch of `size` tokens, where the last batch accepted before was this one.
fn failure(db: &mut Db<'_>, batch: &Batch, size: usize, accepted: u64) -> PgResult<Failure> {
    let id = int(batch.id);
    let smallest = db.row(SMALLEST_GROUP, typed![batch.host => INT8])?;
    Ok(Failure {
        size,
        others_accepted: db.number(FAILED_BEFORE, typed![id => INT8, int(accepted) => INT8])? > 0,
        in_other_run: db.number(FAILED_IN_OTHER_RUN, typed![id => INT8, batch.owner => TEXT])? > 0,
        smallest: smallest
            .map(|row| row.try_get::<_, i64>(0))
            .transpose()?
            .map(|size| usize::try_from(size).unwrap_or_default()),
    })
}

fn ids(db: &mut Db<'_>, sql: &str, params: &[Param<'_>]) -> PgResult<Vec<i64>> {
    db.rows(sql, params)?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Gives tokens a state, and erases their texts where it keeps none; returns how many there were to erase.
fn set_state(db: &mut Db<'_>, tokens: &[i64], state: State, now: i64) -> PgResult<u64> {
    let params = typed![tokens => INT8_ARRAY, state.as_str() => TEXT, now => INT8];
    if state.keeps_text() {
        return db.execute(SET_STATE, params).map(|_| 0);
    }
    let texts = db.number(COUNT_TEXTS, typed![tokens => INT8_ARRAY])?;
    db.execute(SET_STATE_AND_ERASE, params).map(|_| uint(texts))
}
