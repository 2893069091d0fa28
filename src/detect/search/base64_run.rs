//! Searches a long run of base64: decodes it around needles, and inflates what is compressed in it.

use std::ops::Range;

use super::{Finder, Found, Layer, OnFound};
use crate::detect::decode::base64::{self, Scratch};
use crate::detect::decode::inflate::{HEADER, Inflater, Wrapper};
use crate::detect::decode::line_wrapped::Unwrapped;
use crate::detect::needles::MAX_NEEDLE_OFFSET;
use crate::finding::Confidence::Lookalike;

/// How many characters of base64 in front of a needle are decoded as well: what precedes a token decides whether it starts a
/// word, and what byte order its text has.
const CONTEXT: usize = 1024;

/// How many characters of base64 are decoded at once, and then not again.
const CHUNK: usize = 8 * 1024;

/// How many are decoded behind those: as many as the longest token takes, in UTF-16.
const OVERLAP: usize = 12 * 1024;

/// How many are decoded at most where what they encode is one long run of base64 itself: a stream that is compressed in that is
/// inflated from its beginning. A Helm release in a secret is as long as etcd takes it, which is 1.5 MiB
/// (<https://etcd.io/docs/latest/dev-guide/limit/>), and once more by a third in base64.
const MAX_NESTED: usize = 4 * 1024 * 1024;

/// How many bytes at the end of what was decoded say that a run of base64 goes on behind it.
const NESTED_END: usize = 256;

/// How many characters of a compressed stream are decoded: as few as it takes, each time four times as many.
const INFLATED_AT_ONCE: [usize; 8] =
    [256, 1024, 4 * 1024, 16 * 1024, 64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024];

/// A run of base64 while it is searched.
struct Run<'r, 't> {
    unwrapped: &'r Unwrapped<'t>,
    layer: &'r Layer<'t>,
    /// The byte before which tokens are reported already.
    start: usize,
    /// For each alignment, the character before which everything is decoded.
    decoded_to: [usize; 4],
    inflater: Inflater,
    /// What was decoded last.
    decoded: Scratch,
}

impl Run<'_, '_> {
    /// Reports a token in the characters `found.span`, which was decoded from the group of four that starts at `group`. Its location is where its word starts on its line, or where it starts
    /// itself if that is further back than [`Layer::lookback`]. Lookalikes are not reported.
    fn report(&self, mut found: Found<'_>, group: usize, report: OnFound<'_>) {
        if self.unwrapped.is_repeated(&found.span, group) {
            return;
        }
        let Range { start, end } = found.span;
        let token = self.unwrapped.byte_of(start);
        let word = self.unwrapped.line_start(start);
        let start = if token - word <= self.layer.lookback { word } else { token };
        let reported_here =
            token >= self.start && token < self.unwrapped.end && self.layer.emit.contains(&start);
        if reported_here && found.classified.confidence > Lookalike {
            // UTF-7 is UTF-16 in base64 behind a plus, IMAP's form of it behind an ampersand.
            let bytes = self.layer.bytes;
            let is_shifted = bytes.get(start) == Some(&b'+')
                || start.checked_sub(1).and_then(|before| bytes.get(before)) == Some(&b'&');
            if is_shifted && found.decoded.starts_with(&["base64", "utf-16be"]) {
                found.decoded.splice(0..2, ["utf-7"]);
            }
            found.span = start..self.unwrapped.byte_of(end.saturating_sub(1)) + 1;
            report(found);
        }
    }
}

/// The characters that a compressed stream's header takes, if there are as many.
pub(super) fn header_characters(text: &[u8]) -> Option<&[u8]> {
    text.get(..HEADER.div_ceil(3) * 4)
}

impl Finder {
    /// Searches the run of base64 around `candidate`, unless that is in front of `searched`, the end of the last one.
    pub(super) fn search_base64_run(
        &self,
        layer: &Layer<'_>,
        candidate: usize,
        searched: &mut usize,
        report: OnFound<'_>,
    ) {
        if candidate < *searched {
            return;
        }
        let Some(unwrapped) = Unwrapped::around(layer.bytes, candidate, *searched) else { return };
        let start = (*searched).max(layer.emit.start);
        *searched = unwrapped.end;
        let floor = layer.margins_end.get();
        if candidate >= floor
            && let Some(lines) = unwrapped.behind_margins(layer.bytes, candidate, floor)
        {
            layer.margins_end.set(lines.end);
            self.search_unwrapped(layer, &lines, layer.emit.start, report);
        }
        for reading in unwrapped.readings(layer.bytes) {
            self.search_unwrapped(layer, &reading, start, report);
        }
    }

