//! What two ledgers may number differently, and how their results are compared nevertheless.

use std::collections::HashMap;

use serde_json::Value;

use crate::ledger::{Attempt, BatchId, Intent, ListedToken, Next, WaitingToken};

/// Which batch of a durable ledger is which one of the reference.
#[derive(Clone, Default)]
pub(in crate::ledger) struct Numbers {
    /// Whether both give the same numbers.
    exact: bool,
    durable: HashMap<u64, u64>,
    model: HashMap<u64, u64>,
}

impl Numbers {
    pub(in crate::ledger) fn new(exact: bool) -> Self {
        Numbers { exact, ..Numbers::default() }
    }

    /// The durable ledger's number of a batch.
    pub(in crate::ledger) fn durable(&self, BatchId(batch): BatchId) -> BatchId {
        BatchId(*self.durable.get(&batch).unwrap_or(&batch))
    }

    /// Both ledgers let the same leave; what the durable one says comes back under the reference's numbers.
    pub(in crate::ledger) fn compare(&mut self, durable: Next, model: &Next) -> Result<(), String> {
        let durable = match (durable, model) {
            (Next::Send(one), Next::Send(two)) => Next::Send(self.renumbered(one, two)),
            (Next::SendEach(ones), Next::SendEach(twos)) if ones.len() == twos.len() => {
                let pairs = ones.into_iter().zip(twos);
                Next::SendEach(pairs.map(|(one, two)| self.renumbered(one, two)).collect())
            }
            (other, _) => other,
        };
        if durable == *model { Ok(()) } else { Err(format!("{durable:?} instead of {model:?}")) }
    }

    fn renumbered(&mut self, durable: Intent, model: &Intent) -> Intent {
        if self.exact {
            return durable;
        }
        self.durable.insert(model.batch.0, durable.batch.0);
        self.model.insert(durable.batch.0, model.batch.0);
        Intent { batch: model.batch, ..durable }
    }

    fn model(&self, batch: u64) -> u64 {
        *self.model.get(&batch).unwrap_or(&batch)
    }

    /// Attempts under the reference's numbers.
    pub(in crate::ledger) fn attempts(&self, attempts: Vec<Attempt>) -> Vec<Attempt> {
        let renumbered =
            |attempt: Attempt| Attempt { batch: BatchId(self.model(attempt.batch.0)), ..attempt };
        attempts.into_iter().map(renumbered).collect()
    }

    /// Tokens without their numbers, where these differ.
    pub(in crate::ledger) fn listed(&self, tokens: Vec<ListedToken>) -> Vec<ListedToken> {
        let number = |token: &ListedToken| if self.exact { token.number } else { 0 };
        tokens.into_iter().map(|token| ListedToken { number: number(&token), ..token }).collect()
    }

    /// The same for those that wait.
    pub(in crate::ledger) fn waiting(&self, tokens: &[WaitingToken]) -> Vec<WaitingToken> {
        let number = |token: &WaitingToken| if self.exact { token.number } else { 0 };
        tokens.iter().map(|token| WaitingToken { number: number(token), ..token.clone() }).collect()
    }

    /// What the durable ledger's trail tells, whoever wrote it down: the events in some order, without what links them and
    /// what only chains of several writers have to tell.
    pub(in crate::ledger) fn events(&self, lines: &[String]) -> Vec<String> {
        events(lines, |batch| self.model(batch))
    }
}

/// The same of the reference's trail.
pub(in crate::ledger) fn events_of_reference(lines: &[String]) -> Vec<String> {
    events(lines, |batch| batch)
}

fn events(lines: &[String], renumbered: impl Fn(u64) -> u64) -> Vec<String> {
    let records = lines.iter().map(|line| match serde_json::from_str(line) {
        Ok(Value::Object(record)) => record,
        _ => panic!("a record is no object"),
    });
    let told = records.filter(|record| record["event"] != "anchor");
    let mut told: Vec<String> = told
        .map(|mut record| {
            for link in ["seq", "prev", "hash", "writer"] {
                record.remove(link);
            }
            for name in ["batch", "first_batch", "last_batch"] {
                if let Some(batch) = record.get(name).and_then(Value::as_u64) {
                    record.insert(name.to_owned(), renumbered(batch).into());
                }
            }
            Value::Object(record).to_string()
        })
        .collect();
    told.sort();
    told
}
