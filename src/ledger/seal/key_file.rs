//! The files of a key pair: FILE, which nobody else can read, and FILE.pub.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::key_text::KeyTextError;

/// The most bytes that are read of a file: a key and what somebody wrote around it.
const MAX_LEN: u64 = 64 * 1024;

/// What can be wrong with the file of a key, or of another secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// There is none.
    #[error("there is no file {path}; where it is to be a key, `stanch ledger keygen` makes one")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Others can read a file that is private.
    #[error("{path} can be read by others (mode {mode:04o}); run `chmod 600 {path}`")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Somebody else owns a file that is private.
    #[error(
        "{path} belongs to another user (uid {owner}), who can read it; use a file of your own, or of root's"
    )]
    OthersFile {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// A directory, a pipe, a device.
    #[error("{path} is not a regular file; name one that is")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Something is there where a new key was to be.
    #[error("{path} exists already, and was left as it is: tokens may be sealed to it. Name another path")]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// Its content is not the key asked for.
    #[error("{path} cannot be used: {problem}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: KeyTextError,
    },
    /// A text that is in no file is not the key asked for.
    #[error("the text cannot be used as a key: {0}")]
    Text(#[from] KeyTextError),
    /// A system call failed.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried, as in "cannot read".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// The path of the public half beside the private one.
pub(super) fn public_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".pub");
    PathBuf::from(name)
}

/// The content of a public key's file.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let (mut file, _) = open(path)?;
    content(&mut file, path)
}

/// The content of a private file, which is refused where others can read it.
pub(in crate::ledger) fn read_private(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let (mut file, meta) = open(path)?;
    check_private(path, &meta)?;
    content(&mut file, path)
}

/// A link is followed: what Kubernetes mounts is one (<https://kubernetes.io/docs/concepts/configuration/secret/>).
fn open(path: &Path) -> Result<(File, fs::Metadata), KeyFileError> {
    // Looked at before it is opened: to open a pipe is to wait for its writer.
    let is_file = fs::metadata(path).map_err(failed("look at", path))?.is_file();
    if !is_file {
        return Err(KeyFileError::NotAFile { path: path.into() });
    }
    let file = File::open(path).map_err(failed("read", path))?;
    let meta = file.metadata().map_err(failed("look at", path))?;
    Ok((file, meta))
}

fn content(file: &mut File, path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    // Never grown, so that no copy is left in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_LEN).unwrap_or_default() + 32));
    file.take(MAX_LEN).read_to_end(&mut bytes).map_err(failed("read", path))?;
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(KeyFileError::Content { path: path.into(), problem: KeyTextError::NoKey })
        }
    }
}

/// Refuses a private file that others can read. One that root owns may be readable by a group, as those are that systemd and
/// Kubernetes hand to a service; PostgreSQL draws the same line (<https://www.postgresql.org/docs/current/ssl-tcp.html>).
#[cfg(unix)]
fn check_private(path: &Path, meta: &fs::Metadata) -> Result<(), KeyFileError> {
    use std::os::unix::fs::MetadataExt as _;
    let (owner, mode) = (meta.uid(), meta.mode() & 0o7777);
    let own = nix::unistd::geteuid().as_raw();
    if owner != own && owner != 0 {
        return Err(KeyFileError::OthersFile { path: path.into(), owner });
    }
    let others = if owner == 0 && own != 0 { 0o037 } else { 0o077 };
    if mode & others != 0 { Err(KeyFileError::Exposed { path: path.into(), mode }) } else { Ok(()) }
}

#[cfg(not(unix))]
fn check_private(_: &Path, _: &fs::Metadata) -> Result<(), KeyFileError> {
    Ok(())
}

/// Writes both halves, durably; neither in the place of anything that is there.
pub(super) fn write_new(path: &Path, private: &str, public: &str) -> Result<(), KeyFileError> {
    let beside = public_path(path);
    if fs::symlink_metadata(&beside).is_ok() {
        return Err(KeyFileError::Exists { path: beside });
    }
    create(path, private, 0o600)?;
    create(&beside, public, 0o644).inspect_err(|_| {
        // Nothing was sealed to it yet.
        let _ = fs::remove_file(path);
    })?;
    sync_directory(path);
    Ok(())
}

/// Creates a file that nobody has yet, not through a link either (`O_EXCL` in open(2)).
fn create(path: &Path, text: &str, mode: u32) -> Result<(), KeyFileError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path).map_err(failed("create", path))?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // Half a key is none.
        let _ = fs::remove_file(path);
        failed("write", path)(error)
    })
}

/// Makes the names durable (fsync(2)): tokens that are sealed to a key that is gone after a power cut are lost.
fn sync_directory(path: &Path) {
    #[cfg(unix)]
    {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
        if let Ok(directory) = File::open(directory.unwrap_or(Path::new("."))) {
            // Some file systems cannot; the content of the files is safe all the same.
            let _ = directory.sync_all();
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyFileError {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::NotFound if action != "create" => KeyFileError::Missing { path },
        io::ErrorKind::AlreadyExists => KeyFileError::Exists { path },
        _ => KeyFileError::Io { action, path, source },
    }
}
