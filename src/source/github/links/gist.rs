//! Links to gists: each revision is a page with all of its files, each of them an anchor.

use super::paths::{commit_id, is_exact, is_rendered};
use crate::blob::LocationKind;
use crate::finding::Location;
use crate::source::github::names::is_name;

/// Whose a gist is that nobody owns.
const NOBODY: &str = "anonymous";

/// A gist: at github.com under a host of its own, at a server below a path.
pub(super) fn address(base: &str, owner: Option<&str>, id: &str) -> Option<String> {
    let owner = owner.unwrap_or(NOBODY);
    let gists = match base {
        "https://github.com" => "https://gist.github.com".to_owned(),
        server => format!("{server}/gist"),
    };
    (is_name(owner) && is_name(id)).then(|| format!("{gists}/{owner}/{id}"))
}

/// The revision that a location is in, and the line of its file.
pub(super) fn place(location: &Location) -> Option<String> {
    let commit = commit_id(location)?;
    let anchor = anchor(&location.path).filter(|_| location.kind == LocationKind::Content);
    Some(match anchor {
        // What is shown as a page has no lines.
        Some(anchor) if is_rendered(&location.path) => format!("{commit}#{anchor}"),
        Some(anchor) => format!("{commit}#{anchor}-L{}", location.line),
        None => commit.to_owned(),
    })
}

/// The anchor of a file: its name in small letters, with a `-` for whatever is none and no digit.
fn anchor(file: &str) -> Option<String> {
    if !file.is_ascii() || file.contains(['/', '!']) || !is_exact(file) {
        return None;
    }
    let mut name = String::new();
    for letter in file.to_ascii_lowercase().chars() {
        match letter {
            'a'..='z' | '0'..='9' | '_' => name.push(letter),
            _ if name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name = name.trim_matches('-');
    (!name.is_empty()).then(|| format!("file-{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_an_anchor() {
        for (file, expected) in [
            ("a.txt", Some("file-a-txt")),
            ("Foo  Bar_1.SH", Some("file-foo-bar_1-sh")),
            (".env", Some("file-env")),
            ("é.txt", None),
            ("...", None),
            ("a.zip!b", None),
        ] {
            assert_eq!(anchor(file).as_deref(), expected, "{file}");
        }
    }
}
