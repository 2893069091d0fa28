//! How a GitHub misbehaves, on command.

use std::time::Duration;

use super::super::http::Reply;

/// What a request meets instead of the documented behaviour.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// GitHub's form of an error.
    Status(u16, &'static str),
    /// The token is not authorized for the organization's single sign-on.
    Sso,
    /// The organization lets nobody in from here.
    IpAllowList,
    /// The token lacks a permission or a scope.
    Permissions,
    /// Taken down.
    Blocked,
    /// 403, nothing remains until so many seconds have passed.
    PrimaryLimit(u64),
    /// The secondary limit, with or without a word on how long.
    SecondaryLimit(Option<u64>),
    /// The page says that the next one is itself.
    NextIsItself,
    /// The page says that the next one is at this address.
    NextIs(String),
    /// The page begins one item before where it should, because something was added meanwhile.
    Shifted,
    /// Go there.
    Redirect(u16, String),
    /// A body that never ends.
    Endless,
    /// A byte now and then, and never the end.
    Drip,
    /// Nothing comes.
    Hang,
    /// The connection is closed without an answer.
    Close,
    /// The connection is closed in the middle of the answer.
    Torn,
    /// A 200 that is no JSON.
    Html,
    /// JSON of another form.
    OtherJson,
    /// The answer comes late.
    Late(Duration),
    /// Of `git` only: bytes that are no protocol.
    Garbage,
    /// Of `git` only: a pack without an end.
    Bomb,
}

impl Trouble {
    /// The answer, where the trouble is one.
    pub(super) fn reply(&self, owner: &str) -> Option<Reply> {
        Some(match self {
            Trouble::Status(status, message) => Reply::error(*status, message),
            Trouble::Sso => Reply::error(
                403,
                "Resource protected by organization SAML enforcement. You must grant your Personal Access token access \
                 to this organization.",
            )
            .with("X-GitHub-SSO", format!("required; url=https://github.com/orgs/{owner}/sso?authorization_request=A1B2")),
            Trouble::IpAllowList => Reply::error(
                403,
                &format!(
                    "Although you appear to have the correct authorization credentials, the `{owner}` organization has \
                     an IP allow list enabled, and your IP address is not permitted to access this resource."
                ),
            ),
            Trouble::Permissions => Reply::error(403, "Resource not accessible by personal access token")
                .with("X-Accepted-GitHub-Permissions", "metadata=read")
                .with("X-Accepted-OAuth-Scopes", "repo")
                .with("X-OAuth-Scopes", "gist"),
            Trouble::Blocked => Reply::json(
                451,
                serde_json::json!({
                    "message": "Repository access blocked",
                    "block": {"reason": "dmca", "created_at": "2026-01-01T00:00:00Z", "html_url": "https://github.com/dmca"},
                })
                .to_string(),
            ),
            Trouble::SecondaryLimit(seconds) => {
                let reply = Reply::error(403, "You have exceeded a secondary rate limit. Please wait a few minutes.");
                match seconds {
                    Some(seconds) => reply.with("Retry-After", seconds),
                    None => reply,
                }
            }
            Trouble::Redirect(status, to) => Reply::json(*status, "{}").with("Location", to),
            Trouble::Html => Reply::page(200, "<html><h1>Welcome to the proxy</h1></html>"),
            Trouble::OtherJson => Reply::json(200, r#"{"surprise": [1, 2, {"deep": null}]}"#),
            _ => return None,
        })
    }
}

/// Which requests meet what.
#[derive(Clone, Debug)]
struct Rule {
    path: String,
    skip: usize,
    times: usize,
    trouble: Trouble,
}

/// All that is to go wrong.
#[derive(Debug, Default)]
pub(super) struct Troubles(Vec<Rule>);

impl Troubles {
    /// Requests of this path, or of all that begin so where it ends in `*`: `skip` of them are spared, then `times` meet this.
    pub(super) fn add(&mut self, path: &str, skip: usize, times: usize, trouble: Trouble) {
        self.0.push(Rule { path: path.to_owned(), skip, times, trouble });
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What a request of this path meets.
    pub(super) fn take(&mut self, path: &str) -> Option<Trouble> {
        let matches = |rule: &Rule| match rule.path.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => path == rule.path,
        };
        for rule in self.0.iter_mut().filter(|rule| matches(rule)) {
            if rule.skip > 0 {
                rule.skip -= 1;
            } else if rule.times > 0 {
                rule.times -= 1;
                return Some(rule.trouble.clone());
            }
        }
        None
    }
}
