//! Searches what a mark says to be encoded as a whole: uuencode, base85.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::packed;

use super::decoded::Decoded;
use super::{Finder, Found, Layer, OnFound};
use crate::detect::classify::classify_proven;
use crate::detect::decode::base85::{self, Base85, Decoded85};
use crate::detect::decode::columns::Columns;
use crate::detect::decode::radix::may_hold_text;
use crate::detect::decode::uuencode::{self, Alphabet, Lines};
use crate::detect::needles::Mark;

/// How many lines of uuencode are read from the one on that a prefix is in.
const LINES_OF_A_TOKEN: usize = 4;

/// How many characters of base85 are read where a token starts with a group.
const MOST_OF_A_TOKEN: usize = 320;

/// At every so many bytes lines of base85 are looked for, which have no mark.
pub(super) const BASE85_STRIDE: usize = 2048;

/// How many characters in a row decide that there may be any.
const BASE85_BLOCK: usize = 48;

/// How many different signs there are among those at least.
const LEAST_SIGNS: usize = 1;

/// The longest line `begin 644 name`.
const MAX_HEADER: usize = 300;

/// How long a text is that is always searched for what is rare: a second pass over everything would cost a tenth.
const SMALL_TEXT: usize = 4096;

/// How many of the first bytes say whether a larger one is.
const HEAD: usize = 1024;

/// What mails, patches and uuencoded files begin with.
const HEADS: [&[u8]; 7] =
    [b"From ", b"diff --git ", b"MIME-Version:", b"Content-T", b"Subject:", b"begin ", b"GIT binary patch"];

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

    fn search_base85(
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
        let decoded = alphabet.decode(text, true);
        let Some(rule) = self.rule_for(&decoded.bytes) else { return };
        let Some(classified) = classify_proven(rule, &decoded.bytes) else { return };
        let Some(text) = decoded.bytes.get(..classified.len) else { return };
        let span = at..at + decoded.group_of(classified.len - 1) + 5;
        if layer.emit.contains(&at) {
            report(Found { rule, text, span, decoded: vec![alphabet.name()], classified });
        }
    }

    /// Searches lines of base85 that `at` is in, if it is in any. `ends` is where those end that were searched before.
    pub(super) fn search_base85_lines(
        &self,
        layer: &Layer<'_>,
        at: usize,
        ends: &mut [usize; 3],
        report: OnFound<'_>,
    ) {
        // Cheap, and true of hardly any text.
        let sample = layer.bytes.get(at..at + SAMPLE).unwrap_or_default();
        if !sample.iter().all(|byte| byte.is_ascii_graphic() || matches!(byte, b'\r' | b'\n')) {
            return;
        }
        for (alphabet, end) in Base85::ALL.into_iter().zip(ends) {
            let floor = layer.marked_end.get().max(*end);
            if at < floor {
                continue;
            }
            let Some(columns) = base85_lines(layer.bytes, alphabet, at, floor) else { continue };
            *end = columns.end;
            if !alphabet.may_hold_text(&columns.text) {
                continue;
            }
            for skipped in 0..5 {
                let Some(text) = columns.text.get(skipped..) else { break };
                let decoded = alphabet.decode(text, false);
                if !may_hold_text(&decoded.bytes) {
                    continue;
                }
                layer.marked_end.set(layer.marked_end.get().max(columns.end));
                let locate = |at: usize| {
                    let character = (skipped + at).min(columns.text.len() - 1);
                    (columns.line_start(character), columns.byte_of(character))
                };
                self.search_base85(layer, (alphabet, false), (&decoded, &locate), report);
            }
        }
    }

    /// Whether lines of base85 in which there is text may be anywhere.
    pub(super) fn base85_may_match(bytes: &[u8]) -> bool {
        let mut end = 0;
        // As many characters cover a whole block wherever they start.
        (0..bytes.len()).step_by(BASE85_BLOCK - SAMPLE + 1).any(|at| {
            if at < end || !is_graphic(bytes, at) {
                return false;
            }
            let is_graphic = |byte: &&u8| byte.is_ascii_graphic();
            let start = at - bytes[end..at].iter().rev().take_while(is_graphic).count();
            end = at + bytes[at..].iter().take_while(is_graphic).count();
            let word = &bytes[start..end];
            // Nearly no word is as long, or has as many signs.
            word.len() >= BASE85_BLOCK
                && word.iter().filter(|byte| !byte.is_ascii_alphanumeric()).count() >= LEAST_SIGNS
                && Base85::ALL.into_iter().any(|alphabet| alphabet.may_hold_text(word))
        })
    }
}

/// How many bytes are looked at before all are.
const SAMPLE: usize = 16;

/// Whether the first bytes from `at` on are no blanks, and ASCII. Without a branch for each: the compiler makes vector instructions
/// of it.
fn is_graphic(bytes: &[u8], at: usize) -> bool {
    let block: Option<&[u8; SAMPLE]> = bytes.get(at..).and_then(<[u8]>::first_chunk);
    block.is_some_and(|block| block.iter().fold(true, |all, byte| all & byte.is_ascii_graphic()))
}

/// Whether there may be base85 from `at` on.
fn base85_block(bytes: &[u8], alphabet: Base85, at: usize) -> bool {
    let Some(block) = bytes.get(at..at + BASE85_BLOCK) else { return false };
    if !block.iter().all(|byte| alphabet.has(*byte)) {
        return false;
    }
    let mut signs = [false; 128];
    for byte in block.iter().filter(|byte| !byte.is_ascii_alphanumeric()) {
        if let Some(sign) = signs.get_mut(usize::from(*byte)) {
            *sign = true;
        }
    }
    signs.iter().filter(|sign| **sign).count() >= LEAST_SIGNS
}

/// The lines of base85 that begin at `at` or are around it.
fn base85_lines(bytes: &[u8], alphabet: Base85, at: usize, floor: usize) -> Option<Columns> {
    let next = memchr::memchr(b'\n', bytes.get(at..bytes.len().min(at + 256))?).map(|end| at + end + 1);
    let start = [Some(at), next].into_iter().flatten().find(|start| base85_block(bytes, alphabet, *start))?;
    let columns = Columns::around(bytes, start, floor, |byte| alphabet.has(byte))?;
    (columns.text.len() >= base85::SHORTEST).then_some(columns)
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
