//! Paths beside a ledger, and what a failed system call on one means.

use std::io;
use std::path::{Path, PathBuf};

use crate::ledger::error::{FileError, LedgerError};

/// What makes an error of a failed system call, for `map_err`; a full disk and a read-only one are the ledger's errors.
pub(super) fn failed(
    action: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> LedgerError {
    let path = path.into();
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            LedgerError::Full { ledger: path.display().to_string() }
        }
        io::ErrorKind::ReadOnlyFilesystem => LedgerError::ReadOnly { ledger: path.display().to_string() },
        _ => FileError::Io { action, path, source }.into(),
    }
}

/// Whether a file is not there.
pub(super) fn is_missing(error: &LedgerError) -> bool {
    matches!(error, LedgerError::File(FileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound)
}

/// `path` with a suffix to its file name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The directory a file is in.
pub(super) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    }
}
