//! Numbers for values that come again and again, from many threads.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// How many threads may look for different values at once.
const SHARDS: u64 = 32;

/// Gives equal values one number.
pub(super) struct Interner<K> {
    shards: Vec<Mutex<HashMap<K, u32>>>,
    hasher: RandomState,
    next: AtomicU32,
}

impl<K> Default for Interner<K> {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Interner { shards, hasher: RandomState::new(), next: AtomicU32::new(0) }
    }
}

impl<K: Eq + Hash> Interner<K> {
    /// The number of a value, a new one where it has none yet.
    pub(super) fn number<Q>(&self, value: &Q) -> u32
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned + ?Sized,
        Q::Owned: Into<K>,
    {
        let Some(shard) = self.shard(value) else { return 0 };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = shard.get(value) {
            return *number;
        }
        let number = self.next.fetch_add(1, Relaxed);
        shard.insert(value.to_owned().into(), number);
        number
    }

    /// The number of a value that has one.
    pub(super) fn known<Q>(&self, value: &Q) -> Option<u32>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.shard(value)?.lock().unwrap_or_else(PoisonError::into_inner).get(value).copied()
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.next.load(Relaxed) as usize
    }

    /// The values by their numbers.
    pub(super) fn into_keys(self) -> Vec<K>
    where
        K: Default,
    {
        let mut keys: Vec<K> = Vec::new();
        keys.resize_with(self.len(), K::default);
        for shard in self.shards {
            for (key, number) in shard.into_inner().unwrap_or_else(PoisonError::into_inner) {
                if let Some(slot) = keys.get_mut(number as usize) {
                    *slot = key;
                }
            }
        }
        keys
    }

    fn shard<Q>(&self, value: &Q) -> Option<&Mutex<HashMap<K, u32>>>
    where
        Q: Hash + ?Sized,
    {
        let shard = usize::try_from(self.hasher.hash_one(value) % SHARDS).ok()?;
        self.shards.get(shard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_one_number() {
        let names: Interner<Box<[u8]>> = Interner::default();
        let numbers: Vec<u32> = (0..1000).map(|n| names.number(format!("n{}", n % 100).as_bytes())).collect();
        assert_eq!((names.len(), numbers[7], numbers[107]), (100, 7, 7));
        assert_eq!((names.known(&b"n3"[..]), names.known(&b"x"[..])), (Some(3), None));
        assert_eq!(&*names.into_keys()[42], b"n42");
    }
}
