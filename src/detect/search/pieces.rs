//! Tokens in pieces, as lists of numbers, in dumps, and backwards.

use std::ops::Range;

use zeroize::Zeroizing;

use super::clue::Clue;
use super::{Finder, Found, Layer, OnFound};
use crate::detect::classify::classify_proven;
use crate::detect::decode::CharEncoding;
use crate::detect::pieces::{Characters, Codes, Dump, FIRST, Next, Walk, may_be_dump_line, next_in};
use crate::finding::Confidence::Certain;
use crate::rule::{Checksum, Rule};

/// How far in front of a part of a fine-grained token's prefix that is not cut its first letter is looked for, in bytes.
const MAX_BACK: usize = 96;

/// How many letters there are tried.
const MAX_FIRSTS: usize = 4;

/// The longest prefix.
const MAX_PREFIX: usize = 16;

/// The most bytes of a line in front of the bytes that are searched, if it belongs to a dump.
const MAX_DUMP_LINE: usize = 160;

/// A character that stands between the parts of a fine-grained token.
const FINE_GRAINED_UNDERSCORE: usize = 22;

/// How many characters must be within [`FIRST`] bytes: the shortest prefix, or a part of the longest one.
const START: usize = 4;

/// How many characters at the end of a fine-grained token no checksum covers.
const FINE_GRAINED_UNPROVEN: usize = 8;

/// The middle of a prefix that is looked for when its beginning is cut off.
const PREFIX_MIDDLE: &[u8] = b"b_pat_";

impl Finder {
    /// Looks for a token in pieces where a clue leads; returns where it ends.
    pub(super) fn follow_pieces(&self, layer: &Layer<'_>, clue: Clue, report: OnFound<'_>) -> Option<usize> {
        if layer.depth == 0 {
            return None;
        }
        match clue {
            // What a dump shows was found already.
            Clue::Encoded(CharEncoding::Hex | CharEncoding::SpacedHex, start) | Clue::Codes(start) => {
                if start < layer.dump_end.get() { None } else { self.codes_at(layer, start, report) }
            }
            Clue::Encoded(_, start) => self.pieces_at(layer, start, report),
            Clue::PrefixMiddle(at) => self.prefix_in_pieces(layer, at, report),
            Clue::Reversed(end) => self.reversed_at(layer, end, report),
            Clue::DumpLine(start) => {
                self.search_dump(layer, start, report);
                None
            }
            Clue::Plain(_) | Clue::Utf16(_) | Clue::Utf32(_) | Clue::FullWidthUtf16(_) => None,
        }
    }

    /// Whether a token in pieces may begin where a clue leads. Where the text ends before that is decided, it may.
    pub(super) fn may_start_in_pieces(&self, bytes: &[u8], clue: Clue) -> bool {
        let whole = |start: usize| bytes.len() - start.min(bytes.len()) > FIRST;
        let part = |start: usize| &bytes[..bytes.len().min(start + FIRST)];
        match clue {
            Clue::Encoded(CharEncoding::Hex | CharEncoding::SpacedHex, start) | Clue::Codes(start) => {
                let codes = Codes::at(part(start), start);
                codes.map_or(!whole(start), |mut codes| self.first_of(&mut codes, whole(start)).is_some())
            }
            Clue::Plain(start) | Clue::Encoded(_, start) => {
                let mut walk = Walk::new(part(start), start);
                self.first_of(&mut walk, whole(start)).is_some_and(|(first, length)| {
                    length < START
                        || self.may_go_on(&first, part(start).get(walk.end()..).unwrap_or_default())
                })
            }
            Clue::PrefixMiddle(at) => {
                let rest = &bytes[at..];
                PREFIX_MIDDLE.starts_with(&rest[..rest.len().min(PREFIX_MIDDLE.len())])
            }
            Clue::Reversed(_) => true,
            Clue::DumpLine(start) => may_be_dump_line(bytes, start),
            Clue::Utf16(_) | Clue::Utf32(_) | Clue::FullWidthUtf16(_) => false,
        }
    }

