//! Where the entries of a tree are, and those of a delta against it: what both have in common is not parsed again.
//!
//! Most trees are nearly the same as their bases, so a delta says what its tree has without the tree being built.

use super::delta::{Delta, Instruction, InvalidDelta};

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

/// Parses the entry in front of some bytes, where it is whole: whether it is kept, and what is behind it.
pub(super) type Parse<'a> = dyn for<'b> Fn(&'b [u8]) -> Option<(Option<Edge>, &'b [u8])> + 'a;

/// The entries of a tree, up to the first that is malformed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TreeEntries {
    /// Where each entry ends; empty for a tree that is nobody's base.
    ends: Vec<usize>,
    /// Those that are kept, each with its end.
    kept: Vec<(usize, Edge)>,
}

impl TreeEntries {
    /// The entries of a whole tree.
    pub(super) fn of(tree: &[u8], parse: &Parse<'_>) -> Self {
        let mut entries = TreeEntries::default();
        let mut rest = tree;
        while let Some((edge, behind)) = parse(rest) {
            let end = tree.len() - behind.len();
            entries.ends.push(end);
            entries.kept.extend(edge.map(|edge| (end, edge)));
            rest = behind;
        }
        entries
    }

    /// The entries of a tree that is a delta against a tree with these ones, which has the bytes `base`.
    pub(super) fn follow(
        &self,
        (delta, base): (&Delta<'_>, &[u8]),
        is_base: bool,
        parse: &Parse<'_>,
    ) -> Result<Self, InvalidDelta> {
        let mut following = Following::new(self, is_base, parse);
        let mut size = 0;
        for instruction in delta.instructions() {
            let instruction = instruction?;
            let bytes = instruction.bytes(base)?;
            size += bytes.len();
            if size > delta.size {
                return Err(InvalidDelta);
            }
            match instruction {
                Instruction::Insert(_) => following.append(bytes),
                Instruction::Copy { offset, .. } => following.copy(self, base, offset..offset + bytes.len()),
            }
        }
        if size != delta.size {
            return Err(InvalidDelta);
        }
        following.parse_unparsed();
        Ok(following.entries)
    }

    /// Those that are kept.
    pub(super) fn kept(&self) -> impl ExactSizeIterator<Item = Edge> {
        self.kept.iter().map(|(_, edge)| *edge)
    }
}

/// So many bytes are parsed again whenever there are more of them.
const MAX_PARSED_AGAIN: usize = 4 << 10;

/// A tree that is read along a delta.
struct Following<'a> {
    parse: &'a Parse<'a>,
    is_base: bool,
    entries: TreeEntries,
    /// Where the last entry ended.
    end: usize,
    /// What is behind it: an entry that is not whole yet.
    unparsed: Vec<u8>,
    /// How many bytes have to be unparsed for another attempt.
    attempt_at: usize,
}

impl<'a> Following<'a> {
    fn new(base: &TreeEntries, is_base: bool, parse: &'a Parse<'a>) -> Self {
        // A few more than the base has: a tree that grows seldom grows by more.
        let ends = if is_base { base.ends.len() + 2 } else { 0 };
        let kept = Vec::with_capacity(base.kept.len() + 1);
        let entries = TreeEntries { ends: Vec::with_capacity(ends), kept };
        Following { parse, is_base, entries, end: 0, unparsed: Vec::with_capacity(256), attempt_at: 0 }
    }

    fn append(&mut self, bytes: &[u8]) {
        self.unparsed.extend_from_slice(bytes);
        if self.unparsed.len() >= self.attempt_at {
            self.parse_unparsed();
        }
    }

    fn parse_unparsed(&mut self) {
        let mut rest = &self.unparsed[..];
        while let Some((edge, behind)) = (self.parse)(rest) {
            self.end += rest.len() - behind.len();
            if self.is_base {
                self.entries.ends.push(self.end);
            }
            self.entries.kept.extend(edge.map(|edge| (self.end, edge)));
            rest = behind;
        }
        let left = rest.len();
        self.unparsed.drain(..self.unparsed.len() - left);
        self.attempt_at = if left > MAX_PARSED_AGAIN { 2 * left } else { 0 };
    }

