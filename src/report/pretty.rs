//! The report for people: a block for each token that counts, surest first, then what to do; what does not count only where
//! it was asked for.

use std::io::{self, Write};

use super::{Closing, Palette, Report, covered, labels};
use crate::blob::LocationKind;
use crate::finding::{Confidence, Finding, Location};
use crate::text::printable;

/// How many locations of a token are listed; machine-readable formats list more.
const MAX_LOCATIONS: usize = 8;

/// Writes the whole report; nothing at all where nothing was found.
pub(super) fn write(report: &Report<'_>, palette: &Palette, out: &mut dyn Write) -> io::Result<()> {
    let is_placeholder =
        |finding: &&Finding| finding.confidence == Confidence::Lookalike && !report.counts(finding);
    let (placeholders, others): (Vec<_>, Vec<_>) = report.listed().partition(is_placeholder);
    for finding in &others {
        block(report, palette, finding, out)?;
    }
    lookalike_list(report, palette, &placeholders, out)?;
    covered::write(report, palette, out)?;
    closing(report, palette, out)
}

fn block(report: &Report<'_>, palette: &Palette, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let Palette { certain, likely, faint, strong, reset, .. } = palette;
    let colour = if !report.counts(finding) {
        faint
    } else if finding.confidence == Confidence::Certain {
        certain
    } else {
        likely
    };
    let word = finding.confidence.as_str();
    let token = printable(&report.token(finding));
    let description = printable(report.description(finding));
    writeln!(out, "{colour}{word}{reset}  {strong}{token}{reset}  {description}")?;
    if !finding.reason.is_empty() {
        writeln!(out, "  {faint}{}{reset}", finding.reason)?;
    }
    let locations = report.locations(finding);
    for location in locations.iter().take(MAX_LOCATIONS) {
        location_line(report, palette, location, out)?;
    }
    let more = finding.more_locations + locations.len().saturating_sub(MAX_LOCATIONS) as u64;
    if more > 0 {
        writeln!(out, "  {faint}… and {more} more {}{reset}", plural(more, "place"))?;
    }
    if let Some(owner) = labels::owner(finding) {
        let noun = if finding.owner_id.is_some() { "owner id" } else { "owner" };
        writeln!(out, "  {faint}{noun} {}{reset}", printable(&owner))?;
    }
    if let Some(suppression) = &finding.suppressed {
        writeln!(out, "  {faint}suppressed by {}{reset}", printable(&labels::suppressed_by(suppression)))?;
    }
    if let Some(revocation) = &finding.revocation {
        let request = revocation.request_id.as_deref().map(|id| format!(" (request {id})"));
        let (state, at, request) = (&revocation.state, &revocation.at, request.unwrap_or_default());
        writeln!(out, "  revocation: {strong}{state}{reset} at {at}{faint}{}{reset}", printable(&request))?;
    }
    if let Some(grants) = labels::grants(finding) {
        writeln!(out, "  when it was asked: {grants}")?;
    }
    writeln!(out, "  {faint}sha256 {}{reset}\n", finding.token.fingerprint().hex())
}

