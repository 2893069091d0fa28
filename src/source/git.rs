//! Git repositories: a whole history, what some commits add, what is staged. The only room that names `gix`.
//!
//! `gix` finds and opens repositories, reads refs, revisions and the index. Packs are read here (see `walk`): a look at
//! every object of a history spends its time inflating, and the order in which that is done is what makes it fast.

mod additions;
mod ancestry;
mod blame;
mod complete;
mod delta;
mod delta_tree;
mod diff;
mod discover;
mod graph;
mod history;
mod idx;
mod loose;
mod object;
mod odb;
mod pack;
mod range;
mod refs;
mod repo;
mod revisions;
mod staged;
mod walk;

use std::path::PathBuf;

pub use additions::Pipe;
pub use complete::Incomplete;
pub use discover::discover;
pub use history::History;
pub use range::Range;
pub use repo::Repo;
pub use staged::Staged;

/// Why a repository cannot be scanned at all, or an order about it not be followed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no repository, or none that can be opened.
    #[error("cannot open a git repository at `{path}`: {reason}")]
    Open {
        /// Where one was looked for.
        path: PathBuf,
        /// What happened.
        reason: String,
    },
    /// It belongs to somebody else, and git itself would refuse it.
    #[error(
        "the repository at `{path}` is owned by someone else; if you trust it, run: \
         git config --global --add safe.directory {path}"
    )]
    Untrusted {
        /// The repository.
        path: PathBuf,
    },
    /// The index cannot be read.
    #[error("the index `{path}` cannot be read: {reason}")]
    Index {
        /// The index.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What `HEAD` points to cannot be read.
    #[error("`HEAD` of `{path}` cannot be read: {reason}; to see what is damaged, run: git fsck")]
    Head {
        /// The repository.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A revision means nothing here.
    #[error("`{text}` is no range of commits in this repository: {reason}")]
    Revision {
        /// What was asked for.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A path that is to be looked at lies elsewhere.
    #[error("`{path}` is outside of the work tree of `{root}`")]
    Outside {
        /// The path.
        path: PathBuf,
        /// The repository.
        root: PathBuf,
    },
    /// A file could not be read.
    #[error("cannot read `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// A pack's index is damaged.
    #[error(
        "the pack index `{path}` is damaged; to make it again, delete it and run: git index-pack on its pack"
    )]
    PackIndex {
        /// The index.
        path: PathBuf,
    },
    /// A pack cannot be used.
    #[error("the pack `{path}` cannot be read: {reason}")]
    Pack {
        /// The pack.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

#[cfg(test)]
mod tests;
