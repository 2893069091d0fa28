//! A JSON report, read back: what it tells of tokens, without the tokens themselves.

mod row;
mod word;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::json::VERSION;
use super::{Root, Run};
use crate::blob::Fault;
use crate::coverage::{Coverage, CoverageRow, NotAsked};
use crate::finding::Finding;
use crate::shard::Shard;
use crate::text::unicode;
use row::{FaultRow, FindingRow, RootNames};

/// A JSON report.
#[derive(Debug)]
pub struct SavedReport {
    /// The findings, with redacted tokens.
    pub findings: Vec<Finding>,
    /// What could not be read.
    pub faults: Vec<Fault>,
    /// What was looked at.
    pub summary: SavedSummary,
    /// What the report of a shard says of its run.
    pub run: Option<Run>,
    /// What was scanned, as far as the report says.
    pub roots: Vec<Root>,
    /// What a sweep of repositories has looked at.
    pub coverage: Option<Coverage>,
}

/// The counts of a report that do not follow from its findings and faults.
#[derive(Debug, Deserialize)]
pub struct SavedSummary {
    /// Files scanned.
    pub files: u64,
    /// Git objects scanned.
    pub objects: u64,
    /// Commits among them.
    pub commits: u64,
    /// Bytes scanned.
    pub bytes: u64,
    /// Whether a history was incomplete.
    pub shallow: bool,
    /// Milliseconds the run took.
    pub elapsed_ms: u64,
    /// The head of the ledger's audit trail after the run.
    #[serde(default)]
    pub audit_head: Option<String>,
    /// Which share of the work was done.
    #[serde(default)]
    pub shard: Option<Shard>,
}

/// A file that is no report which can be read back. The parser's own message is left out: it may quote a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReport {
    /// It ends too early.
    #[error("it is cut off at line {0}, column {1}: was the run that wrote it killed?")]
    CutOff(usize, usize),
    /// Something else.
    #[error("line {0}, column {1}: it is no JSON report of this program (`-f json`)")]
    Form(usize, usize),
    /// Not text at all.
    #[error("its bytes are text in none of UTF-8, UTF-16 and UTF-32")]
    Encoding,
    /// A format that this version of the program does not know.
    #[error(
        "its format has version {0}, and this program reads {VERSION}: use the version that wrote it, or a newer one"
    )]
    Version(u64),
    /// The hash of a finding, counted from 1, is none.
    #[error("finding {0}: `sha256` is not 64 hexadecimal digits")]
    Hash(usize),
    /// The state of a finding, counted from 1, is none.
    #[error("finding {0}: its revocation has a state that there is not")]
    State(usize),
    /// A fault of a kind that there is not.
    #[error("fault {0}: its kind is none that there is")]
    FaultKind(usize),
    /// It is of a shard, and does not say what its run was.
    #[error("it is of shard {0}, and has no `run`: it was not written by this program")]
    NoRun(Shard),
}

#[derive(Deserialize)]
struct Document {
    tool: Tool,
    findings: Vec<FindingRow>,
    faults: Vec<FaultRow>,
    summary: SavedSummary,
    #[serde(default)]
    run: Option<Run>,
    #[serde(default)]
    coverage: Option<Vec<CoverageRow>>,
    #[serde(default)]
    coverage_totals: Option<Totals>,
}

/// What does not follow from the rows of a coverage.
#[derive(Deserialize)]
struct Totals {
    not_asked: Vec<NotAsked>,
}

#[derive(Deserialize)]
struct Tool {
    name: String,
}

/// What every version of the format begins with.
#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

impl From<serde_json::Error> for BadReport {
    fn from(error: serde_json::Error) -> Self {
        let position = (error.line(), error.column());
        if error.is_eof() {
            BadReport::CutOff(position.0, position.1)
        } else {
            BadReport::Form(position.0, position.1)
        }
    }
}

impl SavedReport {
    /// Reads a report in UTF-8, or in UTF-16 as `PowerShell` writes it.
    pub fn read(bytes: &[u8]) -> Result<Self, BadReport> {
        // With --show-secrets it holds tokens.
        let text = Zeroizing::new(unicode(bytes).ok_or(BadReport::Encoding)?.into_owned());
        let version = serde_json::from_str::<Versioned>(&text)?.version;
        if version != u64::from(VERSION) {
            return Err(BadReport::Version(version));
        }
        let document: Document = serde_json::from_str(&text)?;
        if document.tool.name != env!("CARGO_PKG_NAME") {
            return Err(BadReport::Form(1, 1));
        }
        if let (Some(shard), None) = (document.summary.shard, &document.run) {
            return Err(BadReport::NoRun(shard));
        }
        let not_asked = document.coverage_totals.map(|totals| totals.not_asked).unwrap_or_default();
        let coverage = document.coverage.map(|rows| Coverage { rows, not_asked });
        let roots = match &document.run {
            Some(run) => run.roots.clone(),
            None => row::roots(&document.findings),
        };
        let findings = document.findings.into_iter().zip(1..);
        let faults = document.faults.into_iter().zip(1..);
        let roots_by_name = RootNames::new(&roots, coverage.is_some());
        Ok(SavedReport {
            findings: findings.map(|(row, n)| row.finding(n, &roots_by_name)).collect::<Result<_, _>>()?,
            faults: faults.map(|(row, n)| row.fault(n)).collect::<Result<_, _>>()?,
            summary: document.summary,
            run: document.run,
            roots,
            coverage,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = r#"{"version": 1, "tool": {"name": "stanch", "version": "1.0.0"}, "findings": [], "faults": [],
        "summary": {"files": 3, "objects": 0, "commits": 0, "bytes": 5, "shallow": false, "elapsed_ms": 7}}"#;

    fn refused(text: &str) -> BadReport {
        SavedReport::read(text.as_bytes()).expect_err("no report")
    }

    #[test]
    fn a_report_is_read_back() {
        let report = SavedReport::read(EMPTY.as_bytes()).expect("a report");
        assert_eq!((report.summary.files, report.summary.bytes, report.summary.shard), (3, 5, None));
    }

    #[test]
    fn what_is_no_report_is_refused_without_a_word_of_it() {
        assert_eq!(refused(""), BadReport::CutOff(1, 0));
        for end in [1, EMPTY.len() / 2, EMPTY.len() - 1] {
            assert!(matches!(refused(&EMPTY[..end]), BadReport::CutOff(..)), "{end}");
        }
        for text in ["hunter2", "[]", "{}", r#"{"version": "hunter2"}"#, &EMPTY.replace("stanch", "other")] {
            let error = refused(text);
            assert!(matches!(error, BadReport::Form(..)), "{error}");
            assert!(!error.to_string().contains("hunter2"));
        }
        assert_eq!(refused(&EMPTY.replace(r#""version": 1,"#, r#""version": 2,"#)), BadReport::Version(2));
        // A later version may have other fields altogether.
        assert_eq!(refused(r#"{"version": 9, "leaks": {}}"#), BadReport::Version(9));
        assert_eq!(SavedReport::read(b"\xff\xff\xff").expect_err("no text"), BadReport::Encoding);
    }

    #[test]
    fn a_shard_says_what_its_run_was() {
        let of_shard = EMPTY.replace(r#""files""#, r#""shard": {"index": 1, "count": 2}, "files""#);
        assert_eq!(refused(&of_shard), BadReport::NoRun(Shard::new(1, 2).expect("a shard")));
    }
}
