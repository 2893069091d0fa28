//! What of a text was looked through already: hits that share a line share what is looked for around them.

use std::cell::Cell;
use std::ops::Range;

/// A part of a text in which nothing was found, so that it is not looked through again for the next hit. What was found lies
/// right behind it, and is found again at once.
#[derive(Debug, Default)]
pub struct Searched(Cell<(usize, usize)>);

impl Searched {
    /// The first of what is looked for in `part`; `find` looks for it in a part, always in the same text.
    pub fn first<T>(
        &self,
        part: Range<usize>,
        find: impl FnOnce(Range<usize>) -> Option<(usize, T)>,
    ) -> Option<(usize, T)> {
        let (start, end) = self.0.get();
        let goes_on = start <= part.start && part.start <= end;
        let (start, from) = if goes_on { (start, end) } else { (part.start, part.start) };
        let found = if from < part.end { find(from..part.end) } else { None };
        let end = found.as_ref().map_or(from.max(part.end), |(index, _)| *index);
        self.0.set((start, end));
        found
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is asked for in whatever order, the answer is that of a search from the beginning.
        #[test]
        fn nothing_is_passed_over(
            text in prop::collection::vec(prop::bool::weighted(0.1), 0..200),
            parts in prop::collection::vec((0..200_usize, 0..60_usize), 0..40),
        ) {
            let first = |part: Range<usize>| {
                part.clone().find(|index| text.get(*index) == Some(&true)).map(|index| (index, ()))
            };
            let searched = Searched::default();
            for (start, length) in parts {
                let part = start..start + length;
                prop_assert_eq!(searched.first(part.clone(), first), first(part));
            }
        }
    }

    #[test]
    fn hits_side_by_side_look_at_each_byte_once() {
        let searched = Searched::default();
        let mut looked_at = HashMap::<usize, usize>::new();
        for hit in (0..10_000).step_by(41) {
            searched.first(hit..hit + 8192, |part| {
                part.for_each(|index| *looked_at.entry(index).or_default() += 1);
                None::<(usize, ())>
            });
        }
        assert!(looked_at.values().all(|times| *times == 1));
    }
}
