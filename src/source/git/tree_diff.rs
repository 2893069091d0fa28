//! What a tree has that none of some others has.

use std::collections::HashMap;

use gix::ObjectId;

use super::error::ReadError;
use super::object::{Kind, Mode, tree_entries};
use super::path_graph::PathGraph;
use super::repo::Repo;

/// A blob that is new in some places.
pub(super) struct Added {
    pub(super) id: ObjectId,
    pub(super) places: Vec<Place>,
}

/// A file that is new or changed.
pub(super) struct Place {
    pub(super) dir: u32,
    /// In the directory; where that is the root, it may be a path.
    pub(super) name: Box<[u8]>,
    /// Whether it is a symbolic link.
    pub(super) link: bool,
    /// The blobs that were under the same path before.
    pub(super) preimages: Vec<ObjectId>,
}

/// An entry of a tree that is gone.
#[derive(Clone)]
pub(super) struct Removed {
    pub(super) dir: u32,
    /// In the directory.
    pub(super) name: Box<[u8]>,
    pub(super) mode: Mode,
    pub(super) id: ObjectId,
}

/// The difference of one tree from several others.
///
/// Each pair of directories is compared once, however many paths lead to it.
#[derive(Default)]
pub(super) struct TreeDiff {
    pub(super) graph: PathGraph,
    pub(super) added: Vec<Added>,
    /// Where in `added` each blob is.
    by_id: HashMap<ObjectId, usize>,
    /// Files and directories whose names are new, each with its directory.
    pub(super) new_names: Vec<(u32, Box<[u8]>)>,
    /// What is gone: its content may have moved to a file that is new.
    pub(super) removed: Vec<Removed>,
    /// Trees that could not be read, each with its directory.
    pub(super) unreadable: Vec<(u32, ObjectId, ReadError)>,
}

/// The entries of a tree by name.
pub(super) type Entries = HashMap<Vec<u8>, (Mode, ObjectId)>;

/// Reads the entries of the tree `id`; of several with one name, which only a crafted tree has, the last.
pub(super) fn read_entries(repo: &Repo, id: &ObjectId) -> Result<Entries, ReadError> {
    read_all_entries(repo, id).map(Entries::from_iter)
}

/// One entry of a tree: its name, and what it is.
type Entry = (Vec<u8>, (Mode, ObjectId));

/// Reads the entries of the tree `id`, every one of them.
fn read_all_entries(repo: &Repo, id: &ObjectId) -> Result<Vec<Entry>, ReadError> {
    let mut bytes = Vec::new();
    // Git knows the empty tree without an object for it.
    if *id == ObjectId::empty_tree(repo.hash()) {
        return Ok(Vec::new());
    }
    repo.read_as(Kind::Tree, id, &mut bytes)?;
    Ok(tree_entries(&bytes, repo.hash())
        .map(|entry| (entry.name.to_vec(), (entry.mode, entry.id.to_owned())))
        .collect())
}

/// A directory to be compared.
struct Pair {
    dir: u32,
    new: ObjectId,
    olds: Vec<ObjectId>,
}

/// A directory below another one, to be compared.
struct Child {
    name: Vec<u8>,
    new: ObjectId,
    olds: Vec<ObjectId>,
}

impl TreeDiff {
    /// Compares the tree `new`, which is at `dir`, with those that were there before. Ends early where `stopped` says so.
    pub(super) fn compare(
        &mut self,
        repo: &Repo,
        dir: u32,
        (new, olds): (&ObjectId, &[ObjectId]),
        stopped: &dyn Fn() -> bool,
    ) {
        let mut dirs: HashMap<(ObjectId, Vec<ObjectId>), u32> = HashMap::new();
        let mut pending = vec![Pair { dir, new: *new, olds: olds.to_vec() }];
        while let Some(pair) = pending.pop() {
            // The same as one of them: it adds nothing to that one.
            if pair.olds.contains(&pair.new) {
                continue;
            }
            if stopped() {
                return;
            }
            let first = pending.len();
            for Child { name, new, olds } in self.compare_dir(repo, &pair) {
                let key = (new, olds);
                if let Some(known) = dirs.get(&key) {
                    self.graph.link(*known, pair.dir, &name);
                    continue;
                }
                let dir = self.graph.add(pair.dir, &name);
                pending.push(Pair { dir, new, olds: key.1.clone() });
                dirs.insert(key, dir);
            }
            // In the order of names.
            if let Some(children) = pending.get_mut(first..) {
                children.reverse();
            }
        }
    }

    /// Compares one directory, and returns those below it.
    fn compare_dir(&mut self, repo: &Repo, pair: &Pair) -> Vec<Child> {
        let mut read = |id: &ObjectId| {
            read_all_entries(repo, id).unwrap_or_else(|error| {
                self.unreadable.push((pair.dir, *id, error));
                Vec::new()
            })
        };
        let olds: Vec<Entries> = pair.olds.iter().map(|id| Entries::from_iter(read(id))).collect();
        let mut new = read(&pair.new);
        new.sort();
        let mut children = Vec::new();
        for (name, entry) in &new {
            let old: Vec<_> = olds.iter().map(|old| old.get(name)).collect();
            if let Some(olds) = self.compare_entry(pair.dir, name, *entry, &old) {
                children.push(Child { name: name.clone(), new: entry.1, olds });
            }
        }
        for (name, (mode, id)) in olds.iter().flatten() {
            if new.binary_search_by(|(new, _)| new.cmp(name)).is_err() {
                self.remove((pair.dir, name), *mode, *id);
            }
        }
        children
    }

    /// Compares one entry; returns what a directory is to be compared with.
    fn compare_entry(
        &mut self,
        dir: u32,
        name: &[u8],
        (mode, id): (Mode, ObjectId),
        olds: &[Option<&(Mode, ObjectId)>],
    ) -> Option<Vec<ObjectId>> {
        if olds.iter().all(Option::is_none) {
            self.new_names.push((dir, name.into()));
        }
        if olds.iter().flatten().any(|(old, old_id)| *old_id == id && *old != Mode::Submodule) {
            return None;
        }
        let olds_that_are = |trees: bool| {
            let matching =
                move |(old, _): &&&(Mode, ObjectId)| (*old == Mode::Tree) == trees && *old != Mode::Submodule;
            let mut ids: Vec<ObjectId> = olds.iter().flatten().filter(matching).map(|(_, id)| *id).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        match mode {
            Mode::Submodule => None,
            Mode::Tree => Some(olds_that_are(true)),
            Mode::File | Mode::Link => {
                let (link, preimages) = (mode == Mode::Link, olds_that_are(false));
                self.add(id, Place { dir, name: name.into(), link, preimages });
                None
            }
        }
    }

    /// Notes a file that is new or changed.
    pub(super) fn add(&mut self, id: ObjectId, place: Place) {
        let index = *self.by_id.entry(id).or_insert(self.added.len());
        match self.added.get_mut(index) {
            Some(added) => added.places.push(place),
            None => self.added.push(Added { id, places: vec![place] }),
        }
    }

    /// Notes an entry that is gone.
    pub(super) fn remove(&mut self, (dir, name): (u32, &[u8]), mode: Mode, id: ObjectId) {
        if mode != Mode::Submodule {
            self.removed.push(Removed { dir, name: name.into(), mode, id });
        }
    }
}
