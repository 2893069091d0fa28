//! Halving a batch the server calls invalid, until what is wrong with it is alone.
//!
//! Halves are groups that travel by themselves, and they are written down: a run that dies half-way leaves the rest of
//! the search to the next one. The two halves of a group are siblings. If one of them is taken, what is wrong must be in
//! the other, which is then halved without being asked about first: one bad token among a thousand costs eleven to
//! twenty-one requests, of which ten carry the others.

/// The number of a group; 0 is the clean queue.
pub type Group = u64;

/// What is to be done with the groups after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The groups stay as they are.
    Keep,
    /// The one token of the batch is refused.
    Refuse,
    /// The batch is halved; its sibling, if any, is under suspicion no longer.
    Halve,
    /// The sibling must hold what is wrong: it is halved unasked.
    HalveSibling,
}

/// After a batch of `size` was found invalid.
pub fn after_invalid(size: usize) -> Step {
    if size <= 1 { Step::Refuse } else { Step::Halve }
}

/// After a batch was taken whose sibling has `sibling` tokens left (0 where there is none).
pub fn after_accepted(sibling: usize) -> Step {
    // One token alone is asked about: only an answer to that token refuses it.
    if sibling >= 2 { Step::HalveSibling } else { Step::Keep }
}

/// Which group goes next: the one that fills a request best, the clean queue where it is as good.
///
/// A poisoned batch must not hold up the others: as long as a thousand clean tokens wait they go first.
pub fn next(clean: usize, suspects: impl IntoIterator<Item = (Group, usize)>) -> Option<(Group, usize)> {
    let mut best = (0, clean);
    for (group, size) in suspects {
        // Of equals, the group that was made first.
        if size > best.1 || (size == best.1 && best.0 != 0 && group < best.0) {
            best = (group, size);
        }
    }
    (best.1 > 0).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_request_goes_first() {
        assert_eq!(next(1000, [(1, 500), (2, 500)]), Some((0, 1000)));
        assert_eq!(next(3, [(1, 500), (2, 500)]), Some((1, 500)));
        assert_eq!(next(3, [(2, 500), (1, 500)]), Some((1, 500)));
        assert_eq!(next(1, [(5, 1)]), Some((0, 1)));
        assert_eq!(next(0, [(5, 1)]), Some((5, 1)));
        assert_eq!(next(0, []), None);
    }

    #[test]
    fn only_a_lone_token_is_refused() {
        assert_eq!(after_invalid(1), Step::Refuse);
        assert_eq!(after_invalid(2), Step::Halve);
        assert_eq!(after_accepted(1), Step::Keep);
        assert_eq!(after_accepted(2), Step::HalveSibling);
    }
}
