//! What can be wrong with a file.

use std::io;
use std::path::PathBuf;

/// What can be wrong with a file of the ledger: the database, its journal or its key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Other users can read or write it.
    #[error("{path} can be read by others (mode {mode:04o}); run `chmod 600 {path}`")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Somebody else made it, and could read or change what is written there.
    #[error(
        "{path} belongs to another user (uid {owner}), who can read and change what is in it; name another path with \
         --ledger, or move it away and scan again"
    )]
    OthersFile {
        /// The file or directory.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// Other users can put files into the directory, or take them out.
    #[error(
        "others can write to the directory {path} (mode {mode:04o}), and so replace the ledger and its key; run \
         `chmod go-w {path}`, or name another path with --ledger"
    )]
    ExposedDirectory {
        /// The directory.
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
    /// Something is there where a new file was to be.
    #[error("{path} exists already, and was left as it is; name another path")]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// A directory, a pipe, a device.
    #[error("{path} is not a regular file; name another path with --ledger")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A system call failed.
    #[error("cannot {action} {path}: {source}; --ledger or STANCH_LEDGER names another ledger")]
    Io {
        /// What was tried, as in "cannot create".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}
