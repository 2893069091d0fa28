//! What a sweep of repositories has looked at: in a line, and as a table of every one of them.

use std::io::{self, Write};

use super::csv_table::CsvTable;
use super::summary::grouped;
use super::{Palette, Report};
use crate::coverage::{Coverage, CoverageRow, NotAsked, RepositoryState, SurfaceCount};
use crate::text::printable;

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
    writeln!(out, "{}", printable(&totals(coverage)))?;
    // Of those that it was not the turn of, their number says all there is.
    let is_listed = |row: &&CoverageRow| !row.state.is_whole() && row.state != RepositoryState::Interrupted;
    let unread: Vec<&CoverageRow> = coverage.rows.iter().filter(is_listed).collect();
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

/// How much was looked at, and what was not asked for, in a line:
/// `200 repositories: 190 scanned, 10 empty; not asked for: 12 forks (--forks)`.
pub fn totals(coverage: &Coverage) -> String {
    let states: Vec<String> = coverage
        .totals()
        .into_iter()
        .map(|(state, count)| format!("{} {}", grouped(count), state.as_str()))
        .collect();
    let mut line = format!("{} {}", grouped(coverage.rows.len() as u64), noun(coverage));
    if !states.is_empty() {
        line = format!("{line}: {}", states.join(", "));
    }
    let missing: usize = coverage.rows.iter().map(|row| row.missing.len()).sum();
    if missing > 0 {
        line = format!("{line}; {} deleted commits the server no longer gives", grouped(missing as u64));
    }
    let not_asked: Vec<String> = coverage.not_asked.iter().map(not_asked).collect();
    if !not_asked.is_empty() {
        line = format!("{line}; not asked for: {}", not_asked.join(", "));
    }
    line
}

/// Something that was not asked for, and what asks for it.
pub(super) fn not_asked(one: &NotAsked) -> String {
    let count = one.count.map(|count| format!("{} ", grouped(count))).unwrap_or_default();
    format!("{count}{} ({})", one.what, one.flag)
}

/// What the rows are.
fn noun(coverage: &Coverage) -> String {
    let is_a_gist = |row: &CoverageRow| row.repository.starts_with("gist/");
    let is_wiki = |row: &CoverageRow| !is_a_gist(row) && row.repository.strip_suffix(".wiki").is_some();
    // The alerts of an organization or an enterprise, or what could not even be listed.
    let is_owner =
        |row: &CoverageRow| !row.repository.contains('/') || row.repository.starts_with("enterprise/");
    let kinds = [
        coverage.rows.iter().any(is_wiki).then_some("wikis"),
        coverage.rows.iter().any(is_a_gist).then_some("gists"),
        coverage.rows.iter().any(is_owner).then_some("owners"),
    ];
    let mut words = vec![if coverage.rows.len() == 1 { "repository" } else { "repositories" }];
    words.extend(kinds.into_iter().flatten());
    let last = words.pop().unwrap_or_default();
    if words.is_empty() { last.to_owned() } else { format!("{} and {last}", words.join(", ")) }
}

/// How much of each other surface was looked at: `artifacts 3 (2 expired), pulls 7`.
pub(super) fn surfaces(row: &CoverageRow) -> String {
    let one = |(name, count): (&String, &SurfaceCount)| {
        let kinds = [(count.expired, "expired"), (count.failed, "failed")];
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
