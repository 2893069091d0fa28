//! GitHub Actions: an annotation a place, and the page of a job's summary.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::{Report, words};
use crate::finding::{Confidence, Finding, Location};
use crate::text::printable;

/// How many tokens the summary lists: GitHub shows no more than a megabyte.
const LISTED: usize = 500;

/// Workflow commands on standard output, which Actions turns into annotations of the lines.
pub(super) fn annotations(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.shown() {
        for place in finding.locations.iter().filter(|place| place.suppressed.is_none()) {
            annotation(report, finding, place, out)?;
        }
    }
    for fault in report.unread() {
        let (path, reason) = (property(&fault.path), data(&fault.reason));
        writeln!(out, "::warning file={path},title=Could not be read::{reason}")?;
    }
    Ok(())
}

fn annotation(
    report: &Report<'_>,
    finding: &Finding,
    place: &Location,
    out: &mut dyn Write,
) -> io::Result<()> {
    let command = match finding.confidence {
        Confidence::Certain => "error",
        Confidence::Likely => "warning",
        Confidence::Lookalike => "notice",
    };
    let mut properties = Vec::new();
    let path = report.path(place);
    if !path.is_empty() {
        properties.push(format!("file={}", property(&path)));
        if words::has_lines(place.kind) {
            properties.push(format!("line={},col={}", place.line, place.column));
        }
    }
    let what = report.description(finding);
    properties.push(format!("title={}", property(what)));
    let mut message = report.token(finding);
    let reason = if finding.reason.is_empty() { "its checksum holds" } else { finding.reason };
    // Writing to a String cannot fail.
    let _ = write!(message, " ({reason})");
    if !words::has_lines(place.kind) {
        let _ = write!(message, " in the {}", words::part(place.kind).replace('-', " "));
    }
    if let Some(commit) = &place.commit {
        let _ = write!(message, ", commit {commit}");
    }
    if finding.confidence > Confidence::Lookalike {
        let _ = write!(message, "\n{}", words::remedy(finding));
    }
    writeln!(out, "::{command} {}::{}", properties.join(","), data(&message))
}

/// The page of a job's summary, in Markdown.
pub fn step_summary(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let summary = report.summary;
    let told: Vec<&Finding> = report.shown().filter(|finding| finding.counts()).collect();
    writeln!(out, "### Leaked GitHub tokens: {}\n", told.len())?;
    if !told.is_empty() {
        writeln!(out, "| | Token | What | Where | Revocation |\n|---|---|---|---|---|")?;
        for finding in told.iter().take(LISTED) {
            let place = finding.locations.first();
            let path = place.map(|place| cell(&report.path(place))).unwrap_or_default();
            let line =
                place.filter(|place| words::has_lines(place.kind)).map(|place| format!(":{}", place.line));
            let more = finding.locations.len() as u64 + finding.more_locations - 1;
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let state = finding.revocation.as_ref().map_or("", |revocation| revocation.state.as_str());
            writeln!(
                out,
                "| {} | <code>{}</code> | {} | <code>{path}{}</code>{more} | {} |",
                finding.confidence.as_str(),
                cell(&report.token(finding)),
                cell(report.description(finding)),
                line.unwrap_or_default(),
                cell(state)
            )?;
        }
        if told.len() > LISTED {
            writeln!(out, "\n… and {} more.", told.len() - LISTED)?;
        }
        writeln!(out, "\n{}\n", words::REMEDY)?;
    }
    writeln!(
        out,
        "{} files, {} objects, {} bytes looked through; {} lookalikes, {} suppressed ({} by the scanned tree itself), \
         {} places could not be read.\n",
        summary.files,
        summary.objects,
        summary.bytes,
        summary.lookalikes,
        summary.suppressed,
        summary.suppressed_by_tree,
        summary.unreadable
    )
}

/// The data of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a workflow command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A cell of a Markdown table: nothing in it is mark-up.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in printable(text).chars() {
        if character.is_ascii_alphanumeric() || " /.-".contains(character) || !character.is_ascii() {
            out.push(character);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "&#{};", u32::from(character));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_path_ends_a_command_or_a_cell() {
        assert_eq!(property("a:b,c%\n::error::x"), "a%3Ab%2Cc%25%0A%3A%3Aerror%3A%3Ax");
        assert_eq!(cell("a|`<b>"), "a&#124;&#96;&#60;b&#62;");
    }
}