    /// Goes along a range of the base. Between its entries, those in the range are taken over; within one, it is completed.
    fn copy(&mut self, from: &TreeEntries, base: &[u8], range: std::ops::Range<usize>) {
        let mut at = range.start;
        while at < range.end {
            let next = from.ends.partition_point(|end| *end <= at);
            let starts_entry = at == next.checked_sub(1).map_or(0, |last| from.ends[last]);
            let behind = &from.ends[next..];
            let whole = &behind[..behind.partition_point(|end| *end <= range.end)];
            if starts_entry
                && self.unparsed.is_empty()
                && let Some(&last) = whole.last()
            {
                self.take_over(from, whole, at);
                at = last;
            } else {
                let end = behind.first().map_or(range.end, |end| range.end.min(*end));
                self.append(&base[at..end]);
                at = end;
            }
        }
    }

    /// Takes over whole entries that end there; the first starts at `start` in the base.
    fn take_over(&mut self, from: &TreeEntries, ends: &[usize], start: usize) {
        let Some(&last) = ends.last() else { return };
        let end = self.end;
        if self.is_base {
            self.entries.ends.extend(ends.iter().map(|at| at - start + end));
        }
        let kept = &from.kept[from.kept.partition_point(|(at, _)| *at <= start)..];
        let kept = kept.iter().take_while(|(at, _)| *at <= last);
        self.entries.kept.extend(kept.map(|(at, edge)| (at - start + end, *edge)));
        self.end += last - start;
    }
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

    /// A delta that copies ranges of the base, and inserts text.
    fn delta(base: &[u8], parts: &[(usize, usize, String)]) -> (Vec<u8>, usize) {
        let (mut instructions, mut size) = (Vec::new(), 0);
        for (offset, length, text) in parts {
            let offset = offset % (base.len() + 1);
            let length = (*length).min(base.len() - offset);
            if length > 0 {
                let bytes = |n: usize| u16::try_from(n).expect("a short base").to_le_bytes();
                instructions.push(0xb3);
                instructions.extend(bytes(offset).iter().chain(&bytes(length)));
            }
            if !text.is_empty() {
                instructions.push(u8::try_from(text.len()).expect("a short text"));
                instructions.extend(text.as_bytes());
            }
            size += length + text.len();
        }
        (instructions, size)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_delta_has_the_entries_of_the_tree_that_it_makes(
            tree in "([abAB]{1,3} ){0,9}([ab]{150} )?([abAB]{1,3} ){0,9}[ab]{0,2}",
            deltas in prop::collection::vec(
                prop::collection::vec((0_usize..300, 0_usize..300, "([abAB]{0,3} ?){0,3}"), 0..6), 1..6),
            in_order in any::<bool>(),
        ) {
            let mut tree = tree.into_bytes();
            let mut entries = TreeEntries::of(&tree, &parse);
            for mut parts in deltas {
                if in_order {
                    parts.sort();
                }
                let (instructions, size) = delta(&tree, &parts);
                let delta = Delta::new(tree.len(), size, &instructions);
                let followed = entries.follow((&delta, &tree), true, &parse);
                let alone = entries.follow((&delta, &tree), false, &parse);
                let mut next = Vec::new();
                delta.apply(&tree, &mut next).expect("it fits");
                entries = TreeEntries::of(&next, &parse);
                prop_assert_eq!(followed.as_ref(), Ok(&entries));
                prop_assert_eq!(alone.map(|alone| alone.kept), Ok(entries.kept.clone()));
                tree = next;
            }
        }
    }

    #[test]
    fn a_delta_that_does_not_fit_is_damaged() {
        let entries = TreeEntries::of(b"a b ", &parse);
        let copy_of_five = [0x90, 5];
        for (size, instructions) in [(3, &[0x90, 4][..]), (5, &[0x90, 4]), (5, &copy_of_five), (1, &[0, 1])] {
            let delta = Delta::new(4, size, instructions);
            assert_eq!(entries.follow((&delta, b"a b "), true, &parse), Err(InvalidDelta));
        }
    }

    #[test]
    fn an_entry_of_many_pieces_is_parsed_when_it_is_whole() {
        let piece = [&[127][..], &[b'A'; 127]].concat();
        let instructions = [piece.repeat(100), vec![3, b' ', b'B', b' ']].concat();
        let delta = Delta::new(0, 127 * 100 + 3, &instructions);
        let followed = TreeEntries::default().follow((&delta, b""), true, &parse).expect("it fits");
        assert_eq!(followed.ends, [12_701, 12_703]);
        assert_eq!(followed.kept().len(), 2);
    }
}
