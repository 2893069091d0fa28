//! The object database as files: every pack and every loose object of its directories (gitrepository-layout(5)), and each
//! object once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::{Path, PathBuf};

use gix::{ObjectId, oid};
use rayon::prelude::*;

use super::error::Error;
use super::indexed_pack::IndexedPack;
use super::loose::LooseObject;
use super::pack_walk::PackWalk;
use super::visitor::ObjectVisitor;
use crate::blob::{Fault, FaultKind};

/// All objects in the directories of an object database.
#[derive(Default)]
pub(super) struct ObjectDb {
    packs: Vec<IndexedPack>,
    /// By id.
    loose: Vec<LooseObject>,
    /// Packs and directories that cannot be read at all.
    pub(super) faults: Vec<Fault>,
}

impl ObjectDb {
    /// Lists what is in `dirs`.
    pub(super) fn open(dirs: &[PathBuf], hash: gix::hash::Kind) -> Self {
        let mut odb = ObjectDb::default();
        for dir in dirs {
            odb.list_packs(&dir.join("pack"), hash);
            odb.list_loose(dir, hash);
        }
        // A directory lists its files in any order; reports must not depend on it.
        odb.packs.sort_by_cached_key(|pack| (Reverse(pack.index.len()), pack.path.clone()));
        odb.mark_duplicates();
        odb.loose.sort_by_key(|loose| loose.id);
        odb.loose.dedup_by(|a, b| a.id == b.id);
        let ObjectDb { packs, loose, .. } = &mut odb;
        loose.retain(|loose| !packs.iter().any(|pack| pack.index.find(loose.id.as_bytes()).is_some()));
        odb
    }

    /// Calls `visitor` for every object, from the threads of rayon's pool.
    pub(super) fn visit(&self, visitor: &dyn ObjectVisitor) {
        for pack in &self.packs {
            for index in &pack.without_offset {
                let damage = "its pack's index does not say where it is";
                visitor.damaged(&pack.id(*index as usize), &pack.path, damage);
            }
            PackWalk::new(pack, visitor).run();
        }
        self.loose.par_iter().for_each(|loose| {
            if !visitor.stopped() {
                loose.visit(visitor);
            }
        });
    }

    /// How many objects there are to visit.
    pub(super) fn len(&self) -> u64 {
        let packed = |pack: &IndexedPack| pack.duplicates.iter().filter(|duplicate| !**duplicate).count();
        (self.packs.iter().map(packed).sum::<usize>() + self.loose.len()) as u64
    }

    /// Whether an object is here.
    pub(super) fn contains(&self, id: &oid) -> bool {
        self.packs.iter().any(|pack| pack.index.find(id.as_bytes()).is_some())
            || self.loose.binary_search_by(|loose| loose.id.as_ref().cmp(id)).is_ok()
    }

    fn list_packs(&mut self, dir: &Path, hash: gix::hash::Kind) {
        for path in self.list_dir(dir) {
            if path.extension().is_none_or(|extension| extension != "pack") {
                continue;
            }
            match IndexedPack::open(&path, hash) {
                Ok(pack) => self.packs.push(pack),
                Err(error) => self.fault(&path, &error),
            }
        }
    }

    fn list_loose(&mut self, dir: &Path, hash: gix::hash::Kind) {
        for first_byte in 0..=255_u8 {
            let first_byte = format!("{first_byte:02x}");
            for path in self.list_dir(&dir.join(&first_byte)) {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let hex = format!("{first_byte}{name}");
                // Any other name is a temporary file that git was writing.
                if hex.len() == hash.len_in_hex()
                    && let Ok(id) = ObjectId::from_hex(hex.as_bytes())
                {
                    self.loose.push(LooseObject { id, path });
                }
            }
        }
    }

    fn list_dir(&mut self, dir: &Path) -> Vec<PathBuf> {
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
            Err(source) => {
                self.fault(dir, &Error::Io { path: dir.to_owned(), source });
                return Vec::new();
            }
        };
        entries.filter_map(Result::ok).map(|entry| entry.path()).collect()
    }

    fn fault(&mut self, path: &Path, error: &Error) {
        let path = path.display().to_string();
        self.faults.push(Fault { path, kind: FaultKind::Unreadable, reason: error.to_string() });
    }

    /// Marks the objects that an earlier pack has, too, by merging the sorted ids of all packs.
    fn mark_duplicates(&mut self) {
        for pack in &mut self.packs {
            pack.duplicates = vec![false; pack.index.len()];
        }
        if self.packs.len() < 2 {
            return;
        }
        let mut heap: BinaryHeap<_> =
            self.packs.iter().enumerate().map(|(number, pack)| merge_head(pack, number, 0)).collect();
        let mut last_id = Vec::new();
        let mut duplicates = Vec::new();
        while let Some(Reverse((id, number, index))) = heap.pop() {
            let Some(pack) = self.packs.get(number) else { continue };
            if id.is_empty() {
                continue;
            }
            if id == last_id.as_slice() {
                duplicates.push((number, index));
            } else {
                last_id.clear();
                last_id.extend_from_slice(id);
            }
            heap.push(merge_head(pack, number, index + 1));
        }
        drop(heap);
        for (number, index) in duplicates {
            if let Some(mark) = self.packs.get_mut(number).and_then(|pack| pack.duplicates.get_mut(index)) {
                *mark = true;
            }
        }
    }
}

/// The next id of a pack in a merge, the number of the pack, and the id's index. Behind the last, the id is empty.
type MergeHead<'a> = Reverse<(&'a [u8], usize, usize)>;

fn merge_head(pack: &IndexedPack, number: usize, index: usize) -> MergeHead<'_> {
    let id = if index < pack.index.len() { pack.index.id(index) } else { &[] };
    Reverse((id, number, index))
}
