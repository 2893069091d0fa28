//! Which trees an object is an entry of, which trees those are entries of, and so on up to the commits.
//!
//! Searched upwards, with one pass over all trees for each level. Along the delta trees a pass costs little: a tree that is
//! a delta against one without a wanted id is tested by its new bytes only. Walking down from every commit instead would
//! look up every tree that there ever was by its id.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use gix::{ObjectId, oid};

use super::commit_order::Commit;
use super::object::{Kind, Mode, tree_entries};
use super::odb::ObjectDb;
use super::visitor::ObjectVisitor;
use crate::blob::Prefilter;

/// An entry of a tree that leads to a wanted object.
struct Edge {
    name: Box<[u8]>,
    mode: Mode,
    child: ObjectId,
}

/// A path under which an object is in the history, and the first commit that has it there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Introduction {
    /// The commit's position in the order of commits.
    pub(super) position: u32,
    /// From the root; empty for the root tree itself.
    pub(super) path: Vec<u8>,
    /// Whether it is a symbolic link there.
    pub(super) link: bool,
}

/// Every tree between the wanted objects and the commits.
pub(super) struct ParentTrees {
    /// By tree.
    edges: HashMap<ObjectId, Vec<Edge>>,
    wanted: HashSet<ObjectId>,
}

impl ParentTrees {
    /// Searches all trees of `odb` for entries that lead to the `wanted` ids.
    pub(super) fn search(odb: &ObjectDb, hash: gix::hash::Kind, wanted: HashSet<ObjectId>) -> Self {
        let mut parent_trees = ParentTrees { edges: HashMap::new(), wanted: wanted.clone() };
        let mut level = wanted;
        while !level.is_empty() {
            let search = TreeSearch { ids: IdSet::new(level, hash), found: Mutex::default() };
            odb.visit(&search);
            let found = search.found.into_inner().unwrap_or_else(PoisonError::into_inner);
            level = HashSet::new();
            for (tree, edges) in found {
                // A tree found on an earlier level has been searched for already.
                if !parent_trees.edges.contains_key(&tree) && !parent_trees.wanted.contains(&tree) {
                    level.insert(tree);
                }
                parent_trees.edges.entry(tree).or_default().extend(edges);
            }
        }
        parent_trees
    }

    /// The introductions of each wanted object: under each path, the first of `commits` that has it there.
    pub(super) fn introductions(&self, commits: &[Commit]) -> HashMap<ObjectId, Vec<Introduction>> {
        let mut introductions: HashMap<ObjectId, Vec<Introduction>> = HashMap::new();
        let mut visited: HashSet<(ObjectId, Vec<u8>)> = HashSet::new();
        for (position, commit) in (0_u32..).zip(commits) {
            let mut pending = vec![(commit.tree, Vec::new(), false)];
            while let Some((id, path, link)) = pending.pop() {
                let (edges, wanted) = (self.edges.get(&id), self.wanted.contains(&id));
                if edges.is_none() && !wanted || !visited.insert((id, path.clone())) {
                    continue;
                }
                for edge in edges.into_iter().flatten() {
                    let mut child_path = path.clone();
                    if !child_path.is_empty() {
                        child_path.push(b'/');
                    }
                    child_path.extend_from_slice(&edge.name);
                    pending.push((edge.child, child_path, edge.mode == Mode::Link));
                }
                if wanted {
                    introductions.entry(id).or_default().push(Introduction { position, path, link });
                }
            }
        }
        introductions
    }
}

/// Ids to be found at any offset of some bytes.
struct IdSet {
    all: HashSet<ObjectId>,
    hash: gix::hash::Kind,
    /// A bitmap of the first 22 bits of the ids, which rules out most bytes without hashing them.
    prefixes: Vec<u64>,
}

impl IdSet {
    fn new(all: HashSet<ObjectId>, hash: gix::hash::Kind) -> Self {
        let mut prefixes = vec![0_u64; 1 << 16];
        for id in &all {
            let prefix = prefix(id.as_bytes());
            if let Some(bits) = prefixes.get_mut(prefix >> 6) {
                *bits |= 1 << (prefix & 63);
            }
        }
        IdSet { all, hash, prefixes }
    }

    fn has_prefix(&self, bytes: &[u8]) -> bool {
        let prefix = prefix(bytes);
        self.prefixes.get(prefix >> 6).is_some_and(|bits| bits >> (prefix & 63) & 1 == 1)
    }

    fn contains(&self, id: &[u8]) -> bool {
        self.has_prefix(id) && oid::try_from_bytes(id).is_ok_and(|id| self.all.contains(id))
    }
}

/// The first 22 bits.
fn prefix(bytes: &[u8]) -> usize {
    bytes.first_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes) as usize >> 10)
}

impl Prefilter for IdSet {
    fn may_match(&self, bytes: &[u8]) -> bool {
        bytes.windows(self.hash.len_in_bytes()).any(|id| self.contains(id))
    }

    fn context(&self) -> usize {
        self.hash.len_in_bytes()
    }

    fn must_open(&self, _: &[u8]) -> bool {
        false
    }
}

/// Collects the trees with an entry of a wanted id.
struct TreeSearch {
    ids: IdSet,
    found: Mutex<Vec<(ObjectId, Vec<Edge>)>>,
}

impl ObjectVisitor for TreeSearch {
    fn wants(&self, kind: Kind) -> bool {
        kind == Kind::Tree
    }

    fn prefilter(&self) -> Option<&dyn Prefilter> {
        Some(&self.ids)
    }

    fn object(&self, id: &oid, _: Kind, _: usize, bytes: Option<&[u8]>) {
        let Some(bytes) = bytes else { return };
        let wanted =
            tree_entries(bytes, self.ids.hash).filter(|entry| self.ids.contains(entry.id.as_bytes()));
        let edges: Vec<Edge> = wanted
            .map(|entry| Edge { name: entry.name.into(), mode: entry.mode, child: entry.id.to_owned() })
            .collect();
        if !edges.is_empty() {
            self.found.lock().unwrap_or_else(PoisonError::into_inner).push((id.to_owned(), edges));
        }
    }
}
