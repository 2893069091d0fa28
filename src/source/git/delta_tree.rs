//! The delta trees of a pack: which entry is the delta base of which, as flat tables of 28 bytes an entry.

use rayon::prelude::*;

use super::error::Damage;
use super::pack::{Entry, EntryKind, EntryReader, Pack};
use super::pack_index::PackIndex;

/// How many entries' headers are read at once, by one thread.
const NODES_AT_ONCE: usize = 8 << 10;

/// How many bytes are read for that at once, and how many a header takes at most: a size, and an id or a distance.
const HEADERS_AT_ONCE: usize = 64 << 10;
const MAX_HEADER: u64 = 64;

/// The parent of a node that is no delta.
const NONE: u32 = u32::MAX;
/// The parent of a node whose delta base is not in the pack.
const MISSING: u32 = u32::MAX - 1;

/// Every entry of a pack, and the trees that they form: the children of a node are the deltas against it. A node is an
/// entry's number in the order of the pack, from 0.
pub(super) struct DeltaForest {
    /// The offset of each node's entry within the pack.
    offsets: Vec<u64>,
    /// The index of each node's object within the pack index.
    indexes: Vec<u32>,
    /// Where the children of each node start in `children`; one more than there are nodes.
    child_starts: Vec<u32>,
    /// Children by parent, those with the largest subtrees first.
    children: Vec<u32>,
    parents: Vec<u32>,
    /// Deflated bytes of each node's subtree, in units of 64.
    subtree_sizes: Vec<u32>,
    /// The offset at which the last entry ends.
    end: u64,
}

