//! Searches what a mark says to be encoded as a whole: uuencode, base85.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::packed;

use super::base85_lines::is_end_certain;
use super::decoded::Decoded;
use super::{Finder, Found, Layer, OnFound};
use crate::detect::classify::classify_proven;
use crate::detect::decode::base85::{self, Base85, Decoded85};
use crate::detect::decode::radix::may_hold_text;
use crate::detect::decode::uuencode::{self, Alphabet, Lines};
use crate::detect::needles::Mark;

/// How many lines of uuencode are read from the one on that a prefix is in.
const LINES_OF_A_TOKEN: usize = 4;

/// How many characters of base85 are read where a token starts with a group.
const MOST_OF_A_TOKEN: usize = 320;

/// The longest line `begin 644 name`.
const MAX_HEADER: usize = 300;

/// How long a text is that is always searched for what is rare: a second pass over everything would cost a tenth.
pub(super) const SMALL_TEXT: usize = 4096;

/// How many of the first bytes say whether a larger one is.
const HEAD: usize = 1024;

/// What mails, patches and uuencoded files begin with; and databases of SQLite, whose values are small texts.
const HEADS: [&[u8]; 8] = [
    b"From ",
    b"diff --git ",
    b"MIME-Version:",
    b"Content-T",
    b"Subject:",
    b"begin ",
    b"GIT binary patch",
    b"SQLite format 3\0",
];

/// All of them at once, on machines with the instructions for that.
static HEADS_AT_ONCE: LazyLock<Option<packed::Searcher>> = LazyLock::new(|| packed::Searcher::new(HEADS));

/// Whether the needles of the second pass are looked for in a text.
pub(super) fn may_hold_rare(bytes: &[u8]) -> bool {
    bytes.len() <= SMALL_TEXT || {
        let head = bytes.get(..HEAD).unwrap_or(bytes);
        match &*HEADS_AT_ONCE {
            Some(heads) => heads.find_iter(head).any(|found| starts_line(head, found.start())),
            None => HEADS
                .iter()
                .any(|text| memchr::memmem::find_iter(head, text).any(|start| starts_line(head, start))),
        }
    }
}

fn starts_line(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(1).is_none_or(|before| bytes[before] == b'\n')
}

impl Finder {
    /// Searches what is encoded behind the mark at `at`, or around it.
    pub(super) fn search_marked(&self, layer: &Layer<'_>, mark: Mark, at: usize, report: OnFound<'_>) {
        if at < layer.marked_end.get() {
            return;
        }
        match mark {
            Mark::Begin => {
                let Some((alphabet, start, lines)) = encoded_file(layer.bytes, at) else { return };
                layer.marked_end.set(start + lines.end);
                self.search_lines(layer, alphabet, (start, &lines), report);
            }
            Mark::UuencodedPrefix => {
                let Some((start, lines)) = line_with_prefix(layer.bytes, at) else { return };
                layer.marked_end.set(start + lines.end);
                self.search_lines(layer, Alphabet::Uu, (start, &lines), report);
            }
            Mark::Ascii85 => self.search_ascii85(layer, at + 3, report),
            Mark::Patch => {
                let Some(line_end) = header_end(layer.bytes, at + 1) else { return };
                let text = layer.bytes.get(line_end..).unwrap_or_default();
                let decoded = base85::decode_patch(text);
                layer.marked_end.set(line_end + decoded.end);
                self.search_base85(
                    layer,
                    (Base85::Rfc1924, true),
                    (&decoded, &|at| (line_end + at, line_end + at)),
                    report,
                );
            }
            Mark::Base85Prefix(alphabet) => self.base85_token_at(layer, alphabet, at, report),
        }
    }

    /// Searches the ASCII85 that starts at `start`.
    fn search_ascii85(&self, layer: &Layer<'_>, start: usize, report: OnFound<'_>) {
        let text = layer.bytes.get(start..).unwrap_or_default();
        let decoded = Base85::Ascii85.decode(text, true);
        layer.marked_end.set(start + decoded.end);
        self.search_base85(
            layer,
            (Base85::Ascii85, true),
            (&decoded, &|at| (start + at, start + at)),
            report,
        );
    }

    /// Searches the ASCII85 that a text begins with, whose mark has nothing in front of it.
    pub(super) fn search_ascii85_at_start(&self, layer: &Layer<'_>, report: OnFound<'_>) {
        if layer.depth > 0 && layer.emit.start == 0 && layer.bytes.starts_with(b"<~") {
            self.search_ascii85(layer, 2, report);
        }
    }

    /// Whether something is encoded behind the mark, or around it.
    pub(super) fn mark_may_match(bytes: &[u8], mark: Mark, at: usize) -> bool {
        match mark {
            // The header may be far in front of what changes.
            Mark::Begin => is_header(bytes, at).is_some(),
            Mark::UuencodedPrefix => line_with_prefix(bytes, at).is_some() || bytes.len() - at < MAX_HEADER,
            Mark::Ascii85 | Mark::Patch | Mark::Base85Prefix(_) => true,
        }
    }

