//! Mirrors: repositories as bare clones, made and updated by the system's `git`.
//!
//! A mirror only grows. What a server has pushed over or deleted since stays here, and a ref below `refs/stanch-kept` leads to
//! it: it is what leaks are found in. The scan reads every object there is, whatever leads to it.

mod authorities;
mod by_id;
mod child;
mod error;
mod fetching;
mod group;
mod messages;
mod place;
mod program;
mod pulls;
mod refs;
mod setup;
mod url;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

pub use error::GitError;
pub use fetching::Remote;
pub use place::MirrorPlace;
pub use program::{Git, GitOptions};
pub use url::{BadUrl, CloneUrl};
pub use watch::Limits;

use fetching::{Head, Written};
use refs::{KEPT, Refs, Workshop};

/// More refs than these are put into one file: each has one of its own before.
const MANY_REFS: usize = 100;

/// Which refs are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MirrorRefs {
    /// All of them, those of pull requests too.
    All,
    /// All but those of pull requests.
    WithoutPulls,
}

/// A bare repository with what a server had when it was fetched, and what it had before. Nobody else works on it as long as this
/// is held.
#[derive(Debug)]
pub struct Mirror<'g> {
    git: &'g Git,
    path: PathBuf,
    lock: File,
    tip: Option<String>,
    refs: Refs,
    set_aside: Option<PathBuf>,
    lacks_refs: bool,
}

impl<'g> Mirror<'g> {
    /// Fetches a repository into its place: anew, or what is new in it. Of a new one that fails nothing is left; one that was
    /// there before stays.
    ///
    /// # Errors
    /// See [`GitError`]. An empty repository is none.
    pub fn fetch(
        git: &'g Git,
        place: &MirrorPlace,
        remote: &Remote<'_>,
        wanted: MirrorRefs,
        limits: &Limits<'_>,
    ) -> Result<Mirror<'g>, GitError> {
        let path = place.prepare()?;
        let lock = place::lock(&path, limits)?;
        let workshop = Workshop { git, path: &path, limits, lock: &lock };
        let existed = setup::is_mirror(&path, remote.url)?;
        let head = remote.head(&workshop)?;
        let mut set_aside = None;
        let fetched = match fetched(&workshop, remote, wanted, &head) {
            Err(GitError::Damaged { .. }) if existed => {
                let aside = setup::set_aside(&path)?;
                let again = self::fetched(&workshop, remote, wanted, &head);
                if again.is_err() {
                    setup::put_back(&path, &aside)?;
                }
                set_aside = Some(aside);
                again
            }
            fetched => fetched,
        };
        match fetched {
            Ok((refs, written)) => {
                let tip = head.id.or_else(|| refs.get(&head.name?).map(|tip| tip.id.clone()));
                let lacks_refs = written != Written::All;
                Ok(Mirror { git, path, lock, tip, refs, set_aside, lacks_refs })
            }
            Err(error) if existed => {
                setup::tidy(&path).map_err(|error| GitError::io(&path, &error))?;
                Err(error)
            }
            Err(error) => {
                setup::remove(&path)?;
                place::remove_lock(&path)?;
                // What was sent cannot be blamed on this disk.
                Err(match error {
                    GitError::Damaged { message, .. } => GitError::Server(message),
                    error => error,
                })
            }
        }
    }

    /// The mirror of an earlier run, as it is: its server is not asked. None where nothing was kept.
    ///
    /// # Errors
    /// See [`GitError`].
    pub fn kept(
        git: &'g Git,
        place: &MirrorPlace,
        url: &CloneUrl,
        limits: &Limits<'_>,
    ) -> Result<Option<Mirror<'g>>, GitError> {
        let path = place.prepare()?;
        let lock = place::lock(&path, limits)?;
        let workshop = Workshop { git, path: &path, limits, lock: &lock };
        if !setup::is_mirror(&path, url)? || !setup::restore(&path)? || workshop.is_empty()? {
            place::remove_lock(&path)?;
            return Ok(None);
        }
        let refs = workshop.refs()?;
        let tip = workshop.head()?;
        Ok(Some(Mirror { git, path, lock, tip, refs, set_aside: None, lacks_refs: false }))
    }

    /// Fetches objects by their full ids, in hex, and keeps them: commits that were pushed over or deleted. Those that the
    /// server does not give any more are the answer. What is here already is not asked for.
    pub fn fetch_objects(
        &self,
        remote: &Remote<'_>,
        ids: &BTreeSet<String>,
        limits: &Limits<'_>,
    ) -> Result<BTreeSet<String>, GitError> {
        let is_id = |id: &&String| {
            matches!(id.len(), 40 | 64) && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let (good, bad): (BTreeSet<&String>, BTreeSet<&String>) = ids.iter().partition(is_id);
        let good = good.into_iter().cloned().collect();
        let mut missing = by_id::fetch(&self.workshop(limits), remote, &good)?;
        missing.extend(bad.into_iter().cloned());
        Ok(missing)
    }

    /// For each of these commits that only pull requests have: the number of one of them.
    pub fn pulls_of(
        &self,
        commits: &BTreeSet<&str>,
        limits: &Limits<'_>,
    ) -> Result<BTreeMap<String, u64>, GitError> {
        if !self.refs.keys().any(|name| name.starts_with("refs/pull/")) {
            return Ok(BTreeMap::new());
        }
        pulls::pulls_of(&self.workshop(limits), commits)
    }

    fn workshop<'a>(&'a self, limits: &'a Limits<'a>) -> Workshop<'a> {
        Workshop { git: self.git, path: &self.path, limits, lock: &self.lock }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the server's `HEAD` points to, in hex.
    pub fn tip(&self) -> Option<&str> {
        self.tip.as_deref()
    }

    /// How many refs the server had, now or before.
    pub fn ref_count(&self) -> u64 {
        self.refs.len() as u64
    }

    /// How many pull requests there are among them.
    pub fn pull_count(&self) -> u64 {
        let is_head = |name: &&String| name.starts_with("refs/pull/") && name.ends_with("/head");
        self.refs.keys().filter(is_head).count() as u64
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.refs.is_empty()
    }

    /// How much of the disk it takes.
    pub fn bytes_on_disk(&self) -> u64 {
        watch::bytes_below(&self.path)
    }

    /// The mirror that was here before, if it was damaged: this one was made anew, and what only that one had is in it still.
    pub fn set_aside(&self) -> Option<&Path> {
        self.set_aside.as_deref()
    }

    /// Whether some refs could not be written here, because this file system cannot have files of their names. Their objects
    /// are here.
    pub fn lacks_refs(&self) -> bool {
        self.lacks_refs
    }

    /// Removes it.
    pub fn remove(self) -> Result<(), GitError> {
        setup::remove(&self.path)?;
        place::remove_lock(&self.path)
    }
}