impl DeltaForest {
    /// Reads the header of every entry. Objects that the pack index has no offset for are left out, and their indexes
    /// returned.
    pub(super) fn build(pack: &Pack, index: &PackIndex) -> (Self, Vec<u32>) {
        let mut without_offset = Vec::new();
        let mut entries: Vec<(u64, u32)> = Vec::with_capacity(index.len());
        for at in 0..index.len() {
            let number = u32::try_from(at).unwrap_or(NONE);
            match index.offset(at) {
                Some(offset) if number < MISSING => entries.push((offset, number)),
                _ => without_offset.push(number),
            }
        }
        entries.par_sort_unstable();
        let offsets: Vec<u64> = entries.iter().map(|entry| entry.0).collect();
        let indexes: Vec<u32> = entries.iter().map(|entry| entry.1).collect();
        drop(entries);
        let mut forest = DeltaForest {
            offsets,
            indexes,
            child_starts: Vec::new(),
            children: Vec::new(),
            parents: Vec::new(),
            subtree_sizes: Vec::new(),
            end: pack.end(),
        };
        let nodes: Vec<u32> = (0..).take(forest.len()).collect();
        let runs = nodes.par_chunks(NODES_AT_ONCE).flat_map_iter(|nodes| {
            let mut reader = EntryReader::new(HEADERS_AT_ONCE);
            let find_base = |node: &u32| {
                let (start, end) = forest.bounds(*node);
                let header = reader.entry(pack, start, end.min(start + MAX_HEADER));
                forest.find_base(header, index)
            };
            nodes.iter().map(find_base).collect::<Vec<_>>()
        });
        forest.parents = runs.collect();
        forest.list_children();
        forest.sum_subtrees();
        (forest, without_offset)
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// The index of a node's object within the pack index.
    pub(super) fn index(&self, node: u32) -> usize {
        self.indexes.get(node as usize).map_or(usize::MAX, |index| *index as usize)
    }

    /// The offsets at which a node's entry starts and ends.
    pub(super) fn bounds(&self, node: u32) -> (u64, u64) {
        let offset = |at: usize| self.offsets.get(at).copied().unwrap_or(self.end);
        (offset(node as usize), offset(node as usize + 1))
    }

    /// The deltas against a node, those with the largest subtrees first.
    pub(super) fn children(&self, node: u32) -> &[u32] {
        let at = node as usize;
        let bounds = self.child_starts.get(at).zip(self.child_starts.get(at + 1));
        bounds.and_then(|(start, end)| self.children.get(*start as usize..*end as usize)).unwrap_or_default()
    }

    /// The delta base of a node.
    pub(super) fn parent(&self, node: u32) -> Option<u32> {
        self.parents.get(node as usize).copied().filter(|parent| *parent < MISSING)
    }

    /// Deflated bytes of a node's subtree, roughly.
    pub(super) fn subtree_size(&self, node: u32) -> u64 {
        self.subtree_sizes.get(node as usize).map_or(0, |size| u64::from(*size) * 64)
    }

    /// The nodes that are no deltas, in the order of the pack.
    pub(super) fn roots(&self) -> impl Iterator<Item = u32> {
        (0_u32..).zip(&self.parents).filter(|(_, parent)| **parent == NONE).map(|(node, _)| node)
    }

    /// The nodes that no root leads to: their bases are missing, or a damaged pack has a cycle of deltas.
    pub(super) fn unrooted(&self) -> Vec<u32> {
        if !self.parents.iter().enumerate().any(|(at, parent)| *parent != NONE && *parent as usize >= at) {
            return Vec::new();
        }
        let mut rooted = vec![false; self.len()];
        let mut pending: Vec<u32> = self.roots().collect();
        while let Some(node) = pending.pop() {
            if let Some(mark) = rooted.get_mut(node as usize) {
                *mark = true;
            }
            pending.extend(self.children(node));
        }
        (0_u32..).zip(rooted).filter(|(_, rooted)| !rooted).map(|(node, _)| node).collect()
    }

    /// The node that an entry is a delta against.
    fn find_base(&self, entry: Result<Entry<'_>, Damage>, index: &PackIndex) -> u32 {
        let offset = match entry.map(|entry| entry.kind) {
            // A damaged header is reported when the walk comes to the node.
            Ok(EntryKind::Object(_)) | Err(_) => return NONE,
            Ok(EntryKind::OfsDelta(offset)) => Some(offset),
            Ok(EntryKind::RefDelta(id)) => index.find(id).and_then(|at| index.offset(at)),
        };
        let base = offset.and_then(|offset| self.offsets.binary_search(&offset).ok());
        base.and_then(|base| u32::try_from(base).ok()).unwrap_or(MISSING)
    }

    /// Fills the lists of children from the parents: a counting sort.
    fn list_children(&mut self) {
        let mut starts = vec![0_u32; self.len() + 1];
        for parent in self.parents.iter().filter(|parent| **parent < MISSING) {
            if let Some(count) = starts.get_mut(*parent as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut children = vec![0_u32; sum as usize];
        let mut next = starts.clone();
        for (node, parent) in (0_u32..).zip(&self.parents) {
            if let Some(at) = next.get_mut(*parent as usize)
                && *parent < MISSING
            {
                if let Some(slot) = children.get_mut(*at as usize) {
                    *slot = node;
                }
                *at += 1;
            }
        }
        (self.child_starts, self.children) = (starts, children);
    }

    /// Sums up every subtree, and puts the largest first among siblings.
    fn sum_subtrees(&mut self) {
        let ends = self.offsets.iter().skip(1).chain(std::iter::once(&self.end));
        let mut sizes: Vec<u32> = self
            .offsets
            .iter()
            .zip(ends)
            .map(|(start, end)| u32::try_from(end.saturating_sub(*start) / 64 + 1).unwrap_or(u32::MAX))
            .collect();
        // Nearly every delta comes after its base in the pack; where one does not, the sum is only an estimate.
        for node in (0..self.len()).rev() {
            let size = sizes.get(node).copied().unwrap_or(0);
            if let Some(sum) = self.parents.get(node).and_then(|parent| sizes.get_mut(*parent as usize)) {
                *sum = sum.saturating_add(size);
            }
        }
        for bounds in self.child_starts.windows(2) {
            if let [start, end] = *bounds
                && let Some(siblings) = self.children.get_mut(start as usize..end as usize)
            {
                siblings.sort_by_key(|node| std::cmp::Reverse(sizes.get(*node as usize).copied()));
            }
        }
        self.subtree_sizes = sizes;
    }
}
