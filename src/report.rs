//! Reports of a run. Each format has its file; every one is given the same [`Report`] and writes it to any writer.

mod csv;
mod csv_table;
mod format;
mod github;
mod gitlab;
mod grouping;
mod html;
mod json;
mod junit;
mod labels;
mod pretty;
mod sarif;
mod step_summary;
mod summary;

use jiff::Timestamp;

use crate::blob::{Fault, FaultKind, LocationKind, STDIN};
use crate::detect::Custom;
use crate::finding::{Confidence, Finding, Location};
use crate::rule::Rules;

pub use csv_table::CsvTable;
pub use format::{Format, render};
pub use step_summary::step_summary;
pub use summary::Summary;

/// The escape sequences that a terminal gets and a file does not: empty where there is no colour.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    /// Before a certain finding.
    pub certain: String,
    /// Before a likely one.
    pub likely: String,
    /// Before a path.
    pub path: String,
    /// Before what matters less.
    pub faint: String,
    /// Before what matters more.
    pub strong: String,
    /// After each of them.
    pub reset: String,
}

/// All that a report contains.
pub struct Report<'a> {
    /// The findings, in report order.
    pub findings: &'a [Finding],
    /// What could not be read.
    pub faults: &'a [Fault],
    /// The counts.
    pub summary: &'a Summary,
    /// The rules in force: their descriptions.
    pub rules: &'a Rules,
    /// The configuration's own rules.
    pub custom: &'a Custom,
    /// The scanned root relative to the working directory, ending in `/`, or empty: in front of a location's path, it
    /// makes one that code hosts know. Reports for people and JSON do without it.
    pub base: &'a str,
    /// When the run started and ended.
    pub time: (Timestamp, Timestamp),
    /// Whether tokens are printed whole.
    pub show_secrets: bool,
    /// The confidence that was asked for. Only `Certain` leaves findings out: lookalikes stay as notes at the default.
    pub min_confidence: Confidence,
}

impl Report<'_> {
    /// The findings that are shown: all, but only the certain ones where certainty was asked for. Lookalikes are notes.
    fn shown(&self) -> impl Iterator<Item = &Finding> {
        let least = match self.min_confidence {
            Confidence::Certain => Confidence::Certain,
            Confidence::Likely | Confidence::Lookalike => Confidence::Lookalike,
        };
        self.findings.iter().filter(move |finding| finding.confidence >= least)
    }

    /// What should have been read and was not, or not wholly; what a setting leaves out is none of it.
    fn unread(&self) -> impl Iterator<Item = &Fault> {
        let intended =
            |kind| matches!(kind, FaultKind::TooLarge | FaultKind::PassedOver | FaultKind::History);
        self.faults.iter().filter(move |fault| !intended(fault.kind))
    }

    /// The description of the rule that found it.
    fn description<'f>(&'f self, finding: &'f Finding) -> &'f str {
        let built_in = self.rules.iter().find(|rule| rule.id == finding.rule).map(|rule| rule.description);
        let custom = || self.custom.rules().iter().find(|rule| rule.id == finding.rule);
        built_in.or_else(|| custom().map(|rule| &*rule.description)).unwrap_or(&finding.rule)
    }

    /// A location's path from the working directory: what editors, code hosts and people there call the file.
    fn path(&self, location: &Location) -> String {
        match &location.details().root {
            // A commit's message is in no file, and a ref below no directory.
            _ if location.path.is_empty() || location.kind == LocationKind::RefName => {
                location.path.to_string()
            }
            Some(root) => match root.trim_start_matches("./").trim_end_matches('/') {
                "" | "." => location.path.to_string(),
                root => format!("{root}/{}", location.path),
            },
            None if *location.path == *STDIN || location.path.starts_with('/') => location.path.to_string(),
            None => format!("{}{}", self.base, location.path),
        }
    }

    /// The token as this report may print it.
    #[expect(
        clippy::disallowed_methods,
        reason = "--show-secrets is the user's word that the report may hold secrets"
    )]
    fn token(&self, finding: &Finding) -> String {
        if self.show_secrets { finding.token.reveal().to_owned() } else { finding.token.redacted() }
    }
}

#[cfg(test)]
mod tests;
