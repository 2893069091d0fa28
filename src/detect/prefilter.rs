//! The one pass over every byte: a few literals at once, with SIMD where the machine has it.

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, Input};

use crate::rule::Rules;

/// Finds where the prefix of some rule stands.
#[derive(Debug)]
pub(super) enum Prefilter {
    /// Teddy: several bytes of every needle compared with a whole register of text at a time. With the longest needle's length.
    Packed(packed::Searcher, usize),
    /// The automaton, on machines without the vector instructions and for texts shorter than a register.
    Automaton(AhoCorasick),
    /// Nothing to look for.
    Nothing,
}

impl Prefilter {
    pub(super) fn new(rules: &Rules) -> Self {
        let needles: Vec<&str> = rules.iter().map(|rule| rule.prefix.as_str()).collect();
        if let Some(searcher) = packed::Searcher::new(&needles) {
            let longest = needles.iter().map(|needle| needle.len()).max().unwrap_or(0);
            return Prefilter::Packed(searcher, longest);
        }
        AhoCorasick::new(&needles).map_or(Prefilter::Nothing, Prefilter::Automaton)
    }

    /// The length of the longest needle.
    pub(super) fn longest(&self) -> usize {
        match self {
            Prefilter::Packed(_, longest) => *longest,
            Prefilter::Automaton(automaton) => automaton.max_pattern_len(),
            Prefilter::Nothing => 0,
        }
    }

    /// The first needle at or after `from`: its rule's index and its place.
    pub(super) fn next(&self, bytes: &[u8], from: usize) -> Option<(usize, usize)> {
        if from >= bytes.len() {
            return None;
        }
        match self {
            Prefilter::Packed(searcher, _) => searcher
                .find_in(bytes, (from..bytes.len()).into())
                .map(|found| (found.pattern().as_usize(), found.start())),
            Prefilter::Automaton(automaton) => automaton
                .find(Input::new(bytes).range(from..))
                .map(|found| (found.pattern().as_usize(), found.start())),
            Prefilter::Nothing => None,
        }
    }
}
