//! The entries of all trees that are trees themselves, or wanted.
//!
//! One tree after the other is nearly the same: a pass over a pack goes along the versions of a directory. So what a tree
//! has in common with the one before is not parsed again.

use std::sync::{Mutex, PoisonError};

use gix::oid;

use super::id_set::IdSet;
use super::interner::Interner;
use super::object::{Kind, Mode, tree_entry};
use super::visitor::ObjectVisitor;
use crate::meter::CancelFlag;

/// An entry of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// The number of the object that it names.
    pub(super) child: u32,
    /// The number of its name.
    pub(super) name: u32,
    /// Whether it is a symbolic link.
    pub(super) link: bool,
}

/// What a tree is known by: the first bytes of its id, which no two objects share.
pub(super) type Key = [u8; 16];

pub(super) fn key(id: &oid) -> Key {
    id.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// A tree's number, and its entries.
pub(super) type NumberedTree = (u32, Box<[Edge]>);

/// Collects the entries of all trees.
pub(super) struct TreeReader<'a> {
    pub(super) wanted: IdSet,
    pub(super) trees: Interner<Key>,
    names: Interner<Box<[u8]>>,
    found: Mutex<Vec<NumberedTree>>,
    /// The tree that each thread has read last.
    last: Vec<Mutex<ParsedTree>>,
    cancel: &'a CancelFlag,
}

impl<'a> TreeReader<'a> {
    pub(super) fn new(wanted: IdSet, cancel: &'a CancelFlag) -> Self {
        let last = (0..=rayon::current_num_threads()).map(|_| Mutex::default()).collect();
        let (trees, names) = (Interner::default(), Interner::default());
        TreeReader { wanted, trees, names, found: Mutex::default(), last, cancel }
    }

    /// The numbers of trees, the names by their numbers, and the trees that were read.
    pub(super) fn into_parts(self) -> (Interner<Key>, Vec<Box<[u8]>>, Vec<NumberedTree>) {
        let found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        (self.trees, self.names.into_keys(), found)
    }

    /// The entry in front of `rest`, where it is one that is kept, and what is behind it.
    fn parse<'b>(&self, rest: &'b [u8], hash: gix::hash::Kind) -> Option<(Option<Edge>, &'b [u8])> {
        let (entry, rest) = tree_entry(rest, hash)?;
        let is_kept = entry.mode == Mode::Tree || self.wanted.contains(entry.id);
        let edge = is_kept.then(|| Edge {
            child: self.trees.number(&key(entry.id)),
            name: self.names.number(entry.name),
            link: entry.mode == Mode::Link,
        });
        Some((edge, rest))
    }
}

impl ObjectVisitor for TreeReader<'_> {
    fn wants(&self, kind: Kind) -> bool {
        kind == Kind::Tree
    }

    fn stopped(&self) -> bool {
        self.cancel.is_cancelled()
    }

    fn object(&self, id: &oid, _: Kind, bytes: &[u8]) {
        let thread = rayon::current_thread_index().map_or(0, |index| index + 1);
        let Some(last) = self.last.get(thread) else { return };
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        last.advance(bytes, &|rest| self.parse(rest, id.kind()));
        if !last.edges.is_empty() {
            let edges = last.edges.iter().map(|(_, edge)| *edge).collect();
            let found = (self.trees.number(&key(id)), edges);
            self.found.lock().unwrap_or_else(PoisonError::into_inner).push(found);
        }
    }
}

/// Parses the entry in front of some bytes: whether it is kept, and what is behind it.
type Parse<'a> = dyn for<'b> Fn(&'b [u8]) -> Option<(Option<Edge>, &'b [u8])> + 'a;

/// A tree whose entries are known.
#[derive(Default)]
struct ParsedTree {
    bytes: Vec<u8>,
    /// Where each entry ends.
    ends: Vec<usize>,
    /// Those that are kept, each with the index of its end.
    edges: Vec<(usize, Edge)>,
    /// What the tree before had: kept for its memory.
    old_ends: Vec<usize>,
    old_edges: Vec<(usize, Edge)>,
}

