//! The table of places, as files of one environment.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::places::PLACES;

/// How many entries of a directory are looked at: a runner's temporary directory is a long one.
const MOST_ENTRIES: usize = 50_000;

/// Every file of the table that this environment may have; of those with a `*`, those that exist. A file of the whole
/// machine is marked.
pub(super) fn paths(environment: &Environment) -> Vec<(PathBuf, bool)> {
    let patterns = PLACES.iter().flat_map(|place| place.files().chain(place.moved()));
    let mut paths: Vec<(PathBuf, bool)> = Vec::new();
    for pattern in patterns {
        for start in starts(environment, pattern) {
            let expanded = if pattern.contains('*') { matching(&start) } else { vec![start] };
            paths.extend(expanded.into_iter().map(|path| (path, pattern.starts_with('/'))));
        }
    }
    paths
}

/// A pattern of the table with what it starts with replaced; nothing where this environment has no such thing.
fn starts(environment: &Environment, pattern: &str) -> Vec<PathBuf> {
    let (first, rest) = pattern.split_once('/').unwrap_or((pattern, ""));
    let below = |directory: Option<PathBuf>| {
        directory.map(|directory| if rest.is_empty() { directory } else { directory.join(rest) })
    };
    let moved = [(".config/", "XDG_CONFIG_HOME"), (".local/share/", "XDG_DATA_HOME")];
    let by_xdg = |(prefix, variable): &(&str, &str)| {
        environment.path(variable).filter(|path| path.is_absolute())?.join(rest.strip_prefix(prefix)?).into()
    };
    match first {
        "" => vec![PathBuf::from(pattern)],
        "~" => below(environment.home.clone()).into_iter().chain(moved.iter().filter_map(by_xdg)).collect(),
        "." => below(environment.cwd.clone()).into_iter().collect(),
        variable => {
            let value = environment.path(variable.trim_start_matches('$'));
            // Tools take a relative path from where they are started; a name alone is one at home.
            let value = value.map(|path| environment.cwd.as_ref().map_or(path.clone(), |cwd| cwd.join(path)));
            below(value).into_iter().collect()
        }
    }
}

/// The files that match a path in which names hold `*`.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let Some((start, end)) = part.as_os_str().to_str().and_then(|name| name.split_once('*')) else {
            for path in &mut found {
                path.push(part);
            }
            continue;
        };
        found = found.iter().flat_map(|directory| entries(directory, start, end)).collect();
    }
    found.retain(|path| path.is_file());
    found
}

/// What is in a directory whose name starts and ends so, in order.
fn entries(directory: &Path, start: &str, end: &str) -> Vec<PathBuf> {
    let Ok(listed) = std::fs::read_dir(directory) else { return Vec::new() };
    let (start, end) = (start.to_ascii_lowercase(), end.to_ascii_lowercase());
    let names = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.len() >= start.len() + end.len() && name.starts_with(&start) && name.ends_with(&end)
    };
    let listed = listed.take(MOST_ENTRIES).flatten();
    let matching = listed.filter(|entry| entry.file_name().to_str().is_some_and(names));
    let mut paths: Vec<PathBuf> = matching.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