    /// The first characters, as far as they are there, and how many, if they are those of a prefix.
    fn first_of(&self, from: &mut dyn Characters, is_whole: bool) -> Option<([u8; START], usize)> {
        let (mut text, mut length) = ([0; START], 0);
        while let Some(slot) = text.get_mut(length) {
            let Some(byte) = from.next() else { break };
            *slot = byte;
            length += 1;
            if !self.may_become_prefix(&text[..length]) {
                return None;
            }
        }
        (length == START || !is_whole && length > 0).then_some((text, length))
    }

    /// Whether a prefix that begins so may go on in `rest`. What begins like a gap may be one, and where `rest` ends, anything
    /// may follow: `github` is in every other text, and nearly always a dot or a slash behind it.
    fn may_go_on(&self, first: &[u8; START], mut rest: &[u8]) -> bool {
        let (mut text, mut length) = ([0; MAX_PREFIX], START);
        text[..START].copy_from_slice(first);
        while self.rule_for(&text[..length]).is_none() {
            let (Some(slot), Next::Character(byte, behind)) = (text.get_mut(length), next_in(rest)) else {
                return next_in(rest) != Next::Nothing;
            };
            *slot = byte;
            (length, rest) = (length + 1, behind);
            if !self.may_become_prefix(&text[..length]) {
                return false;
            }
        }
        true
    }

    /// Looks for a token in pieces that begins at `start`; returns where it ends.
    pub(super) fn pieces_at(&self, layer: &Layer<'_>, start: usize, report: OnFound<'_>) -> Option<usize> {
        let mut walk = Walk::new(layer.bytes, start);
        loop {
            let read = self.read(&mut walk);
            let other = walk.other();
            if let Some((rule, text)) = read {
                let span = start..walk.end();
                let decoded = walk.names();
                // Plain ones are found without a walk.
                if !decoded.is_empty()
                    && decoded.len() <= layer.depth
                    && let Some(end) = proven(layer, rule, &text, (span, decoded), report)
                {
                    return Some(end);
                }
            }
            walk = other?;
        }
    }

    /// The same for a list of numbers.
    fn codes_at(&self, layer: &Layer<'_>, start: usize, report: OnFound<'_>) -> Option<usize> {
        let mut codes = Codes::at(layer.bytes, start)?;
        let (rule, text) = self.read(&mut codes)?;
        proven(layer, rule, &text, (codes.start()..codes.end(), vec![codes.name()]), report)
    }

    /// Looks for a token whose prefix, cut in front of `at`, goes on there.
    fn prefix_in_pieces(&self, layer: &Layer<'_>, at: usize, report: OnFound<'_>) -> Option<usize> {
        if !layer.bytes.get(at..)?.starts_with(PREFIX_MIDDLE) {
            return None;
        }
        let before = layer.bytes.get(at.saturating_sub(MAX_BACK)..at)?;
        let firsts = memchr::memrchr_iter(b'g', before).take(MAX_FIRSTS);
        let mut starts = firsts.map(|first| at - before.len() + first);
        starts.find_map(|start| self.pieces_at(layer, start, report))
    }

    /// Looks for a token that is written backwards and whose prefix ends, there, with the letter before `end`.
    fn reversed_at(&self, layer: &Layer<'_>, end: usize, report: OnFound<'_>) -> Option<usize> {
        self.rules.iter().find_map(|rule| {
            let start = end.checked_sub(rule.length)?;
            let backwards = layer.bytes.get(start..end)?;
            // The underscore that each prefix ends with.
            if backwards.len().checked_sub(rule.prefix.len()).and_then(|at| backwards.get(at)) != Some(&b'_')
            {
                return None;
            }
            let mut text = Zeroizing::new(Vec::with_capacity(rule.length));
            text.extend(backwards.iter().rev());
            proven(layer, rule, &text, (start..end, vec!["reversed"]), report)
        })
    }

    /// Searches what the dump shows whose line starts at `start`, unless that is in a part that was searched.
    fn search_dump(&self, layer: &Layer<'_>, start: usize, report: OnFound<'_>) {
        if start < layer.dump_end.get() {
            return;
        }
        let mut next = start;
        // Behind the first offsets, there is no needle.
        while next < layer.emit.end
            && let Some(end) = self.search_dump_part(layer, next, report)
        {
            next = end + 1;
        }
    }

