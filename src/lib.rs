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

// memory
pub mod ledger;

// verbs
pub mod scan;

// sources
pub mod source;

// reach
pub mod pace;
pub mod provider;

// verbs that send
pub mod policy;
pub mod revoke;

// face
pub mod cli;
pub mod settings;
