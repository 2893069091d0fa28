mod alerts;
mod overview;
mod page;
mod sweep;

use std::sync::Arc;

use super::*;
use crate::blob::{LocationKind, Origin};
use crate::checksum::crc32_base62;
use crate::finding::{Findings, SetBy, Sighting, Suppression, SuppressionKind};
use crate::meter::Reading;
use crate::revocation::{Grants, Revocation, State};
use crate::rule;
use crate::token::Kind;

/// A path that is mark-up, a formula, a workflow command and a terminal escape at once.
const HOSTILE: &str = "=1+1|\"'</script><script>alert(1)</script>\n::error::x\u{202e}\x1b[2J,%.txt";

fn token(kind: Kind, n: u32) -> String {
    let body = format!("{n:030}");
    format!("{}{body}{}", kind.prefix(), String::from_utf8_lossy(&crc32_base62(body.as_bytes())))
}

fn location(path: &str, line: u64) -> Location {
    Location::new(Origin::file(path), line * 10, line, 4, Vec::new())
}

fn add(findings: &Findings, kind: Kind, n: u32, confidence: Confidence, location: Location) {
    let (text, rule) = (token(kind, n), Arc::from(kind.rule_id()));
    let reason = if confidence == Confidence::Certain { "" } else { "a reason" };
    let sighting =
        Sighting { text: text.as_bytes(), rule: &rule, kind, confidence, reason, owner_id: Some(n) };
    findings.add(sighting, location);
}

/// Findings of every kind: in files, in commits, suppressed, revoked, placeholders, at a hostile path.
fn findings() -> (Vec<Finding>, Vec<Fault>) {
    let found = Findings::default();
    let commit = |n: u32, kind| {
        let path = if kind == LocationKind::Content { "src/a.rs" } else { "" };
        let mut location = location(path, 3).with(|details| {
            details.commit = Some(format!("{n:040x}"));
            details.author = Some("=Eve <eve@example.org>".to_owned());
            details.date = Some(format!("2024-{:02}-17T10:00:00+01:00", n % 12 + 1));
            details.object = Some(format!("{:040x}", n + 7));
        });
        location.kind = kind;
        location
    };
    add(&found, Kind::pat(), 1, Confidence::Certain, location("a b/é.env", 2));
    add(&found, Kind::pat(), 1, Confidence::Certain, location("a b/é.env", 9));
    add(&found, Kind::pat(), 1, Confidence::Certain, location("c.env", 1));
    add(&found, Kind::oauth(), 2, Confidence::Certain, commit(3, LocationKind::Content));
    add(&found, Kind::oauth(), 4, Confidence::Certain, commit(8, LocationKind::CommitMessage));
    add(&found, Kind::app_user(), 3, Confidence::Likely, location(HOSTILE, 1));
    add(&found, Kind::pat(), 5, Confidence::Lookalike, location("docs/x.md", 1));
    let detail = Arc::from("stanch:allow");
    let suppression = Suppression { kind: SuppressionKind::AllowComment, set_by: SetBy::Tree, detail };
    let suppressed = location("s.txt", 1).with(|details| details.suppressed = Some(suppression));
    add(&found, Kind::pat(), 6, Confidence::Certain, suppressed);
    let fault = |kind| Fault { path: HOSTILE.to_owned(), kind, reason: "no <permission>".to_owned() };
    found.fault(fault(FaultKind::Unreadable));
    found.fault(fault(FaultKind::TooLarge));
    let (mut found, faults) = found.finish();
    let at = "2026-01-01T00:00:00Z".parse().expect("a timestamp");
    let grants =
        Grants { scopes: Some(vec!["repo".to_owned(), "admin:org".to_owned()]), expires_at: Some(at) };
    found[0].revocation =
        Some(Revocation { state: State::Accepted, at, request_id: None, grants: Some(Box::new(grants)) });
    (found, faults)
}

fn rendered(format: Format, findings: &[Finding], faults: &[Fault], show_secrets: bool) -> String {
    changed(format, findings, faults, |report| Report { show_secrets, ..report })
}

