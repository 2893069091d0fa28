//! What can be wrong with a ledger, each with what to do next.

use std::io;
use std::path::PathBuf;

/// Why the ledger cannot be used. Whatever it is, nothing is sent that is not written down.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// Another process holds it for longer than we wait.
    #[error("the ledger {path} is locked by another process; try again when that one is done")]
    Locked {
        /// The ledger.
        path: PathBuf,
    },
    /// Its bytes are not a ledger's (any more).
    #[error(
        "the ledger {path} is damaged ({detail}); move it away (its `.key` with it) and scan again to queue anew"
    )]
    Corrupt {
        /// The ledger.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
    /// A database, but somebody else's.
    #[error("{path} is a database, but not a ledger of stanch; name another path with --ledger")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Written by a newer version.
    #[error("the ledger {path} has schema {found}, and this version knows up to {known}; update stanch")]
    TooNew {
        /// The ledger.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// Cannot be written.
    #[error(
        "the ledger {path} cannot be written; make the file and its folder writable or name another with --ledger"
    )]
    ReadOnly {
        /// The ledger.
        path: PathBuf,
    },
    /// The disk is full.
    #[error(
        "no space is left for the ledger {path}; free some and run the same command again: nothing is sent twice"
    )]
    Full {
        /// The ledger.
        path: PathBuf,
    },
    /// Others can read or write it.
    #[error("{path} can be read by others (mode {mode:04o}); run `chmod 600 {path}`")]
    Exposed {
        /// The file: the ledger, its journal or its key.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A symbolic link stands where the file should be.
    #[error("{path} is a symbolic link; name the file it points to with --ledger")]
    Symlink {
        /// The link.
        path: PathBuf,
    },
    /// A folder, a pipe, a device.
    #[error("{path} is not a regular file; name another path with --ledger")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The key file is gone while tokens are sealed with it.
    #[error(
        "the key {path} is missing, and the tokens that wait in the ledger cannot be opened without it; \
         put it back, or move the ledger away and scan again"
    )]
    KeyMissing {
        /// The key file.
        path: PathBuf,
    },
    /// The key file holds something else than the key the ledger was made with.
    #[error(
        "the key {path} is not the one this ledger was made with; put the right one back, \
         or move both away and scan again"
    )]
    KeyMismatch {
        /// The key file.
        path: PathBuf,
    },
    /// The operating system said no.
    #[error("cannot {doing} {path}: {source}")]
    Io {
        /// What was tried, as in "cannot create".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// No home folder, so no place for a default.
    #[error("no home folder is known to keep the ledger in; name a path with --ledger")]
    NoHome,
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers, without which no token is sealed: {0}")]
    Randomness(String),
    /// A batch that was never written down was settled.
    #[error("batch {0} is not in the ledger")]
    NoSuchBatch(u64),
    /// Anything else SQLite says.
    #[error("the ledger {path} cannot be used: {detail}")]
    Database {
        /// The ledger.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
}

impl LedgerError {
    /// An [`LedgerError::Io`] maker, for `map_err`; a full disk and a read-only one keep their names.
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> LedgerError {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => LedgerError::Full { path },
            io::ErrorKind::ReadOnlyFilesystem => LedgerError::ReadOnly { path },
            _ => LedgerError::Io { doing, path, source },
        }
    }
}
