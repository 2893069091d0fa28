//! The one pass over every byte: a few literals at once, with SIMD where the machine has it.
//!
//! However a token's characters are encoded, one of the needles here is part of its prefix: `ghp` where the first three are
//! plain (the underscore may be encoded), `gh%` where the third is percent-encoded, `%67` where the first is. Base64 is
//! looked for elsewhere, in long runs of its characters (see [`base64_runs`](super::decode::base64_runs)).
//!
//! Teddy is the packed multiple-substring search of Hyperscan, as the aho-corasick crate has it
//! (<https://github.com/BurntSushi/aho-corasick/blob/master/src/packed/teddy/README.md>).

mod kind;
mod rare;

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, Input};

use self::kind::{BUCKETS, Needle};
pub(super) use self::kind::{Mark, NeedleKind};
use self::rare::RARE_NEEDLES;
use super::decode::CharEncoding;
use crate::rule::Rules;

/// Needles that find GitHub's prefixes in every encoding.
///
/// Which needle finds `github_pat_` depends on its first encoded character: `gi%`, `it%`, `th%`, or `thu` if none of those
/// is encoded; `git` alone is too common a word. Where the prefix is cut, it is `gh"`, `gh<` and the like; where it is a list
/// of numbers, those of its first letter.
///
/// None is shorter than three bytes, because Teddy then compares the first three of all of them with 32 bytes at a time. It
/// distinguishes needles by the low and high nibbles of those, in eight buckets, of which each has a row here. False candidates
/// are what costs, 35 ns each; with these rows, which were searched for on sources, libraries, documents and logs, there is one
/// every 2,200 bytes. What would add more than that is looked for in [a pass of its own](RARE_NEEDLES), over small texts.
/// `benches/detect.rs` measures it.
const ENCODED_NEEDLES: [&[Needle]; BUCKETS] = [
    &[
        (b"gho", NeedleKind::TokenStart),
        (b"ghs", NeedleKind::TokenStart),
        (b"ghr", NeedleKind::TokenStart),
        (b"ghp", NeedleKind::TokenStart),
        (b"\n00", NeedleKind::DumpLine),
        (b"gh=", NeedleKind::TokenStart),
    ],
    &[
        (b"\\x6", NeedleKind::Escape),
        (b"\\147", NeedleKind::Digits),
        (b"%67", NeedleKind::Percent),
        (b"%25", NeedleKind::Percent),
        (b"\"g\"", NeedleKind::Quoted),
        (b"'g'", NeedleKind::Quoted),
    ],
    &[
        (b"gi\\", NeedleKind::TokenStart),
        (b"ghu", NeedleKind::TokenStart),
        (b"g\\u0", NeedleKind::TokenStart),
        (b"gh%", NeedleKind::TokenStart),
        (b"gh\\", NeedleKind::TokenStart),
        (b"th%", NeedleKind::InsidePrefix),
        (b"th\\", NeedleKind::InsidePrefix),
        (b"thu", NeedleKind::InsidePrefix),
    ],
    &[(b"\0_\0", NeedleKind::Utf16), (b"it\\", NeedleKind::InsidePrefix)],
    &[
        (b"103+", NeedleKind::Digits),
        (b"103,10", NeedleKind::Digits),
        (b"103,\r", NeedleKind::Digits),
        (b"103 10", NeedleKind::Digits),
        (b"103)", NeedleKind::Digits),
        (b"103'", NeedleKind::Digits),
        (b"103;", NeedleKind::Digits),
        (b"103, 10", NeedleKind::Digits),
        (b"103, (", NeedleKind::Digits),
        (b"103\"", NeedleKind::Digits),
        (b"103,\n", NeedleKind::Digits),
        (b"103\n", NeedleKind::Digits),
        (b"103u8", NeedleKind::Digits),
        (b"103,(", NeedleKind::Digits),
        (b"103-10", NeedleKind::Digits),
        (b"147 15", NeedleKind::Digits),
        (b"147,0", NeedleKind::Digits),
        (b"147, 0", NeedleKind::Digits),
        (b"147,\n", NeedleKind::Digits),
        (b"\xef\xbd\x87", NeedleKind::Encoded(CharEncoding::FullWidth)),
    ],
    &[
        (b"67 6", NeedleKind::Encoded(CharEncoding::SpacedHex)),
        (b"67:6", NeedleKind::Encoded(CharEncoding::SpacedHex)),
        (b"67-6", NeedleKind::Encoded(CharEncoding::SpacedHex)),
        (b"67,6", NeedleKind::Number),
        (b"67, 6", NeedleKind::Number),
        (b"676", NeedleKind::Encoded(CharEncoding::Hex)),
    ],
    &[
        (b"x67", NeedleKind::Digits),
        (b"X67", NeedleKind::Digits),
        (b"067", NeedleKind::Digits),
        (b"=67", NeedleKind::Encoded(CharEncoding::QuotedPrintable)),
    ],
    &[
        (b"g&#", NeedleKind::TokenStart),
        (b"gi&", NeedleKind::TokenStart),
        (b"g%6", NeedleKind::TokenStart),
        (b"gi%", NeedleKind::TokenStart),
        (b"u{6", NeedleKind::Escape),
        (b"it&", NeedleKind::InsidePrefix),
        (b"h&#", NeedleKind::InsidePrefix),
        (b"it%", NeedleKind::InsidePrefix),
    ],
];

