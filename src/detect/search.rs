//! Goes through one text, and through every text that is encoded in it.

mod packed;
mod sieve;

use std::ops::Range;

pub(super) use sieve::CLUE;

use super::encoded::base64::Forms;
use super::encoded::runs::{STRETCH, Spots};
use super::encoded::{Spelling, introduced, utf16};
use super::judge::{HEADER, Judged, PLAIN, judge, stands_free};
use super::prefilter::{Clue, LATE, Prefilter};
use crate::finding::Confidence::{Certain, Lookalike};
use crate::rule::{Rule, Rules};

/// How far in front of an encoded token the start of its word may stand to be named as its place.
pub(super) const LOOKBACK: usize = 8 * 1024;

/// How many characters of a spelled text tell whether it starts like a token: the longest prefix.
const PEEK: usize = 12;

/// How many bytes one character may take: `&#x00000067;`.
const WIDEST: usize = 14;

/// How much of a text that was spelled twice is read: what a fine-grained token takes at its widest.
const TWICE: usize = 93 * WIDEST;

/// A token in a text.
pub(super) struct Found<'t> {
    pub(super) rule: &'t Rule,
    pub(super) text: &'t [u8],
    pub(super) span: Range<usize>,
    /// Outermost first.
    pub(super) chain: Vec<&'static str>,
    pub(super) judged: Judged,
}

type Report<'r> = &'r mut dyn FnMut(Found<'_>);

/// One text to go through.
#[derive(Clone)]
pub(super) struct Level<'t> {
    pub(super) bytes: &'t [u8],
    /// Where a finding may start.
    pub(super) emit: Range<usize>,
    /// How many encodings may still be peeled off.
    pub(super) depth: usize,
    /// How far the start of a word is looked for; in a decoded text nobody asks for it.
    pub(super) lookback: usize,
}

/// The rules, and what finds where they may apply.
pub(super) struct Finder {
    pub(super) rules: Rules,
    plain: Prefilter,
    spelled: Prefilter,
    forms: Forms,
}

impl Finder {
    pub(super) fn new(rules: Rules) -> Self {
        let (plain, spelled) = (Prefilter::plain(&rules), Prefilter::spelled(&rules));
        let forms = Forms::new(&rules);
        Finder { rules, plain, spelled, forms }
    }

    /// Reports every token that starts in `level.emit`, in the order of their places as far as that is known.
    pub(super) fn look(&self, level: &Level<'_>, report: Report<'_>) {
        let prefilter = if level.depth == 0 { &self.plain } else { &self.spelled };
        let length = level.bytes.len();
        let needles_end = length.min(level.emit.end + LATE);
        let runs_end = if level.depth == 0 { 0 } else { length.min(level.emit.end + level.lookback + LATE) };
        let mut spots = Spots::none();
        let (mut at, mut looked) = (level.emit.start, 0);
        let mut start = level.emit.start;
        while start < needles_end.max(runs_end) {
            let end = start + STRETCH;
            spots.look(level.bytes, start..end.min(runs_end).max(start));
            let mut spot = 0;
            loop {
                let next = prefilter.next(level.bytes, at, end.min(needles_end));
                let until = next.map_or(end, |(_, found)| found);
                while let Some(place) = spots.get(spot).filter(|place| *place < until) {
                    spot += 1;
                    self.run(level, place, &mut looked, report);
                }
                let Some((clue, found)) = next else { break };
                at = self.clue(level, clue, found, report).unwrap_or(found).max(found + 1);
            }
            start = end;
        }
    }

    /// Follows one needle; returns where a token ends that was found there for certain.
    fn clue(&self, level: &Level<'_>, clue: Clue, at: usize, report: Report<'_>) -> Option<usize> {
        let bytes = level.bytes;
        match clue {
            Clue::Head => self.head(level, at, report),
            Clue::Percent => {
                let start = at - usize::from(bytes[..at].ends_with(b"g"));
                self.spelled_at(level, Spelling::Percent, start, report)
            }
            Clue::Digits => {
                // The needle may include the backslash.
                let digits = at + usize::from(bytes.get(at) == Some(&b'\\'));
                let (spelling, start) = introduced(bytes, digits)?;
                self.spelled_at(level, spelling, start, report)
            }
            Clue::All(spelling) => self.spelled_at(level, spelling, at, report),
            Clue::Utf16 => {
                let big = at > 0 && utf16::is_big_endian(bytes, at);
                let (low, high) = ((Spelling::Utf16Le, at), (Spelling::Utf16Be, at.saturating_sub(1)));
                let [first, second] = if big { [high, low] } else { [low, high] };
                self.spelled_at(level, first.0, first.1, report)
                    .or_else(|| self.spelled_at(level, second.0, second.1, report))
            }
        }
    }

