//! Whether anything in a text could lead to a finding, without following it.

use super::char_encoded::PEEK;
use super::{Finder, WIDE_STRIDE, first_letter, wide_starts};
use crate::detect::decode::Spelling;
use crate::detect::decode::base64;
use crate::detect::decode::base64_runs::{STRETCH, Spots};
use crate::detect::decode::line_wrapped::Joined;
use crate::detect::decode::utf16::Text;
use crate::detect::needles::Clue;

/// The most bytes that a clue depends on: a prefix at its widest spelling, or as much of a wrapped run of base64 as
/// tells that it is one.
pub(in crate::detect) const CLUE: usize = 512;

impl Finder {
    /// Whether a search `depth` encodings deep could come upon something here. Nothing may ever be found in a text, or
    /// in one made of it by adding harmless bytes, of which this says no.
    pub(in crate::detect) fn may_match(&self, bytes: &[u8], depth: usize) -> bool {
        let prefilter = if depth == 0 { &self.plain } else { &self.spelled };
        let mut at = 0;
        while let Some((clue, found)) = prefilter.next(bytes, at, bytes.len()) {
            let worth = match clue {
                Clue::Head => self.starts_a_token(&bytes[found..]),
                Clue::Inside => {
                    first_letter(bytes, found).is_some_and(|start| self.starts_a_token(&bytes[start..]))
                }
                Clue::Utf16 => wide_starts(bytes, found).next().is_some(),
                Clue::Percent | Clue::Digits | Clue::Escape | Clue::All(_) => true,
            };
            if worth {
                return true;
            }
            at = found + 1;
        }
        let wide = |at| Text::around(bytes, at, 0).is_some();
        depth > 1 && (0..bytes.len()).step_by(WIDE_STRIDE).any(wide)
            || depth > 0 && self.packs_a_token(bytes, depth)
    }

    /// Whether the first characters are a prefix, or some of them are encoded.
    fn starts_a_token(&self, text: &[u8]) -> bool {
        let peek = &text[..text.len().min(PEEK)];
        self.rule_of(text).is_some() || peek.iter().any(|byte| Spelling::introduced_by(*byte).is_some())
    }

    /// Whether some run of base64 holds a form of a prefix, or something that must be opened to know.
    fn packs_a_token(&self, bytes: &[u8], depth: usize) -> bool {
        let (mut looked, mut start) = (0, 0);
        while start < bytes.len() {
            let end = bytes.len().min(start + STRETCH);
            let mut spots = Spots::of(bytes, start..end);
            while let Some(spot) = spots.next_before(end) {
                if spot < looked {
                    continue;
                }
                let Some(joined) = Joined::around(bytes, spot, looked) else { continue };
                looked = joined.end;
                let text = &*joined.text;
                if !base64::may_hold(text) {
                    continue;
                }
                let nested = || depth > 1 && base64::nested(text, 0..text.len()).next().is_some();
                if self.forms.next(text, 0, depth).is_some()
                    || nested()
                    || depth > 1 && joined.zlib_starts().next().is_some()
                {
                    return true;
                }
            }
            start = end;
        }
        false
    }
}
