//! SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>), as GitHub's code scanning reads it
//! (<https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>).
//!
//! A result is one token in one file, because it becomes one alert, and it stays the same alert when its line moves.

mod log;

use std::io::{self, Write};

use super::{Report, grouping, labels};
use crate::blob::{Fault, FaultKind};
use crate::finding::{Confidence, Finding, Location, SuppressionKind};
use crate::text::sarif_message;
use log::{
    ArtifactLocation, Descriptor, Driver, Invocation, InvocationProperties, Level, LocationProperties, Log,
    LogicalLocation, Message, Notification, PhysicalLocation, Region, ResultLocation, ResultProperties,
    ResultRow, Rule, RuleConfiguration, RuleProperties, Run, SuppressionRow, Tool, UriBase,
};

/// The rule of what was suppressed, and what is less sure than was asked for. Services take the severity of an alert from its
/// rule, and some do not read `suppressions`. No rule of a configuration can have such a name.
const NOT_COUNTED: &str = "stanch/not-counted";

/// The rule of lookalikes.
const LOOKALIKE: &str = "stanch/lookalike";

/// The name of the directory that relative URIs start at (section 3.14.14, `originalUriBaseIds`).
const ROOT: &str = "SRCROOT";

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let rules: Vec<Rule<'_>> = rules(report);
    let results = report
        .listed()
        .flat_map(|finding| {
            let files = grouping::by_file(report.locations(finding), |location| file_name(report, location));
            files.into_iter().map(move |(file, locations)| (finding, file, locations))
        })
        .map(|(finding, file, locations)| ResultRow {
            rule_index: rules.iter().position(|rule| rule.id == rule_of(report, finding, &locations)),
            ..result(report, finding, &file, &locations)
        })
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    let run = Run {
        tool: Tool { driver: Driver { name: "stanch", version, semantic_version: version, rules } },
        invocations: [invocation(report)],
        original_uri_base_ids: [(
            ROOT,
            UriBase { description: Message::new("The folder the scan was started in.") },
        )]
        .into(),
        results,
    };
    serde_json::to_writer_pretty(&mut *out, &Log { schema: log::SCHEMA, version: "2.1.0", runs: [run] })?;
    out.write_all(b"\n")
}

fn rules<'a>(report: &'a Report<'_>) -> Vec<Rule<'a>> {
    let built_in = report.rules.iter().map(|rule| {
        let full = format!("{}. Whoever reads it can act as whom it was given to.", rule.description);
        let (help, uri) = (labels::REMEDY, Some(labels::HELP_URL));
        rule_row(&rule.id, rule.description, &full, (help, uri, Level::Error))
    });
    let others = [
        (
            NOT_COUNTED,
            "Token that does not count",
            "A token that a baseline, an ignore file, an allowlist or a comment suppresses, or that is less sure than was asked \
             for. It is listed because --show-suppressed asked for it.",
        ),
        (
            LOOKALIKE,
            "Lookalike of a token",
            "The shape of a token whose checksum or length is wrong: a placeholder, and no leak.",
        ),
    ];
    let lists_others = report.show_suppressed || report.min_confidence == Confidence::Lookalike;
    let others = others
        .into_iter()
        .filter(|_| lists_others)
        .map(|(id, short, full)| rule_row(id, short, full, (labels::NOT_COUNTED_REMEDY, None, Level::Note)));
    let custom = report.custom.iter().map(|rule| {
        let full = format!("{}. Found by a rule of the configuration.", rule.description);
        rule_row(&rule.id, &rule.description, &full, (labels::CUSTOM_REMEDY, None, Level::Warning))
    });
    // Several scanned roots may each bring a rule of the same name; SARIF knows an id once.
    let mut rows: Vec<Rule<'a>> = Vec::new();
    for row in built_in.chain(others).chain(custom) {
        if !rows.iter().any(|known| known.id == row.id) {
            rows.push(row);
        }
    }
    rows
}

