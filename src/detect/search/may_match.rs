//! Whether anything in a text could lead to a finding, without searching it.

use super::char_encoded::PREFIX_WINDOW;
use super::{Finder, UTF16_STRIDE, prefix_start, utf16_starts};
use crate::detect::byte_order::ByteOrder;
use crate::detect::decode::CharEncoding;
use crate::detect::decode::base64;
use crate::detect::decode::base64_runs::{Candidates, SEGMENT};
use crate::detect::decode::line_wrapped::Unwrapped;
use crate::detect::decode::utf16::Utf16Text;
use crate::detect::needles::NeedleKind;

/// The most bytes around a changed one that decide whether a finding may depend on it: a prefix in its widest encoding, or
/// the part of a wrapped run of base64 by which it is recognized.
pub(in crate::detect) const MATCH_CONTEXT: usize = 512;

impl Finder {
    /// Whether a search `depth` encodings deep could find something here. Where this is false, nothing is found in the text,
    /// nor in one made of it by adding bytes for which it is false as well.
    pub(in crate::detect) fn may_match(&self, bytes: &[u8], depth: usize) -> bool {
        let needles = self.needles(depth);
        let mut at = 0;
        while let Some((needle, found)) = needles.next(bytes, at, bytes.len()) {
            let plausible = match needle {
                NeedleKind::TokenStart => self.may_start_token(&bytes[found..]),
                NeedleKind::InsidePrefix => {
                    prefix_start(bytes, found).is_some_and(|start| self.may_start_token(&bytes[start..]))
                }
                NeedleKind::Utf16 => utf16_starts(bytes, found).next().is_some(),
                NeedleKind::Percent | NeedleKind::Digits | NeedleKind::Escape | NeedleKind::Encoded(_) => {
                    true
                }
            };
            if plausible {
                return true;
            }
            at = found + 1;
        }
        let in_utf16_text = |at| Utf16Text::around(bytes, at, 0).is_some();
        depth > 1
            && (ByteOrder::of_mark(bytes).is_some()
                || (0..bytes.len()).step_by(UTF16_STRIDE).any(in_utf16_text))
            || depth > 0 && self.base64_may_match(bytes, depth)
    }

    /// Whether the first characters are a prefix, or some of them are encoded.
    fn may_start_token(&self, text: &[u8]) -> bool {
        let peek = &text[..text.len().min(PREFIX_WINDOW)];
        self.rule_for(text).is_some() || peek.iter().any(|byte| CharEncoding::introduced_by(*byte).is_some())
    }

    /// Whether some run of base64 contains a needle, or something that only decoding it would decide.
    fn base64_may_match(&self, bytes: &[u8], depth: usize) -> bool {
        let (mut run_end, mut start) = (0, 0);
        while start < bytes.len() {
            let end = bytes.len().min(start + SEGMENT);
            let mut candidates = Candidates::in_segment(bytes, start..end);
            while let Some(candidate) = candidates.next_before(end) {
                if candidate < run_end {
                    continue;
                }
                let Some(unwrapped) = Unwrapped::around(bytes, candidate, run_end) else { continue };
                run_end = unwrapped.end;
                if unwrapped.readings(bytes).any(|reading| self.reading_may_match(&reading, depth)) {
                    return true;
                }
            }
            start = end;
        }
        false
    }

    fn reading_may_match(&self, reading: &Unwrapped<'_>, depth: usize) -> bool {
        let text = &*reading.text;
        let nested = || base64::nested(text, 0..text.len()).next().is_some();
        base64::may_hold_token(text)
            && (self.base64_needles().next(text, 0, depth).is_some()
                || depth > 1 && (nested() || reading.zlib_starts().next().is_some()))
    }
}
