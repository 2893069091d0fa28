//! What a run is to do, with nothing left optional: flags over environment over a project's file over the user's over
//! defaults.

mod config;
mod project;
mod strict;
mod target;

mod duration;

use std::path::PathBuf;

use crate::finding::Confidence;
use crate::report::Format;
use crate::source::tree;
use crate::source::unpack::Limits;

pub use config::{RevokeConfig, UserConfig, user_folder};
pub use project::{CONFIG, IGNORE, Project};
pub use strict::BadConfig;
pub use target::{BadTarget, Target};

pub use duration::{BadDuration, parse_duration};

/// What `scan` and its like are to do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to look; `-` is standard input.
    pub paths: Vec<PathBuf>,
    /// How to walk.
    pub walk: tree::Options,
    /// How far to open containers.
    pub limits: Limits,
    /// How many encodings within encodings are peeled off.
    pub decode_depth: usize,
    /// The globs of [`tree::Options::exclude`] as they were written: a root's own are added to them.
    pub exclude: Vec<String>,
    /// What to say of it.
    pub output: Output,
    /// How to end.
    pub exit: ExitPolicy,
}

/// What is printed.
#[derive(Clone, Debug)]
pub struct Output {
    /// The form of the report on standard output.
    pub format: Format,
    /// Findings below this do not count.
    pub min_confidence: Confidence,
    /// Print tokens whole.
    pub show_secrets: bool,
    /// Reports written beside the one on standard output.
    pub reports: Vec<Target>,
    /// Where a baseline is written to.
    pub write_baseline: Option<PathBuf>,
}

/// What becomes the exit code when tokens are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitPolicy {
    /// Instead of 1.
    pub found: u8,
}

/// A size that is no size.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a size: use bytes, or a number with K, M, G or T (1024 at a time), as in 10M")]
pub struct BadSize(String);

/// Reads `512`, `10k`, `1.5M`, `2GiB`: bytes, with steps of 1024.
pub fn parse_size(text: &str) -> Result<u64, BadSize> {
    let bad = || BadSize(text.to_owned());
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let power = match &lower[digits.len()..] {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        _ => return Err(bad()),
    };
    let unit = 1024_u64.pow(power);
    let digits = digits.trim_end();
    if let Ok(whole) = digits.parse::<u64>() {
        return whole.checked_mul(unit).ok_or_else(bad);
    }
    let number: f64 = digits.parse().map_err(|_| bad())?;
    if !(0.0..1e6).contains(&number) {
        return Err(bad());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "checked to be small and positive just above"
    )]
    Ok((number * unit as f64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("512", 512),
            ("10k", 10_240),
            ("1.5M", 1_572_864),
            ("2GiB", 2 << 30),
            ("1 T", 1 << 40),
        ] {
            assert_eq!(parse_size(text).ok(), Some(bytes), "{text}");
        }
        for text in ["", "k", "10x", "-1", "1e99", "99999999999T", "NaN", "é"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
