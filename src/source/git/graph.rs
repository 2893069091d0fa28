//! The commits of a repository in the order in which they can have introduced something: parents first, then by date.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use gix::{ObjectId, oid};

use super::object::CommitHeader;
use super::odb::{ObjectDb, ObjectVisitor};
use super::pack::{Damage, Kind};
use super::refs::Tips;
use super::repo::Repo;
use crate::blob::Prefilter;

/// One commit.
pub(super) struct Commit {
    pub(super) id: ObjectId,
    pub(super) tree: ObjectId,
    /// Only a notes ref leads to it.
    pub(super) note: bool,
}

/// Every commit of `objects`: those that refs and logs lead to in topological order, then the dangling ones in theirs.
pub(super) fn ordered(repo: &Repo, objects: &ObjectDb, tips: &Tips) -> Vec<Commit> {
    let reader = Reader(Mutex::default());
    objects.show(&reader);
    let mut commits = reader.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    commits.sort_unstable_by_key(|(id, _)| *id);
    let mut graph = Graph::new(&commits);
    graph.reach(repo, &tips.notes, Reach::Note);
    graph.reach(repo, &tips.content, Reach::Content);
    graph.order()
}

/// What leads to a commit; what orders first comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Content,
    Note,
    Nothing,
}

struct Graph<'a> {
    commits: &'a [(ObjectId, CommitHeader)],
    places: HashMap<ObjectId, u32>,
    reach: Vec<Reach>,
}

impl<'a> Graph<'a> {
    fn new(commits: &'a [(ObjectId, CommitHeader)]) -> Self {
        let places = (0_u32..).zip(commits).map(|(at, (id, _))| (*id, at)).collect();
        Graph { commits, places, reach: vec![Reach::Nothing; commits.len()] }
    }

    fn parents(&self, at: u32) -> impl Iterator<Item = u32> {
        let links = self.commits.get(at as usize);
        let parents = links.into_iter().flat_map(|(_, links)| &links.parents);
        parents.filter_map(|parent| self.places.get(parent).copied())
    }

    /// Marks everything that `tips` lead to.
    fn reach(&mut self, repo: &Repo, tips: &[ObjectId], by: Reach) {
        let mut open: Vec<u32> = tips.iter().filter_map(|tip| self.peel(repo, *tip)).collect();
        while let Some(at) = open.pop() {
            let Some(mark) = self.reach.get_mut(at as usize) else { continue };
            if *mark != by {
                *mark = by;
                open.extend(self.parents(at).collect::<Vec<_>>());
            }
        }
    }

    /// The commit an id stands for; a tag stands for what it tags.
    fn peel(&self, repo: &Repo, mut id: ObjectId) -> Option<u32> {
        let mut bytes = Vec::new();
        for _ in 0..16 {
            if let Some(at) = self.places.get(&id) {
                return Some(*at);
            }
            repo.read_as(Kind::Tag, &id, &mut bytes).ok()?;
            let target = bytes.strip_prefix(b"object ")?.split(|byte| *byte == b'\n').next()?;
            id = ObjectId::from_hex(target).ok()?;
        }
        None
    }

    /// Parents before children; among those that may come next, the reachable first, then the oldest.
    fn order(&self) -> Vec<Commit> {
        let mut waiting = vec![0_u32; self.commits.len()];
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for (at, waits) in (0_u32..).zip(&mut waiting) {
            for parent in self.parents(at) {
                *waits += 1;
                children.entry(parent).or_default().push(at);
            }
        }
        let key = |at: u32| {
            let (id, links) = self.commits.get(at as usize)?;
            Some(Reverse((self.reach.get(at as usize).copied()?, links.time, *id, at)))
        };
        let free = (0_u32..).zip(&waiting).filter(|(_, waits)| **waits == 0).map(|(at, _)| at);
        let mut next: BinaryHeap<_> = free.filter_map(key).collect();
        let mut out = Vec::with_capacity(self.commits.len());
        while let Some(Reverse((reach, _, id, at))) = next.pop() {
            if let Some((_, links)) = self.commits.get(at as usize) {
                out.push(Commit { id, tree: links.tree, note: reach == Reach::Note });
            }
            for child in children.remove(&at).unwrap_or_default() {
                let Some(waits) = waiting.get_mut(child as usize) else { continue };
                *waits -= 1;
                if *waits == 0 {
                    next.extend(key(child));
                }
            }
        }
        out
    }
}

/// Gathers every commit's links.
struct Reader(Mutex<Vec<(ObjectId, CommitHeader)>>);

impl ObjectVisitor for Reader {
    fn prefilter(&self) -> Option<&dyn Prefilter> {
        None
    }

    fn wants(&self, kind: Kind) -> bool {
        kind == Kind::Commit
    }

    fn stopped(&self) -> bool {
        false
    }

    fn object(&self, id: &oid, _: Kind, _: usize, bytes: Option<&[u8]>) {
        if let Some(links) = bytes.and_then(CommitHeader::of) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push((id.to_owned(), links));
        }
    }

    fn stream(&self, _: &oid, _: usize, _: &mut dyn Read) {}

    // Told when the history was read.
    fn damaged(&self, _: &oid, _: &Path, _: Damage) {}
}
