//! Goes through one text, and through every text that is encoded in it.

mod base64_run;
mod char_encoded;
mod may_match;

use std::cell::Cell;
use std::ops::Range;

pub(super) use may_match::CLUE;

use super::classify::{Classified, classify};
use super::decode::base64::Forms;
use super::decode::base64_runs::{STRETCH, Spots};
use super::decode::utf16::{Text, is_big_endian};
use super::decode::{Spelling, introduced};
use super::needles::{Clue, LATE, Needles};
use crate::finding::Confidence::Certain;
use crate::rule::{Rule, Rules};
use char_encoded::{PEEK, Spelled};

/// How far in front of an encoded token the start of its word may stand to be named as its place.
const LOOKBACK: usize = 8 * 1024;

/// How far apart the places are where a text in UTF-16 is looked for; a blob that is one starts with it.
const WIDE_STRIDE: usize = 4 * 1024;

/// A token in a text.
pub(super) struct Found<'t> {
    pub(super) rule: &'t Rule,
    pub(super) text: &'t [u8],
    pub(super) span: Range<usize>,
    /// Outermost first.
    pub(super) chain: Vec<&'static str>,
    pub(super) classified: Classified,
}

type Report<'r> = &'r mut dyn FnMut(Found<'_>);

/// One text to go through.
pub(super) struct Level<'t> {
    pub(super) bytes: &'t [u8],
    /// Where a finding may start.
    pub(super) emit: Range<usize>,
    /// How many encodings may still be peeled off.
    pub(super) depth: usize,
    /// How far the start of a word is looked for; in a decoded text nobody asks for it.
    pub(super) lookback: usize,
    /// How many bytes of the text stand in front of these, where that is known.
    offset: Option<usize>,
    /// The place of a character in UTF-16 whose byte order is known.
    order: Cell<Option<(usize, bool)>>,
}

impl<'t> Level<'t> {
    /// A stretch of a blob. Large ones are read in pieces of even length.
    pub(super) fn outermost(bytes: &'t [u8], emit: Range<usize>, depth: usize) -> Self {
        Level { bytes, emit, depth, lookback: LOOKBACK, offset: Some(0), order: Cell::default() }
    }

    /// A text that was decoded, so many bytes behind its start.
    fn inner(bytes: &'t [u8], emit: Range<usize>, depth: usize, offset: Option<usize>) -> Self {
        Level { bytes, emit, depth, lookback: 0, offset, order: Cell::default() }
    }
}

/// The rules, and what finds where they may apply.
pub(super) struct Finder {
    pub(super) rules: &'static Rules,
    plain: Needles,
    spelled: Needles,
    forms: Forms,
    /// The bytes that a token may start with.
    starts: [bool; 256],
}

impl Finder {
    pub(super) fn new(rules: &'static Rules) -> Self {
        let mut starts = [false; 256];
        for byte in rules.iter().filter_map(|rule| rule.prefix.bytes().next()) {
            starts[usize::from(byte)] = true;
        }
        let (plain, spelled) = (Needles::plain(rules), Needles::spelled(rules));
        let forms = Forms::new(rules);
        Finder { rules, plain, spelled, forms, starts }
    }

    /// Reports every token that starts in `level.emit`, in the order of their places as far as that is known.
    pub(super) fn look(&self, level: &Level<'_>, report: Report<'_>) {
        let prefilter = if level.depth == 0 { &self.plain } else { &self.spelled };
        let length = level.bytes.len();
        let needles_end = length.min(level.emit.end + LATE);
        let runs_end = if level.depth == 0 { 0 } else { length.min(level.emit.end + level.lookback + LATE) };
        let (mut at, mut looked, mut wide) = (level.emit.start, 0, 0);
        let mut start = level.emit.start;
        while start < needles_end.max(runs_end) {
            let end = start + STRETCH;
            let mut spots = Spots::of(level.bytes, start..end.min(runs_end));
            if level.depth > 1 {
                self.wide_texts(level, start..end.min(needles_end), &mut wide, report);
            }
            loop {
                let next = prefilter.next(level.bytes, at, end.min(needles_end));
                let until = next.map_or(end, |(_, found)| found);
                while let Some(place) = spots.next_before(until) {
                    self.run(level, place, &mut looked, report);
                }
                let Some((clue, found)) = next else {
                    // No stretch is looked at twice.
                    at = at.max(end.min(needles_end));
                    break;
                };
                at = self.clue(level, clue, found, report).unwrap_or(found).max(found + 1);
            }
            start = end;
        }
    }