impl ParsedTree {
    /// Goes on to another tree, whose entries are parsed only where they differ.
    fn advance(&mut self, bytes: &[u8], parse: &Parse<'_>) {
        std::mem::swap(&mut self.ends, &mut self.old_ends);
        std::mem::swap(&mut self.edges, &mut self.old_edges);
        self.ends.clear();
        self.edges.clear();
        // Where both trees are at: always the start of an entry, or the end.
        let (mut at, mut old_at, mut old_index) = (0, 0, 0);
        loop {
            (at, old_at, old_index) = self.take_over(bytes, at, old_at, old_index);
            let Some((edge, rest)) = bytes.get(at..).and_then(parse) else { break };
            let entry = &bytes[at..bytes.len() - rest.len()];
            at += entry.len();
            self.ends.push(at);
            self.edges.extend(edge.map(|edge| (self.ends.len() - 1, edge)));
            // Entries are sorted by name, so this finds where the trees agree again; where it does not, more is parsed.
            while let Some(&old_end) = self.old_ends.get(old_index)
                && name(&self.bytes[old_at..old_end]) <= name(entry)
            {
                (old_at, old_index) = (old_end, old_index + 1);
            }
        }
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes over the entries that are the same from here on. Returns where both trees are at then.
    fn take_over(
        &mut self,
        bytes: &[u8],
        at: usize,
        old_at: usize,
        old_index: usize,
    ) -> (usize, usize, usize) {
        let same = common_prefix(&self.bytes[old_at..], &bytes[at..]);
        let ends = self.old_ends.get(old_index..).unwrap_or_default();
        let ends = &ends[..ends.partition_point(|end| *end <= old_at + same)];
        let Some(&last) = ends.last() else { return (at, old_at, old_index) };
        let (first, until) = (self.ends.len(), old_index + ends.len());
        self.ends.extend(ends.iter().map(|end| end - old_at + at));
        let edges = &self.old_edges[self.old_edges.partition_point(|(index, _)| *index < old_index)..];
        let edges = edges.iter().take_while(|(index, _)| *index < until);
        self.edges.extend(edges.map(|(index, edge)| (index - old_index + first, *edge)));
        (at + last - old_at, last, until)
    }
}

/// The name of an entry.
fn name(entry: &[u8]) -> &[u8] {
    let name = memchr::memchr(b' ', entry).map_or(entry, |space| &entry[space..]);
    memchr::memchr(0, name).map_or(name, |end| &name[..end])
}

/// How many bytes two slices begin with in common.
fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    const BLOCK: usize = 64;
    let blocks = a.chunks_exact(BLOCK).zip(b.chunks_exact(BLOCK)).take_while(|(a, b)| a == b).count() * BLOCK;
    let (a, b) = (a.get(blocks..).unwrap_or_default(), b.get(blocks..).unwrap_or_default());
    blocks + a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Entries of one name each, kept where they are large letters.
    fn parse(rest: &[u8]) -> Option<(Option<Edge>, &[u8])> {
        let end = memchr::memchr(b' ', rest)?;
        let edge = Edge { child: u32::from(*rest.first()?), name: u32::try_from(end).ok()?, link: false };
        Some((rest[0].is_ascii_uppercase().then_some(edge), &rest[end + 1..]))
    }

    fn parsed(bytes: &[u8]) -> (Vec<usize>, Vec<(usize, Edge)>) {
        let mut tree = ParsedTree::default();
        tree.advance(bytes, &parse);
        (tree.ends, tree.edges)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_tree_is_parsed_the_same_whatever_came_before_it(trees in prop::collection::vec("([abAB]{1,3} ){0,6}([ab]{150} )?([abAB]{1,3} ){0,6}[ab]{0,2}", 1..8)) {
            let mut last = ParsedTree::default();
            for tree in &trees {
                last.advance(tree.as_bytes(), &parse);
                prop_assert_eq!((last.ends.clone(), last.edges.clone()), parsed(tree.as_bytes()));
            }
        }
    }
}
