//! What a sweep of repositories has looked at, and what it has not: the first question after what was found.

use std::io::{self, Write};

use super::table;
use crate::coverage::{Coverage, CoverageRow};
use crate::report::{Report, covered, labels};
use crate::text::grouped;
use crate::text::xml_escaped;

/// How many rows the page has. Those that were not wholly looked at come first.
const MAX_WRITTEN: usize = 2000;

/// How many missing commits of a repository are named.
const MAX_MISSING: usize = 20;

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some(coverage) = report.coverage else { return Ok(()) };
    writeln!(out, "<h2>What was looked at</h2>")?;
    totals(coverage, out)?;
    if coverage.rows.is_empty() {
        return Ok(());
    }
    writeln!(out, r#"<div class="scroll"><table id="coverage" class="sortable"><thead><tr>"#)?;
    writeln!(out, "<th>Repository</th><th>State</th><th>Tip</th>")?;
    for head in ["Refs", "Objects", "Missing", "Seconds"] {
        writeln!(out, r#"<th class="number">{head}</th>"#)?;
    }
    writeln!(out, "<th>Besides</th><th>Why</th></tr></thead><tbody>")?;
    let (whole, unread): (Vec<_>, Vec<_>) = coverage.rows.iter().partition(|row| row.state.is_whole());
    for one in unread.into_iter().chain(whole).take(MAX_WRITTEN) {
        row(one, out)?;
    }
    writeln!(out, "</tbody></table></div>")?;
    match coverage.rows.len().saturating_sub(MAX_WRITTEN) {
        0 => Ok(()),
        more => writeln!(
            out,
            r#"<p class="faint">and {} more that were looked at or fit in no page: <code>-r coverage=FILE</code> has them all</p>"#,
            grouped(more as u64)
        ),
    }
}

fn totals(coverage: &Coverage, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, r#"<div class="cards">"#)?;
    for (state, count) in coverage.totals() {
        let class = if state.is_whole() { "good" } else { "likely" };
        let (count, state) = (grouped(count), state.as_str());
        writeln!(out, r#"<div class="card"><b class="{class}">{count}</b><span>{state}</span></div>"#)?;
    }
    let missing: usize = coverage.rows.iter().map(|row| row.missing.len()).sum();
    if missing > 0 {
        let count = grouped(missing as u64);
        writeln!(
            out,
            r#"<div class="card"><b class="likely">{count}</b><span>deleted commits that the server no longer gives</span></div>"#
        )?;
    }
    if coverage.pending() > 0 {
        let count = grouped(coverage.pending());
        writeln!(
            out,
            r#"<div class="card"><b class="likely">{count}</b><span>pending: runs that have not ended</span></div>"#
        )?;
    }
    writeln!(out, "</div>")?;
    if coverage.not_asked.is_empty() {
        return Ok(());
    }
    writeln!(out, "<p>Not asked for:</p>\n<ul>")?;
    for one in &coverage.not_asked {
        writeln!(out, "<li>{}</li>", xml_escaped(&covered::not_asked(one)))?;
    }
    writeln!(out, "</ul>")
}

fn row(row: &CoverageRow, out: &mut dyn Write) -> io::Result<()> {
    let name = format!("<code>{}</code>", xml_escaped(&row.repository));
    let name = match labels::web_address(row.url.as_ref()) {
        Some(url) => table::link(url, &name),
        None => name,
    };
    let class = if row.state.is_whole() { "good" } else { "likely" };
    write!(out, r#"<tr><td>{name}</td><td><span class="{class}">{}</span></td>"#, row.state.as_str())?;
    let tip = row.tip.as_deref().unwrap_or_default();
    write!(out, "<td><code>{}</code></td>", xml_escaped(tip.get(..10).unwrap_or(tip)))?;
    for count in [row.refs, row.objects] {
        write!(out, r#"<td class="number">{count}</td>"#)?;
    }
    write!(out, r#"<td class="number" data-sort="{}">{}</td>"#, row.missing.len(), missing(row))?;
    let seconds = std::time::Duration::from_millis(row.elapsed_ms).as_secs_f64();
    let reason = xml_escaped(row.reason.as_deref().unwrap_or_default());
    let surfaces = xml_escaped(&covered::surfaces(row));
    writeln!(out, r#"<td class="number">{seconds:.1}</td><td>{surfaces}</td><td>{reason}</td></tr>"#)
}

/// How many deleted commits the server no longer gives, and which.
fn missing(row: &CoverageRow) -> String {
    if row.missing.is_empty() {
        return String::new();
    }
    let ids: Vec<String> = row
        .missing
        .iter()
        .take(MAX_MISSING)
        .map(|id| format!("<code>{}</code>", xml_escaped(id.get(..10).unwrap_or(id))))
        .collect();
    let more = row.missing.len().saturating_sub(MAX_MISSING);
    let more = if more > 0 { format!(" and {} more", grouped(more as u64)) } else { String::new() };
    format!("<details><summary>{}</summary>{}{more}</details>", row.missing.len(), ids.join(" "))
}
