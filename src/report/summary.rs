//! The counts of a run.

use std::time::Duration;

use serde::Serialize;

use crate::blob::{Fault, FaultKind};
use crate::finding::{Confidence, Finding, SetBy, Suppression};
use crate::meter::Reading;

/// What was looked at, what was found, what could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Files scanned.
    pub files: u64,
    /// Git objects scanned.
    pub objects: u64,
    /// Commits among them.
    pub commits: u64,
    /// Bytes scanned.
    pub bytes: u64,
    /// Certain and likely findings that are not suppressed and not below the confidence asked for.
    pub findings: u64,
    /// Certain findings that are not suppressed, at any confidence asked for.
    pub certain: u64,
    /// Likely findings that are not suppressed.
    pub likely: u64,
    /// Lookalikes that are not suppressed.
    pub lookalikes: u64,
    /// Certain and likely findings that are suppressed.
    pub suppressed: u64,
    /// Those among them that would not be suppressed without the scanned tree's own ignore file, allowlists or comments.
    pub suppressed_by_tree: u64,
    /// Faults: files and objects that could not be read, or not wholly.
    pub unreadable: u64,
    /// Faults: what a limit cut short.
    pub cut_short: u64,
    /// Faults: files skipped because of `--max-file-size`.
    pub too_large: u64,
    /// Whether a history was incomplete.
    pub shallow: bool,
    /// Milliseconds the run took.
    pub elapsed_ms: u64,
    /// `SEQ:HASH`, the head of the ledger's audit trail after the run, if the run wrote anything down there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_head: Option<String>,
}

impl Summary {
    /// Counts the outcome of a run; findings below `least` are not counted in [`Summary::findings`].
    pub fn new(
        findings: &[Finding],
        faults: &[Fault],
        least: Confidence,
        read: Reading,
        elapsed: Duration,
    ) -> Self {
        let count =
            |test: &dyn Fn(&Finding) -> bool| findings.iter().filter(|finding| test(finding)).count() as u64;
        let of =
            |level: Confidence| count(&|finding| finding.confidence == level && finding.suppressed.is_none());
        let faults_of =
            |kinds: &[FaultKind]| faults.iter().filter(|fault| kinds.contains(&fault.kind)).count() as u64;
        Summary {
            files: read.files,
            objects: read.objects,
            commits: read.commits,
            bytes: read.bytes,
            findings: count(&|finding| finding.counts() && finding.confidence >= least),
            certain: of(Confidence::Certain),
            likely: of(Confidence::Likely),
            lookalikes: of(Confidence::Lookalike),
            suppressed: count(&|finding| suppression(finding).is_some()),
            suppressed_by_tree: count(&|finding| {
                suppression(finding).is_some_and(|suppression| suppression.set_by == SetBy::Tree)
            }),
            unreadable: faults_of(&[FaultKind::Unreadable, FaultKind::Damaged]),
            cut_short: faults_of(&[FaultKind::CutShort]),
            too_large: faults_of(&[FaultKind::TooLarge]),
            shallow: false,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            audit_head: None,
        }
    }

    /// Whether some input could not be read, or not wholly: what a limit cut short included.
    pub fn incomplete(&self) -> bool {
        self.unreadable > 0 || self.cut_short > 0
    }
}

/// What suppresses a finding that would count otherwise.
fn suppression(finding: &Finding) -> Option<&Suppression> {
    finding.suppressed.as_deref().filter(|_| finding.confidence > Confidence::Lookalike)
}