    /// Searches one reading of a run, of which what is before `start` is reported already.
    fn search_unwrapped(
        &self,
        layer: &Layer<'_>,
        unwrapped: &Unwrapped<'_>,
        start: usize,
        report: OnFound<'_>,
    ) {
        if !base64::may_hold_token(&unwrapped.text) {
            return;
        }
        let (inflater, decoded) = (Inflater::default(), Scratch::default());
        let mut run = Run { unwrapped, layer, start, decoded_to: [0; 4], inflater, decoded };
        let first = unwrapped.character_from(run.start);
        let last = unwrapped.character_from(layer.emit.end + layer.lookback + MAX_NEEDLE_OFFSET);
        let mut nested = (layer.depth > 1).then(|| base64::nested(&unwrapped.text, first..last).peekable());
        let (mut inflated_to, mut at) = (0, first);
        loop {
            let next = self
                .base64_needles()
                .next(&unwrapped.text, at, layer.depth)
                .filter(|(_, found)| *found < last);
            // In ascending order, so that one index for each alignment describes what is decoded.
            let until = next.map_or(last, |(_, found)| found);
            while let Some(group) = nested.as_mut().and_then(|nested| nested.next_if(|group| *group < until))
            {
                self.decode_around(&mut run, group, report);
            }
            let Some((needle, found)) = next else { break };
            at = found + 1;
            match needle {
                base64::NeedleKind::Prefix(skip) => {
                    if let Some(group) = found.checked_sub(skip) {
                        self.decode_around(&mut run, group, report);
                    }
                }
                base64::NeedleKind::Compressed(wrapper) if found >= inflated_to => {
                    inflated_to = self.inflate_at(&mut run, wrapper, found, report);
                }
                base64::NeedleKind::Compressed(_) => {}
            }
        }
        if layer.depth > 1 {
            let mut inflated_to = first;
            for start in base64::zlib_starts(&unwrapped.text).take_while(|start| *start < last) {
                if start >= inflated_to {
                    inflated_to = self.inflate_at(&mut run, Wrapper::Zlib, start, report);
                }
            }
        }
    }

    /// Decodes around a group of four characters and searches that, unless it is decoded in the same alignment already.
    fn decode_around(&self, run: &mut Run<'_, '_>, group: usize, report: OnFound<'_>) {
        let text = &*run.unwrapped.text;
        let decoded_to = &mut run.decoded_to[group % 4];
        if group < *decoded_to {
            return;
        }
        let start = group - (group / 4 * 4).min(CONTEXT);
        let from = start.max(*decoded_to);
        let mut end = text.len().min(group + CHUNK + OVERLAP);
        // Taken out, because the run itself is asked what to report.
        let mut scratch = std::mem::take(&mut run.decoded);
        base64::decode(&text[start..end], &mut scratch);
        while run.layer.depth > 1
            && end < text.len()
            && end - start < MAX_NESTED
            && base64::ends_nested(scratch.bytes(), NESTED_END)
        {
            end = text.len().min(end + 3 * (end - start));
            base64::decode(&text[start..end], &mut scratch);
        }
        let decoded = scratch.bytes();
        let whole = end == text.len();
        let next = if whole { text.len() } else { end - OVERLAP };
        *decoded_to = if whole { usize::MAX } else { next };
        let until = if whole { decoded.len() } else { (next - start) / 4 * 3 };
        let emit = (from - start) / 4 * 3..until;
        let starts_text = run.unwrapped.starts_text(run.layer.bytes, run.layer.emit.start == 0);
        let offset = starts_text.then_some(start / 4 * 3);
        let inner = Layer::inner(decoded, emit, run.layer.depth - 1, offset);
        self.search(&inner, &mut |mut found| {
            let Range { start: first, end: last } = found.span;
            found.span = start + first * 4 / 3..start + (last * 4).div_ceil(3);
            found.decoded.insert(0, "base64");
            run.report(found, start + first / 3 * 4, report);
        });
        run.decoded = scratch;
    }

    /// Inflates what the base64 from `found` on contains and searches that; returns the first character behind it.
    fn inflate_at(
        &self,
        run: &mut Run<'_, '_>,
        wrapper: Wrapper,
        found: usize,
        report: OnFound<'_>,
    ) -> usize {
        let text = &run.unwrapped.text[found..];
        let mut end = found;
        base64::decode(header_characters(text).unwrap_or(text), &mut run.decoded);
        if !wrapper.may_begin(run.decoded.bytes()) {
            return end;
        }
        for limit in INFLATED_AT_ONCE {
            base64::decode(&text[..text.len().min(limit)], &mut run.decoded);
            let compressed = run.decoded.bytes();
            let Some(inflated) = run.inflater.inflate(wrapper, compressed) else { return end };
            end = found + inflated.consumed * 4 / 3;
            let last = text.len() <= limit || limit == INFLATED_AT_ONCE[INFLATED_AT_ONCE.len() - 1];
            if inflated.consumed < compressed.len() || last {
                let emit = 0..inflated.text.len();
                let inner = Layer::inner(&inflated.text, emit, run.layer.depth - 2, Some(0));
                self.search(&inner, &mut |mut token| {
                    token.span = found..end.min(found + text.len());
                    token.decoded.splice(0..0, ["base64", wrapper.name()]);
                    run.report(token, found, report);
                });
                break;
            }
        }
        end
    }
}