    /// A token whose first characters are plain: all of it may be, or others may be encoded.
    fn head(&self, level: &Level<'_>, at: usize, report: Report<'_>) -> Option<usize> {
        let bytes = level.bytes;
        let plain = self.rule_of(&bytes[at..]).and_then(|rule| {
            let judged = judge(rule, bytes, at, || stands_free(&bytes[..at]))?;
            Some((rule, judged))
        });
        let sure = plain.as_ref().map(|(_, judged)| judged.confidence);
        if level.depth > 0 && sure != Some(Certain) {
            let length = plain.as_ref().map_or(PEEK, |(rule, _)| rule.length);
            let reach = &bytes[at..bytes.len().min(at + length.max(PEEK))];
            let strange = reach.iter().find(|byte| !(byte.is_ascii_alphanumeric() || **byte == b'_'));
            let mut better = None;
            if let Some(spelling) = strange.and_then(|byte| Spelling::introduced_by(*byte)) {
                let mut keep = |found: Found<'_>| {
                    if Some(found.judged.confidence) > sure {
                        better = Some(found.span.end);
                        report(found);
                    }
                };
                self.spelled_at(level, spelling, at, &mut keep);
            }
            if better.is_some() {
                return better;
            }
        }
        let (rule, judged) = plain?;
        let span = at..at + judged.len;
        let end = (judged.confidence == Certain).then_some(span.end);
        if level.emit.contains(&at) {
            report(Found { rule, text: &bytes[span.clone()], span, chain: Vec::new(), judged });
        }
        end
    }

    fn rule_of(&self, text: &[u8]) -> Option<&Rule> {
        self.rules.iter().find(|rule| text.starts_with(rule.prefix.as_bytes()))
    }

    /// A token spelled so from `start` on; returns where it ends if it is one for certain.
    ///
    /// Without a proof, it is reported only where the same text in plain would count: a placeholder somebody encoded
    /// is nobody's concern.
    fn spelled_at(
        &self,
        level: &Level<'_>,
        spelling: Spelling,
        start: usize,
        report: Report<'_>,
    ) -> Option<usize> {
        let encoded = &level.bytes[start..];
        let peek = spelling.read(encoded, PEEK);
        let Some(rule) = self.rule_of(&peek) else {
            return self.spelled_twice(level, (spelling, start), &peek, report);
        };
        let text = read_token(rule, spelling, encoded);
        let free = || match spelling {
            Spelling::Utf16Le => utf16_free(level.bytes, start),
            Spelling::Utf16Be => utf16_free(level.bytes, start + 1),
            _ => stands_free(&level.bytes[..start]),
        };
        let judged = judge(rule, &text, 0, free);
        if judged.as_ref().is_none_or(|judged| judged.confidence < Certain) {
            let reach = &text[..text.len().min(rule.length)];
            if let Some(end) = self.spelled_twice(level, (spelling, start), reach, report) {
                return Some(end);
            }
        }
        let judged = judged?;
        let end = start + spelling.width(encoded, judged.len);
        let encoded = &level.bytes[start..end];
        // Nothing was encoded after all, or nothing that matters.
        if judged.confidence == Lookalike || encoded.len() == judged.len {
            return None;
        }
        let sure = (judged.confidence == Certain).then_some(end);
        if level.emit.contains(&start) {
            let chain = vec![spelling.name(encoded)];
            report(Found { rule, text: &text[..judged.len], span: start..end, chain, judged });
        }
        sure
    }

    /// A token spelled so twice: `%2567`, `&amp;#103;`.
    fn spelled_twice(
        &self,
        level: &Level<'_>,
        (spelling, start): (Spelling, usize),
        peek: &[u8],
        report: Report<'_>,
    ) -> Option<usize> {
        let inner = peek.iter().find_map(|byte| Spelling::introduced_by(*byte))?;
        let encoded = &level.bytes[start..];
        // The first few tell whether the rest is worth it.
        let starts = spelling.read(encoded, PEEK * WIDEST);
        if level.depth < 2 || !self.announced(inner, &starts, level.depth - 1) {
            return None;
        }
        let text = spelling.read(encoded, TWICE);
        let inside = Level { bytes: &text, emit: 0..1, depth: level.depth - 1, lookback: 0 };
        let mut end = None;
        self.spelled_at(&inside, inner, 0, &mut |mut found| {
            let width = spelling.width(encoded, found.span.end);
            end = Some(start + width);
            found.span = start..start + width;
            found.chain.insert(0, spelling.name(&encoded[..width]));
            if level.emit.contains(&start) && stands_free_or_proven(&level.bytes[..start], &found.judged) {
                report(found);
            }
        });
        end
    }

    /// Whether a text starts with some prefix, spelled so, or spelled so again.
    fn announced(&self, spelling: Spelling, text: &[u8], depth: usize) -> bool {
        let peek = spelling.read(text, PEEK);
        if self.rule_of(&peek).is_some() {
            return true;
        }
        let inner = peek.iter().find_map(|byte| Spelling::introduced_by(*byte));
        depth > 1
            && inner
                .is_some_and(|inner| self.announced(inner, &spelling.read(text, PEEK * WIDEST), depth - 1))
    }
}

/// As much of the text as a token by this rule may take. The stateless form is long, and its header ends in a dot
/// soon: a wall of half-tokens must not cost the longest match for each of them.
fn read_token(rule: &Rule, spelling: Spelling, encoded: &[u8]) -> zeroize::Zeroizing<Vec<u8>> {
    let text = spelling.read(encoded, PLAIN + 1);
    if rule.longest <= PLAIN || text.len() <= PLAIN {
        return text;
    }
    let header = spelling.read(encoded, HEADER);
    if header.contains(&b'.') { spelling.read(encoded, rule.longest + 1) } else { text }
}

fn utf16_free(bytes: &[u8], at: usize) -> bool {
    utf16::before(bytes, at).is_none_or(|byte| stands_free(&[byte]))
}

fn stands_free_or_proven(before: &[u8], judged: &Judged) -> bool {
    judged.confidence == Certain || stands_free(before)
}
