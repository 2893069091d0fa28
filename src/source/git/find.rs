//! The repositories below a directory.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::dot_git::{looks_bare, target};

/// The repositories below `root`, `root` included: work trees with a `.git` directory or file, bare repositories, and the
/// ones that submodules keep in the `modules` of their superproject (gitrepository-layout(5)). Each once, however many
/// work trees it has here, and in the order of their paths. One that is damaged is included: opening it reports what is wrong.
pub fn find_repositories(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![root.to_owned()];
    while let Some(dir) = pending.pop() {
        if looks_bare(&dir) {
            found.push(dir.clone());
            // A submodule's work tree may have been removed; its repository stays here.
            pending.push(dir.join("modules"));
            continue;
        }
        let git = dir.join(".git");
        // A damaged repository may have lost its `HEAD`, and must not be skipped for that.
        if git.is_file() || git.join("objects").is_dir() || looks_bare(&git) {
            found.push(dir.clone());
            pending.push(git.join("modules"));
        }
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for entry in entries.filter_map(Result::ok) {
            // Symbolic links are not followed: `file_type` is the link's own.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && entry.file_name() != ".git" {
                pending.push(entry.path());
            }
        }
    }
    found.sort();
    let mut common_dirs = HashSet::new();
    let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    // Several may lead to the same repository outside, and only some of them be its work trees.
    found.retain(|path| {
        let dir = common_dir(path);
        !dir.starts_with(&root) || common_dirs.insert(dir)
    });
    found
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
