//! Whether the hash chains of a trail hold, and nothing is missing at their ends.

use std::collections::BTreeMap;

use serde_json::Value;

use super::merge::time_of;
use super::walk;
use crate::ledger::Ledger;
use crate::ledger::audit::{BrokenTrail, Head, Verifier};
use crate::ledger::error::LedgerError;

/// Why a trail could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum TrailError {
    /// Its hash chain does not hold.
    #[error(transparent)]
    Broken(#[from] BrokenTrail),
    /// The chain of a writer does not hold.
    #[error("in the chain of {writer}, {broken}")]
    BrokenChain {
        /// Whose chain it is.
        writer: String,
        /// Where it breaks, and how.
        broken: BrokenTrail,
    },
    /// It is not the trail that somebody noted the head of.
    #[error(
        "the audit trail does not hold record {expected}: {found}. Records were taken out or written anew since that head was \
         noted; look for a copy of the ledger, and do not trust this one"
    )]
    NotExpected {
        /// The head that was noted.
        expected: Head,
        /// What is there instead.
        found: String,
    },
    /// It could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// A trail that holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many records it has.
    pub records: u64,
    /// The end of each chain.
    pub heads: Vec<Head>,
    /// The record that was written last, of all chains.
    pub last: Head,
}

/// Checks the whole trail: every hash, every link, and that nothing is missing at its end.
///
/// # Errors
/// [`TrailError::Broken`] names the first record that does not hold.
pub fn verify(ledger: &dyn Ledger) -> Result<Verified, TrailError> {
    verify_with(ledger, None)
}

/// Checks the whole trail: every hash, every link, that nothing is missing at the end of a chain, that the chains hold what others
/// noted of them, and that it holds the record that was its head once, where one is `expected`.
///
/// # Errors
/// As [`verify`], and [`TrailError::NotExpected`].
pub fn verify_with(ledger: &dyn Ledger, expected: Option<&Head>) -> Result<Verified, TrailError> {
    // Read first: records that others append meanwhile come after these.
    let heads = match ledger.chains() {
        Ok(heads) => heads,
        Err(error) => return Err(first_broken(ledger, error)),
    };
    let mut notes = Notes::default();
    if let Some(expected) = expected {
        notes.expect(expected);
    }
    let (mut verified, mut latest) = (Verified::default(), String::new());
    for head in &heads {
        let (end, at) =
            verify_chain(ledger, head, &mut notes).map_err(|error| error.in_chain(&head.writer))?;
        verified.records += end.seq;
        if at >= latest {
            (verified.last, latest) = (end.clone(), at);
        }
        verified.heads.push(end);
    }
    match (notes.missing(), expected) {
        (Some((head, found)), Some(expected)) if head == *expected => {
            Err(TrailError::NotExpected { expected: head, found })
        }
        (Some((head, _)), _) => {
            let broken =
                BrokenTrail { seq: head.seq, reason: "another chain noted a record that is not in it" };
            Err(TrailError::BrokenChain { writer: head.writer, broken })
        }
        (None, _) => Ok(verified),
    }
}

impl TrailError {
    /// The same, with the name of the chain where there are several.
    fn in_chain(self, writer: &str) -> Self {
        match self {
            TrailError::Broken(broken) if !writer.is_empty() => {
                TrailError::BrokenChain { writer: writer.to_owned(), broken }
            }
            other => other,
        }
    }
}

/// Walks one chain; returns its last record, and when that was written.
fn verify_chain(ledger: &dyn Ledger, head: &Head, notes: &mut Notes) -> Result<(Head, String), TrailError> {
    let mut last = String::new();
    let mut verifier = Verifier::of_writer(&head.writer);
    walk(ledger, &head.writer, 0, |line| {
        if verifier.head().seq == head.seq {
            verifier.ends_at(head)?;
        }
        verifier.check(line)?;
        notes.see(verifier.head(), line);
        line.clone_into(&mut last);
        Ok::<_, TrailError>(())
    })?;
    if verifier.head().seq <= head.seq {
        verifier.ends_at(head)?;
    }
    notes.ends.insert(head.writer.clone(), verifier.head().seq);
    Ok((verifier.head().clone(), time_of(&last)))
}

/// Records that somebody noted: in other chains, or elsewhere.
#[derive(Default)]
struct Notes {
    /// By writer and number: the hash that was noted, and what was found there.
    noted: BTreeMap<(String, u64), (String, Option<String>)>,
    /// Records that were passed before they were noted.
    seen: BTreeMap<(String, u64), String>,
    /// The last record of each chain.
    ends: BTreeMap<String, u64>,
}

impl Notes {
    fn expect(&mut self, head: &Head) {
        self.noted.entry((head.writer.clone(), head.seq)).or_insert((head.hash.clone(), None));
    }

    /// Takes note of a record, and of those that it notes.
    fn see(&mut self, head: &Head, line: &str) {
        let key = (head.writer.clone(), head.seq);
        if let Some((_, found)) = self.noted.get_mut(&key) {
            *found = Some(head.hash.clone());
        }
        if !head.writer.is_empty() {
            self.seen.insert(key, head.hash.clone());
            for (writer, seq, hash) in anchors(line) {
                let found = self.seen.get(&(writer.clone(), seq)).cloned();
                self.noted.entry((writer, seq)).or_insert((hash, found));
            }
        }
    }

    /// The first note that no record answers to, and what is there instead.
    fn missing(&self) -> Option<(Head, String)> {
        self.noted.iter().find_map(|((writer, seq), (hash, found))| {
            let head = || Head { writer: writer.clone(), seq: *seq, hash: hash.clone() };
            match found {
                // Before the first record there is nothing to be there.
                _ if *seq == 0 => None,
                Some(found) if found == hash => None,
                Some(found) => Some((head(), format!("that record has the hash {found}"))),
                None => {
                    let end = self.ends.get(writer).copied().unwrap_or_default();
                    Some((head(), format!("it ends with record {end}")))
                }
            }
        })
    }
}

/// The ends of other chains that a record holds.
fn anchors(line: &str) -> Vec<(String, u64, String)> {
    if !line.contains("\"event\":\"anchor\"") {
        return Vec::new();
    }
    let record: Option<Value> = serde_json::from_str(line).ok();
    let heads = record.as_ref().and_then(|record| record.get("heads")).and_then(Value::as_object);
    let head = |(writer, head): (&String, &Value)| {
        let (seq, hash) = head.as_str()?.split_once(':')?;
        Some((writer.clone(), seq.parse().ok()?, hash.to_owned()))
    };
    heads.into_iter().flatten().filter_map(head).collect()
}

/// Where a trail that does not end with its head breaks: inside, or at its end.
fn first_broken(ledger: &dyn Ledger, error: LedgerError) -> TrailError {
    let mut verifier = Verifier::default();
    match walk(ledger, "", 0, |line| verifier.check(line).map_err(TrailError::from)) {
        Ok(()) if matches!(error, LedgerError::Damaged { .. }) && ledger.head().is_err() => {
            verifier.no_end().into()
        }
        Ok(()) => error.into(),
        Err(broken) => broken,
    }
}
