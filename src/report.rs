//! What is said of a run. One format a file; every format is given the same [`Report`] and writes it to any writer.

mod json;
mod pretty;
mod summary;

use std::io::{self, Write};

use crate::blob::Fault;
use crate::finding::{Confidence, Finding};
use crate::rule::Rules;

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
}

impl Format {
    /// Every format, in the order that help shows them.
    pub const ALL: [Format; 3] = [Format::Pretty, Format::Json, Format::Jsonl];

    /// The word that names it on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Pretty => "pretty",
            Format::Json => "json",
            Format::Jsonl => "jsonl",
        }
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
    }
}

/// `text` with everything that could move a cursor or break a line written as an escape.
pub fn sanitise(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let hidden = matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if character.is_control() || hidden => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_printed_moves_the_cursor() {
        assert_eq!(sanitise("a\x1b[2J\nb\u{202e}c"), "a\\u{1b}[2J\\nb\\u{202e}c");
    }
}
