//! How the database is changed: all of a change or none of it, once, and known to have happened or not.
//!
//! A connection may be cut between any two messages, that of a commit among them. So each handle has a row of its own, that of
//! its trail, which a transaction locks first and in which it leaves its number. Where a commit gets no answer, the next
//! transaction of the handle finds out: when it has the lock, the one before is over, whichever way, and the number tells which.

use std::cell::Cell;

use jiff::Timestamp;
use postgres::Client;

use super::PostgresLedger;
use super::connection::{Attempts, end};
use super::db::{Db, int, typed, uint};
use super::error::{PgError, PgResult};
use crate::ledger::audit::{self, Event, Head};
use crate::ledger::error::LedgerError;
use crate::ledger::owner::Owner;
use crate::ledger::time::{ClockReading, Now, timestamp};

const INSERT_WRITER: &str = "INSERT INTO stanch.writer (name) VALUES ($1) ON CONFLICT (name) DO NOTHING";
const LOCK_WRITER: &str = "SELECT id, op, seq, hash FROM stanch.writer WHERE name = $1 FOR NO KEY UPDATE";
const APPEND: &str = "WITH line AS (INSERT INTO stanch.audit (writer, seq, line)
        SELECT $1, seq, line FROM unnest($2::bigint[], $3::text[]) AS new (seq, line))
    UPDATE stanch.writer SET op = $4, seq = $5, hash = $6 WHERE id = $1";
/// Not `now()`, which is when the transaction began: it may have waited for a lock since.
const CLOCK: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// Whose clock counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// The server's, which all machines share.
    Server,
    /// The caller's: tests tell the time.
    #[cfg(test)]
    Caller,
}

/// What the server's clock shows, in milliseconds since 1970.
pub(super) fn read_clock(db: &mut Db<'_>) -> PgResult<i64> {
    db.number(CLOCK, &[])
}

/// The handle's row, as far as it is known.
pub(super) struct Writer {
    pub(super) name: String,
    /// Whether the row is known to be there.
    exists: bool,
    /// The number of its last transaction.
    op: i64,
}

impl Writer {
    pub(super) fn new(name: String) -> Self {
        Writer { name, exists: false, op: 0 }
    }
}

/// A transaction that changes something.
pub(super) struct Tx<'a> {
    pub(super) db: Db<'a>,
    writer: i64,
    head: Head,
    lines: Vec<(i64, String)>,
    clock: Clock,
    now: Now<'a>,
    offset: &'a Cell<i64>,
}

impl Tx<'_> {
    /// What the clock shows now: called once the locks are held, so that the order of the times is that of the changes.
    pub(super) fn clock(&mut self) -> PgResult<(Timestamp, ClockReading)> {
        let at = match self.clock {
            Clock::Server => {
                let server = read_clock(&mut self.db)?;
                self.offset.set((self.now)().as_millisecond() - server);
                timestamp(server)
            }
            #[cfg(test)]
            Clock::Caller => (self.now)(),
        };
        // How long a machine has run says nothing to another one.
        Ok((at, ClockReading { wall: at.as_millisecond(), uptime: None }))
    }

    /// A time of the server as this machine's clock has it.
    pub(super) fn local(&self, server: i64) -> Timestamp {
        timestamp(server.saturating_add(self.offset.get()))
    }

    /// Appends a record to the handle's chain.
    pub(super) fn append(&mut self, event: &Event, at: Timestamp) {
        let line = audit::append(&mut self.head, timestamp(at.as_millisecond()), event);
        self.lines.push((int(self.head.seq), line));
    }

    /// Up to `limit` of the other chains that went on since they were last anchored, with their ends: those that nobody writes
    /// to at this moment.
    pub(super) fn unanchored(&mut self, limit: i64) -> PgResult<Vec<Head>> {
        let rows = self.db.returning(
            "UPDATE stanch.writer SET anchored = found.seq FROM (
                SELECT id, seq FROM stanch.writer WHERE seq > anchored AND id <> $1
                ORDER BY id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED) AS found
             WHERE writer.id = found.id RETURNING name, writer.seq, hash",
            typed![self.writer => INT8, limit => INT8],
        )?;
        rows.iter()
            .map(|row| {
                Ok(Head { writer: row.try_get(0)?, seq: uint(row.try_get(1)?), hash: row.try_get(2)? })
            })
            .collect()
    }

    /// Writes down the records, and that the transaction happened; false where it changes nothing.
    fn finish(&mut self, op: i64) -> PgResult<bool> {
        if self.lines.is_empty() && !self.db.changed {
            return Ok(false);
        }
        let (numbers, lines): (Vec<i64>, Vec<String>) = std::mem::take(&mut self.lines).into_iter().unzip();
        let (seq, hash) = (int(self.head.seq), &self.head.hash);
        self.db.execute(
            APPEND,
            typed![self.writer => INT8, numbers => INT8_ARRAY, lines => TEXT_ARRAY, op => INT8, seq => INT8, hash => TEXT],
        )?;
        Ok(true)
    }
}