/// How far behind the first byte of a token its needle may start, in bytes: that of a fine-grained token written backwards.
pub(super) const MAX_NEEDLE_OFFSET: usize = 96;

/// Finds where a token may start.
pub(super) struct Needles {
    all: Vec<Needle>,
    longest: usize,
    /// Made when a text is long, or after some short ones: what a run that scans next to nothing prints costs less than that.
    search: OnceLock<Search>,
    short_texts: AtomicUsize,
    first_bytes: [bool; 256],
}

/// How long a short text is, in bytes, and how often one is looked through needle by needle.
const SHORT: usize = 256;
const SHORT_TEXTS: usize = 32;

enum Search {
    /// Teddy: the first bytes of every needle are compared with a whole vector register of text at a time.
    Packed(packed::Searcher),
    /// The automaton, on machines without the vector instructions.
    Automaton(AhoCorasick),
    /// Nothing to look for.
    Nothing,
}

impl Needles {
    /// Needles for the rules' prefixes in plain text.
    pub(super) fn plain(rules: &Rules) -> Self {
        Needles::new(rules.iter().map(|rule| (rule.prefix.as_bytes(), NeedleKind::TokenStart)).collect())
    }

    /// The needles of the second pass.
    pub(super) fn rare() -> Self {
        Needles::new(interleaved(&RARE_NEEDLES))
    }

    /// Needles for them in plain text and in every encoding but base64.
    pub(super) fn encoded(rules: &Rules) -> Self {
        let needles = || ENCODED_NEEDLES.iter().flat_map(|bucket| *bucket);
        let covered = |prefix: &str| {
            needles().any(|(needle, _)| prefix.as_bytes().windows(needle.len()).any(|part| part == *needle))
        };
        let others = rules.iter().map(|rule| rule.prefix).filter(|prefix| !covered(prefix));
        Needles::new(
            interleaved(&ENCODED_NEEDLES)
                .into_iter()
                .chain(others.map(|prefix| (prefix.as_bytes(), NeedleKind::TokenStart)))
                .collect(),
        )
    }

    fn new(needles: Vec<Needle>) -> Self {
        let longest = needles.iter().map(|(text, _)| text.len()).max().unwrap_or(0);
        let mut first_bytes = [false; 256];
        for first in needles.iter().filter_map(|(text, _)| text.first()) {
            first_bytes[usize::from(*first)] = true;
        }
        Needles {
            all: needles,
            longest,
            search: OnceLock::new(),
            short_texts: AtomicUsize::new(0),
            first_bytes,
        }
    }

    /// The first needle that starts at or after `from` and before `end`, and where it does.
    pub(super) fn next(&self, bytes: &[u8], from: usize, end: usize) -> Option<(NeedleKind, usize)> {
        if from >= end {
            return None;
        }
        let span = from..bytes.len().min(end + self.longest - 1);
        let (needle, start) = match self.search.get() {
            None if span.len() <= SHORT && self.short_texts.fetch_add(1, Relaxed) < SHORT_TEXTS => {
                self.compare(bytes, span)?
            }
            _ => self.search.get_or_init(|| Search::new(&self.all)).find(bytes, span)?,
        };
        if start >= end {
            return None;
        }
        self.all.get(needle).map(|(_, kind)| (*kind, start))
    }

