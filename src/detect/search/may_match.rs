//! Whether anything in a text could lead to a finding, without searching it.

use super::alphanumeric_run::Searched;
use super::char_encoded::PREFIX_WINDOW;
use super::clue::{Clue, MAX_CLUE_OFFSET, clues};
use super::marked::may_hold_rare;
use super::wide::{FULL_WIDTH, WIDE};
use super::{Finder, base64_run};
use crate::detect::byte_order::ByteOrder;
use crate::detect::decode::base64;
use crate::detect::decode::base64_runs::words;
use crate::detect::decode::encoded_text;
use crate::detect::decode::inflate::Wrapper;
use crate::detect::decode::line_wrapped::Unwrapped;
use crate::detect::decode::utf7;
use crate::detect::decode::utf16::holds_text;
use crate::detect::decode::utf32;
use crate::detect::decode::{CharEncoding, Encodings};
use crate::detect::needles::{NeedleKind, Needles};
use crate::detect::pieces::{FIRST, FIRST_LOOKBACK};

/// How many bytes of an encoded token are read to see whether it begins with a prefix. What could still begin with one where
/// they end counts as if it did.
const MAX_READ: usize = 96;

/// How many bytes a character takes in UTF-7, its marks included: `+AF8-`.
const MAX_UTF7_CHAR: usize = 6;

/// The most bytes around a changed one that decide whether a finding may depend on it: what is in front of a needle and what
/// is read from where its token starts, or as much of a run of base64 as the shortest token takes, and a hundred bytes of line
/// ends in it.
pub(in crate::detect) const MATCH_CONTEXT: usize = 160;

const _: () = assert!(MATCH_CONTEXT >= MAX_CLUE_OFFSET + MAX_READ);
const _: () = assert!(MATCH_CONTEXT >= FIRST_LOOKBACK + FIRST);

impl Finder {
    /// Whether a search `depth` encodings deep could find something here. Where this is false, nothing is found in the text,
    /// nor in one made of it by adding bytes for which it is false as well, with [`MATCH_CONTEXT`] around them. So nothing here
    /// may depend on where in the text something is.
    pub(in crate::detect) fn may_match(&self, bytes: &[u8], depth: usize) -> bool {
        // A search looks for these in small texts only, and what an object that grew adds is small as well.
        let may_hold_rare = depth > 0 && may_hold_rare(bytes);
        let rare = may_hold_rare.then(|| self.rare_needles());
        bytes.starts_with(b"<~")
            || [Some(self.needles(depth)), rare]
                .into_iter()
                .flatten()
                .any(|needles| self.any_may_match(needles, bytes, depth))
            || depth > 1
                && (ByteOrder::of_mark(bytes).is_some()
                    || memchr::memchr(0, bytes).is_some() && (holds_text(bytes) || utf32::holds_text(bytes))
                    || encoded_text::holds_text(bytes, may_hold_rare))
            || depth > 0 && self.base64_may_match(bytes, depth)
            || may_hold_rare && Finder::base85_may_match(bytes)
    }

    /// Whether a needle leads to something that may be found.
    fn any_may_match(&self, needles: &Needles, bytes: &[u8], depth: usize) -> bool {
        let mut at = 0;
        while let Some((needle, found)) = needles.next(bytes, at, bytes.len()) {
            if let NeedleKind::Mark(mark) = needle
                && depth > 0
                && Finder::mark_may_match(bytes, mark, found)
            {
                return true;
            }
            let may_start = |clue| {
                self.may_start_token(bytes, clue, depth) || depth > 0 && self.may_start_in_pieces(bytes, clue)
            };
            if clues(bytes, needle, found).any(may_start) {
                return true;
            }
            at = found + 1;
        }
        false
    }

    /// Whether what is there begins with a prefix, or might where the text ends.
    fn may_start_token(&self, bytes: &[u8], clue: Clue, depth: usize) -> bool {
        match clue {
            Clue::Plain(start) => {
                let text = &bytes[start..bytes.len().min(start + PREFIX_WINDOW)];
                let encoding = || text.iter().find_map(|byte| CharEncoding::introduced_by(*byte));
                self.rule_for(text).is_some()
                    || text.len() < PREFIX_WINDOW && self.may_become_prefix(text)
                    || depth > 0 && self.may_be_utf7(bytes, start)
                    || depth > 0
                        && encoding()
                            .is_some_and(|encoding| self.may_be_encoded(bytes, encoding, start, depth))
            }
            Clue::Encoded(encoding, start) => self.may_be_encoded(bytes, encoding, start, depth),
            Clue::Utf16(start) => {
                self.may_be_encoded(bytes, CharEncoding::Utf16Le, start, depth)
                    || start
                        .checked_sub(1)
                        .is_some_and(|start| self.may_be_encoded(bytes, CharEncoding::Utf16Be, start, depth))
            }
            Clue::Utf32(start) => self.may_be_either(bytes, WIDE, start, depth),
            Clue::FullWidthUtf16(start) => self.may_be_either(bytes, FULL_WIDTH, start, depth),
            _ => false,
        }
    }

