//! One pass over a pack along its delta trees: every entry is inflated once, and every base is at hand when it is needed.
//!
//! Looking objects up by id inflates a base again for each chain that leads through it. Walking from the roots does not,
//! and it tells something else: which bytes an object has that its base has not. Where a [`Prefilter`] says what a finding
//! must hold, an object told from a harmless base is judged by its new bytes alone, and most are never built at all.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use libdeflater::Decompressor;
use rayon::Scope;

use super::delta::{Broken, Delta};
use super::delta_tree::DeltaForest;
use super::pack::{Damage, Form, Kind, Pack, inflate};
use crate::blob::{HEAD, Prefilter};

/// Trees of more deflated bytes than this are shared out between threads.
const SPLIT: u64 = 1 << 20;

/// Bytes of bases that may wait for their children; beyond it, a base is dropped and built again when its turn comes.
const HELD: usize = 192 << 20;

/// An object of more bytes is handed over as a stream where nothing is told from it.
pub(super) const STREAMED: usize = 32 << 20;

/// Buffers of more bytes are given back rather than kept for the next object.
const KEPT: usize = 4 << 20;

/// How far a name in a tree may reach, and with it what is found in it: no file system has longer ones.
const NAME: usize = 1024;

/// What a walk asks and tells. Objects are named by their place within the index.
pub(super) trait EntryVisitor: Sync {
    /// What must stand in an object for it to matter; without one, every object does.
    fn prefilter(&self) -> Option<&dyn Prefilter>;
    /// Whether objects of this kind are to be read at all.
    fn wants(&self, kind: Kind) -> bool;
    /// Whether to end.
    fn stopped(&self) -> bool;
    /// Whether this object has been seen elsewhere: it is only read for what is told from it.
    fn known(&self, place: usize) -> bool;
    /// An object of so many bytes. They are not handed over where the prefilter would catch nothing in them.
    fn object(&self, place: usize, kind: Kind, size: usize, bytes: Option<&[u8]>);
    /// A large blob, as a zlib stream.
    fn stream(&self, place: usize, size: usize, deflated: &[u8]);
    /// An object that cannot be read.
    fn damaged(&self, place: usize, why: Damage);
}

/// A pack, its delta trees, and who wants to see it.
pub(super) struct Walk<'a> {
    pack: &'a Pack,
    forest: &'a DeltaForest,
    visit: &'a dyn EntryVisitor,
    /// Bytes of bases now waiting.
    held: AtomicUsize,
}

/// An object with others told from it.
struct Base {
    bytes: Vec<u8>,
    kind: Kind,
    /// Whether it matters itself: then so may anything told from it.
    live: bool,
}

/// A node whose turn comes.
struct Due {
    node: u32,
    /// What it is told from; nothing where it is a root, or where the base was dropped to save memory.
    base: Option<Arc<Base>>,
}

const BROKEN: Damage = "its delta is damaged";
const BASELESS: Damage = "the object its delta is told from is missing or damaged";

impl<'a> Walk<'a> {
    /// A walk over `pack` that tells `visit` of every object in it.
    pub(super) fn new(pack: &'a Pack, forest: &'a DeltaForest, visit: &'a dyn EntryVisitor) -> Self {
        Walk { pack, forest, visit, held: AtomicUsize::new(0) }
    }

    /// Walks, on all threads of rayon's pool.
    pub(super) fn run(&self) {
        let roots: Vec<u32> = self.forest.roots().collect();
        rayon::scope(|scope| {
            for some in roots.chunks(256) {
                scope.spawn(move |scope| {
                    let due = some.iter().rev().map(|node| Due { node: *node, base: None });
                    self.trees(scope, due.collect());
                });
            }
        });
        for node in self.forest.unrooted() {
            self.damaged(node, BASELESS);
        }
    }

