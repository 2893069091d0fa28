//! Where an alert's secret was detected, as a place that reports show.

use super::row::Detected;
use crate::blob::Origin;
use crate::source::github::names::RepositoryName;
use crate::text::printable;

/// A longer address is none that GitHub gives.
const LONGEST_ADDRESS: usize = 4096;

/// The place, if it is told: a file in a commit of the repository or of its wiki, or a text on a page (`issues/5#issuecomment-1`).
/// A text of which only the address at the API is told is shown on the alert's page.
///
/// An alert tells line and column, and no offset in the file: the offset is that in the line.
pub(super) fn origin(
    detected: &Detected,
    repository: &RepositoryName,
    alert: Option<&str>,
) -> Option<Origin> {
    let Some(path) = &detected.path else {
        let page = detected.html_url.as_deref().and_then(|url| page(url, repository));
        let text = || detected.text_url.as_deref().and_then(|url| text(url, repository, alert));
        let (path, url) = page.or_else(text)?;
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

/// A page below the repository's own: what it is called, and its address.
fn page(url: &str, repository: &RepositoryName) -> Option<(String, Option<String>)> {
    let url = address(url)?;
    Some((below(&url, repository)?.to_owned(), Some(url)))
}

/// A text by the address that the field of its kind has: a discussion's leads to its page, others to the API.
fn text(url: &str, repository: &RepositoryName, alert: Option<&str>) -> Option<(String, Option<String>)> {
    if let Some(page) = page(url, repository) {
        return Some(page);
    }
    let url = address(url)?;
    let at_api = url.split_once("/repos/").map(|(_, rest)| format!("https://api/{rest}"))?;
    Some((below(&at_api, repository)?.to_owned(), alert.and_then(address)))
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
        let alert = Some("https://github.com/octo/hello/security/secret-scanning/1");
        origin(&serde_json::from_value(json).expect("a place"), &name, alert)
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
    fn a_text_of_any_kind_is_a_place() {
        let api = "https://api.github.com/repos/octo/hello";
        let pages = "https://github.com/octo/hello";
        let alert = format!("{pages}/security/secret-scanning/1");
        for (field, told, path, url) in [
            ("discussion_title_url", format!("{pages}/discussions/3"), "discussions/3", None),
            ("discussion_body_url", format!("{pages}/discussions/3#d-1"), "discussions/3#d-1", None),
            ("discussion_comment_url", format!("{pages}/discussions/3#c-2"), "discussions/3#c-2", None),
            ("issue_title_url", format!("{api}/issues/5"), "issues/5", Some(&alert)),
            ("issue_body_url", format!("{api}/issues/5"), "issues/5", Some(&alert)),
            ("issue_comment_url", format!("{api}/issues/comments/7"), "issues/comments/7", Some(&alert)),
            ("pull_request_title_url", format!("{api}/pulls/8"), "pulls/8", Some(&alert)),
            ("pull_request_body_url", format!("{api}/pulls/8"), "pulls/8", Some(&alert)),
            (
                "pull_request_comment_url",
                format!("{api}/issues/comments/9"),
                "issues/comments/9",
                Some(&alert),
            ),
            (
                "pull_request_review_url",
                format!("{api}/pulls/8/reviews/1"),
                "pulls/8/reviews/1",
                Some(&alert),
            ),
            (
                "pull_request_review_comment_url",
                format!("{api}/pulls/comments/2"),
                "pulls/comments/2",
                Some(&alert),
            ),
        ] {
            let place = detected(serde_json::json!({ field: told })).expect(field);
            assert_eq!(place.path, path, "{field}");
            assert_eq!(place.url.as_ref(), Some(url.unwrap_or(&told)), "{field}");
        }
        for elsewhere in [
            "https://api.github.com/repos/octo/other/issues/5",
            "https://github.com/octo/other/discussions/1",
        ] {
            assert_eq!(detected(serde_json::json!({"issue_body_url": elsewhere})), None, "{elsewhere}");
        }
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
