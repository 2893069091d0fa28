//! Where an alert's secret was detected, as a place that reports show.

use super::row::Detected;
use crate::blob::Origin;
use crate::source::github::names::RepositoryName;
use crate::text::printable;

/// A longer address is none that GitHub gives.
const LONGEST_ADDRESS: usize = 4096;

/// The place, if it is told: a file in a commit of the repository or of its wiki, or what the address in a browser names
/// (`issues/5#issuecomment-1`).
///
/// An alert tells line and column, and no offset in the file: the offset is that in the line.
pub(super) fn origin(detected: &Detected, repository: &RepositoryName) -> Option<Origin> {
    let url = detected.html_url.as_deref().and_then(address);
    let Some(path) = &detected.path else {
        let path = below(url.as_deref()?, repository)?.to_owned();
        return Some(Origin { root: Some(repository.to_string()), url, ..Origin::file(path) });
    };
    let is_wiki = detected.page_url.is_some();
    Some(Origin {
        root: Some(if is_wiki { format!("{repository}.wiki") } else { repository.to_string() }),
        base: before(detected.start_column),
        lines_before: before(detected.start_line),
        object: detected.blob_sha.as_deref().and_then(id),
        commit: detected.commit_sha.as_deref().and_then(id),
        url: if is_wiki { detected.page_url.as_deref().and_then(address) } else { None },
        // GitHub's own examples have a slash before it.
        ..Origin::file(path.strip_prefix('/').unwrap_or(path))
    })
}

/// An address that a report may link to.
pub(super) fn address(url: &str) -> Option<String> {
    let is_web = ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme));
    let is_plain =
        url.len() <= LONGEST_ADDRESS && printable(url) == url && !url.contains([' ', '"', '<', '>']);
    (is_web && is_plain).then(|| url.to_owned())
}

/// What an address names below the repository's own.
fn below<'u>(url: &'u str, repository: &RepositoryName) -> Option<&'u str> {
    let (_, rest) = url.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    let repository = repository.to_string();
    let is_below = path.get(..repository.len()).is_some_and(|own| own.eq_ignore_ascii_case(&repository));
    let path = path.get(repository.len()..).filter(|_| is_below)?.strip_prefix('/')?;
    (!path.is_empty()).then_some(path)
}

/// How many stand before what is counted from 1.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no file has 2^31 lines")]
fn before(number: Option<f64>) -> u64 {
    number.map_or(0, |number| u64::from((number.clamp(1.0, f64::from(i32::MAX)) as u32).saturating_sub(1)))
}

/// An id of git, in hex.
fn id(text: &str) -> Option<String> {
    let is_id = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(json: serde_json::Value) -> Option<Origin> {
        let name = RepositoryName::parse("octo/hello").expect("a name");
        origin(&serde_json::from_value(json).expect("a place"), &name)
    }

    #[test]
    fn a_file_in_a_commit_is_told_with_its_line() {
        let (blob, commit) = ("AF".repeat(20), "0b".repeat(20));
        let place = detected(serde_json::json!({
            "path": "/src/a.env", "start_line": 7, "end_line": 7, "start_column": 3, "end_column": 43,
            "blob_sha": blob, "commit_sha": commit, "html_url": "https://github.com/octo/hello/commit/0b",
        }))
        .expect("a place");
        assert_eq!((place.path.as_str(), place.root.as_deref()), ("src/a.env", Some("octo/hello")));
        assert_eq!((place.lines_before, place.base), (6, 2));
        assert_eq!((place.object, place.commit), (Some("af".repeat(20)), Some(commit)));
    }

    #[test]
    fn a_wiki_is_a_root_of_its_own() {
        let page = "https://github.com/octo/hello/wiki/Home";
        let place = detected(serde_json::json!({"path": "Home.md", "start_line": 1, "page_url": page}));
        let place = place.expect("a place");
        assert_eq!((place.root.as_deref(), place.url.as_deref()), (Some("octo/hello.wiki"), Some(page)));
    }

    #[test]
    fn what_is_on_a_page_is_called_after_its_address() {
        let url = "https://github.com/Octo/hello/issues/5#issuecomment-1";
        let place = detected(serde_json::json!({"issue_comment_url": "https://api", "html_url": url}));
        let place = place.expect("a place");
        assert_eq!((place.path.as_str(), place.url.as_deref()), ("issues/5#issuecomment-1", Some(url)));
        for url in ["https://github.com/octo/other/issues/5", "https://github.com/octo/hello", "x"] {
            assert_eq!(detected(serde_json::json!({"html_url": url})), None, "{url}");
        }
        assert_eq!(detected(serde_json::json!({})), None);
    }

    #[test]
    fn no_other_address_is_linked_to() {
        assert!(address("https://github.com/octo/hello/security/secret-scanning/1").is_some());
        for bad in ["javascript:alert(1)", "https://x/\u{202e}y", "https://x/\ny", "https://x/\"onclick", ""]
        {
            assert_eq!(address(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn numbers_that_nothing_has_are_bounded() {
        assert_eq!([None, Some(-5.0), Some(0.0), Some(f64::NAN), Some(1.0)].map(before), [0; 5]);
        assert_eq!(before(Some(1e300)), u64::from(i32::MAX.unsigned_abs()) - 1);
    }
}
