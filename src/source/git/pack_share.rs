//! What of a pack one shard of a run reads: its own objects, the bases that they are deltas against, and every commit, for
//! without all of them nobody can tell which of them introduced something.

use super::indexed_pack::IndexedPack;
use super::object::Kind;
use crate::shard::Shard;

/// What of a pack is read, and what of that is passed on.
pub(super) struct PackShare {
    shard: Option<Shard>,
    /// By node: whether it is one of the shard's own, or leads to one. Empty where everything is read.
    needed: Vec<bool>,
}

impl PackShare {
    /// The share of `shard`; without one, everything.
    pub(super) fn new(pack: &IndexedPack, shard: Option<Shard>) -> Self {
        let mut own = PackShare { shard, needed: Vec::new() };
        if shard.is_none() {
            return own;
        }
        own.needed = vec![false; pack.forest.len()];
        for node in (0..).take(pack.forest.len()) {
            if own.is_own(pack, node) {
                own.mark_chain(pack, node);
            }
        }
        own
    }

    /// Marks a node and its bases, up to one that is marked already.
    fn mark_chain(&mut self, pack: &IndexedPack, node: u32) {
        let mut next = Some(node);
        while let Some(node) = next {
            match self.needed.get_mut(node as usize) {
                Some(mark) if !*mark => *mark = true,
                _ => return,
            }
            next = pack.forest.parent(node);
        }
    }

    /// Whether an object of this kind has to be read.
    pub(super) fn needs(&self, node: u32, kind: Kind) -> bool {
        self.shard.is_none()
            || kind == Kind::Commit
            || self.needed.get(node as usize).copied().unwrap_or(false)
    }

    /// Whether an object is passed on: one of the shard's own, or a commit.
    pub(super) fn passes_on(&self, pack: &IndexedPack, node: u32, kind: Kind) -> bool {
        self.is_own(pack, node) || kind == Kind::Commit && !pack.is_passed_over(pack.forest.index(node))
    }

    /// Whether an object is to be scanned from here.
    pub(super) fn is_own(&self, pack: &IndexedPack, node: u32) -> bool {
        let index = pack.forest.index(node);
        !pack.is_passed_over(index) && self.shard.is_none_or(|shard| shard.owns_id(pack.id(index).as_bytes()))
    }
}
