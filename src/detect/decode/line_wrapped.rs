//! Base64 that is wrapped into lines, unwrapped: with LF or CRLF, indented (YAML), quoted (`"…" +`), commented out, or with
//! escaped line ends (`\n` in JSON).

use std::borrow::Cow;
use std::ops::Range;

use super::alphabet::{SHORTEST_RUN, is_character};
use super::columns::{Columns, next_start};
use super::line_break::{MAX_LINE_BREAK, is_sign, line_break, next_line, previous_line_end};
use super::short_lines::{MAX_SHORT, MAX_SIGNS, may_go_on, short_text_may_hold_token};
use super::simd::{base64_characters, leading_base64, trailing, wipe};

/// How many bytes in front of a candidate the first line of its text is looked for.
const MAX_LOOKBACK: usize = 4096;

/// How many characters are unwrapped at once; a longer text is taken in parts.
const MAX_PART: usize = 2 * 1024 * 1024;

/// How many characters at the end of a part are reported with the next one: more than any encoded token takes.
const PART_OVERLAP: usize = 24 * 1024;

/// Base64 text without its line ends.
pub(in crate::detect) struct Unwrapped<'a> {
    /// The characters.
    pub(in crate::detect) text: Cow<'a, [u8]>,
    /// The byte where the first line starts.
    start: usize,
    /// Where each of the others starts: the index of its first character in `text`, and that of its first byte.
    lines: Vec<(usize, usize)>,
    /// The byte at which the next part takes over.
    pub(in crate::detect) end: usize,
    /// Where the text is read as it is, too: the characters in front of which a sign was left out. What has none of them inside
    /// is found by the other reading.
    left_out: Option<Vec<usize>>,
    /// Whether it is the margins of the lines that were left out.
    has_margins: bool,
}

impl<'a> Unwrapped<'a> {
    /// The text around `candidate`, if it is long enough to contain a token. What ends before `floor` was searched before.
    pub(in crate::detect) fn around(bytes: &'a [u8], candidate: usize, floor: usize) -> Option<Self> {
        let inside = bytes[candidate..].iter().take(MAX_LINE_BREAK).position(|byte| is_character(*byte))?;
        let (start, end) = (run_start(bytes, candidate + inside), run_end(bytes, candidate + inside));
        let first = first_line(bytes, start, floor.saturating_sub(MAX_LINE_BREAK));
        let end = if first == start { end } else { run_end(bytes, first) };
        let start = first;
        if next_line(bytes, end).is_some() {
            return Unwrapped::lines(bytes, start, candidate);
        }
        let text = Cow::Borrowed(&bytes[start..end]);
        (text.len() >= SHORTEST_RUN).then_some(Unwrapped {
            text,
            start,
            lines: Vec::new(),
            end,
            left_out: None,
            has_margins: false,
        })
    }

    /// The text of several lines, copied.
    fn lines(bytes: &'a [u8], start: usize, candidate: usize) -> Option<Self> {
        let lines = lines(bytes, start, candidate);
        let length: usize = lines.iter().map(ExactSizeIterator::len).sum();
        if length < SHORTEST_RUN {
            return None;
        }
        let end = lines.last().map_or(candidate, |line| line.end);
        if length <= MAX_SHORT && !short_text_may_hold_token(bytes, &lines, length) {
            let text = Cow::Borrowed(&[][..]);
            return Some(Unwrapped {
                text,
                start,
                lines: Vec::new(),
                end,
                left_out: None,
                has_margins: false,
            });
        }
        let mut text = Vec::with_capacity(length);
        let mut starts = Vec::with_capacity(lines.len());
        for line in lines {
            starts.push((text.len(), line.start));
            text.extend_from_slice(&bytes[line]);
        }
        starts.remove(0);
        let mut unwrapped = Unwrapped {
            text: Cow::Owned(text),
            start,
            lines: starts,
            end,
            left_out: None,
            has_margins: false,
        };
        if length >= MAX_PART {
            let cut = unwrapped.line_start(length - PART_OVERLAP);
            unwrapped.end = if cut > candidate { cut } else { end };
        }
        Some(unwrapped)
    }

