//! The commits of a repository in the order in which they can have introduced something: parents before children, and
//! otherwise by date, as git-rev-list(1) lists them with `--date-order --reverse`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::{Mutex, PoisonError};

use gix::{ObjectId, oid};

use super::commit::{CommitHeader, tag_target};
use super::object::Kind;
use super::refs::Tips;
use super::repo::Repo;

/// One commit.
pub(super) struct Commit {
    pub(super) id: ObjectId,
    pub(super) tree: ObjectId,
    /// Whether it is reachable from a notes ref only.
    pub(super) note: bool,
}

/// The commits that a pass over a history comes by.
#[derive(Default)]
pub(super) struct SeenCommits(Mutex<Vec<(ObjectId, CommitHeader)>>);

impl SeenCommits {
    /// Keeps what will be needed of a commit.
    pub(super) fn add(&self, id: &oid, bytes: &[u8]) {
        if let Some(header) = CommitHeader::parse(bytes) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push((id.to_owned(), header));
        }
    }

    /// All of them: the reachable ones first, and in the end those that neither a ref nor a reflog leads to.
    pub(super) fn in_order(self, repo: &Repo, tips: &Tips) -> Vec<Commit> {
        let mut commits = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        commits.sort_unstable_by_key(|(id, _)| *id);
        commits.dedup_by_key(|(id, _)| *id);
        let mut graph = CommitGraph::new(&commits);
        graph.mark_reachable(repo, &tips.notes, ReachableFrom::Notes);
        graph.mark_reachable(repo, &tips.content, ReachableFrom::Content);
        graph.order()
    }
}

/// What a commit is reachable from, in the order in which commits are listed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ReachableFrom {
    Content,
    Notes,
    Nothing,
}

/// For each commit, some others.
struct Links {
    /// Where those of each commit start in `all`; one more than there are commits.
    starts: Vec<u32>,
    all: Vec<u32>,
}

impl Links {
    fn of(&self, index: u32) -> &[u32] {
        let at = index as usize;
        let bounds = self.starts.get(at).zip(self.starts.get(at + 1));
        bounds.and_then(|(start, end)| self.all.get(*start as usize..*end as usize)).unwrap_or_default()
    }

    /// The other way round: a counting sort.
    fn reversed(&self) -> Self {
        let mut starts = vec![0; self.starts.len()];
        for &to in &self.all {
            starts[to as usize + 1] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let (mut next, mut all) = (starts.clone(), vec![0; self.all.len()]);
        for from in (0..).take(self.starts.len() - 1) {
            for &to in self.of(from) {
                let slot = &mut next[to as usize];
                all[*slot as usize] = from;
                *slot += 1;
            }
        }
        Links { starts, all }
    }
}

/// Commits are numbered by their index in `commits`, which are sorted by id.
struct CommitGraph<'a> {
    commits: &'a [(ObjectId, CommitHeader)],
    /// As far as they are here.
    parents: Links,
    reachable: Vec<ReachableFrom>,
}

impl<'a> CommitGraph<'a> {
    fn new(commits: &'a [(ObjectId, CommitHeader)]) -> Self {
        let indexes: HashMap<&oid, u32> =
            commits.iter().zip(0_u32..).map(|((id, _), index)| (id.as_ref(), index)).collect();
        let mut parents = Links { starts: vec![0], all: Vec::with_capacity(commits.len()) };
        for (_, header) in commits {
            parents.all.extend(header.parents.iter().filter_map(|parent| indexes.get(&**parent)));
            parents.starts.push(u32::try_from(parents.all.len()).unwrap_or(u32::MAX));
        }
        CommitGraph { commits, parents, reachable: vec![ReachableFrom::Nothing; commits.len()] }
    }

    fn find(&self, id: &oid) -> Option<u32> {
        let index = self.commits.binary_search_by(|(known, _)| known.as_ref().cmp(id)).ok()?;
        u32::try_from(index).ok()
    }

    /// Marks every commit that is reachable from `tips`.
    fn mark_reachable(&mut self, repo: &Repo, tips: &[ObjectId], from: ReachableFrom) {
        let mut pending: Vec<u32> = tips.iter().filter_map(|tip| self.peel(repo, *tip)).collect();
        while let Some(index) = pending.pop() {
            let Some(mark) = self.reachable.get_mut(index as usize) else { continue };
            if *mark != from {
                *mark = from;
                pending.extend(self.parents.of(index));
            }
        }
    }

    /// The commit that an id leads to, by way of annotated tags (gitglossary(7), "dereference").
    fn peel(&self, repo: &Repo, mut id: ObjectId) -> Option<u32> {
        let mut bytes = Vec::new();
        for _ in 0..16 {
            if let Some(index) = self.find(&id) {
                return Some(index);
            }
            repo.read_as(Kind::Tag, &id, &mut bytes).ok()?;
            id = tag_target(&bytes)?;
        }
        None
    }

    /// Lists parents before children. Among the commits that may come next, the reachable are first, then the oldest.
    fn order(&self) -> Vec<Commit> {
        let children = self.parents.reversed();
        let mut unlisted_parents: Vec<u32> =
            self.parents.starts.windows(2).map(|bounds| bounds[1] - bounds[0]).collect();
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
            for &child in children.of(index) {
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
