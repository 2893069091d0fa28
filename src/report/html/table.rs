//! The tables of the page: every token with its locations, and what could not be read.

use std::io::{self, Write};

use crate::finding::{Confidence, Finding, Location};
use crate::report::labels::Fate;
use crate::report::owners::Owner;
use crate::report::{Report, labels, owners};
use crate::text::grouped;
use crate::text::xml_escaped;

/// How many tokens stand in the page as rows. Where there are more, all of them are packed behind it as well: a browser
/// needs seconds to sort tens of thousands of rows, and a mail server takes no page of many megabytes.
pub(super) const MAX_WRITTEN: usize = 500;

/// How many faults are listed.
const MAX_FAULTS: usize = 500;

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
    writeln!(
        out,
        r#"<th class="number">Places</th><th>First commit</th><th class="number">Owner id</th><th>State</th>"#
    )?;
    writeln!(out, "</tr></thead><tbody>")?;
    // A token may have a hundred locations.
    let listed = if rows.len() > 100 { 10 } else { 100 };
    for finding in rows.iter().take(MAX_WRITTEN) {
        row(report, finding, listed, out)?;
    }
    writeln!(out, "</tbody></table></div>")?;
    if rows.len() > MAX_WRITTEN {
        let rest = grouped((rows.len() - MAX_WRITTEN) as u64);
        writeln!(
            out,
            r#"<p class="unscripted likely">A browser that runs no script shows only these; {rest} more are in this page.</p>"#
        )?;
    }
    Ok(())
}

