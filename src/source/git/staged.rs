//! What is staged: the index against `HEAD`, never the work tree.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use gix::ObjectId;
use gix::index::entry::{Flags, Mode as IndexMode};
use gix::index::extension::Tree as CacheTree;

use super::Error;
use super::additions::{self, Change, Pipe};
use super::diff::{Added, Diff, Listing, join, listing};
use super::object::{CommitHeader, Mode};
use super::pack::Kind;
use super::repo::{ReadError, Repo};
use crate::blob::{Origin, Sink, Source};
use crate::finding::Findings;

/// Staged changes as a source: every blob of the index that `HEAD` does not have under the same path.
pub struct Staged<'a> {
    repo: &'a Repo,
    changes: [Change; 1],
}

impl<'a> Staged<'a> {
    /// What is staged under `paths` (relative to the working directory), or anywhere when there are none.
    pub fn new(repo: &'a Repo, paths: &[PathBuf]) -> Result<Self, Error> {
        let index = repo
            .inner
            .index_or_empty()
            .map_err(|error| Error::Index { path: repo.inner.index_path(), reason: error.to_string() })?;
        let wanted = paths.iter().map(|path| within(repo, path)).collect::<Result<Vec<_>, _>>()?;
        let head = head_tree(repo)?;
        let mut compare = Compare { repo, index: &index, wanted: &wanted, diff: Diff::default() };
        compare.folder(index.entries(), &[], head, index.tree());
        Ok(Staged { repo, changes: [Change { template: Origin::default(), diff: compare.diff }] })
    }

    /// How many blobs are looked at.
    pub fn blobs(&self) -> usize {
        self.changes.iter().map(|change| change.diff.added.len()).sum()
    }

    /// Takes out of `findings` (gathered from this source alone, by [`Findings::keeping_all`]) what `HEAD` has in the same
    /// file, or in one whose removal is staged, too: that is not what this change adds.
    pub fn settle(&self, findings: &mut Findings, pipe: &Pipe<'_>) {
        additions::subtract(self.repo, &self.changes, findings, pipe);
        findings.replace_locations(&mut |locations| (locations, 0));
    }
}

impl Source for Staged<'_> {
    fn drain(&self, sink: &dyn Sink) {
        for change in &self.changes {
            change.show(self.repo, sink);
        }
    }
}

/// The tree of `HEAD`; none before the first commit.
fn head_tree(repo: &Repo) -> Result<Option<ObjectId>, Error> {
    let unread = |reason: String| Error::Head { path: repo.root().to_owned(), reason };
    let head = repo.inner.head().map_err(|error| unread(error.to_string()))?;
    let Some(id) = head.id() else { return Ok(None) };
    let mut bytes = Vec::new();
    repo.read_as(Kind::Commit, &id, &mut bytes)
        .map_err(|_| unread(format!("its commit {id} is missing or damaged")))?;
    let links = CommitHeader::of(&bytes).ok_or_else(|| unread(format!("its commit {id} is damaged")))?;
    Ok(Some(links.tree))
}

/// A path as the index writes it: from the repository's root.
fn within(repo: &Repo, path: &Path) -> Result<Vec<u8>, Error> {
    let outside = || Error::Outside { path: path.to_owned(), root: repo.root().to_owned() };
    let root = repo.inner.workdir().ok_or_else(outside)?;
    let root = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let here = std::fs::canonicalize(repo.inner.current_dir())
        .unwrap_or_else(|_| repo.inner.current_dir().to_owned());
    // The file need not exist: the index may have what the work tree lacks. So `..` is taken off as text.
    let mut whole = PathBuf::new();
    for part in here.join(path).components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            Component::CurDir => {}
            part => whole.push(part),
        }
    }
    let inside = whole.strip_prefix(&root).map(Path::to_owned).or_else(|_| {
        let (folder, name) = whole.parent().zip(whole.file_name()).ok_or_else(outside)?;
        let folder = std::fs::canonicalize(folder).map_err(|_| outside())?;
        folder.join(name).strip_prefix(&root).map(Path::to_owned).map_err(|_| outside())
    })?;
    let inside = gix::path::into_bstr(inside).map_err(|_| outside())?;
    Ok(gix::path::to_unix_separators_on_windows(inside).to_vec())
}

struct Compare<'a> {
    repo: &'a Repo,
    index: &'a gix::index::State,
    wanted: &'a [Vec<u8>],
    diff: Diff,
}

