//! One object by its id. As git does, a copy that is damaged is passed over for a sound one: in another pack, in an alternate,
//! or loose (gitformat-pack(5) and gitrepository-layout(5) know nothing that keeps an object from being there twice).

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gix::oid;
use libdeflater::Decompressor;

use super::base_cache::BaseCache;
use super::delta::{Delta, InvalidDelta};
use super::error::{DAMAGED_DELTA, DAMAGED_ZLIB, Damage, NO_BASE, ReadError, TOO_LARGE};
use super::lookup::{Lookup, ObjectCopy, PackFile};
use super::loose;
use super::object::{Kind, Object};
use super::pack::{Entry, EntryKind, inflate, inflate_growing};

/// Objects of more bytes are inflated as far as they go: only their own header says how large they are.
const TRUSTED_SIZE: usize = 1 << 20;

/// No chain of deltas is longer (git-config(1), `pack.depth`: 4095), and one that is goes in a circle.
pub(super) const MAX_CHAIN: usize = 4096;

/// How many damaged copies are passed over on the way to one object.
const MAX_DAMAGED: usize = 32;

/// Objects by id, in all directories of an object database.
pub(super) struct ObjectStore {
    pub(super) lookup: Lookup,
    bases: Mutex<BaseCache>,
    /// The most bytes of one object that are held.
    pub(super) max_object: usize,
}

/// Copies that turned out to be damaged.
pub(super) type Damaged = HashSet<(PathBuf, u64)>;

impl ObjectStore {
    /// A store of the objects in `dirs`.
    pub(super) fn new(dirs: Vec<PathBuf>, hash: gix::hash::Kind) -> Self {
        ObjectStore { lookup: Lookup::new(dirs, hash), bases: Mutex::default(), max_object: usize::MAX }
    }

    /// The same, in which an object of more than `bytes` bytes counts as damaged.
    pub(super) fn holding_at_most(self, bytes: usize) -> Self {
        ObjectStore { max_object: bytes, ..self }
    }

    /// The object `id`, from its first sound copy.
    pub(super) fn read(&self, id: &oid, out: &mut Vec<u8>) -> Result<Kind, ReadError> {
        let copies = self.lookup.copies(id);
        let object = self.read_any(&copies, &mut Damaged::new());
        let (kind, bytes) = object.ok_or_else(|| ReadError::of(&copies))?;
        *out = Arc::unwrap_or_clone(bytes);
        Ok(kind)
    }

    /// The object `id`, from the first copy that `is_sound`.
    pub(super) fn read_sound(&self, id: &oid, is_sound: &dyn Fn(Kind, &[u8]) -> bool) -> Option<Object> {
        self.lookup.copies(id).iter().find_map(|copy| {
            let object = self.read_copy(copy, &mut Damaged::new()).ok()?;
            is_sound(object.0, &object.1).then_some(object)
        })
    }

    fn read_any(&self, copies: &[ObjectCopy], damaged: &mut Damaged) -> Option<Object> {
        copies.iter().find_map(|copy| self.read_copy(copy, damaged).ok())
    }

    fn read_copy(&self, copy: &ObjectCopy, damaged: &mut Damaged) -> Result<Object, Damage> {
        match copy {
            ObjectCopy::Loose(path) => loose::read(path, self.max_object),
            ObjectCopy::Packed(pack, offset) if !damaged.contains(&(pack.path.clone(), *offset)) => {
                self.read_packed(pack, *offset, damaged)
            }
            ObjectCopy::Packed(..) => Err(DAMAGED_ZLIB),
        }
    }

    /// Reads a packed object: its chain of deltas down to a base, and up again.
    pub(super) fn read_packed(
        &self,
        pack: &PackFile,
        offset: u64,
        damaged: &mut Damaged,
    ) -> Result<Object, Damage> {
        let mut chain = Vec::new();
        let (mut object, mut at) = self.read_root(pack, offset, &mut chain, damaged)?;
        for link in chain.into_iter().rev() {
            if let Some(at) = at {
                self.bases().keep((pack.number, at), &object);
            }
            object = match apply(pack.entry(link), &object, self.max_object) {
                Ok(object) => object,
                Err(damage) => self.read_elsewhere(pack, link, damage, damaged)?,
            };
            at = Some(link);
        }
        Ok(object)
    }

