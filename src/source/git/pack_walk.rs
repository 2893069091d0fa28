//! One pass over a pack along its delta trees: every entry is inflated once, and every base is at hand when it is needed.
//!
//! Looking objects up by id inflates a base again for each chain that leads through it. Walking from the roots does not,
//! and it also knows which bytes of an object are not in its base. Where a [`Prefilter`](crate::blob::Prefilter) says what a match must hold, a
//! delta against a base without a match is tested by its new bytes only, and most such objects are never built at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use rayon::Scope;

use super::delta::{Delta, InvalidDelta};
use super::error::{DAMAGED_DELTA, Damage, NO_BASE};
use super::exact_reader::ExactReader;
use super::indexed_pack::IndexedPack;
use super::object::Kind;
use super::pack::{EntryKind, EntryReader, inflate};
use super::pack_share::PackShare;
use super::rebuilt_base;
use super::scratch::Scratch;
use super::tree_entries::TreeEntries;
use super::visitor::{ObjectVisitor, STREAM_THRESHOLD, TreeVisitor, delta_may_match, may_match};

/// Subtrees of more deflated bytes than this are walked by a task of their own.
const SPLIT_THRESHOLD: u64 = 1 << 20;

/// The most trees in one task.
const MAX_TASK: usize = 256;

/// Bytes of bases that may be held for their deltas; beyond it, a base is dropped and built again when it is needed.
const MAX_HELD: usize = 64 << 20;

/// A pass over one pack.
pub(super) struct PackWalk<'a> {
    pack: &'a IndexedPack,
    share: PackShare,
    visitor: &'a dyn ObjectVisitor,
    /// Bytes of the bases that are held now, for all packs together.
    held: &'a AtomicUsize,
}

/// An object that others are deltas against.
struct Base {
    bytes: Vec<u8>,
    kind: Kind,
    /// Whether a match is possible in it: then it is in every delta against it, too.
    may_match: bool,
    /// The entries of a tree, where those are asked for.
    entries: TreeEntries,
}

/// A node still to be read.
struct Pending {
    node: u32,
    /// Its delta base; `None` for a root, or where the base was dropped to save memory.
    base: Option<Arc<Base>>,
}

impl<'a> PackWalk<'a> {
    /// A pass that calls `visitor` for every object of `pack` that is in its share and not passed over.
    pub(super) fn new(pack: &'a IndexedPack, visitor: &'a dyn ObjectVisitor, held: &'a AtomicUsize) -> Self {
        PackWalk { pack, share: PackShare::new(pack, visitor.shard()), visitor, held }
    }