    /// Walks the trees of some nodes, depth first.
    fn trees<'s>(&'s self, scope: &Scope<'s>, mut due: Vec<Due>) {
        let mut tools = TOOLS.take().unwrap_or_default();
        while let Some(Due { node, base }) = due.pop() {
            if self.visit.stopped() {
                break;
            }
            match self.look(&mut tools, node, base.as_deref()) {
                Ok(Some(next)) => self.branch(scope, node, next, &mut due),
                Ok(None) => {}
                Err(why) => self.lose(node, why),
            }
            if let Some(base) = base.and_then(Arc::into_inner) {
                self.held.fetch_sub(base.bytes.capacity(), Relaxed);
                tools.keep(base.bytes);
            }
        }
        TOOLS.set(Some(tools));
    }

    /// Puts the children of a node on the list. The one with the largest tree comes last: then its base is let go
    /// before the descent, and no more bases wait at a time than the tree has forks on the way.
    fn branch<'s>(&'s self, scope: &Scope<'s>, node: u32, base: Base, due: &mut Vec<Due>) {
        let held = self.held.fetch_add(base.bytes.capacity(), Relaxed);
        let base = Arc::new(base);
        let children = self.forest.children(node);
        for (n, &child) in children.iter().enumerate() {
            let dropped = held > HELD && n + 1 < children.len();
            let next = Due { node: child, base: (!dropped).then(|| Arc::clone(&base)) };
            if n > 0 && self.forest.weight(child) > SPLIT {
                scope.spawn(move |scope| self.trees(scope, vec![next]));
            } else {
                due.push(next);
            }
        }
    }

    /// Reads one node, tells of it, and keeps it where others are told from it.
    fn look(&self, tools: &mut Tools, node: u32, base: Option<&Base>) -> Result<Option<Base>, Damage> {
        let place = self.forest.place(node);
        let known = self.visit.known(place);
        let parent = !self.forest.children(node).is_empty();
        if known && !parent {
            return Ok(None);
        }
        let entry = self.forest.entry(self.pack, node)?;
        let Form::Whole(kind) = entry.form else {
            let rebuilt = if base.is_none() { Some(self.rebuild(node)?) } else { None };
            let base = base.or(rebuilt.as_ref()).ok_or(BASELESS)?;
            return self.delta(tools, node, base);
        };
        if !self.visit.wants(kind) {
            return Ok(None);
        }
        if !parent && kind == Kind::Blob && entry.size > STREAMED {
            self.visit.stream(place, entry.size, entry.deflated);
            return Ok(None);
        }
        let mut bytes = tools.spare.pop().unwrap_or_default();
        inflate(&mut tools.inflater, entry, &mut bytes)?;
        Ok(self.judge(tools, node, kind, bytes))
    }

    /// Reads one node that is told from `base`.
    fn delta(&self, tools: &mut Tools, node: u32, base: &Base) -> Result<Option<Base>, Damage> {
        let entry = self.forest.entry(self.pack, node)?;
        inflate(&mut tools.inflater, entry, &mut tools.delta)?;
        let delta = Delta::parse(&tools.delta).map_err(|Broken| BROKEN)?;
        if delta.base_size != base.bytes.len() {
            return Err(BROKEN);
        }
        let matters = match self.visit.prefilter() {
            Some(prefilter) if !base.live => {
                stirs(prefilter, &delta, base, &mut tools.fresh).map_err(|Broken| BROKEN)?
            }
            _ => true,
        };
        let parent = !self.forest.children(node).is_empty();
        let mut bytes = Vec::new();
        if matters || parent {
            bytes = tools.spare.pop().unwrap_or_default();
            delta.apply(&base.bytes, &mut bytes).map_err(|Broken| BROKEN)?;
        }
        if matters {
            return Ok(self.judge(tools, node, base.kind, bytes));
        }
        let place = self.forest.place(node);
        if !self.visit.known(place) {
            self.visit.object(place, base.kind, delta.size, None);
        }
        Ok(parent.then_some(Base { bytes, kind: base.kind, live: false }))
    }

    /// Tells of an object that may matter.
    fn judge(&self, tools: &mut Tools, node: u32, kind: Kind, bytes: Vec<u8>) -> Option<Base> {
        let place = self.forest.place(node);
        let parent = !self.forest.children(node).is_empty();
        // Where nothing is told from it, it is looked through once, by whoever it is handed to.
        let live = !parent || self.visit.prefilter().is_none_or(|prefilter| matters(prefilter, kind, &bytes));
        if !self.visit.known(place) {
            self.visit.object(place, kind, bytes.len(), live.then_some(&bytes));
        }
        if parent {
            return Some(Base { bytes, kind, live });
        }
        tools.keep(bytes);
        None
    }

    /// Builds the base of a node again, from the root of its tree.
    fn rebuild(&self, node: u32) -> Result<Base, Damage> {
        let mut chain = Vec::new();
        let mut at = node;
        while let Some(parent) = self.forest.parent(at) {
            chain.push(parent);
            at = parent;
        }
        let root = self.forest.entry(self.pack, chain.pop().ok_or(BASELESS)?)?;
        let Form::Whole(kind) = root.form else { return Err(BASELESS) };
        let (mut inflater, mut instructions) = (Decompressor::new(), Vec::new());
        let (mut bytes, mut next) = (Vec::new(), Vec::new());
        inflate(&mut inflater, root, &mut bytes)?;
        for node in chain.into_iter().rev() {
            inflate(&mut inflater, self.forest.entry(self.pack, node)?, &mut instructions)?;
            let delta = Delta::parse(&instructions).map_err(|Broken| BROKEN)?;
            delta.apply(&bytes, &mut next).map_err(|Broken| BROKEN)?;
            std::mem::swap(&mut bytes, &mut next);
        }
        let live = self.visit.prefilter().is_none_or(|prefilter| matters(prefilter, kind, &bytes));
        Ok(Base { bytes, kind, live })
    }

    /// Gives up a node and everything told from it.
    fn lose(&self, node: u32, why: Damage) {
        self.damaged(node, why);
        let mut lost = self.forest.children(node).to_vec();
        while let Some(node) = lost.pop() {
            self.damaged(node, BASELESS);
            lost.extend(self.forest.children(node));
        }
    }

    fn damaged(&self, node: u32, why: Damage) {
        let place = self.forest.place(node);
        if !self.visit.known(place) {
            self.visit.damaged(place, why);
        }
    }
}

