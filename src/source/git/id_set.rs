//! A set of ids that is asked about every entry of every tree.

use std::collections::HashSet;

use gix::{ObjectId, oid};

/// Ids, and a quick test that rules out most others.
pub(super) struct IdSet {
    all: HashSet<ObjectId>,
    /// A bitmap of the first 22 bits of the ids.
    prefixes: Vec<u64>,
}

impl IdSet {
    pub(super) fn new(all: HashSet<ObjectId>) -> Self {
        let mut prefixes = vec![0_u64; 1 << 16];
        for id in &all {
            let prefix = prefix(id);
            if let Some(bits) = prefixes.get_mut(prefix >> 6) {
                *bits |= 1 << (prefix & 63);
            }
        }
        IdSet { all, prefixes }
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &ObjectId> {
        self.all.iter()
    }

    pub(super) fn contains(&self, id: &oid) -> bool {
        let prefix = prefix(id);
        self.prefixes.get(prefix >> 6).is_some_and(|bits| bits >> (prefix & 63) & 1 == 1)
            && self.all.contains(id)
    }
}

/// The first 22 bits.
fn prefix(id: &oid) -> usize {
    id.as_bytes().first_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes) as usize >> 10)
}
