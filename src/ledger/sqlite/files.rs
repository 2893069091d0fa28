//! The files of a ledger: the database, its journal, its key. All are private to the user (0600 in 0700).

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::ledger::error::{FileError, LedgerError};
use crate::ledger::paths::{
    beside, create_directory, create_new, directory_of, failed, is_missing, sync_directory,
};
use crate::ledger::seal::{KEY_LEN, SealingKey, new_key};
use crate::ledger::trust::{check, check_file};

/// Creates the directory of `path` (0700) and an empty file at `path` (0600) where there is none, and checks what is there.
///
/// Returns the path with its directory resolved, so that SQLite can open it with `SQLITE_OPEN_NOFOLLOW`, which refuses a
/// link in any component (<https://www.sqlite.org/c3ref/open.html>).
pub(super) fn prepare(path: &Path) -> Result<PathBuf, LedgerError> {
    let directory = directory_of(path);
    if is_gone(path) && has_key(path) {
        return Err(lost(path));
    }
    create_directory(directory)?;
    let path = resolve(path)?;
    match create_new(&path) {
        Ok(file) => file.sync_all().map_err(failed("write", &path))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed("create", &path)(error)),
    }
    check(&path)?;
    Ok(path)
}

/// Checks the ledger at `path`, where there is one, and returns the path with its directory resolved.
pub(super) fn existing(path: &Path) -> Result<Option<PathBuf>, LedgerError> {
    match fs::symlink_metadata(path) {
        Ok(_) => {}
        Err(error) if is_gone_error(&error) => {
            return if has_key(path) { Err(lost(path)) } else { Ok(None) };
        }
        Err(error) => return Err(failed("look at", path)(error)),
    }
    let path = resolve(path)?;
    check(&path)?;
    Ok(Some(path))
}

fn is_gone(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| is_gone_error(&error))
}