    /// The lines of one length around `candidate` that have another margin in front of them than these have; only what goes on from
    /// one line to the next is to be found in it. Each line is a text of its own as well.
    pub(in crate::detect) fn behind_margins(
        &self,
        bytes: &[u8],
        candidate: usize,
        floor: usize,
    ) -> Option<Unwrapped<'static>> {
        // Most of what looks like a line of base64 is a short name.
        let (before, after) = bytes.split_at_checked(candidate)?;
        let line = candidate - trailing(before, base64_characters)..candidate + leading_base64(after);
        if line.len() < SHORTEST_RUN || !may_go_on(bytes.get(line)?) {
            return None;
        }
        let next = next_start(bytes, candidate, is_character)?;
        if self.lines.binary_search_by_key(&next, |(_, start)| *start).is_ok() {
            return None;
        }
        let columns = Columns::around(bytes, candidate, floor, is_character)?;
        let (first, others) = columns.lines().split_first()?;
        let left_out = Some(others.iter().map(|(character, _)| *character).collect());
        let text = Cow::Owned(columns.text.to_vec());
        Some(Unwrapped {
            text,
            start: first.1,
            lines: others.to_vec(),
            end: columns.end,
            left_out,
            has_margins: true,
        })
    }

    /// The ways to read the text: as it is, and without what its lines begin with where that is base64 itself, as the `+` and `-`
    /// of a diff and the `//` and `--` of code that was commented out. Where most lines begin so, it is the latter.
    pub(in crate::detect) fn readings(self, bytes: &[u8]) -> impl Iterator<Item = Unwrapped<'a>> {
        let signs = self.common_signs();
        let marked = if signs.is_empty() { 0 } else { self.marked(signs) };
        // One line of 64 begins with a certain character by chance.
        let most = if marked * 8 < self.lines.len() { 0 } else { signs.len() };
        let sure = most > 0 && marked >= 3 && marked * 2 >= self.lines.len();
        let without: Vec<_> = (1..=most).map(|count| self.without_signs(bytes, count, !sure)).collect();
        let as_it_is = (!sure).then_some(self);
        as_it_is.into_iter().chain(without)
    }

    /// How many lines begin with those signs.
    fn marked(&self, signs: &[u8]) -> usize {
        self.lines.iter().filter(|(first, _)| self.text[*first..].starts_with(signs)).count()
    }

    /// The signs that two lines begin with, one behind the other; or the second one, where there are no more.
    fn common_signs(&self) -> &[u8] {
        let signs = |(first, _): &(usize, usize)| {
            let line = &self.text[*first..];
            &line[..line.iter().take(MAX_SIGNS).take_while(|byte| is_sign(**byte)).count()]
        };
        let in_common = |pair: &[(usize, usize)]| {
            let (one, other) = (signs(&pair[0]), signs(&pair[1]));
            &one[..one.iter().zip(other).take_while(|(byte, other)| byte == other).count()]
        };
        let pairs = self.lines.windows(2).map(in_common);
        pairs
            .clone()
            .find(|signs| !signs.is_empty())
            .or_else(|| self.lines.first().map(signs))
            .unwrap_or_default()
    }

    /// The same text without the first `count` of those signs on each line that begins with them.
    fn without_signs(&self, bytes: &[u8], count: usize, is_other: bool) -> Unwrapped<'static> {
        let signs = &self.common_signs()[..count];
        let at_line_start = self.start == 0 || bytes.get(self.start - 1) == Some(&b'\n');
        let (mut text, mut lines) = (Vec::with_capacity(self.text.len()), Vec::new());
        let mut left_out = is_other.then(Vec::new);
        let ends = self.lines.iter().map(|(first, _)| *first).chain([self.text.len()]);
        for (n, ((first, start), end)) in [(0, self.start)].iter().chain(&self.lines).zip(ends).enumerate() {
            let line = &self.text[*first..end];
            let marked = line.starts_with(signs) && (n > 0 || at_line_start);
            let skip = if marked { count } else { 0 };
            if let Some(left_out) = left_out.as_mut().filter(|_| marked) {
                left_out.push(text.len());
            }
            lines.push((text.len(), start + skip));
            text.extend_from_slice(&line[skip..]);
        }
        let (_, start) = lines.remove(0);
        Unwrapped { text: Cow::Owned(text), start, lines, end: self.end, left_out, has_margins: false }
    }

    /// The text without any signs that its lines begin with. What marks a token or a header in base64 has no signs in it, so
    /// whatever of that is in one of the readings is in here.
    pub(in crate::detect) fn without_leading_signs(self) -> Self {
        let signs = |first: usize| {
            self.text[first..].iter().take(MAX_SIGNS).take_while(|byte| is_sign(**byte)).count()
        };
        if self.lines.iter().all(|(first, _)| signs(*first) == 0) {
            return self;
        }
        let (mut text, mut kept) = (Vec::with_capacity(self.text.len()), 0);
        for (first, _) in &self.lines {
            text.extend_from_slice(&self.text[kept.min(*first)..*first]);
            kept = first + signs(*first);
        }
        text.extend_from_slice(&self.text[kept..]);
        Unwrapped {
            text: Cow::Owned(text),
            start: self.start,
            lines: Vec::new(),
            end: self.end,
            left_out: None,
            has_margins: false,
        }
    }

    /// Whether another reading finds a token in these characters as well, of which the first are in the group of four from `group` on.
    pub(in crate::detect) fn is_repeated(&self, characters: &Range<usize>, group: usize) -> bool {
        // A line alone has no group that starts on the one before.
        let start = if self.has_margins { group } else { characters.start };
        self.left_out.as_ref().is_some_and(|left_out| {
            let inside = left_out.partition_point(|at| *at <= start);
            left_out.get(inside).is_none_or(|at| *at >= characters.end)
        })
    }

    /// Whether the text starts with the first line here, rather than further back than was looked. `first` says whether
    /// `bytes` are the first of the blob.
    pub(in crate::detect) fn starts_text(&self, bytes: &[u8], first: bool) -> bool {
        if self.start == 0 { first } else { previous_line_end(bytes, self.start).is_none() }
    }

    /// The index among the bytes of a character.
    pub(in crate::detect) fn byte_of(&self, character: usize) -> usize {
        let (first, start) = self.line(character);
        start + (character - first)
    }

    /// The byte where the line with that character starts, behind its indentation.
    pub(in crate::detect) fn line_start(&self, character: usize) -> usize {
        self.line(character).1
    }

    /// The index of the first character at or behind a byte.
    pub(in crate::detect) fn character_from(&self, byte: usize) -> usize {
        let line = self.lines.partition_point(|(_, start)| *start <= byte);
        let end = self.lines.get(line).map_or(self.text.len(), |(first, _)| *first);
        let (first, start) = self.nth(line);
        (first + byte.saturating_sub(start)).min(end)
    }

    /// The first character of the line that a character is on, and that line's first byte.
    fn line(&self, character: usize) -> (usize, usize) {
        self.nth(self.lines.partition_point(|(first, _)| *first <= character))
    }

    fn nth(&self, line: usize) -> (usize, usize) {
        line.checked_sub(1).and_then(|line| self.lines.get(line)).copied().unwrap_or((0, self.start))
    }
}

