//! Where an object is, by its id: every copy of it, in packs and as a loose object.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::SystemTime;

use gix::{ObjectId, oid};

use super::error::Damage;
use super::object_files::{loose_path, packs};
use super::pack::{Entry, Pack};

/// A pack from which objects are read one by one. It is opened when it is first asked.
pub(super) struct PackFile {
    pub(super) path: PathBuf,
    /// Another one for each pack that a lookup ever listed.
    pub(super) number: usize,
    hash: gix::hash::Kind,
    opened: OnceLock<Option<Opened>>,
}

struct Opened {
    /// Mapped, for few of its pages are needed.
    index: gix::odb::pack::index::File,
    pack: Pack,
}

impl PackFile {
    fn new(path: PathBuf, number: usize, hash: gix::hash::Kind) -> Self {
        PackFile { path, number, hash, opened: OnceLock::new() }
    }

    /// What is wrong with a pack or its index is reported by whoever walks over it.
    fn opened(&self) -> Option<&Opened> {
        let open = || {
            let index = gix::odb::pack::index::File::at(self.path.with_extension("idx"), self.hash).ok()?;
            Some(Opened { index, pack: Pack::open(&self.path, self.hash).ok()? })
        };
        self.opened.get_or_init(open).as_ref()
    }

    /// The offset of an object's entry.
    pub(super) fn offset(&self, id: &oid) -> Option<u64> {
        let Opened { index, .. } = self.opened()?;
        index.lookup(id).map(|at| index.pack_offset_at_index(at))
    }

    /// The id of the object whose entry is at an offset. Searched for one by one: needed for what is damaged only.
    pub(super) fn id_at(&self, offset: u64) -> Option<ObjectId> {
        let Opened { index, .. } = self.opened()?;
        let at = (0..index.num_objects()).find(|at| index.pack_offset_at_index(*at) == offset)?;
        Some(index.oid_at_index(at).to_owned())
    }

    /// The entry at an offset.
    pub(super) fn entry(&self, offset: u64) -> Result<Entry<'_>, Damage> {
        self.opened().ok_or("its pack cannot be read")?.pack.entry_at(offset)
    }
}

/// One copy of an object.
#[derive(Clone)]
pub(super) enum ObjectCopy {
    Packed(Arc<PackFile>, u64),
    Loose(PathBuf),
}

/// The packs and directories that objects are looked up in.
pub(super) struct Lookup {
    dirs: Vec<PathBuf>,
    hash: gix::hash::Kind,
    listed: RwLock<Listed>,
}

#[derive(Clone, Default)]
struct Listed {
    packs: Arc<[Arc<PackFile>]>,
    /// When the directories of the packs last changed.
    changed: Vec<Option<SystemTime>>,
}

impl Lookup {
    pub(super) fn new(dirs: Vec<PathBuf>, hash: gix::hash::Kind) -> Self {
        let listed = RwLock::new(Listed::of(&dirs, hash, &[]));
        Lookup { dirs, hash, listed }
    }

    /// Every copy of an object: none where it is missing.
    pub(super) fn copies(&self, id: &oid) -> Vec<ObjectCopy> {
        let copies = self.listed_copies(id);
        // A repack at the same time has moved it to a new pack.
        if copies.is_empty() && self.list_again() { self.listed_copies(id) } else { copies }
    }

    /// How many bytes the packs have.
    pub(super) fn packed_bytes(&self) -> u64 {
        let packs = Arc::clone(&self.listed.read().unwrap_or_else(PoisonError::into_inner).packs);
        packs.iter().filter_map(|pack| Some(std::fs::metadata(&pack.path).ok()?.len())).sum()
    }

    fn listed_copies(&self, id: &oid) -> Vec<ObjectCopy> {
        let packs = Arc::clone(&self.listed.read().unwrap_or_else(PoisonError::into_inner).packs);
        let packed = packs.iter().filter_map(|pack| {
            let offset = pack.offset(id)?;
            Some(ObjectCopy::Packed(Arc::clone(pack), offset))
        });
        let loose = self.dirs.iter().map(|dir| loose_path(dir, id)).filter(|path| path.is_file());
        packed.chain(loose.map(ObjectCopy::Loose)).collect()
    }

    /// Lists the packs again where there may be others now.
    fn list_again(&self) -> bool {
        let mut listed = self.listed.write().unwrap_or_else(PoisonError::into_inner);
        let changed = changed(&self.dirs) != listed.changed;
        if changed {
            *listed = Listed::of(&self.dirs, self.hash, &listed.packs);
        }
        changed
    }
}

impl Listed {
    /// Lists the packs, and keeps those that are known.
    fn of(dirs: &[PathBuf], hash: gix::hash::Kind, known: &[Arc<PackFile>]) -> Self {
        let changed = changed(dirs);
        let paths = dirs.iter().flat_map(|dir| packs(dir).unwrap_or_default());
        let mut next = known.iter().map(|pack| pack.number + 1).max().unwrap_or(0);
        let packs = paths.map(|path| {
            let known = known.iter().find(|pack| pack.path == path).cloned();
            known.unwrap_or_else(|| {
                next += 1;
                Arc::new(PackFile::new(path, next, hash))
            })
        });
        Listed { packs: packs.collect(), changed }
    }
}

fn changed(dirs: &[PathBuf]) -> Vec<Option<SystemTime>> {
    let time = |dir: &PathBuf| modified(&dir.join("pack"));
    dirs.iter().map(time).collect()
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}
