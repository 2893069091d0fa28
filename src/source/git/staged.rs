//! What is staged: the index (gitformat-index(5)) compared with `HEAD`, never the work tree.

use std::path::{Component, Path, PathBuf};

use gix::ObjectId;
use gix::index::entry::{Flags, Mode as IndexMode};
use gix::index::extension::Tree as CacheTree;

use super::change::Change;
use super::comparison::{Rescan, retain_added};
use super::error::Error;
use super::merge_heads::{Merge, parent_trees};
use super::object::Mode;
use super::path_graph::ROOT;
use super::repo::Repo;
use super::tree_diff::{Entries, Place, TreeDiff, read_entries};
use crate::blob::{Origin, Sink, Source};
use crate::finding::Findings;

/// Staged changes as a source: every blob of the index that `HEAD`, or what is merged into it, does not have under the same
/// path.
pub struct Staged<'a> {
    repo: &'a Repo,
    changes: [Change; 1],
}

impl<'a> Staged<'a> {
    /// What is staged under `paths` (relative to the working directory), or anywhere when there are none.
    ///
    /// Fails where the index or `HEAD` cannot be read, or where a path is outside of the work tree.
    pub fn new(repo: &'a Repo, paths: &[PathBuf]) -> Result<Self, Error> {
        Staged::compare(repo, paths, Merge::Concluded)
    }

    /// What a merge adds that `git merge` is about to commit by itself.
    pub fn of_automatic_merge(repo: &'a Repo) -> Result<Self, Error> {
        Staged::compare(repo, &[], Merge::Automatic)
    }

    fn compare(repo: &'a Repo, paths: &[PathBuf], merge: Merge) -> Result<Self, Error> {
        let index = read_index(repo)?;
        let wanted = paths.iter().map(|path| index_path(repo, path)).collect::<Result<Vec<_>, _>>()?;
        let trees = parent_trees(repo, merge)?;
        let mut diff = IndexDiff { repo, index: &index, wanted: &wanted, diff: TreeDiff::default() };
        diff.compare(trees);
        Ok(Staged { repo, changes: [Change { template: Origin::default(), diff: diff.diff }] })
    }

    /// Removes from `findings` what `HEAD` has in the same file, or in one whose removal is staged, too: that is not what
    /// this change adds. `findings` must be of this source only, and made by [`Findings::keeping_all`].
    pub fn retain_added(&self, findings: &mut Findings, rescan: &Rescan<'_>) {
        retain_added(self.repo, findings, rescan, &|_, compare| self.changes.iter().for_each(compare));
    }
}

impl Source for Staged<'_> {
    fn drain(&self, sink: &dyn Sink) {
        for change in &self.changes {
            change.scan(self.repo, sink);
        }
        self.repo.lfs.report_missing(self.repo.requires_all, sink);
    }
}

/// Reads the index as git does, which leaves its checksum to `git fsck` (`verify_hdr` in read-cache.c): the hash of a large
/// one takes longer than all else. Where there is none, nothing is staged.
fn read_index(repo: &Repo) -> Result<gix::index::File, Error> {
    let (path, options) = (repo.inner.index_path(), gix::index::decode::Options::default());
    let index = gix::index::File::at_or_default(&path, repo.hash(), true, options);
    index.map_err(|error| Error::Index { path, reason: error.to_string() })
}

/// A path as the index has it: from the root of the work tree.
fn index_path(repo: &Repo, path: &Path) -> Result<Vec<u8>, Error> {
    let outside = || Error::Outside { path: path.to_owned(), root: repo.root().to_owned() };
    let root = repo.inner.workdir().ok_or_else(outside)?;
    let root = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let current_dir = std::fs::canonicalize(repo.inner.current_dir())
        .unwrap_or_else(|_| repo.inner.current_dir().to_owned());
    // The index may have a file that the work tree has not, so the path need not exist: `..` is resolved lexically.
    let mut absolute = PathBuf::new();
    for component in current_dir.join(path).components() {
        match component {
            Component::ParentDir => drop(absolute.pop()),
            Component::CurDir => {}
            component => absolute.push(component),
        }
    }
    let relative = absolute.strip_prefix(&root).map(Path::to_owned).or_else(|_| {
        let (dir, name) = absolute.parent().zip(absolute.file_name()).ok_or_else(outside)?;
        let dir = std::fs::canonicalize(dir).map_err(|_| outside())?;
        dir.join(name).strip_prefix(&root).map(Path::to_owned).map_err(|_| outside())
    })?;
    let relative = gix::path::into_bstr(relative).map_err(|_| outside())?;
    Ok(gix::path::to_unix_separators_on_windows(relative).to_vec())
}

struct IndexDiff<'a> {
    repo: &'a Repo,
    index: &'a gix::index::State,
    /// The paths to compare; all where there are none.
    wanted: &'a [Vec<u8>],
    diff: TreeDiff,
}

/// A directory of the index, to be compared with some trees.
struct IndexDir<'a> {
    dir: u32,
    /// The entries below it.
    entries: &'a [gix::index::Entry],
    /// Where in their paths the names in this directory start.
    start: usize,
    /// The trees that were there before.
    trees: Vec<ObjectId>,
    cache: Option<&'a CacheTree>,
}

impl<'a> IndexDiff<'a> {
    /// Compares the index with some trees: what one of them has is not added.
    fn compare(&mut self, trees: Vec<ObjectId>) {
        let (entries, cache) = (self.index.entries(), self.index.tree());
        let mut pending = vec![IndexDir { dir: ROOT, entries, start: 0, trees, cache }];
        while let Some(dir) = pending.pop() {
            self.compare_dir(&dir, &mut pending);
        }
    }