fn changed(
    format: Format,
    findings: &[Finding],
    faults: &[Fault],
    change: impl FnOnce(Report<'_>) -> Report<'_>,
) -> String {
    let root = Root { given: "./sub".to_owned(), shown: "sub".to_owned(), ..Root::default() };
    below(&Roots::new(vec![root]), format, (findings, faults), change)
}

fn below(
    roots: &Roots,
    format: Format,
    (findings, faults): (&[Finding], &[Fault]),
    change: impl FnOnce(Report<'_>) -> Report<'_>,
) -> String {
    made(roots, (findings, faults), |report| {
        let mut out = Vec::new();
        let report = change(report);
        render(format, &report, &Palette::default(), &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("a report is UTF-8")
    })
}

fn with_report<T>(findings: &[Finding], act: impl FnOnce(Report<'_>) -> T) -> T {
    let root = Root { given: "./sub".to_owned(), shown: "sub".to_owned(), ..Root::default() };
    made(&Roots::new(vec![root]), (findings, &[]), act)
}

fn made<T>(
    roots: &Roots,
    (findings, faults): (&[Finding], &[Fault]),
    act: impl FnOnce(Report<'_>) -> T,
) -> T {
    let rules = rule::testing::github_rules();
    let least = Confidence::Likely;
    let elapsed = std::time::Duration::from_millis(1500);
    let summary = Summary::new(findings, faults, least, Reading::default(), elapsed);
    act(Report {
        findings,
        faults,
        summary: &summary,
        rules,
        custom: &[],
        roots,
        time: (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH),
        ending: Ending::default(),
        coverage: None,
        show_secrets: false,
        min_confidence: least,
        show_suppressed: false,
        closing: Closing::NextSteps,
    })
}

/// With what does not count.
fn all(format: Format) -> String {
    let (findings, faults) = findings();
    changed(format, &findings, &faults, |report| Report { show_suppressed: true, ..report })
}

fn sample(format: Format) -> String {
    let (findings, faults) = findings();
    rendered(format, &findings, &faults, false)
}

/// Whether a format has no row for each token.
fn is_table(format: Format) -> bool {
    matches!(format, Format::Owners | Format::Coverage)
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn no_format_prints_a_token_unless_asked_to() {
    let (findings, faults) = findings();
    let whole = [token(Kind::pat(), 1), token(Kind::oauth(), 2), token(Kind::app_user(), 3)];
    for format in Format::ALL {
        let text = rendered(format, &findings, &faults, false);
        assert!(whole.iter().all(|token| !text.contains(token.as_str())), "{} holds a token", format.name());
        let text = rendered(format, &findings, &faults, true);
        let shown = whole.iter().all(|token| text.contains(token.as_str()));
        assert_eq!(
            shown,
            !matches!(format, Format::Html | Format::Owners | Format::Notices | Format::Coverage),
            "{} with --show-secrets",
            format.name()
        );
    }
}

/// What a token told before it was revoked cannot be asked again: every report of tokens carries it.
#[test]
fn every_format_tells_scopes_and_expiry() {
    for format in Format::ALL.into_iter().filter(|format| !is_table(*format)) {
        let text = sample(format);
        let name = format.name();
        assert!(text.contains("admin:org") || text.contains("admin%3Aorg"), "{name} has no scopes:\n{text}");
        let end = text.matches("2026-01-01T00:00:00Z").count() + text.matches("2026-01-01T00%3A00").count();
        assert!(end > 0, "{name} has no expiry:\n{text}");
    }
    let revocation = json(&sample(Format::Json))["findings"][0]["revocation"].clone();
    assert_eq!(revocation["scopes"], serde_json::json!(["repo", "admin:org"]));
    assert_eq!(revocation["expires_at"], "2026-01-01T00:00:00Z");
}

#[test]
fn every_format_is_complete_when_nothing_was_found() {
    for format in Format::ALL {
        let text = rendered(format, &[], &[], false);
        let empty = matches!(format, Format::Pretty | Format::Github | Format::Notices);
        assert_eq!(text.is_empty(), empty, "{}", format.name());
    }
    assert!(rendered(Format::Junit, &[], &[], false).contains(r#"tests="1" failures="0""#));
}

#[test]
fn sarif_has_an_alert_for_each_token_in_each_file() {
    let log = json(&sample(Format::Sarif));
    let results = log["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 5);
    let uri = |result: &serde_json::Value| {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().map(str::to_owned)
    };
    let named = |name: &str| results.iter().find(|result| uri(result).as_deref() == Some(name));
    let first = named("sub/a%20b/%C3%A9.env").expect("an alert at the file");
    assert_eq!(first["relatedLocations"][0]["physicalLocation"]["region"]["startLine"], 9);
    assert_eq!((&first["level"], &first["ruleIndex"]), (&"error".into(), &0.into()));
    let fingerprints: std::collections::HashSet<_> = results
        .iter()
        .map(|result| result["partialFingerprints"]["primaryLocationLineHash"].to_string())
        .collect();
    assert_eq!(fingerprints.len(), 5, "one for each token and file");
    let message = results.iter().find(|result| result["locations"][0]["logicalLocations"].is_array());
    let message = message.expect("the one in a commit's message");
    let object = format!("sub/.git/objects/00/{:038x}", 15);
    assert_eq!(uri(message), Some(object));
    assert!(results.iter().all(|result| result["level"] != "note" && result["suppressions"].is_null()));
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert_eq!(invocation["toolExecutionNotifications"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_moved_line_is_the_same_alert() {
    let print = |line| {
        let found = Findings::default();
        add(&found, Kind::pat(), 1, Confidence::Certain, location("a", line));
        let (found, faults) = found.finish();
        let log = json(&rendered(Format::Sarif, &found, &faults, false));
        let gitlab = json(&rendered(Format::Gitlab, &found, &faults, false));
        let result = &log["runs"][0]["results"][0];
        (result["partialFingerprints"].clone(), gitlab["vulnerabilities"][0]["id"].clone())
    };
    assert_eq!(print(1), print(99));
}

#[test]
fn csv_is_read_back_cell_by_cell() {
    let text = sample(Format::Csv);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<::csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    assert_eq!(rows.len(), 6);
    for cell in rows.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
    }
    assert!(rows.iter().any(|row| row.get(15) == Some("'=Eve <eve@example.org>")));
}

#[test]
fn annotations_are_one_line_each_and_name_the_file() {
    let text = sample(Format::Github);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 7, "six locations that count, and a fault");
    assert!(
        lines
            .iter()
            .all(|line| { ["::error ", "::warning "].iter().any(|command| line.starts_with(command)) })
    );
    assert!(text.contains("::error file=sub/a b/é.env,line=2,col=4,title="));
    assert!(text.contains("::error title="), "a commit's message is in no file");
    assert!(text.contains("%0A%3A%3Aerror%3A%3Ax"));
}

#[test]
fn junit_counts_what_it_contains() {
    let text = all(Format::Junit);
    let page = roxmltree::Document::parse(&text).expect("XML");
    let count = |name: &str| page.descendants().filter(|node| node.has_tag_name(name)).count();
    let suite = page.descendants().find(|node| node.has_tag_name("testsuite")).expect("a suite");
    for (element, attribute) in
        [("testcase", "tests"), ("failure", "failures"), ("error", "errors"), ("skipped", "skipped")]
    {
        assert_eq!(suite.attribute(attribute), Some(count(element).to_string().as_str()), "{attribute}");
    }
    assert_eq!((count("failure"), count("error"), count("skipped")), (4, 1, 2));
}

#[test]
fn the_page_runs_and_loads_nothing_but_its_own() {
    let text = sample(Format::Html);
    assert_eq!(text.matches("<script").count(), 1, "a path has become a script");
    assert_eq!(text.matches("</script>").count(), 1);
    for needle in ["onclick", "onload", " style=", "src=", "@import", "\x1b", "\u{202e}"] {
        assert!(!text.contains(needle), "{needle:?}");
    }
    let links: Vec<&str> = text.match_indices("href=\"").map(|(at, _)| &text[at + 6..at + 29]).collect();
    assert_eq!(links, ["https://docs.github.com"]);
    assert!(text.contains("default-src 'none'"));
    assert!(text.contains("2024-09"), "the timeline names its months");
}
