//! Alerts as the API has them. What an answer leaves out, or a server of old does not know, is none.

use serde::Deserialize;
use zeroize::Zeroizing;

/// An alert: `secret-scanning-alert` and `organization-secret-scanning-alert` of GitHub's description of its API.
#[derive(Deserialize)]
pub(super) struct AlertRow {
    pub(super) number: u64,
    #[serde(default)]
    pub(super) html_url: Option<String>,
    #[serde(default)]
    pub(super) repository: Option<RepositoryRow>,
    /// Left out where it was asked to be hidden, or the credential may not see it.
    #[serde(default)]
    pub(super) secret: Option<Zeroizing<String>>,
    #[serde(default)]
    pub(super) first_location_detected: Option<Detected>,
    #[serde(default)]
    pub(super) has_more_locations: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct RepositoryRow {
    pub(super) full_name: String,
}

/// One of the places that `…/locations` lists.
#[derive(Deserialize)]
pub(super) struct Located {
    pub(super) details: Detected,
}

/// A place: in a commit, in a wiki's commit, or in a text on the web, of which there are eleven kinds. Each has its address in a
/// field of its own: at the API, but for discussions, which the API does not have.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Detected {
    pub(super) path: Option<String>,
    /// From 1. The description says `number`.
    pub(super) start_line: Option<f64>,
    pub(super) start_column: Option<f64>,
    pub(super) blob_sha: Option<String>,
    pub(super) commit_sha: Option<String>,
    /// The page of a wiki.
    pub(super) page_url: Option<String>,
    pub(super) html_url: Option<String>,
    #[serde(
        alias = "issue_title_url",
        alias = "issue_body_url",
        alias = "issue_comment_url",
        alias = "discussion_title_url",
        alias = "discussion_body_url",
        alias = "discussion_comment_url",
        alias = "pull_request_title_url",
        alias = "pull_request_body_url",
        alias = "pull_request_comment_url",
        alias = "pull_request_review_url",
        alias = "pull_request_review_comment_url"
    )]
    pub(super) text_url: Option<String>,
}
