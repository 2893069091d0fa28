//! Whose names targets are, and whose the credential is.

use std::sync::OnceLock;

use serde::Deserialize;

use super::api::Api;

/// An account. <https://docs.github.com/en/rest/users/users#get-a-user>
#[derive(Deserialize)]
pub(super) struct Account {
    pub(super) login: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) public_repos: Option<u64>,
}

/// The account that the credential is of, once that was asked.
#[derive(Debug, Default)]
pub(super) struct OwnAccount(OnceLock<Option<String>>);

impl OwnAccount {
    /// Where a user's repositories are listed: one's own with the private ones among them.
    pub(super) fn path_of_user(&self, api: &Api, login: &str) -> String {
        if self.is(api, login) {
            "/user/repos?affiliation=owner&sort=created&direction=asc&per_page=100".to_owned()
        } else {
            format!("/users/{login}/repos?type=owner&sort=created&direction=asc&per_page=100")
        }
    }

    /// Whether a user is the one whose the credential is.
    pub(super) fn is(&self, api: &Api, login: &str) -> bool {
        let own = self.0.get_or_init(|| {
            // An App and some kinds of tokens are nobody's: then only what is public is listed.
            api.get::<Account>("/user").ok().map(|account| account.login)
        });
        own.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(login))
    }
}
