//! What a ledger knows of findings and queues. Where there is no ledger, none is made.

use std::collections::{HashMap, HashSet};

use super::console::{Console, count};
use super::left_waiting::LeftWaiting;
use super::queue_review::{QueueReview, ReviewContext};
use super::revoke_target::RevokeTarget;
use crate::finding::Finding;
use crate::ledger::{self, Ledger, LedgerError, TokenRecord};
use crate::policy::Known;
use crate::revocation::Revocation;
use crate::settings::ConnectionSettings;
use crate::text::printable;
use crate::token::Fingerprint;

/// How many tokens are looked up at a time: a million records are not needed at once.
const PAGE_LEN: usize = 10_000;

/// How many tokens an intake is asked about, each in a request of its own.
const MOST_QUESTIONS: usize = 300;

/// The ledger of a connection, opened for each question.
pub(super) struct LedgerLookup<'a> {
    pub(super) connection: &'a ConnectionSettings,
    /// Whether the run sends nothing, so that what others have queued is not its concern.
    pub(super) enqueue_only: bool,
    pub(super) console: &'a Console,
}

impl LedgerLookup<'_> {
    /// The ledger, if there is one.
    pub(super) fn existing(&self) -> Result<Option<Box<dyn Ledger>>, LedgerError> {
        ledger::open_existing(&self.connection.ledger)
    }

    /// Writes on each finding of a host what became of it.
    pub(super) fn write_revocations(
        &self,
        target: &RevokeTarget,
        findings: &mut [Finding],
    ) -> Result<(), LedgerError> {
        let Some(ledger) = self.existing()? else { return Ok(()) };
        let mut theirs: Vec<&mut Finding> =
            findings.iter_mut().filter(|finding| target.is_known_of(finding)).collect();
        for page in theirs.chunks_mut(PAGE_LEN) {
            let tokens: Vec<Fingerprint> = page.iter().map(|finding| finding.token.fingerprint()).collect();
            let (records, unasked) = self.records(ledger.as_ref(), &target.api_base, &tokens)?;
            for (finding, record) in page.iter_mut().zip(records) {
                finding.revocation = record.map(revocation);
            }
            if let Some(unasked) = unasked {
                unasked.print(self.console);
            }
        }
        Ok(())
    }

    /// What waits at a host and does not leave, and what is known of what was found for it. Where there is no ledger, none is
    /// made.
    pub(super) fn review(
        &self,
        target: &RevokeTarget,
        context: &ReviewContext<'_>,
    ) -> Result<(QueueReview, HashMap<Fingerprint, Known>), LedgerError> {
        let Some(ledger) = self.existing()? else { return Ok((QueueReview::default(), HashMap::new())) };
        if !self.connection.ledger.is_intake() {
            let review = QueueReview::read(ledger.as_ref(), &target.api_base, context)?;
            return Ok((review, Self::known(ledger.as_ref(), target, context.findings)?));
        }
        let theirs = context.findings.iter().filter(|finding| target.is_known_of(finding));
        let theirs = theirs.map(|finding| finding.token.fingerprint());
        let mut seen = HashSet::new();
        let tokens: Vec<Fingerprint> =
            context.unwanted().chain(theirs).filter(|token| seen.insert(*token)).collect();
        // A token that an intake was not asked about is handed over again, which changes nothing there.
        let (records, _) = self.records(ledger.as_ref(), &target.api_base, &tokens)?;
        let known = tokens.into_iter().zip(records);
        let known: HashMap<_, _> = known.filter_map(|(token, record)| Some((token, record?))).collect();
        let review = QueueReview::of_known(&known, context);
        Ok((review, known.iter().map(|(token, record)| (*token, Known::from(record))).collect()))
    }

    /// What is known of what was found for a host.
    fn known(
        ledger: &dyn Ledger,
        target: &RevokeTarget,
        findings: &[Finding],
    ) -> Result<HashMap<Fingerprint, Known>, LedgerError> {
        let mut known = HashMap::new();
        let theirs: Vec<&Finding> = findings.iter().filter(|finding| target.is_known_of(finding)).collect();
        for page in theirs.chunks(PAGE_LEN) {
            let tokens: Vec<Fingerprint> = page.iter().map(|finding| finding.token.fingerprint()).collect();
            let records = ledger.tokens(&target.api_base, &tokens)?;
            let found = tokens.into_iter().zip(records);
            known.extend(found.filter_map(|(token, record)| Some((token, Known::from(&record?)))));
        }
        Ok(known)
    }

    /// What is known of tokens, in their order. An intake is asked about some of them, for as long as it answers: that it is
    /// away must not cost anybody a report.
    fn records(
        &self,
        ledger: &dyn Ledger,
        host: &str,
        tokens: &[Fingerprint],
    ) -> Result<(Vec<Option<TokenRecord>>, Option<Unasked>), LedgerError> {
        if !self.connection.ledger.is_intake() {
            return Ok((ledger.tokens(host, tokens)?, None));
        }
        let (mut records, mut why, mut is_denied) = (Vec::new(), String::new(), false);
        for token in &tokens[..tokens.len().min(MOST_QUESTIONS)] {
            match ledger.token(host, token) {
                Ok(record) => records.push(record),
                Err(error) => {
                    // It was let in to queue: what it lacks is the role that asks.
                    is_denied = matches!(error, LedgerError::Denied { .. });
                    why = error.to_string();
                    break;
                }
            }
        }
        let unasked = (tokens.len() - records.len()) as u64;
        if why.is_empty() {
            why = format!("an intake is asked about {MOST_QUESTIONS} of them at the most");
        }
        records.resize(tokens.len(), None);
        Ok((records, (unasked > 0).then_some(Unasked { tokens: unasked, why, is_denied })))
    }

    /// What waits at any host; but for what a run that is not dry would take out of the queue, and for what others have queued
    /// where it is not this run's to send.
    pub(super) fn left(&self, kept_back: &HashMap<String, u64>) -> Result<Vec<LeftWaiting>, LedgerError> {
        let address = &self.connection.ledger;
        if self.enqueue_only && address.is_shared() && !address.is_intake() {
            return Ok(Vec::new());
        }
        let Some(ledger) = self.existing()? else { return Ok(Vec::new()) };
        let left = LeftWaiting::read(ledger.as_ref(), self.connection)?;
        Ok(LeftWaiting::without(left, kept_back))
    }
}

/// Tokens that a ledger was not asked about, or gave no answer for.
struct Unasked {
    tokens: u64,
    why: String,
    /// Whether this runner may only queue: then it is so in every run, and no fault.
    is_denied: bool,
}

impl Unasked {
    fn print(&self, console: &Console) {
        let tokens = count(self.tokens, "token");
        if self.is_denied {
            console.info(&format!(
                "what became of {tokens} cannot be asked with this bearer token: one with the roles enqueue,read may"
            ));
        } else {
            console.warn(&format!("what became of {tokens} is not in the report: {}", printable(&self.why)));
        }
    }
}

fn revocation(record: TokenRecord) -> Revocation {
    let TokenRecord { state, at, request_id, grants, .. } = record;
    Revocation { state, at, request_id: request_id.map(Into::into), grants: grants.map(Box::new) }
}
