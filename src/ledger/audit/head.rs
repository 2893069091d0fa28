//! The end of an audit trail: what a run notes, and what a trail is held to later.

use std::fmt;
use std::str::FromStr;

use crate::token::Fingerprint;

/// The hash "before" the first record.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The last record of a trail: how many there are, and the hash to carry on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the last record; 0 before the first.
    pub seq: u64,
    /// Its hash, in hex.
    pub hash: String,
}

/// `SEQ:HASH`, as runs print it and `audit --expect` takes it.
impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

/// A text that is no `SEQ:HASH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the head of a trail is SEQ:HASH, a number and 64 hexadecimal digits, as runs and `audit --verify` print it"
)]
pub struct BadHead;

impl FromStr for Head {
    type Err = BadHead;

    fn from_str(text: &str) -> Result<Self, BadHead> {
        let (seq, hash) = text.trim().split_once(':').ok_or(BadHead)?;
        let hash = Fingerprint::from_hex(hash).ok_or(BadHead)?.hex();
        Ok(Head { seq: seq.parse().map_err(|_| BadHead)?, hash })
    }
}

impl Default for Head {
    fn default() -> Self {
        Head { seq: 0, hash: GENESIS.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_printed() {
        let head = Head { seq: 12, hash: Fingerprint::of(b"x").hex() };
        assert_eq!(head.to_string().parse(), Ok(head.clone()));
        assert_eq!(format!(" 12:{}\n", head.hash.to_uppercase()).parse(), Ok(head));
        for bad in ["", "12", "12:", "x:00", ":", "12:zz"] {
            assert_eq!(bad.parse::<Head>(), Err(BadHead), "{bad}");
        }
    }
}
