//! What a sweep of repositories has looked at: in a line, and as a table of every one of them.

use std::io::{self, Write};

use super::csv_table::CsvTable;
use super::{Closing, Palette, Report};
use crate::blob::Fault;
use crate::coverage::{Coverage, CoverageRow, NotAsked, RepositoryState, SurfaceCount};
use crate::text::{counted, grouped, printable};

/// How many repositories that were not wholly looked at are listed for people.
const MAX_LISTED: usize = 20;

const HEADER: [&str; 12] = [
    "target",
    "repository",
    "url",
    "state",
    "tip",
    "refs",
    "objects",
    "bytes",
    "missing",
    "reason",
    "surfaces",
    "elapsed_ms",
];

/// The line of totals, and those that were not wholly looked at.
pub(super) fn write(report: &Report<'_>, palette: &Palette, out: &mut dyn Write) -> io::Result<()> {
    let Some(coverage) = report.coverage else { return Ok(()) };
    let Palette { faint, strong, reset, .. } = palette;
    let unread = unread(coverage);
    if report.closing != Closing::Nothing {
        writeln!(out, "{}", printable(&totals(coverage)))?;
    } else if unread.is_empty() {
        return Ok(());
    }
    for row in unread.iter().take(MAX_LISTED) {
        let (name, state) = (printable(&row.repository), row.state.as_str());
        let reason = row.reason.as_deref().map(|reason| format!(": {}", printable(reason)));
        writeln!(out, "  {strong}{name}{reset}  {state}{}", reason.unwrap_or_default())?;
    }
    let more = unread.len().saturating_sub(MAX_LISTED);
    if more > 0 {
        writeln!(
            out,
            "  {faint}… and {} more: -r coverage=FILE names them all{reset}",
            grouped(more as u64)
        )?;
    }
    writeln!(out)
}

/// Those that were not wholly looked at. Of those that it was not the turn of, their number says all there is.
fn unread(coverage: &Coverage) -> Vec<&CoverageRow> {
    let is_unread = |row: &&CoverageRow| !row.state.is_whole() && row.state != RepositoryState::Interrupted;
    coverage.rows.iter().filter(is_unread).collect()
}

/// Whether the report for people tells of something that could not be read, so that it need not be said once more beside it.
pub fn is_told(coverage: &Coverage, fault: &Fault) -> bool {
    let is_of = |row: &CoverageRow| {
        let rest = fault.path.strip_prefix(row.repository.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let told = |row: &CoverageRow| row.reason.as_ref().is_some_and(|reason| reason.contains(&fault.reason));
    unread(coverage).into_iter().take(MAX_LISTED).any(|row| is_of(row) && told(row))
}

/// How much was looked at, and what was not asked for, in a line:
/// `200 repositories: 190 scanned, 10 empty; not asked for: 12 forks (--forks)`.
pub fn totals(coverage: &Coverage) -> String {
    let states: Vec<String> = coverage
        .totals()
        .into_iter()
        .map(|(state, count)| format!("{} {}", grouped(count), state.as_str()))
        .collect();
    let mut line = kinds(coverage);
    if !states.is_empty() {
        line = format!("{line}: {}", states.join(", "));
    }
    let missing: usize = coverage.rows.iter().map(|row| row.missing.len()).sum();
    if missing > 0 {
        let missing = counted(missing as u64, "deleted commit", "deleted commits");
        line = format!("{line}; {missing} the server no longer gives");
    }
    let pending = coverage.pending();
    if pending > 0 {
        line = format!("{line}; {} pending: runs that have not ended", grouped(pending));
    }
    let not_asked: Vec<String> = coverage.not_asked.iter().map(not_asked).collect();
    if !not_asked.is_empty() {
        line = format!("{line}; not asked for: {}", not_asked.join(", "));
    }
    line
}

/// Something that was not asked for, and what asks for it.
pub(super) fn not_asked(one: &NotAsked) -> String {
    let what = match one.count {
        Some(count) => counted(count, &singular(&one.what), &one.what),
        None => one.what.clone(),
    };
    format!("{what} ({})", one.flag)
}

/// `fork` of `forks`, `archived repository` of `archived repositories`.
fn singular(many: &str) -> String {
    match (many.strip_suffix("ies"), many.strip_suffix('s')) {
        (Some(stem), _) => format!("{stem}y"),
        (None, stem) => stem.unwrap_or(many).to_owned(),
    }
}

/// How many rows there are of what: `3 repositories, 1 wiki and 2 owners`.
fn kinds(coverage: &Coverage) -> String {
    let kind = |row: &CoverageRow| {
        let name = row.repository.as_str();
        if name.starts_with("gist/") {
            ("gist", "gists")
        } else if !name.contains('/') || name.starts_with("enterprise/") {
            // Their alerts, or what could not even be listed.
            ("owner", "owners")
        } else if name.strip_suffix(".wiki").is_some() {
            ("wiki", "wikis")
        } else {
            ("repository", "repositories")
        }
    };
    let all = [("repository", "repositories"), ("wiki", "wikis"), ("gist", "gists"), ("owner", "owners")];
    let count = |of: (&str, &str)| coverage.rows.iter().filter(|row| kind(row) == of).count() as u64;
    let mut words: Vec<String> = all
        .into_iter()
        .map(|of| (count(of), of))
        .filter(|(n, _)| *n > 0)
        .map(|(n, of)| counted(n, of.0, of.1))
        .collect();
    let last = words.pop().unwrap_or_else(|| counted(0, "repository", "repositories"));
    if words.is_empty() { last } else { format!("{} and {last}", words.join(", ")) }
}

/// How much of each other surface was looked at: `actions-logs 3 (2 expired, 1 pending), pulls 7`.
pub(super) fn surfaces(row: &CoverageRow) -> String {
    let one = |(name, count): (&String, &SurfaceCount)| {
        let kinds = [(count.expired, "expired"), (count.failed, "failed"), (count.pending, "pending")];
        let not_read: Vec<String> =
            kinds.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        let not_read =
            if not_read.is_empty() { String::new() } else { format!(" ({})", not_read.join(", ")) };
        format!("{name} {}{not_read}", count.read)
    };
    row.surfaces.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A table with a row for everything that was asked for. A run that is no sweep of repositories has none.
pub(super) fn csv(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut table = CsvTable::new(out, &HEADER)?;
    for row in report.coverage.iter().flat_map(|coverage| &coverage.rows) {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        table.row(&[
            row.target.clone(),
            row.repository.clone(),
            text(&row.url),
            row.state.as_str().to_owned(),
            text(&row.tip),
            row.refs.to_string(),
            row.objects.to_string(),
            row.bytes.to_string(),
            row.missing.join(" "),
            text(&row.reason),
            surfaces(row),
            row.elapsed_ms.to_string(),
        ])?;
    }
    table.finish()
}