fn rule_row<'a>(
    id: &'a str,
    short: &str,
    full: &str,
    (help, help_uri, level): (&'static str, Option<&'static str>, Level),
) -> Rule<'a> {
    let more = help_uri.map(|uri| format!("\n\n[How GitHub revokes credentials]({uri})"));
    Rule {
        id,
        name: id.split(['-', '_']).map(capitalized).collect(),
        short_description: Message::new(short),
        full_description: Message::new(full),
        help: Message { markdown: Some(format!("{help}{}", more.unwrap_or_default())), ..Message::new(help) },
        help_uri,
        default_configuration: RuleConfiguration { level },
        properties: RuleProperties {
            tags: ["security", "secret", "external/cwe/cwe-798"],
            precision: match level {
                Level::Error => "very-high",
                Level::Warning => "medium",
                Level::Note => "low",
            },
            severity: match level {
                Level::Error => "9.8",
                Level::Warning => "7.0",
                Level::Note => "1.0",
            },
        },
    }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

fn result<'a>(
    report: &Report<'_>,
    finding: &'a Finding,
    file: &str,
    locations: &[&'a Location],
) -> ResultRow<'a> {
    let hash = finding.token.fingerprint().hex();
    let first = locations.first();
    let stable = first.map(|location| stable_name(report, location)).unwrap_or_default();
    let line_hash = grouping::stable_id(finding, &stable).hex();
    let rule_id = rule_of(report, finding, locations);
    ResultRow {
        rule_id,
        rule_index: None,
        level: if rule_id == &*finding.rule { level(finding) } else { Level::Note },
        message: Message::new(&message(report, finding)),
        locations: locations.iter().take(1).map(|location| result_location(file, location, None)).collect(),
        related_locations: locations
            .iter()
            .enumerate()
            .skip(1)
            .map(|(n, location)| result_location(file, location, Some(n)))
            .collect(),
        partial_fingerprints: [
            // The one GitHub compares, under the name and in the format that CodeQL gives it: a hash, a colon, and a number
            // that distinguishes equal hashes. See "Providing data to track code scanning alerts across runs" on the page above.
            ("primaryLocationLineHash", format!("{}:1", &line_hash[..16])),
            ("stanchToken/v1", hash),
        ]
        .into(),
        suppressions: suppressions(locations).filter(|_| report.show_suppressed),
        hosted_viewer_uri: first.and_then(|location| labels::url(location)),
        properties: ResultProperties {
            rule: &finding.rule,
            confidence: finding.confidence,
            hashed_token: finding.token.fingerprint().base64(),
            owner_id: finding.owner_id,
            owner_login: finding.owner_login.as_deref(),
            revocable: finding.revocable(),
            revocation: finding.revocation.as_ref(),
            commit: first.and_then(|location| location.details().commit.as_deref()),
            author: first.and_then(|location| location.details().author.as_deref()),
            date: first.and_then(|location| location.details().date.as_deref()),
            pull_request: first.and_then(|location| labels::pull_request(location)),
            decoded: first.map_or(&[], |location| &location.details().decoded),
        },
    }
}

/// The rule of a result: that of the token, or one of low severity for what does not count there, and for lookalikes in any
/// case.
fn rule_of<'a>(report: &Report<'_>, finding: &'a Finding, locations: &[&Location]) -> &'a str {
    let suppressed = report.show_suppressed && suppressions(locations).is_some();
    match finding.confidence {
        _ if suppressed => NOT_COUNTED,
        Confidence::Lookalike => LOOKALIKE,
        _ if !report.counts(finding) => NOT_COUNTED,
        _ => &finding.rule,
    }
}

fn level(finding: &Finding) -> Level {
    match finding.confidence {
        Confidence::Certain => Level::Error,
        Confidence::Likely => Level::Warning,
        Confidence::Lookalike => Level::Note,
    }
}

/// The message of an alert. No path is in it: the location has that, and a path could be written to read as a link.
fn message(report: &Report<'_>, finding: &Finding) -> String {
    let (what, token) = (report.description(finding), report.token(finding));
    let reason = match finding.confidence {
        Confidence::Certain => "its checksum holds, so this is a token",
        _ if finding.reason.is_empty() => finding.confidence.as_str(),
        _ => finding.reason,
    };
    let advice = if finding.confidence == Confidence::Lookalike {
        "A placeholder is no leak."
    } else {
        labels::remedy(finding)
    };
    sarif_message(&format!("{what}: {token} ({reason}). {advice}"))
}