    /// Searches the part of the dump whose line starts at `start`; returns where its last line ends.
    fn search_dump_part(&self, layer: &Layer<'_>, start: usize, report: OnFound<'_>) -> Option<usize> {
        let mut end = None;
        for dump in Dump::all_at(layer.bytes, start) {
            end = end.max(Some(dump.end()));
            let inner = Layer::inner(dump.text(), 0..dump.own(), layer.depth - 1, None);
            self.search(&inner, &mut |mut found| {
                let Range { start, end } = found.span;
                let places = dump.place(start).zip(end.checked_sub(1).and_then(|last| dump.place(last)));
                let Some((first, last)) = places else { return };
                // Anything else may be what a wrong format shows.
                if found.classified.confidence == Certain && layer.emit.contains(&first) {
                    found.span = first..(last + 1).max(first + 1);
                    found.decoded.insert(0, "hexdump");
                    report(found);
                }
            });
        }
        layer.dump_end.set(layer.dump_end.get().max(end?));
        end
    }

    /// Searches the dump whose line the first bytes to be searched are on, if they are on one.
    pub(super) fn search_first_dump(&self, layer: &Layer<'_>, report: OnFound<'_>) {
        let start = layer.emit.start;
        let Some(before) = layer.bytes.get(start.saturating_sub(MAX_DUMP_LINE)..start) else { return };
        let line = match memchr::memrchr(b'\n', before) {
            Some(end) => Some(start - before.len() + end + 1),
            None => (before.len() == start).then_some(0),
        };
        if let Some(line) = line
            && layer.depth > 0
            && layer.bytes.get(line).is_some_and(u8::is_ascii_hexdigit)
        {
            self.search_dump(layer, line, report);
        }
    }

    /// Reads a prefix and as many characters as its tokens have, one by one.
    fn read(&self, from: &mut dyn Characters) -> Option<(&Rule, Zeroizing<Vec<u8>>)> {
        let (mut prefix, mut length) = ([0; MAX_PREFIX], 0);
        let rule = loop {
            *prefix.get_mut(length)? = from.next()?;
            length += 1;
            if length == START && from.end() - from.start() > FIRST {
                return None;
            }
            let read = prefix.get(..length)?;
            if let Some(rule) = self.rule_for(read) {
                break rule;
            }
            if !self.may_become_prefix(read) {
                return None;
            }
        };
        // Reserved at once: a buffer that grows leaves copies of a secret behind.
        let mut text = Zeroizing::new(Vec::with_capacity(rule.length));
        text.extend_from_slice(rule.prefix.as_bytes());
        let proven = match rule.checksum {
            Checksum::Sha256Base32 => rule.length - FINE_GRAINED_UNPROVEN,
            Checksum::Crc32Base62 => rule.length,
        };
        let mut cuts = 0;
        while text.len() < rule.length {
            let byte = from.next()?;
            // What no checksum covers is the token's only where nothing stands before it, or every character is a piece.
            let is_piece = from.cuts() >= text.len();
            if text.len() < proven {
                cuts = from.cuts();
            } else if from.cuts() > cuts && !is_piece {
                return None;
            }
            let is_underscore_due = rule.checksum == Checksum::Sha256Base32
                && text.len() - rule.prefix.len() == FINE_GRAINED_UNDERSCORE;
            if (byte == b'_') != is_underscore_due {
                return None;
            }
            text.push(byte);
        }
        Some((rule, text))
    }
}

/// Reports a token if its checksum holds; returns where it ends.
fn proven(
    layer: &Layer<'_>,
    rule: &Rule,
    text: &[u8],
    (span, decoded): (Range<usize>, Vec<&'static str>),
    report: OnFound<'_>,
) -> Option<usize> {
    let classified = classify_proven(rule, text)?;
    let end = span.end;
    if layer.emit.contains(&span.start) {
        report(Found { rule, text, span, decoded, classified });
    }
    Some(end)
}
