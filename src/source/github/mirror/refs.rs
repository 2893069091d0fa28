//! The refs of a mirror: what the server had, and what is kept besides.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::process::Command;

use super::child::{self, Input};
use super::error::GitError;
use super::program::{Call, Git};
use super::watch::{Limits, Watch};

/// Where tips are kept that no ref of the server leads to any more, each by its id.
pub(super) const KEPT: &str = "refs/stanch-kept/";

/// A mirror's directory, and what works on it.
pub(super) struct Workshop<'a> {
    pub(super) git: &'a Git,
    pub(super) path: &'a Path,
    pub(super) limits: &'a Limits<'a>,
    /// The mirror's lock, which each child holds as well.
    pub(super) lock: &'a File,
}

/// What a ref points to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tip {
    pub(super) id: String,
    pub(super) is_commit: bool,
}

/// Refs by name.
pub(super) type Refs = BTreeMap<String, Tip>;

impl Workshop<'_> {
    /// A call that speaks to nobody.
    pub(super) fn call(&self) -> Call<'_> {
        Call { mirror: Some(self.path), remote: None, stall: self.limits.stall }
    }

    /// Git on this mirror, about to do what `arguments` say.
    pub(super) fn command(&self, arguments: &[&str]) -> Result<Command, GitError> {
        let mut command = self.git.command(&self.call())?;
        command.args(arguments);
        Ok(command)
    }

    /// Runs it; what it prints, line by line.
    pub(super) fn lines(
        &self,
        command: Command,
        input: Option<&[u8]>,
        each: &mut (dyn FnMut(&str) + Send),
    ) -> Result<(), GitError> {
        let input = match input {
            Some(bytes) => Input::Bytes(bytes),
            None => Input::Lock(self.lock.try_clone().map_err(|error| GitError::io(self.path, &error))?),
        };
        let each = &mut |line: &[u8]| each(&String::from_utf8_lossy(line));
        let ended = child::run(command, input, Watch::new(self.limits, None), each)?;
        if ended.status.success() {
            return Ok(());
        }
        Err(GitError::of(self.path, &ended.status.to_string(), &ended.said))
    }

    /// The refs that the server had; those that are kept besides are none of them.
    pub(super) fn refs(&self) -> Result<Refs, GitError> {
        let command = self.command(&["for-each-ref", "--format=%(objectname) %(objecttype) %(refname)"])?;
        let mut refs = Refs::new();
        self.lines(command, None, &mut |line| {
            let mut words = line.splitn(3, ' ');
            let (Some(id), Some(kind), Some(name)) = (words.next(), words.next(), words.next()) else {
                return;
            };
            if !name.starts_with(KEPT) {
                refs.insert(name.to_owned(), Tip { id: id.to_owned(), is_commit: kind == "commit" });
            }
        })?;
        Ok(refs)
    }

    /// Whether no ref at all is here, not even one that is kept.
    pub(super) fn is_empty(&self) -> Result<bool, GitError> {
        let mut is_empty = true;
        let command = self.command(&["for-each-ref", "--count=1"])?;
        self.lines(command, None, &mut |_| is_empty = false)?;
        Ok(is_empty)
    }

    /// What the mirror's own `HEAD` points to, if that is here.
    pub(super) fn head(&self) -> Result<Option<String>, GitError> {
        let mut id = None;
        let command = self.command(&["rev-list", "--max-count=1", "--ignore-missing", "HEAD", "--"])?;
        match self.lines(command, None, &mut |line| id = Some(line.to_owned())) {
            // It stands for a branch that there is not.
            Err(GitError::Git { .. } | GitError::Damaged { .. }) => Ok(None),
            read => read.map(|()| id),
        }
    }

    /// Those of these commits to which none of the refs leads that `from` names: options of git-rev-list(1).
    pub(super) fn not_reachable(
        &self,
        commits: &BTreeSet<&str>,
        from: &[&str],
    ) -> Result<BTreeSet<String>, GitError> {
        if commits.is_empty() {
            return Ok(BTreeSet::new());
        }
        let command =
            self.command(&[&["rev-list", "--ignore-missing", "--stdin", "--not"], from].concat())?;
        let mut found = BTreeSet::new();
        self.lines(command, Some(lines_of(commits.iter().copied()).as_bytes()), &mut |line| {
            if commits.contains(line) {
                found.insert(line.to_owned());
            }
        })?;
        Ok(found)
    }

    /// Keeps these objects, which are here: a ref leads to each from now on.
    pub(super) fn keep(&self, ids: &BTreeSet<String>) -> Result<(), GitError> {
        if ids.is_empty() {
            return Ok(());
        }
        let command = self.command(&["update-ref", "--stdin"])?;
        let input = lines_of(ids.iter().map(|id| format!("update {KEPT}{id} {id}")));
        self.lines(command, Some(input.as_bytes()), &mut |_| {})
    }

    /// Keeps what was at the end of a ref before, and is not part of any ref's history now.
    pub(super) fn keep_overwritten(&self, before: &Refs, after: &Refs) -> Result<(), GitError> {
        let now: BTreeSet<&Tip> = after.values().collect();
        let gone = || before.values().filter(|tip| !now.contains(tip));
        let commits = gone().filter(|tip| tip.is_commit).map(|tip| tip.id.as_str()).collect();
        let mut keep = self.not_reachable(&commits, &["--all"])?;
        // Of a tag object, its commit may be part of a history while its own message is not.
        keep.extend(gone().filter(|tip| !tip.is_commit).map(|tip| tip.id.clone()));
        self.keep(&keep)
    }
}

/// Texts, each on a line of its own.
pub(super) fn lines_of(texts: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut lines = String::new();
    for text in texts {
        lines.push_str(text.as_ref());
        lines.push('\n');
    }
    lines
}
