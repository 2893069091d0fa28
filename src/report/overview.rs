//! What a sweep has found at a glance, for a terminal: by type, by folder, by owner.

use std::collections::HashMap;

use super::{Report, labels};
use crate::finding::Finding;
use crate::text::grouped;
use crate::text::printable;

/// How many rows each part has.
const MAX_ROWS: usize = 5;

/// The columns of a terminal.
const WIDTH: usize = 80;

/// A table of what counts, in lines of at most 80 columns; none where there is only one token.
pub fn overview(report: &Report<'_>) -> Vec<String> {
    let counted: Vec<&Finding> = report.counted().collect();
    if counted.len() < 2 {
        return Vec::new();
    }
    let types = counted.iter().map(|finding| report.description(finding).to_owned());
    let owners = counted.iter().filter_map(|finding| labels::owner(finding));
    let mut lines = part("by type", ranked(types));
    lines.extend(part("by folder", ranked(folders(report, &counted).into_iter())));
    lines.extend(part("by owner id", ranked(owners)));
    lines
}

/// The folder of each token's first place: the first one below the directory that all have in common.
fn folders(report: &Report<'_>, counted: &[&Finding]) -> Vec<String> {
    let paths: Vec<String> = counted
        .iter()
        .filter_map(|finding| finding.locations.first())
        .filter(|location| labels::has_lines(location))
        .map(|location| report.path(location))
        .collect();
    let folder = |path: &str| path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let folders: Vec<String> = paths.iter().map(|path| folder(path)).collect();
    let Some(first) = folders.first() else { return Vec::new() };
    let shared = folders.iter().fold(first.len(), |shared, folder| {
        let same = first[..shared].bytes().zip(folder.bytes()).take_while(|(a, b)| a == b).count();
        // Whole names only.
        first.as_bytes()[..same].iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1)
    });
    let below = |folder: &String| {
        let name = folder[shared..].split('/').next().unwrap_or_default();
        match (&folder[..shared], name) {
            ("", "") => "./".to_owned(),
            (shared, "") => shared.to_owned(),
            (shared, name) => format!("{shared}{name}/"),
        }
    };
    folders.iter().map(below).collect()
}

/// How often each text is there, most often first.
fn ranked(texts: impl Iterator<Item = String>) -> Vec<(String, u64)> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    texts.for_each(|text| *counts.entry(text).or_default() += 1);
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

/// The rows of a part, the first behind its title.
fn part(title: &str, counts: Vec<(String, u64)>) -> Vec<String> {
    let rest: u64 = counts.iter().skip(MAX_ROWS).map(|(_, count)| count).sum();
    let others = counts.len().saturating_sub(MAX_ROWS);
    let more = (others > 0).then(|| (format!("in {} others", grouped(others as u64)), rest));
    let rows = counts.into_iter().take(MAX_ROWS).chain(more);
    rows.enumerate()
        .map(|(n, (text, count))| {
            let title = if n == 0 { title } else { "" };
            fitted(&format!("{title:<11} {:>9}  {}", grouped(count), printable(&text)))
        })
        .collect()
}

/// A line as wide as a terminal at most: what is left out is in its middle, where a path has its least.
fn fitted(line: &str) -> String {
    let characters: Vec<char> = line.chars().collect();
    if characters.len() <= WIDTH {
        return line.to_owned();
    }
    let tail = WIDTH / 3;
    let head = characters[..WIDTH - tail - 1].iter();
    head.chain(&['…']).chain(&characters[characters.len() - tail..]).collect()
}
