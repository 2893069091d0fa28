//! What is said of a run. One format a file; every format is given the same [`Report`] and writes it to any writer.

mod csv;
mod github;
mod gitlab;
mod html;
mod json;
mod junit;
mod pretty;
mod sarif;
mod summary;
mod words;

use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;

use crate::blob::{Fault, FaultKind, LocationKind};
use crate::detect::Custom;
use crate::finding::{Confidence, Finding, Location};
use crate::rule::Rules;
use crate::source::stdin;

pub use github::step_summary;
pub use summary::Summary;

/// How a report is written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Pretty,
    /// One JSON document.
    Json,
    /// One finding a line, then one line of summary.
    Jsonl,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// A table, one place a row.
    Csv,
    /// GitHub Actions' workflow commands.
    Github,
    /// GitLab's secret detection report.
    Gitlab,
    /// `JUnit` XML, one test case a token.
    Junit,
    /// A page that needs nothing but itself.
    Html,
}

impl Format {
    /// Every format, in the order that help shows them.
    pub const ALL: [Format; 9] = [
        Format::Pretty,
        Format::Json,
        Format::Jsonl,
        Format::Sarif,
        Format::Csv,
        Format::Github,
        Format::Gitlab,
        Format::Junit,
        Format::Html,
    ];

    /// The word that names it on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Pretty => "pretty",
            Format::Json => "json",
            Format::Jsonl => "jsonl",
            Format::Sarif => "sarif",
            Format::Csv => "csv",
            Format::Github => "github",
            Format::Gitlab => "gitlab",
            Format::Junit => "junit",
            Format::Html => "html",
        }
    }

    /// The format of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// All names, for messages.
    pub fn names() -> String {
        Format::ALL.map(Format::name).join(", ")
    }

    /// The format that a file's name tells: by its ending, or because GitLab has a name of its own for it.
    pub fn of_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        if name == "gl-secret-detection-report.json" {
            return Some(Format::Gitlab);
        }
        if name.ends_with(".sarif.json") {
            return Some(Format::Sarif);
        }
        Some(match name.rsplit_once('.')?.1 {
            "json" => Format::Json,
            "jsonl" | "ndjson" => Format::Jsonl,
            "sarif" => Format::Sarif,
            "csv" => Format::Csv,
            "xml" => Format::Junit,
            "html" | "htm" => Format::Html,
            "txt" | "text" | "log" => Format::Pretty,
            _ => return None,
        })
    }
}

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

/// All that there is to say about a run.
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
    /// The scanned root relative to where the program runs, ending in `/`, or empty: what makes a place's path one
    /// that code hosts know. Reports for people and JSON do without it.
    pub base: &'a str,
    /// When the run began and ended.
    pub time: (Timestamp, Timestamp),
    /// Whether tokens are printed whole.
    pub show_secrets: bool,
    /// Findings below this are left out; lookalikes stay as notes at the default.
    pub min_confidence: Confidence,
}

impl Report<'_> {
    /// The findings that are shown at this level: lookalikes are notes, and only a demand for certainty silences them.
    fn shown(&self) -> impl Iterator<Item = &Finding> {
        let least = match self.min_confidence {
            Confidence::Certain => Confidence::Certain,
            Confidence::Likely | Confidence::Lookalike => Confidence::Lookalike,
        };
        self.findings.iter().filter(move |finding| finding.confidence >= least)
    }

    /// The places that should have been looked into and were not, or not wholly.
    fn unread(&self) -> impl Iterator<Item = &Fault> {
        let meant = |kind| matches!(kind, FaultKind::TooLarge | FaultKind::PassedOver);
        self.faults.iter().filter(move |fault| !meant(fault.kind))
    }

    /// What the rule of a finding finds, in words.
    fn description<'f>(&'f self, finding: &'f Finding) -> &'f str {
        let built_in = self.rules.iter().find(|rule| rule.id == finding.rule).map(|rule| &rule.description);
        let own = || self.custom.rules().iter().find(|rule| rule.id == finding.rule);
        built_in.or_else(|| own().map(|rule| &rule.description)).map_or(&*finding.rule, String::as_str)
    }

    /// A place's path from where the program runs: what editors, code hosts and people there call the file.
    fn path(&self, place: &Location) -> String {
        match &place.root {
            // A commit's message is in no file, and a ref below no folder.
            _ if place.path.is_empty() || place.kind == LocationKind::RefName => place.path.clone(),
            Some(root) => match root.trim_start_matches("./").trim_end_matches('/') {
                "" | "." => place.path.clone(),
                root => format!("{root}/{}", place.path),
            },
            None if place.path == stdin::NAME || place.path.starts_with('/') => place.path.clone(),
            None => format!("{}{}", self.base, place.path),
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

/// Writes `report` to `out` in the given format.
pub fn render(format: Format, report: &Report<'_>, palette: &Palette, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Pretty => pretty::write(report, palette, out),
        Format::Json => json::document(report, out),
        Format::Jsonl => json::lines(report, out),
        Format::Sarif => sarif::write(report, out),
        Format::Csv => csv::write(report, out),
        Format::Github => github::annotations(report, out),
        Format::Gitlab => gitlab::write(report, out),
        Format::Junit => junit::write(report, out),
        Format::Html => html::write(report, out),
    }
}

#[cfg(test)]
mod tests;
