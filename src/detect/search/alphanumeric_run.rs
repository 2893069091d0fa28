//! Searches a long run of letters and digits: hexadecimal, base32 or base58.

use std::ops::Range;

use super::decoded::Decoded;
use super::{Finder, Layer, OnFound};
use crate::detect::decode::CharEncoding;
use crate::detect::decode::columns::{Columns, run_around};
use crate::detect::decode::radix::{self, Radix, may_hold_text};

/// A text of so many characters is read only from its first one on, where that is the first of a word.
const MOST_ALIGNED: usize = 4096;

/// What was looked at already.
#[derive(Clone, Copy)]
pub(super) struct Searched {
    /// Where the last line of it ends.
    pub(super) end: usize,
    /// Where those end that are no part of what comes behind them.
    floor: usize,
}

impl Searched {
    /// All that is in front of a byte.
    pub(super) fn to(end: usize) -> Self {
        Searched { end, floor: end }
    }
}

/// The lines of letters and digits that the ones around `at` belong to, if those may be more than base64, a name or a hash. What was
/// looked at before is moved behind them.
fn columns_around(bytes: &[u8], at: usize, searched: &mut Searched) -> Option<Columns> {
    let is_character = |byte: u8| byte.is_ascii_alphanumeric();
    let line = run_around(bytes, at, &is_character)?;
    searched.end = line.end;
    let line = bytes.get(line)?;
    if radix::is_hex(line) {
        // Digits of hashes are in lines of their own as well, and are not put together for that.
        if !radix::hex_may_hold_text(line) {
            return None;
        }
    } else if !Radix::may_be_any(line) {
        searched.floor = searched.end;
        return None;
    }
    let columns = Columns::around(bytes, at, searched.floor, is_character)?;
    *searched = Searched::to(columns.end.max(searched.end));
    Some(columns)
}

impl Finder {
    /// Searches the run around `candidate`, unless that is in front of `searched`, the end of the last one.
    pub(super) fn search_alphanumeric_run(
        &self,
        layer: &Layer<'_>,
        candidate: usize,
        searched: &mut Searched,
        report: OnFound<'_>,
    ) {
        if candidate < searched.end {
            return;
        }
        let Some(columns) = columns_around(layer.bytes, candidate, searched) else { return };
        let mut is_found = false;
        for radix in Radix::of_run(&columns.text) {
            self.search_radix(layer, &columns, radix, &mut |found| {
                is_found = true;
                report(found);
            });
        }
        if is_found {
            return;
        }
        for part in columns.parts() {
            for radix in Radix::of_run(&part.text) {
                self.search_radix(layer, &part, radix, report);
            }
        }
    }

    fn search_radix(&self, layer: &Layer<'_>, columns: &Columns, radix: Radix, report: OnFound<'_>) {
        let starts_word = columns.byte_of(0) > 0;
        let alignments =
            if starts_word && columns.text.len() > MOST_ALIGNED { 1 } else { radix.alignments() };
        for skipped in 0..alignments {
            let Some(text) = columns.text.get(skipped..) else { return };
            let decoded = radix.decode(text);
            if !may_hold_text(&decoded) {
                continue;
            }
            let (characters, bytes) = radix.ratio();
            let origin = |span: Range<usize>| {
                let first = (skipped + span.start * characters / bytes).min(columns.text.len() - 1);
                let last = (skipped + (span.end * characters).div_ceil(bytes)).min(columns.text.len());
                let start = columns.byte_of(first);
                let end = columns.byte_of(last.saturating_sub(1).max(first)) + 1;
                (columns.line_start(first), start..end)
            };
            // In hexadecimal, the first letters of a prefix have a needle, whether or not some of the others are encoded
            // once more; it is read on one line.
            let is_known = |span: &Range<usize>, names: &[&'static str]| {
                let text = decoded.get(span.start..).unwrap_or_default();
                let (first, last) = (skipped + 2 * span.start, skipped + 2 * span.end - 1);
                radix == Radix::Hex
                    && columns.byte_of(last) - columns.byte_of(first) == last - first
                    && matches!(text, [b'g', b'h' | b'i', ..])
                    && names.iter().all(|name| CharEncoding::has_name(name))
            };
            let decoded =
                Decoded { bytes: &decoded, name: radix.name(), origin: &origin, is_known: &is_known };
            self.search_decoded(layer, &decoded, report);
        }
    }

    /// Whether a text of letters and digits around `at` may hold a token.
    pub(super) fn alphanumeric_may_match(bytes: &[u8], at: usize, searched: &mut Searched) -> bool {
        if at < searched.end {
            return false;
        }
        let Some(columns) = columns_around(bytes, at, searched) else { return false };
        let may_match = |text: &[u8]| {
            Radix::of_run(text).any(|radix| {
                // What a part of a number says is not known.
                matches!(radix, Radix::Base58(_))
                    || (0..radix.alignments()).any(|skipped| {
                        text.get(skipped..).is_some_and(|text| may_hold_text(&radix.decode(text)))
                    })
            })
        };
        may_match(&columns.text) || columns.parts().any(|part| may_match(&part.text))
    }
}
