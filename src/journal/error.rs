//! What keeps a sweep from being written down.

use std::io;
use std::path::PathBuf;

/// What keeps a sweep from being written down.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another run has it.
    #[error("another run sweeps the same targets ({path}): wait for its end, or name other targets")]
    Busy {
        /// Its lock.
        path: PathBuf,
    },
    /// A system call failed.
    #[error("cannot {action} {path}: {source} (the sweep is noted there; --cache names another directory)")]
    Io {
        /// What was to be done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A token could not be sealed.
    #[error("cannot seal what was found: {0}")]
    Seal(String),
    /// An entry could not be put into words.
    #[error("cannot write an entry: {0}")]
    Form(String),
}

impl JournalError {
    pub(super) fn form(error: &serde_json::Error) -> JournalError {
        JournalError::Form(error.to_string())
    }
}
