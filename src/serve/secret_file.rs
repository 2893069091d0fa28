//! Files that hold secrets: read only where others cannot read them, too.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// More than any of these files is long.
const LONGEST: u64 = 1024 * 1024;

/// Why a file of secrets cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretFileError {
    /// It could not be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Others can read it.
    #[error("{path} can be read by others (mode {mode:04o}); run `chmod 600 {path}`")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Somebody else owns it.
    #[error("{path} belongs to another user (uid {owner}), who can read it; use one of your own, or root's")]
    OthersFile {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// It is longer than anything that it could hold.
    #[error("{path} is longer than {LONGEST} bytes; name the file that was meant")]
    TooLong {
        /// The file.
        path: PathBuf,
    },
}

/// Reads a file of secrets.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretFileError> {
    let unreadable = |source| SecretFileError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    check(path, &metadata)?;
    if metadata.is_file() && metadata.len() > LONGEST {
        return Err(SecretFileError::TooLong { path: path.to_owned() });
    }
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(LONGEST).unwrap_or_default() + 1));
    file.take(LONGEST + 1).read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LONGEST {
        return Err(SecretFileError::TooLong { path: path.to_owned() });
    }
    Ok(text)
}

/// Refuses a file that others can read. One that root owns may be readable by a group, as those are that systemd and Kubernetes
/// hand to a service.
#[cfg(unix)]
fn check(path: &Path, metadata: &Metadata) -> Result<(), SecretFileError> {
    use std::os::unix::fs::MetadataExt as _;
    // A pipe, as from a shell's `<(…)`.
    if !metadata.is_file() {
        return Ok(());
    }
    let (path, owner, mode) = (path.to_owned(), metadata.uid(), metadata.mode() & 0o7777);
    let own = nix::unistd::geteuid().as_raw();
    if owner != own && owner != 0 {
        return Err(SecretFileError::OthersFile { path, owner });
    }
    let others = if owner == 0 && own != 0 { 0o037 } else { 0o077 };
    if mode & others != 0 { Err(SecretFileError::Exposed { path, mode }) } else { Ok(()) }
}

#[cfg(not(unix))]
fn check(_: &Path, _: &Metadata) -> Result<(), SecretFileError> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_others_can_read_is_refused() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("secret");
        fs::write(&path, "hunter2").expect("a file");
        for (mode, is_refused) in
            [(0o600, false), (0o400, false), (0o640, true), (0o604, true), (0o660, true)]
        {
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("set");
            let read = read(&path);
            assert_eq!(matches!(read, Err(SecretFileError::Exposed { .. })), is_refused, "{mode:o}");
            assert!(is_refused || read.is_ok_and(|text| *text == b"hunter2"), "{mode:o}");
        }
    }

    #[test]
    fn what_is_not_there_or_far_too_long_is_refused_by_name() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("secret");
        let error = read(&path).expect_err("there is none").to_string();
        assert!(error.contains("secret"), "{error}");
        fs::write(&path, vec![b'#'; 1024 * 1024 + 1]).expect("a file");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("set");
        assert!(matches!(read(&path), Err(SecretFileError::TooLong { .. })));
        assert!(matches!(read(Path::new("/dev/zero")), Err(SecretFileError::TooLong { .. })));
    }
}
