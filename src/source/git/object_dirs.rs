//! The directories of an object database: its own, and its alternates (gitrepository-layout(5), "objects/info/alternates").

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::blob::{Fault, FaultKind};
use crate::text::path_text;

/// Directories of objects, each once.
#[derive(Default)]
pub(super) struct ObjectDirs {
    /// All objects in them are the repository's.
    pub(super) own: Vec<PathBuf>,
    /// Alternates outside of what is scanned: somebody else's, and of the objects in them only those that the repository's
    /// own refs lead to are its own.
    pub(super) borrowed: Vec<PathBuf>,
    /// Alternates that are not there.
    pub(super) faults: Vec<Fault>,
}

impl ObjectDirs {
    /// Follows alternates, and those of alternates, from `roots` on. Where `within` is given, what is outside of it is
    /// borrowed. Alternates that lead in a circle are no error, as they are none to git.
    pub(super) fn resolve(roots: Vec<PathBuf>, within: Option<&Path>) -> Self {
        let mut dirs = ObjectDirs::default();
        let mut known = HashSet::new();
        let mut pending: Vec<(PathBuf, Option<PathBuf>)> =
            roots.into_iter().rev().map(|root| (root, None)).collect();
        while let Some((dir, named_by)) = pending.pop() {
            let real = fs::canonicalize(&dir).ok().filter(|real| real.is_dir());
            let Some(real) = real else {
                // A repository without objects has no directory for them at times.
                dirs.faults.extend(named_by.map(|file| lost(&file, &dir)));
                continue;
            };
            if !known.insert(real.clone()) {
                continue;
            }
            let file = real.join("info/alternates");
            let named = fs::read(&file).ok().and_then(|text| gix::odb::alternate::parse(&text).ok());
            // A path that is not absolute starts at the directory whose alternate it is.
            let named = named.unwrap_or_default().into_iter().rev();
            pending.extend(named.map(|path| (real.join(path), Some(file.clone()))));
            let is_own = within.is_none_or(|root| real.starts_with(root));
            if is_own { dirs.own.push(real) } else { dirs.borrowed.push(real) }
        }
        dirs
    }

    /// All of them, the own ones first.
    pub(super) fn all(&self) -> Vec<PathBuf> {
        [self.own.as_slice(), &self.borrowed].concat()
    }
}

fn lost(file: &Path, dir: &Path) -> Fault {
    let dir = path_text(dir.as_os_str().as_encoded_bytes());
    let reason =
        format!("it names `{dir}`, which is not there: objects that are only in it were not scanned");
    Fault { path: file.display().to_string(), kind: FaultKind::Unreadable, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(parent: &Path, name: &str, alternates: &str) -> PathBuf {
        let dir = parent.join(name);
        fs::create_dir_all(dir.join("info")).expect("a directory");
        fs::write(dir.join("info/alternates"), alternates).expect("written");
        fs::canonicalize(dir).expect("it is there")
    }

    #[test]
    fn alternates_are_followed_each_once() {
        let temporary = tempfile::tempdir().expect("a directory");
        let a = dir(temporary.path(), "a", "# a comment\n../b\n\n\"../c\\040d\"\n../gone\n");
        let b = dir(temporary.path(), "b", "../a\n../b\n");
        let c = dir(temporary.path(), "c d", "../b\n");
        let dirs = ObjectDirs::resolve(vec![a.clone()], None);
        assert_eq!(dirs.own, [a.clone(), b.clone(), c.clone()]);
        assert!(dirs.borrowed.is_empty());
        assert_eq!(dirs.faults.len(), 1);
        assert!(dirs.faults[0].reason.contains("gone"), "{:?}", dirs.faults);
        let dirs = ObjectDirs::resolve(vec![a.clone()], Some(&a));
        assert_eq!((dirs.own, dirs.borrowed), (vec![a], vec![b, c]));
    }
}
