//! What suppresses a finding: a baseline, an ignore file, a comment on the same line, an allowlist.
//!
//! A suppressed finding stays in every report, with what suppresses it and who set that: what a scanned tree says of
//! itself may have been written by whoever leaked the token.

mod allow;
mod allowlist;
mod baseline;
mod comment;
mod hashes;
mod ignore_file;
mod in_force;
mod queued;
mod suppressions;

pub use allow::with_hashes;
pub use allowlist::{Allowlist, BadAllowlist, RawAllowlist};
pub use baseline::{BadBaseline, Baseline, write_baseline};
pub use hashes::BadHash;
pub use ignore_file::{BadIgnoreFile, IgnoreFile, glob_of, hash_line};
pub use in_force::InForce;
pub use suppressions::{ProjectSuppressions, Suppressions};

#[cfg(test)]
mod tests;
