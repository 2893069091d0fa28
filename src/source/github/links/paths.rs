//! What the path and the commit of a location are good for in an address.

use crate::finding::Location;

/// Text that the server shows as a page, so that lines can be linked to only where its source is asked for
/// (<https://github.com/github/markup>).
const MARKUP: [&str; 16] = [
    "md",
    "markdown",
    "mdown",
    "mkdn",
    "mkd",
    "textile",
    "rdoc",
    "org",
    "creole",
    "mediawiki",
    "wiki",
    "rst",
    "asciidoc",
    "adoc",
    "asc",
    "pod",
];

/// What it shows as a picture, a table or a map.
const PICTURED: [&str; 5] = ["ipynb", "csv", "tsv", "svg", "geojson"];

/// Files that have members, by the ends of their names. `!` is a letter of file names, too.
const CONTAINERS: [&str; 47] = [
    "zip", "jar", "war", "ear", "aar", "apk", "ipa", "xpi", "whl", "egg", "nupkg", "vsix", "crate", "gem",
    "conda", "docx", "xlsx", "pptx", "odt", "ods", "odp", "epub", "tar", "tgz", "tbz", "tbz2", "txz", "tzst",
    "gz", "bz2", "xz", "zst", "lz4", "7z", "cab", "iso", "deb", "rpm", "cpio", "a", "dmg", "pdf", "sqlite",
    "db", "pst", "eml", "mbox",
];

/// The id of a location's commit, where it is one.
pub(super) fn commit_id(location: &Location) -> Option<&str> {
    let id = location.details().commit.as_deref()?;
    let is_id = matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some(id)
}

/// Whether a path is told as it is: none of it redacted or spelled otherwise, and none that a browser changes.
pub(super) fn is_exact(path: &str) -> bool {
    let leads_away = |part: &str| matches!(part, "" | "." | "..");
    !path.contains(['…', '\u{fffd}']) && !path.contains("\\x") && !path.split('/').any(leads_away)
}

/// Whether a file is a page of a wiki.
pub(super) fn is_page(file: &str) -> bool {
    ends_in(file, &MARKUP)
}

/// Whether the server shows a file otherwise than by its lines.
pub(super) fn is_rendered(file: &str) -> bool {
    ends_in(file, &MARKUP) || ends_in(file, &PICTURED)
}

/// Whether a file has members, by its name.
pub(super) fn is_container(file: &str) -> bool {
    ends_in(file, &CONTAINERS)
}

/// Whether the name of a file ends in one of these, whatever the case.
fn ends_in(file: &str, endings: &[&str]) -> bool {
    let (_, name) = file.rsplit_once('/').unwrap_or(("", file));
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| endings.iter().any(|known| known.eq_ignore_ascii_case(ending)))
}
