//! Tokens by the beginning of their hash.

use std::collections::HashMap;

use crate::token::Fingerprint;

/// The fewest hexadecimal digits that name a token: 64 bits, as many as nobody meets twice by accident.
const MIN_DIGITS: usize = 16;

/// A text that was to be a hash and is none.
#[derive(Debug, thiserror::Error)]
#[error("a hash is {MIN_DIGITS} to 64 hexadecimal digits of the token's SHA-256 (`sha256` in every report)")]
pub struct BadHash;

/// A set of hashes, each whole or a prefix of one, keyed by their first [`MIN_DIGITS`] digits.
#[derive(Debug, Default)]
pub(super) struct Hashes(HashMap<u64, Vec<String>>);

impl Hashes {
    /// Adds one; a leading `sha256:` is no part of it.
    pub(super) fn add(&mut self, text: &str) -> Result<(), BadHash> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
        let valid =
            (MIN_DIGITS..=64).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let key = digits.get(..MIN_DIGITS).and_then(|first| u64::from_str_radix(first, 16).ok());
        let key = key.filter(|_| valid).ok_or(BadHash)?;
        self.0.entry(key).or_default().push(digits);
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their first [`MIN_DIGITS`] digits, as numbers.
    pub(super) fn prefixes(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.keys().copied()
    }

    /// Whether this fingerprint starts with one of them.
    pub(super) fn contains(&self, fingerprint: Fingerprint) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let key = fingerprint.0.first_chunk().map(|first| u64::from_be_bytes(*first));
        let candidates = key.and_then(|key| self.0.get(&key));
        candidates.is_some_and(|digits| {
            let whole = fingerprint.hex();
            digits.iter().any(|digits| whole.starts_with(digits))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_digits_are_enough_and_a_wrong_one_is_not() {
        let (one, other) = (Fingerprint::of(b"one"), Fingerprint::of(b"other"));
        for len in [16, 17, 63, 64] {
            let mut hashes = Hashes::default();
            hashes.add(&format!("sha256:{}", one.hex()[..len].to_uppercase())).expect("a hash");
            assert!(hashes.contains(one) && !hashes.contains(other), "{len}");
        }
        let mut near = one.hex();
        let last = near.pop();
        near.push(if last == Some('0') { '1' } else { '0' });
        let mut hashes = Hashes::default();
        hashes.add(&near).expect("a hash");
        assert!(!hashes.contains(one));
        for bad in ["", "sha256:", "abc", &"g".repeat(64), &"a".repeat(65), "éééééééé"] {
            assert!(hashes.add(bad).is_err(), "{bad}");
        }
    }
}
