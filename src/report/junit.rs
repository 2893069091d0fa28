//! `JUnit` XML: every finding that counts is a failed test case, every place that could not be read one in error.

use std::io::{self, Write};

use super::words::escaped;
use super::{Report, words};
use crate::finding::{Confidence, Finding};

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let told: Vec<&Finding> =
        report.shown().filter(|finding| finding.confidence > Confidence::Lookalike).collect();
    let skipped = told.iter().filter(|finding| finding.suppressed.is_some()).count();
    let failures = told.len() - skipped;
    let faults: Vec<_> = report.unread().collect();
    let passed = usize::from(failures == 0);
    let seconds = std::time::Duration::from_millis(report.summary.elapsed_ms).as_secs_f64();
    let tests = told.len() + faults.len() + passed;
    let counts = format!(
        r#"tests="{tests}" failures="{failures}" errors="{}" skipped="{skipped}" time="{seconds:.3}""#,
        faults.len()
    );
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuites name="stanch" {}>"#,
        counts.replace(&format!(r#"skipped="{skipped}" "#), "")
    )?;
    let started = report.time.0.strftime("%Y-%m-%dT%H:%M:%S");
    writeln!(out, r#"  <testsuite name="stanch" {counts} timestamp="{started}">"#)?;
    for finding in told {
        case(report, finding, out)?;
    }
    for fault in faults {
        let (path, reason) = (escaped(&fault.path), escaped(&fault.reason));
        writeln!(out, r#"    <testcase classname="stanch.reading" name="{path}" time="0">"#)?;
        writeln!(out, r#"      <error type="unreadable" message="{reason}"/>"#)?;
        writeln!(out, "    </testcase>")?;
    }
    if passed > 0 {
        writeln!(out, r#"    <testcase classname="stanch" name="no token found that counts" time="0"/>"#)?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

fn case(report: &Report<'_>, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let (rule, token) = (escaped(&finding.rule), escaped(&report.token(finding)));
    let places: Vec<String> = finding.locations.iter().map(|place| where_it_is(report, place)).collect();
    let first = escaped(places.first().map_or("", String::as_str));
    writeln!(out, r#"    <testcase classname="stanch.{rule}" name="{token} in {first}" time="0">"#)?;
    if let Some(silence) = &finding.suppressed {
        let by = escaped(&words::silencer(silence));
        writeln!(out, r#"      <skipped message="suppressed by {by}"/>"#)?;
    } else {
        let (kind, what) = (finding.confidence.as_str(), escaped(report.description(finding)));
        writeln!(out, r#"      <failure type="{kind}" message="{what}: {token}">"#)?;
        for place in &places {
            writeln!(out, "{}", escaped(place))?;
        }
        if finding.more_locations > 0 {
            writeln!(out, "and {} more places", finding.more_locations)?;
        }
        writeln!(out, "sha256 {}", finding.token.fingerprint().hex())?;
        writeln!(out, "{}</failure>", escaped(words::remedy(finding)))?;
    }
    writeln!(out, "    </testcase>")
}

fn where_it_is(report: &Report<'_>, place: &crate::finding::Location) -> String {
    let mut text = report.path(place);
    if words::has_lines(place.kind) {
        text = format!("{text}:{}:{}", place.line, place.column);
    } else {
        text = format!("{text} ({})", words::part(place.kind));
        text = String::from(text.trim_start());
    }
    match &place.commit {
        Some(commit) => format!("{text} in commit {commit}"),
        None => text,
    }
}
