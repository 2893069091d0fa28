//! Reports of a run. Each format has its file; every one is given the same [`Report`] and writes it to any writer.

mod covered;
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
mod merge;
mod notices;
mod overview;
mod owners;
mod pretty;
mod roots;
mod run;
mod sarif;
mod saved;
mod step_summary;
mod summary;
mod sweep;

use jiff::Timestamp;

use crate::blob::{Fault, FaultKind};
use crate::coverage::Coverage;
use crate::finding::{Confidence, Finding, Location};
use crate::rule::Rules;

pub use covered::{is_told as coverage_tells, totals as coverage_totals};
pub use csv_table::CsvTable;
pub use format::{Format, render};
pub use labels::place_in_a_line;
pub use merge::{BadMerge, Merged, Named};
pub use overview::overview;
pub use roots::{Root, Roots};
pub use run::{Ending, RuleText, Run};
pub use saved::{BadReport, SavedReport, SavedSummary};
pub use step_summary::step_summary;
pub use summary::Summary;
pub use sweep::Sweep;

/// The escape sequences that a terminal gets and a file does not: empty where there is no colour.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    /// Before a certain finding.
    pub certain: String,
    /// Before a likely one.
    pub likely: String,
    /// Before what matters less.
    pub faint: String,
    /// Before what matters more.
    pub strong: String,
    /// After each of them.
    pub reset: String,
}

/// What stands behind the findings in a report for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Closing {
    /// Nothing: only what counts was asked for.
    Nothing,
    /// What to do next. A terminal shows the counts besides.
    #[default]
    NextSteps,
    /// That, and how much does not count: a file has no terminal beside it.
    NextStepsAndCounts,
}

/// All that a report contains.
#[derive(Clone, Copy)]
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
    pub custom: &'a [RuleText],
    /// What the scanned roots are called.
    pub roots: &'a Roots,
    /// When the run started and ended.
    pub time: (Timestamp, Timestamp),
    /// How it ended.
    pub ending: Ending,
    /// What a sweep of repositories has looked at; none of any other run.
    pub coverage: Option<&'a Coverage>,
    /// Whether tokens are printed whole.
    pub show_secrets: bool,
    /// What is less sure does not count.
    pub min_confidence: Confidence,
    /// Whether what does not count is listed, too: what is suppressed, and what is less sure.
    pub show_suppressed: bool,
    /// What stands behind the findings in a report for people.
    pub closing: Closing,
}

impl<'a> Report<'a> {
    /// Whether a finding counts.
    fn counts(&self, finding: &Finding) -> bool {
        finding.counts(self.min_confidence)
    }

    /// Whether a finding that is listed at a location counts for it.
    fn counts_at(&self, finding: &Finding, location: &Location) -> bool {
        self.counts(finding) && !(self.show_suppressed && location.details().suppressed.is_some())
    }

    /// The findings that count.
    fn counted(&self) -> impl Iterator<Item = &'a Finding> {
        let least = self.min_confidence;
        self.findings.iter().filter(move |finding| finding.counts(least))
    }

    /// The findings that are listed: those that count, and behind them the others where they were asked for. Only JSON,
    /// which programs read on, has all of them in any case.
    fn listed(&self) -> impl Iterator<Item = &'a Finding> {
        let (least, others) = (self.min_confidence, self.show_suppressed);
        self.counted().chain(self.findings.iter().filter(move |finding| others && !finding.counts(least)))
    }

    /// The locations of a finding that are listed: where nothing suppresses it, or all.
    fn locations<'f>(&self, finding: &'f Finding) -> Vec<&'f Location> {
        let open: Vec<&Location> = if self.show_suppressed {
            Vec::new()
        } else {
            finding.locations.iter().filter(|location| location.details().suppressed.is_none()).collect()
        };
        // It may count for a location that is not kept: it must not be lost for that.
        if open.is_empty() { finding.locations.iter().collect() } else { open }
    }

    /// What should have been read and was not, or not wholly; what a setting leaves out is none of it.
    fn unread(&self) -> impl Iterator<Item = &'a Fault> {
        let intended =
            |kind| matches!(kind, FaultKind::TooLarge | FaultKind::PassedOver | FaultKind::History);
        self.faults.iter().filter(move |fault| !intended(fault.kind))
    }

    /// The description of the rule that found it.
    fn description<'f>(&'f self, finding: &'f Finding) -> &'f str {
        let built_in = self.rules.iter().find(|rule| rule.id == finding.rule).map(|rule| rule.description);
        let custom = || self.custom.iter().find(|rule| *rule.id == *finding.rule);
        built_in.or_else(|| custom().map(|rule| &*rule.description)).unwrap_or(&finding.rule)
    }

    /// The repository of a location, where a sweep names them.
    fn repository<'l>(&self, location: &'l Location) -> Option<&'l str> {
        location.details().root.as_deref().filter(|_| self.roots.are_names())
    }

    /// The repository of a finding's first location, where a sweep names them.
    fn repository_of<'f>(&self, finding: &'f Finding) -> Option<&'f str> {
        finding.locations.first().and_then(|location| self.repository(location))
    }

    /// A location's path from the working directory: what editors, code hosts and people there call the file.
    fn path(&self, location: &Location) -> String {
        self.roots.path(location)
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
