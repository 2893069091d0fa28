//! What a search for credentials may cost, and what it has found.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Error, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::extract::Extractor;
use crate::token::Fingerprint;

/// No file of credentials or configuration is this long.
const LONGEST_FILE: u64 = 16 * 1024 * 1024;

/// Nor is there a machine with so many of them: directories that are full of something else cost no more than this.
const MOST_FILES: usize = 5_000;

/// A home on a network may be slow. The search gives up, and says so.
const LONGEST_SEARCH: Duration = Duration::from_secs(20);

/// A file that may hold a credential and could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The file.
    pub path: PathBuf,
    /// Why not.
    pub reason: String,
}

/// A search for credentials: each file is read once.
pub(super) struct Search {
    extractor: Extractor,
    started: Instant,
    read: HashSet<PathBuf>,
    gave_up: bool,
    pub(super) found: HashMap<Fingerprint, String>,
    pub(super) unread: Vec<Unread>,
}

impl Search {
    pub(super) fn new() -> Self {
        Search {
            extractor: Extractor::new(),
            started: Instant::now(),
            read: HashSet::new(),
            gave_up: false,
            found: HashMap::new(),
            unread: Vec::new(),
        }
    }

    /// Keeps the fingerprints of every token in a text.
    pub(super) fn add_from(&mut self, text: &[u8], location: &str) {
        let found = &mut self.found;
        self.extractor.tokens(text, &mut |token| {
            found.entry(Fingerprint::of(token)).or_insert_with(|| location.to_owned());
        });
    }

    /// The same, of a file if there is one.
    pub(super) fn add_from_file(&mut self, path: &Path) {
        if let Some(text) = self.read(path) {
            self.add_from(&text, &path.display().to_string());
        }
    }

    /// The same, of a file of the whole machine.
    pub(super) fn add_from_system_file(&mut self, path: &Path) {
        if let Some(text) = self.read_system_file(path) {
            self.add_from(&text, &path.display().to_string());
        }
    }

    /// The content of a file of the whole machine. One that this user may not read is not what this user works with.
    pub(super) fn read_system_file(&mut self, path: &Path) -> Option<Zeroizing<Vec<u8>>> {
        match self.try_read(path) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => None,
            read => self.noted(path, read),
        }
    }

    /// A file's content, if there is such a file and it was not read before.
    pub(super) fn read(&mut self, path: &Path) -> Option<Zeroizing<Vec<u8>>> {
        let read = self.try_read(path);
        self.noted(path, read)
    }

    fn try_read(&mut self, path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
        if !self.may_go_on(path) || !self.read.insert(path.to_owned()) {
            return Err(ErrorKind::NotFound.into());
        }
        read_bounded(path)
    }

    /// What was read, or a note of why it could not be.
    fn noted<T>(&mut self, path: &Path, read: std::io::Result<T>) -> Option<T> {
        // A path through something that is no directory names no file, and a directory is none.
        let absent = [ErrorKind::NotFound, ErrorKind::NotADirectory, ErrorKind::IsADirectory];
        if let Some(error) = read.as_ref().err().filter(|error| !absent.contains(&error.kind())) {
            self.unread.push(Unread { path: path.to_owned(), reason: error.to_string() });
        }
        read.ok()
    }

    fn may_go_on(&mut self, path: &Path) -> bool {
        if self.gave_up {
            return false;
        }
        let reason = if self.read.len() >= MOST_FILES {
            format!("it was not looked into, nor was what comes behind it: {MOST_FILES} files were")
        } else if self.started.elapsed() > LONGEST_SEARCH {
            let seconds = LONGEST_SEARCH.as_secs();
            format!("it was not looked into, nor was what comes behind it: {seconds} seconds were over")
        } else {
            return true;
        };
        self.gave_up = true;
        self.unread.push(Unread { path: path.to_owned(), reason });
        false
    }
}

fn read_bounded(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    // The usual way to say "no such configuration".
    if path == Path::new("/dev/null") {
        return Ok(Zeroizing::default());
    }
    // Before it is opened: opening a pipe waits for its other end.
    let metadata = std::fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        return Err(Error::other("it is not a file"));
    }
    if metadata.len() > LONGEST_FILE {
        return Err(Error::other("it is too long for a file of credentials"));
    }
    let mut text =
        Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1));
    File::open(path)?.take(LONGEST_FILE).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_ends_and_says_where() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut search = Search::new();
        for n in 0..MOST_FILES {
            search.read(&dir.path().join(n.to_string()));
        }
        assert_eq!(search.unread, []);
        let (one, two) = (dir.path().join("one more"), dir.path().join("two more"));
        std::fs::write(&one, "x").expect("a file");
        assert!(search.read(&one).is_none() && search.read(&two).is_none());
        assert_eq!(search.unread.iter().map(|unread| &unread.path).collect::<Vec<_>>(), [&one]);
        assert!(search.unread[0].reason.contains("5000 files"), "{:?}", search.unread);
    }
}
