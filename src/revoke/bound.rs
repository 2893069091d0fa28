//! How many tokens a run may send: no more than it announced, whatever others queue meanwhile.

use std::collections::HashSet;

use crate::ledger::SealedToken;
use crate::token::Fingerprint;

/// The bound of a run, and how far it is used up.
#[derive(Debug, Default)]
pub(super) struct Bound {
    /// None where the run may send whatever waits.
    most: Option<u64>,
    /// Tokens that were sent and may have to be sent again.
    open: HashSet<Fingerprint>,
    /// How many tokens are done with.
    done: u64,
    /// Whether something was not sent for it.
    was_reached: bool,
}

impl Bound {
    pub(super) fn new(most: Option<u64>) -> Self {
        Bound { most, ..Bound::default() }
    }

    /// How many tokens the next request may carry, of the `max` that it could; what was sent before may be among them.
    pub(super) fn room(&self, max: usize) -> usize {
        let Some(most) = self.most else { return max };
        usize::try_from(most.saturating_sub(self.done)).map_or(max, |left| left.min(max))
    }

    /// Whether these may all leave. They are counted if so, those that were sent before not again.
    pub(super) fn admits(&mut self, tokens: &[SealedToken]) -> bool {
        let fingerprints: Vec<Fingerprint> = tokens.iter().map(|token| token.fingerprint).collect();
        self.admitted(&fingerprints) == tokens.len()
    }

    /// How many of these may leave, from the first on; none of them is counted unless all may.
    pub(super) fn admitted(&mut self, tokens: &[Fingerprint]) -> usize {
        let Some(most) = self.most else { return tokens.len() };
        let mut left = most.saturating_sub(self.done + self.open.len() as u64);
        let mut admitted = 0;
        for token in tokens {
            if !self.open.contains(token) {
                let Some(less) = left.checked_sub(1) else { break };
                left = less;
            }
            admitted += 1;
        }
        self.was_reached |= admitted < tokens.len();
        if admitted == tokens.len() {
            self.open.extend(tokens);
        }
        admitted
    }

    /// These will not be sent again.
    pub(super) fn finish(&mut self, tokens: impl IntoIterator<Item = Fingerprint>) {
        if self.most.is_some() {
            for token in tokens {
                self.open.remove(&token);
                self.done += 1;
            }
        }
    }

    /// Whether nothing else may be sent.
    pub(super) fn is_reached(&self) -> bool {
        self.was_reached || self.most.is_some_and(|most| self.done + self.open.len() as u64 >= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(numbers: std::ops::Range<u8>) -> Vec<Fingerprint> {
        numbers.map(|number| Fingerprint::of(&[number])).collect()
    }

    #[test]
    fn what_is_sent_again_is_counted_once() {
        let mut bound = Bound::new(Some(5));
        assert_eq!((bound.room(1000), bound.room(3)), (5, 3));
        assert_eq!(bound.admitted(&tokens(0..3)), 3);
        // They had no answer: they may go again, with two others.
        assert_eq!(bound.room(1000), 5);
        assert_eq!(bound.admitted(&tokens(0..5)), 5);
        assert!(bound.is_reached());
        assert_eq!(bound.admitted(&tokens(3..9)), 2);
        bound.finish(tokens(0..4));
        assert_eq!(
            (bound.room(1000), bound.admitted(&tokens(4..5)), bound.admitted(&tokens(5..6))),
            (1, 1, 0)
        );
        bound.finish(tokens(4..5));
        assert_eq!(bound.room(1000), 0);
    }

    #[test]
    fn what_is_turned_away_leaves_no_trace() {
        let mut bound = Bound::new(Some(2));
        assert_eq!(bound.admitted(&tokens(0..3)), 2);
        assert_eq!(bound.admitted(&tokens(5..7)), 2);
    }

    #[test]
    fn without_a_bound_everything_may_go() {
        let mut bound = Bound::new(None);
        assert_eq!((bound.room(1000), bound.admitted(&tokens(0..200))), (1000, 200));
        bound.finish(tokens(0..200));
        assert!(!bound.is_reached());
    }
}
