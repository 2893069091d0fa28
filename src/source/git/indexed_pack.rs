//! A pack with all that reading it takes: its index and its delta trees.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use gix::ObjectId;

use super::delta_tree::DeltaForest;
use super::error::{Damage, Error, TOO_LARGE};
use super::pack::{Entry, EntryReader, Pack};
use super::pack_index::PackIndex;

/// A pack, its pack index and its delta trees.
pub(super) struct IndexedPack {
    pub(super) path: PathBuf,
    pack: Pack,
    pub(super) index: PackIndex,
    pub(super) forest: DeltaForest,
    /// Indexes of objects that the pack index has no offset for.
    pub(super) without_offset: Vec<u32>,
    /// By index: whether the object is not read from here, because another pack has it, too, or because it is somebody
    /// else's. Empty where none is passed over.
    passed_over: Vec<bool>,
    /// The most bytes of one object that are held.
    max_object: usize,
}

impl IndexedPack {
    /// Opens the pack at `path`, whose index is beside it. None of its objects is passed over yet.
    pub(super) fn open(path: &Path, hash: gix::hash::Kind) -> Result<Self, Error> {
        let index = PackIndex::read(&path.with_extension("idx"), hash.len_in_bytes())?;
        Ok(IndexedPack::of(path.to_owned(), Pack::open(path, hash)?, index))
    }

    /// A pack with its index.
    pub(super) fn of(path: PathBuf, pack: Pack, index: PackIndex) -> Self {
        let (forest, without_offset) = DeltaForest::build(&pack, &index);
        IndexedPack {
            path,
            pack,
            index,
            forest,
            without_offset,
            passed_over: Vec::new(),
            max_object: usize::MAX,
        }
    }

    /// The same pack with another index.
    pub(super) fn with_index(self, index: PackIndex) -> Self {
        IndexedPack { max_object: self.max_object, ..IndexedPack::of(self.path, self.pack, index) }
    }

    /// The same, in which an object of more than `bytes` bytes counts as damaged, unless it can be read as a stream.
    pub(super) fn holding_at_most(self, bytes: usize) -> Self {
        IndexedPack { max_object: bytes, ..self }
    }

    /// Fails where so many bytes of one object may not be held.
    pub(super) fn may_hold(&self, bytes: usize) -> Result<(), Damage> {
        if bytes > self.max_object { Err(TOO_LARGE) } else { Ok(()) }
    }

    /// The pack itself.
    pub(super) fn pack(&self) -> &Pack {
        &self.pack
    }

    /// The id of an object.
    pub(super) fn id(&self, index: usize) -> ObjectId {
        ObjectId::try_from(self.index.id(index)).unwrap_or_else(|_| ObjectId::null(gix::hash::Kind::Sha1))
    }

    /// Passes over all objects but those in `ids`.
    pub(super) fn keep_only(&mut self, ids: &HashSet<ObjectId>) {
        let kept = (0..self.index.len()).map(|index| ids.contains(&self.id(index)));
        self.passed_over = kept.map(|kept| !kept).collect();
    }

    /// Passes over one object.
    pub(super) fn pass_over(&mut self, index: usize) {
        self.passed_over.resize(self.index.len(), false);
        if let Some(mark) = self.passed_over.get_mut(index) {
            *mark = true;
        }
    }

    /// How many objects are read from here.
    pub(super) fn visited(&self) -> usize {
        self.index.len() - self.passed_over.iter().filter(|passed_over| **passed_over).count()
    }

    /// Whether an object is not to be read from here.
    pub(super) fn is_passed_over(&self, index: usize) -> bool {
        self.passed_over.get(index).copied().unwrap_or(false)
    }

    /// Whether the object with this id is read from here.
    pub(super) fn visits(&self, id: &[u8]) -> bool {
        self.index.find(id).is_some_and(|index| !self.is_passed_over(index))
    }

    /// The entry of a node of the delta trees.
    pub(super) fn entry<'m>(&'m self, reader: &'m mut EntryReader, node: u32) -> Result<Entry<'m>, Damage> {
        let (start, end) = self.forest.bounds(node);
        reader.entry(&self.pack, start, end)
    }
}
