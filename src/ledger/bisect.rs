//! Finding the invalid token of a batch by halving it until the server refuses a single one.
//!
//! Halves are groups that are sent one by one, and they are written down: a run that dies half-way leaves the rest of
//! the search to the next one. The two halves of a group are siblings. If one of them is accepted, the invalid token
//! must be in the other, which is then halved without being sent first: one invalid token among a thousand costs eleven
//! to twenty-one requests, of which ten carry the others.

/// The number of a group; 0 is the queue of tokens that were in no invalid batch.
pub(crate) type Group = u64;

/// What is to be done with the groups after a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The groups stay as they are.
    Keep,
    /// The one token of the batch is refused.
    Refuse,
    /// The batch is halved; its sibling, if any, need not hold an invalid token any more.
    Halve,
    /// The sibling must hold the invalid token: it is halved without being sent.
    HalveSibling,
}

/// After a batch of `size` was found invalid.
pub(crate) fn after_invalid(size: usize) -> Step {
    if size <= 1 { Step::Refuse } else { Step::Halve }
}

/// After a batch was accepted whose sibling has `sibling` tokens left (0 where there is none).
pub(crate) fn after_accepted(sibling: usize) -> Step {
    // A single token is sent: only a response to a request of its own refuses it.
    if sibling >= 2 { Step::HalveSibling } else { Step::Keep }
}

/// Which group goes next: the one that fills a request best, the queue (`clean` tokens) where it is as good.
///
/// An invalid token must not hold up the others: as long as a thousand tokens wait in the queue, they go first.
pub(crate) fn next(clean: usize, groups: impl IntoIterator<Item = (Group, usize)>) -> Option<(Group, usize)> {
    let mut best = (0, clean);
    for (group, size) in groups {
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
    fn only_a_single_token_is_refused() {
        assert_eq!(after_invalid(1), Step::Refuse);
        assert_eq!(after_invalid(2), Step::Halve);
        assert_eq!(after_accepted(1), Step::Keep);
        assert_eq!(after_accepted(2), Step::HalveSibling);
    }
}
