//! Searches lines of base85, which no mark announces.

use std::ops::Range;

use super::{Finder, Found, Layer, OnFound};
use crate::detect::decode::base85::{self, Base85};
use crate::detect::decode::columns::Columns;
use crate::detect::decode::radix::may_hold_text;
use crate::rule::Checksum;

/// At every so many bytes lines of base85 are looked for, which have no mark: as many characters as a token takes cover a whole
/// [`SAMPLE`] wherever they start.
const BASE85_STRIDE: usize = base85::SHORTEST - SAMPLE + 1;

/// How many characters a group has.
const GROUP: usize = 5;

impl Finder {
    /// Searches the lines of base85 in `segment`.
    pub(super) fn search_base85_lines(
        &self,
        layer: &Layer<'_>,
        segment: Range<usize>,
        words: &mut Base85Words,
        report: OnFound<'_>,
    ) {
        for at in segment.step_by(BASE85_STRIDE) {
            for (alphabet, n) in words.alphabets_at(layer.bytes, at) {
                let floor = layer.marked_end.get().max(words.searched[n]);
                let has = |byte| alphabet.has(byte);
                if at < floor || !layer.bytes.get(at).copied().is_some_and(has) {
                    continue;
                }
                let Some(columns) = Columns::around(layer.bytes, at, floor, has) else { continue };
                if columns.text.len() >= base85::SHORTEST {
                    words.searched[n] = columns.end;
                    self.search_base85_columns(layer, alphabet, &columns, report);
                }
            }
        }
    }

    /// Searches lines of base85, as one text and in parts: what is below a line may be a word of something else.
    fn search_base85_columns(
        &self,
        layer: &Layer<'_>,
        alphabet: Base85,
        columns: &Columns,
        report: OnFound<'_>,
    ) {
        let mut is_found = false;
        self.search_base85_text(layer, alphabet, columns, &mut |found| {
            if is_end_certain(layer.bytes, alphabet, &found, (columns.end, columns.lines().len())) {
                is_found = true;
                report(found);
            }
        });
        if !is_found {
            for part in columns.parts().filter(|part| part.text.len() >= base85::SHORTEST) {
                self.search_base85_text(layer, alphabet, &part, &mut |found| {
                    if is_end_certain(layer.bytes, alphabet, &found, (part.end, part.lines().len())) {
                        report(found);
                    }
                });
            }
        }
    }

    /// Searches a text in base85, at each alignment.
    fn search_base85_text(
        &self,
        layer: &Layer<'_>,
        alphabet: Base85,
        columns: &Columns,
        report: OnFound<'_>,
    ) {
        for skipped in 0..5 {
            let Some(text) = columns.text.get(skipped..) else { return };
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

    /// Whether lines of base85 may be anywhere.
    pub(super) fn base85_may_match(bytes: &[u8]) -> bool {
        let mut words = Base85Words::default();
        (0..bytes.len()).step_by(BASE85_STRIDE).any(|at| words.alphabets_at(bytes, at).next().is_some())
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

/// The last word that was looked at, for there may be text in it that is encoded in base85.
#[derive(Default)]
pub(super) struct Base85Words {
    /// Where it ends, and the alphabets in which it may hold text.
    end: usize,
    may_hold_text: [bool; 3],
    /// Where the lines end that were searched, by alphabet.
    searched: [usize; 3],
}

impl Base85Words {
    /// The alphabets, and their numbers, in which there may be text in the word around `at`: one as long as a token takes, with a
    /// sign that base64 has not.
    fn alphabets_at(&mut self, bytes: &[u8], at: usize) -> impl Iterator<Item = (Base85, usize)> + use<> {
        if at >= self.end {
            self.may_hold_text = [false; 3];
            if is_graphic(bytes, at) {
                let is_graphic = |byte: &&u8| byte.is_ascii_graphic();
                let start = at - bytes[self.end..at].iter().rev().take_while(is_graphic).count();
                self.end = at + bytes[at..].iter().take_while(is_graphic).count();
                let word = &bytes[start..self.end];
                if word.len() >= base85::SHORTEST && !word.iter().all(|byte| is_base64(*byte)) {
                    self.may_hold_text = Base85::ALL.map(|alphabet| alphabet.may_hold_text(word));
                }
            }
        }
        let may_hold_text = self.may_hold_text;
        Base85::ALL.into_iter().zip(0..).filter(move |(_, n)| may_hold_text[*n])
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

/// Whether the last characters of a token are those of its last group: of a fine-grained one, no checksum covers them. That group is in one
/// piece, or the text ends with it, at `end`, and does not go on below; or it is one of so many lines that the last is no other word.
pub(super) fn is_end_certain(
    bytes: &[u8],
    alphabet: Base85,
    found: &Found<'_>,
    (end, lines): (usize, usize),
) -> bool {
    if found.rule.checksum != Checksum::Sha256Base32 || found.decoded.len() > 1 {
        return true;
    }
    let Some(start) = found.span.end.checked_sub(GROUP) else { return false };
    let group = bytes.get(start..).unwrap_or_default();
    let length = group.iter().take(GROUP).take_while(|byte| alphabet.has(**byte)).count();
    let below = group.get(length..).unwrap_or_default();
    let ends_line = below.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let goes_on = ends_line > 0 && below.get(ends_line).is_some_and(|byte| alphabet.has(*byte));
    length == GROUP || lines > 2 || start + length == end && !goes_on
}
