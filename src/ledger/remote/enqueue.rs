//! Handing tokens to an intake, or keeping them on this machine until it is back.

use std::cell::Cell;

use super::answer::{Away, Failure};
use super::deliver::reasons;
use super::error::IntakeFault;
use super::lines::{self, Lines};
use super::{RemoteLedger, Spooled};
use crate::ledger::decision::Decision;
use crate::ledger::entry::{Enqueued, Entry};
use crate::ledger::error::LedgerError;
use crate::ledger::time::Now;
use crate::ledger::wire::{RefusedLine, TokenLine};
use crate::revocation::State;

/// What became of the lines until now.
#[derive(Default)]
struct Progress {
    enqueued: Enqueued,
    refused: Vec<RefusedLine>,
    /// How the intake is away: what is left is not even tried.
    away: Option<Away>,
}

/// Hands over what is to be queued, request by request. What is set aside is only counted: an intake has no word for it.
pub(super) fn enqueue(
    ledger: &mut RemoteLedger,
    (host, decision): (&str, &Decision),
    entries: &mut dyn Iterator<Item = Entry>,
    now: Now<'_>,
) -> Result<Enqueued, LedgerError> {
    let (aside, unwritable) = (Cell::new(0), Cell::new(None));
    let to_be_queued = entries.filter(|entry| {
        let is_queued = entry.state == State::Queued;
        aside.set(aside.get() + u64::from(!is_queued));
        is_queued
    });
    let lines = to_be_queued.map_while(|entry| {
        let line = serde_json::to_string(&lines::line(host, decision, &entry));
        line.map_err(|error| unwritable.set(Some(error))).ok()
    });
    let (mut lines, mut progress) = (lines.peekable(), Progress::default());
    while let Some(batch) = lines::next(&mut lines) {
        hand_over(ledger, &batch, &mut progress, now)?;
    }
    drop(lines);
    let Progress { mut enqueued, refused, .. } = progress;
    enqueued.aside = aside.get();
    let intake = ledger.client.intake().to_owned();
    if let Some(error) = unwritable.take() {
        return Err(LedgerError::Backend { ledger: intake, detail: error.to_string() });
    }
    if refused.is_empty() {
        return Ok(enqueued);
    }
    let (tokens, reasons) = (refused.len() as u64, reasons(&refused));
    Err(IntakeFault::LinesRefused { intake, tokens, reasons }.into())
}

/// Hands over the lines of one request, or keeps them on this machine.
fn hand_over(
    ledger: &mut RemoteLedger,
    batch: &Lines,
    progress: &mut Progress,
    now: Now<'_>,
) -> Result<(), LedgerError> {
    let posted = match &progress.away {
        Some(away) => Err(Failure::Away(away.clone())),
        None => ledger.client.post(&batch.text),
    };
    match posted {
        Ok(taken) => {
            progress.enqueued.queued += taken.accepted;
            progress.enqueued.waiting += taken.known;
            progress.refused.extend(taken.refused);
            Ok(())
        }
        Err(Failure::Final(error)) => Err(error),
        Err(Failure::Away(away)) => {
            keep(ledger, batch, &away, now)?;
            progress.away = Some(away);
            Ok(())
        }
    }
}

/// Keeps lines on this machine, but for those that wait here already.
fn keep(ledger: &mut RemoteLedger, batch: &Lines, away: &Away, now: Now<'_>) -> Result<(), LedgerError> {
    let not_spooled = |why: String| {
        let (intake, detail) = (ledger.client.intake().to_owned(), away.detail.clone());
        LedgerError::from(IntakeFault::NotSpooled { intake, detail, why })
    };
    let Some(spool) = &ledger.spool else { return Err(not_spooled(LedgerError::NoHome.to_string())) };
    let spooled = match &mut ledger.spooled {
        Some(spooled) => spooled,
        none => {
            ledger.waited = spool.tokens().map_err(|error| not_spooled(error.to_string()))?;
            let (directory, why) = (spool.directory().to_owned(), away.detail.clone());
            none.insert(Spooled { tokens: 0, directory, why })
        }
    };
    let mut new = Lines::default();
    for line in batch.text.lines() {
        let TokenLine { host, sha256, .. } = serde_json::from_str(line).unwrap_or_default();
        if ledger.waited.insert((host.unwrap_or_default(), sha256.unwrap_or_default())) {
            new.text.push_str(line);
            new.text.push('\n');
            new.count += 1;
        }
    }
    if new.count > 0 {
        spool.add(&new, now()).map_err(|error| not_spooled(error.to_string()))?;
    }
    spooled.tokens += batch.count;
    Ok(())
}
