//! Where the keywords of custom rules are: each looked for once, however many rules share it.

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, Input, MatchKind};

use crate::rule::CustomRule;

/// How many bytes its keyword may be away from a match.
pub(super) const MAX_KEYWORD_DISTANCE: usize = 1024;

/// The keywords of all rules, each once.
#[derive(Debug)]
pub(super) struct Keywords {
    automaton: Option<AhoCorasick>,
    count: usize,
    /// For each rule, the indexes of its keywords.
    of_rule: Vec<Vec<usize>>,
}

/// For each keyword, where it is in a window: from the start of one to the start of another, with no gap between them that is
/// longer than a keyword may be away from a match. So a window full of one takes no memory.
pub(super) type Nearby = Vec<Vec<Range<usize>>>;

/// Where the keywords of one rule are.
pub(super) struct Near<'n>(Vec<&'n [Range<usize>]>);

impl Keywords {
    pub(super) fn new(rules: &[CustomRule]) -> Self {
        let (mut words, mut indexes) = (Vec::new(), HashMap::new());
        let mut index_of = |word: &String| {
            let word = word.to_ascii_lowercase();
            *indexes.entry(word.clone()).or_insert_with(|| {
                words.push(word);
                words.len() - 1
            })
        };
        let of_rule = rules.iter().map(|rule| rule.keywords.iter().map(&mut index_of).collect()).collect();
        let build = || {
            AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(&words)
        };
        // The automaton fails to build only beyond sizes that no configuration file has; without one, every rule is tried.
        let automaton = if words.is_empty() { None } else { build().ok() };
        Keywords { automaton, count: words.len(), of_rule }
    }

    /// Where each of them is in `bytes`.
    pub(super) fn nearby(&self, bytes: &[u8]) -> Nearby {
        let Some(automaton) = &self.automaton else { return vec![vec![0..bytes.len()]; self.count] };
        let mut nearby: Nearby = vec![Vec::new(); self.count];
        for found in automaton.find_overlapping_iter(Input::new(bytes)) {
            let at = found.start();
            let Some(ranges) = nearby.get_mut(found.pattern().as_usize()) else { continue };
            match ranges.last_mut() {
                Some(last) if at <= last.end + MAX_KEYWORD_DISTANCE => last.end = at,
                _ => ranges.push(at..at),
            }
        }
        nearby
    }

    /// Where those of one rule are.
    pub(super) fn of_rule<'n>(&self, rule: usize, nearby: &'n Nearby) -> Near<'n> {
        let keywords = self.of_rule.get(rule).into_iter().flatten();
        Near(
            keywords
                .filter_map(|word| nearby.get(*word))
                .filter(|ranges| !ranges.is_empty())
                .map(Vec::as_slice)
                .collect(),
        )
    }
}

impl Near<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where the first keyword starts, and the last one.
    pub(super) fn extent(&self) -> (usize, usize) {
        let first = self.0.iter().filter_map(|ranges| Some(ranges.first()?.start)).min();
        let last = self.0.iter().filter_map(|ranges| Some(ranges.last()?.end)).max();
        (first.unwrap_or(0), last.unwrap_or(0))
    }

    /// Whether a keyword starts in a part of the window, which is longer than a gap within a range.
    pub(super) fn touches(&self, part: &Range<usize>) -> bool {
        self.0.iter().any(|ranges| {
            let next = ranges.partition_point(|range| range.end < part.start);
            ranges.get(next).is_some_and(|range| range.start < part.end)
        })
    }
}