    fn search_lines(
        &self,
        layer: &Layer<'_>,
        alphabet: Alphabet,
        (start, lines): (usize, &Lines),
        report: OnFound<'_>,
    ) {
        let origin = |span: Range<usize>| {
            let (line, first) = lines.origin_of(span.start);
            let (_, last) = lines.origin_of(span.end.saturating_sub(1));
            (start + line, start + first..start + last + 4)
        };
        let name = alphabet.name();
        self.search_decoded(
            layer,
            &Decoded { bytes: &lines.bytes, name, origin: &origin, is_known: &|_, _| false },
            report,
        );
    }

    pub(super) fn search_base85(
        &self,
        layer: &Layer<'_>,
        (alphabet, is_marked): (Base85, bool),
        (decoded, locate): (&Decoded85, &dyn Fn(usize) -> (usize, usize)),
        report: OnFound<'_>,
    ) {
        if !may_hold_text(&decoded.bytes) {
            return;
        }
        let origin = |span: Range<usize>| {
            let (word, first) = locate(decoded.group_of(span.start));
            let (_, last) = locate(decoded.group_of(span.end.saturating_sub(1)));
            (word, first..last + 5)
        };
        let name = alphabet.name();
        // Where the groups of a text without a mark begin with a prefix, that has a needle.
        let is_known = |span: &Range<usize>, names: &[&'static str]| {
            let group = decoded.group_of(span.start);
            let text = decoded.bytes.get(span.start..).unwrap_or_default();
            // As long as the needle is.
            let last = if text.starts_with(b"gi") { 9 } else { 4 };
            !is_marked
                && names.is_empty()
                && span.start.is_multiple_of(4)
                && locate(group).1 + last == locate(group + last).1
        };
        let decoded = Decoded { bytes: &decoded.bytes, name, origin: &origin, is_known: &is_known };
        self.search_decoded(layer, &decoded, report);
    }

    /// Looks for a token that starts with a group of base85 at `at`.
    fn base85_token_at(&self, layer: &Layer<'_>, alphabet: Base85, at: usize, report: OnFound<'_>) {
        let text = layer.bytes.get(at..layer.bytes.len().min(at + MOST_OF_A_TOKEN)).unwrap_or_default();
        // A last group of fewer characters may end with the line.
        for spaced in [false, true] {
            let decoded = alphabet.decode(text, spaced);
            let Some(rule) = self.rule_for(&decoded.bytes) else { return };
            let Some(classified) = classify_proven(rule, &decoded.bytes) else { continue };
            let Some(text) = decoded.bytes.get(..classified.len) else { return };
            let last = decoded.group_of(classified.len - 1);
            let span = at..at + last + 5;
            let found = Found { rule, text, span, decoded: vec![alphabet.name()], classified };
            let lines = 1 + layer.bytes[at..].iter().take(last + 5).filter(|byte| **byte == b'\n').count();
            if !is_end_certain(layer.bytes, alphabet, &found, (at + decoded.end, lines)) {
                continue;
            }
            if layer.emit.contains(&at) {
                report(found);
            }
            return;
        }
    }
}

/// Where the first line starts behind the header of a uuencoded file, if `at` is in one: `begin 644 name`.
fn is_header(bytes: &[u8], at: usize) -> Option<usize> {
    let start = at.checked_sub(4)?;
    let header = bytes.get(start..)?;
    let mode = header.strip_prefix(b"begin ")?;
    let digits = mode.iter().take(7).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    if digits < 3 || mode.get(digits) != Some(&b' ') {
        return None;
    }
    header_end(bytes, start)
}

/// Where the line behind the one at `start` starts.
fn header_end(bytes: &[u8], start: usize) -> Option<usize> {
    let header = bytes.get(start..bytes.len().min(start + MAX_HEADER))?;
    Some(start + memchr::memchr(b'\n', header)? + 1)
}

/// The file that is encoded behind the header that `at` is in, and where its first line starts.
fn encoded_file(bytes: &[u8], at: usize) -> Option<(Alphabet, usize, Lines)> {
    let start = is_header(bytes, at)?;
    let text = bytes.get(start..)?;
    let files = [Alphabet::Uu, Alphabet::Xx]
        .into_iter()
        .map(|alphabet| (alphabet, uuencode::decode(alphabet, text, usize::MAX)));
    let (alphabet, lines) = files.max_by_key(|(_, lines)| lines.bytes.len())?;
    Some((alphabet, start, lines))
}

/// The line of uuencode that `at` is on, and those behind it.
fn line_with_prefix(bytes: &[u8], at: usize) -> Option<(usize, Lines)> {
    let start = uuencode::line_start(bytes, at)?;
    let lines = uuencode::decode(Alphabet::Uu, bytes.get(start..)?, LINES_OF_A_TOKEN);
    (lines.end > at - start).then_some((start, lines))
}
