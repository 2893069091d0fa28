//! What came of one repository, as it is written down.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::JournalError;
use crate::blob::Fault;
use crate::coverage::CoverageRow;
use crate::finding::{Confidence, Finding};
use crate::ledger::{Opener, Sealer};
use crate::meter::Reading;
use crate::report::{self, Format, Palette, Report, Roots, RuleText, SavedReport, Summary};
use crate::rule::Rules;
use crate::shard::Shard;

/// What came of one repository, wiki or gist.
#[derive(Debug)]
pub struct Scanned {
    /// What the coverage says of it.
    pub row: CoverageRow,
    /// The tokens in it.
    pub findings: Vec<Finding>,
    /// What could not be read of it.
    pub faults: Vec<Fault>,
    /// What was looked at.
    pub read: Reading,
    /// What it says of itself.
    pub own: OwnFiles,
    /// Whether it says more, which could not be read: what is no leak there is not known.
    pub is_doubtful: bool,
}

/// The texts of the two files by which a repository says what in it is no leak.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnFiles {
    /// Its configuration.
    pub config: Option<String>,
    /// Its ignore file.
    pub ignore: Option<String>,
}

impl OwnFiles {
    /// The texts that there are.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.config.iter().chain(&self.ignore).map(String::as_str)
    }
}

/// What an entry says besides its report.
#[derive(Serialize, Deserialize)]
pub struct Done {
    pub(super) name: String,
    pub(super) stamp: String,
    row: CoverageRow,
    files: u64,
    objects: u64,
    commits: u64,
    bytes: u64,
    own: OwnFiles,
    /// Sealed, by fingerprint.
    tokens: HashMap<String, String>,
}

impl Done {
    pub(super) fn new(
        (name, stamp): (&str, &str),
        scanned: &Scanned,
        sealer: &Sealer,
    ) -> Result<Done, JournalError> {
        let token = |finding: &Finding| {
            let bytes = sealer.seal(&finding.token).map_err(|error| JournalError::Seal(error.to_string()))?;
            Ok((finding.token.fingerprint().hex(), STANDARD.encode(bytes)))
        };
        Ok(Done {
            name: name.to_owned(),
            stamp: stamp.to_owned(),
            row: scanned.row.clone(),
            files: scanned.read.files,
            objects: scanned.read.objects,
            commits: scanned.read.commits,
            bytes: scanned.read.bytes,
            own: scanned.own.clone(),
            tokens: scanned.findings.iter().map(token).collect::<Result<_, JournalError>>()?,
        })
    }

    /// What came of the repository, with the tokens themselves; none where one of them cannot be opened.
    pub(super) fn restore(self, report: SavedReport, opener: &Opener) -> Option<Scanned> {
        let SavedReport { mut findings, faults, .. } = report;
        for finding in &mut findings {
            let fingerprint = finding.token.fingerprint();
            let sealed = STANDARD.decode(self.tokens.get(&fingerprint.hex())?).ok()?;
            finding.token = opener.open(finding.token.kind(), fingerprint, &sealed).ok()?;
            for location in &mut finding.locations {
                location.details_mut().root = Some(self.row.repository.clone());
            }
        }
        let Done { row, files, objects, commits, bytes, own, .. } = self;
        let read = Reading { files, objects, commits, bytes, ..Reading::default() };
        Some(Scanned { row, findings, faults, read, own, is_doubtful: false })
    }
}

impl Scanned {
    /// What came of something in which nothing was looked at.
    pub fn nothing(row: CoverageRow) -> Scanned {
        let (findings, faults) = (Vec::new(), Vec::new());
        let own = OwnFiles::default();
        Scanned { row, findings, faults, read: Reading::default(), own, is_doubtful: false }
    }

    /// Writes the report of this repository alone, in the form of a shard's: it tells more of suppressions.
    pub(super) fn write_report(
        &self,
        (rules, custom): (&Rules, &[RuleText]),
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let roots = Roots::of_names([self.row.repository.clone()]);
        let mut summary =
            Summary::new(&self.findings, &self.faults, Confidence::Lookalike, self.read, Duration::ZERO);
        summary.shard = Shard::new(1, 1).ok();
        let now = Timestamp::now();
        let report = Report {
            findings: &self.findings,
            faults: &self.faults,
            summary: &summary,
            rules,
            custom,
            roots: &roots,
            time: (now, now),
            ending: report::Ending::default(),
            show_secrets: false,
            min_confidence: Confidence::Lookalike,
            show_suppressed: true,
            closing: report::Closing::Nothing,
            coverage: None,
        };
        report::render(Format::Json, &report, &Palette::default(), out)
    }
}
