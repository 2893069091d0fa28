//! The commits of a repository in the order in which they can have introduced something: parents before children, and
//! otherwise by date, as git-rev-list(1) lists them with `--date-order --reverse`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::{Mutex, PoisonError};

use gix::{ObjectId, oid};

use super::commit::{CommitHeader, tag_target};
use super::object::Kind;
use super::odb::ObjectDb;
use super::refs::Tips;
use super::repo::Repo;
use super::visitor::ObjectVisitor;
use crate::meter::CancelFlag;

/// One commit.
pub(super) struct Commit {
    pub(super) id: ObjectId,
    pub(super) tree: ObjectId,
    /// Whether it is reachable from a notes ref only.
    pub(super) note: bool,
}

/// Every commit of `odb`: the reachable ones first, and in the end those that neither a ref nor a reflog leads to.
pub(super) fn ordered_commits(repo: &Repo, odb: &ObjectDb, tips: &Tips, cancel: &CancelFlag) -> Vec<Commit> {
    let headers = CommitHeaders { found: Mutex::default(), cancel };
    odb.visit(&headers);
    let mut commits = headers.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    commits.sort_unstable_by_key(|(id, _)| *id);
    let mut graph = CommitGraph::new(&commits);
    graph.mark_reachable(repo, &tips.notes, ReachableFrom::Notes);
    graph.mark_reachable(repo, &tips.content, ReachableFrom::Content);
    graph.order()
}

/// What a commit is reachable from, in the order in which commits are listed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ReachableFrom {
    Content,
    Notes,
    Nothing,
}

/// Commits are numbered by their index in `commits`.
struct CommitGraph<'a> {
    commits: &'a [(ObjectId, CommitHeader)],
    indexes: HashMap<ObjectId, u32>,
    reachable: Vec<ReachableFrom>,
}

impl<'a> CommitGraph<'a> {
    fn new(commits: &'a [(ObjectId, CommitHeader)]) -> Self {
        let indexes = (0_u32..).zip(commits).map(|(index, (id, _))| (*id, index)).collect();
        CommitGraph { commits, indexes, reachable: vec![ReachableFrom::Nothing; commits.len()] }
    }

    fn parents(&self, index: u32) -> impl Iterator<Item = u32> {
        let commit = self.commits.get(index as usize);
        let parents = commit.into_iter().flat_map(|(_, header)| &header.parents);
        parents.filter_map(|parent| self.indexes.get(parent).copied())
    }

    /// Marks every commit that is reachable from `tips`.
    fn mark_reachable(&mut self, repo: &Repo, tips: &[ObjectId], from: ReachableFrom) {
        let mut pending: Vec<u32> = tips.iter().filter_map(|tip| self.peel(repo, *tip)).collect();
        while let Some(index) = pending.pop() {
            let Some(mark) = self.reachable.get_mut(index as usize) else { continue };
            if *mark != from {
                *mark = from;
                pending.extend(self.parents(index).collect::<Vec<_>>());
            }
        }
    }

    /// The commit that an id leads to, by way of annotated tags (gitglossary(7), "dereference").
    fn peel(&self, repo: &Repo, mut id: ObjectId) -> Option<u32> {
        let mut bytes = Vec::new();
        for _ in 0..16 {
            if let Some(index) = self.indexes.get(&id) {
                return Some(*index);
            }
            repo.read_as(Kind::Tag, &id, &mut bytes).ok()?;
            id = tag_target(&bytes)?;
        }
        None
    }

    /// Lists parents before children. Among the commits that may come next, the reachable are first, then the oldest.
    fn order(&self) -> Vec<Commit> {
        let mut unlisted_parents = vec![0_u32; self.commits.len()];
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for (index, unlisted) in (0_u32..).zip(&mut unlisted_parents) {
            for parent in self.parents(index) {
                *unlisted += 1;
                children.entry(parent).or_default().push(index);
            }
        }
        let key = |index: u32| {
            let (id, header) = self.commits.get(index as usize)?;
            Some(Reverse((self.reachable.get(index as usize).copied()?, header.time, *id, index)))
        };
        let ready = (0_u32..).zip(&unlisted_parents).filter(|(_, unlisted)| **unlisted == 0);
        let mut heap: BinaryHeap<_> = ready.filter_map(|(index, _)| key(index)).collect();
        let mut ordered = Vec::with_capacity(self.commits.len());
        while let Some(Reverse((reachable, _, id, index))) = heap.pop() {
            if let Some((_, header)) = self.commits.get(index as usize) {
                ordered.push(Commit { id, tree: header.tree, note: reachable == ReachableFrom::Notes });
            }
            for child in children.remove(&index).unwrap_or_default() {
                let Some(unlisted) = unlisted_parents.get_mut(child as usize) else { continue };
                *unlisted -= 1;
                if *unlisted == 0 {
                    heap.extend(key(child));
                }
            }
        }
        ordered
    }
}

/// Collects the headers of all commits.
struct CommitHeaders<'a> {
    found: Mutex<Vec<(ObjectId, CommitHeader)>>,
    cancel: &'a CancelFlag,
}

impl ObjectVisitor for CommitHeaders<'_> {
    fn wants(&self, kind: Kind) -> bool {
        kind == Kind::Commit
    }

    fn stopped(&self) -> bool {
        self.cancel.is_cancelled()
    }

    fn object(&self, id: &oid, _: Kind, bytes: &[u8]) {
        if let Some(header) = CommitHeader::parse(bytes) {
            self.found.lock().unwrap_or_else(PoisonError::into_inner).push((id.to_owned(), header));
        }
    }
}