    /// Goes down a chain of deltas, and reads what the last of them is against; its offset, unless it is elsewhere.
    fn read_root(
        &self,
        pack: &PackFile,
        offset: u64,
        chain: &mut Vec<u64>,
        damaged: &mut Damaged,
    ) -> Result<(Object, Option<u64>), Damage> {
        let mut at = offset;
        while chain.len() <= MAX_CHAIN {
            if let Some(base) = self.bases().get((pack.number, at)) {
                return Ok((base, Some(at)));
            }
            let damage = match link_of(pack, at) {
                Ok(Link::Root(kind, entry)) => {
                    let mut bytes = Vec::new();
                    match inflate_untrusted(entry, &mut bytes, self.max_object) {
                        Ok(()) => return Ok(((kind, Arc::new(bytes)), Some(at))),
                        Err(damage) => damage,
                    }
                }
                Ok(Link::Delta(base)) => {
                    chain.push(at);
                    at = base;
                    continue;
                }
                Ok(Link::Elsewhere(id)) => {
                    chain.push(at);
                    return Ok((self.read_base(id, damaged)?, None));
                }
                Err(damage) => damage,
            };
            return Ok((self.read_elsewhere(pack, at, damage, damaged)?, Some(at)));
        }
        Err(DAMAGED_DELTA)
    }

    fn read_base(&self, id: &oid, damaged: &mut Damaged) -> Result<Object, Damage> {
        self.read_any(&self.lookup.copies(id), damaged).ok_or(NO_BASE)
    }

    /// Reads another copy of the object whose entry at this offset is damaged.
    fn read_elsewhere(
        &self,
        pack: &PackFile,
        offset: u64,
        damage: Damage,
        damaged: &mut Damaged,
    ) -> Result<Object, Damage> {
        let is_new = damaged.insert((pack.path.clone(), offset));
        if !is_new || damaged.len() > MAX_DAMAGED {
            return Err(damage);
        }
        let id = pack.id_at(offset).ok_or(damage)?;
        self.read_any(&self.lookup.copies(&id), damaged).ok_or(damage)
    }

    fn bases(&self) -> MutexGuard<'_, BaseCache> {
        self.bases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReadError {
    /// Why none of these copies could be read.
    pub(super) fn of(copies: &[ObjectCopy]) -> Self {
        if copies.is_empty() { ReadError::Missing } else { ReadError::Damaged }
    }
}

/// What an entry leads to on the way down a chain of deltas.
pub(super) enum Link<'p> {
    /// An object that is no delta.
    Root(Kind, Entry<'p>),
    /// The offset of the base.
    Delta(u64),
    /// A base that is not in the pack: a thin pack has deltas against objects that are elsewhere.
    Elsewhere(&'p oid),
}

/// The next link of a chain.
pub(super) fn link_of(pack: &PackFile, offset: u64) -> Result<Link<'_>, Damage> {
    let entry = pack.entry(offset)?;
    match entry.kind {
        EntryKind::Object(kind) => Ok(Link::Root(kind, entry)),
        EntryKind::OfsDelta(base) => (base < offset).then_some(Link::Delta(base)).ok_or(DAMAGED_DELTA),
        EntryKind::RefDelta(id) => {
            let id = oid::try_from_bytes(id).map_err(|_| DAMAGED_DELTA)?;
            Ok(pack.offset(id).map_or(Link::Elsewhere(id), Link::Delta))
        }
    }
}

/// Inflates an entry of which only its own header says how large it is, unless that is more than `most` bytes.
pub(super) fn inflate_untrusted(entry: Entry<'_>, out: &mut Vec<u8>, most: usize) -> Result<(), Damage> {
    if entry.size > most {
        return Err(TOO_LARGE);
    }
    if entry.size > TRUSTED_SIZE {
        return inflate_growing(entry, out);
    }
    inflate(&mut Decompressor::new(), entry, out)
}

/// Builds the object that an entry, a delta, makes of its base.
pub(super) fn apply(entry: Result<Entry<'_>, Damage>, base: &Object, most: usize) -> Result<Object, Damage> {
    let (mut instructions, mut bytes) = (Vec::new(), Vec::new());
    inflate_untrusted(entry?, &mut instructions, most)?;
    let delta = Delta::parse(&instructions).map_err(|InvalidDelta| DAMAGED_DELTA)?;
    if delta.base_size != base.1.len() {
        return Err(DAMAGED_DELTA);
    }
    if delta.size > most {
        return Err(TOO_LARGE);
    }
    delta.apply(&base.1, &mut bytes).map_err(|InvalidDelta| DAMAGED_DELTA)?;
    Ok((base.0, Arc::new(bytes)))
}
