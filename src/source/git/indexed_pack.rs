//! A pack with all that reading it takes: its index and its delta trees.

use std::path::{Path, PathBuf};

use gix::ObjectId;

use super::delta_tree::DeltaForest;
use super::error::{Damage, Error};
use super::pack::{Entry, Pack};
use super::pack_index::PackIndex;

/// A pack, its pack index and its delta trees.
pub(super) struct IndexedPack {
    pub(super) path: PathBuf,
    pack: Pack,
    pub(super) index: PackIndex,
    pub(super) forest: DeltaForest,
    /// Indexes of objects that the pack index has no offset for.
    pub(super) without_offset: Vec<u32>,
    /// By index: whether another pack has the object, too, and is the one to read it from.
    pub(super) duplicates: Vec<bool>,
}

impl IndexedPack {
    /// Opens the pack at `path`, whose index is beside it. None of its objects is a duplicate yet.
    pub(super) fn open(path: &Path, hash: gix::hash::Kind) -> Result<Self, Error> {
        let index = PackIndex::read(&path.with_extension("idx"), hash.len_in_bytes())?;
        Ok(IndexedPack::of(path.to_owned(), Pack::open(path, hash)?, index))
    }

    /// A pack with its index.
    pub(super) fn of(path: PathBuf, pack: Pack, index: PackIndex) -> Self {
        let (forest, without_offset) = DeltaForest::build(&pack, &index);
        IndexedPack { path, pack, index, forest, without_offset, duplicates: Vec::new() }
    }

    /// The same pack with another index.
    pub(super) fn with_index(self, index: PackIndex) -> Self {
        IndexedPack::of(self.path, self.pack, index)
    }

    /// The id of an object.
    pub(super) fn id(&self, index: usize) -> ObjectId {
        ObjectId::try_from(self.index.id(index)).unwrap_or_else(|_| ObjectId::null(gix::hash::Kind::Sha1))
    }

    /// Whether another pack has an object, too, and is the one to read it from.
    pub(super) fn is_duplicate(&self, index: usize) -> bool {
        self.duplicates.get(index).copied().unwrap_or(false)
    }

    /// The entry of a node of the delta trees.
    pub(super) fn entry(&self, node: u32) -> Result<Entry<'_>, Damage> {
        self.forest.entry(&self.pack, node)
    }
}
