//! One of several runs that share a sweep: which files and objects are its own.
//!
//! Each run decides by itself, from names alone, so that runs on machines that know nothing of each other agree: a file
//! belongs to a shard by its path below the scanned root, a git object by its id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A share of the work: the `index`-th of `count`, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Shard {
    index: u32,
    count: u32,
}

/// A shard as a report has it.
#[derive(Deserialize)]
struct Unchecked {
    index: u32,
    count: u32,
}

/// Numbers that make no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadShard {
    /// Not two numbers.
    #[error("`{0}` is no shard: write K/N, such as 2/8, or auto")]
    Form(String),
    /// Outside of what there is.
    #[error("there is no shard {index} of {count}: the first is 1, the last is N itself")]
    Outside {
        /// Which one was asked for.
        index: u64,
        /// Of how many.
        count: u64,
    },
}

impl Shard {
    /// The `index`-th of `count` shards, from 1.
    pub fn new(index: u64, count: u64) -> Result<Self, BadShard> {
        let outside = BadShard::Outside { index, count };
        match (u32::try_from(index), u32::try_from(count)) {
            (Ok(index), Ok(count)) if (1..=count).contains(&index) => Ok(Shard { index, count }),
            _ => Err(outside),
        }
    }

    /// Which one it is, from 1.
    pub fn index(self) -> u32 {
        self.index
    }

    /// How many there are.
    pub fn count(self) -> u32 {
        self.count
    }

    /// Whether what has this name belongs to this shard. A file's name is its path below the scanned root.
    pub fn owns_name(self, name: &[u8]) -> bool {
        self.owns_id(&Sha256::digest(name))
    }

    /// The same of what has a hash for its name, such as a git object.
    pub fn owns_id(self, id: &[u8]) -> bool {
        let number = id.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
        number % u64::from(self.count) == u64::from(self.index - 1)
    }
}

impl TryFrom<Unchecked> for Shard {
    type Error = BadShard;

    fn try_from(unchecked: Unchecked) -> Result<Self, BadShard> {
        Shard::new(unchecked.index.into(), unchecked.count.into())
    }
}

impl FromStr for Shard {
    type Err = BadShard;

    fn from_str(text: &str) -> Result<Self, BadShard> {
        let form = || BadShard::Form(text.to_owned());
        let number = |digits: &str| {
            let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u64>().ok().filter(|_| is_plain).ok_or_else(form)
        };
        let (index, count) = text.split_once('/').ok_or_else(form)?;
        Shard::new(number(index)?, number(count)?)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_written_as_a_fraction() {
        for text in ["1/1", "2/8", "8/8", "4294967295/4294967295"] {
            assert_eq!(text.parse::<Shard>().map(|shard| shard.to_string()).as_deref(), Ok(text));
        }
        for text in
            ["", "1", "/", "1/", "/2", "a/b", "1/2/3", "-1/2", "+1/2", " 1/2", "1/99999999999999999999"]
        {
            assert_eq!(text.parse::<Shard>(), Err(BadShard::Form(text.to_owned())), "{text}");
        }
        for (index, count) in [(0, 1), (2, 1), (0, 0), (1, 0), (1, 1 << 32)] {
            let outside = BadShard::Outside { index, count };
            assert_eq!(format!("{index}/{count}").parse::<Shard>(), Err(outside));
        }
    }

    #[test]
    fn a_report_holds_no_shard_that_there_is_not() {
        let read = |text: &str| serde_json::from_str::<Shard>(text).ok().map(|shard| shard.to_string());
        assert_eq!(read(r#"{"index": 2, "count": 3}"#).as_deref(), Some("2/3"));
        for bad in [r#"{"index": 0, "count": 3}"#, r#"{"index": 4, "count": 3}"#, r#"{"index": 1}"#, "{}"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn each_name_belongs_to_one_shard_and_none_is_left_idle() {
        for count in 1..=7 {
            let shards: Vec<Shard> =
                (1..=count).map(|index| Shard::new(index, count).expect("one")).collect();
            let mut owned = vec![0; shards.len()];
            for n in 0..700 {
                let name = format!("src/{n}.env");
                let owners: Vec<usize> =
                    (0..shards.len()).filter(|at| shards[*at].owns_name(name.as_bytes())).collect();
                assert_eq!(owners.len(), 1, "{name} of {count}");
                owned[owners[0]] += 1;
            }
            assert!(owned.iter().all(|n| *n > 350 / shards.len()), "{owned:?}");
        }
    }

    #[test]
    fn the_owner_of_a_name_never_changes() {
        // Runs of other versions and on other machines have to agree: the hash is part of the contract.
        let owner = |name: &[u8]| {
            (1..=7).find(|index| Shard::new(*index, 7).expect("one").owns_name(name)).expect("an owner")
        };
        assert_eq!([owner(b".env"), owner(b"a/b.zip"), owner(b"")], [6, 1, 2]);
    }
}
