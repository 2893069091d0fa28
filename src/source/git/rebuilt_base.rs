//! The base of a delta, built again where the walk has dropped it to save memory.

use libdeflater::Decompressor;

use super::delta::{Delta, InvalidDelta};
use super::error::{DAMAGED_DELTA, Damage, NO_BASE};
use super::indexed_pack::IndexedPack;
use super::object::Kind;
use super::pack::{EntryKind, EntryReader, inflate};

/// Builds the base of a node, from the root of its tree.
pub(super) fn rebuild(
    pack: &IndexedPack,
    reader: &mut EntryReader,
    node: u32,
) -> Result<(Kind, Vec<u8>), Damage> {
    let mut chain = Vec::new();
    let mut descendant = node;
    while let Some(parent) = pack.forest.parent(descendant) {
        chain.push(parent);
        descendant = parent;
    }
    let root = pack.entry(reader, chain.pop().ok_or(NO_BASE)?)?;
    let EntryKind::Object(kind) = root.kind else { return Err(NO_BASE) };
    let (mut inflater, mut instructions) = (Decompressor::new(), Vec::new());
    let (mut bytes, mut next) = (Vec::new(), Vec::new());
    inflate(&mut inflater, root, &mut bytes)?;
    for node in chain.into_iter().rev() {
        inflate(&mut inflater, pack.entry(reader, node)?, &mut instructions)?;
        let delta = Delta::parse(&instructions).map_err(|InvalidDelta| DAMAGED_DELTA)?;
        delta.apply(&bytes, &mut next).map_err(|InvalidDelta| DAMAGED_DELTA)?;
        std::mem::swap(&mut bytes, &mut next);
    }
    Ok((kind, bytes))
}
