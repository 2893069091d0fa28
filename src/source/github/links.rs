//! Where things that were found are in a browser.
//!
//! A link that leads nowhere is worse than none: where an address cannot be known, it is that of the commit, and without one
//! there is none. No token gets into an address: a path that holds one has it redacted, and is not linked to.

mod base;
mod gist;
mod paths;

use std::collections::HashMap;

use super::names::{RepositoryName, is_name};
use crate::blob::LocationKind;
use crate::finding::Location;
use crate::text::uri_path;

pub use base::web_base;
use paths::{commit_id, is_container, is_exact, is_page, is_rendered};

/// What a root of a sweep is called that is the wiki of a repository.
const WIKI: &str = ".wiki";

/// What a row is called that is an enterprise.
const ENTERPRISE: &str = "enterprise/";

/// What a root is called that is a gist.
const GIST: &str = "gist/";

/// Makes links to what a sweep of a host has found.
#[derive(Clone, Debug)]
pub struct Links {
    base: String,
    gist_owners: HashMap<String, String>,
    artifact_runs: HashMap<u64, u64>,
}

impl Links {
    /// Links to the host that has its REST API at this address.
    pub fn new(api_base: &str) -> Self {
        Links { base: web_base(api_base), gist_owners: HashMap::new(), artifact_runs: HashMap::new() }
    }

    /// Takes note of whose a gist is.
    pub fn add_gist(&mut self, id: &str, owner: &str) {
        self.gist_owners.insert(id.to_owned(), owner.to_owned());
    }

    /// Takes note of which run an artifact is of.
    pub fn add_artifact(&mut self, id: u64, run: u64) {
        self.artifact_runs.insert(id, run);
    }

    /// A root of a sweep: a repository, a wiki, a gist; an owner, or an enterprise.
    pub fn root(&self, root: &str) -> Option<String> {
        if let Some(id) = root.strip_prefix(GIST) {
            return gist::address(&self.base, self.gist_owners.get(id).map(String::as_str), id);
        }
        if let Some(slug) = root.strip_prefix(ENTERPRISE).filter(|slug| is_name(slug)) {
            return Some(format!("{}/enterprises/{slug}", self.base));
        }
        match root.strip_suffix(WIKI).and_then(RepositoryName::parse) {
            Some(name) => Some(format!("{}/{name}/wiki", self.base)),
            None if is_name(root) => Some(format!("{}/{root}", self.base)),
            None => Some(format!("{}/{}", self.base, RepositoryName::parse(root)?)),
        }
    }

    /// A pull request of a repository.
    pub fn pull_request(&self, repository: &str, number: u64) -> Option<String> {
        Some(format!("{}/{}/pull/{number}", self.base, RepositoryName::parse(repository)?))
    }

    /// A location, by the root that it names.
    pub fn location(&self, location: &Location) -> Option<String> {
        let root = location.details().root.as_deref()?;
        let address = self.root(root)?;
        if root.starts_with(GIST) {
            return Some(format!("{address}/{}", gist::place(location)?));
        }
        if root.ends_with(WIKI) {
            return Some(wiki_page(&address, location));
        }
        let is_of_git = location.details().commit.is_some() || location.details().object.is_some();
        let below = match location.kind {
            LocationKind::RefName => Some(reference(&location.path)),
            _ if !is_of_git => self.beside_git(&location.path),
            LocationKind::TagMessage | LocationKind::CommitAuthor => {
                tag(&location.path).or_else(|| commit(location))
            }
            LocationKind::CommitMessage | LocationKind::Note | LocationKind::FileName => commit(location),
            LocationKind::Content | LocationKind::SymlinkTarget => {
                blob(location).or_else(|| commit(location))
            }
        };
        Some(format!("{address}/{}", below?))
    }

    /// What is in no repository: logs of runs, artifacts, alerts.
    fn beside_git(&self, path: &str) -> Option<String> {
        let mut parts = path.split(['/', '!']);
        let mut word = || parts.next().unwrap_or_default();
        let number = |text: &str| text.parse::<u64>().ok();
        match (word(), word(), word(), word(), word()) {
            ("actions", "runs", run, "attempts", attempt) => {
                Some(format!("actions/runs/{}/attempts/{}", number(run)?, number(attempt)?))
            }
            ("actions", "artifacts", id, ..) => {
                let id = number(id)?;
                let run = self.artifact_runs.get(&id);
                Some(
                    run.map_or_else(
                        || "actions".to_owned(),
                        |run| format!("actions/runs/{run}/artifacts/{id}"),
                    ),
                )
            }
            ("secret-scanning", "alerts", alert, ..) => {
                Some(format!("security/secret-scanning/{}", number(alert)?))
            }
            _ => None,
        }
    }
}

fn commit(location: &Location) -> Option<String> {
    Some(format!("commit/{}", commit_id(location)?))
}

/// The page of a tag, if the path is one.
fn tag(path: &str) -> Option<String> {
    let name = path.strip_prefix("refs/tags/").filter(|name| is_exact(name))?;
    Some(format!("releases/tag/{}", uri_path(name)))
}

/// What a ref is, or where all of its kind are: the name of one in which a token was found is redacted.
fn reference(path: &str) -> String {
    let pull = path.strip_prefix("refs/pull/").and_then(|rest| rest.split('/').next());
    if let Some(number) = pull.and_then(|number| number.parse::<u64>().ok()) {
        return format!("pull/{number}");
    }
    let (name, list) = match (path.strip_prefix("refs/heads/"), path.strip_prefix("refs/tags/")) {
        (Some(name), _) => (Some(name), "branches/all"),
        (_, Some(name)) => (Some(name), "tags"),
        _ => (None, "branches/all"),
    };
    match name.filter(|name| is_exact(name)) {
        Some(name) => format!("tree/{}", uri_path(name)),
        None => list.to_owned(),
    }
}

/// A file as it was in a commit, and the line in it.
fn blob(location: &Location) -> Option<String> {
    let commit = commit_id(location)?;
    let (file, is_container) =
        match location.path.match_indices('!').find(|(at, _)| is_container(&location.path[..*at])) {
            Some((at, _)) => (&location.path[..at], true),
            // A file of which nobody knows whether it has members, or is called so.
            None if location.path.contains('!') => return None,
            None => (&*location.path, false),
        };
    let has_line = location.kind == LocationKind::Content && !is_container;
    let (plain, line) = match has_line {
        true if is_rendered(file) => ("?plain=1", format!("#L{}", location.line)),
        true => ("", format!("#L{}", location.line)),
        false => ("", String::new()),
    };
    is_exact(file).then(|| format!("blob/{commit}/{}{plain}{line}", uri_path(file)))
}

/// The page of a wiki as it was; where it is no page, all of them.
fn wiki_page(address: &str, location: &Location) -> String {
    let is_written = location.kind == LocationKind::Content && is_page(&location.path);
    let name = location.path.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map(|(name, _)| name);
    match (name.filter(|name| is_written && is_exact(name)), commit_id(location)) {
        (Some(name), Some(commit)) => format!("{address}/{}/{commit}", uri_path(name)),
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests;