    /// Compares the index entries of one directory with what some trees have there, unless the cache tree of the index has
    /// the same as one of them (gitformat-index(5), "Cache tree").
    fn compare_dir(&mut self, dir: &IndexDir<'a>, pending: &mut Vec<IndexDir<'a>>) {
        let IndexDir { cache, start, .. } = *dir;
        let path = dir.entries.first().map(|entry| entry.path(self.index)).unwrap_or_default();
        let path = path.get(..start.saturating_sub(1)).unwrap_or_default();
        let cached = cache.filter(|cache| cache.num_entries.is_some()).map(|cache| cache.id);
        if cached.is_some_and(|id| dir.trees.contains(&id)) || !self.leads_to_wanted(path) {
            return;
        }
        let mut olds: Vec<Entries> = dir.trees.iter().map(|tree| self.read_entries(dir.dir, tree)).collect();
        let mut rest = dir.entries;
        while let Some(entry) = rest.first() {
            let path: &'a [u8] = entry.path(self.index);
            let below = path.get(start..).unwrap_or_default();
            let Some(slash) = memchr::memchr(b'/', below) else {
                let old: Vec<_> = olds.iter().filter_map(|old| old.get(below)).copied().collect();
                self.compare_entry(entry, (dir.dir, below), &old);
                rest = rest.get(1..).unwrap_or_default();
                // In a conflict, a path has several stages one after the other, each compared with the same old entry.
                if rest.first().is_none_or(|next| next.path(self.index) != entry.path(self.index)) {
                    for old in &mut olds {
                        old.remove(below);
                    }
                }
                continue;
            };
            let (name, prefix) = (&below[..slash], &below[..=slash]);
            // One by one: git does not check that they are sorted, either.
            let count = rest.iter().take_while(|entry| {
                entry.path(self.index).get(start..).is_some_and(|path| path.starts_with(prefix))
            });
            let (inside, after) = rest.split_at(count.count().max(1));
            rest = after;
            let cache =
                cache.and_then(|cache| cache.children.iter().find(|child| child.name.as_slice() == name));
            let old: Vec<_> = olds.iter_mut().filter_map(|old| old.remove(name)).collect();
            if old.is_empty() && self.leads_to_wanted(&path[..start + slash]) {
                self.diff.new_names.push((dir.dir, name.into()));
            }
            let (trees, others): (Vec<_>, Vec<_>) =
                old.into_iter().partition(|(mode, _)| *mode == Mode::Tree);
            for (mode, id) in &others {
                self.diff.remove((dir.dir, name), *mode, *id);
            }
            let trees = trees.into_iter().map(|(_, id)| id).collect();
            let (dir, start) = (self.diff.graph.add(dir.dir, name), start + slash + 1);
            pending.push(IndexDir { dir, entries: inside, start, trees, cache });
        }
        for (name, (mode, id)) in olds.into_iter().flatten() {
            self.diff.remove((dir.dir, &name), mode, id);
        }
    }

    fn read_entries(&mut self, dir: u32, tree: &ObjectId) -> Entries {
        read_entries(self.repo, tree).unwrap_or_else(|error| {
            self.diff.unreadable.push((dir, *tree, error));
            Entries::new()
        })
    }

    fn compare_entry(
        &mut self,
        entry: &gix::index::Entry,
        (dir, name): (u32, &[u8]),
        old: &[(Mode, ObjectId)],
    ) {
        // `git add --intent-to-add` stages a path without its content.
        let is_empty = entry.flags.contains(Flags::INTENT_TO_ADD);
        if is_empty
            || !self.is_wanted(entry.path(self.index))
            || old.iter().any(|(mode, id)| *id == entry.id && *mode != Mode::Submodule)
        {
            return;
        }
        if old.is_empty() {
            self.diff.new_names.push((dir, name.into()));
        }
        let ids_of = |modes: &[Mode]| -> Vec<ObjectId> {
            old.iter().filter(|(mode, _)| modes.contains(mode)).map(|(_, id)| *id).collect()
        };
        if entry.mode.contains(IndexMode::COMMIT) {
            return;
        }
        // A sparse index has one entry for a whole directory outside of the cone (gitformat-index(5), "Sparse
        // Directory Entries").
        if entry.mode == IndexMode::DIR {
            let dir = self.diff.graph.add(dir, name.strip_suffix(b"/").unwrap_or(name));
            self.diff.compare(self.repo, dir, (&entry.id, &ids_of(&[Mode::Tree])), &|| false);
            return;
        }
        let link = entry.mode == IndexMode::SYMLINK;
        let preimages = ids_of(&[Mode::File, Mode::Link]);
        let place = Place { dir, name: name.into(), link, preimages };
        self.diff.add(entry.id, place);
    }

    /// Whether a file is to be compared.
    fn is_wanted(&self, path: &[u8]) -> bool {
        self.wanted.is_empty() || self.wanted.iter().any(|wanted| is_below(path, wanted))
    }

    /// Whether a directory is to be compared, or one below it.
    fn leads_to_wanted(&self, dir: &[u8]) -> bool {
        self.is_wanted(dir) || self.wanted.iter().any(|wanted| is_below(wanted, dir))
    }
}

fn is_below(path: &[u8], dir: &[u8]) -> bool {
    dir.is_empty() || path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}
