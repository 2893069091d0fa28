//! Finds leaked GitHub tokens, proves them offline, and revokes them in batches that nothing can lose.
//!
//! The rooms in reading order; each imports only from rooms above it (see `CONTRIBUTING.md`, held by `tests/laws.rs`).

// words
pub mod blob;
pub mod finding;
pub mod token;

// senses
pub mod checksum;
pub mod detect;
pub mod rule;

// speech
pub mod report;

// verbs
pub mod scan;
pub mod suppress;

// sources
pub mod source;

// reach
pub mod own;
pub mod provider;

// face
pub mod cli;
pub mod settings;