    /// Looks for what is encoded in texts in UTF-16; their plain tokens have needles of their own.
    fn wide_texts(&self, level: &Level<'_>, stretch: Range<usize>, looked: &mut usize, report: Report<'_>) {
        for at in stretch.step_by(WIDE_STRIDE) {
            if at < *looked {
                continue;
            }
            let Some(text) = Text::around(level.bytes, at, *looked) else { continue };
            *looked = text.end();
            let inside = Level::inner(&text.ascii, 0..text.ascii.len(), level.depth - 1, Some(0));
            let inside = Level { lookback: level.lookback / 2, ..inside };
            self.look(&inside, &mut |mut found| {
                found.span = text.start + 2 * found.span.start..text.start + 2 * found.span.end;
                if !found.chain.is_empty() && level.emit.contains(&found.span.start) {
                    found.chain.insert(0, if text.big { "utf-16be" } else { "utf-16le" });
                    report(found);
                }
            });
        }
    }

    /// Follows one needle; returns where a token ends that was found there for certain.
    fn clue(&self, level: &Level<'_>, clue: Clue, at: usize, report: Report<'_>) -> Option<usize> {
        let bytes = level.bytes;
        let found = match clue {
            Clue::Head => return self.head(level, at, report),
            Clue::Inside => return self.head(level, first_letter(bytes, at)?, report),
            Clue::Percent => self.first_or_second(level, Spelling::Percent, at),
            Clue::Digits => {
                // The needle may include the backslash.
                let digits = at + usize::from(bytes.get(at) == Some(&b'\\'));
                let (spelling, start) = introduced(bytes, digits)?;
                self.spelled_at(level, spelling, start)
            }
            Clue::Escape => {
                let (spelling, start) = introduced(bytes, at + 2)?;
                self.first_or_second(level, spelling, start)
            }
            Clue::All(spelling) => self.spelled_at(level, spelling, at),
            Clue::Utf16 => wide_starts(bytes, at).find_map(|start| self.wide(level, start)),
        };
        found?.report(level, report)
    }

    /// A token whose first encoded character stands at `at`: its first one, or its second behind a plain `g`.
    fn first_or_second(&self, level: &Level<'_>, spelling: Spelling, at: usize) -> Option<Spelled<'_>> {
        self.spelled_at(level, spelling, at).or_else(|| {
            let first = at.checked_sub(1).filter(|first| level.bytes[*first] == b'g')?;
            self.spelled_at(level, spelling, first)
        })
    }

    /// A token in UTF-16 whose first letter stands at `at`.
    fn wide(&self, level: &Level<'_>, at: usize) -> Option<Spelled<'_>> {
        let little = self.spelled_at(level, Spelling::Utf16Le, at);
        let big = at.checked_sub(1).and_then(|at| self.spelled_at(level, Spelling::Utf16Be, at));
        let (Some(_), Some(_)) = (&little, &big) else { return little.or(big) };
        let order = is_big_endian(level.bytes, at, level.offset, level.order.get());
        level.order.set(Some((at, order)));
        if order { big } else { little }
    }

    /// A token whose first characters are plain: all of it may be, or others may be encoded.
    fn head(&self, level: &Level<'_>, at: usize, report: Report<'_>) -> Option<usize> {
        let bytes = level.bytes;
        let rule = self.rule_of(&bytes[at..]);
        let plain = rule.and_then(|rule| Some((rule, classify(rule, bytes, at)?)));
        let sure = plain.as_ref().map(|(_, classified)| classified.confidence);
        if level.depth > 0 && sure != Some(Certain) {
            let reach = bytes.len().min(at + rule.map_or(PEEK, |rule| rule.length));
            let strange =
                bytes[at..reach].iter().find(|byte| !(byte.is_ascii_alphanumeric() || **byte == b'_'));
            let spelling = strange.and_then(|byte| Spelling::introduced_by(*byte));
            if let Some(found) = spelling.and_then(|spelling| self.spelled_at(level, spelling, at))
                && Some(found.classified.confidence) > sure
            {
                return found.report(level, report);
            }
        }
        let (rule, classified) = plain?;
        let span = at..at + classified.len;
        let end = (classified.confidence == Certain).then_some(span.end);
        if level.emit.contains(&at) {
            report(Found { rule, text: &bytes[span.clone()], span, chain: Vec::new(), classified });
        }
        end
    }

    fn rule_of(&self, text: &[u8]) -> Option<&Rule> {
        // Their third characters differ most.
        let alike = |prefix: &[u8]| {
            prefix.get(2).is_none_or(|third| text.get(2) == Some(third)) && text.starts_with(prefix)
        };
        self.rules.iter().find(|rule| alike(rule.prefix.as_bytes()))
    }
}

/// Where the `g` stands in front of one of the needles that are found [`Inside`](Clue::Inside) a prefix.
fn first_letter(bytes: &[u8], at: usize) -> Option<usize> {
    (at.saturating_sub(3)..at).rev().find(|start| bytes[*start] == b'g')
}

/// Where a `g` stands to which the underscore behind the zero at `at` may belong: as the fourth or as the seventh
/// character of a prefix, two bytes each.
fn wide_starts(bytes: &[u8], at: usize) -> impl Iterator<Item = usize> {
    let starts = [5, 11].into_iter().filter_map(move |back| at.checked_sub(back));
    starts.filter(|start| bytes[*start] == b'g')
}
