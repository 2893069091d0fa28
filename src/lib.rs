//! Finds leaked GitHub tokens, proves them offline, and revokes them in batches that nothing can lose.
//!
//! The library is the program's own: it is split from the binary so that tests and benchmarks can reach into it, and nothing of
//! it is a stable API yet. What is stable is the command line, its exit codes and its reports (see `docs/`).
//!
//! The rooms in reading order; each imports only from rooms above it (see `CONTRIBUTING.md`, held by `tests/laws.rs`).

// words
pub mod blob;
pub mod finding;
pub mod meter;
pub mod revocation;
pub mod token;

// senses; `text` is one of them, because it redacts whatever has the prefix of a rule
pub mod checksum;
pub mod detect;
pub mod rule;
pub mod text;

// the one door to the network
pub mod http;

// sources, and what they flow through
pub mod scan;
pub mod source;

// memory
pub mod ledger;

// reach
pub mod backoff;
pub mod clock;
pub mod local_credentials;
pub mod provider;

// speech
pub mod report;

// acts: what suppresses a finding, what may be sent, what sends
pub mod policy;
pub mod revoke;
pub mod suppress;

// face
pub mod cli;
pub mod settings;
