//! What the report of a shard says of its run, for whoever merges it with the others.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Root, Sweep};
use crate::finding::Confidence;

/// A rule of a configuration, as reports know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleText {
    /// The id that findings carry.
    pub id: String,
    /// What it finds, for people.
    pub description: String,
}

/// How a run ended, beside what it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Somebody ended it early.
    pub interrupted: bool,
    /// Tokens were to be revoked and are not.
    pub remaining: bool,
    /// More tokens would have left than may: nothing was sent.
    pub refused: bool,
    /// Something went wrong while tokens were revoked.
    pub failed: bool,
}

impl Ending {
    /// How two runs ended together.
    #[must_use]
    pub fn and(self, other: Ending) -> Self {
        Ending {
            interrupted: self.interrupted || other.interrupted,
            remaining: self.remaining || other.remaining,
            refused: self.refused || other.refused,
            failed: self.failed || other.failed,
        }
    }
}

/// A run that did a share of the work.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// When it started.
    pub started: Timestamp,
    /// What is less sure does not count.
    pub min_confidence: Confidence,
    /// What all shards of its sweep have in common.
    pub sweep: Sweep,
    /// How it ended.
    pub ending: Ending,
    /// What was scanned.
    pub roots: Vec<Root>,
    /// The configuration's own rules.
    pub rules: Vec<RuleText>,
}
