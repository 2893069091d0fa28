//! The end of an audit trail: what a run notes, and what a trail is held to later.

use std::fmt;
use std::str::FromStr;

use crate::token::Fingerprint;

/// The hash "before" the first record.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The last record of a chain: how many there are, and the hash to carry on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Whose chain it is, where a ledger has several; else empty.
    pub writer: String,
    /// The number of the last record; 0 before the first.
    pub seq: u64,
    /// Its hash, in hex.
    pub hash: String,
}

/// `SEQ:HASH`, or `WRITER:SEQ:HASH`, as runs print it and `audit --expect` takes it.
impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.writer.is_empty() {
            write!(f, "{}:", self.writer)?;
        }
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

/// A text that is no `SEQ:HASH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the head of a trail is SEQ:HASH, a number and 64 hexadecimal digits, or WRITER:SEQ:HASH, as runs and `audit --verify` print it"
)]
pub struct BadHead;

impl FromStr for Head {
    type Err = BadHead;

    fn from_str(text: &str) -> Result<Self, BadHead> {
        let (first, hash) = text.trim().rsplit_once(':').ok_or(BadHead)?;
        let (writer, seq) = first.rsplit_once(':').unwrap_or(("", first));
        let hash = Fingerprint::from_hex(hash).ok_or(BadHead)?.hex();
        let is_name = writer.chars().all(|char| char.is_ascii_alphanumeric());
        let seq = seq.parse().ok().filter(|_| is_name).ok_or(BadHead)?;
        Ok(Head { writer: writer.to_owned(), seq, hash })
    }
}

impl Default for Head {
    fn default() -> Self {
        Head { writer: String::new(), seq: 0, hash: GENESIS.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_printed() {
        let head = Head { writer: String::new(), seq: 12, hash: Fingerprint::of(b"x").hex() };
        let of_writer = Head { writer: "0a1b".to_owned(), ..head.clone() };
        for head in [&head, &of_writer] {
            assert_eq!(head.to_string().parse().as_ref(), Ok(head));
        }
        assert_eq!(format!(" 12:{}\n", head.hash.to_uppercase()).parse(), Ok(head));
        for bad in ["", "12", "12:", "x:00", ":", "12:zz", "a:b:12"] {
            assert_eq!(bad.parse::<Head>(), Err(BadHead), "{bad}");
        }
    }
}
