//! The one pass over every byte: a few literals at once, with SIMD where the machine has it.
//!
//! However a token's characters are encoded, one of the needles here is part of its prefix: `ghp` where the first three are
//! plain (the underscore may be encoded), `gh%` where the third is percent-encoded, `%67` where the first is. Base64 is
//! looked for elsewhere, in long runs of its characters (see [`base64_runs`](super::decode::base64_runs)).
//!
//! Teddy is the packed multiple-substring search of Hyperscan, as the aho-corasick crate has it
//! (<https://github.com/BurntSushi/aho-corasick/blob/master/src/packed/teddy/README.md>).

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, Input};

use super::decode::CharEncoding;
use crate::rule::Rules;

/// Which part of a token a needle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NeedleKind {
    /// The first characters of a token; others may be encoded.
    TokenStart,
    /// Some of the first five characters of a token, its `g` close in front of them; others may be encoded.
    InsidePrefix,
    /// An encoded first or second character.
    Percent,
    /// The digits of an encoded first character, whose start is in front of them.
    Digits,
    /// The start of an encoded first or second character, a letter or bracket in front of its digits: `\u{67}`, `\x68`.
    Escape,
    /// The start of a token of which every character is encoded so.
    Encoded(CharEncoding),
    /// The underscore of a prefix in UTF-16, of either byte order.
    Utf16,
    /// The first letter of a token as a string literal or character of its own.
    Quoted,
    /// The middle of `github_pat_`, which may be cut in front of it.
    PrefixMiddle,
    /// The end of a prefix that is written backwards, up to its underscore.
    Reversed,
    /// A line end, and the first digits of an offset in a dump.
    DumpLine,
    /// The digits of a first character in a list of numbers.
    Number,
}

/// Needles that find GitHub's prefixes in every encoding.
///
/// Which needle finds `github_pat_` depends on its first encoded character: `gi%`, `it%`, `th%`, or `thu` if none of those
/// is encoded; `git` alone is too common a word. Where the prefix is cut, it is `gh"`, `gh<` and the like; where it is a list
/// of numbers, those of its first letter.
///
/// None is shorter than three bytes, because Teddy then compares the first three of all needles with 32 bytes at a time. It
/// distinguishes needles by the low and high nibbles of those, in eight buckets: a needle's index in this list modulo eight, or
/// the bucket of an earlier one with the same three low nibbles (`ghu` and `gh%`). In this order, similar needles share
/// buckets. `benches/detect.rs` measures it.
const ENCODED_NEEDLES: [(&str, NeedleKind); 75] = [
    ("gi\\", NeedleKind::TokenStart),
    ("67 6", NeedleKind::Encoded(CharEncoding::SpacedHex)),
    ("g&#", NeedleKind::TokenStart),
    ("\n00", NeedleKind::DumpLine),
    ("67:6", NeedleKind::Encoded(CharEncoding::SpacedHex)),
    ("ohg", NeedleKind::Reversed),
    ("ghu", NeedleKind::TokenStart),
    ("u{6", NeedleKind::Escape),
    ("gh\n", NeedleKind::TokenStart),
    ("gh\u{200b}", NeedleKind::TokenStart),
    ("103+", NeedleKind::Digits),
    ("\0_\0", NeedleKind::Utf16),
    ("01100111", NeedleKind::Number),
    ("rhg", NeedleKind::Reversed),
    ("g\\u0", NeedleKind::TokenStart),
    ("103,10", NeedleKind::Digits),
    ("103,\r", NeedleKind::Digits),
    ("gho", NeedleKind::TokenStart),
    ("gh%", NeedleKind::TokenStart),
    ("103 10", NeedleKind::Digits),
    ("\\147", NeedleKind::Digits),
    ("shg", NeedleKind::Reversed),
    ("it\\", NeedleKind::InsidePrefix),
    ("g\u{ad}", NeedleKind::TokenStart),
    ("gh\\", NeedleKind::TokenStart),
    ("ghs", NeedleKind::TokenStart),
    ("147 15", NeedleKind::Digits),
    ("buhtig", NeedleKind::Reversed),
    ("67,6", NeedleKind::Number),
    ("147,0", NeedleKind::Digits),
    ("103)", NeedleKind::Digits),
    ("\\x6", NeedleKind::Escape),
    ("gi&", NeedleKind::TokenStart),
    ("67-6", NeedleKind::Encoded(CharEncoding::SpacedHex)),
    ("x67", NeedleKind::Digits),
    ("b_pat_", NeedleKind::PrefixMiddle),
    ("103'", NeedleKind::Digits),
    ("g\u{200b}", NeedleKind::TokenStart),
    ("th%", NeedleKind::InsidePrefix),
    ("g%6", NeedleKind::TokenStart),
    ("\"g\"", NeedleKind::Quoted),
    ("gh'", NeedleKind::TokenStart),
    ("gh\u{ad}", NeedleKind::TokenStart),
    ("103;", NeedleKind::Digits),
    ("ghr", NeedleKind::TokenStart),
    ("uhg", NeedleKind::Reversed),
    ("it&", NeedleKind::InsidePrefix),
    ("%67", NeedleKind::Percent),
    ("gi%", NeedleKind::TokenStart),
    ("147, 0", NeedleKind::Digits),
    ("147,\n", NeedleKind::Digits),
    ("67, 6", NeedleKind::Number),
    ("103, 10", NeedleKind::Digits),
    ("103, (", NeedleKind::Digits),
    ("g\u{8}g", NeedleKind::TokenStart),
    ("gh\"", NeedleKind::TokenStart),
    ("103\"", NeedleKind::Digits),
    ("103,\n", NeedleKind::Digits),
    ("h&#", NeedleKind::InsidePrefix),
    ("gh<", NeedleKind::TokenStart),
    ("676", NeedleKind::Encoded(CharEncoding::Hex)),
    ("103\n", NeedleKind::Digits),
    ("th\\", NeedleKind::InsidePrefix),
    ("%25", NeedleKind::Percent),
    ("103u8", NeedleKind::Digits),
    ("gh\r", NeedleKind::TokenStart),
    ("103,(", NeedleKind::Digits),
    ("X67", NeedleKind::Digits),
    ("103-10", NeedleKind::Digits),
    ("phg", NeedleKind::Reversed),
    ("it%", NeedleKind::InsidePrefix),
    ("thu", NeedleKind::InsidePrefix),
    ("'g'", NeedleKind::Quoted),
    ("ghp", NeedleKind::TokenStart),
    ("067", NeedleKind::Digits),
];

