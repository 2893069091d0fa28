//! Files and directories that are private to the user, and what a failed system call on one means.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::error::{FileError, LedgerError};

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

/// Creates a directory and those above it that are missing, durably: a ledger that is synced in a directory whose name is
/// not would be gone after a power cut.
pub(super) fn create_directory(directory: &Path) -> Result<(), LedgerError> {
    let missing: Vec<&Path> = directory.ancestors().take_while(|path| !path.is_dir()).collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(failed("create the directory", directory))?;
    for made in missing {
        sync_directory(directory_of(made));
    }
    Ok(())
}

/// Makes the names in a directory durable (fsync(2)). Some file systems cannot sync a directory; the content of the files is
/// safe all the same.
pub(super) fn sync_directory(directory: &Path) {
    #[cfg(unix)]
    if let Ok(directory) = File::open(directory) {
        let _ = directory.sync_all();
    }
    #[cfg(not(unix))]
    let _ = directory;
}

/// Creates a file, 0600; never one that is there already, and never through a link (`O_EXCL` in open(2)).
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
