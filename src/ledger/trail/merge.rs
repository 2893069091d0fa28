//! All chains of a trail as one, by the time of their records.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use serde_json::Value;

use super::{TRAIL_PAGE, walk};
use crate::ledger::Ledger;
use crate::ledger::error::LedgerError;

/// How many records of each of many chains are read at a time.
const SHORT_PAGE: usize = 16;

/// Calls `visit` with every record of the trail as a JSON line, oldest first.
///
/// # Errors
/// As [`export_since`].
pub fn export<E: From<LedgerError>>(
    ledger: &dyn Ledger,
    visit: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    export_since(ledger, 0, visit)
}

/// Calls `visit` with every record of the trail behind number `since` of its chain as a JSON line, oldest first.
///
/// # Errors
/// The first error of the ledger or of `visit`, which ends the export.
pub fn export_since<E: From<LedgerError>>(
    ledger: &dyn Ledger,
    since: u64,
    mut visit: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    // A file has one chain, which is read as it is, though its end be lost.
    let heads = match ledger.chains() {
        Ok(heads) if heads.iter().any(|head| !head.writer.is_empty()) => heads,
        _ => return walk(ledger, "", since, visit),
    };
    let page_len = if heads.len() > TRAIL_PAGE { SHORT_PAGE } else { TRAIL_PAGE };
    let mut chains: Vec<Chain> = heads.into_iter().map(|head| Chain::new(head.writer, since)).collect();
    let mut next = BinaryHeap::new();
    for (index, chain) in chains.iter_mut().enumerate() {
        if let Some(at) = chain.peek(ledger, page_len)? {
            next.push(Reverse((at, index)));
        }
    }
    while let Some(Reverse((_, index))) = next.pop() {
        let chain = &mut chains[index];
        if let Some(line) = chain.page.pop_front() {
            visit(&line)?;
        }
        if let Some(at) = chain.peek(ledger, page_len)? {
            next.push(Reverse((at, index)));
        }
    }
    Ok(())
}

/// A chain, and how far it was read.
struct Chain {
    writer: String,
    after: u64,
    page: VecDeque<String>,
    is_over: bool,
}

impl Chain {
    fn new(writer: String, since: u64) -> Self {
        Chain { writer, after: since, page: VecDeque::new(), is_over: false }
    }

    /// The time of its next record, if there is one.
    fn peek(&mut self, ledger: &dyn Ledger, page_len: usize) -> Result<Option<String>, LedgerError> {
        if self.page.is_empty() && !self.is_over {
            let page = ledger.trail(&self.writer, self.after, page_len)?;
            self.is_over = page.len() < page_len;
            self.after += page.len() as u64;
            self.page = page.into();
        }
        Ok(self.page.front().map(|line| time_of(line)))
    }
}

/// When a record was written. Times have as many digits as they need, and no more: padded, they are ordered as texts.
pub(super) fn time_of(line: &str) -> String {
    let record: Option<Value> = serde_json::from_str(line).ok();
    let at = record.as_ref().and_then(|record| record.get("at")).and_then(Value::as_str).unwrap_or_default();
    let (seconds, rest) = at.trim_end_matches('Z').split_once('.').unwrap_or((at.trim_end_matches('Z'), ""));
    format!("{seconds}.{rest:0<9}")
}
