//! What reflogs say: the messages of commits that were amended or are long gone, and what was checked out when
//! (git-reflog(1)).

use std::fs;
use std::path::{Path, PathBuf};

use super::refs::git_dirs;
use super::repo::Repo;
use crate::blob::{Blob, Body, Fault, FaultKind, LocationKind, Origin, Sink};
use crate::finding::Location;
use crate::shard::Shard;
use crate::text::path_text;

/// Passes every reflog to `sink`, or those of a shard, also those of linked work trees, each as a file: `.git/logs/HEAD`.
pub(super) fn scan(repo: &Repo, shard: Option<Shard>, sink: &dyn Sink) {
    let common = repo.inner.common_dir();
    let top = if repo.inner.is_bare() { "" } else { ".git/" };
    for dir in git_dirs(repo) {
        let below = dir.strip_prefix(common).unwrap_or(Path::new(""));
        let mut pending = vec![below.join("logs")];
        while let Some(path) = pending.pop() {
            if sink.stopped() {
                return;
            }
            let name = format!("{top}{}", path_text(path.as_os_str().as_encoded_bytes()));
            let file = common.join(&path);
            let is_own = shard.is_none_or(|shard| shard.owns_name(name.as_bytes()));
            if !is_own && !fs::symlink_metadata(&file).is_ok_and(|found| found.is_dir()) {
                continue;
            }
            if let Err(error) = scan_one(&file, &path, &name, sink, &mut pending)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                sink.fault(Fault { path: name, kind: FaultKind::Unreadable, reason: error.to_string() });
            }
        }
    }
}

/// Scans a file, or lists a directory.
fn scan_one(
    file: &Path,
    path: &Path,
    name: &str,
    sink: &dyn Sink,
    pending: &mut Vec<PathBuf>,
) -> std::io::Result<()> {
    // A link may lead out of the repository.
    let kind = fs::symlink_metadata(file)?.file_type();
    if kind.is_dir() {
        for entry in fs::read_dir(file)? {
            pending.push(path.join(entry?.file_name()));
        }
    } else if kind.is_file() {
        let bytes = fs::read(file)?;
        sink.meter().bytes(bytes.len() as u64);
        if !bytes.is_empty() {
            sink.blob(Blob { body: Body::Whole(&bytes), origin: &|| Origin::file(name) });
        }
    } else {
        return Err(std::io::Error::other("it is no file, and is not followed"));
    }
    Ok(())
}

/// Whether a location of a history is in a reflog: all other content is that of an object.
pub(super) fn is_reflog(location: &Location) -> bool {
    location.kind == LocationKind::Content && location.details().object.is_none()
}
