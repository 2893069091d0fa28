//! The files that a change removes, with the paths that they had: what was in them may have moved.

use std::collections::HashMap;

use gix::ObjectId;

use super::object::Mode;
use super::path_graph::PathGraph;
use super::repo::Repo;
use super::tree_diff::{Removed, TreeDiff, read_entries};
use crate::blob::{Origin, Sink};
use crate::text::path_text;

/// Under how many of its paths a file is scanned: whether a token was suppressed there may depend on the path.
const MAX_PATHS: usize = 10;

/// A directory, and a name in it.
type Name = (u32, Box<[u8]>);

/// Every file that is gone, each blob and each directory once, however many paths lead to it.
pub(super) struct RemovedFiles {
    graph: PathGraph,
    files: HashMap<ObjectId, Vec<Name>>,
}

impl RemovedFiles {
    /// Those of a difference, also in directories that are gone as a whole. Ends early where `stopped` says so.
    pub(super) fn of(repo: &Repo, diff: &TreeDiff, stopped: &dyn Fn() -> bool) -> Self {
        let mut removed = RemovedFiles { graph: diff.graph.clone(), files: HashMap::new() };
        let mut dirs: HashMap<ObjectId, u32> = HashMap::new();
        let mut pending = diff.removed.clone();
        while let Some(Removed { dir, name, mode, id }) = pending.pop() {
            if stopped() {
                break;
            }
            match mode {
                Mode::Submodule => {}
                Mode::File | Mode::Link => removed.files.entry(id).or_default().push((dir, name)),
                Mode::Tree => {
                    if let Some(known) = dirs.get(&id) {
                        removed.graph.link(*known, dir, &name);
                        continue;
                    }
                    let dir = removed.graph.add(dir, &name);
                    dirs.insert(id, dir);
                    let entries = read_entries(repo, &id).unwrap_or_default();
                    pending.extend(entries.into_iter().map(|(name, (mode, id))| Removed {
                        dir,
                        name: name.into(),
                        mode,
                        id,
                    }));
                }
            }
        }
        removed
    }

    /// Scans each of them under its paths, as far as there are not too many.
    pub(super) fn scan(&self, repo: &Repo, sink: &dyn Sink) {
        let counts = self.graph.has_copies().then(|| self.graph.counts());
        for (id, places) in &self.files {
            let mut left = MAX_PATHS;
            for (dir, name) in places {
                let count = counts.as_ref().and_then(|counts| counts.get(*dir as usize)).map_or(1, |n| *n);
                let count = usize::try_from(count).unwrap_or(left).min(left);
                left -= count;
                for n in 0..count {
                    if sink.stopped() {
                        return;
                    }
                    // What cannot be read hides nothing: its tokens count as added.
                    let _ = repo.scan_blob(id, sink, &|| Origin::file(self.path(*dir, name, n)));
                }
            }
        }
    }

    /// One of the paths of a name in a directory, by its number.
    fn path(&self, dir: u32, name: &[u8], n: usize) -> String {
        let paths = self.graph.paths(dir, name, n + 1);
        paths.last().map_or_else(String::new, |path| path_text(path))
    }
}
