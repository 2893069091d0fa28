//! The object database as files: every pack and every loose object, and each object once.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use gix::{ObjectId, oid};
use rayon::prelude::*;

use super::Error;
use super::delta_tree::DeltaForest;
use super::idx::Idx;
use super::loose::{self, Loose};
use super::pack::{Damage, Kind, Pack};
use super::repo::object_id;
use super::walk::{EntryVisitor, Walk};
use crate::blob::{Fault, FaultKind, Prefilter};

/// Who looks at the objects of a database. Called from many threads.
pub(super) trait ObjectVisitor: Sync {
    /// What must stand in an object for it to matter; without one, every object does.
    fn prefilter(&self) -> Option<&dyn Prefilter>;
    /// Whether objects of this kind are to be read at all.
    fn wants(&self, kind: Kind) -> bool;
    /// Whether to end.
    fn stopped(&self) -> bool;
    /// An object of so many bytes. They are not handed over where the prefilter would catch nothing in them.
    fn object(&self, id: &oid, kind: Kind, size: usize, bytes: Option<&[u8]>);
    /// A large blob.
    fn stream(&self, id: &oid, size: usize, inflated: &mut dyn std::io::Read);
    /// An object that cannot be read, where it should be, and why.
    fn damaged(&self, id: &oid, path: &Path, why: Damage);
}

/// A pack, its index and its delta trees.
struct Packed {
    path: PathBuf,
    pack: Pack,
    idx: Idx,
    forest: DeltaForest,
    /// Places whose offset the index does not tell.
    lost: Vec<u32>,
    /// By place: the object stands in an earlier pack, too.
    known: Vec<bool>,
}

/// Everything in the folders of a database, each object once.
#[derive(Default)]
pub(super) struct ObjectDb {
    packs: Vec<Packed>,
    loose: Vec<Loose>,
    /// What cannot be read as a whole.
    pub(super) faults: Vec<Fault>,
}

impl ObjectDb {
    /// Shows every object to `see`, in parallel.
    pub(super) fn show(&self, see: &dyn ObjectVisitor) {
        for packed in &self.packs {
            let reader = Reader { packed, see };
            for place in &packed.lost {
                reader.damaged(*place as usize, "its pack's index does not say where it is");
            }
            Walk::new(&packed.pack, &packed.forest, &reader).run();
        }
        self.loose.par_iter().for_each(|loose| {
            if !see.stopped() {
                loose::show(loose, see);
            }
        });
    }

    /// Whether an object is here.
    pub(super) fn has(&self, id: &oid) -> bool {
        self.packs.iter().any(|packed| packed.idx.find(id.as_bytes()).is_some())
            || self.loose.binary_search_by(|loose| loose.id.as_ref().cmp(id)).is_ok()
    }

    /// Lists what is in `folders`.
    pub(super) fn take(folders: &[PathBuf], hash: gix::hash::Kind) -> Self {
        let mut inventory = ObjectDb::default();
        for folder in folders {
            inventory.list_packs(&folder.join("pack"), hash);
            inventory.list_loose(folder, hash);
        }
        // The same order whatever order the folders list their files in.
        inventory.packs.sort_by_cached_key(|packed| (Reverse(packed.idx.len()), packed.path.clone()));
        inventory.know_packed();
        inventory.loose.sort_by_key(|loose| loose.id);
        inventory.loose.dedup_by(|a, b| a.id == b.id);
        let ObjectDb { packs, loose, .. } = &mut inventory;
        loose.retain(|loose| !packs.iter().any(|packed| packed.idx.find(loose.id.as_bytes()).is_some()));
        inventory
    }

    fn list_packs(&mut self, folder: &Path, hash: gix::hash::Kind) {
        for path in self.list(folder) {
            if path.extension().is_none_or(|extension| extension != "pack") {
                continue;
            }
            let index = path.with_extension("idx");
            let opened =
                Idx::read(&index, hash.len_in_bytes()).and_then(|idx| Ok((Pack::open(&path, hash)?, idx)));
            match opened {
                Ok((pack, idx)) => {
                    let (forest, lost) = DeltaForest::grow(&pack, &idx);
                    self.packs.push(Packed { path, pack, idx, forest, lost, known: Vec::new() });
                }
                Err(error) => self.fault(&path, &error),
            }
        }
    }

