//! What a ledger knows of findings and queues. Where there is no ledger, none is made.

use std::collections::HashMap;

use super::left_waiting::LeftWaiting;
use super::revoke_target::RevokeTarget;
use crate::finding::Finding;
use crate::ledger::{self, Ledger, LedgerError, TokenRecord};
use crate::policy::Known;
use crate::revocation::Revocation;
use crate::settings::ConnectionSettings;
use crate::token::Fingerprint;

/// How many tokens are looked up at a time: a million records are not needed at once.
const PAGE_LEN: usize = 10_000;

/// The ledger of a connection, opened for each question.
pub(super) struct LedgerLookup<'a> {
    pub(super) connection: &'a ConnectionSettings,
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
            let records = ledger.tokens(&target.api_base, &tokens)?;
            for (finding, record) in page.iter_mut().zip(records) {
                finding.revocation = record.map(revocation);
            }
        }
        Ok(())
    }

    /// What waits at any host; but for what a run that is not dry would take out of the queue.
    pub(super) fn left(&self, kept_back: &HashMap<String, u64>) -> Result<Vec<LeftWaiting>, LedgerError> {
        let Some(ledger) = self.existing()? else { return Ok(Vec::new()) };
        let left = LeftWaiting::read(ledger.as_ref(), self.connection)?;
        Ok(LeftWaiting::without(left, kept_back))
    }
}

/// What a ledger knows of what was found for a host.
pub(super) fn known(
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

fn revocation(record: TokenRecord) -> Revocation {
    let TokenRecord { state, at, request_id, grants, .. } = record;
    Revocation { state, at, request_id: request_id.map(Into::into), grants: grants.map(Box::new) }
}
