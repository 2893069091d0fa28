//! The delta trees of one pack: which entry is told from which, as flat tables of 28 bytes an entry.

use rayon::prelude::*;

use super::idx::Idx;
use super::pack::{Damage, Entry, Form, Pack};

/// No parent.
const NONE: u32 = u32::MAX;
/// A parent that cannot be had.
const LOST: u32 = u32::MAX - 1;

/// Every entry of a pack in the order of the file, and the trees they form. A node is an entry's number.
pub(super) struct DeltaForest {
    offsets: Vec<u64>,
    /// The place of each node's id within the index.
    places: Vec<u32>,
    /// Where the children of each node start in `children`; one more than there are nodes.
    firsts: Vec<u32>,
    /// Children by parent, those with the largest trees first.
    children: Vec<u32>,
    parents: Vec<u32>,
    /// Deflated bytes of each node's tree, in units of 64.
    weights: Vec<u32>,
    end: u64,
}

impl DeltaForest {
    /// Reads the header of every entry. Entries without an offset are left out, and their places returned.
    pub(super) fn grow(pack: &Pack, idx: &Idx) -> (Self, Vec<u32>) {
        let mut lost = Vec::new();
        let mut entries: Vec<(u64, u32)> = Vec::with_capacity(idx.len());
        for place in 0..idx.len() {
            let number = u32::try_from(place).unwrap_or(NONE);
            match idx.offset(place) {
                Some(offset) if number < LOST => entries.push((offset, number)),
                _ => lost.push(number),
            }
        }
        entries.par_sort_unstable();
        let offsets: Vec<u64> = entries.iter().map(|entry| entry.0).collect();
        let places: Vec<u32> = entries.iter().map(|entry| entry.1).collect();
        drop(entries);
        let mut forest = DeltaForest {
            offsets,
            places,
            firsts: Vec::new(),
            children: Vec::new(),
            parents: Vec::new(),
            weights: Vec::new(),
            end: pack.end(),
        };
        forest.parents = (0..forest.len()).into_par_iter().map(|node| forest.base(pack, idx, node)).collect();
        forest.link();
        forest.weigh();
        (forest, lost)
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// The place of a node's id within the index.
    pub(super) fn place(&self, node: u32) -> usize {
        self.places.get(node as usize).map_or(usize::MAX, |place| *place as usize)
    }

    /// A node's entry.
    pub(super) fn entry<'p>(&self, pack: &'p Pack, node: u32) -> Result<Entry<'p>, Damage> {
        let at = node as usize;
        let start = self.offsets.get(at).copied().unwrap_or(self.end);
        let end = self.offsets.get(at + 1).copied().unwrap_or(self.end);
        pack.entry(start, end)
    }

    /// The nodes told from this one, the largest trees first.
    pub(super) fn children(&self, node: u32) -> &[u32] {
        let at = node as usize;
        let bounds = self.firsts.get(at).zip(self.firsts.get(at + 1));
        bounds.and_then(|(start, end)| self.children.get(*start as usize..*end as usize)).unwrap_or_default()
    }

    /// The node this one is told from.
    pub(super) fn parent(&self, node: u32) -> Option<u32> {
        self.parents.get(node as usize).copied().filter(|parent| *parent < LOST)
    }

    /// Deflated bytes of a node's tree, roughly.
    pub(super) fn weight(&self, node: u32) -> u64 {
        self.weights.get(node as usize).map_or(0, |weight| u64::from(*weight) * 64)
    }

    /// The nodes that are told from none, in the order of the file.
    pub(super) fn roots(&self) -> impl Iterator<Item = u32> {
        (0_u32..).zip(&self.parents).filter(|(_, parent)| **parent == NONE).map(|(node, _)| node)
    }

    /// The nodes no root leads to: their bases are missing, or they are told from one another in a circle.
    pub(super) fn unrooted(&self) -> Vec<u32> {
        if !self.parents.iter().enumerate().any(|(at, parent)| *parent != NONE && *parent as usize >= at) {
            return Vec::new();
        }
        let mut rooted = vec![false; self.len()];
        let mut open: Vec<u32> = self.roots().collect();
        while let Some(node) = open.pop() {
            if let Some(mark) = rooted.get_mut(node as usize) {
                *mark = true;
            }
            open.extend(self.children(node));
        }
        (0_u32..).zip(rooted).filter(|(_, rooted)| !rooted).map(|(node, _)| node).collect()
    }

    fn base(&self, pack: &Pack, idx: &Idx, node: usize) -> u32 {
        let offset =
            match u32::try_from(node).map(|node| self.entry(pack, node)).map(|entry| entry.map(|e| e.form)) {
                // A damaged header is told when the node is visited.
                Ok(Ok(Form::Whole(_)) | Err(_)) => return NONE,
                Ok(Ok(Form::At(offset))) => Some(offset),
                Ok(Ok(Form::Of(id))) => idx.find(id).and_then(|place| idx.offset(place)),
                Err(_) => None,
            };
        let base = offset.and_then(|offset| self.offsets.binary_search(&offset).ok());
        base.and_then(|base| u32::try_from(base).ok()).unwrap_or(LOST)
    }

    /// Makes the lists of children from the parents.
    fn link(&mut self) {
        let mut firsts = vec![0_u32; self.len() + 1];
        for parent in self.parents.iter().filter(|parent| **parent < LOST) {
            if let Some(count) = firsts.get_mut(*parent as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for first in &mut firsts {
            sum += *first;
            *first = sum;
        }
        let mut children = vec![0_u32; sum as usize];
        let mut next = firsts.clone();
        for (node, parent) in (0_u32..).zip(&self.parents) {
            if let Some(at) = next.get_mut(*parent as usize)
                && *parent < LOST
            {
                if let Some(slot) = children.get_mut(*at as usize) {
                    *slot = node;
                }
                *at += 1;
            }
        }
        (self.firsts, self.children) = (firsts, children);
    }

    /// Sums up every tree, and puts the largest first among siblings.
    fn weigh(&mut self) {
        let ends = self.offsets.iter().skip(1).chain(std::iter::once(&self.end));
        let mut weights: Vec<u32> = self
            .offsets
            .iter()
            .zip(ends)
            .map(|(start, end)| u32::try_from(end.saturating_sub(*start) / 64 + 1).unwrap_or(u32::MAX))
            .collect();
        // Nearly every base stands before what is told from it; where one does not, its weight is only a guess.
        for node in (0..self.len()).rev() {
            let weight = weights.get(node).copied().unwrap_or(0);
            if let Some(sum) = self.parents.get(node).and_then(|parent| weights.get_mut(*parent as usize)) {
                *sum = sum.saturating_add(weight);
            }
        }
        for bounds in self.firsts.windows(2) {
            if let [start, end] = *bounds
                && let Some(siblings) = self.children.get_mut(start as usize..end as usize)
            {
                siblings.sort_by_key(|node| std::cmp::Reverse(weights.get(*node as usize).copied()));
            }
        }
        self.weights = weights;
    }
}
