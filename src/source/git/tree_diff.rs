//! What a tree has that none of some others has.

use std::collections::HashMap;

use gix::ObjectId;

use super::error::ReadError;
use super::object::{Kind, Mode, tree_entries};
use super::repo::Repo;

/// A file that is new or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Added {
    /// From the root of the work tree.
    pub(super) path: Vec<u8>,
    pub(super) id: ObjectId,
    /// Whether it is a symbolic link.
    pub(super) link: bool,
    /// The blobs that were under the same path before.
    pub(super) preimages: Vec<ObjectId>,
}

/// The difference of one tree from several others.
#[derive(Default)]
pub(super) struct TreeDiff {
    pub(super) added: Vec<Added>,
    /// Paths of files and directories whose names are new.
    pub(super) new_names: Vec<Vec<u8>>,
    /// Blobs of files that are gone: their content may have moved to a file that is new.
    pub(super) removed: Vec<ObjectId>,
    /// Trees that could not be read, by path.
    pub(super) unreadable: Vec<(Vec<u8>, ObjectId, ReadError)>,
}

/// The entries of a tree by name.
pub(super) type Entries = HashMap<Vec<u8>, (Mode, ObjectId)>;

/// Reads the entries of the tree `id`.
pub(super) fn read_entries(repo: &Repo, id: &ObjectId) -> Result<Entries, ReadError> {
    let mut bytes = Vec::new();
    // Git knows the empty tree without an object for it.
    if *id == ObjectId::empty_tree(repo.hash()) {
        return Ok(Entries::new());
    }
    repo.read_as(Kind::Tree, id, &mut bytes)?;
    Ok(tree_entries(&bytes, repo.hash())
        .map(|entry| (entry.name.to_vec(), (entry.mode, entry.id.to_owned())))
        .collect())
}

impl TreeDiff {
    /// What `new` has that none of `olds` has, in the order of paths.
    pub(super) fn between(repo: &Repo, olds: &[ObjectId], new: &ObjectId) -> Self {
        let mut diff = TreeDiff::default();
        diff.add_tree(repo, &[], new, olds);
        diff
    }

    fn add_tree(&mut self, repo: &Repo, path: &[u8], new: &ObjectId, olds: &[ObjectId]) {
        // The same as one of them: it adds nothing to that one.
        if olds.contains(new) {
            return;
        }
        let mut read = |id: &ObjectId| {
            read_entries(repo, id).unwrap_or_else(|error| {
                self.unreadable.push((path.to_vec(), *id, error));
                Entries::new()
            })
        };
        let olds: Vec<Entries> = olds.iter().map(&mut read).collect();
        let new = read(new);
        let mut names: Vec<_> = new.iter().collect();
        names.sort_by_key(|(name, _)| *name);
        for (name, (mode, id)) in names {
            let old: Vec<_> = olds.iter().map(|old| old.get(name)).collect();
            self.add_entry(repo, &join(path, name), (*mode, *id), &old);
        }
        for old in &olds {
            for (name, (mode, id)) in old {
                if !new.contains_key(name) {
                    self.remove(repo, *mode, id);
                }
            }
        }
    }

    fn add_entry(
        &mut self,
        repo: &Repo,
        path: &[u8],
        (mode, id): (Mode, ObjectId),
        olds: &[Option<&(Mode, ObjectId)>],
    ) {
        if olds.iter().all(Option::is_none) {
            self.new_names.push(path.to_vec());
        }
        if olds.iter().flatten().any(|(_, old)| *old == id) {
            return;
        }
        let olds_that_are = |trees: bool| {
            let matching =
                move |(old, _): &&&(Mode, ObjectId)| (*old == Mode::Tree) == trees && *old != Mode::Submodule;
            olds.iter().flatten().filter(matching).map(|(_, id)| *id).collect::<Vec<_>>()
        };
        match mode {
            Mode::Submodule => {}
            Mode::Tree => self.add_tree(repo, path, &id, &olds_that_are(true)),
            Mode::File | Mode::Link => {
                let link = mode == Mode::Link;
                let preimages = olds_that_are(false);
                self.added.push(Added { path: path.to_vec(), id, link, preimages });
            }
        }
    }

    /// Notes every file of an entry that is gone.
    pub(super) fn remove(&mut self, repo: &Repo, mode: Mode, id: &ObjectId) {
        match mode {
            Mode::Submodule => {}
            Mode::File | Mode::Link => self.removed.push(*id),
            Mode::Tree => {
                for (mode, id) in read_entries(repo, id).unwrap_or_default().into_values() {
                    self.remove(repo, mode, &id);
                }
            }
        }
    }
}

/// The path of a name in a directory; the root is empty.
pub(super) fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    if dir.is_empty() { name.to_vec() } else { [dir, b"/", name].concat() }
}