    /// What a search finds, found without one.
    fn compare(&self, bytes: &[u8], span: Range<usize>) -> Option<(usize, usize)> {
        span.clone().filter(|at| self.first_bytes[usize::from(bytes[*at])]).find_map(|at| {
            let rest = &bytes[at..span.end];
            let starts = |needle: &[u8]| needle.first() == rest.first() && rest.starts_with(needle);
            Some((self.all.iter().position(|(needle, _)| starts(needle))?, at))
        })
    }
}

impl Search {
    fn new(needles: &[Needle]) -> Self {
        let texts = || needles.iter().map(|(text, _)| *text);
        // Eight buckets, however many needles: with sixteen, Teddy takes half as many bytes at a time.
        let mut config = packed::Config::new();
        let config = config.only_teddy_fat(Some(false)).heuristic_pattern_limits(false);
        match config.builder().extend(texts()).build() {
            Some(searcher) => Search::Packed(searcher),
            None => AhoCorasick::new(texts()).map_or(Search::Nothing, Search::Automaton),
        }
    }

    /// The index of the first needle in a span, and where it starts.
    fn find(&self, bytes: &[u8], span: Range<usize>) -> Option<(usize, usize)> {
        match self {
            Search::Packed(searcher) => {
                let found = searcher.find_in(bytes, span.into())?;
                Some((found.pattern().as_usize(), found.start()))
            }
            Search::Automaton(automaton) => {
                let found = automaton.find(Input::new(bytes).range(span))?;
                Some((found.pattern().as_usize(), found.start()))
            }
            Search::Nothing => None,
        }
    }
}

/// How many bytes of a needle Teddy compares.
const COMPARED: usize = 3;

/// The needles in the order in which each gets into its bucket: Teddy puts the `n`th into the bucket `n` modulo eight, or into that of
/// an earlier one whose low nibbles are the same. So the first ones of their nibbles come one bucket after the other, a bucket's last one
/// again where it has no more, which changes nothing; and behind them the others.
fn interleaved(buckets: &[&[Needle]; BUCKETS]) -> Vec<Needle> {
    let nibbles = |needle: &[u8]| needle.first_chunk::<COMPARED>().map(|first| first.map(|byte| byte & 15));
    let mut others = Vec::new();
    let firsts = buckets.map(|bucket| {
        let mut firsts: Vec<Needle> = Vec::new();
        for needle in bucket {
            let is_first = firsts.iter().all(|first| nibbles(first.0) != nibbles(needle.0));
            if is_first { &mut firsts } else { &mut others }.push(*needle);
        }
        firsts
    });
    let rows = firsts.iter().map(Vec::len).max().unwrap_or(0);
    let row = |n: usize| firsts.iter().filter_map(move |firsts| firsts.get(n).or(firsts.last()));
    (0..rows).flat_map(row).copied().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_is_among_the_needles_and_teddy_takes_them_all() {
        let rules = crate::rule::testing::github_rules();
        let needles = Needles::encoded(rules);
        assert_eq!(needles.all.len(), interleaved(&ENCODED_NEEDLES).len());
        let search = Search::new(&needles.all);
        assert!(matches!(search, Search::Packed(_)) || cfg!(not(target_arch = "x86_64")));
        assert!(ENCODED_NEEDLES.iter().flat_map(|bucket| *bucket).all(|(needle, _)| needle.len() >= 3));
    }

    #[test]
    fn the_needles_of_the_second_pass_are_as_long_and_as_few_as_it_takes() {
        assert!(RARE_NEEDLES.iter().flat_map(|bucket| *bucket).all(|(needle, _)| needle.len() >= 3));
        // The packed searcher takes no more.
        assert!(Needles::rare().all.len() <= 128);
        assert!(!matches!(Search::new(&Needles::rare().all), Search::Nothing));
    }

    #[test]
    fn short_texts_are_looked_through_as_long_ones_are() {
        for needles in [Needles::encoded(crate::rule::testing::github_rules()), Needles::rare()] {
            let search = Search::new(&needles.all);
            for (first, _) in &needles.all {
                for (second, _) in &needles.all {
                    let text = [b"words ", *first, b" ", *second, b" and more words behind them"].concat();
                    for from in [0, 6, 7, 8] {
                        let span = from..text.len();
                        assert_eq!(
                            needles.compare(&text, span.clone()),
                            search.find(&text, span),
                            "{text:?}"
                        );
                    }
                }
            }
        }
    }
}
