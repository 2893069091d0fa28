//! Searches a text, and every text that is encoded in it.

mod alphanumeric_run;
mod base64_run;
mod base85_lines;
mod char_encoded;
mod clue;
mod decoded;
mod encoded_text;
mod marked;
mod may_match;
mod pieces;
mod wide;

use std::cell::Cell;
use std::ops::Range;
use std::sync::OnceLock;

pub(super) use may_match::MATCH_CONTEXT;

use super::byte_order::ByteOrder;
use super::classify::{Classified, classify};
use super::decode::CharEncoding;
use super::decode::base64::Base64Needles;
use super::decode::base64_runs::{Candidates, SEGMENT};
use super::needles::{MAX_NEEDLE_OFFSET, NeedleKind, Needles};
use super::window::Window;
use crate::finding::Confidence::Certain;
use crate::rule::{Rule, Rules};
use alphanumeric_run::Searched;
use base85_lines::Base85Words;
use char_encoded::PREFIX_WINDOW;
use clue::{Clue, clues};
use encoded_text::Known;
use wide::{FULL_WIDTH, WIDE};

/// How far in front of an encoded token the start of its word may be to be reported as its location, in bytes.
const LOOKBACK: usize = 8 * 1024;

/// A token found in a text.
pub(super) struct Found<'t> {
    pub(super) rule: &'t Rule,
    pub(super) text: &'t [u8],
    /// Where it, or the encoded text that contains it, is in the layer's bytes.
    pub(super) span: Range<usize>,
    /// The encodings that were decoded, outermost first.
    pub(super) decoded: Vec<&'static str>,
    pub(super) classified: Classified,
}

/// Called with each token found.
type OnFound<'r> = &'r mut dyn FnMut(Found<'_>);

/// One text to search: a window of a blob, or what was decoded from a layer outside.
pub(super) struct Layer<'t> {
    pub(super) bytes: &'t [u8],
    /// Where a finding may start.
    pub(super) emit: Range<usize>,
    /// How many encodings may still be decoded, one inside the other.
    pub(super) depth: usize,
    /// How far back the start of a word is looked for, in bytes. Locations in decoded texts are not reported, so there it is
    /// not looked for at all.
    pub(super) lookback: usize,
    /// How many bytes of the text precede these, where that is known; even is enough.
    offset: Option<usize>,
    /// What the byte order mark says that the text begins with.
    mark: Option<ByteOrder>,
    /// The index of a UTF-16 character whose byte order is known, and whether it is big-endian.
    byte_order: Cell<Option<(usize, bool)>>,
    /// Where the last part of a dump ends that was searched.
    dump_end: Cell<usize>,
    /// Where what was decoded behind a mark ends: nothing in it is looked at again.
    marked_end: Cell<usize>,
    /// Where the lines of base64 end that were searched without what is in front of them.
    margins_end: Cell<usize>,
    /// Whether it is a text in rot13 that was decoded.
    is_moved: bool,
}

impl<'t> Layer<'t> {
    /// A window of a blob. Those of large blobs start at even offsets.
    pub(super) fn outermost(window: Window<'t>, depth: usize) -> Self {
        let Window { bytes, emit, mark } = window;
        Layer { mark, lookback: LOOKBACK, ..Layer::inner(bytes, emit, depth, Some(0)) }
    }

    /// A decoded text, or the part of one from `offset` on.
    fn inner(bytes: &'t [u8], emit: Range<usize>, depth: usize, offset: Option<usize>) -> Self {
        let mark = if offset == Some(0) { ByteOrder::of_mark(bytes) } else { None };
        Layer {
            bytes,
            emit,
            depth,
            lookback: 0,
            offset,
            mark,
            byte_order: Cell::default(),
            dump_end: Cell::default(),
            marked_end: Cell::default(),
            margins_end: Cell::default(),
            is_moved: false,
        }
    }
}

/// The rules, and the needles that find where they may match. Needles are made when the first text asks for them: nearly no
/// run wants all three kinds.
pub(super) struct Finder {
    pub(super) rules: &'static Rules,
    plain_needles: OnceLock<Needles>,
    encoded_needles: OnceLock<Needles>,
    rare_needles: OnceLock<Needles>,
    base64_needles: OnceLock<Base64Needles>,
    /// Whether a token may start with this byte, and whether this may be its second one.
    first_bytes: [bool; 256],
    second_bytes: [bool; 256],
}

