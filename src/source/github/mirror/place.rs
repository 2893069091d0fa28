//! Where mirrors are kept: `DIR/HOST/OWNER/REPO.git`, `…/REPO.wiki.git` and `DIR/HOST/gist/ID.git`, and the lock of each.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::super::names::{RepositoryName, is_name};
use super::error::GitError;
use super::watch::Limits;

/// The pause between two attempts to get a lock.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Where a mirror is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorPlace {
    root: PathBuf,
    /// Directories below the root, and the mirror's own at the end.
    parts: Vec<String>,
}

impl MirrorPlace {
    /// The place of a repository of the server `host` (`NAME[:PORT]`), below `root`.
    pub fn of_repository(root: &Path, host: &str, name: &RepositoryName) -> MirrorPlace {
        MirrorPlace::new(root, host, name.owner(), format!("{}.git", name.name()))
    }

    /// The place of a repository's wiki.
    pub fn of_wiki(root: &Path, host: &str, name: &RepositoryName) -> MirrorPlace {
        MirrorPlace::new(root, host, name.owner(), format!("{}.wiki.git", name.name()))
    }

    /// The place of a gist, if `id` can be the id of one.
    pub fn of_gist(root: &Path, host: &str, id: &str) -> Option<MirrorPlace> {
        is_name(id).then(|| MirrorPlace::new(root, host, "gist", format!("{id}.git")))
    }

    fn new(root: &Path, host: &str, owner: &str, last: String) -> MirrorPlace {
        // A port is written with a colon, which no file on Windows may have in its name.
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || ".-".contains(c) { c.to_ascii_lowercase() } else { '_' }
        };
        let host: String = host.chars().map(plain).collect();
        let host = if host.starts_with('.') || host.is_empty() { format!("_{host}") } else { host };
        MirrorPlace { root: root.to_owned(), parts: vec![host, owner.to_owned(), last] }
    }

    /// The mirror's own directory.
    pub fn path(&self) -> PathBuf {
        self.parts.iter().fold(self.root.clone(), |path, part| path.join(part))
    }

    /// Makes the directories above it, which only this user may enter. What is there already has to be this user's, and no
    /// link: another one could lead the mirror somewhere else.
    pub(super) fn prepare(&self) -> Result<PathBuf, GitError> {
        let above = self.root.parent().filter(|parent| !parent.as_os_str().is_empty());
        let made = above.map_or(Ok(()), fs::create_dir_all).and_then(|()| make(&self.root));
        made.map_err(|error| GitError::io(&self.root, &error))?;
        // The root is of the user's own choice, and may be a link.
        let root = fs::canonicalize(&self.root).map_err(|error| GitError::io(&self.root, &error))?;
        let mut path = root;
        check(&path)?;
        let (last, above) =
            self.parts.split_last().map_or(("", &[][..]), |(last, above)| (last.as_str(), above));
        for part in above {
            path.push(part);
            make(&path).map_err(|error| GitError::io(&path, &error))?;
            check(&path)?;
        }
        path.push(last);
        if fs::symlink_metadata(&path).is_ok() {
            check(&path)?;
        }
        Ok(path)
    }
}

