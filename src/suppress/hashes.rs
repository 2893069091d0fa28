//! Tokens by the beginning of their hash.

use std::collections::HashMap;

pub use crate::token::BadHash;
use crate::token::{Fingerprint, HashPrefix};

/// A set of hashes, each whole or a prefix of one, keyed by their first eight bytes.
#[derive(Debug, Default)]
pub(super) struct Hashes(HashMap<u64, Vec<HashPrefix>>);

impl Hashes {
    /// Adds one; a leading `sha256:` is no part of it.
    pub(super) fn add(&mut self, text: &str) -> Result<(), BadHash> {
        let prefix: HashPrefix = text.parse()?;
        self.0.entry(prefix.key()).or_default().push(prefix);
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their first `MIN_DIGITS` digits, as numbers.
    pub(super) fn prefixes(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.keys().copied()
    }

    /// Whether this fingerprint starts with one of them.
    pub(super) fn contains(&self, fingerprint: Fingerprint) -> bool {
        let key = fingerprint.0.first_chunk().map(|first| u64::from_be_bytes(*first));
        let candidates = key.filter(|_| !self.0.is_empty()).and_then(|key| self.0.get(&key));
        candidates.is_some_and(|prefixes| prefixes.iter().any(|prefix| prefix.matches(&fingerprint)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_digit_at_the_end_is_another_token() {
        let one = Fingerprint::of(b"one");
        let mut near = one.hex();
        let last = near.pop();
        near.push(if last == Some('0') { '1' } else { '0' });
        let mut hashes = Hashes::default();
        hashes.add(&near).expect("a hash");
        assert!(!hashes.contains(one));
        hashes.add(&one.hex()[..16]).expect("a hash");
        assert!(hashes.contains(one) && !hashes.contains(Fingerprint::of(b"other")));
        assert!(hashes.add("abc").is_err());
    }
}
