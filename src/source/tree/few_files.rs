//! Whether a walk has so little to do that a second thread would only keep it waiting.

use std::fs::{self, Metadata};
use std::path::PathBuf;

/// How many files are few.
const FEW: usize = 16;

/// How many bytes they have together at the most.
const SMALL: u64 = 256 << 10;

/// Whether there are a few small files at `roots`, or right below them, and nothing else. Threads of a walk that have nothing to do
/// sleep for a millisecond before they look for its end: as long as all the rest of such a run takes.
pub(super) fn is_all(roots: &[PathBuf], follow_symlinks: bool) -> bool {
    let (mut files, mut bytes) = (0, 0);
    let mut is_small = |found: &Metadata| {
        files += 1;
        bytes += found.len();
        let is_one_file = found.is_file() || found.is_symlink() && !follow_symlinks;
        is_one_file && files <= FEW && bytes <= SMALL
    };
    roots.iter().all(|root| match fs::metadata(root) {
        Ok(found) if found.is_dir() => fs::read_dir(root).is_ok_and(|mut entries| {
            entries.all(|entry| entry.and_then(|entry| entry.metadata()).is_ok_and(|found| is_small(&found)))
        }),
        Ok(found) => is_small(&found),
        Err(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_or_a_large_file_is_more_than_a_few_small_ones() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = [dir.path().to_owned()];
        assert!(is_all(&root, false), "nothing at all");
        for n in 0..FEW {
            fs::write(dir.path().join(n.to_string()), "x").expect("written");
        }
        assert!(is_all(&root, false));
        fs::write(dir.path().join("more"), "x").expect("written");
        assert!(!is_all(&root, false), "many");
        let file = dir.path().join("more");
        assert!(is_all(std::slice::from_ref(&file), false));
        fs::File::create(&file).and_then(|file| file.set_len(SMALL + 1)).expect("written");
        assert!(!is_all(&[file], false), "large");
        let below = dir.path().join("below");
        fs::create_dir_all(below.join("sub")).expect("a directory");
        assert!(!is_all(&[below], false), "a directory in it");
        assert!(!is_all(&[dir.path().join("gone")], false));
    }
}