/// Whether anything can be found in an object.
pub(super) fn matters(prefilter: &dyn Prefilter, kind: Kind, bytes: &[u8]) -> bool {
    prefilter.may_match(bytes) || kind == Kind::Blob && prefilter.must_open(&bytes[..bytes.len().min(HEAD)])
}

/// Whether anything can be found in an object whose base holds nothing.
fn stirs(
    prefilter: &dyn Prefilter,
    delta: &Delta<'_>,
    base: &Base,
    fresh: &mut Vec<u8>,
) -> Result<bool, Broken> {
    let reach = if base.kind == Kind::Tree { prefilter.context().min(NAME) } else { prefilter.context() };
    delta.fresh(&base.bytes, reach, fresh)?;
    if prefilter.may_match(fresh) {
        return Ok(true);
    }
    if base.kind != Kind::Blob || delta.keeps_head(HEAD) {
        return Ok(false);
    }
    delta.head(&base.bytes, HEAD, fresh)?;
    Ok(prefilter.must_open(fresh))
}

/// What a thread works with.
#[derive(Default)]
struct Tools {
    inflater: Decompressor,
    delta: Vec<u8>,
    fresh: Vec<u8>,
    spare: Vec<Vec<u8>>,
}

impl Tools {
    /// Keeps a buffer for the next object.
    fn keep(&mut self, bytes: Vec<u8>) {
        if bytes.capacity() <= KEPT && self.spare.len() < 16 {
            self.spare.push(bytes);
        }
    }
}

thread_local! {
    static TOOLS: Cell<Option<Box<Tools>>> = const { Cell::new(None) };
}
