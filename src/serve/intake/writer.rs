//! What writes tokens down. While one transaction is committed, others queue up, and the next one takes all of them: many
//! small requests cost as much as one.

use std::collections::{BTreeMap, HashSet};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::item::Item;
use crate::finding::Confidence;
use crate::ledger::{Decision, Ledger, LedgerAddress, LedgerError, TokenRecord};
use crate::revocation::State;
use crate::revoke;
use crate::serve::pool::{LOCK_TIMEOUT, Unanswered, answered, handle_of};
use crate::token::Fingerprint;

/// How many requests may wait to be written.
const WAITING: usize = 1024;

/// How many tokens go into a transaction before the next one is begun.
const GROUP_LEN: usize = 5_000;

/// How an intake's decisions are told from those of a user.
const CONSENT: &str = "intake";

/// What became of a token that was to be queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// It waits since now.
    Queued,
    /// It was known, whatever its state.
    Known,
    /// Its row is damaged, and what it was is not known any more.
    Damaged,
}

/// The answer to a request: in the order of its items.
type Answer = Result<Vec<Written>, LedgerError>;

struct Submission {
    items: Vec<Item>,
    reply: oneshot::Sender<Answer>,
}

/// The threads that write. A clone hands over to the same ones.
#[derive(Clone)]
pub(super) struct Writer(SyncSender<Submission>);

impl Writer {
    /// So many threads, which end when nobody can hand over anything any more. `run` is the id of this server in the trail.
    pub(super) fn new(address: &LedgerAddress, threads: usize, run: &str) -> Self {
        let (submissions, waiting) = sync_channel(WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let (waiting, address, run) = (Arc::clone(&waiting), address.clone(), run.to_owned());
            thread::spawn(move || write_all(&waiting, &address, &run));
        }
        Writer(submissions)
    }

    /// Writes tokens down, and comes back when that is committed.
    pub(super) async fn write(&self, items: Vec<Item>) -> Result<Vec<Written>, Unanswered> {
        let (reply, answer) = oneshot::channel();
        if self.0.try_send(Submission { items, reply }).is_err() {
            return Err(Unanswered::Busy);
        }
        answered(answer).await
    }
}

fn write_all(waiting: &Mutex<Receiver<Submission>>, address: &LedgerAddress, run: &str) {
    let mut handle = None;
    while let Some(submissions) = next_group(waiting) {
        let committed =
            handle_of(&mut handle, address, LOCK_TIMEOUT).map(|ledger| commit_all(ledger, run, &submissions));
        let answers = match committed {
            Ok(answers) => answers,
            Err(error) => failed(error, submissions.len()),
        };
        if answers.iter().any(Result::is_err) {
            handle = None;
        }
        for (submission, answer) in submissions.into_iter().zip(answers) {
            // Whoever asked may be gone. It is written down all the same.
            let _ = submission.reply.send(answer);
        }
    }
}

/// What waits to be written, at least one; none when nothing can come any more.
fn next_group(waiting: &Mutex<Receiver<Submission>>) -> Option<Vec<Submission>> {
    let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let first = waiting.recv().ok()?;
    let mut tokens = first.items.len();
    let mut group = vec![first];
    while tokens < GROUP_LEN {
        let Ok(next) = waiting.try_recv() else { break };
        tokens += next.items.len();
        group.push(next);
    }
    Some(group)
}

/// The same trouble for each of them. The first gets the error itself, the others what it says.
fn failed(error: LedgerError, submissions: usize) -> Vec<Answer> {
    let (may_pass, detail) = (error.may_pass(), error.to_string());
    let mut first = Some(error);
    (0..submissions)
        .map(|_| {
            Err(first.take().unwrap_or_else(|| {
                let (ledger, detail) = (String::new(), detail.clone());
                if may_pass {
                    LedgerError::Unreachable { ledger, detail }
                } else {
                    LedgerError::Backend { ledger, detail }
                }
            }))
        })
        .collect()
}

/// An item's place: its submission, and its index there.
type Place = (usize, usize);

/// Writes every group of items that one decision covers. What fails is told to those who have a part in it; writing it again
/// changes nothing.
fn commit_all(ledger: &mut dyn Ledger, run: &str, submissions: &[Submission]) -> Vec<Answer> {
    let mut groups: BTreeMap<(&str, &str, bool), Vec<Place>> = BTreeMap::new();
    for (number, submission) in submissions.iter().enumerate() {
        for (index, item) in submission.items.iter().enumerate() {
            groups.entry((&item.host, &item.by, item.is_open())).or_default().push((number, index));
        }
    }
    let blank = |submission: &Submission| Ok(vec![Written::Known; submission.items.len()]);
    let mut answers: Vec<Answer> = submissions.iter().map(blank).collect();
    for ((host, by, is_open), places) in groups {
        let items: Vec<&Item> =
            places.iter().map(|(number, index)| &submissions[*number].items[*index]).collect();
        let decision = Decision {
            by: by.to_owned(),
            run: run.to_owned(),
            consent: CONSENT.to_owned(),
            min_confidence: items.iter().map(|item| item.confidence).min().unwrap_or(Confidence::Certain),
            allow_own: false,
        };
        let decision = if is_open { decision } else { decision.unopened() };
        match commit(ledger, host, &decision, &items) {
            Ok(written) => {
                for ((number, index), written) in places.into_iter().zip(written) {
                    if let Ok(answer) = &mut answers[number] {
                        answer[index] = written;
                    }
                }
            }
            Err(error) => {
                let concerned: Vec<usize> = places.iter().map(|(number, _)| *number).collect();
                let concerned: Vec<usize> =
                    concerned.into_iter().collect::<HashSet<_>>().into_iter().collect();
                for (number, error) in concerned.iter().zip(failed(error, concerned.len())) {
                    answers[*number] = error;
                }
            }
        }
    }
    answers
}

/// Writes the items of one decision.
fn commit(
    ledger: &mut dyn Ledger,
    host: &str,
    decision: &Decision,
    items: &[&Item],
) -> Result<Vec<Written>, LedgerError> {
    let fingerprints: Vec<Fingerprint> = items.iter().map(|item| item.fingerprint()).collect();
    let before = ledger.tokens(host, &fingerprints)?;
    let sealer = ledger.sealer(host)?;
    let entries = items.iter().map(|item| item.entry(&sealer));
    let enqueued = revoke::enqueue(ledger, host, decision, entries, &Timestamp::now)?;
    let after = if enqueued.damaged > 0 { Some(ledger.tokens(host, &fingerprints)?) } else { None };
    let mut seen = HashSet::new();
    let is_there = |index: usize| after.as_ref().is_none_or(|after| after[index].is_some());
    Ok((fingerprints.iter().zip(before).enumerate())
        .map(|(index, (fingerprint, before))| {
            let again = !seen.insert(*fingerprint);
            if !is_there(index) {
                Written::Damaged
            } else if again || before.is_some_and(|record| is_known(&record)) {
                Written::Known
            } else {
                Written::Queued
            }
        })
        .collect())
}

/// Whether queueing a token changes nothing: it waits, or was accepted. What was set aside is queued by it.
fn is_known(record: &TokenRecord) -> bool {
    record.state.pending() || !record.state.may_become(State::Queued)
}

#[cfg(test)]
mod tests;
