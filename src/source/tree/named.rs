//! Files that were named, looked at as git commits them: a link as the text of its target, which is never followed, and every
//! part of a path as a name.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use super::entry_path::EntryPath;
use super::file::Reader;
use super::threads::Threads;
use super::{Options, link_target};
use crate::blob::{MIN_TOKEN_LEN, Sink};

/// The files among the paths that were named.
pub(super) struct NamedFiles<'a> {
    pub(super) paths: &'a [PathBuf],
    /// Whether more than one path was named.
    pub(super) several_roots: bool,
    pub(super) options: &'a Options,
}

/// Whether git commits it as content of its own: a regular file, or a link.
pub(super) fn is_committed(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file() || metadata.is_symlink())
}

impl NamedFiles<'_> {
    /// Hands all of them over, in parallel.
    pub(super) fn drain(&self, sink: &dyn Sink) {
        if self.paths.is_empty() {
            return;
        }
        let threads = Threads::new(self.options.threads);
        let (next, directories) = (AtomicUsize::new(0), Directories::default());
        let work = || {
            let (mut reader, busy) = (Reader::new(&threads), threads.add());
            busy.set(true);
            while let Some(path) = self.paths.get(next.fetch_add(1, Relaxed)) {
                if sink.stopped() {
                    return;
                }
                self.hand_over(path, &mut reader, &directories, sink);
            }
            busy.set(false);
        };
        thread::scope(|scope| {
            for _ in 1..threads.most().min(self.paths.len()) {
                scope.spawn(work);
            }
            work();
        });
    }

    fn hand_over(&self, path: &Path, reader: &mut Reader<'_>, directories: &Directories, sink: &dyn Sink) {
        let entry = EntryPath::named(path, self.several_roots);
        if entry.is_excluded(&self.options.exclude, false) {
            return;
        }
        entry.scan_own_name(sink);
        for directory in directories.new_above(path) {
            EntryPath::named(directory, self.several_roots).scan_own_name(sink);
        }
        if path.is_symlink() {
            link_target(path, &entry, sink);
        } else {
            reader.read(path, &entry, self.options.max_file_size, sink);
        }
    }
}

/// The directories whose names were looked at, each once.
#[derive(Default)]
struct Directories(Mutex<HashSet<PathBuf>>);

impl Directories {
    /// The directories that a path leads through and no path before it did, up to the top of the repository. Those above that
    /// are in no commit; nor are those of an absolute path outside of all repositories.
    fn new_above<'p>(&self, path: &'p Path) -> Vec<&'p Path> {
        let named = |path: &&Path| path.file_name().is_some();
        if path.is_relative() && !path.ancestors().skip(1).filter(named).any(has_long_name) {
            return Vec::new();
        }
        let mut above = Vec::new();
        let mut found_top = path.is_relative();
        for directory in path.ancestors().skip(1).take_while(named) {
            if directory.join(".git").symlink_metadata().is_ok() {
                found_top = true;
                break;
            }
            above.push(directory);
        }
        if !found_top {
            return Vec::new();
        }
        above.retain(|directory| has_long_name(directory));
        let mut seen = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        above.retain(|directory| seen.insert(directory.to_path_buf()));
        above
    }
}

/// Whether a token fits into its name.
fn has_long_name(directory: &Path) -> bool {
    directory.file_name().is_some_and(|name| name.len() >= MIN_TOKEN_LEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_up_to_the_top_of_the_repository_are_looked_at_once() {
        let dir = tempfile::tempdir().expect("a directory");
        let long = "x".repeat(MIN_TOKEN_LEN);
        let above = dir.path().join(&long);
        let top = above.join("r");
        std::fs::create_dir_all(top.join(".git")).expect("directories");
        let directories = Directories::default();
        let inside = top.join(&long).join("short").join(&long);
        assert_eq!(directories.new_above(&inside.join("f")), [inside.as_path(), &top.join(&long)]);
        assert!(directories.new_above(&inside.join("g")).is_empty(), "each once");
        assert!(directories.new_above(&above.join("f")).is_empty(), "in no repository");
        let relative = Path::new("..").join(&long).join(&long);
        assert_eq!(
            directories.new_above(&relative.join("f")),
            [relative.as_path(), &Path::new("..").join(&long)]
        );
        assert!(directories.new_above(Path::new("a/b/f")).is_empty());
    }
}
