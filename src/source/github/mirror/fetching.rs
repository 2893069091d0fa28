//! What is spoken with a server: its `HEAD`, and what it sends.

use std::collections::BTreeSet;
use std::process::Command;

use super::child::{self, Ended, Input};
use super::error::GitError;
use super::program::Call;
use super::refs::Workshop;
use super::url::CloneUrl;
use super::watch::Watch;
use crate::token::Token;

/// Whom a mirror is fetched from.
#[derive(Clone, Copy)]
pub struct Remote<'a> {
    /// Its address.
    pub url: &'a CloneUrl,
    /// What authenticates there.
    pub credential: Option<&'a Token>,
}

/// The `HEAD` of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// The ref that it stands for.
    pub(super) name: Option<String>,
    /// What it points to.
    pub(super) id: Option<String>,
}

/// Whether all refs could be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// They could.
    All,
    /// All objects are here, and some refs could not be written.
    Some,
    /// The same, because others that were here before stand in the way: `x` was deleted, and `x/y` made.
    Conflict,
}

/// Why a fetch failed, and the ids that the server refused.
pub(super) type Failure = (GitError, BTreeSet<String>);

/// What is common to all fetches.
const FETCH: [&str; 9] = [
    "fetch",
    "--progress",
    "--no-tags",
    "--no-prune",
    "--no-auto-maintenance",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
    "--no-show-forced-updates",
    "--end-of-options",
];

impl Remote<'_> {
    fn command(&self, workshop: &Workshop<'_>) -> Result<Command, GitError> {
        workshop.git.command(&Call { remote: Some((self.url, self.credential)), ..workshop.call() })
    }

    fn run(
        workshop: &Workshop<'_>,
        command: Command,
        each: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<Ended, GitError> {
        let lock = workshop.lock.try_clone().map_err(|error| GitError::io(workshop.path, &error))?;
        child::run(command, Input::Lock(lock), Watch::new(workshop.limits, Some(workshop.path)), each)
    }

    /// Asks for its `HEAD`.
    pub(super) fn head(&self, workshop: &Workshop<'_>) -> Result<Head, GitError> {
        // There may be no repository yet.
        let remote = Some((self.url, self.credential));
        let mut command = workshop.git.command(&Call { mirror: None, remote, ..workshop.call() })?;
        command.args(["ls-remote", "--symref", "--", self.url.as_str(), "HEAD"]);
        // What does not speak its protocol, git takes for a directory of files; a page without refs would be an empty repository.
        command.env("GIT_TRACE_PACKET", "2");
        let mut head = Head::default();
        let ended = Remote::run(workshop, command, &mut |line| {
            let line = String::from_utf8_lossy(line);
            if let Some((what, "HEAD")) = line.split_once('\t') {
                match what.strip_prefix("ref: ") {
                    Some(name) => head.name = Some(name.to_owned()),
                    None => head.id = Some(what.to_owned()),
                }
            }
        })?;
        if ended.status.success() && !ended.said.speaks_git() {
            workshop.git.works(workshop.limits)?;
            return Err(GitError::Server("what it answers is not git's protocol".to_owned()));
        }
        if ended.status.success() {
            return Ok(head);
        }
        Err(GitError::of(workshop.path, &ended.status.to_string(), &ended.said))
    }

    /// Fetches what the refspecs name.
    pub(super) fn fetch(&self, workshop: &Workshop<'_>, refspecs: &[String]) -> Result<Written, Failure> {
        self.fetch_with(workshop, &FETCH, refspecs)
    }

    /// The same, deleting refs that the server does not have any more: they may stand in the way of new ones.
    pub(super) fn fetch_pruning(
        &self,
        workshop: &Workshop<'_>,
        refspecs: &[String],
    ) -> Result<Written, Failure> {
        let pruning = FETCH.map(|option| if option == "--no-prune" { "--prune" } else { option });
        self.fetch_with(workshop, &pruning, refspecs)
    }

    fn fetch_with(
        &self,
        workshop: &Workshop<'_>,
        options: &[&str],
        refspecs: &[String],
    ) -> Result<Written, Failure> {
        let plain = |error| (error, BTreeSet::new());
        let mut command = self.command(workshop).map_err(plain)?;
        command.args(options).arg(self.url.as_str()).args(refspecs);
        let Ended { status, said } = Remote::run(workshop, command, &mut |_| {}).map_err(plain)?;
        if status.success() {
            return Ok(Written::All);
        }
        let error = GitError::of(workshop.path, &status.to_string(), &said);
        // Git writes refs when all objects are here, and ends with 1 where it could not write one of them; each has an error
        // of its own then, and none is fatal.
        let only_refs = status.code() == Some(1) && !said.contain("fatal: ");
        match error {
            GitError::Git { .. } if only_refs && said.contain("some local refs could not be updated") => {
                Ok(Written::Conflict)
            }
            GitError::Git { .. } if only_refs && said.contain("cannot lock ref") => Ok(Written::Some),
            error => Err((error, said.refused().clone())),
        }
    }
}
