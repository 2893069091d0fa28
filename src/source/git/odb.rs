//! The object database as files: every pack and every loose object of its directories (gitrepository-layout(5)), and each
//! object once.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;

use gix::{ObjectId, oid};
use rayon::prelude::*;

use super::error::Error;
use super::indexed_pack::IndexedPack;
use super::loose::LooseObject;
use super::object_files;
use super::pack_index::PackIndex;
use super::pack_walk::PackWalk;
use super::unindexed_pack;
use super::visitor::ObjectVisitor;
use crate::blob::{Fault, FaultKind};
use crate::shard::Shard;

/// All objects in the directories of an object database.
pub(super) struct ObjectDb {
    packs: Vec<IndexedPack>,
    /// By id.
    loose: Vec<LooseObject>,
    /// Packs and directories that cannot be read at all.
    pub(super) faults: Vec<Fault>,
    /// The most bytes of one object that are held.
    max_object: usize,
}

impl ObjectDb {
    /// Lists what is in the directories `own`, and of what is in those that are `borrowed`, the objects that are `reachable`.
    pub(super) fn open(
        own: &[PathBuf],
        borrowed: &[PathBuf],
        reachable: &HashSet<ObjectId>,
        hash: gix::hash::Kind,
    ) -> Self {
        let mut odb = ObjectDb::of(Vec::new(), usize::MAX);
        for dir in own {
            odb.list_packs(dir, hash);
            odb.list_loose(dir, hash);
        }
        let (own_packs, own_loose) = (odb.packs.len(), odb.loose.len());
        for dir in borrowed {
            odb.list_packs(dir, hash);
            odb.list_loose(dir, hash);
        }
        let mut from_borrowed = odb.loose.split_off(own_loose);
        from_borrowed.retain(|loose| reachable.contains(&loose.id));
        odb.loose.append(&mut from_borrowed);
        let mut borrowed_packs = odb.packs.split_off(own_packs);
        for pack in &mut borrowed_packs {
            pack.keep_only(reachable);
        }
        odb.packs.sort_by_cached_key(order);
        borrowed_packs.sort_by_cached_key(order);
        odb.packs.append(&mut borrowed_packs);
        odb.leave_out_duplicates();
        for dir in own {
            odb.report_lost_packs(dir, hash);
        }
        odb
    }

    /// These packs and the loose objects in `dir`, where no more than `most` bytes of one object are held.
    pub(super) fn gathered(packs: Vec<IndexedPack>, dir: &Path, hash: gix::hash::Kind, most: usize) -> Self {
        let mut odb = ObjectDb::of(packs, most);
        odb.list_loose(dir, hash);
        odb.packs.sort_by_cached_key(order);
        odb.leave_out_duplicates();
        odb
    }

    fn of(packs: Vec<IndexedPack>, max_object: usize) -> Self {
        ObjectDb { packs, loose: Vec::new(), faults: Vec::new(), max_object }
    }

    /// Leaves each object in one place.
    fn leave_out_duplicates(&mut self) {
        self.mark_duplicates();
        self.loose.sort_by_key(|loose| loose.id);
        self.loose.dedup_by(|a, b| a.id == b.id);
        let ObjectDb { packs, loose, .. } = self;
        loose.retain(|loose| !packs.iter().any(|pack| pack.visits(loose.id.as_bytes())));
    }

    /// Reports the indexes whose packs are gone, if objects have gone with them.
    fn report_lost_packs(&mut self, dir: &Path, hash: gix::hash::Kind) {
        for path in object_files::indexes_alone(dir) {
            let Ok(index) = PackIndex::read(&path, hash.len_in_bytes()) else { continue };
            let is_lost = |n: &usize| oid::try_from_bytes(index.id(*n)).is_ok_and(|id| !self.contains(id));
            let lost = (0..index.len()).filter(is_lost).count();
            if lost > 0 {
                let reason =
                    format!("its pack is gone, and {lost} objects with it; to see which, run: git fsck");
                let path = path.display().to_string();
                self.faults.push(Fault { path, kind: FaultKind::Unreadable, reason });
            }
        }
    }

    /// Calls `visitor` for every object, from the threads of rayon's pool.
    pub(super) fn visit(&self, visitor: &dyn ObjectVisitor) {
        let held = AtomicUsize::new(0);
        let walks: Vec<PackWalk<'_>> =
            self.packs.iter().map(|pack| PackWalk::new(pack, visitor, &held)).collect();
        // One scope for all packs: a small one is a task for one thread, and keeps no other waiting.
        rayon::scope(|scope| walks.iter().for_each(|walk| walk.spawn(scope)));
        for pack in &self.packs {
            let ids = pack.without_offset.iter().map(|index| pack.id(*index as usize));
            let is_own = |id: &ObjectId| visitor.shard().is_none_or(|shard| shard.owns_id(id.as_bytes()));
            for id in ids.filter(is_own) {
                let damage = "its pack's index does not say where it is";
                visitor.damaged(&id, &pack.path, damage);
            }
        }
        self.loose.par_iter().for_each(|loose| {
            if !visitor.stopped() {
                loose.visit(visitor, self.max_object);
            }
        });
    }

