//! A set of ids that is asked about every entry of every tree.

use std::collections::HashSet;

use gix::{ObjectId, oid};

/// Ids, and a quick test that rules out most others.
pub(super) struct IdSet {
    all: HashSet<ObjectId>,
    /// A bitmap of the first bits of the ids.
    prefixes: Vec<u64>,
    /// How many other bits there are in their first four bytes.
    shift: u32,
}

impl IdSet {
    pub(super) fn new(all: HashSet<ObjectId>) -> Self {
        // A few ids have a small one, which stays in the nearest cache; the test rules out 31 of 32 others.
        let bits = (all.len() * 32).next_power_of_two().ilog2().clamp(12, 22);
        let shift = 32 - bits;
        let mut prefixes = vec![0_u64; 1 << (bits - 6)];
        for id in &all {
            let prefix = prefix(id, shift);
            if let Some(bits) = prefixes.get_mut(prefix >> 6) {
                *bits |= 1 << (prefix & 63);
            }
        }
        IdSet { all, prefixes, shift }
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &ObjectId> {
        self.all.iter()
    }

    pub(super) fn contains(&self, id: &oid) -> bool {
        let prefix = prefix(id, self.shift);
        self.prefixes.get(prefix >> 6).is_some_and(|bits| bits >> (prefix & 63) & 1 == 1)
            && self.all.contains(id)
    }
}

/// The first four bytes, without so many bits of them.
fn prefix(id: &oid, shift: u32) -> usize {
    id.as_bytes().first_chunk::<4>().map_or(0, |bytes| (u32::from_be_bytes(*bytes) >> shift) as usize)
}
