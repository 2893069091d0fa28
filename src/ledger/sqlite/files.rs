//! Where a ledger lives, and who may look at it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use zeroize::Zeroizing;

use crate::ledger::error::LedgerError;
use crate::ledger::seal::{KEY_LEN, Seal, new_key};

/// The ledger's path: the one asked for, or `stanch/ledger.db` in the user's state folder
/// (`$XDG_STATE_HOME`, by default `~/.local/state`).
pub fn ledger_path(asked: Option<&Path>) -> Result<PathBuf, LedgerError> {
    if let Some(asked) = asked {
        return Ok(asked.to_path_buf());
    }
    let home = etcetera::choose_base_strategy().map_err(|_| LedgerError::NoHome)?;
    let state = home.state_dir().unwrap_or_else(|| home.data_dir());
    Ok(state.join("stanch").join("ledger.db"))
}

/// `path` with something added to its name.
pub(in crate::ledger) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes the folder for `path` (0700), an empty file at `path` (0600) where there is none, and checks what is there.
///
/// Returns the path with its folder resolved, so that SQLite can be told to follow no links.
pub(in crate::ledger) fn prepare(path: &Path) -> Result<PathBuf, LedgerError> {
    let folder = folder_of(path);
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(LedgerError::io("create the folder", folder))?;
    let path = resolve(path)?;
    match create_new(&path) {
        Ok(file) => file.sync_all().map_err(LedgerError::io("write", &path))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(LedgerError::io("create", &path)(error)),
    }
    check(&path)?;
    Ok(path)
}

/// Checks the ledger at `path`, where there is one, and returns the path with its folder resolved.
pub(in crate::ledger) fn existing(path: &Path) -> Result<Option<PathBuf>, LedgerError> {
    match fs::symlink_metadata(path) {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(LedgerError::io("look at", path)(error)),
    }
    let path = resolve(path)?;
    check(&path)?;
    Ok(Some(path))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn resolve(path: &Path) -> Result<PathBuf, LedgerError> {
    let Some(name) = path.file_name() else { return Err(LedgerError::NotAFile { path: path.into() }) };
    let folder = folder_of(path);
    Ok(folder.canonicalize().map_err(LedgerError::io("find the folder", folder))?.join(name))
}

/// Refuses a ledger, or a journal beside it, that others can read, and anything that is no regular file:
/// in a folder that others may write to, somebody else may have put it there.
fn check(path: &Path) -> Result<(), LedgerError> {
    check_file(path)?;
    for suffix in ["-journal", "-wal", "-shm"] {
        let path = beside(path, suffix);
        match check_file(&path) {
            // A journal comes and goes with the transactions of other processes.
            Err(LedgerError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            checked => checked?,
        }
    }
    Ok(())
}

fn check_file(path: &Path) -> Result<(), LedgerError> {
    let meta = fs::symlink_metadata(path).map_err(LedgerError::io("look at", path))?;
    let path = path.to_path_buf();
    if meta.is_symlink() {
        return Err(LedgerError::Symlink { path });
    }
    if !meta.is_file() {
        return Err(LedgerError::NotAFile { path });
    }
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&meta) & 0o7777;
        if mode & 0o077 != 0 {
            return Err(LedgerError::Exposed { path, mode });
        }
    }
    Ok(())
}

/// A new file, 0600; never one that is there already, and never through a link.
pub(in crate::ledger) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The path of the key to the ledger at `path`.
pub(in crate::ledger) fn key_path(path: &Path) -> PathBuf {
    beside(path, ".key")
}

/// Reads the key beside the ledger, `None` if there is no whole one.
pub(in crate::ledger) fn read_key(path: &Path) -> Result<Option<Seal>, LedgerError> {
    let path = key_path(path);
    match check_file(&path) {
        Err(LedgerError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        checked => checked?,
    }
    let mut key = Zeroizing::new([0; KEY_LEN]);
    let mut file = File::open(&path).map_err(LedgerError::io("read", &path))?;
    match file.read_exact(key.as_mut_slice()) {
        Ok(()) => Ok(Some(Seal::new(&key))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(LedgerError::io("read", &path)(error)),
    }
}

/// Makes the key beside the ledger. The caller holds the ledger's write lock, so nobody else does the same.
///
/// Written whole and synced under another name before it gets its own: a key cut short by a crash would pass for one
/// that was altered.
pub(in crate::ledger) fn create_key(path: &Path) -> Result<Seal, LedgerError> {
    let key = new_key()?;
    let (path, draft) = (key_path(path), beside(path, ".key.new"));
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(LedgerError::io("remove", &draft)(error));
        }
        _ => {}
    }
    let mut file = create_new(&draft).map_err(LedgerError::io("create", &draft))?;
    file.write_all(key.as_slice()).map_err(LedgerError::io("write", &draft))?;
    file.sync_all().map_err(LedgerError::io("write", &draft))?;
    fs::rename(&draft, &path).map_err(LedgerError::io("create", &path))?;
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder_of(&path)) {
        // Some file systems cannot sync a folder; the key's content is safe all the same.
        let _ = folder.sync_all();
    }
    Ok(Seal::new(&key))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    type Checked = Result<(), Box<dyn std::error::Error>>;

    fn mode(path: &Path) -> io::Result<u32> {
        Ok(fs::metadata(path)?.mode() & 0o777)
    }

    #[test]
    fn folder_file_and_key_are_private() -> Checked {
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
    fn what_others_can_read_is_refused() -> Checked {
        let home = tempfile::tempdir()?;
        let path = prepare(&home.path().join("ledger.db"))?;
        for (suffix, bits) in [("", 0o640), ("", 0o604), ("-journal", 0o644), (".key", 0o644)] {
            let path = beside(&path, suffix);
            fs::write(&path, [0; KEY_LEN])?;
            fs::set_permissions(&path, fs::Permissions::from_mode(bits))?;
            let ledger = home.path().join("ledger.db");
            let refused = existing(&ledger).err().or_else(|| read_key(&ledger).err());
            let Some(LedgerError::Exposed { path: named, mode }) = refused else {
                return Err(format!("{suffix} {bits:o}: {refused:?}").into());
            };
            assert_eq!((named.file_name(), mode), (path.file_name(), bits));
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        }
        Ok(())
    }

    #[test]
    fn links_and_folders_are_refused() -> Checked {
        let home = tempfile::tempdir()?;
        let (real, link) = (home.path().join("real.db"), home.path().join("link.db"));
        fs::write(&real, "")?;
        fs::set_permissions(&real, fs::Permissions::from_mode(0o600))?;
        std::os::unix::fs::symlink(&real, &link)?;
        assert!(matches!(prepare(&link), Err(LedgerError::Symlink { .. })));
        assert!(matches!(existing(&link), Err(LedgerError::Symlink { .. })));
        // A link to nothing must not make the ledger appear where it points.
        let dangling = home.path().join("dangling.db");
        std::os::unix::fs::symlink(home.path().join("nowhere"), &dangling)?;
        assert!(matches!(prepare(&dangling), Err(LedgerError::Symlink { .. })));
        assert!(!home.path().join("nowhere").exists());
        assert!(matches!(prepare(home.path()), Err(LedgerError::NotAFile { .. })));
        assert!(existing(&home.path().join("none/at/all"))?.is_none());
        Ok(())
    }
}
