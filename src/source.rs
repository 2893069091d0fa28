//! Sources: each turns a path into blobs, with its own threads.

pub mod git;
pub mod stdin;
pub mod tree;
