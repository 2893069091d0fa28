//! JSON, as one document or as lines. Field names are a contract: `docs/formats.md`.

use std::io::{self, Write};

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::{Report, Run, Summary};
use crate::blob::{Fault, FaultKind, LocationKind};
use crate::coverage::{Coverage, CoverageRow};
use crate::finding::{Claim, Confidence, Finding, Location, SetBy, Suppression, SuppressionKind};
use crate::revocation::Revocation;

/// The version of the document's format.
pub(super) const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a, F: Serialize> {
    version: u32,
    tool: Tool,
    findings: F,
    faults: Vec<FaultRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<&'a [CoverageRow]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage_totals: Option<Totals<'a>>,
    summary: &'a Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Run>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct FaultRow<'a> {
    path: &'a str,
    kind: FaultKind,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    word: Option<&'static str>,
}

#[derive(Serialize)]
struct FindingRow<'a> {
    rule: &'a str,
    confidence: Confidence,
    reason: Option<&'a str>,
    token: String,
    sha256: String,
    hashed_token: String,
    owner_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_login: Option<&'a str>,
    revocable: bool,
    suppressed: Option<SuppressionKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppression: Option<SuppressionRow<'a>>,
    revocation: Option<&'a Revocation>,
    locations: Vec<LocationRow<'a>>,
    more_locations: u64,
}

#[derive(Serialize)]
struct LocationRow<'a> {
    root: &'a str,
    path: &'a str,
    line: u64,
    column: u64,
    offset: u64,
    kind: LocationKind,
    decoded: &'a [&'static str],
    commit: Option<&'a str>,
    author: Option<&'a str>,
    date: Option<&'a str>,
    object: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<SuppressionKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppression: Option<SuppressionRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<Claim>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pull_request: Option<&'a str>,
}

/// What suppresses a finding, and who set that.
#[derive(Serialize)]
struct SuppressionRow<'a> {
    #[serde(rename = "by")]
    kind: SuppressionKind,
    #[serde(rename = "from")]
    set_by: SetBy,
    #[serde(rename = "what")]
    detail: &'a str,
}

impl<'a> From<&'a Suppression> for SuppressionRow<'a> {
    fn from(suppression: &'a Suppression) -> Self {
        SuppressionRow { kind: suppression.kind, set_by: suppression.set_by, detail: &suppression.detail }
    }
}

impl<'a> LocationRow<'a> {
    fn new(report: &Report<'a>, location: &'a Location) -> Self {
        let suppressed = location.details().suppressed.as_ref();
        LocationRow {
            root: report.roots.given(location),
            path: &location.path,
            line: location.line,
            column: location.column,
            offset: location.offset,
            kind: location.kind,
            decoded: &location.details().decoded,
            commit: location.details().commit.as_deref(),
            author: location.details().author.as_deref(),
            date: location.details().date.as_deref(),
            object: location.details().object.as_deref(),
            suppressed: suppressed.map(|suppression| suppression.kind),
            // Which of several a merged finding names, only all shards together can say.
            suppression: suppressed.filter(|_| report.summary.shard.is_some()).map(SuppressionRow::from),
            claim: location.details().claim,
            url: location.details().url.as_deref(),
            pull_request: location.details().pull_request.as_deref(),
        }
    }
}

fn row<'a>(report: &Report<'a>, finding: &'a Finding) -> FindingRow<'a> {
    let fingerprint = finding.token.fingerprint();
    FindingRow {
        rule: &finding.rule,
        confidence: finding.confidence,
        reason: Some(finding.reason).filter(|reason| !reason.is_empty()),
        token: report.token(finding),
        sha256: fingerprint.hex(),
        hashed_token: fingerprint.base64(),
        owner_id: finding.owner_id,
        owner_login: finding.owner_login.as_deref(),
        revocable: finding.revocable(),
        suppressed: finding.suppressed.as_deref().map(|suppression| suppression.kind),
        suppression: finding.suppressed.as_deref().map(SuppressionRow::from),
        revocation: finding.revocation.as_ref(),
        locations: finding.locations.iter().map(|location| LocationRow::new(report, location)).collect(),
        more_locations: finding.more_locations,
    }
}

fn fault_row(fault: &Fault, of_shard: bool) -> FaultRow<'_> {
    let word = match fault.kind {
        FaultKind::AsBytes(word) => Some(word).filter(|_| of_shard),
        _ => None,
    };
    FaultRow { path: &fault.path, kind: fault.kind, reason: &fault.reason, word }
}

/// How many repositories are in each state, and what was not asked for.
struct Totals<'a>(&'a Coverage);

impl Serialize for Totals<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (state, count) in self.0.totals() {
            map.serialize_entry(state.as_str(), &count)?;
        }
        if self.0.pending() > 0 {
            map.serialize_entry("pending", &self.0.pending())?;
        }
        map.serialize_entry("not_asked", &self.0.not_asked)?;
        map.end()
    }
}

/// The findings one after another, so that no second copy of them all is ever in memory.
struct Rows<'a>(&'a Report<'a>);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.findings.iter().map(|finding| row(self.0, finding)))
    }
}

/// One JSON document.
pub(super) fn document(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let of_shard = report.summary.shard.is_some();
    let document = Document {
        version: VERSION,
        tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
        findings: Rows(report),
        faults: report.faults.iter().map(|fault| fault_row(fault, of_shard)).collect(),
        coverage: report.coverage.map(|coverage| &*coverage.rows),
        coverage_totals: report.coverage.map(Totals),
        summary: report.summary,
        run: of_shard.then(|| Run {
            started: report.time.0,
            min_confidence: report.min_confidence,
            sweep: report.summary.sweep.clone(),
            ending: report.ending,
            roots: report.roots.all().to_vec(),
            rules: report.custom.to_vec(),
        }),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

/// One finding a line, then one line of summary.
pub(super) fn lines(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct LastLine<'a> {
        summary: &'a Summary,
    }
    #[derive(Serialize)]
    struct CoverageLine<'a> {
        coverage: &'a CoverageRow,
    }
    for finding in report.findings {
        serde_json::to_writer(&mut *out, &row(report, finding))?;
        out.write_all(b"\n")?;
    }
    for coverage in report.coverage.iter().flat_map(|coverage| &coverage.rows) {
        serde_json::to_writer(&mut *out, &CoverageLine { coverage })?;
        out.write_all(b"\n")?;
    }
    serde_json::to_writer(&mut *out, &LastLine { summary: report.summary })?;
    out.write_all(b"\n")
}
