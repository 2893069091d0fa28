//! The page of a GitHub Actions job's summary, in Markdown
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary>).

use std::io::{self, Write};

use super::{Report, covered, labels};
use crate::finding::Finding;
use crate::text::markdown_cell;

/// How many tokens are listed: GitHub takes no more than a mebibyte from a step.
const MAX_ROWS: usize = 500;

/// Writes the page of a job's summary.
pub fn step_summary(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let summary = report.summary;
    let counted: Vec<&Finding> = report.counted().collect();
    writeln!(out, "### Leaked GitHub tokens: {}\n", counted.len())?;
    if !counted.is_empty() {
        writeln!(out, "| | Token | What | Where | Revocation |\n|---|---|---|---|---|")?;
        for finding in counted.iter().take(MAX_ROWS) {
            row(report, finding, out)?;
        }
        if counted.len() > MAX_ROWS {
            writeln!(out, "\n… and {} more.", counted.len() - MAX_ROWS)?;
        }
        writeln!(out, "\n{}\n", labels::REMEDY)?;
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
        summary.unreadable - summary.bytes_only
    )?;
    if let Some(line) = summary.seen_as_bytes() {
        writeln!(out, "{line}.\n")?;
    }
    if let Some(coverage) = report.coverage {
        writeln!(out, "{}.\n", covered::totals(coverage))?;
    }
    if summary.shallow {
        writeln!(out, "A history was incomplete: commits are missing from the clone.\n")?;
    }
    Ok(())
}

fn row(report: &Report<'_>, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let locations = report.locations(finding);
    let first = locations.first();
    let path = first.map(|location| markdown_cell(&report.path(location))).unwrap_or_default();
    let url = first.and_then(|location| labels::url(location));
    let (open, close) = url.map_or_else(Default::default, |url| (format!("<a href=\"{url}\">"), "</a>"));
    let line = first.filter(|location| labels::has_lines(location));
    let line = line.map(|location| format!(":{}", location.line));
    let more = locations.len() as u64 + finding.more_locations - 1;
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let mut state =
        finding.revocation.as_ref().map(|revocation| revocation.state.to_string()).unwrap_or_default();
    if let Some(grants) = labels::grants(finding) {
        state = format!("{state} ({grants})");
    }
    writeln!(
        out,
        "| {} | <code>{}</code> | {} | {open}<code>{path}{}</code>{close}{more} | {} |",
        finding.confidence.as_str(),
        markdown_cell(&report.token(finding)),
        markdown_cell(report.description(finding)),
        line.unwrap_or_default(),
        markdown_cell(&state)
    )
}
