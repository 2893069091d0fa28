//! The counts of a run.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;

use super::Sweep;
use crate::blob::{Fault, FaultKind};
use crate::finding::{Confidence, Finding, SetBy, Suppression};
use crate::meter::Reading;
use crate::shard::Shard;
use crate::text::grouped;

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
    /// Findings that are not suppressed and not below the confidence asked for.
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
    /// Faults: files and objects that could not be read, or not wholly; those that were seen as bytes only among them.
    pub unreadable: u64,
    /// Faults: what a limit cut short.
    pub cut_short: u64,
    /// Faults: files skipped because of `--max-file-size`.
    pub too_large: u64,
    /// Faults: histories of git repositories that were seen and not looked into.
    pub histories: u64,
    /// Faults: what was recognised and cannot be read, of which only the bytes were seen.
    pub bytes_only: u64,
    /// What that is, in a word each.
    #[serde(skip)]
    pub bytes_only_words: BTreeSet<&'static str>,
    /// Which share of the work was done, where it was not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// What the other shards were told, too.
    #[serde(skip)]
    pub sweep: Sweep,
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
        let bytes_only = || {
            faults.iter().filter_map(|fault| match fault.kind {
                FaultKind::AsBytes(word) => Some(word),
                _ => None,
            })
        };
        Summary {
            files: read.files,
            objects: read.objects,
            commits: read.commits,
            bytes: read.bytes,
            findings: count(&|finding| finding.counts(least)),
            certain: of(Confidence::Certain),
            likely: of(Confidence::Likely),
            lookalikes: of(Confidence::Lookalike),
            suppressed: count(&|finding| suppression(finding, least).is_some()),
            suppressed_by_tree: count(&|finding| {
                suppression(finding, least).is_some_and(|suppression| suppression.set_by == SetBy::Tree)
            }),
            unreadable: faults_of(&[FaultKind::Unreadable, FaultKind::Damaged]) + bytes_only().count() as u64,
            cut_short: faults_of(&[FaultKind::CutShort]),
            too_large: faults_of(&[FaultKind::TooLarge]),
            histories: faults_of(&[FaultKind::History]),
            bytes_only: bytes_only().count() as u64,
            bytes_only_words: bytes_only().collect(),
            shard: None,
            sweep: Sweep::default(),
            shallow: false,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            audit_head: None,
        }
    }

    /// What was seen as bytes only, in a line: `3 seen as bytes only: RAR, encrypted`; `None` where there is none of it.
    pub fn seen_as_bytes(&self) -> Option<String> {
        let words: Vec<&str> = self.bytes_only_words.iter().copied().collect();
        let line = || format!("{} seen as bytes only: {}", grouped(self.bytes_only), words.join(", "));
        (self.bytes_only > 0).then(line)
    }

    /// Whether some input could not be read, or not wholly: what a limit cut short included.
    pub fn incomplete(&self) -> bool {
        self.unreadable > 0 || self.cut_short > 0
    }
}

impl Summary {
    /// How much was found that does not count where findings below `least` do not: `3 lookalikes, 1 suppressed`; `None`
    /// where there is none of it. A scanned tree that suppresses its own leaks is named.
    pub fn not_counted(&self, least: Confidence) -> Option<String> {
        let below = |level: Confidence, n: u64| if level < least { n } else { 0 };
        let lookalikes = below(Confidence::Lookalike, self.lookalikes);
        let likely = below(Confidence::Likely, self.likely);
        let by_tree = match self.suppressed_by_tree {
            0 => String::new(),
            some if some == self.suppressed => " by the scanned tree itself".to_owned(),
            some => format!(" ({} by the scanned tree itself)", grouped(some)),
        };
        let s = if lookalikes == 1 { "" } else { "s" };
        let parts: Vec<String> = [
            (likely, "likely".to_owned()),
            (self.suppressed, format!("suppressed{by_tree}")),
            (lookalikes, format!("lookalike{s}")),
        ]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{} {what}", grouped(n)))
        .collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// What suppresses a finding that would count otherwise.
fn suppression(finding: &Finding, least: Confidence) -> Option<&Suppression> {
    finding.suppressed.as_deref().filter(|_| finding.confidence >= least.min(Confidence::Likely))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_count_is_a_line() {
        let summary = Summary { likely: 1, lookalikes: 1500, suppressed: 3, ..Summary::default() };
        let text = |summary: &Summary, least| summary.not_counted(least).unwrap_or_default();
        assert_eq!(text(&summary, Confidence::Likely), "3 suppressed, 1,500 lookalikes");
        assert_eq!(text(&summary, Confidence::Certain), "1 likely, 3 suppressed, 1,500 lookalikes");
        assert_eq!(text(&summary, Confidence::Lookalike), "3 suppressed");
        let tree = Summary { suppressed_by_tree: 2, lookalikes: 1, ..summary };
        assert_eq!(
            text(&tree, Confidence::Likely),
            "3 suppressed (2 by the scanned tree itself), 1 lookalike"
        );
        let tree = Summary { suppressed_by_tree: 3, lookalikes: 0, ..tree };
        assert_eq!(text(&tree, Confidence::Likely), "3 suppressed by the scanned tree itself");
        assert_eq!(Summary::default().not_counted(Confidence::Likely), None);
    }

    #[test]
    fn what_was_seen_as_bytes_is_counted_and_named() {
        let fault = |kind| Fault { path: "a".to_owned(), kind, reason: "why".to_owned() };
        let kinds = ["encrypted", "RAR", "encrypted"].map(FaultKind::AsBytes);
        let faults: Vec<Fault> = kinds.into_iter().chain([FaultKind::Damaged]).map(fault).collect();
        let summary = Summary::new(&[], &faults, Confidence::Likely, Reading::default(), Duration::ZERO);
        assert_eq!((summary.bytes_only, summary.unreadable, summary.incomplete()), (3, 4, true));
        assert_eq!(summary.seen_as_bytes().as_deref(), Some("3 seen as bytes only: RAR, encrypted"));
        assert_eq!(Summary::default().seen_as_bytes(), None);
    }
}
