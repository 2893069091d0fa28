//! The repositories below a directory.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::Scope;

use super::dot_git::{looks_bare, target};

/// A repository below a directory.
pub struct FoundRepository {
    /// Its work tree; the repository itself where it is bare.
    pub path: PathBuf,
    /// What all its work trees share, as [`Repo::common_dir`](super::Repo::common_dir).
    pub common_dir: PathBuf,
}

/// The repositories below `root`, `root` included: work trees with a `.git` directory or file, bare repositories, and the
/// ones that submodules keep in the `modules` of their superproject (gitrepository-layout(5)). Each once, however many
/// work trees it has here, and in the order of their paths. One that is damaged is included: opening it reports what is wrong.
pub fn find_repositories(root: &Path) -> Vec<FoundRepository> {
    let found = Mutex::default();
    rayon::scope(|scope| search(root.to_owned(), scope, &found));
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let mut common_dirs = HashSet::new();
    let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    // Several may lead to the same repository outside, and only some of them be its work trees.
    found
        .retain(|found| !found.common_dir.starts_with(&root) || common_dirs.insert(found.common_dir.clone()));
    found
}

/// Looks into one directory, and into those below it in tasks of `scope`.
fn search<'s>(dir: PathBuf, scope: &Scope<'s>, found: &'s Mutex<Vec<FoundRepository>>) {
    let Listing { may_be_bare, may_have_git, below } = Listing::read(&dir);
    let keep = |path: PathBuf| {
        let found_here = FoundRepository { common_dir: common_dir(&path), path };
        found.lock().unwrap_or_else(PoisonError::into_inner).push(found_here);
    };
    let look_into = |dir: PathBuf| scope.spawn(move |scope| search(dir, scope, found));
    if may_be_bare && looks_bare(&dir) {
        // A submodule's work tree may have been removed; its repository stays here.
        look_into(dir.join("modules"));
        return keep(dir);
    }
    below.into_iter().for_each(look_into);
    let git = dir.join(".git");
    // A damaged repository may have lost its `HEAD`, and must not be skipped for that.
    if may_have_git && (git.is_file() || git.join("objects").is_dir() || looks_bare(&git)) {
        look_into(git.join("modules"));
        keep(dir);
    }
}

/// What a directory has: most have nothing that is worth another look.
struct Listing {
    may_be_bare: bool,
    may_have_git: bool,
    /// Where repositories may be, but for `.git`.
    below: Vec<PathBuf>,
}

impl Listing {
    fn read(dir: &Path) -> Self {
        let mut listing = Listing { may_be_bare: false, may_have_git: false, below: Vec::new() };
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) => {
                // What may not be listed may still be opened.
                let may_be = error.kind() != io::ErrorKind::NotFound;
                return Listing { may_be_bare: may_be, may_have_git: may_be, ..listing };
            }
        };
        for entry in entries {
            let Ok(entry) = entry else {
                (listing.may_be_bare, listing.may_have_git) = (true, true);
                continue;
            };
            let name = entry.file_name();
            // Some file systems take one case for the other.
            listing.may_be_bare |= name.eq_ignore_ascii_case("HEAD");
            listing.may_have_git |= name.eq_ignore_ascii_case(".git");
            // Symbolic links are not followed: `file_type` is the link's own.
            if name != ".git" && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                listing.below.push(entry.path());
            }
        }
        listing
    }
}

/// The directory that a repository shares among its work trees. `commondir` is a path (gitrepository-layout(5)).
fn common_dir(path: &Path) -> PathBuf {
    let mut dir = path.join(".git");
    if let Some(target) = target(&dir) {
        dir = target;
    } else if !dir.is_dir() {
        path.clone_into(&mut dir);
    }
    if let Ok(common) = fs::read_to_string(dir.join("commondir")) {
        dir = dir.join(common.trim());
    }
    fs::canonicalize(&dir).unwrap_or(dir)
}
