//! Sources: each turns a path into blobs, with its own threads.

pub mod stdin;
pub mod tree;
