//! What a tree has that none of some others has.

use std::collections::HashMap;

use gix::ObjectId;

use super::object::{Mode, entries};
use super::pack::Kind;
use super::repo::{ReadError, Repo};

/// A file that is new or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Added {
    /// From the repository's root.
    pub(super) path: Vec<u8>,
    pub(super) id: ObjectId,
    pub(super) link: bool,
    /// What stood under the same path before.
    pub(super) before: Vec<ObjectId>,
}

/// The difference of one tree from several others.
#[derive(Default)]
pub(super) struct Diff {
    pub(super) added: Vec<Added>,
    /// Paths of files and folders whose names are new.
    pub(super) names: Vec<Vec<u8>>,
    /// Files that are there no more: what they held may have moved.
    pub(super) removed: Vec<ObjectId>,
    /// Trees that could not be read, by path.
    pub(super) lacking: Vec<(Vec<u8>, ObjectId, ReadError)>,
}

/// What a name in a tree stands for.
pub(super) type Listing = HashMap<Vec<u8>, (Mode, ObjectId)>;

/// The entries of the tree `id`.
pub(super) fn listing(repo: &Repo, id: &ObjectId) -> Result<Listing, ReadError> {
    let mut bytes = Vec::new();
    // Git knows the empty tree without storing it.
    if *id == ObjectId::empty_tree(repo.hash()) {
        return Ok(Listing::new());
    }
    repo.read_as(Kind::Tree, id, &mut bytes)?;
    Ok(entries(&bytes, repo.hash())
        .map(|entry| (entry.name.to_vec(), (entry.mode, entry.id.to_owned())))
        .collect())
}

impl Diff {
    /// What `new` has that none of `olds` has, in the order of paths.
    pub(super) fn of(repo: &Repo, new: &ObjectId, olds: &[ObjectId]) -> Self {
        let mut diff = Diff::default();
        diff.trees(repo, &[], new, olds);
        diff
    }

    fn trees(&mut self, repo: &Repo, path: &[u8], new: &ObjectId, olds: &[ObjectId]) {
        // The same as one of them: it adds nothing to that one.
        if olds.contains(new) {
            return;
        }
        let mut list = |id: &ObjectId| {
            listing(repo, id).unwrap_or_else(|lack| {
                self.lacking.push((path.to_vec(), *id, lack));
                Listing::new()
            })
        };
        let olds: Vec<Listing> = olds.iter().map(&mut list).collect();
        let new = list(new);
        let mut names: Vec<_> = new.iter().collect();
        names.sort_by_key(|(name, _)| *name);
        for (name, (mode, id)) in names {
            let before: Vec<_> = olds.iter().map(|old| old.get(name)).collect();
            self.entry(repo, &join(path, name), (*mode, *id), &before);
        }
        for old in &olds {
            for (name, (mode, id)) in old {
                if !new.contains_key(name) {
                    self.gone(repo, *mode, id);
                }
            }
        }
    }

    fn entry(
        &mut self,
        repo: &Repo,
        path: &[u8],
        (mode, id): (Mode, ObjectId),
        before: &[Option<&(Mode, ObjectId)>],
    ) {
        if before.iter().all(Option::is_none) {
            self.names.push(path.to_vec());
        }
        if before.iter().flatten().any(|(_, old)| *old == id) {
            return;
        }
        let kept = |tree: bool| {
            let same =
                move |(old, _): &&&(Mode, ObjectId)| (*old == Mode::Tree) == tree && *old != Mode::Submodule;
            before.iter().flatten().filter(same).map(|(_, id)| *id).collect::<Vec<_>>()
        };
        match mode {
            Mode::Submodule => {}
            Mode::Tree => self.trees(repo, path, &id, &kept(true)),
            Mode::File | Mode::Link => {
                let link = mode == Mode::Link;
                self.added.push(Added { path: path.to_vec(), id, link, before: kept(false) });
            }
        }
    }

    /// Notes every file of an entry that is there no more.
    pub(super) fn gone(&mut self, repo: &Repo, mode: Mode, id: &ObjectId) {
        match mode {
            Mode::Submodule => {}
            Mode::File | Mode::Link => self.removed.push(*id),
            Mode::Tree => {
                for (mode, id) in listing(repo, id).unwrap_or_default().into_values() {
                    self.gone(repo, mode, &id);
                }
            }
        }
    }
}

/// A path below another one.
pub(super) fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}
