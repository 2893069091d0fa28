//! Texts whose characters are wider than a byte: UTF-16, UTF-32 and UTF-7; their tokens, and what else is encoded in them.

use std::ops::Range;

use super::char_encoded::{EncodedToken, PREFIX_WINDOW};
use super::{Finder, Found, Layer, OnFound};
use crate::detect::byte_order::ByteOrder;
use crate::detect::classify::classify_proven;
use crate::detect::decode::CharEncoding;
use crate::detect::decode::utf7;
use crate::detect::decode::utf16::{Utf16Text, is_big_endian};
use crate::detect::decode::utf32::{self, Utf32Text};

/// At every so many bytes a text in UTF-16 without a mark is looked for: it may start in another script.
const UTF16_STRIDE: usize = 512;

/// The same in small texts and decoded ones, where something else may be in front of a few characters.
const SMALL_STRIDE: usize = 32;

/// The encodings of four bytes a character, and how far in front of its first letter a token starts in the second.
pub(super) const WIDE: (CharEncoding, CharEncoding, usize) =
    (CharEncoding::Utf32Le, CharEncoding::Utf32Be, 3);

/// The same for full-width letters in UTF-16.
pub(super) const FULL_WIDTH: (CharEncoding, CharEncoding, usize) =
    (CharEncoding::FullWidthUtf16Le, CharEncoding::FullWidthUtf16Be, 1);

impl Finder {
    /// Searches texts in UTF-16 for what is encoded in them; their plain tokens are found by [`NeedleKind::Utf16`]. `end`
    /// is the end of the last text that was searched; `is_small` says whether the layer is cheap to look at closely.
    pub(super) fn search_utf16_texts(
        &self,
        layer: &Layer<'_>,
        (segment, is_small): (Range<usize>, bool),
        end: &mut usize,
        report: OnFound<'_>,
    ) {
        for at in segment.step_by(if is_small { SMALL_STRIDE } else { UTF16_STRIDE }) {
            if at < *end {
                continue;
            }
            let text = match layer.mark {
                Some(order) => Some(Utf16Text::marked(layer.bytes, order)),
                None => Utf16Text::around(layer.bytes, at, *end),
            };
            let Some(text) = text else {
                self.search_utf32_text(layer, at, end, report);
                continue;
            };
            *end = text.end();
            let inner = Layer::inner(&text.ascii, 0..text.ascii.len(), layer.depth - 1, Some(0));
            let inner = Layer { lookback: layer.lookback / 2, ..inner };
            self.search(&inner, &mut |mut found| {
                found.span = text.start + 2 * found.span.start..text.start + 2 * found.span.end;
                if !found.decoded.is_empty() && layer.emit.contains(&found.span.start) {
                    found.decoded.insert(0, text.order.encoding());
                    report(found);
                }
            });
        }
    }

    /// Searches texts in UTF-32 as [those in UTF-16](Finder::search_utf16_texts).
    pub(super) fn search_utf32_text(
        &self,
        layer: &Layer<'_>,
        at: usize,
        end: &mut usize,
        report: OnFound<'_>,
    ) {
        let Some(text) = Utf32Text::around(layer.bytes, at, *end) else { return };
        *end = text.span.end;
        let inner = Layer::inner(&text.ascii, 0..text.ascii.len(), layer.depth - 1, Some(0));
        let inner = Layer { lookback: layer.lookback / 4, ..inner };
        self.search(&inner, &mut |mut found| {
            found.span = text.span.start + 4 * found.span.start..text.span.start + 4 * found.span.end;
            if !found.decoded.is_empty() && layer.emit.contains(&found.span.start) {
                found.decoded.insert(0, text.encoding());
                report(found);
            }
        });
    }

    /// A token in UTF-16 whose first letter is at `at`.
    pub(super) fn utf16_token_at(&self, layer: &Layer<'_>, at: usize) -> Option<EncodedToken<'_>> {
        let little = self.encoded_token_at(layer, CharEncoding::Utf16Le, at);
        let big = at.checked_sub(1).and_then(|at| self.encoded_token_at(layer, CharEncoding::Utf16Be, at));
        let (Some(_), Some(_)) = (&little, &big) else { return little.or(big) };
        // Characters and zeros alternate, so both readings may succeed: then the start of the text decides.
        if let Some(order) = layer.mark
            && (at % 2 == 1) == (order == ByteOrder::Big)
        {
            return if order == ByteOrder::Big { big } else { little };
        }
        let big_endian = is_big_endian(layer.bytes, at, layer.offset, layer.byte_order.get());
        layer.byte_order.set(Some((at, big_endian)));
        if big_endian { big } else { little }
    }

    /// A token in one of two encodings that differ in their byte order, whose first letter is at `at`.
    pub(super) fn wide_token_at(
        &self,
        layer: &Layer<'_>,
        (little, big, back): (CharEncoding, CharEncoding, usize),
        at: usize,
    ) -> Option<EncodedToken<'_>> {
        let little = self.encoded_token_at(layer, little, at);
        let big = at.checked_sub(back).and_then(|at| self.encoded_token_at(layer, big, at));
        // Letters and what is between them alternate, so both readings may succeed.
        let is_big = little.is_none()
            || if back == WIDE.2 { utf32::is_big_endian(layer.bytes, at) } else { at % 2 == 1 };
        if is_big && big.is_some() { big } else { little }
    }

    /// Looks for a token in UTF-7 whose first characters are plain. Returns where it ends.
    pub(super) fn utf7_token_at(&self, layer: &Layer<'_>, at: usize, report: OnFound<'_>) -> Option<usize> {
        let encoded = layer.bytes.get(at..)?;
        let (start, _) = utf7::read(encoded, PREFIX_WINDOW);
        let rule = self.rule_for(&start)?;
        let (text, ends) = utf7::read(encoded, rule.length);
        let classified = classify_proven(rule, &text)?;
        let end = at + ends.last()?;
        if layer.emit.contains(&at) {
            report(Found { rule, text: &text, span: at..end, decoded: vec!["utf-7"], classified });
        }
        Some(end)
    }
}