impl Finder {
    pub(super) fn new(rules: &'static Rules) -> Self {
        let (mut first_bytes, mut second_bytes) = ([false; 256], [false; 256]);
        for rule in rules {
            match *rule.prefix.as_bytes() {
                [] => {}
                [first] => {
                    first_bytes[usize::from(first)] = true;
                    second_bytes.fill(true);
                }
                [first, second, ..] => {
                    first_bytes[usize::from(first)] = true;
                    second_bytes[usize::from(second)] = true;
                }
            }
        }
        Finder {
            rules,
            plain_needles: OnceLock::new(),
            encoded_needles: OnceLock::new(),
            rare_needles: OnceLock::new(),
            base64_needles: OnceLock::new(),
            first_bytes,
            second_bytes,
        }
    }

    fn needles(&self, depth: usize) -> &Needles {
        match depth {
            0 => self.plain_needles.get_or_init(|| Needles::plain(self.rules)),
            _ => self.encoded_needles.get_or_init(|| Needles::encoded(self.rules)),
        }
    }

    fn rare_needles(&self) -> &Needles {
        self.rare_needles.get_or_init(Needles::rare)
    }

    fn base64_needles(&self) -> &Base64Needles {
        self.base64_needles.get_or_init(|| Base64Needles::new(self.rules))
    }

    /// Reports every token that starts in `layer.emit`, in order but for tokens within one run of base64.
    pub(super) fn search(&self, layer: &Layer<'_>, report: OnFound<'_>) {
        let has_rare = layer.depth > 0 && (layer.lookback == 0 || marked::may_hold_rare(layer.bytes));
        if layer.depth < 2 {
            return self.search_text(layer, has_rare, report);
        }
        let mut known = Known::default();
        self.search_text(layer, has_rare, &mut |found| {
            known.add(&found);
            report(found);
        });
        self.search_encoded_texts(layer, has_rare, &known, report);
    }

    /// The same but for texts of which characters are encoded on their own.
    fn search_text(&self, layer: &Layer<'_>, has_rare: bool, report: OnFound<'_>) {
        let needles = self.needles(layer.depth);
        let length = layer.bytes.len();
        let needles_end = length.min(layer.emit.end + MAX_NEEDLE_OFFSET);
        let runs_end = if layer.depth == 0 {
            0
        } else {
            length.min(layer.emit.end + layer.lookback + MAX_NEEDLE_OFFSET)
        };
        let (mut at, mut base64_end, mut utf16_end) = (layer.emit.start, 0, 0);
        self.search_first_dump(layer, report);
        let mut alphanumeric = Searched::to(layer.emit.start);
        let (mut rare_at, mut base85_words) = (layer.emit.start, Base85Words::default());
        self.search_ascii85_at_start(layer, report);
        let mut start = layer.emit.start;
        while start < needles_end.max(runs_end) {
            let end = start + SEGMENT;
            // What belongs to a run that was searched is no candidate.
            let unsearched = start.max(base64_end.min(alphanumeric.end)).min(end);
            let mut candidates =
                Candidates::in_segment(layer.bytes, unsearched..end.min(runs_end), base64_end);
            if layer.depth > 1 {
                let segment = start..end.min(needles_end);
                self.search_utf16_texts(layer, (segment, has_rare), &mut utf16_end, report);
            }
            loop {
                let next = needles.next(layer.bytes, at, end.min(needles_end));
                let until = next.map_or(end, |(_, found)| found);
                while let Some(candidate) = candidates.next_before(until) {
                    self.search_base64_run(layer, candidate, &mut base64_end, report);
                }
                while let Some(candidate) = candidates.next_alphanumeric_before(until) {
                    self.search_alphanumeric_run(layer, candidate, &mut alphanumeric, report);
                }
                let Some((needle, found)) = next else {
                    // No segment is searched twice.
                    at = at.max(end.min(needles_end));
                    break;
                };
                at = self.follow(layer, needle, found, report).unwrap_or(found).max(found + 1);
            }
            if has_rare {
                rare_at = self.search_rare(layer, rare_at, end.min(needles_end), report);
                self.search_base85_lines(layer, start..end.min(needles_end), &mut base85_words, report);
            }
            start = end;
        }
    }

