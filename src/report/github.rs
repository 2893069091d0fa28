//! GitHub Actions: an annotation for each location, as workflow commands on standard output
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message>).

use std::fmt::Write as _;
use std::io::{self, Write};

use super::{Report, labels};
use crate::finding::{Confidence, Finding, Location};
use crate::text::{workflow_data, workflow_property};

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.listed() {
        for location in report.locations(finding) {
            annotation(report, finding, location, out)?;
        }
    }
    for fault in report.unread() {
        let (path, reason) =
            (workflow_property(&report.roots.fault_path(fault)), workflow_data(&fault.reason));
        writeln!(out, "::warning file={path},title=Could not be read::{reason}")?;
    }
    Ok(())
}

fn annotation(
    report: &Report<'_>,
    finding: &Finding,
    location: &Location,
    out: &mut dyn Write,
) -> io::Result<()> {
    let counts = report.counts_at(finding, location);
    let command = match finding.confidence {
        Confidence::Certain if counts => "error",
        Confidence::Likely if counts => "warning",
        _ => "notice",
    };
    let mut properties = Vec::new();
    let path = report.path(location);
    if !path.is_empty() {
        properties.push(format!("file={}", workflow_property(&path)));
        if labels::has_lines(location) {
            properties.push(format!("line={},col={}", location.line, location.column));
        }
    }
    properties.push(format!("title={}", workflow_property(report.description(finding))));
    let message = message(report, finding, location);
    writeln!(out, "::{command} {}::{}", properties.join(","), workflow_data(&message))
}

fn message(report: &Report<'_>, finding: &Finding, location: &Location) -> String {
    let mut message = format!("{} ({})", report.token(finding), labels::reason(finding));
    // Writing to a String cannot fail.
    if !labels::has_lines(location) {
        let _ = write!(message, " in the {}", labels::place_kind(location).replace('-', " "));
    }
    if let Some(commit) = &location.details().commit {
        let _ = write!(message, ", commit {commit}");
    }
    if let Some(url) = labels::url(location) {
        let _ = write!(message, ", {url}");
    }
    if let Some(grants) = labels::grants(finding) {
        let _ = write!(message, ", {grants}");
    }
    if !report.counts_at(finding, location) {
        if let Some(suppression) = &location.details().suppressed {
            let _ = write!(message, ", suppressed by {}", labels::suppressed_by(suppression));
        }
    } else if finding.confidence > Confidence::Lookalike {
        let _ = write!(message, "\n{}", labels::remedy(finding));
    }
    message
}