/// What suppresses a result; it is suppressed where one is given (section 3.27.23), so only if every location is.
fn suppressions(locations: &[&Location]) -> Option<Vec<SuppressionRow>> {
    let suppressed: Option<Vec<_>> =
        locations.iter().map(|location| location.details().suppressed.as_ref()).collect();
    let suppressed = suppressed.unwrap_or_default();
    let mut rows: Vec<SuppressionRow> = Vec::new();
    for suppression in suppressed {
        let kind = if suppression.kind == SuppressionKind::AllowComment { "inSource" } else { "external" };
        let row = SuppressionRow { kind, justification: labels::suppressed_by(suppression) };
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    (!rows.is_empty()).then_some(rows)
}

fn result_location<'a>(file: &str, location: &'a Location, id: Option<usize>) -> ResultLocation<'a> {
    let has_lines = labels::has_lines(location);
    // What was decoded or unpacked has no offset among the file's own bytes.
    let plain = location.details().decoded.is_empty() && !location.path.contains('!');
    ResultLocation {
        id,
        physical_location: PhysicalLocation {
            artifact_location: ArtifactLocation::new(file, ROOT),
            region: has_lines.then(|| Region {
                start_line: location.line,
                start_column: location.column,
                byte_offset: plain.then_some(location.offset),
            }),
        },
        logical_locations: (!has_lines).then(|| {
            vec![LogicalLocation { kind: labels::place_kind(location), name: object_name(location) }]
        }),
        properties: labels::url(location).map(|url| LocationProperties { url }),
    }
}

fn object_name(location: &Location) -> String {
    let object = location.details().commit.as_ref().or(location.details().object.as_ref());
    object.map_or_else(|| location.path.to_string(), Clone::clone)
}

/// The file of an alert. GitHub takes no alert without one, so a commit's message is at the commit's loose object.
fn file_name(report: &Report<'_>, location: &Location) -> String {
    match loose_object(location) {
        Some(path) => report.roots.path_in_repository(location, &path),
        None => report.path(location),
    }
}

/// The same, by a name that does not depend on where the run was started.
fn stable_name(report: &Report<'_>, location: &Location) -> String {
    loose_object(location).unwrap_or_else(|| report.roots.stable(location))
}

/// The file of the object that a location without a path is in (gitrepository-layout(5)).
fn loose_object(location: &Location) -> Option<String> {
    let object = location.details().object.as_deref().or(location.details().commit.as_deref());
    let object = object.filter(|_| location.path.is_empty())?;
    Some(match object.split_at_checked(2) {
        Some((directory, name)) => format!(".git/objects/{directory}/{name}"),
        None => object.to_owned(),
    })
}

fn invocation<'a>(report: &'a Report<'_>) -> Invocation<'a> {
    Invocation {
        execution_successful: !report.summary.incomplete(),
        start_time_utc: log::time(report.time.0),
        end_time_utc: log::time(report.time.1),
        tool_execution_notifications: report.unread().map(|fault| notification(report, fault)).collect(),
        properties: report
            .summary
            .audit_head
            .as_deref()
            .map(|audit_head| InvocationProperties { audit_head }),
    }
}

fn notification(report: &Report<'_>, fault: &Fault) -> Notification<'static> {
    let id = match fault.kind {
        FaultKind::Unreadable => "unreadable",
        FaultKind::Damaged => "damaged",
        FaultKind::CutShort => "cut-short",
        FaultKind::Shallow => "shallow",
        FaultKind::TooLarge | FaultKind::PassedOver => "passed-over",
        FaultKind::History => "history-not-scanned",
        FaultKind::AsBytes(_) => "bytes-only",
    };
    Notification {
        descriptor: Descriptor { id },
        level: Level::Warning,
        message: Message::new(&format!("{}: {}", report.roots.fault_path(fault), fault.reason)),
    }
}
