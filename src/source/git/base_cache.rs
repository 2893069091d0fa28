//! Delta bases that were read lately: the next object by id is often a delta against one of them.

use std::collections::HashMap;

use super::object::Object;

/// Bytes that are kept.
const MAX_BYTES: usize = 32 << 20;

/// An object of more bytes is not kept.
const MAX_OBJECT: usize = 4 << 20;

/// Bases by the number of their pack, and the offset in it. Once it is full, it starts anew.
#[derive(Default)]
pub(super) struct BaseCache {
    bases: HashMap<(usize, u64), Object>,
    bytes: usize,
}

impl BaseCache {
    pub(super) fn get(&self, key: (usize, u64)) -> Option<Object> {
        self.bases.get(&key).cloned()
    }

    pub(super) fn keep(&mut self, key: (usize, u64), base: &Object) {
        let len = base.1.len();
        if len > MAX_OBJECT || self.bases.contains_key(&key) {
            return;
        }
        if self.bytes + len > MAX_BYTES {
            *self = BaseCache::default();
        }
        self.bytes += len;
        self.bases.insert(key, base.clone());
    }
}