/// Makes one directory, where there is none.
pub(super) fn make(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Refuses what is no directory of this user's.
fn check(path: &Path) -> Result<(), GitError> {
    let refused = |reason: &str| GitError::Place { path: path.to_owned(), reason: reason.to_owned() };
    let meta = fs::symlink_metadata(path).map_err(|error| GitError::io(path, &error))?;
    if meta.is_symlink() {
        return Err(refused("it is a symbolic link"));
    }
    if !meta.is_dir() {
        return Err(refused("it is no directory"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if meta.uid() != nix::unistd::geteuid().as_raw() {
            return Err(refused("it belongs to another user"));
        }
        // Whoever may write to it may put another repository in the place of this one, unless it is sticky (inode(7)).
        if meta.mode() & 0o022 != 0 && meta.mode() & 0o1000 == 0 {
            return Err(refused("others may write to it"));
        }
    }
    Ok(())
}

/// The lock of the mirror at `path`: one run at a time works on it. A `git` that has outlived its run holds it, too.
pub(super) fn lock(path: &Path, limits: &Limits<'_>) -> Result<File, GitError> {
    let name = lock_name(path);
    let asked = Instant::now();
    loop {
        let file = open(&name).map_err(|error| GitError::io(&name, &error))?;
        wait(&file, path, asked, limits)?;
        // Whoever had it may have removed it together with the mirror.
        if is_at(&file, &name) {
            return Ok(file);
        }
    }
}

/// Removes the lock of the mirror at `path`, which the caller holds: others who wait for it make it anew.
pub(super) fn remove_lock(path: &Path) -> Result<(), GitError> {
    let name = lock_name(path);
    match fs::remove_file(&name) {
        Err(error) if cfg!(unix) && error.kind() != ErrorKind::NotFound => Err(GitError::io(&name, &error)),
        _ => Ok(()),
    }
}

fn lock_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn open(name: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW);
    }
    options.open(name)
}

/// Whether the file is the one of this name still.
#[cfg(unix)]
fn is_at(file: &File, name: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let same =
        |own: &fs::Metadata, there: &fs::Metadata| (own.dev(), own.ino()) == (there.dev(), there.ino());
    let (own, there) = (file.metadata(), fs::symlink_metadata(name));
    own.is_ok_and(|own| there.is_ok_and(|there| same(&own, &there)))
}

/// Elsewhere a file that is open cannot be removed.
#[cfg(not(unix))]
fn is_at(_file: &File, _name: &Path) -> bool {
    true
}

fn wait(file: &File, path: &Path, asked: Instant, limits: &Limits<'_>) -> Result<(), GitError> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(GitError::io(path, &error)),
            Err(TryLockError::WouldBlock) if limits.cancel.is_cancelled() => return Err(GitError::Cancelled),
            Err(TryLockError::WouldBlock) if asked.elapsed() > limits.stall => {
                return Err(GitError::Busy(path.to_owned()));
            }
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> RepositoryName {
        RepositoryName::parse(text).unwrap()
    }

    #[test]
    fn mirrors_have_names_that_stay_below_the_root() {
        let root = Path::new("/cache");
        let path = |place: MirrorPlace| place.path().to_string_lossy().into_owned();
        let of = |host| path(MirrorPlace::of_repository(root, host, &name("octo/hello")));
        assert_eq!(of("GitHub.com"), "/cache/github.com/octo/hello.git");
        assert_eq!(of("127.0.0.1:8080"), "/cache/127.0.0.1_8080/octo/hello.git");
        assert_eq!(of("../x"), "/cache/_.._x/octo/hello.git");
        assert_eq!(of(""), "/cache/_/octo/hello.git");
        let wiki = MirrorPlace::of_wiki(root, "github.com", &name("octo/hello"));
        assert_eq!(path(wiki), "/cache/github.com/octo/hello.wiki.git");
        let gist = |id| MirrorPlace::of_gist(root, "github.com", id).map(path);
        assert_eq!(
            gist("aa5a315d61ae9438b18d").as_deref(),
            Some("/cache/github.com/gist/aa5a315d61ae9438b18d.git")
        );
        assert_eq!(gist("../../x"), None);
    }

    #[cfg(unix)]
    #[test]
    fn directories_are_private_and_what_is_planted_is_refused() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("cache");
        let place = MirrorPlace::of_repository(&root, "github.com", &name("octo/hello"));
        let path = place.prepare().unwrap();
        for above in [&root, path.parent().unwrap()] {
            assert_eq!(fs::metadata(above).unwrap().permissions().mode() & 0o777, 0o700);
        }
        let refusal = || match place.prepare().unwrap_err() {
            GitError::Place { reason, .. } => reason,
            error => panic!("{error:?}"),
        };
        fs::write(&path, "").unwrap();
        assert!(refusal().contains("no directory"));
        fs::remove_file(&path).unwrap();
        symlink(directory.path(), &path).unwrap();
        assert!(refusal().contains("symbolic link"));
        fs::remove_file(&path).unwrap();
        let owner = root.join("github.com/octo");
        fs::set_permissions(&owner, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(refusal().contains("others may write"));
        fs::remove_dir(&owner).unwrap();
        symlink(directory.path(), &owner).unwrap();
        assert!(refusal().contains("symbolic link"));
    }
}
