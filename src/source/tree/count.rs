//! Counts the files of a tree while it is scanned, so that somebody at a terminal sees how much is left.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::entry_path::EntryPath;
use super::object_database::{LastRoot, holds_objects};
use super::{Tree, mounts};
use crate::meter::Meter;

impl Tree {
    /// Tells `meter` how many files there are to scan: a walk of its own, which opens none of them. Stops where `stop` is
    /// set; returns whether it has seen all.
    pub fn count(&self, meter: &Meter, stop: &AtomicBool) -> bool {
        meter.expect(self.named.iter().filter(|path| !path.is_symlink()).count() as u64);
        let Some(builder) = self.walk(1) else { return true };
        let kernel = mounts::kernel_mounts(&mounts::table());
        let passed_over: Vec<_> = self.roots.iter().flat_map(|root| mounts::below(root, &kernel)).collect();
        let (options, several_roots, shard) = (self.options.clone(), self.several_roots, self.options.shard);
        let mut builder = builder;
        builder.filter_entry(move |entry| {
            let path = EntryPath::of(entry, several_roots);
            let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
            !path.is_excluded(&options.exclude, is_dir)
                && !passed_over.iter().any(|mount| *mount == entry.path())
        });
        let mut last_root = LastRoot::default();
        for entry in builder.build().filter_map(Result::ok) {
            if stop.load(Relaxed) {
                return false;
            }
            let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
            let is_own = || EntryPath::of(&entry, several_roots).is_in(shard);
            if is_file && is_own() && !holds_objects(entry.path(), &mut last_root) {
                meter.expect(1);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::blob::Source as _;
    use crate::detect::Detector;
    use crate::finding::Findings;
    use crate::rule;
    use crate::scan::Collector;
    use crate::source::tree::{Exclude, Options};

    #[test]
    fn as_many_files_are_counted_as_are_scanned() {
        let dir = tempfile::tempdir().expect("a directory");
        for file in ["a", "b/c", "b/.hidden", "out/x", "r/.git/HEAD", "r/.git/refs/x", "r/.git/objects/aa/bb"]
        {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
            fs::write(path, "text").expect("a file");
        }
        let options = Options {
            gitignore: false,
            exclude: Exclude::new(["out"]).expect("a glob"),
            follow_symlinks: false,
            as_committed: false,
            max_file_size: None,
            history: false,
            shard: None,
            threads: 1,
        };
        let tree = Tree::new(vec![dir.path().to_owned()], options);
        let meter = Meter::default();
        assert!(tree.count(&meter, &AtomicBool::new(false)));
        let (detector, findings) = (Detector::new(rule::built_in()), Findings::default());
        tree.drain(&Collector::new(&detector, &findings, &meter));
        let read = meter.read();
        assert_eq!((read.expected, read.files), (6, 6));
        assert!(!tree.count(&meter, &AtomicBool::new(true)), "stopped");
    }
}