fn is_gone_error(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The key of a ledger comes after its first page, so an empty file beside a key was a ledger once.
pub(super) fn lost(path: &Path) -> LedgerError {
    LedgerError::Lost { ledger: path.display().to_string(), key: key_path(path).display().to_string() }
}

/// Whether there is a key beside the ledger, of whatever kind.
pub(super) fn has_key(path: &Path) -> bool {
    fs::symlink_metadata(key_path(path)).is_ok()
}

fn resolve(path: &Path) -> Result<PathBuf, LedgerError> {
    let Some(name) = path.file_name() else { return Err(FileError::NotAFile { path: path.into() }.into()) };
    let directory = directory_of(path);
    Ok(directory.canonicalize().map_err(failed("find the directory", directory))?.join(name))
}

/// The path of the key to the ledger at `path`.
pub(super) fn key_path(path: &Path) -> PathBuf {
    beside(path, ".key")
}

/// Reads the key beside the ledger; `None` if there is none, or not all of one.
pub(super) fn read_key(path: &Path) -> Result<Option<SealingKey>, LedgerError> {
    read_key_at(&key_path(path))
}

fn read_key_at(path: &Path) -> Result<Option<SealingKey>, LedgerError> {
    match check_file(path) {
        Err(error) if is_missing(&error) => return Ok(None),
        checked => checked?,
    }
    let mut key = Zeroizing::new([0; KEY_LEN]);
    let mut file = File::open(path).map_err(failed("read", path))?;
    match file.read_exact(key.as_mut_slice()) {
        Ok(()) => Ok(Some(SealingKey::new(&key))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(failed("read", path)(error)),
    }
}

/// Creates the key beside the ledger. The caller holds the ledger's write lock, so no other process does the same.
///
/// The key is written and synced under another name and then renamed, which is atomic (rename(2)): a crash leaves the whole
/// key or none.
pub(super) fn create_key(path: &Path) -> Result<SealingKey, LedgerError> {
    let key = new_key()?;
    let draft = beside(path, ".key.new");
    write_key(&draft, &key)?;
    publish(&draft, &key_path(path))?;
    Ok(SealingKey::new(&key))
}

/// Removes a file that need not be there.
pub(super) fn remove(path: &Path) -> Result<(), LedgerError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

fn write_key(path: &Path, key: &[u8; KEY_LEN]) -> Result<(), LedgerError> {
    remove(path)?;
    let mut file = create_new(path).map_err(failed("create", path))?;
    file.write_all(key.as_slice()).map_err(failed("write", path))?;
    file.sync_all().map_err(failed("write", path))
}

/// Gives a file that is whole its name, durably.
pub(super) fn publish(draft: &Path, path: &Path) -> Result<(), LedgerError> {
    File::open(draft).and_then(|file| file.sync_all()).map_err(failed("write", draft))?;
    fs::rename(draft, path).map_err(failed("create", path))?;
    sync_directory(directory_of(path));
    Ok(())
}

/// Where a new key waits until everything is sealed with it.
fn next_key_path(path: &Path) -> PathBuf {
    beside(path, ".key.next")
}

/// Creates a key that is to take the place of the one beside the ledger.
pub(super) fn create_next_key(path: &Path) -> Result<SealingKey, LedgerError> {
    let key = new_key()?;
    write_key(&next_key_path(path), &key)?;
    Ok(SealingKey::new(&key))
}

/// The key that is to take the place of the one beside the ledger, if there is one.
pub(super) fn next_key(path: &Path) -> Result<Option<SealingKey>, LedgerError> {
    read_key_at(&next_key_path(path))
}

/// Puts the new key in the place of the old one.
pub(super) fn adopt_next_key(path: &Path) -> Result<(), LedgerError> {
    publish(&next_key_path(path), &key_path(path))
}

/// Copies the key beside one ledger to its place beside another.
pub(super) fn copy_key(from: &Path, to: &Path) -> Result<(), LedgerError> {
    let from = key_path(from);
    let mut key = Zeroizing::new([0; KEY_LEN]);
    let read = File::open(&from).and_then(|mut file| file.read_exact(key.as_mut_slice()));
    read.map_err(failed("read", &from))?;
    write_key(&key_path(to), &key)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn mode(path: &Path) -> io::Result<u32> {
        Ok(fs::metadata(path)?.mode() & 0o777)
    }

    #[test]
    fn directory_file_and_key_are_private() -> TestResult {
        let home = tempfile::tempdir()?;
        let path = home.path().join("a/b/ledger.db");
        let path = prepare(&path)?;
        create_key(&path)?;
        assert_eq!(mode(&home.path().join("a"))?, 0o700);
        assert_eq!(mode(&home.path().join("a/b"))?, 0o700);
        assert_eq!(mode(&path)?, 0o600);
        assert_eq!(mode(&key_path(&path))?, 0o600);
        assert!(read_key(&path)?.is_some());
        Ok(())
    }

    #[test]
    fn what_others_can_read_is_refused() -> TestResult {
        let home = tempfile::tempdir()?;
        let path = prepare(&home.path().join("ledger.db"))?;
        for (suffix, bits) in [("", 0o640), ("", 0o604), ("-journal", 0o644), (".key", 0o644)] {
            let path = beside(&path, suffix);
            fs::write(&path, [0; KEY_LEN])?;
            fs::set_permissions(&path, fs::Permissions::from_mode(bits))?;
            let ledger = home.path().join("ledger.db");
            let refused = existing(&ledger).err().or_else(|| read_key(&ledger).err());
            let Some(LedgerError::File(FileError::Exposed { path: named, mode })) = refused else {
                return Err(format!("{suffix} {bits:o}: {refused:?}").into());
            };
            assert_eq!((named.file_name(), mode), (path.file_name(), bits));
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        }
        Ok(())
    }

    #[test]
    fn links_and_directories_are_refused() -> TestResult {
        let home = tempfile::tempdir()?;
        let (real, link) = (home.path().join("real.db"), home.path().join("link.db"));
        fs::write(&real, "")?;
        fs::set_permissions(&real, fs::Permissions::from_mode(0o600))?;
        std::os::unix::fs::symlink(&real, &link)?;
        assert!(matches!(prepare(&link), Err(LedgerError::File(FileError::Symlink { .. }))));
        assert!(matches!(existing(&link), Err(LedgerError::File(FileError::Symlink { .. }))));
        // A link to nothing must not make the ledger appear where it points.
        let dangling = home.path().join("dangling.db");
        std::os::unix::fs::symlink(home.path().join("nowhere"), &dangling)?;
        assert!(matches!(prepare(&dangling), Err(LedgerError::File(FileError::Symlink { .. }))));
        assert!(!home.path().join("nowhere").exists());
        assert!(matches!(prepare(home.path()), Err(LedgerError::File(FileError::NotAFile { .. }))));
        assert!(existing(&home.path().join("none/at/all"))?.is_none());
        Ok(())
    }
}
