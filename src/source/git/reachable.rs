//! The objects that a repository's own refs lead to.

use std::collections::HashSet;

use gix::ObjectId;

use super::commit::{CommitHeader, tag_target};
use super::object::{Kind, Mode, tree_entries};
use super::odb::ObjectDb;
use super::refs;
use super::repo::Repo;

impl Repo {
    /// The repository's objects: all in its own directories, and of those in borrowed ones what its refs lead to.
    pub(super) fn object_db(&self) -> &ObjectDb {
        self.odb.get_or_init(|| {
            let borrowed = &self.object_dirs.borrowed;
            let reachable = if borrowed.is_empty() { HashSet::new() } else { reachable(self) };
            ObjectDb::open(&self.object_dirs.own, borrowed, &reachable, self.hash())
        })
    }
}

/// Every object that a ref, a `HEAD` or a reflog leads to. What is missing leads to nothing.
fn reachable(repo: &Repo) -> HashSet<ObjectId> {
    let tips = refs::tips(repo);
    walk(repo, tips.content.into_iter().chain(tips.notes), &mut |_| Next::GoOn)
}

/// An object, and what names it; a tip is named by nothing.
#[derive(Clone, Copy)]
pub(super) struct Link {
    pub(super) id: ObjectId,
    pub(super) named_by: Option<ObjectId>,
    /// Whether it is a commit's parent.
    pub(super) is_parent: bool,
}

/// How a walk goes on.
pub(super) enum Next {
    GoOn,
    /// What this object names is not walked.
    PassBy,
    Stop,
}

/// Walks from the tips to all that they lead to, and calls `visit` with each object once, before it is read. Returns what was
/// visited.
pub(super) fn walk(
    repo: &Repo,
    tips: impl IntoIterator<Item = ObjectId>,
    visit: &mut dyn FnMut(&Link) -> Next,
) -> HashSet<ObjectId> {
    let tip = |id| (Link { id, named_by: None, is_parent: false }, true);
    // Blobs lead nowhere, and are not read.
    let mut pending: Vec<(Link, bool)> = tips.into_iter().map(tip).collect();
    let (mut visited, mut bytes) = (HashSet::new(), Vec::new());
    while let Some((link, leads_further)) = pending.pop() {
        if !visited.insert(link.id) {
            continue;
        }
        match visit(&link) {
            Next::GoOn if leads_further => {}
            Next::GoOn | Next::PassBy => continue,
            Next::Stop => break,
        }
        let mut push = |id, is_parent, leads_further| {
            pending.push((Link { id, named_by: Some(link.id), is_parent }, leads_further));
        };
        match repo.read(&link.id, &mut bytes) {
            Ok(Kind::Commit) => {
                if let Some(header) = CommitHeader::parse(&bytes) {
                    push(header.tree, false, true);
                    header.parents.into_iter().for_each(|id| push(id, true, true));
                }
            }
            Ok(Kind::Tag) => tag_target(&bytes).into_iter().for_each(|id| push(id, false, true)),
            Ok(Kind::Tree) => {
                let entries = tree_entries(&bytes, repo.hash());
                for entry in entries.filter(|entry| entry.mode != Mode::Submodule) {
                    push(entry.id.to_owned(), false, entry.mode == Mode::Tree);
                }
            }
            Ok(Kind::Blob) | Err(_) => {}
        }
    }
    visited
}
