//! Searches what was decoded as a whole: its text, what is encoded in that, and what is compressed in it.

use std::ops::Range;

use super::{Finder, Found, Layer, OnFound};
use crate::detect::decode::inflate::{Inflater, Wrapper};
use crate::finding::Confidence::Certain;

/// Bytes that were decoded from a part of a layer.
pub(super) struct Decoded<'d> {
    pub(super) bytes: &'d [u8],
    /// What reports call the encoding.
    pub(super) name: &'static str,
    /// The bytes of the layer that some of these are decoded from: where their word starts on its line, and where they start
    /// themselves, and where they end.
    pub(super) origin: &'d dyn Fn(Range<usize>) -> (usize, Range<usize>),
    /// Whether a token at these bytes, encoded so, is found in another way.
    pub(super) is_known: &'d dyn Fn(&Range<usize>, &[&'static str]) -> bool,
}

impl Finder {
    /// Reports the certain tokens in what was decoded. Anything else is a word that looks like one by chance.
    pub(super) fn search_decoded(&self, layer: &Layer<'_>, decoded: &Decoded<'_>, report: OnFound<'_>) {
        if layer.depth == 0 {
            return;
        }
        let located = |span: Range<usize>| {
            let (word, token) = (decoded.origin)(span);
            // As in base64, where the word starts, if that is not too far in front.
            let start = if token.start - word <= layer.lookback { word } else { token.start };
            layer.emit.contains(&start).then_some(start..token.end)
        };
        // What is stored in a stream is plain in it as well.
        let inflated = self.search_inflated(layer, decoded, &located, report);
        let emit = inflated..decoded.bytes.len();
        let inner = Layer::inner(decoded.bytes, emit, layer.depth - 1, Some(0));
        self.search(&inner, &mut |mut found: Found<'_>| {
            if found.classified.confidence != Certain || (decoded.is_known)(&found.span, &found.decoded) {
                return;
            }
            let Some(span) = located(found.span.clone()) else { return };
            found.span = span;
            found.decoded.insert(0, decoded.name);
            report(found);
        });
    }

    /// Searches the compressed stream that the bytes begin with, if they do; returns where it ends.
    fn search_inflated(
        &self,
        layer: &Layer<'_>,
        decoded: &Decoded<'_>,
        located: &dyn Fn(Range<usize>) -> Option<Range<usize>>,
        report: OnFound<'_>,
    ) -> usize {
        if layer.depth < 2 {
            return 0;
        }
        for wrapper in [Wrapper::Gzip, Wrapper::Zlib] {
            if !wrapper.may_begin(decoded.bytes) {
                continue;
            }
            let Some(inflated) = Inflater::default().inflate(wrapper, decoded.bytes) else { continue };
            let inner = Layer::inner(&inflated.text, 0..inflated.text.len(), layer.depth - 2, Some(0));
            self.search(&inner, &mut |mut found: Found<'_>| {
                if found.classified.confidence != Certain {
                    return;
                }
                let Some(span) = located(0..inflated.consumed) else { return };
                found.span = span;
                found.decoded.splice(0..0, [decoded.name, wrapper.name()]);
                report(found);
            });
            return inflated.consumed.min(decoded.bytes.len());
        }
        0
    }
}