impl Compare<'_> {
    /// Compares what the index has below `path` with a tree, and looks no further where both say they are the same.
    fn folder(
        &mut self,
        entries: &[gix::index::Entry],
        path: &[u8],
        tree: Option<ObjectId>,
        cache: Option<&CacheTree>,
    ) {
        let cached = cache.filter(|cache| cache.num_entries.is_some()).map(|cache| cache.id);
        if cached.is_some() && cached == tree || !self.leads(path) {
            return;
        }
        let mut old = tree.map(|tree| self.list(path, &tree)).unwrap_or_default();
        let start = if path.is_empty() { 0 } else { path.len() + 1 };
        let mut rest = entries;
        while let Some(entry) = rest.first() {
            let below = entry.path(self.index).get(start..).unwrap_or_default();
            let Some(slash) = memchr::memchr(b'/', below) else {
                self.entry(entry, old.get(below));
                rest = rest.get(1..).unwrap_or_default();
                // Stages of one path follow each other, and all are held against the same entry.
                if rest.first().is_none_or(|next| next.path(self.index) != entry.path(self.index)) {
                    old.remove(below);
                }
                continue;
            };
            let (name, prefix) = (&below[..slash], &below[..=slash]);
            let count = rest.iter().take_while(|entry| {
                entry.path(self.index).get(start..).is_some_and(|path| path.starts_with(prefix))
            });
            let (inside, behind) = rest.split_at(count.count().max(1));
            rest = behind;
            let child =
                cache.and_then(|cache| cache.children.iter().find(|child| child.name.as_slice() == name));
            let tree = match old.remove(name) {
                Some((Mode::Tree, id)) => Some(id),
                Some((mode, id)) => {
                    self.diff.gone(self.repo, mode, &id);
                    None
                }
                None => {
                    if self.leads(&join(path, name)) {
                        self.diff.names.push(join(path, name));
                    }
                    None
                }
            };
            self.folder(inside, &join(path, name), tree, child);
        }
        for (mode, id) in old.into_values() {
            self.diff.gone(self.repo, mode, &id);
        }
    }

    fn list(&mut self, path: &[u8], tree: &ObjectId) -> Listing {
        listing(self.repo, tree).unwrap_or_else(|lack: ReadError| {
            self.diff.lacking.push((path.to_vec(), *tree, lack));
            HashMap::new()
        })
    }

    fn entry(&mut self, entry: &gix::index::Entry, old: Option<&(Mode, ObjectId)>) {
        let path = entry.path(self.index).to_vec();
        let empty = entry.flags.contains(Flags::INTENT_TO_ADD);
        if empty || !self.asked_for(&path) || old.is_some_and(|(_, id)| *id == entry.id) {
            return;
        }
        if old.is_none() {
            self.diff.names.push(path.clone());
        }
        let before = old.filter(|(mode, _)| matches!(mode, Mode::File | Mode::Link)).map(|(_, id)| *id);
        let added = Added {
            link: entry.mode == IndexMode::SYMLINK,
            path,
            id: entry.id,
            before: before.into_iter().collect(),
        };
        if entry.mode.contains(IndexMode::COMMIT) {
            return;
        }
        // A sparse index keeps a whole folder outside of the cone as one entry.
        if entry.mode == IndexMode::DIR {
            let path = added.path.strip_suffix(b"/").unwrap_or(&added.path).to_vec();
            let old: Vec<ObjectId> =
                old.filter(|(mode, _)| *mode == Mode::Tree).map(|(_, id)| *id).into_iter().collect();
            let mut below = Diff::of(self.repo, &entry.id, &old);
            below.added.iter_mut().for_each(|added| added.path = join(&path, &added.path));
            self.diff.added.append(&mut below.added);
            self.diff.removed.append(&mut below.removed);
            return;
        }
        self.diff.added.push(added);
    }

    /// Whether a file was asked for.
    fn asked_for(&self, path: &[u8]) -> bool {
        self.wanted.is_empty() || self.wanted.iter().any(|wanted| is_below(path, wanted))
    }

    /// Whether a folder was asked for, or leads to something that was.
    fn leads(&self, folder: &[u8]) -> bool {
        self.asked_for(folder) || self.wanted.iter().any(|wanted| is_below(wanted, folder))
    }
}

fn is_below(path: &[u8], folder: &[u8]) -> bool {
    folder.is_empty()
        || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}