/// Makes or updates the mirror; the refs that it has then.
fn fetched(
    workshop: &Workshop<'_>,
    remote: &Remote<'_>,
    wanted: MirrorRefs,
    head: &Head,
) -> Result<(Refs, Written), GitError> {
    let is_new = setup::init(workshop, remote.url, head)?;
    let before = if is_new { Refs::new() } else { workshop.refs()? };
    let mut refspecs = vec!["+refs/*:refs/*".to_owned()];
    if wanted == MirrorRefs::WithoutPulls {
        refspecs.push("^refs/pull/*".to_owned());
    }
    let failed = |(error, _): fetching::Failure| match error {
        // It named the object itself, at the end of a ref.
        GitError::NoSuchObject(message) => GitError::Server(message),
        error => error,
    };
    let mut written = remote.fetch(workshop, &refspecs).map_err(failed)?;
    if written == Written::Conflict && !before.is_empty() {
        workshop.keep(&before.values().map(|tip| tip.id.clone()).collect())?;
        refspecs.push(format!("^{KEPT}*"));
        written = remote.fetch_pruning(workshop, &refspecs).map_err(failed)?;
    }
    setup::set_head(workshop, head)?;
    let after = workshop.refs()?;
    workshop.keep_overwritten(&before, &after)?;
    if after.len() > MANY_REFS {
        let pack = workshop.command(&["pack-refs", "--all"])?;
        workshop.lines(pack, None, &mut |_| {})?;
    }
    Ok((after, written))
}

#[cfg(all(test, unix))]
mod tests;
