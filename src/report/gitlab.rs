//! GitLab's secret detection report, which GitLab reads as the artifact `artifacts:reports:secret_detection`, by version 15.0
//! of its schema: `dist/secret-detection-report-format.json` in
//! <https://gitlab.com/gitlab-org/security-products/security-report-schemas>.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::{Report, grouping, labels};
use crate::finding::{Confidence, Finding, Location};
use crate::token::Fingerprint;

/// The version of the schema that the report conforms to.
const VERSION: &str = "15.0.7";

/// The longest name that the schema allows, in characters.
const MAX_NAME: usize = 255;

/// What GitLab's own analyzers give for a file that is in no commit yet.
const NO_COMMIT: &str = "0000000";

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    scan: Scan,
    vulnerabilities: Vec<Vulnerability<'a>>,
}

#[derive(Serialize)]
struct Scan {
    analyzer: Program,
    scanner: Program,
    #[serde(rename = "type")]
    kind: &'static str,
    start_time: String,
    end_time: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Message>,
}

#[derive(Clone, Copy, Serialize)]
struct Program {
    id: &'static str,
    name: &'static str,
    vendor: Vendor,
    version: &'static str,
}

#[derive(Clone, Copy, Serialize)]
struct Vendor {
    name: &'static str,
}

#[derive(Serialize)]
struct Message {
    level: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Vulnerability<'a> {
    id: String,
    category: &'static str,
    name: String,
    description: String,
    severity: &'static str,
    solution: &'static str,
    identifiers: [Identifier<'a>; 3],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link<'a>>,
    location: FileLocation<'a>,
}

#[derive(Serialize)]
struct Identifier<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    value: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'static str>,
}

#[derive(Serialize)]
struct Link<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    url: &'a str,
}

#[derive(Serialize)]
struct FileLocation<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u64>,
    commit: Commit<'a>,
}

#[derive(Serialize)]
struct Commit<'a> {
    sha: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<&'a str>,
}

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let program = Program {
        id: "stanch",
        name: "stanch",
        vendor: Vendor { name: "stanch" },
        version: env!("CARGO_PKG_VERSION"),
    };
    let faults = report.unread();
    let head = report.summary.audit_head.as_deref();
    let document = Document {
        version: VERSION,
        scan: Scan {
            analyzer: program,
            scanner: program,
            kind: "secret_detection",
            start_time: time(report.time.0),
            end_time: time(report.time.1),
            status: if is_whole(report) { "success" } else { "failure" },
            messages: faults
                .map(|fault| Message {
                    level: "warn",
                    value: format!("{}: {}", report.roots.fault_path(fault), fault.reason),
                })
                .chain(head.map(|head| Message { level: "info", value: format!("audit trail: {head}") }))
                .collect(),
        },
        vulnerabilities: report.listed().flat_map(|finding| rows(report, finding)).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

/// Whether all was looked at that was asked for. What a single directory has that cannot be read is a message.
fn is_whole(report: &Report<'_>) -> bool {
    report.coverage.is_none_or(|coverage| coverage.rows.iter().all(|row| row.state.is_whole()))
}

/// A token's vulnerabilities: one for each place it stands in. GitLab knows a place by file and line, so that a line that
/// holds the token twice, or in several commits, is one.
fn rows<'a>(report: &Report<'_>, finding: &'a Finding) -> Vec<Vulnerability<'a>> {
    let mut rows = Vec::new();
    for (_, mut locations) in grouping::by_file(report.locations(finding), |location| report.path(location)) {
        let mut lines = HashSet::new();
        // An id does not depend on whether what is suppressed is listed.
        locations.sort_by_key(|location| location.details().suppressed.is_some());
        locations.retain(|location| lines.insert((location.kind, location.line)));
        rows.extend(locations.into_iter().enumerate().map(|(n, location)| row(report, finding, n, location)));
    }
    rows
}

/// The vulnerability of a token at a location, the `n`-th of its file.
fn row<'a>(report: &Report<'_>, finding: &'a Finding, n: usize, location: &'a Location) -> Vulnerability<'a> {
    let what = report.description(finding);
    let grants = labels::grants(finding).map(|grants| format!("; {grants}")).unwrap_or_default();
    let not_counted = labels::not_counted_because(finding, report.min_confidence);
    let why = not_counted.unwrap_or_else(|| labels::reason(finding).to_owned());
    let description = format!("{what} {} ({why}){grants}", report.token(finding));
    let rule: &str = &finding.rule;
    let hash = finding.token.fingerprint().hex();
    let file = report.path(location);
    let lines = labels::has_lines(location).then_some(location.line);
    Vulnerability {
        id: uuid(grouping::stable_id(finding, &format!("{}\n{n}", report.roots.stable(location)))),
        category: "secret_detection",
        name: what.chars().take(MAX_NAME).collect(),
        description,
        severity: match finding.confidence {
            _ if !report.counts_at(finding, location) => "Info",
            Confidence::Certain => "Critical",
            Confidence::Likely => "High",
            Confidence::Lookalike => "Low",
        },
        solution: labels::remedy(finding),
        identifiers: [
            // GitLab takes two vulnerabilities with the same first identifier and the same place for one.
            Identifier {
                kind: "stanch_token",
                name: format!("token with SHA-256 {hash}"),
                value: hash.into(),
                url: None,
            },
            Identifier {
                kind: "stanch_rule_id",
                name: format!("stanch rule {rule}"),
                value: rule.into(),
                url: None,
            },
            Identifier {
                kind: "cwe",
                name: "CWE-798".to_owned(),
                value: "798".into(),
                url: Some("https://cwe.mitre.org/data/definitions/798.html"),
            },
        ],
        links: links(location),
        location: FileLocation {
            file: Some(file).filter(|file| !file.is_empty()),
            start_line: lines,
            end_line: lines,
            commit: Commit {
                sha: location.details().commit.as_deref().unwrap_or(NO_COMMIT),
                author: location.details().author.as_deref(),
                date: location.details().date.as_deref(),
            },
        },
    }
}

/// Where a location is in a browser, and its pull request.
fn links(location: &Location) -> Vec<Link<'_>> {
    let place = labels::url(location).map(|url| Link { name: None, url });
    let pull = labels::pull_request(location).map(|url| Link { name: Some("pull request"), url });
    place.into_iter().chain(pull).collect()
}

/// A UUID that is the same whenever the fingerprint is: version 8, for custom formats (RFC 9562, section 5.8).
fn uuid(fingerprint: Fingerprint) -> String {
    let mut hex = fingerprint.hex();
    hex.truncate(32);
    hex.replace_range(12..13, "8");
    hex.replace_range(16..17, "8");
    for index in [20, 16, 12, 8] {
        hex.insert(index, '-');
    }
    hex
}

/// A time as the schema's pattern has it: UTC, without an offset.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids() {
        let id = uuid(Fingerprint::of(b"x"));
        assert_eq!(id, uuid(Fingerprint::of(b"x")));
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!((&id[14..15], &id[19..20]), ("8", "8"));
    }
}