    /// How many objects there are to visit, those of a shard or all.
    pub(super) fn len(&self, shard: Option<Shard>) -> u64 {
        let Some(shard) = shard else {
            return (self.packs.iter().map(IndexedPack::visited).sum::<usize>() + self.loose.len()) as u64;
        };
        let packed = |pack: &IndexedPack| {
            let visited = (0..pack.index.len()).filter(|index| !pack.is_passed_over(*index));
            visited.filter(|index| shard.owns_id(pack.index.id(*index))).count()
        };
        let loose = self.loose.iter().filter(|loose| shard.owns_id(loose.id.as_bytes())).count();
        (self.packs.iter().map(packed).sum::<usize>() + loose) as u64
    }

    /// Whether an object is here.
    pub(super) fn contains(&self, id: &oid) -> bool {
        self.packs.iter().any(|pack| pack.index.find(id.as_bytes()).is_some())
            || self.loose.binary_search_by(|loose| loose.id.as_ref().cmp(id)).is_ok()
    }

    fn list_packs(&mut self, dir: &Path, hash: gix::hash::Kind) {
        for path in object_files::packs(dir).unwrap_or_else(|error| self.fault(&dir.join("pack"), &error)) {
            match IndexedPack::open(&path, hash) {
                Ok(pack) => self.packs.push(pack),
                // To git, a pack without an index is not there: what is lost of it does not fail a run.
                Err(Error::NoPackIndex) => self.index_pack(&path, hash, FaultKind::PassedOver),
                Err(Error::PackIndex { .. }) => self.index_pack(&path, hash, FaultKind::Unreadable),
                Err(error) => self.fault(&path, &error),
            }
        }
    }

    /// Makes the index of a pack that has none, or a damaged one.
    fn index_pack(&mut self, path: &Path, hash: gix::hash::Kind, kind: FaultKind) {
        let lost = match unindexed_pack::open(path, hash) {
            Ok(unindexed) => {
                let lost = unindexed.lost();
                self.packs.push(unindexed.pack);
                lost
            }
            Err(error) => Some(error.to_string()),
        };
        let path = path.display().to_string();
        self.faults.extend(lost.map(|reason| Fault { path, kind, reason }));
    }

    fn list_loose(&mut self, dir: &Path, hash: gix::hash::Kind) {
        for first_byte in object_files::loose_first_bytes(dir) {
            let dir = object_files::loose_dir(dir, first_byte);
            for entry in object_files::entries(&dir).unwrap_or_else(|error| self.fault(&dir, &error)) {
                let name = entry.file_name();
                let id = name.to_str().and_then(|name| object_files::loose_id(first_byte, name, hash));
                self.loose.extend(id.map(|id| LooseObject { id, path: entry.path() }));
            }
        }
    }

    /// Keeps in mind what could not be read, and gives nothing in its place.
    fn fault<T: Default>(&mut self, path: &Path, error: &Error) -> T {
        let path = path.display().to_string();
        self.faults.push(Fault { path, kind: FaultKind::Unreadable, reason: error.to_string() });
        T::default()
    }

    /// Marks the objects that an earlier pack has, too, by merging the sorted ids of all packs.
    fn mark_duplicates(&mut self) {
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
            if pack.is_passed_over(index) {
                // It is in no need of a mark, and makes no other copy a duplicate.
            } else if id == last_id.as_slice() {
                duplicates.push((number, index));
            } else {
                last_id.clear();
                last_id.extend_from_slice(id);
            }
            heap.push(merge_head(pack, number, index + 1));
        }
        drop(heap);
        for (number, index) in duplicates {
            if let Some(pack) = self.packs.get_mut(number) {
                pack.pass_over(index);
            }
        }
    }
}

/// A directory lists its files in any order; reports must not depend on it.
fn order(pack: &IndexedPack) -> (Reverse<usize>, PathBuf) {
    (Reverse(pack.index.len()), pack.path.clone())
}

/// The next id of a pack in a merge, the number of the pack, and the id's index. Behind the last, the id is empty.
type MergeHead<'a> = Reverse<(&'a [u8], usize, usize)>;

fn merge_head(pack: &IndexedPack, number: usize, index: usize) -> MergeHead<'_> {
    let id = if index < pack.index.len() { pack.index.id(index) } else { &[] };
    Reverse((id, number, index))
}
