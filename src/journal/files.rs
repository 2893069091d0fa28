//! The files of a journal: private to the user, written whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use super::error::JournalError;
use crate::ledger::{KEY_LEN, new_key};

/// The file by which a journal is known, and locked.
pub(super) const LOCK: &str = "lock";

/// What makes an error of a failed system call, for `map_err`.
fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> JournalError {
    let path = path.to_owned();
    move |source| JournalError::Io { action, path, source }
}

/// Makes a directory and those above it, for the user alone.
pub(super) fn create_directory(path: &Path) -> Result<(), JournalError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(failed("create the directory", path))
}

/// Removes what sweeps have left that nobody went on with: what they noted is too old, and mirrors of theirs may be private.
pub(super) fn remove_old_journals(parent: &Path, age: Duration) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let lock = entry.path().join(LOCK);
        let is_old = fs::metadata(&lock)
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|used| SystemTime::now().duration_since(used).is_ok_and(|since| since > age));
        // Held as long as it is removed: nobody else goes on with it meanwhile.
        if is_old && let Ok(_lock) = self::lock(&lock) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// What the directories of runs are called, with a number that no other has behind it.
const WORK: &str = "work-";

/// Makes a directory for what one run needs.
pub(super) fn new_work_dir(directory: &Path) -> Result<PathBuf, JournalError> {
    let made = tempfile::Builder::new().prefix(WORK).tempdir_in(directory);
    made.map(tempfile::TempDir::keep).map_err(failed("make a directory in", directory))
}

/// Removes those of runs that were killed: nobody knows how far they got. What is still written to is removed the next time.
pub(super) fn remove_old_work(directory: &Path) {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(WORK)) {
        let _ = fs::remove_dir_all(entry.path());
    }
}

/// Takes a lock that ends with the process.
pub(super) fn lock(path: &Path) -> Result<File, JournalError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    private(&mut options);
    let file = options.open(path).map_err(failed("open", path))?;
    match file.try_lock() {
        Ok(()) => {
            // It is in use.
            let _ = file.set_modified(SystemTime::now());
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => Err(JournalError::Busy { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed("lock", path)(source)),
    }
}

/// The key that seals what was found: that of an earlier run, or a new one.
pub(super) fn key(path: &Path) -> Result<Zeroizing<[u8; KEY_LEN]>, JournalError> {
    if let Some(known) = read_key(path)? {
        return Ok(known);
    }
    let key = new_key().map_err(|error| JournalError::Seal(error.to_string()))?;
    write_whole(path, &*key)?;
    Ok(key)
}

/// A key that was written before; none where there is none, or half of one.
fn read_key(path: &Path) -> Result<Option<Zeroizing<[u8; KEY_LEN]>>, JournalError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path)(error)),
    };
    let mut key = Zeroizing::new([0; KEY_LEN]);
    Ok(file.read_exact(&mut *key).is_ok().then_some(key))
}

/// Writes a file that is there whole, or not at all, also after a power cut.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), JournalError> {
    let beside = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    private(&mut options);
    let written = options.open(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_data()
    });
    let written = written.and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.map_err(failed("write", path))
}

fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}