    /// Follows the needles of the second pass that start from `at` to `end`; returns where the next segment begins.
    fn search_rare(&self, layer: &Layer<'_>, mut at: usize, end: usize, report: OnFound<'_>) -> usize {
        while let Some((needle, found)) = self.rare_needles().next(layer.bytes, at, end) {
            at = self.follow(layer, needle, found, report).unwrap_or(found).max(found + 1);
        }
        at.max(end)
    }

    /// Looks for a token at the needle at `at`; returns where one ends that is certain.
    fn follow(&self, layer: &Layer<'_>, needle: NeedleKind, at: usize, report: OnFound<'_>) -> Option<usize> {
        if let NeedleKind::Mark(mark) = needle {
            self.search_marked(layer, mark, at, report);
            return None;
        }
        for clue in clues(layer.bytes, needle, at) {
            let found = match clue {
                Clue::Plain(start) => return self.token_at(layer, start, report),
                Clue::Encoded(encoding, start) => self.encoded_token_at(layer, encoding, start),
                Clue::Utf16(start) => self.utf16_token_at(layer, start),
                Clue::Utf32(start) => self.wide_token_at(layer, WIDE, start),
                Clue::FullWidthUtf16(_) if layer.depth < 2 => None,
                Clue::FullWidthUtf16(start) => self.wide_token_at(layer, FULL_WIDTH, start),
                _ => None,
            };
            if let Some(found) = found {
                return found.report(layer, report);
            }
            if let Some(end) = self.follow_pieces(layer, clue, report) {
                return Some(end);
            }
            if let Clue::Encoded(encoding, start) = clue
                && let Some(end) = self.pieces_behind(layer, encoding, start, report)
            {
                return Some(end);
            }
        }
        None
    }

    /// Looks for a token whose first characters are plain; others may be encoded. Returns where it ends if it is certain.
    fn token_at(&self, layer: &Layer<'_>, at: usize, report: OnFound<'_>) -> Option<usize> {
        let bytes = layer.bytes;
        let rule = self.rule_for(&bytes[at..]);
        let plain = rule.and_then(|rule| Some((rule, classify(rule, bytes, at)?)));
        let plain_confidence = plain.as_ref().map(|(_, classified)| classified.confidence);
        if layer.depth > 0 && plain_confidence != Some(Certain) {
            let end = bytes.len().min(at + rule.map_or(PREFIX_WINDOW, |rule| rule.length));
            let foreign =
                bytes[at..end].iter().find(|byte| !(byte.is_ascii_alphanumeric() || **byte == b'_'));
            let encoding = foreign.and_then(|byte| CharEncoding::introduced_by(*byte));
            let found = encoding
                .and_then(|encoding| self.encoded_token_at(layer, encoding, at))
                .filter(|found| Some(found.classified.confidence) > plain_confidence);
            let is_certain = found.as_ref().is_some_and(|found| found.classified.confidence == Certain);
            if !is_certain
                && foreign.is_some()
                && let Some(end) = self.pieces_at(layer, at, report)
            {
                return Some(end);
            }
            if !is_certain
                && let Some(encoding) = encoding
                && let Some(end) = self.pieces_behind(layer, encoding, at, report)
            {
                return Some(end);
            }
            if let Some(found) = found {
                return found.report(layer, report);
            }
            if matches!(foreign, Some(b'+' | b'&'))
                && let Some(end) = self.utf7_token_at(layer, at, report)
            {
                return Some(end);
            }
        }
        let (rule, classified) = plain?;
        let span = at..at + classified.len;
        let end = (classified.confidence == Certain).then_some(span.end);
        if layer.emit.contains(&at) {
            report(Found { rule, text: &bytes[span.clone()], span, decoded: Vec::new(), classified });
        }
        end
    }

    /// The rule whose prefix `text` starts with.
    fn rule_for(&self, text: &[u8]) -> Option<&Rule> {
        // Compared first, because the prefixes differ most in their third characters.
        let starts_with = |prefix: &[u8]| {
            prefix.get(2).is_none_or(|third| text.get(2) == Some(third)) && text.starts_with(prefix)
        };
        self.rules.iter().find(|rule| starts_with(rule.prefix.as_bytes()))
    }
}
