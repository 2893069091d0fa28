//! The tables of the page: every token with its locations, and what could not be read.

use std::io::{self, Write};

use super::super::{Report, labels};
use crate::finding::{Confidence, Finding, Location};
use crate::revocation::State;
use crate::text::xml_escaped;

pub(super) fn tokens(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<&Finding> = report.listed().collect();
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>Every token</h2>")?;
    writeln!(
        out,
        r#"<input id="filter" type="search" placeholder="Show only rows that hold…" aria-label="Show only rows that hold" hidden>"#
    )?;
    writeln!(out, r#"<div class="scroll"><table id="tokens" class="sortable"><thead><tr>"#)?;
    for head in ["Confidence", "Token", "Type", "Where"] {
        writeln!(out, "<th>{head}</th>")?;
    }
    writeln!(out, r#"<th class="number">Places</th><th>First commit</th><th>Owner id</th><th>State</th>"#)?;
    writeln!(out, "</tr></thead><tbody>")?;
    for finding in rows {
        row(report, finding, out)?;
    }
    writeln!(out, "</tbody></table></div>")?;
    Ok(())
}

fn row(report: &Report<'_>, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let (confidence, rank) = match finding.confidence {
        Confidence::Certain => ("certain", 0),
        Confidence::Likely => ("likely", 1),
        Confidence::Lookalike => ("lookalike", 2),
    };
    let class = if report.counts(finding) { confidence } else { "faint" };
    let hash = finding.token.fingerprint();
    writeln!(
        out,
        r#"<tr><td data-sort="{rank}" title="{}"><span class="{class}">{confidence}</span></td>"#,
        finding.reason
    )?;
    writeln!(
        out,
        r#"<td class="token"><code title="sha256 {}">{}</code></td>"#,
        hash.hex(),
        xml_escaped(&finding.token.redacted())
    )?;
    writeln!(out, "<td>{}</td><td>", xml_escaped(report.description(finding)))?;
    location_list(report, finding, &hash.base64(), out)?;
    let count = finding.locations.len() as u64 + finding.more_locations;
    let date = finding
        .locations
        .iter()
        .filter_map(|location| location.details().date.as_deref())
        .min()
        .unwrap_or_default();
    let owner = finding.owner_id.map(|id| id.to_string()).unwrap_or_default();
    writeln!(
        out,
        r#"</td><td class="number">{count}</td><td>{}</td><td>{owner}</td><td>{}</td></tr>"#,
        xml_escaped(date.get(..10).unwrap_or(date)),
        state(finding)
    )
}

fn location_list(report: &Report<'_>, finding: &Finding, hash: &str, out: &mut dyn Write) -> io::Result<()> {
    let locations = report.locations(finding);
    let Some((first, others)) = locations.split_first() else { return Ok(()) };
    writeln!(out, "{}", location_cell(report, finding, first))?;
    let more = others.len() as u64 + finding.more_locations;
    let label = if more > 0 { format!("and {more} more") } else { "hash".to_owned() };
    writeln!(out, "<details><summary>{label}</summary><ul>")?;
    for other in others {
        writeln!(out, "<li>{}</li>", location_cell(report, finding, other))?;
    }
    if finding.more_locations > 0 {
        writeln!(out, "<li>{} places are not listed</li>", finding.more_locations)?;
    }
    writeln!(out, r#"<li class="faint">hashed_token <code>{hash}</code></li></ul></details>"#)
}

fn location_cell(report: &Report<'_>, finding: &Finding, location: &Location) -> String {
    let path = xml_escaped(&report.path(location));
    let mut text = if labels::has_lines(location.kind) {
        format!("<code>{path}:{}:{}</code>", location.line, location.column)
    } else {
        format!("<code>{path}</code> <span class=\"faint\">({})</span>", labels::location_kind(location.kind))
    };
    if let Some(commit) = &location.details().commit {
        let short = xml_escaped(commit.get(..10).unwrap_or(commit));
        let author = xml_escaped(location.details().author.as_deref().unwrap_or_default());
        text = format!("{text} <span class=\"faint\">commit <code>{short}</code> {author}</span>");
    }
    if !location.details().decoded.is_empty() {
        text = format!(
            "{text} <span class=\"faint\">({})</span>",
            xml_escaped(&location.details().decoded.join(" of "))
        );
    }
    if let Some(suppression) = location.details().suppressed.as_ref().filter(|_| finding.suppressed.is_none())
    {
        let by = xml_escaped(&labels::suppressed_by(suppression));
        text = format!("{text} <span class=\"faint\">suppressed by {by}</span>");
    }
    text
}

/// Whether GitHub has accepted a token for revocation, or it was dead already.
pub(super) fn ended(finding: &Finding) -> bool {
    let state = finding.revocation.as_ref().map(|revocation| revocation.state);
    matches!(state, Some(State::Accepted | State::Confirmed | State::Dead))
}

fn state(finding: &Finding) -> String {
    if let Some(suppression) = &finding.suppressed {
        return format!(
            "<span class=\"faint\">suppressed by {}</span>",
            xml_escaped(&labels::suppressed_by(suppression))
        );
    }
    if finding.confidence == Confidence::Lookalike {
        return "<span class=\"faint\">no token</span>".to_owned();
    }
    match &finding.revocation {
        Some(revocation) => {
            let class = if ended(finding) { "good" } else { "likely" };
            let (state, at) = (revocation.state, revocation.at);
            let grants = labels::grants(finding).map(|grants| format!("; {}", xml_escaped(&grants)));
            let grants = grants.unwrap_or_default();
            format!("<span class=\"{class}\">{state}</span> <span class=\"faint\">{at}{grants}</span>")
        }
        None => "not revoked".to_owned(),
    }
}

/// Lists what could not be read, so that nobody takes its absence for safety.
pub(super) fn faults(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    if report.summary.shallow {
        writeln!(
            out,
            r#"<p class="likely">A history was incomplete: commits are missing from the clone.</p>"#
        )?;
    }
    if report.faults.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>What could not be looked into</h2>")?;
    writeln!(
        out,
        r#"<div class="scroll"><table class="sortable"><thead><tr><th>Place</th><th>Why</th></tr></thead><tbody>"#
    )?;
    for fault in report.faults {
        writeln!(
            out,
            "<tr><td><code>{}</code></td><td>{}</td></tr>",
            xml_escaped(&report.roots.fault_path(fault)),
            xml_escaped(&fault.reason)
        )?;
    }
    writeln!(out, "</tbody></table></div>")
}
