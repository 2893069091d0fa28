//! The directory of a mirror: made, tidied after what was interrupted, set aside, removed.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::error::GitError;
use super::fetching::Head;
use super::place;
use super::refs::Workshop;
use super::url::CloneUrl;

/// A bare repository (gitrepository-layout(5), `extensions.objectFormat` in git-config(1)). What `refs/replace/` puts in an
/// object's place is not what the server shows there (git-replace(1)).
const SHA1: &str =
    "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n\tuseReplaceRefs = false\n";
const SHA256: &str = "[core]\n\trepositoryformatversion = 1\n\tfilemode = true\n\tbare = true\n\tuseReplaceRefs = false\n[extensions]\n\tobjectformat = sha256\n";

/// The file by which a mirror is known, and what it is a mirror of.
const MARK: &str = "stanch-mirror";

/// For whoever runs git in a mirror: it must not delete what nothing leads to any more.
const NO_COLLECTION: &str = "[gc]\n\tauto = 0\n\tpruneExpire = never\n[maintenance]\n\tauto = false\n";

/// Whether a mirror of this address is at `path`. It may be incomplete.
///
/// # Errors
/// Where something else is there, which is left alone.
pub(super) fn is_mirror(path: &Path, url: &CloneUrl) -> Result<bool, GitError> {
    let refused = |reason: String| GitError::Place { path: path.to_owned(), reason };
    match fs::read_to_string(path.join(MARK)) {
        Ok(text) if text.trim_end() == url.as_str() => Ok(true),
        Ok(text) => {
            let other = crate::text::one_line(&text, crate::text::MESSAGE_LIMIT);
            Err(refused(format!("a mirror of {other} is there, and not one of {url}")))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let count = match fs::read_dir(path) {
                Ok(entries) => entries.count(),
                Err(error) if error.kind() == ErrorKind::NotFound => 0,
                Err(error) => return Err(GitError::io(path, &error)),
            };
            if count == 0 {
                return Ok(false);
            }
            Err(refused("something is there that this program did not make".to_owned()))
        }
        Err(error) => Err(GitError::io(path, &error)),
    }
}

/// Makes the repository, or completes one whose making was interrupted. Whether it is new.
pub(super) fn init(workshop: &Workshop<'_>, url: &CloneUrl, head: &Head) -> Result<bool, GitError> {
    let path = workshop.path;
    let failed = |error: io::Error| GitError::io(path, &error);
    place::make(path).map_err(failed)?;
    let is_new = !path.join("HEAD").exists();
    // Before anything else is in it, and all of it at once: whatever is interrupted, it is known as a mirror.
    let (mark, draft) = (path.join(MARK), path.join(format!("{MARK}.new")));
    if !mark.exists() {
        fs::write(&draft, format!("{url}\n")).and_then(|()| fs::rename(&draft, &mark)).map_err(failed)?;
    }
    tidy(path).map_err(failed)?;
    let mut command = workshop.command(&["init", "--bare", "--quiet", "--template="])?;
    if is_new && head.id.as_ref().is_some_and(|id| id.len() == 64) {
        command.arg("--object-format=sha256");
    }
    workshop.lines(command, None, &mut |_| {})?;
    configure(path).map_err(failed)?;
    Ok(is_new)
}

/// Writes the mirror's own configuration: whatever somebody has put into it since has no say in where a credential goes.
fn configure(path: &Path) -> io::Result<()> {
    let (config, draft) = (path.join("config"), path.join("config.new"));
    let before = fs::read_to_string(&config)?;
    let hash = if before.to_ascii_lowercase().contains("objectformat = sha256") { SHA256 } else { SHA1 };
    let wanted = format!("{hash}{NO_COLLECTION}");
    if before == wanted {
        return Ok(());
    }
    fs::write(&draft, wanted)?;
    fs::rename(&draft, &config)
}

/// Makes what an earlier run has left fit to be read. Whether there is a repository.
pub(super) fn restore(path: &Path) -> Result<bool, GitError> {
    let there = ["HEAD", "config", "objects"].iter().all(|name| path.join(name).exists());
    if there {
        tidy(path).and_then(|()| configure(path)).map_err(|error| GitError::io(path, &error))?;
    }
    Ok(there)
}

/// Removes what interrupted calls of git leave: locks, and beginnings of packs. The mirror's own lock says that nobody is at
/// work on them.
pub(super) fn tidy(path: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        let name = name.to_string_lossy();
        let is_left = name.ends_with(".lock") || name.starts_with("tmp_") || name.starts_with("incoming-");
        match (kind.is_dir(), is_left) {
            (true, true) => fs::remove_dir_all(entry.path())?,
            (true, false) => tidy(&entry.path())?,
            (false, true) => fs::remove_file(entry.path())?,
            (false, false) => {}
        }
    }
    Ok(())
}

/// Has the mirror's `HEAD` stand for what the server's does.
pub(super) fn set_head(workshop: &Workshop<'_>, head: &Head) -> Result<(), GitError> {
    let now = fs::read_to_string(workshop.path.join("HEAD")).unwrap_or_default();
    let now = now.trim_end().strip_prefix("ref: ");
    let command = match head {
        Head { name: Some(name), .. } if now == Some(name) => return Ok(()),
        Head { name: Some(name), .. } if name.starts_with("refs/") => {
            workshop.command(&["symbolic-ref", "HEAD", name])?
        }
        Head { id: Some(id), .. } => workshop.command(&["update-ref", "--no-deref", "HEAD", id])?,
        _ => return Ok(()),
    };
    match workshop.lines(command, None, &mut |_| {}) {
        // A name that git does not take as that of a branch, or an object that was not sent: the scan begins at all refs.
        Err(GitError::Git { .. } | GitError::Damaged { .. }) => Ok(()),
        set => set,
    }
}

/// Gives a damaged mirror another name, which is the answer.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, GitError> {
    let name = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".damaged-{number}"));
        PathBuf::from(name)
    };
    let free = (1..=u32::MAX).map(name).find(|name| fs::symlink_metadata(name).is_err());
    let aside = free.unwrap_or_else(|| name(0));
    fs::rename(path, &aside).map_err(|error| GitError::io(path, &error))?;
    Ok(aside)
}

/// Takes that back.
pub(super) fn put_back(path: &Path, aside: &Path) -> Result<(), GitError> {
    remove(path)?;
    fs::rename(aside, path).map_err(|error| GitError::io(path, &error))
}

/// Removes a mirror, whatever there is of it. Half of one is never in its place, however the run ends.
pub(super) fn remove(path: &Path) -> Result<(), GitError> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".removed");
    let aside = PathBuf::from(aside);
    let missing_is_fine = |result: io::Result<()>| match result {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(GitError::io(path, &error)),
        _ => Ok(()),
    };
    missing_is_fine(fs::remove_dir_all(&aside))?;
    missing_is_fine(fs::rename(path, &aside))?;
    missing_is_fine(fs::remove_dir_all(&aside))
}
