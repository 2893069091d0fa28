//! Refs: their names, which may hold a token themselves, and the commits that they and their reflogs lead to.

mod foreign;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::ByteSlice as _;

use super::odb::ObjectDb;
use super::repo::Repo;
use crate::blob::{Blob, Body, Fault, FaultKind, LocationKind, Origin, Sink};
use crate::shard::Shard;
use crate::text::path_text;

/// Where histories start.
#[derive(Default)]
pub(super) struct Tips {
    /// What branches, tags, stashes, the `HEAD`s of work trees and their reflogs point to.
    pub(super) content: Vec<ObjectId>,
    /// What `refs/notes/*` point to (git-notes(1)).
    pub(super) notes: Vec<ObjectId>,
}

/// Passes every ref's name to `sink`, or those of a shard, and what a ref points to that is not in `odb`.
pub(super) fn scan((repo, odb): (&Repo, &ObjectDb), shard: Option<Shard>, sink: &dyn Sink) {
    let mut scanned = HashSet::new();
    let errors = for_each(repo, &mut |name, id| {
        if scanned.insert(name.to_vec()) {
            if let Some(id) = id.filter(|id| !odb.contains(id)) {
                let (path, reason) = (format!("object {id}"), repo.say_missing(&id, &path_text(name)));
                sink.fault(Fault { path, kind: FaultKind::Unreadable, reason });
            }
            if shard.is_some_and(|shard| !shard.owns_name(name)) {
                return;
            }
            let origin =
                || Origin { path: path_text(name), kind: LocationKind::RefName, ..Origin::default() };
            sink.meter().bytes(name.len() as u64);
            sink.blob(Blob { body: Body::Whole(name), origin: &origin });
        }
    });
    for reason in errors {
        sink.fault(Fault { path: "refs".into(), kind: FaultKind::Unreadable, reason });
    }
}

/// Every ref that points to an object, and what it points to.
pub(super) fn all(repo: &Repo) -> Vec<(Vec<u8>, ObjectId)> {
    let mut all = Vec::new();
    let _ = for_each(repo, &mut |name, id| all.extend(id.map(|id| (name.to_vec(), id))));
    all
}

/// Everything a history may start from: refs, the `HEAD` of every work tree, and what their reflogs remember.
pub(super) fn tips(repo: &Repo) -> Tips {
    let mut tips = Tips::default();
    let _ = for_each(repo, &mut |name, id| {
        let Some(id) = id else { return };
        if name.starts_with(b"refs/notes/") { tips.notes.push(id) } else { tips.content.push(id) }
    });
    if repo.foreign_refs().is_some() {
        tips.content.extend(foreign::work_tree_heads(repo));
        return tips;
    }
    let common = repo.inner.common_dir();
    let mut logs = vec![common.join("logs")];
    for dir in git_dirs(repo) {
        tips.content.extend(detached_head(&dir));
        logs.push(dir.join("logs"));
    }
    while let Some(path) = logs.pop() {
        if path.ends_with("logs/refs/notes") {
            continue;
        }
        if let Ok(entries) = std::fs::read_dir(&path) {
            logs.extend(entries.filter_map(Result::ok).map(|entry| entry.path()));
        } else if let Ok(log) = std::fs::read(&path) {
            tips.content.extend(log.lines().flat_map(logged_ids));
        }
    }
    tips
}

/// What `HEAD` points to; nothing before the first commit.
pub(super) fn head(repo: &Repo) -> Result<Option<ObjectId>, String> {
    if let Some(format) = repo.foreign_refs() {
        return foreign::head(repo).map_err(|reason| foreign::unreadable(&format, &reason));
    }
    let head = repo.inner.head().map_err(|error| error.to_string())?;
    Ok(head.id().map(gix::Id::detach))
}

/// The refs that each linked work tree has for itself, such as `refs/bisect/` (git-worktree(1), "Refs").
fn linked_refs(repo: &Repo, visit: &mut dyn FnMut(&[u8], Option<ObjectId>)) {
    for git_dir in git_dirs(repo).into_iter().skip(1) {
        let mut pending = vec![git_dir.join("refs")];
        while let Some(path) = pending.pop() {
            if let Ok(entries) = std::fs::read_dir(&path) {
                pending.extend(entries.filter_map(Result::ok).map(|entry| entry.path()));
            } else if let Ok(text) = std::fs::read(&path)
                && let Ok(name) = path.strip_prefix(&git_dir)
            {
                visit(name.as_os_str().as_encoded_bytes(), ObjectId::from_hex(text.trim()).ok());
            }
        }
    }
}

/// The `$GIT_DIR` of the main work tree, and those of the linked ones (git-worktree(1), "Details").
pub(super) fn git_dirs(repo: &Repo) -> Vec<PathBuf> {
    let common = repo.inner.common_dir();
    let linked = std::fs::read_dir(common.join("worktrees")).into_iter().flatten().filter_map(Result::ok);
    std::iter::once(common.to_owned()).chain(linked.map(|entry| entry.path())).collect()
}

/// What `HEAD` in a `$GIT_DIR` points to, where it is detached.
fn detached_head(git_dir: &Path) -> Option<ObjectId> {
    ObjectId::from_hex(std::fs::read(git_dir.join("HEAD")).ok()?.trim()).ok()
}

/// The old and the new value that a line of a reflog starts with (git-update-ref(1), "Logging Updates").
fn logged_ids(line: &[u8]) -> impl Iterator<Item = ObjectId> {
    let ids = line.splitn(3, |byte| *byte == b' ').take(2).filter_map(|hex| ObjectId::from_hex(hex).ok());
    ids.filter(|id| !id.is_null()).collect::<Vec<_>>().into_iter()
}

/// Calls `visit` with each ref's name, and with what it points to where that is an object. Returns what could not be
/// read.
fn for_each(repo: &Repo, visit: &mut dyn FnMut(&[u8], Option<ObjectId>)) -> Vec<String> {
    if let Some(format) = repo.foreign_refs() {
        let read = foreign::for_each(repo, visit);
        return read.err().map(|reason| foreign::unreadable(&format, &reason)).into_iter().collect();
    }
    let platform = match repo.inner.references() {
        Ok(platform) => platform,
        Err(error) => return vec![error.to_string()],
    };
    let mut errors = Vec::new();
    linked_refs(repo, visit);
    let all = match platform.all() {
        Ok(all) => all,
        Err(error) => return vec![error.to_string()],
    };
    for reference in all {
        match reference {
            Ok(reference) => {
                let target = reference.target();
                visit(reference.name().as_bstr(), target.try_id().map(ToOwned::to_owned));
                // A symbolic ref may name one that does not exist yet: `HEAD` before the first commit.
                if let Some(name) = target.try_name() {
                    visit(name.as_bstr(), None);
                }
            }
            Err(error) => errors.push(error.to_string()),
        }
    }
    if let Ok(Some(name)) = repo.inner.head_name() {
        visit(name.as_bstr(), None);
    }
    errors
}
