//! What becomes of a location once the findings of all shards are together.

use serde::{Deserialize, Serialize};

/// Which place a location has among those of other shards, and what may rule it out.
///
/// Of a token that stands in many versions of a file, a history reports the first, and what a reflog repeats it reports only
/// where it is nowhere else. A shard does not see what others find: it reports what it would if it were alone, and says on
/// which grounds, for whoever merges the reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claim {
    /// Which of the histories of the run it is in, from 1; 0 where there is one only.
    pub source: u32,
    /// The place in the history of the commit that introduced it.
    pub position: u32,
    /// Why it is reported.
    pub ground: Ground,
}

/// Why a location is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ground {
    /// Whatever else is found.
    Always,
    /// No earlier version of the file has the token.
    Version,
    /// The token is nowhere else in the history.
    Repetition,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_survives_its_json() {
        for (ground, word) in
            [(Ground::Always, "always"), (Ground::Version, "version"), (Ground::Repetition, "repetition")]
        {
            let claim = Claim { source: 1, position: 3, ground };
            let text = format!(r#"{{"source":1,"position":3,"ground":"{word}"}}"#);
            assert_eq!(serde_json::to_string(&claim).expect("JSON"), text);
            assert_eq!(serde_json::from_str::<Claim>(&text).expect("a claim"), claim);
        }
    }
}
