//! SARIF 2.1.0, as code scanning at GitHub and elsewhere reads it.
//!
//! One result is one token in one file: that is what an alert is about, and it stays the same alert when its line moves.

mod log;

use std::io::{self, Write};

use super::{Report, words};
use crate::blob::{Fault, FaultKind};
use crate::finding::{Confidence, Finding, Location, SuppressionKind};
use log::{
    Artifact, Descriptor, Driver, Invocation, Level, Log, Logical, Message, Notification, Physical, Place,
    Region, ResultBag, ResultRow, Rule, RuleBag, RuleLevel, Run, Suppressed, Text, Tool,
};

/// The name of the folder that relative paths start at.
const ROOT: &str = "SRCROOT";

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let rules: Vec<Rule<'_>> = rules(report);
    let index = |finding: &Finding| rules.iter().position(|rule| rule.id == &*finding.rule);
    let results = report
        .shown()
        .flat_map(|finding| {
            let files = words::by_file(finding, |place| file_name(report, place));
            files.into_iter().map(move |(file, places)| (finding, file, places))
        })
        .map(|(finding, file, places)| result(report, finding, &file, &places, index(finding)))
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    let run = Run {
        tool: Tool { driver: Driver { name: "stanch", version, semantic_version: version, rules } },
        invocations: [invocation(report)],
        original_uri_base_ids: [(
            ROOT,
            Text { description: Message::new("The folder the scan was started in.") },
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
        let (help, uri) = (words::REMEDY, Some(words::HELP));
        rule_row(&rule.id, &rule.description, &full, (help, uri, Level::Error))
    });
    let own = report.custom.rules().iter().map(|rule| {
        let full = format!("{}. Found by a rule of the configuration.", rule.description);
        rule_row(&rule.id, &rule.description, &full, (words::OWN_REMEDY, None, Level::Warning))
    });
    // Several scanned roots may each bring a rule of the same name; SARIF knows an id once.
    let mut rows: Vec<Rule<'a>> = Vec::new();
    for row in built_in.chain(own) {
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
        name: id.split(['-', '_']).map(capitalised).collect(),
        short_description: Message::new(short),
        full_description: Message::new(full),
        help: Message { markdown: Some(format!("{help}{}", more.unwrap_or_default())), ..Message::new(help) },
        help_uri,
        default_configuration: RuleLevel { level },
        properties: RuleBag {
            tags: ["security", "secret", "external/cwe/cwe-798"],
            precision: if level == Level::Error { "very-high" } else { "medium" },
            severity: if level == Level::Error { "9.8" } else { "7.0" },
        },
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

fn result<'a>(
    report: &Report<'_>,
    finding: &'a Finding,
    file: &str,
    places: &[&'a Location],
    rule_index: Option<usize>,
) -> ResultRow<'a> {
    let hash = finding.token.fingerprint().hex();
    let line_hash = words::identity(finding, file).hex();
    let first = places.first();
    ResultRow {
        rule_id: &finding.rule,
        rule_index,
        level: level(finding),
        message: Message::new(&message(report, finding)),
        locations: places.iter().take(1).map(|place| location(file, place, None)).collect(),
        related_locations: places
            .iter()
            .enumerate()
            .skip(1)
            .map(|(n, place)| location(file, place, Some(n)))
            .collect(),
        partial_fingerprints: [
            // GitHub compares this one; a number behind the colon tells equal ones of a run apart.
            ("primaryLocationLineHash", format!("{}:1", &line_hash[..16])),
            ("stanchToken/v1", hash),
        ]
        .into(),
        suppressions: suppressions(places),
        properties: ResultBag {
            confidence: finding.confidence,
            hashed_token: finding.token.fingerprint().base64(),
            owner_id: finding.owner_id,
            revocable: finding.revocable(),
            revocation: finding.revocation.as_ref(),
            commit: first.and_then(|place| place.commit.as_deref()),
            author: first.and_then(|place| place.author.as_deref()),
            date: first.and_then(|place| place.date.as_deref()),
            decoded: first.map_or(&[], |place| &place.decoded),
        },
    }
}

fn level(finding: &Finding) -> Level {
    match finding.confidence {
        Confidence::Certain => Level::Error,
        Confidence::Likely => Level::Warning,
        Confidence::Lookalike => Level::Note,
    }
}

/// What an alert says. No path is in it: the location tells that, and a path could be made to read as a link.
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
        words::remedy(finding)
    };
    format!("{what}: {token} ({reason}). {advice}").replace('[', "\\[").replace(']', "\\]")
}

fn suppressions(places: &[&Location]) -> Option<Vec<Suppressed>> {
    let silences: Option<Vec<_>> = places.iter().map(|place| place.suppressed.as_ref()).collect();
    let silences = silences.unwrap_or_default();
    let mut rows: Vec<Suppressed> = Vec::new();
    for silence in silences {
        let kind = if silence.by == SuppressionKind::AllowComment { "inSource" } else { "external" };
        let row = Suppressed { kind, justification: words::silencer(silence) };
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    (!rows.is_empty()).then_some(rows)
}

fn location(file: &str, place: &Location, id: Option<usize>) -> Place {
    let lines = words::has_lines(place.kind);
    // Of what was decoded or unpacked, the file's own bytes tell nothing.
    let plain = place.decoded.is_empty() && !place.path.contains('!');
    Place {
        id,
        physical_location: Physical {
            artifact_location: Artifact::new(file, ROOT),
            region: lines.then(|| Region {
                start_line: place.line,
                start_column: place.column,
                byte_offset: plain.then_some(place.offset),
            }),
        },
        logical_locations: (!lines)
            .then(|| vec![Logical { kind: words::part(place.kind), name: object_name(place) }]),
    }
}

fn object_name(place: &Location) -> String {
    let object = place.commit.as_ref().or(place.object.as_ref());
    object.map_or_else(|| place.path.clone(), Clone::clone)
}

/// The file an alert is put at: GitHub takes none without one, so a commit's message is at the commit's object.
fn file_name(report: &Report<'_>, place: &Location) -> String {
    match place.object.as_deref().or(place.commit.as_deref()) {
        Some(object) if place.path.is_empty() => match object.split_at_checked(2) {
            Some((folder, name)) => format!(".git/objects/{folder}/{name}"),
            None => object.to_owned(),
        },
        _ => report.path(place),
    }
}

fn invocation<'a>(report: &'a Report<'_>) -> Invocation<'a> {
    Invocation {
        execution_successful: !report.summary.incomplete(),
        start_time_utc: log::time(report.time.0),
        end_time_utc: log::time(report.time.1),
        tool_execution_notifications: report.unread().map(notification).collect(),
    }
}

fn notification(fault: &Fault) -> Notification<'_> {
    let id = match fault.kind {
        FaultKind::Unreadable => "unreadable",
        FaultKind::Damaged => "damaged",
        FaultKind::CutShort => "cut-short",
        FaultKind::TooLarge | FaultKind::PassedOver => "passed-over",
    };
    Notification {
        descriptor: Descriptor { id },
        level: Level::Warning,
        message: Message::new(&format!("{}: {}", fault.path, fault.reason)),
    }
}
