//! The entries of all trees that are trees themselves, or wanted.
//!
//! Most trees in a pack are deltas, and what one has in common with its base is not parsed again (see `tree_entries`).

use std::sync::{Mutex, PoisonError};

use gix::oid;

use super::delta::{Delta, InvalidDelta};
use super::id_set::IdSet;
use super::interner::Interner;
use super::object::{Kind, Mode, tree_entry};
use super::tree_entries::{Edge, TreeEntries};
use super::visitor::{ObjectVisitor, TreeVisitor};
use crate::meter::CancelFlag;

/// What a tree is known by: the first bytes of its id, which no two objects share.
pub(super) type Key = [u8; 16];

pub(super) fn key(id: &oid) -> Key {
    id.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// A tree's number, and its entries.
pub(super) type NumberedTree = (u32, Box<[Edge]>);

/// Collects the entries of all trees.
pub(super) struct TreeReader<'a> {
    pub(super) wanted: IdSet,
    pub(super) trees: Interner<Key>,
    names: Interner<Box<[u8]>>,
    found: Mutex<Vec<NumberedTree>>,
    hash: gix::hash::Kind,
    cancel: &'a CancelFlag,
}

impl<'a> TreeReader<'a> {
    pub(super) fn new(wanted: IdSet, hash: gix::hash::Kind, cancel: &'a CancelFlag) -> Self {
        let (trees, names) = (Interner::default(), Interner::default());
        TreeReader { wanted, trees, names, found: Mutex::default(), hash, cancel }
    }

    /// The numbers of trees, the names by their numbers, and the trees that were read.
    pub(super) fn into_parts(self) -> (Interner<Key>, Vec<Box<[u8]>>, Vec<NumberedTree>) {
        let found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        (self.trees, self.names.into_keys(), found)
    }

    /// The entry in front of `rest`, where it is one that is kept, and what is behind it.
    fn parse<'b>(&self, rest: &'b [u8]) -> Option<(Option<Edge>, &'b [u8])> {
        let (entry, rest) = tree_entry(rest, self.hash)?;
        let is_kept = entry.mode == Mode::Tree || self.wanted.contains(entry.id);
        let edge = is_kept.then(|| Edge {
            child: self.trees.number(&key(entry.id)),
            name: self.names.number(entry.name),
            link: entry.mode == Mode::Link,
        });
        Some((edge, rest))
    }
}

impl ObjectVisitor for TreeReader<'_> {
    fn wants(&self, kind: Kind) -> bool {
        kind == Kind::Tree
    }

    fn stopped(&self) -> bool {
        self.cancel.is_cancelled()
    }

    fn object(&self, id: &oid, _: Kind, bytes: &[u8]) {
        self.tree(id, &self.entries(bytes));
    }

    fn trees(&self) -> Option<&dyn TreeVisitor> {
        Some(self)
    }
}

impl TreeVisitor for TreeReader<'_> {
    fn entries(&self, bytes: &[u8]) -> TreeEntries {
        TreeEntries::of(bytes, &|rest| self.parse(rest))
    }

    fn delta_entries(
        &self,
        base: &TreeEntries,
        delta: (&Delta<'_>, &[u8]),
        is_base: bool,
    ) -> Result<TreeEntries, InvalidDelta> {
        base.follow(delta, is_base, &|rest| self.parse(rest))
    }

    fn tree(&self, id: &oid, entries: &TreeEntries) {
        let kept = entries.kept();
        if kept.len() > 0 {
            let found = (self.trees.number(&key(id)), kept.collect());
            self.found.lock().unwrap_or_else(PoisonError::into_inner).push(found);
        }
    }
}