impl Drop for Unwrapped<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.text {
            wipe(text);
        }
    }
}

/// The lines of base64 from `start` on, one continuing the other: a part, and an overlap behind the line around `candidate`,
/// however long that is.
fn lines(bytes: &[u8], mut start: usize, candidate: usize) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let (mut length, mut behind_candidate) = (0, 0);
    loop {
        let end = run_end(bytes, start);
        length += end - start;
        behind_candidate += if start > candidate { end - start } else { 0 };
        lines.push(start..end);
        match next_line(bytes, end) {
            Some(next) if length < MAX_PART || behind_candidate <= PART_OVERLAP => start = next,
            _ => return lines,
        }
    }
}

/// Where the characters end that start at `start`.
fn run_end(bytes: &[u8], start: usize) -> usize {
    start + leading_base64(&bytes[start..])
}

/// Where the first line of the text starts that the line at `start` belongs to.
fn first_line(bytes: &[u8], mut start: usize, floor: usize) -> usize {
    if !bytes.get(start).copied().is_some_and(is_character) {
        // In the middle of an escaped line end.
        start += line_break(&bytes[start..]).unwrap_or(0);
    }
    let floor = floor.max(start.saturating_sub(MAX_LOOKBACK));
    while start > floor
        && let Some(end) = previous_line_end(bytes, start)
    {
        start = run_start(bytes, end);
    }
    start
}

/// Where the characters start that end at `end`.
fn run_start(bytes: &[u8], end: usize) -> usize {
    without_escape(bytes, end - trailing(&bytes[..end], base64_characters))
}

/// Where the characters start that seem to at `start`: the `n` of an escaped line end is none of them.
pub(super) fn without_escape(bytes: &[u8], start: usize) -> usize {
    let escaped = bytes[..start].last() == Some(&b'\\') && matches!(bytes.get(start), Some(b'n' | b'r'));
    start + usize::from(escaped)
}
