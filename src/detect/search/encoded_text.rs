//! Searches texts of which every character is encoded on its own for what is in them beside plain tokens: pieces, and what is
//! encoded once more.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;

use super::{Finder, Found, Layer, OnFound};
use crate::detect::decode::CharEncoding;
use crate::detect::decode::encoded_text::{EncodedText, first_characters};
use crate::detect::decode::rot13;
use crate::finding::Confidence::Certain;

/// At every so many bytes a text is looked for: in small ones and decoded ones, no token is shorter.
const STRIDE: usize = 64;

/// The same in all others.
const LONG_STRIDE: usize = 1024;

/// How many bytes are read behind a prefix whose token is in pieces.
const MOST_PIECES: usize = 4096;

/// Where tokens of a layer are reported already, and what they hash to.
#[derive(Default)]
pub(super) struct Known(Vec<(Range<usize>, u64)>);

impl Known {
    pub(super) fn add(&mut self, found: &Found<'_>) {
        if found.classified.confidence == Certain {
            self.0.push((found.span.clone(), hash(found.text)));
        }
    }

    fn has(&self, span: &Range<usize>, text: &[u8]) -> bool {
        let text = hash(text);
        self.0.iter().any(|(known, hash)| *hash == text && known.start < span.end && span.start < known.end)
    }
}

fn hash(text: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl Finder {
    /// Searches such texts, for what is not known; `is_small` says whether the layer is cheap to look at closely.
    pub(super) fn search_encoded_texts(
        &self,
        layer: &Layer<'_>,
        is_small: bool,
        known: &Known,
        report: OnFound<'_>,
    ) {
        let mut end = 0;
        for at in layer.emit.clone().step_by(if is_small { STRIDE } else { LONG_STRIDE }) {
            if at >= end
                && let Some(text) = EncodedText::around(layer.bytes, at, end)
            {
                end = text.span.end;
                self.search_encoded_text(layer, &text, known, report);
            }
        }
        if is_small && let Some(text) = EncodedText::partly(layer.bytes) {
            self.search_encoded_text(layer, &text, known, report);
        }
        if is_small {
            self.search_rot13(layer, known, report);
        }
    }

    fn search_encoded_text(&self, layer: &Layer<'_>, text: &EncodedText, known: &Known, report: OnFound<'_>) {
        let inner = Layer::inner(&text.bytes, 0..text.bytes.len(), layer.depth - 1, Some(0));
        self.search(&inner, &mut |found| {
            // Plain ones are found by their prefix.
            if !found.decoded.is_empty() {
                report_in(layer, text, Some(known), found, report);
            }
        });
    }

    /// Searches a text in rot13 that was decoded for what is in it beside plain tokens.
    fn search_rot13(&self, layer: &Layer<'_>, known: &Known, report: OnFound<'_>) {
        if layer.is_moved || layer.lookback > 0 || !rot13::may_be_text(layer.bytes) {
            return;
        }
        let text = rot13::decode(layer.bytes);
        let inner = Layer::inner(&text, layer.emit.clone(), layer.depth - 1, layer.offset);
        let inner = Layer { is_moved: true, ..inner };
        self.search(&inner, &mut |mut found| {
            let is_new = !found.decoded.is_empty() && !known.has(&found.span, found.text);
            if is_new && found.classified.confidence == Certain {
                found.decoded.insert(0, "rot13");
                report(found);
            }
        });
    }

    /// Looks for a token in pieces behind a prefix that is encoded so; returns where it ends.
    pub(super) fn pieces_behind(
        &self,
        layer: &Layer<'_>,
        encoding: CharEncoding,
        start: usize,
        report: OnFound<'_>,
    ) -> Option<usize> {
        let is_text = matches!(
            encoding,
            CharEncoding::Percent
                | CharEncoding::Escape
                | CharEncoding::Entity
                | CharEncoding::QuotedPrintable
                | CharEncoding::Rot13
        );
        if layer.depth < 2 || !is_text {
            return None;
        }
        // Nearly no needle has a prefix, and nothing was allocated for the others.
        let first = first_characters(layer.bytes, start, encoding)?;
        if !self.may_become_prefix(&first) {
            return None;
        }
        let text = EncodedText::from(layer.bytes, start, MOST_PIECES, encoding);
        let inner = Layer::inner(&text.bytes, 0..1, layer.depth - 1, None);
        let end = self.pieces_at(&inner, 0, &mut |found| {
            report_in(layer, &text, None, found, report);
        })?;
        Some(text.place(&(0..end)).0.end)
    }
}

/// Reports what was found in a text, where it is in the layer. Where it is not encoded itself, something is that stands next to it,
/// and it must be known what is found without decoding that.
fn report_in(
    layer: &Layer<'_>,
    text: &EncodedText,
    known: Option<&Known>,
    mut found: Found<'_>,
    report: OnFound<'_>,
) {
    let (span, is_encoded) = text.place(&found.span);
    let is_encoded = is_encoded || text.encoding == CharEncoding::Rot13;
    let is_new = known.map_or(is_encoded, |known| !known.has(&span, found.text));
    if is_new && found.classified.confidence == Certain && layer.emit.contains(&span.start) {
        let encoded = layer.bytes.get(span.clone()).unwrap_or_default();
        found.decoded.splice(0..0, text.encoding.names(encoded).iter().copied());
        found.span = span;
        report(found);
    }
}