fn row(report: &Report<'_>, finding: &Finding, listed: usize, out: &mut dyn Write) -> io::Result<()> {
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
    location_list(report, finding, listed, out)?;
    let (count, date) = (places(finding), first_date(finding));
    let sort = finding.owner_id.map(|id| id.to_string()).unwrap_or_default();
    let owner = labels::owner(finding).unwrap_or_default();
    let owner = if owner == sort {
        format!(r#"<td class="number">{owner}</td>"#)
    } else {
        format!(r#"<td class="number" data-sort="{sort}">{}</td>"#, xml_escaped(&owner))
    };
    writeln!(
        out,
        r#"</td><td class="number">{count}</td><td>{}</td>{owner}<td>{}</td></tr>"#,
        xml_escaped(date),
        state_cell(report, finding)
    )
}

/// In how many places a token stands.
pub(super) fn places(finding: &Finding) -> u64 {
    finding.locations.len() as u64 + finding.more_locations
}

/// The day of the earliest commit that a token is known to be in, or nothing.
pub(super) fn first_date(finding: &Finding) -> &str {
    let dates = finding.locations.iter().filter_map(|location| location.details().date.as_deref());
    let date = dates.min().unwrap_or_default();
    date.get(..10).unwrap_or(date)
}

/// The first place, and behind a fold the others, as many as are to be listed.
fn location_list(
    report: &Report<'_>,
    finding: &Finding,
    listed: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let locations = report.locations(finding);
    let Some((first, others)) = locations.split_first() else { return Ok(()) };
    writeln!(out, "{}", location_cell(report, finding, first))?;
    let more = others.len() as u64 + finding.more_locations;
    let label = if more > 0 { format!("and {more} more") } else { "hash".to_owned() };
    writeln!(out, "<details><summary>{label}</summary><ul>")?;
    for other in others.iter().take(listed) {
        writeln!(out, "<li>{}</li>", location_cell(report, finding, other))?;
    }
    let rest = more - others.len().min(listed) as u64;
    if rest > 0 {
        writeln!(out, "<li>{rest} places are not listed</li>")?;
    }
    let hash = finding.token.fingerprint().base64();
    writeln!(out, r#"<li class="faint">hashed_token <code>{hash}</code></li></ul></details>"#)
}

fn location_cell(report: &Report<'_>, finding: &Finding, location: &Location) -> String {
    let path = xml_escaped(&report.path(location));
    let mut text = if labels::has_lines(location) {
        format!("<code>{path}:{}:{}</code>", location.line, location.column)
    } else {
        format!("<code>{path}</code> <span class=\"faint\">({})</span>", labels::place_kind(location))
    };
    if let Some(url) = labels::url(location) {
        text = link(url, &text);
    }
    if let Some(url) = labels::pull_request(location) {
        text = format!("{text} {}", link(url, "pull request"));
    }
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

/// A link that tells the other side nothing of this page, of an address that ends no attribute.
pub(super) fn link(url: &str, text: &str) -> String {
    format!(r#"<a href="{}" rel="noopener noreferrer">{text}</a>"#, xml_escaped(url))
}

/// What became of a token: in words, the class of their look, and when.
pub(super) fn state(report: &Report<'_>, finding: &Finding) -> (String, &'static str, String) {
    if let Some(why) = labels::not_counted_because(finding, report.min_confidence) {
        return (why, "faint", String::new());
    }
    if finding.confidence == Confidence::Lookalike {
        return ("no token".to_owned(), "faint", String::new());
    }
    let Some(revocation) = &finding.revocation else {
        return ("not revoked".to_owned(), "", String::new());
    };
    let look = match labels::fate(finding) {
        Fate::Revoked => "good",
        Fate::Accepted => "taken",
        Fate::Open => "likely",
    };
    let grants = labels::grants(finding).map(|grants| format!("; {grants}")).unwrap_or_default();
    (revocation.state.to_string(), look, format!("{}{grants}", revocation.at))
}

fn state_cell(report: &Report<'_>, finding: &Finding) -> String {
    let (state, look, at) = state(report, finding);
    let (state, at) = (xml_escaped(&state), xml_escaped(&at));
    format!(r#"<span class="{look}">{state}</span> <span class="faint">{at}</span>"#)
}

/// Whose the tokens are, all of them, as long as they are few enough to be written: else a script makes the table.
pub(super) fn owners(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let owners = owners::owners(report);
    if owners.iter().all(Owner::is_unknown) {
        return Ok(());
    }
    let count = owners.iter().filter(|owner| !owner.is_unknown()).count() as u64;
    writeln!(out, "<h2>Owners: {}</h2>", grouped(count))?;
    writeln!(
        out,
        r#"<p class="faint">GitHub's user ids, as fine-grained tokens carry them; <code>https://api.github.com/user/ID</code> tells the name. <code>-r owners=FILE</code> writes this table.</p>"#
    )?;
    writeln!(out, r#"<div class="scroll"><table id="owners" class="sortable"><thead><tr>"#)?;
    for head in ["Owner id", "Tokens", "Revoked", "Accepted", "Open"] {
        writeln!(out, r#"<th class="number">{head}</th>"#)?;
    }
    writeln!(out, "<th>First place</th></tr></thead><tbody>")?;
    for owner in owners.iter().take(MAX_WRITTEN) {
        let sort = owner.id.map_or_else(String::new, |id| id.to_string());
        let id = match (owner.id, owner.login) {
            (None, None) => "not told by the token".to_owned(),
            (None, Some(login)) => login.to_owned(),
            (Some(_), login) => {
                format!("{sort}{}", login.map(|login| format!(" ({login})")).unwrap_or_default())
            }
        };
        write!(out, r#"<tr><td class="number" data-sort="{sort}">{}</td>"#, xml_escaped(&id))?;
        for count in [owner.tokens.len() as u64, owner.revoked, owner.accepted, owner.open] {
            write!(out, r#"<td class="number">{count}</td>"#)?;
        }
        writeln!(out, "<td><code>{}</code></td></tr>", xml_escaped(&owner.first_path))?;
    }
    writeln!(out, "</tbody></table></div>")
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
    for fault in report.faults.iter().take(MAX_FAULTS) {
        writeln!(
            out,
            "<tr><td><code>{}</code></td><td>{}</td></tr>",
            xml_escaped(&report.roots.fault_path(fault)),
            xml_escaped(&fault.reason)
        )?;
    }
    writeln!(out, "</tbody></table></div>")?;
    match report.faults.len().saturating_sub(MAX_FAULTS) {
        0 => Ok(()),
        rest => writeln!(out, r#"<p class="faint">and {} more: JSON has them all</p>"#, grouped(rest as u64)),
    }
}
