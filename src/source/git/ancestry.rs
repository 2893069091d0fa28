//! Which trees hold an object, which trees hold those, and so on up to the commits.
//!
//! Searched upwards, one pass over all trees a level: along the delta trees a pass costs little, because a tree told from
//! one that holds none of the wanted ids is judged by its new bytes. Walking down from every commit instead would look up
//! every tree there ever was by its id.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use gix::{ObjectId, oid};

use super::graph::Commit;
use super::object::{Mode, entries};
use super::odb::{ObjectDb, ObjectVisitor};
use super::pack::{Damage, Kind};
use crate::blob::Prefilter;

/// One wanted entry of a tree.
struct Edge {
    name: Box<[u8]>,
    mode: Mode,
    child: ObjectId,
}

/// A place where an object stood in a commit that had it first under that path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The commit's number in the order of commits.
    pub(super) rank: u32,
    /// Empty for a commit's own tree.
    pub(super) path: Vec<u8>,
    /// What it is there.
    pub(super) link: bool,
}

/// Every tree between the wanted objects and the commits.
pub(super) struct Ancestry {
    edges: HashMap<ObjectId, Vec<Edge>>,
    wanted: HashSet<ObjectId>,
}

impl Ancestry {
    /// Searches all trees of `objects` for what leads to the `wanted` ids.
    pub(super) fn search(objects: &ObjectDb, hash: gix::hash::Kind, wanted: HashSet<ObjectId>) -> Self {
        let mut ancestry = Ancestry { edges: HashMap::new(), wanted: wanted.clone() };
        let mut level = wanted;
        while !level.is_empty() {
            let reader = Reader { ids: Ids::new(level, hash), found: Mutex::default() };
            objects.show(&reader);
            let found = reader.found.into_inner().unwrap_or_else(PoisonError::into_inner);
            level = HashSet::new();
            for (tree, edges) in found {
                // A tree met on an earlier level has been searched for already.
                if !ancestry.edges.contains_key(&tree) && !ancestry.wanted.contains(&tree) {
                    level.insert(tree);
                }
                ancestry.edges.entry(tree).or_default().extend(edges);
            }
        }
        ancestry
    }

    /// The places of each wanted object: under each path, the first of `commits` that has it there.
    pub(super) fn places(&self, commits: &[Commit]) -> HashMap<ObjectId, Vec<Place>> {
        let mut places: HashMap<ObjectId, Vec<Place>> = HashMap::new();
        let mut seen: HashSet<(ObjectId, Vec<u8>)> = HashSet::new();
        for (rank, commit) in (0_u32..).zip(commits) {
            let mut open = vec![(commit.tree, Vec::new(), false)];
            while let Some((id, path, link)) = open.pop() {
                let (edges, wanted) = (self.edges.get(&id), self.wanted.contains(&id));
                if edges.is_none() && !wanted || !seen.insert((id, path.clone())) {
                    continue;
                }
                for edge in edges.into_iter().flatten() {
                    let mut below = path.clone();
                    if !below.is_empty() {
                        below.push(b'/');
                    }
                    below.extend_from_slice(&edge.name);
                    open.push((edge.child, below, edge.mode == Mode::Link));
                }
                if wanted {
                    places.entry(id).or_default().push(Place { rank, path, link });
                }
            }
        }
        places
    }
}

/// Ids to be found among bytes.
struct Ids {
    all: HashSet<ObjectId>,
    hash: gix::hash::Kind,
    /// One bit for every value of the first 22 bits of an id: set where a wanted one starts so.
    starts: Vec<u64>,
}

impl Ids {
    fn new(all: HashSet<ObjectId>, hash: gix::hash::Kind) -> Self {
        let mut starts = vec![0_u64; 1 << 16];
        for id in &all {
            let start = start(id.as_bytes());
            if let Some(bits) = starts.get_mut(start >> 6) {
                *bits |= 1 << (start & 63);
            }
        }
        Ids { all, hash, starts }
    }

    fn may_start(&self, bytes: &[u8]) -> bool {
        let start = start(bytes);
        self.starts.get(start >> 6).is_some_and(|bits| bits >> (start & 63) & 1 == 1)
    }

    fn holds(&self, id: &[u8]) -> bool {
        self.may_start(id) && oid::try_from_bytes(id).is_ok_and(|id| self.all.contains(id))
    }
}

/// The first 22 bits.
fn start(bytes: &[u8]) -> usize {
    bytes.first_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes) as usize >> 10)
}

impl Prefilter for Ids {
    fn may_match(&self, bytes: &[u8]) -> bool {
        bytes.windows(self.hash.len_in_bytes()).any(|id| self.holds(id))
    }

    fn context(&self) -> usize {
        self.hash.len_in_bytes()
    }

    fn must_open(&self, _: &[u8]) -> bool {
        false
    }
}

/// Gathers the trees that hold wanted ids.
struct Reader {
    ids: Ids,
    found: Mutex<Vec<(ObjectId, Vec<Edge>)>>,
}

impl ObjectVisitor for Reader {
    fn prefilter(&self) -> Option<&dyn Prefilter> {
        Some(&self.ids)
    }

    fn wants(&self, kind: Kind) -> bool {
        kind == Kind::Tree
    }

    fn stopped(&self) -> bool {
        false
    }

    fn object(&self, id: &oid, _: Kind, _: usize, bytes: Option<&[u8]>) {
        let Some(bytes) = bytes else { return };
        let wanted = entries(bytes, self.ids.hash).filter(|entry| self.ids.holds(entry.id.as_bytes()));
        let edges: Vec<Edge> = wanted
            .map(|entry| Edge { name: entry.name.into(), mode: entry.mode, child: entry.id.to_owned() })
            .collect();
        if !edges.is_empty() {
            self.found.lock().unwrap_or_else(PoisonError::into_inner).push((id.to_owned(), edges));
        }
    }

    fn stream(&self, _: &oid, _: usize, _: &mut dyn Read) {}

    // Told when the history was read.
    fn damaged(&self, _: &oid, _: &Path, _: Damage) {}
}