    fn list_loose(&mut self, folder: &Path, hash: gix::hash::Kind) {
        for fan in 0..=255_u8 {
            let fan = format!("{fan:02x}");
            for path in self.list(&folder.join(&fan)) {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let hex = format!("{fan}{name}");
                // Anything else is a file git was still writing.
                if hex.len() == hash.len_in_hex()
                    && let Ok(id) = ObjectId::from_hex(hex.as_bytes())
                {
                    self.loose.push(Loose { id, path });
                }
            }
        }
    }

    fn list(&mut self, folder: &Path) -> Vec<PathBuf> {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
            Err(source) => {
                self.fault(folder, &Error::Io { path: folder.to_owned(), source });
                return Vec::new();
            }
        };
        entries.filter_map(Result::ok).map(|entry| entry.path()).collect()
    }

    fn fault(&mut self, path: &Path, error: &Error) {
        let path = path.display().to_string();
        self.faults.push(Fault { path, kind: FaultKind::Unreadable, reason: error.to_string() });
    }

    /// Marks what an earlier pack holds, too: all lists of ids are walked at once, in the order of ids.
    fn know_packed(&mut self) {
        for packed in &mut self.packs {
            packed.known = vec![false; packed.idx.len()];
        }
        if self.packs.len() < 2 {
            return;
        }
        let mut next: std::collections::BinaryHeap<_> =
            self.packs.iter().enumerate().map(|(pack, packed)| head(packed, pack, 0)).collect();
        let mut last = Vec::new();
        let mut known = Vec::new();
        while let Some(Reverse((id, pack, place))) = next.pop() {
            let Some(packed) = self.packs.get(pack) else { continue };
            if id.is_empty() {
                continue;
            }
            if id == last.as_slice() {
                known.push((pack, place));
            } else {
                last.clear();
                last.extend_from_slice(id);
            }
            next.push(head(packed, pack, place + 1));
        }
        drop(next);
        for (pack, place) in known {
            if let Some(mark) = self.packs.get_mut(pack).and_then(|packed| packed.known.get_mut(place)) {
                *mark = true;
            }
        }
    }
}

type Head<'a> = Reverse<(&'a [u8], usize, usize)>;

fn head(packed: &Packed, pack: usize, place: usize) -> Head<'_> {
    let id = if place < packed.idx.len() { packed.idx.id(place) } else { &[] };
    Reverse((id, pack, place))
}

/// Receives what a walk finds in one pack.
struct Reader<'a> {
    packed: &'a Packed,
    see: &'a dyn ObjectVisitor,
}

impl Reader<'_> {
    fn id(&self, place: usize) -> ObjectId {
        object_id(self.packed.idx.id(place))
    }
}

impl EntryVisitor for Reader<'_> {
    fn prefilter(&self) -> Option<&dyn Prefilter> {
        self.see.prefilter()
    }

    fn wants(&self, kind: Kind) -> bool {
        self.see.wants(kind)
    }

    fn stopped(&self) -> bool {
        self.see.stopped()
    }

    fn known(&self, place: usize) -> bool {
        self.packed.known.get(place).copied().unwrap_or(false)
    }

    fn object(&self, place: usize, kind: Kind, size: usize, bytes: Option<&[u8]>) {
        self.see.object(&self.id(place), kind, size, bytes);
    }

    fn stream(&self, place: usize, size: usize, deflated: &[u8]) {
        self.see.stream(&self.id(place), size, &mut flate2::read::ZlibDecoder::new(deflated));
    }

    fn damaged(&self, place: usize, why: Damage) {
        self.see.damaged(&self.id(place), &self.packed.path, why);
    }
}