fn location_line(
    report: &Report<'_>,
    palette: &Palette,
    location: &Location,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Palette { faint, reset, .. } = palette;
    write!(out, "  {}", printable(&report.path(location)))?;
    let (line, column) = (location.line, location.column);
    match location.kind {
        LocationKind::FileName => write!(out, " {faint}(in the name){reset}")?,
        LocationKind::SymlinkTarget => write!(out, " {faint}(in the link's target){reset}")?,
        LocationKind::CommitMessage => write!(out, " {faint}(in the commit message){reset}")?,
        LocationKind::TagMessage => write!(out, " {faint}(in the tag message){reset}")?,
        LocationKind::CommitAuthor => write!(out, " {faint}(in the author line){reset}")?,
        LocationKind::RefName => write!(out, " {faint}(in the name of the ref){reset}")?,
        LocationKind::Note => write!(out, ":{line}:{column} {faint}(in a note){reset}")?,
        LocationKind::Content if labels::has_lines(location) => write!(out, ":{line}:{column}")?,
        LocationKind::Content => write!(out, " {faint}(page){reset}")?,
    }
    if !location.details().decoded.is_empty() {
        write!(out, " {faint}({}){reset}", location.details().decoded.join(" of "))?;
    }
    if let Some(commit) = &location.details().commit {
        let short = commit.get(..10).unwrap_or(commit);
        let author = location.details().author.as_deref().map(printable).unwrap_or_default();
        // The day: with a time and its zone, the line of an ordinary author is wider than a terminal.
        let date = location.details().date.as_deref().unwrap_or_default();
        let day = date.get(..10).unwrap_or(date);
        write!(out, "\n    {faint}commit {short}  {day}  {author}{reset}")?;
    } else if location.details().object.as_ref().is_some_and(|object| location.path.contains(object.as_str()))
    {
        write!(out, "\n    {faint}in an object that no ref leads to{reset}")?;
    }
    writeln!(out)?;
    if let Some(url) = labels::pull_request(location) {
        writeln!(out, "    {faint}in the pull request {url}{reset}")?;
    }
    match labels::url(location) {
        Some(url) => writeln!(out, "    {faint}{url}{reset}"),
        None => Ok(()),
    }
}

/// The lookalikes that were asked for although they do not count.
fn lookalike_list(
    report: &Report<'_>,
    palette: &Palette,
    lookalikes: &[&Finding],
    out: &mut dyn Write,
) -> io::Result<()> {
    if lookalikes.is_empty() {
        return Ok(());
    }
    let Palette { faint, reset, .. } = palette;
    let (count, noun) = (lookalikes.len(), plural(lookalikes.len() as u64, "lookalike"));
    writeln!(out, "{faint}{count} {noun}, not counted: the shape of a token, but none{reset}")?;
    for finding in lookalikes {
        let Some(location) = finding.locations.first() else { continue };
        let (token, shown) = (printable(&report.token(finding)), printable(&report.path(location)));
        let (line, column, reason) = (location.line, location.column, finding.reason);
        let others = finding.more_locations + finding.locations.len() as u64 - 1;
        let others = if others > 0 { format!(" (and {others} more)") } else { String::new() };
        writeln!(out, "  {faint}{token}{reset}  {shown}:{line}:{column}{faint}{others}  {reason}{reset}")?;
    }
    writeln!(out)
}

/// What somebody who has just learned of a leak does next, and how much does not count.
fn closing(report: &Report<'_>, palette: &Palette, out: &mut dyn Write) -> io::Result<()> {
    if report.closing == Closing::Nothing {
        return Ok(());
    }
    let is_open =
        |finding: &&Finding| finding.confidence > Confidence::Lookalike && finding.revocation.is_none();
    let open: Vec<_> = report.counted().filter(is_open).collect();
    let Palette { strong, reset, .. } = palette;
    if !open.is_empty() {
        writeln!(
            out,
            "{strong}What to do:{reset} treat them as known to others. Replace each where it is used,"
        )?;
        writeln!(out, "  then end it: --revoke on this command asks GitHub to, or its owner does at")?;
        writeln!(out, "  https://github.com/settings/tokens")?;
        if open.iter().any(|finding| finding.token.kind().ends_authorization()) {
            writeln!(out, "  Ending a gho_, ghu_ or ghr_ token ends its user's whole authorization of")?;
            writeln!(out, "  that app.")?;
        }
    }
    match report.summary.not_counted(report.min_confidence) {
        Some(rest) if report.closing == Closing::NextStepsAndCounts && !report.show_suppressed => {
            writeln!(out, "not counted: {rest} (see --show-suppressed)")
        }
        _ => Ok(()),
    }
}

fn plural(count: u64, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}
