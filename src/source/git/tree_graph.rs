//! Which trees are in which, as numbers: read in one pass over all trees, however deep they are nested.
//!
//! Only entries that are trees themselves or wanted are kept, and of them in the end only those that lead to something
//! wanted. Walking down from every commit instead would look up every tree that there ever was by its id.

use std::collections::HashMap;

use gix::ObjectId;

use super::id_set::IdSet;
use super::interner::Interner;
use super::odb::ObjectDb;
use super::tree_entries::Edge;
use super::tree_reader::{Key, TreeReader, key};
use crate::meter::CancelFlag;

/// The trees that lead to wanted objects.
#[derive(Default)]
pub(super) struct TreeGraph {
    /// By the number of the tree, in the order of its entries.
    edges: Vec<Box<[Edge]>>,
    names: Vec<Box<[u8]>>,
    trees: Interner<Key>,
    /// The wanted objects by number.
    pub(super) wanted: HashMap<u32, ObjectId>,
    /// All numbers that are left, children before their parents.
    order: Vec<u32>,
}

impl TreeGraph {
    /// Reads all trees of `odb`, and keeps those that lead to the `wanted` ids.
    pub(super) fn read(odb: &ObjectDb, hash: gix::hash::Kind, wanted: IdSet, cancel: &CancelFlag) -> Self {
        let reader = TreeReader::new(wanted, hash, cancel);
        odb.visit(&reader);
        let wanted = reader.wanted.ids().map(|id| (reader.trees.number(&key(id)), *id)).collect();
        let mut edges: Vec<Box<[Edge]>> = Vec::new();
        edges.resize_with(reader.trees.len(), Box::default);
        let (trees, names, found) = reader.into_parts();
        for (tree, found) in found {
            if let Some(slot) = edges.get_mut(tree as usize) {
                *slot = found;
            }
        }
        let mut graph = TreeGraph { edges, names, trees, wanted, order: Vec::new() };
        graph.keep_what_leads_to_wanted();
        graph
    }

    /// The number of a tree, where it leads to a wanted object or is one.
    pub(super) fn number(&self, tree: &ObjectId) -> Option<u32> {
        let number = self.trees.known(&key(tree))?;
        (!self.edges(number).is_empty() || self.wanted.contains_key(&number)).then_some(number)
    }

    /// The entries of a tree that lead to wanted objects.
    pub(super) fn edges(&self, tree: u32) -> &[Edge] {
        self.edges.get(tree as usize).map(|edges| &**edges).unwrap_or_default()
    }

    /// A name, by its number.
    pub(super) fn name(&self, number: u32) -> &[u8] {
        self.names.get(number as usize).map(|name| &**name).unwrap_or_default()
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.edges.len()
    }

    /// Adds to each object what its parents have, once for each of its entries in them. Sums end at the largest number.
    pub(super) fn add_up(&self, sums: &mut [u64]) {
        for &tree in self.order.iter().rev() {
            let sum = sums.get(tree as usize).copied().unwrap_or(0);
            for edge in self.edges(tree) {
                if let Some(child) = sums.get_mut(edge.child as usize) {
                    *child = child.saturating_add(sum);
                }
            }
        }
    }

    /// Drops the edges that lead to nothing wanted, and orders the rest.
    fn keep_what_leads_to_wanted(&mut self) {
        let mut entered = vec![false; self.edges.len()];
        let mut leads = vec![false; self.edges.len()];
        for start in 0..u32::try_from(self.edges.len()).unwrap_or(u32::MAX) {
            let mut pending = vec![(start, false)];
            while let Some((tree, after_children)) = pending.pop() {
                let at = tree as usize;
                if after_children {
                    let edges = self.edges.get_mut(at).map(std::mem::take).unwrap_or_default().into_vec();
                    let is_kept = |edge: &Edge| leads.get(edge.child as usize) == Some(&true);
                    let edges: Box<[Edge]> = edges.into_iter().filter(is_kept).collect();
                    leads[at] = !edges.is_empty() || self.wanted.contains_key(&tree);
                    self.edges[at] = edges;
                    if leads[at] {
                        self.order.push(tree);
                    }
                } else if entered.get(at) == Some(&false) {
                    // Entered now: only a damaged repository has a tree that is in itself, and that ends here.
                    entered[at] = true;
                    pending.push((tree, true));
                    pending.extend(self.edges(tree).iter().map(|edge| (edge.child, false)));
                }
            }
        }
    }
}
