//! What there is to look at, as the API lists it.

use std::fmt;

use serde::Deserialize;

use super::names::RepositoryName;

/// A repository, as the API lists it.
/// <https://docs.github.com/en/rest/repos/repos#list-organization-repositories>
#[derive(Clone, Debug, Deserialize)]
pub struct Repository {
    /// Its number, which stays the same when it is renamed.
    pub id: u64,
    /// `OWNER/REPO`.
    pub full_name: String,
    /// Where it is in a browser.
    #[serde(default)]
    pub html_url: Option<String>,
    /// Where `git` fetches it from.
    #[serde(default)]
    pub clone_url: Option<String>,
    /// The branch that its `HEAD` is.
    #[serde(default)]
    pub default_branch: Option<String>,
    /// In KiB, as the server last counted; 0 for an empty one.
    #[serde(default)]
    pub size: u64,
    /// Whether it is a fork.
    #[serde(default)]
    pub fork: bool,
    /// Whether it is archived: read only.
    #[serde(default)]
    pub archived: bool,
    /// Whether it may have a wiki.
    #[serde(default)]
    pub has_wiki: bool,
    /// When somebody pushed last.
    #[serde(default)]
    pub pushed_at: Option<String>,
}

/// A gist, as the API lists it. <https://docs.github.com/en/rest/gists/gists#list-gists-for-a-user>
#[derive(Clone, Debug, Deserialize)]
pub struct Gist {
    /// Its id, in hex.
    pub id: String,
    /// Where `git` fetches it from.
    pub git_pull_url: String,
    /// Where it is in a browser.
    #[serde(default)]
    pub html_url: Option<String>,
    /// When it changed last.
    #[serde(default)]
    pub updated_at: Option<String>,
}

/// Something to look at, and the target that it was listed for.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// The target, as it was given.
    pub target: String,
    /// What it is.
    pub item: T,
}

/// Whose alerts are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlertScope {
    /// All of an enterprise's organizations.
    Enterprise(String),
    /// All of an organization's repositories.
    Organization(String),
    /// One repository's.
    Repository(RepositoryName),
}

impl fmt::Display for AlertScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AlertScope::Enterprise(slug) => write!(f, "enterprise/{slug}"),
            AlertScope::Organization(name) => f.write_str(name),
            AlertScope::Repository(name) => name.fmt(f),
        }
    }
}
