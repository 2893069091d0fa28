//! Finding the invalid token of a batch by halving it until the server refuses a single one.
//!
//! Halves are groups that are sent one by one, and they are written down: a run that dies half-way leaves the rest of
//! the search to the next one. The two halves of a group are siblings. If one of them is accepted, the invalid token
//! must be in the other, which is then halved without being sent first: one invalid token among a thousand costs eleven
//! to twenty-one requests, of which ten carry the others.
//!
//! A batch on which the server fails is treated alike once its tokens are to blame, but for the end: a failure refuses
//! nothing, so a single token that fails waits on, behind all others.

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

/// Tokens that could go in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Their group.
    pub(crate) group: Group,
    /// How many they are.
    pub(crate) size: usize,
    /// The batch in which the first of them failed last; 0 if it never did.
    pub(crate) failed_in: u64,
}

/// Which tokens go next: those that never failed before those that did, of these the ones whose failure is the longest
/// ago. Among the others, the candidate that fills a request best, the queue where it is as good.
///
/// An invalid token must not hold up the others: as long as a thousand tokens wait in the queue, they go first. Nor must
/// one on which the server fails: its batch comes round again when all others had their turn.
pub(crate) fn next(candidates: impl IntoIterator<Item = Candidate>) -> Option<Candidate> {
    let order = |candidate: &Candidate| {
        // Of equals, the group that was made first; the queue is group 0.
        (candidate.failed_in, std::cmp::Reverse(candidate.size), candidate.group)
    };
    candidates.into_iter().filter(|candidate| candidate.size > 0).min_by_key(order)
}

/// What speaks for it that a batch failed because of one of its tokens, and not because the server fails on all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// How many tokens it carried.
    pub(crate) size: usize,
    /// Some of them failed before, and the server took another batch since.
    pub(crate) others_accepted: bool,
    /// Some of them failed before, in a batch of another run.
    pub(crate) in_other_run: bool,
    /// The size of the smallest group that is being bisected, if there is any.
    pub(crate) smallest: Option<usize>,
}

/// After the server failed on a batch. One that fails on everything must not shatter the queue into single tokens: where
/// nothing was accepted since, a batch is halved only after it failed in two runs, and only if it is as small as any
/// other. That halves one batch again and again, and leaves the others whole.
pub(crate) fn after_failed(failure: &Failure) -> Step {
    let smallest = failure.smallest.is_none_or(|smallest| failure.size <= smallest);
    let blamed = failure.others_accepted || (failure.in_other_run && smallest);
    if failure.size >= 2 && blamed { Step::Halve } else { Step::Keep }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick<const N: usize>(candidates: [(Group, usize, u64); N]) -> Option<(Group, usize)> {
        let candidates = candidates.map(|(group, size, failed_in)| Candidate { group, size, failed_in });
        next(candidates).map(|next| (next.group, next.size))
    }

    #[test]
    fn the_fullest_request_goes_first() {
        assert_eq!(pick([(0, 1000, 0), (1, 500, 0), (2, 500, 0)]), Some((0, 1000)));
        assert_eq!(pick([(0, 3, 0), (1, 500, 0), (2, 500, 0)]), Some((1, 500)));
        assert_eq!(pick([(0, 3, 0), (2, 500, 0), (1, 500, 0)]), Some((1, 500)));
        assert_eq!(pick([(5, 1, 0), (0, 1, 0)]), Some((0, 1)));
        assert_eq!(pick([(0, 0, 0), (5, 1, 0)]), Some((5, 1)));
        assert_eq!(pick([(0, 0, 0)]), None);
    }

    #[test]
    fn what_failed_goes_last_and_in_turn() {
        assert_eq!(pick([(0, 1, 0), (0, 1000, 4), (1, 500, 0)]), Some((1, 500)));
        assert_eq!(pick([(0, 1, 0), (0, 1000, 4), (1, 500, 2)]), Some((0, 1)));
        assert_eq!(pick([(0, 1000, 4), (1, 5, 2), (2, 500, 3)]), Some((1, 5)));
    }

    #[test]
    fn a_batch_is_halved_only_where_it_is_to_blame() {
        let outage = Failure { size: 1000, others_accepted: false, in_other_run: false, smallest: None };
        assert_eq!(after_failed(&outage), Step::Keep);
        assert_eq!(after_failed(&Failure { others_accepted: true, ..outage }), Step::Halve);
        let again = Failure { in_other_run: true, ..outage };
        assert_eq!(after_failed(&again), Step::Halve);
        assert_eq!(after_failed(&Failure { smallest: Some(1000), ..again }), Step::Halve);
        assert_eq!(after_failed(&Failure { smallest: Some(999), ..again }), Step::Keep);
        let one = Failure { size: 1, others_accepted: true, ..again };
        assert_eq!(after_failed(&one), Step::Keep, "a failure refuses nothing");
    }

    #[test]
    fn only_a_single_token_is_refused() {
        assert_eq!(after_invalid(1), Step::Refuse);
        assert_eq!(after_invalid(2), Step::Halve);
        assert_eq!(after_accepted(1), Step::Keep);
        assert_eq!(after_accepted(2), Step::HalveSibling);
    }
}
