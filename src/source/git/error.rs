//! What can go wrong, in three sizes: a repository that cannot be scanned, an object that cannot be read, and why not.

use std::path::PathBuf;

/// Why a repository cannot be scanned at all, or what was asked of it not be done. Where git has a command that mends
/// it, the message names the command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no repository, or none that can be opened. Next: name another path, or see to the reason.
    #[error("cannot open a git repository at `{path}`: {reason}")]
    Open {
        /// Where one was looked for.
        path: PathBuf,
        /// What happened.
        reason: String,
    },
    /// It belongs to another user, and git itself would refuse it: see `safe.directory` in git-config(1).
    #[error(
        "the repository at `{path}` belongs to another user; if you trust it, run: \
         git config --global --add safe.directory '{path}'"
    )]
    Untrusted {
        /// The repository.
        path: PathBuf,
    },
    /// It is not in the scanned tree, which only points there. Next: scan the other one by its own name.
    #[error(
        "`{path}` leads out of what is scanned, to `{target}`, which does not lead back; to scan that repository, run: \
         stanch git {target}"
    )]
    LeadsOut {
        /// What leads out.
        path: PathBuf,
        /// Where to.
        target: PathBuf,
    },
    /// The index cannot be read. Next: git-read-tree(1) writes it anew.
    #[error("the index `{path}` cannot be read: {reason}")]
    Index {
        /// The index.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What `HEAD` points to cannot be read. Next: git-fsck(1).
    #[error("`HEAD` of `{path}` cannot be read: {reason}; to see what is damaged, run: git fsck")]
    Head {
        /// The repository.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A revision means nothing here. Next: write it as gitrevisions(7) says, or fetch what it names.
    #[error("`{text}` is no range of commits in this repository: {reason}")]
    Revision {
        /// What was asked for.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What commits add cannot be told, because a shallow clone ends among them. Next: fetch what is missing.
    #[error(
        "a shallow clone ends at the commit {commit}: what lies behind it is not here, and so nobody can tell what `{range}` \
         adds; to fetch it, run: {remedy}"
    )]
    Shallow {
        /// The range that was asked for.
        range: String,
        /// The commit whose parents are not here.
        commit: String,
        /// The command that fetches them.
        remedy: String,
    },
    /// A path to be scanned is not below the work tree. Next: name one that is.
    #[error("`{path}` is outside of the work tree of `{root}`")]
    Outside {
        /// The path.
        path: PathBuf,
        /// The root of the work tree.
        root: PathBuf,
    },
    /// A file or directory of the object database could not be read. Next: see to its permissions, or the disk.
    #[error("cannot read `{path}`: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// A pack has no index: an interrupted fetch leaves such packs. Next: none; the index is made.
    #[error("the pack has no index")]
    NoPackIndex,
    /// A pack index is damaged. Next: git-index-pack(1).
    #[error(
        "the pack index `{path}` is damaged; to make it again, delete it and run: git index-pack on its pack"
    )]
    PackIndex {
        /// The pack index.
        path: PathBuf,
    },
    /// A pack cannot be used. Next: git-verify-pack(1) reports more; a fetch or another clone has its objects.
    #[error("the pack `{path}` cannot be read: {reason}")]
    Pack {
        /// The pack.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// Why an object cannot be had by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadError {
    /// It is not in the object database.
    Missing,
    /// It is there, and cannot be read, or is an object of another kind.
    Damaged,
}

/// What is wrong with a pack entry or a loose object, as a clause about "it".
pub(super) type Damage = &'static str;

/// A zlib stream (RFC 1950) that does not inflate to the size it was announced with.
pub(super) const DAMAGED_ZLIB: Damage = "its zlib stream is damaged";

/// A delta that contradicts itself or its base.
pub(super) const DAMAGED_DELTA: Damage = "its delta is damaged";

/// An object of more bytes than may be held of a repository that somebody packed up.
pub(super) const TOO_LARGE: Damage =
    "it is larger than may be held in memory: raise max_memory in your configuration if you trust this file";

/// A delta whose base is not there, or cannot be read.
pub(super) const NO_BASE: Damage = "its delta base is missing or damaged";