    /// Walks, in tasks of `scope`: many small trees are one, a large tree is one of its own.
    pub(super) fn spawn<'s>(&'s self, scope: &Scope<'s>) {
        let forest = &self.pack.forest;
        let (mut task, mut task_size) = (Vec::new(), 0);
        for node in forest.roots() {
            task.push(node);
            task_size += forest.subtree_size(node);
            if task.len() >= MAX_TASK || task_size > SPLIT_THRESHOLD {
                self.spawn_task(scope, std::mem::take(&mut task));
                task_size = 0;
            }
        }
        self.spawn_task(scope, task);
        for node in forest.unrooted() {
            self.damaged(node, NO_BASE);
        }
    }

    fn spawn_task<'s>(&'s self, scope: &Scope<'s>, roots: Vec<u32>) {
        scope.spawn(move |scope| {
            // They are taken off the end.
            let pending = roots.into_iter().rev().map(|node| Pending { node, base: None });
            self.walk_subtrees(scope, pending.collect());
        });
    }

    /// Walks the subtrees of some nodes, depth first.
    fn walk_subtrees<'s>(&'s self, scope: &Scope<'s>, mut pending: Vec<Pending>) {
        let mut scratch = Scratch::take();
        while let Some(Pending { node, mut base }) = pending.pop() {
            if self.visitor.stopped() {
                break;
            }
            match self.read_node(&mut scratch, node, &mut base) {
                Ok(Some(base)) => self.push_children(scope, node, base, &mut pending),
                Ok(None) => {}
                Err(damage) => self.damaged_subtree(node, damage),
            }
            if let Some(base) = base.and_then(Arc::into_inner) {
                self.held.fetch_sub(base.bytes.capacity(), Relaxed);
                scratch.recycle(base.bytes);
            }
        }
        scratch.keep();
    }

    /// Puts the children of a node on the stack. The one with the largest subtree is pushed first and so popped last: its
    /// base is released before the descent into it, and no more bases are held than there are forks on the way down.
    fn push_children<'s>(&'s self, scope: &Scope<'s>, node: u32, base: Base, pending: &mut Vec<Pending>) {
        let held = self.held.fetch_add(base.bytes.capacity(), Relaxed);
        let base = Arc::new(base);
        let children = self.pack.forest.children(node);
        for (n, &child) in children.iter().enumerate() {
            let dropped = held > MAX_HELD && n + 1 < children.len();
            let next = Pending { node: child, base: (!dropped).then(|| Arc::clone(&base)) };
            if n > 0 && self.pack.forest.subtree_size(child) > SPLIT_THRESHOLD {
                scope.spawn(move |scope| self.walk_subtrees(scope, vec![next]));
            } else {
                pending.push(next);
            }
        }
    }

    /// Reads one node and calls the visitor; returns the object where others are deltas against it. The last delta against a
    /// base may take its memory.
    fn read_node(
        &self,
        scratch: &mut Scratch,
        node: u32,
        base: &mut Option<Arc<Base>>,
    ) -> Result<Option<Base>, Damage> {
        let index = self.pack.forest.index(node);
        let is_base = !self.pack.forest.children(node).is_empty();
        if self.pack.is_passed_over(index) && !is_base {
            return Ok(None);
        }
        if base.is_none() && self.pack.forest.parent(node).is_some() {
            let rebuilt = self.rebuild_base(&mut scratch.reader, node)?;
            self.held.fetch_add(rebuilt.bytes.capacity(), Relaxed);
            *base = Some(Arc::new(rebuilt));
        }
        if base.as_deref().is_some_and(|base| !self.share.needs(node, base.kind)) {
            return Ok(None);
        }
        let entry = self.pack.entry(&mut scratch.reader, node)?;
        let EntryKind::Object(kind) = entry.kind else {
            self.pack.may_hold(entry.size)?;
            inflate(&mut scratch.inflater, entry, &mut scratch.delta)?;
            return self.read_delta(scratch, node, base);
        };
        if !self.visitor.wants(kind) || !self.share.needs(node, kind) {
            return Ok(None);
        }
        if !is_base && kind == Kind::Blob && entry.size > STREAM_THRESHOLD {
            let inflated = flate2::bufread::ZlibDecoder::new(entry.deflated);
            let mut inflated = ExactReader::new(inflated, entry.size);
            self.visitor.stream(&self.pack.id(index), entry.size, &mut inflated);
            return inflated.outcome().map(|()| None);
        }
        self.pack.may_hold(entry.size)?;
        let mut bytes = scratch.spare.pop().unwrap_or_default();
        inflate(&mut scratch.inflater, entry, &mut bytes)?;
        Ok(self.visit_object(scratch, node, kind, bytes))
    }

    /// Reads one node that is a delta against `base`, and is inflated.
    fn read_delta(
        &self,
        scratch: &mut Scratch,
        node: u32,
        base: &mut Option<Arc<Base>>,
    ) -> Result<Option<Base>, Damage> {
        let shared = base;
        let base = shared.as_deref().ok_or(NO_BASE)?;
        let delta = Delta::parse(&scratch.delta).map_err(|InvalidDelta| DAMAGED_DELTA)?;
        if delta.base_size != base.bytes.len() {
            return Err(DAMAGED_DELTA);
        }
        if let Some(trees) = self.visitor.trees() {
            return self.read_tree_delta(node, trees, (&delta, &mut scratch.spare), shared);
        }
        let may_match = match self.visitor.prefilter(base.kind) {
            Some(prefilter) if !base.may_match => {
                delta_may_match(prefilter, base.kind, (&delta, &base.bytes), &mut scratch.new_bytes)
                    .map_err(|InvalidDelta| DAMAGED_DELTA)?
            }
            _ => true,
        };
        let is_base = !self.pack.forest.children(node).is_empty();
        if may_match && !is_base && base.kind == Kind::Blob && delta.size > STREAM_THRESHOLD {
            let id = self.pack.id(self.pack.forest.index(node));
            let mut object = ExactReader::new(delta.reader(&base.bytes), delta.size);
            self.visitor.stream(&id, delta.size, &mut object);
            return object.outcome().map(|()| None);
        }
        let (kind, size, mut bytes) = (base.kind, delta.size, Vec::new());
        if may_match || is_base {
            let base = shared.take().ok_or(NO_BASE)?;
            bytes = self.apply(&delta, base, &mut scratch.spare)?;
        }
        if may_match {
            return Ok(self.visit_object(scratch, node, kind, bytes));
        }
        if self.share.passes_on(self.pack, node, kind) {
            self.visitor.ruled_out(kind, size, &|| self.pack.id(self.pack.forest.index(node)));
        }
        Ok(is_base.then_some(Base { bytes, kind, may_match: false, entries: TreeEntries::default() }))
    }

    /// The same with a tree of which only the entries are asked for: it is built where others are deltas against it.
    fn read_tree_delta(
        &self,
        node: u32,
        trees: &dyn TreeVisitor,
        (delta, spare): (&Delta<'_>, &mut Vec<Vec<u8>>),
        shared: &mut Option<Arc<Base>>,
    ) -> Result<Option<Base>, Damage> {
        let base = shared.as_deref().ok_or(NO_BASE)?;
        let is_base = !self.pack.forest.children(node).is_empty();
        let entries = trees.delta_entries(&base.entries, (delta, &base.bytes), is_base);
        let entries = entries.map_err(|InvalidDelta| DAMAGED_DELTA)?;
        self.visit_tree(node, trees, &entries);
        if !is_base {
            return Ok(None);
        }
        let (kind, base) = (base.kind, shared.take().ok_or(NO_BASE)?);
        let bytes = self.apply(delta, base, spare)?;
        Ok(Some(Base { bytes, kind, may_match: true, entries }))
    }

    /// The object that a delta makes of its base, in the base's own memory where nothing else needs it.
    fn apply(&self, delta: &Delta<'_>, base: Arc<Base>, spare: &mut Vec<Vec<u8>>) -> Result<Vec<u8>, Damage> {
        self.pack.may_hold(delta.size)?;
        let base = match Arc::try_unwrap(base) {
            Ok(mut base) => {
                self.held.fetch_sub(base.bytes.capacity(), Relaxed);
                if delta.apply_in_place(&mut base.bytes).map_err(|InvalidDelta| DAMAGED_DELTA)? {
                    return Ok(base.bytes);
                }
                Arc::new(base)
            }
            Err(shared) => shared,
        };
        let mut bytes = spare.pop().unwrap_or_default();
        delta.apply(&base.bytes, &mut bytes).map_err(|InvalidDelta| DAMAGED_DELTA)?;
        Ok(bytes)
    }

    /// Calls the visitor for an object that nothing has ruled out yet.
    fn visit_object(&self, scratch: &mut Scratch, node: u32, kind: Kind, bytes: Vec<u8>) -> Option<Base> {
        let index = self.pack.forest.index(node);
        let is_base = !self.pack.forest.children(node).is_empty();
        if let Some(trees) = self.visitor.trees() {
            let entries = trees.entries(&bytes);
            self.visit_tree(node, trees, &entries);
            return is_base.then_some(Base { bytes, kind, may_match: true, entries });
        }
        // The answer is for the deltas against it. The visitor searches the bytes anyway: twice would be a waste.
        let may_match = !is_base || may_match(self.visitor, kind, &bytes);
        if self.share.passes_on(self.pack, node, kind) {
            if may_match {
                self.visitor.object(&self.pack.id(index), kind, &bytes);
            } else {
                self.visitor.ruled_out(kind, bytes.len(), &|| self.pack.id(index));
            }
        }
        if is_base {
            return Some(Base { bytes, kind, may_match, entries: TreeEntries::default() });
        }
        scratch.recycle(bytes);
        None
    }

    fn visit_tree(&self, node: u32, trees: &dyn TreeVisitor, entries: &TreeEntries) {
        let index = self.pack.forest.index(node);
        if !self.pack.is_passed_over(index) {
            trees.tree(&self.pack.id(index), entries);
        }
    }

    /// Builds the base of a node again.
    fn rebuild_base(&self, reader: &mut EntryReader, node: u32) -> Result<Base, Damage> {
        let (kind, bytes) = rebuilt_base::rebuild(self.pack, reader, node)?;
        let may_match = may_match(self.visitor, kind, &bytes);
        let entries = self.visitor.trees().map(|trees| trees.entries(&bytes)).unwrap_or_default();
        Ok(Base { bytes, kind, may_match, entries })
    }

    /// Reports a node as damaged, and with it every delta that depends on it.
    fn damaged_subtree(&self, node: u32, damage: Damage) {
        let mut pending = vec![(node, damage)];
        while let Some((node, damage)) = pending.pop() {
            self.damaged(node, damage);
            pending.extend(self.pack.forest.children(node).iter().map(|child| (*child, NO_BASE)));
        }
    }

    fn damaged(&self, node: u32, damage: Damage) {
        if self.share.is_own(self.pack, node) {
            self.visitor.damaged(&self.pack.id(self.pack.forest.index(node)), &self.pack.path, damage);
        }
    }
}
