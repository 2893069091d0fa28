//! Finds leaked GitHub tokens, proves them offline, and revokes them in batches that nothing can lose.
//!
//! This crate is the `stanch` command: a library for its own binary, tests and benchmarks. Nothing in it is a stable API;
//! any version may change any of it. What is stable is documented for users: the command line, configuration files, exit
//! codes, and the fields of reports, of `stanch status` and of the audit trail.
//!
//! The modules below are in reading order, in layers: each imports only from its own layer and from those above it. The
//! map is in `.github/CONTRIBUTING.md`, and `tests/laws.rs` holds the code to it.

// words: the types that all others speak in
pub mod blob;
pub mod coverage;
pub mod finding;
pub mod meter;
pub mod revocation;
pub mod shard;
pub mod token;

// senses: detection, without I/O; `text` is one of them, because it redacts whatever has the prefix of a rule
pub mod checksum;
pub mod detect;
pub mod rule;
pub mod text;

// http: the one door to the network
pub mod http;

// api: facts of GitHub's API that both a source and a provider need
pub mod github;

// sources, and what they flow through
pub mod scan;
pub mod source;

// memory: what outlives the process
pub mod ledger;

// reach: who revokes tokens, this machine's own credentials, the time
pub mod backoff;
pub mod clock;
pub mod local_credentials;
pub mod provider;

// speech: reports
pub mod report;

// acts: what suppresses a finding, what may be sent, what sends it, what serves a fleet, how far a sweep has come
pub mod journal;
pub mod policy;
pub mod revoke;
pub mod serve;
pub mod suppress;

// face: configuration and the command line
pub mod cli;
pub mod settings;
