//! A name for the address that requests leave from.

use std::fmt;
use std::str::FromStr;

/// What tells one way out from another. GitHub counts requests without a credential by the address they come from; the
/// program cannot see which one that is, and machines behind two NATs that share a ledger have two quotas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Egress(String);

/// A text that names no way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of an egress is 1 to {} letters, digits, `.`, `-` and `_`", Egress::MAX_LEN)]
pub struct BadEgress;

impl Egress {
    const MAX_LEN: usize = 64;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Egress {
    type Err = BadEgress;

    fn from_str(text: &str) -> Result<Self, BadEgress> {
        let fits = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        let is_name = (1..=Self::MAX_LEN).contains(&text.len()) && text.chars().all(fits);
        if is_name { Ok(Egress(text.to_owned())) } else { Err(BadEgress) }
    }
}

impl fmt::Display for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        let longest = "n".repeat(64);
        for name in ["a", "eu-west_1.nat", &longest] {
            assert_eq!(name.parse::<Egress>().map(|egress| egress.to_string()), Ok(name.to_owned()));
        }
        for name in ["", "a b", "a@b", "ü", "a\n", &"n".repeat(65)] {
            assert_eq!(name.parse::<Egress>(), Err(BadEgress), "{name}");
        }
    }
}
