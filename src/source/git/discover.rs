//! Repositories below a folder.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The repositories below `folder`, `folder` included: work trees with a `.git` folder or file, bare repositories, and the
/// ones that submodules keep in their parent's `.git/modules`. Each once, however many work trees it has; in the order of
/// their paths. What is no repository after all is told by opening it.
pub fn discover(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        if is_repository(&folder) {
            found.push(folder.clone());
            // A submodule's work tree may have gone; its repository stays here.
            open.push(folder.join("modules"));
            continue;
        }
        let git = folder.join(".git");
        // A damaged one may lack its `HEAD`, and is not passed over for that.
        if git.is_file() || git.join("objects").is_dir() || is_repository(&git) {
            found.push(folder.clone());
            open.push(git.join("modules"));
        }
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            // A link's target is swept where it is.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && entry.file_name() != ".git" {
                open.push(entry.path());
            }
        }
    }
    found.sort();
    let mut seen = HashSet::new();
    found.retain(|path| seen.insert(common_folder(path)));
    found
}

/// Whether a folder is a repository itself, as git tells one.
fn is_repository(folder: &Path) -> bool {
    folder.join("HEAD").is_file()
        && (folder.join("commondir").is_file()
            || folder.join("objects").is_dir() && folder.join("refs").is_dir())
}

/// The folder that a repository shares among its work trees.
fn common_folder(path: &Path) -> PathBuf {
    let mut folder = path.join(".git");
    if let Ok(text) = fs::read_to_string(&folder)
        && let Some(target) = text.strip_prefix("gitdir:")
    {
        folder = path.join(target.trim());
    } else if !folder.is_dir() {
        path.clone_into(&mut folder);
    }
    if let Ok(common) = fs::read_to_string(folder.join("commondir")) {
        folder = folder.join(common.trim());
    }
    fs::canonicalize(&folder).unwrap_or(folder)
}
