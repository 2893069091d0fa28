//! What has become of findings and queues when a revoking run is over, as the ledger has it.

use std::collections::HashMap;

use jiff::Timestamp;

use super::host_summary::HostSummary;
use super::ledger_lookup::LedgerLookup;
use super::left_waiting::LeftWaiting;
use super::revoke_target::RevokeTarget;
use crate::finding::{Confidence, Finding};
use crate::revocation::{Revocation, State};
use crate::token::Fingerprint;

/// What a run knows besides.
pub(super) struct AfterRun<'a> {
    pub(super) lookup: LedgerLookup<'a>,
    pub(super) targets: &'a [RevokeTarget],
    /// How many tokens at each host a run that is not dry would take out of the queue.
    pub(super) kept_back: HashMap<String, u64>,
    /// What it has set aside where no ledger keeps that.
    pub(super) set_aside: HashMap<Fingerprint, State>,
}

impl AfterRun<'_> {
    /// Reads from the ledger what became of the findings and of the queues, and writes the former on the findings. What was
    /// done before the ledger failed is reported all the same.
    pub(super) fn read(
        &self,
        summaries: Vec<HostSummary>,
        findings: &mut [Finding],
        counted: Confidence,
    ) -> (Vec<HostSummary>, Vec<LeftWaiting>) {
        let (mut hosts, mut left) = (Vec::new(), Vec::new());
        for (target, mut summary) in self.targets.iter().zip(summaries) {
            if let Err(error) = self.lookup.write_revocations(target, findings) {
                summary.fail(error);
            }
            self.write_set_aside(findings);
            summary.count_findings(target.eligible(findings, counted));
            hosts.push(summary);
        }
        match self.lookup.left(&self.kept_back) {
            Ok(waiting) => left = waiting,
            Err(error) => {
                if let Some(summary) = hosts.first_mut() {
                    summary.fail(error);
                }
            }
        }
        (hosts, left)
    }

    fn write_set_aside(&self, findings: &mut [Finding]) {
        for finding in findings.iter_mut().filter(|finding| finding.revocation.is_none()) {
            if let Some(state) = self.set_aside.get(&finding.token.fingerprint()) {
                let (state, at) = (*state, Timestamp::now());
                finding.revocation = Some(Revocation { state, at, request_id: None, grants: None });
            }
        }
    }
}
