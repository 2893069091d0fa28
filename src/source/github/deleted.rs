//! What was pushed over and deleted: commits that no branch leads to any more, as the activity of a repository tells.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::api::{Api, ApiError, Refusal, Row};
use super::names::RepositoryName;
use crate::text::counted;

/// What takes commits off a branch. A tag has no activity.
const TYPES: [&str; 2] = ["force_push", "branch_deletion"];

/// One entry of `GET /repos/{owner}/{repo}/activity`. Entries have more fields, which nothing depends on.
#[derive(Deserialize)]
struct Activity {
    /// Where the branch was; none where it was nowhere.
    #[serde(deserialize_with = "commit")]
    before: Option<String>,
    timestamp: Option<String>,
}

/// The id of a commit; zeros stand for none. What is no id names nothing that could be asked for.
fn commit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let id = String::deserialize(deserializer)?.to_ascii_lowercase();
    if !matches!(id.len(), 40 | 64) || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(D::Error::custom("no id of a commit"));
    }
    Ok(Some(id).filter(|id| id.bytes().any(|byte| byte != b'0')))
}

/// What was pushed over and deleted, as far as the server tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// The commits, in hex, at which branches were before.
    pub ids: BTreeSet<String>,
    /// Why the server does not tell, or not all: the repository can be looked at all the same.
    pub untold: Option<String>,
}

/// Asks what was pushed over and deleted in a repository, since a time if one is given.
///
/// # Errors
/// Where there is no answer. A refusal is one: it is in [`Deleted::untold`]. A GitHub Enterprise Server older than 3.9 knows of
/// no activity, and elsewhere a credential may not be allowed to see it.
pub fn deleted(
    api: &Api,
    repository: &RepositoryName,
    since: Option<Timestamp>,
) -> Result<Deleted, ApiError> {
    let (mut deleted, mut unreadable) = (Deleted::default(), 0_u64);
    for kind in TYPES {
        let path = format!("/repos/{repository}/activity?activity_type={kind}&per_page=100");
        let asked = api.pages_cached(&path, &mut |page: Vec<Row<Activity>>| {
            for row in page {
                let Ok(activity) = row.known() else {
                    unreadable += 1;
                    continue;
                };
                // The latest comes first.
                if activity.is_before(since) {
                    return ControlFlow::Break(());
                }
                deleted.ids.extend(activity.before);
            }
            ControlFlow::Continue(())
        });
        match asked {
            // Nothing was ever pushed.
            Err(ApiError::Refused { refusal: Refusal::Empty, .. }) => {}
            Err(error @ ApiError::Refused { .. }) => deleted.untold = Some(error.to_string()),
            asked => asked?,
        }
    }
    if unreadable > 0 {
        let what = "in the activity in no form that GitHub documents";
        let reason = format!("{} {what}", counted(unreadable, "entry is", "entries are"));
        deleted.untold = Some(match deleted.untold {
            Some(refused) => format!("{refused}; {reason}"),
            None => reason,
        });
    }
    Ok(deleted)
}

impl Activity {
    /// Whether it was before that time; one without a time that can be read was not.
    fn is_before(&self, since: Option<Timestamp>) -> bool {
        let at = self.timestamp.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
        at.is_some_and(|at| since.is_some_and(|since| at < since))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::api::ApiOptions;
    use super::super::credentials::StaticCredential;
    use super::*;
    use crate::meter::CancelFlag;
    use crate::token::{Kind, Token};

    /// An API that gives one answer for each type of activity.
    fn api(force_pushes: String, deletions: String) -> Api {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let first = lines.next().unwrap_or_default();
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                assert!(first.starts_with("GET /repos/octo/hello/activity?"), "{first}");
                let body =
                    if first.contains("activity_type=force_push&") { &force_pushes } else { &deletions };
                let head = format!("content-type: application/json\r\ncontent-length: {}", body.len());
                let mut stream = &stream;
                let _ = write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\n{head}\r\n\r\n{body}");
            }
        });
        let options = ApiOptions {
            base_url: format!("http://127.0.0.1:{port}"),
            ca_cert: None,
            timeout: Duration::from_secs(30),
            min_interval: Duration::ZERO,
            cancel: CancelFlag::default(),
        };
        Api::new(&options, Arc::new(StaticCredential::new(Token::new(Kind::OTHER, b"x")))).unwrap()
    }

    fn entry(before: &str, timestamp: &str) -> String {
        format!(
            r#"{{"before":"{before}","after":"{}","ref":"refs/heads/x","timestamp":"{timestamp}"}}"#,
            "0".repeat(40)
        )
    }

    #[test]
    fn what_was_pushed_over_and_deleted_is_told_once_and_since_when_it_is_asked_for() {
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|digit| digit.repeat(40));
        let pushed = [
            entry(&a.to_uppercase(), "2026-03-01T00:00:00Z"),
            entry(&"0".repeat(40), "2026-02-28T00:00:00Z"),
            entry(&b, "2026-02-26T00:00:00Z"),
            entry(&c, "2026-01-01T00:00:00Z"),
        ];
        let removed = [entry(&a, "2026-03-02T00:00:00Z"), entry(&d, "no time")];
        let api = api(format!("[{}]", pushed.join(",")), format!("[{}]", removed.join(",")));
        let name = RepositoryName::parse("octo/hello").unwrap();
        let of = |since: Option<&str>| {
            let since = since.map(|text| text.parse().unwrap());
            let found = deleted(&api, &name, since).unwrap();
            assert_eq!(found.untold, None);
            found.ids.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(of(None), [&a, &b, &c, &d].map(String::as_str));
        assert_eq!(of(Some("2026-02-01T00:00:00Z")), [&a, &b, &d].map(String::as_str));
    }

    #[test]
    fn an_entry_that_names_no_commit_is_told_and_the_others_are_taken() {
        let id = "a".repeat(40);
        let good = entry(&id, "2026-02-27T00:00:00Z");
        let odd = [
            entry("--upload-pack=x", "2026-02-27T00:00:00Z"),
            entry("abc123", "2026-02-27T00:00:00Z"),
            r#"{"before": null}"#.to_owned(),
            r#"{"before": 7}"#.to_owned(),
            "{}".to_owned(),
            "null".to_owned(),
        ];
        let name = RepositoryName::parse("octo/hello").unwrap();
        for odd in &odd {
            let found = deleted(&api(format!("[{odd},{good}]"), "[]".to_owned()), &name, None).unwrap();
            assert_eq!(found.ids, BTreeSet::from([id.clone()]), "{odd}");
            assert!(found.untold.is_some_and(|untold| untold.starts_with("1 entry is in")), "{odd}");
        }
        let found = deleted(&api(format!("[{}]", odd.join(",")), format!("[{good}]")), &name, None).unwrap();
        assert_eq!(found.ids.len(), 1);
        assert!(found.untold.is_some_and(|untold| untold.starts_with("6 entries are in")));
    }
}
