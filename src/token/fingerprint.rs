//! The hash a token is known by, and the beginning of one, as reports print it and people type it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a token: what reports, baselines and the ledger know it by.
///
/// In base64 it is what GitHub's audit log calls `hashed_token`:
/// <https://docs.github.com/en/organizations/keeping-your-organization-secure/managing-security-settings-for-your-organization/identifying-audit-log-events-performed-by-an-access-token>.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// The fingerprint of a token's text.
    pub fn of(token: &[u8]) -> Self {
        Fingerprint(Sha256::digest(token).into())
    }

    /// 64 lowercase hexadecimal digits.
    pub fn hex(&self) -> String {
        let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
        self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }

    /// Standard base64 with padding: GitHub's `hashed_token`.
    pub fn base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Reads 64 hexadecimal digits of either case.
    pub fn from_hex(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.len() != 64 {
            return None;
        }
        let mut out = [0; 32];
        for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = u8::try_from(high << 4 | low).ok()?;
        }
        Some(Fingerprint(out))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex()[..16])
    }
}

/// The fewest hexadecimal digits that name a token: 64 bits, as many as nobody meets twice by accident.
const MIN_DIGITS: usize = 16;

/// A text that was to be a hash and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash is {MIN_DIGITS} to 64 hexadecimal digits of the token's SHA-256 (`sha256` in every report)")]
pub struct BadHash;

/// 16 to 64 hexadecimal digits of a SHA-256, from its beginning; a leading `sha256:` is no part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashPrefix {
    key: u64,
    digits: String,
}

impl HashPrefix {
    /// The first eight bytes, big-endian: all that every prefix has.
    pub fn key(&self) -> u64 {
        self.key
    }

    /// The digits, in lower case.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// Whether this is the beginning of a fingerprint.
    pub fn matches(&self, fingerprint: &Fingerprint) -> bool {
        // A table of many is gone through for each of many tokens: their text is made for the few that begin alike.
        let first: [u8; 8] = std::array::from_fn(|index| fingerprint.0[index]);
        u64::from_be_bytes(first) == self.key && fingerprint.hex().starts_with(&self.digits)
    }
}

impl FromStr for HashPrefix {
    type Err = BadHash;

    fn from_str(text: &str) -> Result<Self, BadHash> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
        let valid =
            (MIN_DIGITS..=64).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let key = digits.get(..MIN_DIGITS).and_then(|first| u64::from_str_radix(first, 16).ok());
        let key = key.filter(|_| valid).ok_or(BadHash)?;
        Ok(HashPrefix { key, digits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_survives_its_hex() {
        let fingerprint = Fingerprint::of(b"x");
        assert_eq!(Fingerprint::from_hex(&fingerprint.hex()), Some(fingerprint));
        assert_eq!(Fingerprint::from_hex("zz"), None);
    }

    #[test]
    fn sixteen_digits_are_enough_and_a_wrong_one_is_not() {
        let (one, other) = (Fingerprint::of(b"one"), Fingerprint::of(b"other"));
        for len in [16, 17, 63, 64] {
            let prefix: HashPrefix =
                format!("sha256:{}", one.hex()[..len].to_uppercase()).parse().expect("a hash");
            assert!(prefix.matches(&one) && !prefix.matches(&other), "{len}");
        }
        for bad in ["", "sha256:", "abc", &"g".repeat(64), &"a".repeat(65), "éééééééé"] {
            assert_eq!(bad.parse::<HashPrefix>(), Err(BadHash), "{bad}");
        }
    }
}
