//! What lies at a path before it is opened: a `.git` that leads nowhere, and a `HEAD` that only git reads.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::text::path_text;

/// The `.git` of `path` or of the nearest directory above it, or the bare repository that one of them is.
pub(super) fn nearest(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    absolute.ancestors().find_map(|dir| {
        let dot_git = dir.join(".git");
        let is_there = fs::symlink_metadata(&dot_git).is_ok();
        if is_there { Some(dot_git) } else { looks_bare(dir).then(|| dir.to_owned()) }
    })
}

/// Where the search for the repository of `path` starts. `gix` shortens what it finds to a relative path, and loses the
/// name of a bare repository on the way (`../bare`), unless it is given an absolute one.
pub(super) fn start(path: &Path) -> Cow<'_, Path> {
    let canonical = |path: &Path| fs::canonicalize(path).ok();
    let is_bare = |dir: &PathBuf| !dir.ends_with(".git") && canonical(dir) != canonical(Path::new("."));
    let elsewhere = nearest(path).filter(is_bare).and_then(|_| canonical(path));
    elsewhere.map_or(Cow::Borrowed(path), Cow::Owned)
}

/// Whether a directory is a repository itself, by what git requires of one: `HEAD`, and `objects` and `refs` or a
/// `commondir` that has them (gitrepository-layout(5)).
pub(super) fn looks_bare(dir: &Path) -> bool {
    // A link to a branch is a `HEAD`, although there is no such file where the branch is in packed-refs.
    fs::symlink_metadata(dir.join("HEAD")).is_ok_and(|head| !head.is_dir())
        && (dir.join("commondir").is_file() || dir.join("objects").is_dir() && dir.join("refs").is_dir())
}

/// Where a `.git` file points to: `gitdir:` and a path (gitrepository-layout(5)).
pub(super) fn target(dot_git: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(dot_git).ok()?;
    let target = text.strip_prefix("gitdir:")?.trim();
    Some(dot_git.parent()?.join(target))
}

/// The directory of git's own files that a `.git` is or points to; the reason why there is none.
pub(super) fn directory(dot_git: &Path) -> Result<PathBuf, String> {
    let Some(target) = target(dot_git) else { return Ok(dot_git.to_owned()) };
    if target.is_dir() {
        return Ok(target);
    }
    let (file, target) = (shown(dot_git), shown(&target));
    Err(format!(
        "`{file}` points to `{target}`, which is not there: a submodule or a linked work tree needs the repository that it \
         belongs to beside it"
    ))
}

/// Whether the alternates of a git directory are such that `gix` refuses to open it.
pub(super) fn has_odd_alternates(git_dir: &Path) -> bool {
    let common_dir = fs::read_to_string(git_dir.join("commondir")).unwrap_or_default();
    let objects = git_dir.join(common_dir.trim()).join("objects");
    let Ok(objects) = std::path::absolute(objects) else { return false };
    objects.join("info/alternates").exists() && gix::odb::alternate::resolve(objects, Path::new(".")).is_err()
}

fn shown(path: &Path) -> String {
    path_text(path.as_os_str().as_encoded_bytes())
}

/// A stand-in for a git directory whose `HEAD` is a symbolic link to a branch that is in packed-refs, so that the link leads
/// nowhere. Git reads the link itself (files-backend.c, "symlink refs"); `gix` looks for a file. It is laid out as the git
/// directory of a linked work tree: what all work trees share stays where it is.
pub(super) struct StandIn(TempDir);

impl StandIn {
    /// One for this git directory, if it needs one. `index` is in place of the directory's own.
    pub(super) fn make(git_dir: &Path, index: Option<&Path>) -> io::Result<Option<Self>> {
        let head = git_dir.join("HEAD");
        let Ok(branch) = fs::read_link(&head) else { return Ok(None) };
        let branch = path_text(branch.as_os_str().as_encoded_bytes());
        if head.exists() || !branch.starts_with("refs/") {
            return Ok(None);
        }
        let git_dir = fs::canonicalize(git_dir)?;
        let dir = tempfile::tempdir()?;
        let write = |name: &str, text: String| fs::write(dir.path().join(name), text);
        write("HEAD", format!("ref: {branch}\n"))?;
        write("commondir", format!("{}\n", git_dir.display()))?;
        write("gitdir", format!("{}\n", git_dir.display()))?;
        for entry in fs::read_dir(&git_dir)?.filter_map(Result::ok) {
            let is_shared = ["HEAD", "commondir", "gitdir", "config", "packed-refs", "shallow"];
            let is_own = !is_shared.iter().any(|name| entry.file_name() == *name);
            let is_index = index.is_some() && entry.file_name() == "index";
            if is_own && !is_index && entry.file_type()?.is_file() {
                link(&entry.path(), &dir.path().join(entry.file_name()))?;
            }
        }
        if let Some(index) = index {
            link(&std::path::absolute(index)?, &dir.path().join("index"))?;
        }
        Ok(Some(StandIn(dir)))
    }

    /// The directory to open.
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

#[cfg(unix)]
fn link(file: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(file, to)
}

/// Elsewhere, git makes no such `HEAD`.
#[cfg(not(unix))]
fn link(file: &Path, to: &Path) -> io::Result<()> {
    fs::copy(file, to).map(drop)
}