/// How far behind the first byte of a token its needle may start, in bytes: that of a fine-grained token written backwards.
pub(super) const MAX_NEEDLE_OFFSET: usize = 96;

/// Finds where a token may start.
pub(super) struct Needles {
    search: Search,
    kinds: Vec<NeedleKind>,
    longest: usize,
}

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
        Needles::new(rules.iter().map(|rule| (rule.prefix, NeedleKind::TokenStart)).collect())
    }

    /// Needles for them in plain text and in every encoding but base64.
    pub(super) fn encoded(rules: &Rules) -> Self {
        let covered = |prefix: &str| ENCODED_NEEDLES.iter().any(|(needle, _)| prefix.contains(needle));
        let others = rules.iter().map(|rule| rule.prefix).filter(|prefix| !covered(prefix));
        Needles::new(
            ENCODED_NEEDLES
                .into_iter()
                .chain(others.map(|prefix| (prefix, NeedleKind::TokenStart)))
                .collect(),
        )
    }

    fn new(needles: Vec<(&str, NeedleKind)>) -> Self {
        let texts = || needles.iter().map(|(text, _)| *text);
        // With 16 buckets instead of eight, which are the default for more than 32 needles, Teddy takes half as many bytes at a
        // time: false candidates cost less than that. And many needles begin with the same three bytes as others, which cost
        // nothing until those are met.
        let packed = packed::Config::new()
            .only_teddy_fat(Some(false))
            .heuristic_pattern_limits(false)
            .builder()
            .extend(texts())
            .build();
        let search = match packed {
            Some(searcher) => Search::Packed(searcher),
            None => AhoCorasick::new(texts()).map_or(Search::Nothing, Search::Automaton),
        };
        let longest = texts().map(str::len).max().unwrap_or(0);
        Needles { search, longest, kinds: needles.into_iter().map(|(_, kind)| kind).collect() }
    }

    /// The first needle that starts at or after `from` and before `end`, and where it does.
    pub(super) fn next(&self, bytes: &[u8], from: usize, end: usize) -> Option<(NeedleKind, usize)> {
        if from >= end {
            return None;
        }
        let span = from..bytes.len().min(end + self.longest - 1);
        let (pattern, start) = match &self.search {
            Search::Packed(searcher) => {
                let found = searcher.find_in(bytes, span.into())?;
                (found.pattern(), found.start())
            }
            Search::Automaton(automaton) => {
                let found = automaton.find(Input::new(bytes).range(span))?;
                (found.pattern(), found.start())
            }
            Search::Nothing => return None,
        };
        if start >= end {
            return None;
        }
        self.kinds.get(pattern.as_usize()).map(|kind| (*kind, start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_is_among_the_needles_and_teddy_takes_them_all() {
        let rules = crate::rule::testing::github_rules();
        assert_eq!(Needles::encoded(rules).kinds.len(), ENCODED_NEEDLES.len());
        assert!(ENCODED_NEEDLES.iter().all(|(needle, _)| needle.len() >= 3));
    }
}
