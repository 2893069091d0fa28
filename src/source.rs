//! Sources: each turns a path into blobs, with its own threads; and the sink that opens containers on their way.

pub mod git;
pub mod github;
mod interruptible;
pub mod stdin;
pub mod tree;
pub mod unpack;
