//! CSV (RFC 4180) with a header and a row for each location, safe to open in a spreadsheet.

use std::io::{self, Write};

use super::csv_table::CsvTable;
use super::{Report, labels};
use crate::finding::{Finding, Location, Suppression};
use crate::revocation::Grants;

const HEADER: [&str; 24] = [
    "rule",
    "confidence",
    "token",
    "sha256",
    "owner_id",
    "revocable",
    "suppressed",
    "revocation",
    "path",
    "line",
    "column",
    "offset",
    "kind",
    "decoded",
    "commit",
    "author",
    "date",
    "object",
    "reason",
    "scopes",
    "expires_at",
    "url",
    "pull_request",
    "owner_login",
];

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut table = CsvTable::new(out, &HEADER)?;
    for finding in report.listed() {
        for location in report.locations(finding) {
            table.row(&row(report, finding, location))?;
        }
    }
    table.finish()
}

fn row(report: &Report<'_>, finding: &Finding, location: &Location) -> [String; 24] {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let grants = finding.revocation.as_ref().and_then(|revocation| revocation.grants.as_deref());
    let suppressed = |suppression: &Suppression| suppression.kind.as_str();
    [
        finding.rule.to_string(),
        finding.confidence.as_str().to_owned(),
        report.token(finding),
        finding.token.fingerprint().hex(),
        finding.owner_id.map(|id| id.to_string()).unwrap_or_default(),
        finding.revocable().to_string(),
        location.details().suppressed.as_ref().map(suppressed).unwrap_or_default().to_owned(),
        finding.revocation.as_ref().map(|revocation| revocation.state.to_string()).unwrap_or_default(),
        report.path(location),
        location.line.to_string(),
        location.column.to_string(),
        location.offset.to_string(),
        labels::location_kind(location.kind).to_owned(),
        location.details().decoded.join(" of "),
        text(&location.details().commit),
        text(&location.details().author),
        text(&location.details().date),
        text(&location.details().object),
        finding.reason.to_owned(),
        grants.and_then(Grants::scopes_text).unwrap_or_default(),
        grants.and_then(|grants| grants.expires_at).map(|at| at.to_string()).unwrap_or_default(),
        text(&location.details().url),
        text(&location.details().pull_request),
        finding.owner_login.as_deref().unwrap_or_default().to_owned(),
    ]
}
