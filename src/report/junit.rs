//! `JUnit` XML, by the schema that Jenkins and GitLab read
//! (<https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd>).
//!
//! Every finding that counts is a failed test case, every file that could not be read one in error. What does not count is a
//! skipped one, where it is listed.

use std::io::{self, Write};

use super::{Report, labels};
use crate::blob::FaultKind;
use crate::finding::{Finding, Location};
use crate::text::xml_escaped;

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let cases: Vec<&Finding> = report.listed().collect();
    let not_counted = cases.iter().filter(|finding| !report.counts(finding)).count();
    let failures = cases.len() - not_counted;
    let faults: Vec<_> = report.unread().collect();
    // A clone that was taken as it is makes no run fail.
    let absent = faults.iter().filter(|fault| fault.kind == FaultKind::Shallow).count();
    let skipped = not_counted + absent;
    let passed = usize::from(failures == 0);
    let seconds = std::time::Duration::from_millis(report.summary.elapsed_ms).as_secs_f64();
    let tests = cases.len() + faults.len() + passed;
    let counts = format!(
        r#"tests="{tests}" failures="{failures}" errors="{}" skipped="{skipped}" time="{seconds:.3}""#,
        faults.len() - absent
    );
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuites name="stanch" {}>"#,
        counts.replace(&format!(r#"skipped="{skipped}" "#), "")
    )?;
    let started = report.time.0.strftime("%Y-%m-%dT%H:%M:%S");
    writeln!(out, r#"  <testsuite name="stanch" {counts} timestamp="{started}">"#)?;
    if let Some(head) = &report.summary.audit_head {
        let property = format!(r#"<property name="audit_head" value="{}"/>"#, xml_escaped(head));
        writeln!(out, "    <properties>\n      {property}\n    </properties>")?;
    }
    for finding in cases {
        case(report, finding, out)?;
    }
    for fault in faults {
        let (path, reason) = (xml_escaped(&report.roots.fault_path(fault)), xml_escaped(&fault.reason));
        writeln!(out, r#"    <testcase classname="stanch.reading" name="{path}" time="0">"#)?;
        if fault.kind == FaultKind::Shallow {
            writeln!(out, r#"      <skipped message="{reason}"/>"#)?;
        } else {
            writeln!(out, r#"      <error type="unreadable" message="{reason}"/>"#)?;
        }
        writeln!(out, "    </testcase>")?;
    }
    if passed > 0 {
        writeln!(out, r#"    <testcase classname="stanch" name="no token found that counts" time="0"/>"#)?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

fn case(report: &Report<'_>, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let (rule, token) = (xml_escaped(&finding.rule), xml_escaped(&report.token(finding)));
    let locations = report.locations(finding).into_iter();
    let locations: Vec<String> = locations.map(|location| location_text(report, location)).collect();
    let first = xml_escaped(locations.first().map_or("", String::as_str));
    writeln!(out, r#"    <testcase classname="stanch.{rule}" name="{token} in {first}" time="0">"#)?;
    if let Some(why) = labels::not_counted_because(finding, report.min_confidence) {
        writeln!(out, r#"      <skipped message="{}"/>"#, xml_escaped(&why))?;
    } else {
        let (kind, what) = (finding.confidence.as_str(), xml_escaped(report.description(finding)));
        writeln!(out, r#"      <failure type="{kind}" message="{what}: {token}">"#)?;
        for (text, location) in locations.iter().zip(report.locations(finding)) {
            let url = labels::url(location).map(|url| format!(" {url}")).unwrap_or_default();
            writeln!(out, "{}{}", xml_escaped(text), xml_escaped(&url))?;
        }
        if finding.more_locations > 0 {
            writeln!(out, "and {} more places", finding.more_locations)?;
        }
        writeln!(out, "sha256 {}", finding.token.fingerprint().hex())?;
        if let Some(grants) = labels::grants(finding) {
            writeln!(out, "{}", xml_escaped(&grants))?;
        }
        writeln!(out, "{}</failure>", xml_escaped(labels::remedy(finding)))?;
    }
    writeln!(out, "    </testcase>")
}

fn location_text(report: &Report<'_>, location: &Location) -> String {
    let mut text = report.path(location);
    if labels::has_lines(location) {
        text = format!("{text}:{}:{}", location.line, location.column);
    } else {
        text = format!("{text} ({})", labels::place_kind(location));
        text = String::from(text.trim_start());
    }
    match &location.details().commit {
        Some(commit) => format!("{text} in commit {commit}"),
        None => text,
    }
}
