//! Repositories of a tree that is scanned. A file in it must not lead the scan out of it, into a repository that has nothing to
//! do with it: what tokens that one holds is not this tree's to tell, and not to be revoked on its account.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::lfs::Lfs;
use super::object_dirs::ObjectDirs;
use super::object_store::ObjectStore;
use super::repo::Repo;
use crate::blob::{Fault, FaultKind};
use crate::text::path_text;

/// Where a repository's refs and reflogs are.
const REFS: [&str; 6] = ["HEAD", "packed-refs", "refs", "reftable", "logs", "worktrees"];

impl Repo {
    /// The repository at `path`, as [`Repo::open`], in a tree `within` which it stays.
    ///
    /// A `.git` that leads out of the tree is followed only where it is led back: to the git directory of a linked work tree
    /// that its repository lists (git-worktree(1), "Details"), or of a submodule that names its work tree
    /// (gitsubmodules(7)). Of alternates outside of the tree, what the repository's own refs lead to is read.
    pub fn open_within(path: &Path, within: &Path) -> Result<Self, Error> {
        let mut repo = Repo::open(path)?;
        let Ok(root) = fs::canonicalize(within) else { return Ok(repo) };
        let common_dir = repo.common_dir();
        if !common_dir.starts_with(&root) {
            let is_theirs = repo.is_led_back_to(path);
            return if is_theirs { Ok(repo) } else { Err(leads_out(path, common_dir)) };
        }
        let objects = vec![repo.inner.common_dir().join("objects")];
        repo.object_dirs = ObjectDirs::resolve(objects, Some(&root));
        let links = |paths: Vec<PathBuf>| match link_out(paths, &root) {
            Some(link) => Err(leads_out(&link, fs::canonicalize(&link).unwrap_or_default())),
            None => Ok(()),
        };
        links(repo.object_dirs.own.clone())?;
        // Refs that lie elsewhere are somebody else's: their names, and what they lead to.
        links(REFS.iter().map(|name| common_dir.join(name)).collect())?;
        repo.lfs = Lfs::new(&repo.inner, &repo.object_dirs).within(&root);
        if repo.object_dirs.borrowed.is_empty() {
            return Ok(repo);
        }
        repo.object_dirs.faults.extend(repo.object_dirs.borrowed.iter().map(|dir| borrowed_only(dir)));
        repo.store = ObjectStore::new(repo.object_dirs.all(), repo.hash());
        Ok(repo)
    }

    /// Whether the repository itself says that its work tree is at `path`.
    fn is_led_back_to(&self, path: &Path) -> bool {
        let canonical = |path: &Path| fs::canonicalize(path).ok();
        let Some(git_dir) = canonical(self.inner.git_dir()) else { return false };
        if git_dir.parent() == Some(&self.common_dir().join("worktrees")) {
            let named = fs::read_to_string(git_dir.join("gitdir")).unwrap_or_default();
            let named = canonical(&git_dir.join(named.trim()));
            return named.is_some() && named == canonical(&path.join(".git"));
        }
        let config = self.inner.config_snapshot();
        let named = config.string("core.worktree").and_then(|named| {
            let named = gix::path::from_bstr(named).ok()?;
            canonical(&git_dir.join(named))
        });
        git_dir == self.common_dir() && named.is_some() && named == canonical(path)
    }
}

/// The first link at or below `paths` that leads out of `root`.
fn link_out(paths: Vec<PathBuf>, root: &Path) -> Option<PathBuf> {
    let kind = |path: PathBuf| fs::symlink_metadata(&path).map(|metadata| (path, metadata.file_type()));
    let mut pending: Vec<_> = paths.into_iter().filter_map(|path| kind(path).ok()).collect();
    while let Some((path, kind)) = pending.pop() {
        if kind.is_symlink() && fs::canonicalize(&path).is_ok_and(|target| !target.starts_with(root)) {
            return Some(path);
        }
        if kind.is_dir() {
            let entries = fs::read_dir(&path).into_iter().flatten().filter_map(Result::ok);
            pending.extend(entries.filter_map(|entry| Some((entry.path(), entry.file_type().ok()?))));
        }
    }
    None
}

fn leads_out(path: &Path, target: PathBuf) -> Error {
    Error::LeadsOut { path: path.to_owned(), target }
}

fn borrowed_only(dir: &Path) -> Fault {
    let reason = "these objects are outside of what is scanned: of them, what the refs of a repository in it lead to was \
                  scanned; for all of them, run stanch git on the repository that they belong to"
        .to_owned();
    Fault { path: path_text(dir.as_os_str().as_encoded_bytes()), kind: FaultKind::PassedOver, reason }
}
