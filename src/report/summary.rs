//! The counts of a run.

use std::time::Duration;

use serde::Serialize;

use crate::blob::{Fault, FaultKind};
use crate::finding::{Confidence, Finding, SetBy, Suppression};
use crate::meter::Reading;

/// What was looked at, what was found, what could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Files looked into.
    pub files: u64,
    /// Git objects looked into.
    pub objects: u64,
    /// Commits among them.
    pub commits: u64,
    /// Bytes looked through.
    pub bytes: u64,
    /// Certain and likely findings that are not suppressed and not below the confidence asked for.
    pub findings: u64,
    /// The certain ones among all findings.
    pub certain: u64,
    /// The likely ones.
    pub likely: u64,
    /// Placeholders.
    pub lookalikes: u64,
    /// Certain and likely findings that something silenced.
    pub suppressed: u64,
    /// Those among them that only something in the scanned tree silenced: its ignore file, its allowlists, its comments.
    pub suppressed_by_tree: u64,
    /// Places that could not be read, or not wholly.
    pub unreadable: u64,
    /// Places that a limit cut short.
    pub cut_short: u64,
    /// Files passed over for their size, as `--max-file-size` asks.
    pub too_large: u64,
    /// Whether a history was incomplete.
    pub shallow: bool,
    /// Milliseconds the run took.
    pub elapsed_ms: u64,
}

impl Summary {
    /// Counts up a run's outcome.
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
        let places_of =
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
            suppressed: count(&|finding| silenced(finding).is_some()),
            suppressed_by_tree: count(&|finding| {
                silenced(finding).is_some_and(|silence| silence.from == SetBy::Tree)
            }),
            unreadable: places_of(&[FaultKind::Unreadable, FaultKind::Damaged]),
            cut_short: places_of(&[FaultKind::CutShort]),
            too_large: places_of(&[FaultKind::TooLarge]),
            shallow: false,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Whether some input could not be read. What a limit cut short was left out on the user's word, and is said.
    pub fn incomplete(&self) -> bool {
        self.unreadable > 0
    }
}

/// What silences a finding that would count without.
fn silenced(finding: &Finding) -> Option<&Suppression> {
    finding.suppressed.as_ref().filter(|_| finding.confidence > Confidence::Lookalike)
}
