//! The report that people read: one block a token, surest first, then notes, then what to do.

use std::io::{self, Write};

use super::{Palette, Report, words};
use crate::blob::LocationKind;
use crate::finding::{Confidence, Finding, Location};
use crate::text::printable;

/// How many places of a token are listed; machine-readable formats list more.
const PLACES: usize = 8;

/// How many lookalikes are listed unless they were asked for.
const NOTES: usize = 10;

/// Writes the whole report; nothing at all where there is nothing to say.
pub(super) fn write(report: &Report<'_>, palette: &Palette, out: &mut dyn Write) -> io::Result<()> {
    let (notes, found): (Vec<_>, Vec<_>) =
        report.shown().partition(|finding| finding.confidence == Confidence::Lookalike);
    for finding in &found {
        block(report, palette, finding, out)?;
    }
    lookalikes(report, palette, &notes, out)?;
    next_steps(report, palette, out)
}

fn block(report: &Report<'_>, palette: &Palette, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let Palette { certain, likely, faint, strong, reset, .. } = palette;
    let colour = if finding.suppressed.is_some() {
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
    for place in finding.locations.iter().take(PLACES) {
        location(palette, place, out)?;
    }
    let more = finding.more_locations + finding.locations.len().saturating_sub(PLACES) as u64;
    if more > 0 {
        writeln!(out, "  {faint}… and {more} more {}{reset}", plural(more, "place"))?;
    }
    if let Some(owner) = finding.owner_id {
        writeln!(out, "  {faint}owner id {owner}{reset}")?;
    }
    if let Some(silence) = &finding.suppressed {
        writeln!(out, "  {faint}suppressed by {}{reset}", printable(&words::silencer(silence)))?;
    }
    if let Some(revocation) = &finding.revocation {
        let request = revocation.request_id.as_deref().map(|id| format!(" (request {id})"));
        let (state, at, request) = (&revocation.state, &revocation.at, request.unwrap_or_default());
        writeln!(out, "  revocation: {strong}{state}{reset} at {at}{faint}{}{reset}", printable(&request))?;
    }
    writeln!(out, "  {faint}sha256 {}{reset}\n", finding.token.fingerprint().hex())
}

fn location(palette: &Palette, place: &Location, out: &mut dyn Write) -> io::Result<()> {
    let Palette { path, faint, reset, .. } = palette;
    let mut shown = printable(&place.path);
    if let Some(root) = &place.root {
        shown = format!("{}/{shown}", printable(root).trim_end_matches('/'));
    }
    write!(out, "  {path}{shown}{reset}")?;
    match place.kind {
        LocationKind::FileName => write!(out, " {faint}(in the name){reset}")?,
        LocationKind::SymlinkTarget => write!(out, " {faint}(in the link's target){reset}")?,
        LocationKind::CommitMessage => write!(out, " {faint}(in the commit message){reset}")?,
        LocationKind::TagMessage => write!(out, " {faint}(in the tag message){reset}")?,
        LocationKind::CommitAuthor => write!(out, " {faint}(in the author line){reset}")?,
        LocationKind::RefName => write!(out, " {faint}(in the name of the ref){reset}")?,
        LocationKind::Note => write!(out, ":{}:{} {faint}(in a note){reset}", place.line, place.column)?,
        LocationKind::Content => write!(out, ":{}:{}", place.line, place.column)?,
    }
    if !place.decoded.is_empty() {
        write!(out, " {faint}({}){reset}", place.decoded.join(" of "))?;
    }
    if let Some(commit) = &place.commit {
        let short = commit.get(..10).unwrap_or(commit);
        let author = place.author.as_deref().map(printable).unwrap_or_default();
        let date = place.date.as_deref().unwrap_or_default();
        write!(out, "\n    {faint}commit {short}  {date}  {author}{reset}")?;
    } else if place.object.as_ref().is_some_and(|object| place.path.contains(object.as_str())) {
        write!(out, "\n    {faint}in an object that no ref leads to{reset}")?;
    }
    writeln!(out)
}

fn lookalikes(
    report: &Report<'_>,
    palette: &Palette,
    notes: &[&Finding],
    out: &mut dyn Write,
) -> io::Result<()> {
    if notes.is_empty() {
        return Ok(());
    }
    let Palette { path, faint, reset, .. } = palette;
    let (count, noun) = (notes.len(), plural(notes.len() as u64, "lookalike"));
    writeln!(out, "{faint}{count} {noun}, not counted: the shape of a token, but none{reset}")?;
    let all = report.min_confidence == Confidence::Lookalike;
    let listed = if all { count } else { count.min(NOTES) };
    for finding in &notes[..listed] {
        let Some(place) = finding.locations.first() else { continue };
        let (token, shown) = (printable(&report.token(finding)), printable(&place.path));
        let (line, column, reason) = (place.line, place.column, finding.reason);
        let others = finding.more_locations + finding.locations.len() as u64 - 1;
        let others = if others > 0 { format!(" (and {others} more)") } else { String::new() };
        writeln!(
            out,
            "  {faint}{token}  {reset}{path}{shown}:{line}:{column}{reset}{faint}{others}  {reason}{reset}"
        )?;
    }
    if listed < count {
        let rest = count - listed;
        writeln!(out, "  {faint}… and {rest} more: --min-confidence lookalike lists them all{reset}")?;
    }
    writeln!(out)
}

/// What somebody who has just learned of a leak does next.
fn next_steps(report: &Report<'_>, palette: &Palette, out: &mut dyn Write) -> io::Result<()> {
    let open: Vec<_> =
        report.shown().filter(|finding| finding.counts() && finding.revocation.is_none()).collect();
    if open.is_empty() {
        return Ok(());
    }
    let Palette { strong, reset, .. } = palette;
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
    Ok(())
}

fn plural(count: u64, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}
