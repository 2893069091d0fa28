//! The parts of git directories that an archive has shown so far, in whatever order they come.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;

use super::names::{Note, note};
use crate::source::git::Gathered;

/// The most bytes of refs, reflogs and the like that are kept of one archive, how many of them, and how large one may be.
const MAX_NOTES: usize = 4 << 20;
const MAX_NOTE_COUNT: usize = 100_000;
pub(super) const MAX_NOTE: usize = 1 << 20;

/// The most git directories of one archive; the objects of others are read one by one.
const MAX_DIRS: usize = 1000;

/// What an archive has of git directories.
#[derive(Default)]
pub(in super::super) struct GitDirs {
    dirs: BTreeMap<String, GitDir>,
    /// Files that say something of a git directory, by their paths.
    notes: BTreeMap<String, Vec<u8>>,
    bytes: usize,
    /// The content of Git LFS in each git directory, by its SHA-256.
    lfs: Vec<(String, String)>,
    /// What was reported to be too deep.
    too_deep: BTreeSet<String>,
    /// What there is no room for on disk.
    unwritten: BTreeSet<String>,
}

/// One git directory.
pub(super) struct GitDir {
    pub(super) gathered: Gathered,
    /// Packs by their names.
    packs: BTreeMap<String, Slot>,
    /// The path of each pack by its number.
    pub(super) pack_paths: BTreeMap<usize, String>,
    /// What is named as alternates (gitrepository-layout(5)).
    pub(super) alternates: Vec<u8>,
    /// Whether it has more than its objects.
    pub(super) has_head: bool,
    /// Whether its refs are in a reftable (git-config(1), `extensions.refStorage`).
    pub(super) has_reftable: bool,
    /// Whether there was no room for all of it.
    pub(super) is_unwritten: bool,
}

/// A pack and its index, of which either may come first.
#[derive(Default)]
struct Slot {
    pack: Option<usize>,
    index: Option<usize>,
}

impl GitDirs {
    /// The git directory at this path; none where there are too many.
    pub(super) fn dir(&mut self, path: &str) -> io::Result<Option<&mut GitDir>> {
        if !self.dirs.contains_key(path) {
            if self.dirs.len() == MAX_DIRS {
                return Ok(None);
            }
            let dir = GitDir {
                gathered: Gathered::new()?,
                packs: BTreeMap::new(),
                pack_paths: BTreeMap::new(),
                alternates: Vec::new(),
                has_head: false,
                has_reftable: false,
                is_unwritten: false,
            };
            self.dirs.insert(path.to_owned(), dir);
        }
        Ok(self.dirs.get_mut(path))
    }

    /// Keeps a file that says something of a git directory, as far as there is room.
    pub(super) fn keep(&mut self, path: &str, bytes: &[u8]) {
        if bytes.len() > MAX_NOTE
            || self.bytes + bytes.len() > MAX_NOTES
            || self.notes.len() == MAX_NOTE_COUNT
        {
            return;
        }
        self.bytes += bytes.len();
        self.notes.insert(path.to_owned(), bytes.to_vec());
    }

    /// Whether it is the first time that this directory is said to be too deep.
    pub(super) fn is_first_too_deep(&mut self, path: &str) -> bool {
        self.too_deep.insert(path.to_owned())
    }

    /// Whether it is the first time that there is no room for a part of this directory.
    pub(super) fn is_first_unwritten(&mut self, path: &str) -> bool {
        self.unwritten.insert(path.to_owned())
    }

    /// Whether there was no room for a part of this directory.
    pub(super) fn is_unwritten(&self, path: &str) -> bool {
        self.unwritten.contains(path)
    }

    /// Whether there was no room for a part of any.
    pub(super) fn are_any_unwritten(&self) -> bool {
        !self.unwritten.is_empty()
    }

    /// Notes content of Git LFS in the git directory at this path.
    pub(super) fn note_lfs(&mut self, path: &str, oid: &str) {
        if self.lfs.len() < MAX_NOTE_COUNT {
            self.lfs.push((path.to_owned(), oid.to_owned()));
        }
    }

    /// All directories, and what the other files say of each.
    pub(super) fn finish(self) -> BTreeMap<String, GitDir> {
        let GitDirs { mut dirs, notes, lfs, unwritten, .. } = self;
        for (path, dir) in &mut dirs {
            dir.is_unwritten = unwritten.contains(path);
        }
        for (path, oid) in lfs {
            if let Some(dir) = dirs.get_mut(&path) {
                dir.gathered.add_lfs(&oid);
            }
        }
        for (path, dir) in &mut dirs {
            let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
            let below = notes.range(prefix.clone()..).take_while(|(name, _)| name.starts_with(&prefix));
            for (name, bytes) in below {
                if let Some(note) = note(name.get(prefix.len()..).unwrap_or_default()) {
                    dir.learn(&note, bytes);
                }
            }
            if !dir.alternates.is_empty() {
                dir.gathered.set_borrowing();
            }
        }
        dirs
    }
}

impl GitDir {
    /// A file for the pack with this name, of the member at this path.
    pub(super) fn new_pack(&mut self, stem: &str, path: &str) -> io::Result<File> {
        let (number, file) = self.gathered.new_pack()?;
        self.pack_paths.insert(number, path.to_owned());
        let slot = self.packs.entry(stem.to_owned()).or_default();
        slot.pack = Some(number);
        Ok(file)
    }

    /// A file for the index of the pack with this name.
    pub(super) fn new_index(&mut self, stem: &str) -> io::Result<File> {
        let (number, file) = self.gathered.new_index()?;
        self.packs.entry(stem.to_owned()).or_default().index = Some(number);
        Ok(file)
    }

    /// Puts the indexes beside their packs; one that cannot be is made again.
    pub(super) fn place_indexes(&self) {
        for (pack, index) in self.packs.values().filter_map(|slot| slot.pack.zip(slot.index)) {
            let _ = self.gathered.place_index(index, pack);
        }
    }

    fn learn(&mut self, note: &Note<'_>, bytes: &[u8]) {
        match note {
            Note::Head => {
                self.has_head = true;
                self.gathered.add_ref(b"HEAD", bytes);
            }
            Note::Config => {
                let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
                self.has_reftable = text.contains("refstorage") && text.contains("reftable");
                // As `remote.<name>.promisor` or `extensions.partialClone` says (git-config(1)).
                if text.contains("promisor") || text.contains("partialclone") {
                    self.gathered.set_partial();
                }
                if text.contains("objectformat") {
                    self.gathered.set_sha256(text.contains("sha256"));
                }
            }
            Note::PackedRefs => self.gathered.add_packed_refs(bytes),
            Note::Shallow => self.gathered.add_shallow(bytes),
            Note::Ref(name) => self.gathered.add_ref(name.as_bytes(), bytes),
            Note::Reflog(name) => self.gathered.add_reflog(name.as_bytes(), bytes),
        }
    }
}