/// What became of one attempt.
enum Attempt<T> {
    /// It is committed.
    Done(T),
    /// The attempt before was, though it had no answer.
    WasDone,
    /// It failed, and left nothing.
    Failed(PgError),
    /// It would have come to this, and nobody knows yet whether it has.
    Unanswered(T, PgError),
}

impl PostgresLedger {
    /// Runs `work` in a transaction, as often as it takes. Its effects on the database are those of one run.
    pub(super) fn write<T>(
        &mut self,
        now: Now<'_>,
        mut work: impl FnMut(&mut Tx<'_>, &mut Owner) -> PgResult<T>,
    ) -> Result<T, LedgerError> {
        self.writer.op += 1;
        let mut attempts = Attempts::new(self.connection.patience.get());
        let mut unanswered = None;
        loop {
            let error = match self.attempt(now, unanswered.is_some(), &mut work) {
                Attempt::Done(done) => {
                    self.owner.end_transaction(true);
                    return Ok(done);
                }
                Attempt::WasDone => match unanswered.take() {
                    Some(done) => {
                        self.owner.end_transaction(true);
                        return Ok(done);
                    }
                    None => PgError::Raced,
                },
                Attempt::Failed(error) => error,
                Attempt::Unanswered(done, error) => {
                    unanswered = Some(done);
                    error
                }
            };
            if let Err(error) = attempts.after(error) {
                self.owner.end_transaction(false);
                return Err(self.connection.error(error));
            }
        }
    }

    fn attempt<T>(
        &mut self,
        now: Now<'_>,
        asks: bool,
        work: &mut dyn FnMut(&mut Tx<'_>, &mut Owner) -> PgResult<T>,
    ) -> Attempt<T> {
        let PostgresLedger { connection, writer, owner, clock, offset, .. } = self;
        let begin = format!("BEGIN; {}", connection.limits());
        let mut ended = None;
        let attempt = connection.with(&mut |client| {
            client.batch_execute(&begin)?;
            let (id, op, head) = lock_writer(client, writer)?;
            if asks && op == writer.op {
                end(client, false)?;
                return Ok(Attempt::WasDone);
            }
            // What the attempt before took note of never happened.
            owner.end_transaction(false);
            let db = Db::new(client);
            let mut tx = Tx { db, writer: id, head, lines: Vec::new(), clock: *clock, now, offset };
            let done = work(&mut tx, owner).and_then(|done| Ok((done, tx.finish(writer.op)?)));
            match done {
                Err(error) => {
                    // The error that matters is the first one.
                    let _ = end(client, false);
                    Err(error)
                }
                Ok((done, changed)) => match end(client, true) {
                    Ok(()) => Ok(Attempt::Done(done)),
                    // What changes nothing can be done again.
                    Err(error) if !changed => Err(error),
                    Err(error) => {
                        ended = Some(done);
                        Err(error)
                    }
                },
            }
        });
        if let Ok(Attempt::Done(_)) = attempt {
            writer.exists = true;
        }
        match (attempt, ended) {
            (Ok(attempt), _) => attempt,
            (Err(error), Some(done)) => Attempt::Unanswered(done, error),
            (Err(error), None) => Attempt::Failed(error),
        }
    }
}

/// Locks the handle's row, and makes it where it is not there; returns its id, the number of the last transaction, and the end
/// of its chain. Waits for a transaction of the same handle that is not over.
fn lock_writer(client: &mut Client, writer: &Writer) -> PgResult<(i64, i64, Head)> {
    if !writer.exists {
        client.execute_typed(INSERT_WRITER, typed![writer.name => TEXT])?;
    }
    let row = client.query_typed_one(LOCK_WRITER, typed![writer.name => TEXT])?;
    let head = Head { writer: writer.name.clone(), seq: uint(row.try_get(2)?), hash: row.try_get(3)? };
    Ok((row.try_get(0)?, row.try_get(1)?, head))
}
