//! The one pass over every byte: a few literals at once, with SIMD where the machine has it.
//!
//! Whatever a token's characters are written as, one of the needles here stands in its prefix: `ghp` for a plain one
//! (the underscore may be encoded), `gh%` for one whose third character is, `%67` for one whose first is. Base64 is
//! looked for elsewhere, in long runs of its characters (see [`runs`](super::decode::base64_runs)).

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, Input};

use super::decode::Spelling;
use crate::rule::Rules;

/// What a needle says about the text it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clue {
    /// The first characters of a token; others may be encoded.
    Head,
    /// Some of the first five characters of a token, its `g` close in front of them; others may be encoded.
    Inside,
    /// An encoded first or second character.
    Percent,
    /// The digits of an encoded first character, whose start stands before them.
    Digits,
    /// The start of an encoded first or second character, a letter or bracket in front of its digits: `\u{67}`, `\x68`.
    Escape,
    /// A token of which every character is spelled so.
    All(Spelling),
    /// The underscore of a prefix in UTF-16, of either byte order.
    Utf16,
}

/// Needles that find GitHub's prefixes in every spelling.
///
/// Of `github_pat_`, the first character that is encoded decides: `gi%`, `it%`, `th%`, and `thu` if it comes later; `git`
/// is a word.
///
/// No more than 32 and none shorter than three bytes: Teddy then looks at 32 bytes at a time. It tells needles apart
/// by the low and high halves of their first three bytes, in eight groups: the place in this list modulo eight, or that
/// of an earlier one with the same three low halves (`ghu` and `gh%`). Those that look alike share a group: this order
/// gives a false alarm every 3,000 bytes of a checkout of git and every 1,500 of Rust's crates or of a log full of
/// numbers. `benches/detect.rs` measures it.
const SPELLED: [(&str, Clue); 32] = [
    ("it\\", Clue::Inside),
    ("h&#", Clue::Inside),
    ("gho", Clue::Head),
    ("676", Clue::All(Spelling::Hex)),
    ("th\\", Clue::Inside),
    ("103;", Clue::Digits),
    ("gi&", Clue::Head),
    ("u{6", Clue::Escape),
    ("gi\\", Clue::Head),
    ("it%", Clue::Inside),
    ("\0_\0", Clue::Utf16),
    ("67;", Clue::Digits),
    ("gh%", Clue::Head),
    ("067", Clue::Digits),
    ("gi%", Clue::Head),
    ("%67", Clue::Percent),
    ("ghr", Clue::Head),
    ("g&#", Clue::Head),
    ("ghs", Clue::Head),
    ("67:6", Clue::All(Spelling::SpacedHex)),
    ("thu", Clue::Inside),
    ("th%", Clue::Inside),
    ("g%6", Clue::Head),
    ("%25", Clue::Percent),
    ("gh\\", Clue::Head),
    ("it&", Clue::Inside),
    ("ghp", Clue::Head),
    ("67 6", Clue::All(Spelling::SpacedHex)),
    ("g\\u0", Clue::Head),
    ("ghu", Clue::Head),
    ("\\147", Clue::Digits),
    ("\\x6", Clue::Escape),
];

/// How far behind the first byte of a token its needle may start: `&amp;#x0000000067;`.
pub(super) const LATE: usize = 32;

/// Finds where a token may start.
pub(super) struct Needles {
    search: Search,
    clues: Vec<Clue>,
    longest: usize,
}

enum Search {
    /// Teddy: several bytes of every needle compared with a whole register of text at a time.
    Packed(packed::Searcher),
    /// The automaton, on machines without the vector instructions and for texts shorter than a register.
    Automaton(AhoCorasick),
    /// Nothing to look for.
    Nothing,
}

impl Needles {
    /// Finds the rules' prefixes as they are.
    pub(super) fn plain(rules: &Rules) -> Self {
        Needles::new(rules.iter().map(|rule| (rule.prefix.as_str(), Clue::Head)).collect())
    }

    /// Finds them in every spelling.
    pub(super) fn spelled(rules: &Rules) -> Self {
        let covered = |prefix: &str| SPELLED.iter().any(|(needle, _)| prefix.contains(needle));
        let others = rules.iter().map(|rule| rule.prefix.as_str()).filter(|prefix| !covered(prefix));
        Needles::new(SPELLED.into_iter().chain(others.map(|prefix| (prefix, Clue::Head))).collect())
    }

    fn new(needles: Vec<(&str, Clue)>) -> Self {
        let texts = || needles.iter().map(|(text, _)| *text);
        let search = match packed::Searcher::new(texts()) {
            Some(searcher) => Search::Packed(searcher),
            None => AhoCorasick::new(texts()).map_or(Search::Nothing, Search::Automaton),
        };
        let longest = texts().map(str::len).max().unwrap_or(0);
        Needles { search, longest, clues: needles.into_iter().map(|(_, clue)| clue).collect() }
    }

    /// The first needle that starts at or after `from` and before `end`: what it says, and its place.
    pub(super) fn next(&self, bytes: &[u8], from: usize, end: usize) -> Option<(Clue, usize)> {
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
        self.clues.get(pattern.as_usize()).map(|clue| (*clue, start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_is_among_the_needles_and_teddy_takes_them_all() {
        let rules = crate::rule::testing::github_rules();
        assert_eq!(Needles::spelled(rules).clues.len(), SPELLED.len());
        assert!(SPELLED.iter().all(|(needle, _)| needle.len() >= 3));
    }
}
