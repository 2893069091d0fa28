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
    pub(super) fn object_db(&self) -> ObjectDb {
        let borrowed = &self.object_dirs.borrowed;
        let reachable = if borrowed.is_empty() { HashSet::new() } else { reachable(self) };
        ObjectDb::open(&self.object_dirs.own, borrowed, &reachable, self.hash())
    }
}

/// Every object that a ref, a `HEAD` or a reflog leads to. What is missing leads to nothing.
fn reachable(repo: &Repo) -> HashSet<ObjectId> {
    let tips = refs::tips(repo);
    let mut pending: Vec<ObjectId> = tips.content.into_iter().chain(tips.notes).collect();
    let (mut reachable, mut bytes) = (HashSet::new(), Vec::new());
    while let Some(id) = pending.pop() {
        if !reachable.insert(id) {
            continue;
        }
        match repo.read(&id, &mut bytes) {
            Ok(Kind::Commit) => {
                let header = CommitHeader::parse(&bytes);
                pending.extend(
                    header.into_iter().flat_map(|header| [vec![header.tree], header.parents].concat()),
                );
            }
            Ok(Kind::Tag) => pending.extend(tag_target(&bytes)),
            Ok(Kind::Tree) => {
                for entry in tree_entries(&bytes, repo.hash()) {
                    match entry.mode {
                        Mode::Tree => pending.push(entry.id.to_owned()),
                        // They lead to nothing further, and are not read.
                        Mode::File | Mode::Link => drop(reachable.insert(entry.id.to_owned())),
                        Mode::Submodule => {}
                    }
                }
            }
            Ok(Kind::Blob) | Err(_) => {}
        }
    }
    reachable
}