    /// Whether what is in UTF-7 from `start` on begins with a prefix.
    fn may_be_utf7(&self, bytes: &[u8], start: usize) -> bool {
        let encoded = bytes.get(start..bytes.len().min(start + MAX_READ)).unwrap_or_default();
        let (text, ends) = utf7::read(encoded, PREFIX_WINDOW);
        let is_cut = encoded.len() - ends.last().copied().unwrap_or(0) < MAX_UTF7_CHAR;
        self.rule_for(&text).is_some() || is_cut && self.may_become_prefix(&text)
    }

    /// Whether what is encoded in the first way from `start` on, or in the second from so far in front of it, begins with a prefix.
    fn may_be_either(
        &self,
        bytes: &[u8],
        (little, big, back): (CharEncoding, CharEncoding, usize),
        start: usize,
        depth: usize,
    ) -> bool {
        self.may_be_encoded(bytes, little, start, depth)
            || start.checked_sub(back).is_some_and(|start| self.may_be_encoded(bytes, big, start, depth))
    }

    /// Whether what is encoded so from `start` on, or encoded so again, begins with a prefix.
    fn may_be_encoded(&self, bytes: &[u8], encoding: CharEncoding, start: usize, depth: usize) -> bool {
        let encoded = &bytes[start..bytes.len().min(start + MAX_READ)];
        let mut encodings = Encodings::single(encoding);
        loop {
            let text = encodings.read(encoded, PREFIX_WINDOW, self.cannot_start());
            let unread = encoded.len() - encodings.width(encoded, text.len());
            let may_go_on = unread < encodings.max_width() && self.may_become_prefix(&text);
            if may_go_on || self.rule_for(&text).is_some() {
                return true;
            }
            let inner = text.iter().find_map(|byte| CharEncoding::introduced_by(*byte));
            match inner.and_then(|inner| encodings.with_inner(inner, depth)) {
                Some(more) => encodings = more,
                None => return false,
            }
        }
    }

    /// Whether a text could become a prefix if more followed.
    pub(super) fn may_become_prefix(&self, text: &[u8]) -> bool {
        self.rules.iter().any(|rule| rule.prefix.as_bytes().starts_with(text))
    }

    /// Whether some run of base64 or of letters and digits contains a needle, or something that only decoding it would decide.
    fn base64_may_match(&self, bytes: &[u8], depth: usize) -> bool {
        let (mut searched, mut margins_end, mut alphanumeric) = (0, 0, Searched::to(0));
        for word in words(bytes) {
            if Finder::alphanumeric_may_match(bytes, word, &mut alphanumeric) {
                return true;
            }
            if word < searched {
                continue;
            }
            let Some(unwrapped) = Unwrapped::around(bytes, word, searched) else { continue };
            searched = unwrapped.end;
            if word >= margins_end
                && let Some(lines) = unwrapped.behind_margins(bytes, word, margins_end)
            {
                margins_end = lines.end;
                if self.run_may_match(&lines.text, depth) {
                    return true;
                }
            }
            if self.run_may_match(&unwrapped.without_leading_signs().text, depth) {
                return true;
            }
        }
        false
    }

    fn run_may_match(&self, text: &[u8], depth: usize) -> bool {
        if !base64::may_hold_token(text) {
            return false;
        }
        let mut at = 0;
        while let Some((needle, found)) = self.base64_needles().next(text, at, depth) {
            match needle {
                base64::NeedleKind::Prefix(_) => return true,
                base64::NeedleKind::Compressed(wrapper) if may_inflate(wrapper, &text[found..]) => {
                    return true;
                }
                base64::NeedleKind::Compressed(_) => at = found + 1,
            }
        }
        depth > 1
            && (base64::nested(text, 0..text.len()).next().is_some()
                || base64::zlib_starts(text).any(|start| may_inflate(Wrapper::Zlib, &text[start..])))
    }
}

/// Whether a compressed stream may begin with what these characters encode. Where they end too early, it may.
fn may_inflate(wrapper: Wrapper, text: &[u8]) -> bool {
    base64_run::header_characters(text).is_none_or(|characters| {
        let mut header = base64::Scratch::default();
        base64::decode(characters, &mut header);
        wrapper.may_begin(header.bytes())
    })
}
