//! Whether the files of a ledger can be trusted with tokens: nobody else may read them, change them or put others in their
//! place.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::error::{FileError, LedgerError};
use super::paths::{beside, directory_of, failed, is_missing};

/// What a sticky directory, such as `/tmp`, keeps others from: renaming and deleting files that are not theirs (inode(7)).
#[cfg(unix)]
const STICKY: u32 = 0o1000;

/// Refuses a ledger, or a journal beside it, that others can read or that somebody else made, anything that is no regular
/// file, and a directory in which others may put files of theirs. The names of the journals:
/// <https://www.sqlite.org/tempfiles.html>.
pub(super) fn check(path: &Path) -> Result<(), LedgerError> {
    check_directory(directory_of(path))?;
    check_file(path)?;
    for suffix in ["-journal", "-wal", "-shm"] {
        let path = beside(path, suffix);
        match check_file(&path) {
            // A journal comes and goes with the transactions of other processes.
            Err(error) if is_missing(&error) => {}
            checked => checked?,
        }
    }
    Ok(())
}

/// Refuses a file that others can read or write, or that somebody else made: in a directory that others may write to,
/// another user may have put it there.
pub(super) fn check_file(path: &Path) -> Result<(), LedgerError> {
    let meta = fs::symlink_metadata(path).map_err(failed("look at", path))?;
    if meta.is_symlink() {
        return Err(FileError::Symlink { path: path.into() }.into());
    }
    if !meta.is_file() {
        return Err(FileError::NotAFile { path: path.into() }.into());
    }
    check_owner(path, &meta)?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&meta) & 0o7777;
        if mode & 0o077 != 0 {
            return Err(FileError::Exposed { path: path.into(), mode }.into());
        }
    }
    Ok(())
}

/// Refuses a directory in which others could replace the ledger or its key.
pub(super) fn check_directory(path: &Path) -> Result<(), LedgerError> {
    let meta = fs::metadata(path).map_err(failed("look at", path))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        // What belongs to root is nobody's who could not read everything anyway.
        if meta.uid() != 0 {
            check_owner(path, &meta)?;
        }
        let mode = meta.mode() & 0o7777;
        if mode & 0o022 != 0 && mode & STICKY == 0 {
            return Err(FileError::ExposedDirectory { path: path.into(), mode }.into());
        }
    }
    #[cfg(not(unix))]
    let _ = meta;
    Ok(())
}

/// Refuses what another user made. Root is refused, too: that user could change it while root relies on it.
#[cfg(unix)]
fn check_owner(path: &Path, meta: &Metadata) -> Result<(), LedgerError> {
    let owner = std::os::unix::fs::MetadataExt::uid(meta);
    if owner == nix::unistd::geteuid().as_raw() {
        Ok(())
    } else {
        Err(FileError::OthersFile { path: path.into(), owner }.into())
    }
}

#[cfg(not(unix))]
fn check_owner(_: &Path, _: &Metadata) -> Result<(), LedgerError> {
    Ok(())
}

/// Finds out whether a ledger could be made at `path`, or in the directories that would be made for it. Leaves nothing behind.
pub(super) fn check_creatable(path: &Path) -> Result<(), LedgerError> {
    let mut directory: PathBuf = directory_of(path).into();
    loop {
        match fs::metadata(&directory) {
            Ok(meta) if meta.is_dir() => break,
            Ok(_) => {
                let source = io::ErrorKind::NotADirectory.into();
                return Err(FileError::Io { action: "create the ledger in", path: directory, source }.into());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                directory = directory_of(&directory).into();
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                directory = directory_of(&directory).into();
            }
            Err(error) => return Err(failed("look at", &directory)(error)),
        }
    }
    if directory == directory_of(path) {
        check_directory(&directory)?;
    }
    check_access(&directory)?;
    // Permissions do not tell all: nobody makes anything in /proc, and root may do what a read-only file system refuses.
    let probe = tempfile::Builder::new().prefix(".stanch-").tempfile_in(&directory);
    let probe = probe.map_err(failed("make anything in the directory", &directory))?;
    probe.close().map_err(failed("take anything out of the directory", &directory))
}

/// Whether files can be made in a directory: the journal, and the lock of each run.
#[cfg(unix)]
pub(super) fn check_access(directory: &Path) -> Result<(), LedgerError> {
    use nix::unistd::{AccessFlags, access};
    access(directory, AccessFlags::W_OK | AccessFlags::X_OK)
        .map_err(|errno| failed("write to the directory", directory)(errno.into()))
}

#[cfg(not(unix))]
pub(super) fn check_access(_: &Path) -> Result<(), LedgerError> {
    Ok(())
}
