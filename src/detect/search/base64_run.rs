//! Base64: what to decode of a long run, and to inflate.

use std::ops::Range;

use super::{Finder, Found, Level, Report};
use crate::detect::decode::base64;
use crate::detect::decode::inflate::{Inflater, Wrapper};
use crate::detect::decode::line_wrapped::Joined;
use crate::detect::needles::LATE;
use crate::finding::Confidence::Lookalike;

/// How many characters of base64 in front of a token are decoded as well: what stands before it tells whether it
/// stands on its own, and what byte order its text has.
const CONTEXT: usize = 1024;

/// How many characters of base64 are decoded at once, and then not again.
const CHUNK: usize = 8 * 1024;

/// How many are decoded behind those: as many as the longest token takes, in UTF-16.
const TAIL: usize = 12 * 1024;

/// A base64 text being looked through.
struct Run<'r, 't> {
    joined: &'r Joined<'t>,
    level: &'r Level<'t>,
    /// The byte before which tokens were reported already.
    from: usize,
    /// In each alignment, the character before which all was decoded.
    covered: [usize; 4],
    inflater: Inflater,
}

impl Run<'_, '_> {
    /// Reports a token that takes the characters `found.span`, placed where its word starts on its line: or where it
    /// starts itself, if the word is longer than windows overlap. Placeholders stay unsaid.
    fn report(&self, mut found: Found<'_>, report: Report<'_>) {
        let Range { start, end } = found.span;
        let token = self.joined.byte(start);
        let word = self.joined.word(start);
        let start = if token - word <= self.level.lookback { word } else { token };
        let ours = token >= self.from && token < self.joined.end && self.level.emit.contains(&start);
        if ours && found.classified.confidence > Lookalike {
            found.span = start..self.joined.byte(end.saturating_sub(1)) + 1;
            report(found);
        }
    }
}

impl Finder {
    /// The base64 text around `spot`, unless it was `looked` at.
    pub(super) fn run(&self, level: &Level<'_>, spot: usize, looked: &mut usize, report: Report<'_>) {
        if spot < *looked {
            return;
        }
        let Some(joined) = Joined::around(level.bytes, spot, *looked) else { return };
        if !base64::may_hold(&joined.text) {
            *looked = joined.end;
            return;
        }
        let mut run = Run {
            joined: &joined,
            level,
            from: (*looked).max(level.emit.start),
            covered: [0; 4],
            inflater: Inflater::default(),
        };
        *looked = joined.end;
        let first = joined.character(run.from);
        let last = joined.character(level.emit.end + level.lookback + LATE);
        let mut nested = (level.depth > 1).then(|| base64::nested(&joined.text, first..last).peekable());
        let (mut unpacked, mut at) = (0, first);
        loop {
            let next = self.forms.next(&joined.text, at, level.depth).filter(|(_, found)| *found < last);
            // In the order of their places, so that what was decoded is one stretch in each alignment.
            let until = next.map_or(last, |(_, found)| found);
            while let Some(group) = nested.as_mut().and_then(|nested| nested.next_if(|group| *group < until))
            {
                self.decode(&mut run, group, report);
            }
            let Some((clue, found)) = next else { break };
            at = found + 1;
            match clue {
                base64::Clue::Prefix(skip) => {
                    if let Some(group) = found.checked_sub(skip) {
                        self.decode(&mut run, group, report);
                    }
                }
                base64::Clue::Packed(wrapper) if found >= unpacked => {
                    unpacked = self.unpack(&mut run, wrapper, found, report);
                }
                base64::Clue::Packed(_) => {}
            }
        }
        if level.depth > 1 {
            let mut behind = first;
            for start in joined.zlib_starts().take_while(|start| *start < last) {
                if start >= behind {
                    behind = self.unpack(&mut run, Wrapper::Zlib, start, report);
                }
            }
        }
    }

    /// Decodes around a group of four characters, unless that part was decoded in the same alignment.
    fn decode(&self, run: &mut Run<'_, '_>, group: usize, report: Report<'_>) {
        let text = &*run.joined.text;
        let covered = &mut run.covered[group % 4];
        if group < *covered {
            return;
        }
        let start = group - (group / 4 * 4).min(CONTEXT);
        let from = start.max(*covered);
        let end = text.len().min(group + CHUNK + TAIL);
        let decoded = base64::decode(&text[start..end]);
        let whole = end == text.len();
        *covered = if whole { usize::MAX } else { group + CHUNK };
        let until = if whole { decoded.len() } else { (group + CHUNK - start) / 4 * 3 };
        let emit = (from - start) / 4 * 3..until;
        let begins = run.joined.begins(run.level.bytes, run.level.emit.start == 0);
        let offset = begins.then_some(start / 4 * 3);
        let inside = Level::inner(&decoded, emit, run.level.depth - 1, offset);
        self.look(&inside, &mut |mut found| {
            let Range { start: first, end: behind } = found.span;
            found.span = start + first * 4 / 3..start + (behind * 4).div_ceil(3);
            found.chain.insert(0, "base64");
            run.report(found, report);
        });
    }

    /// Inflates what the base64 from `found` on holds; returns the first character behind it.
    fn unpack(&self, run: &mut Run<'_, '_>, wrapper: Wrapper, found: usize, report: Report<'_>) -> usize {
        let text = &run.joined.text[found..];
        let mut behind = found;
        // Most of what looks like a header is none: a little tells.
        for most in [256, 16 * 1024, 512 * 1024] {
            let packed = base64::decode(&text[..text.len().min(most)]);
            let Some(inflated) = run.inflater.inflate(wrapper, &packed) else { return behind };
            behind = found + inflated.taken * 4 / 3;
            if inflated.taken < packed.len() || text.len() <= most || most == 512 * 1024 {
                let emit = 0..inflated.text.len();
                let inside = Level::inner(&inflated.text, emit, run.level.depth - 2, Some(0));
                self.look(&inside, &mut |mut inner| {
                    inner.span = found..behind.min(found + text.len());
                    inner.chain.splice(0..0, ["base64", wrapper.name()]);
                    run.report(inner, report);
                });
                break;
            }
        }
        behind
    }
}
