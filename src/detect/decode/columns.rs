//! An encoded text that is wrapped into lines of one length, whatever stands in front of each: line numbers, the time and the
//! name of a program in a log, bars, quotes, blanks.

use std::ops::Range;

use super::simd::Wiped;

/// How many bytes behind a line of the text may belong to something else before the line ends.
const MAX_TRAIL: usize = 16;

/// How many bytes in front of a line of the text may.
const MAX_MARGIN: usize = 160;

/// How many bytes are taken at most.
const MAX_LENGTH: usize = 4 * 1024 * 1024;

/// How many lines in front of the first one that was seen are looked for.
const MAX_LINES_BACK: usize = 200;

/// The text without its line ends and margins.
pub(in crate::detect) struct Columns {
    pub(in crate::detect) text: Wiped,
    /// Where each line starts: the index of its first character in `text`, and that of its first byte.
    lines: Vec<(usize, usize)>,
    /// The byte behind the last one.
    pub(in crate::detect) end: usize,
}

impl Columns {
    /// The text of which the characters around `at` are a line. What ends before `floor` was searched before.
    pub(in crate::detect) fn around(
        bytes: &[u8],
        at: usize,
        floor: usize,
        is_character: impl Fn(u8) -> bool,
    ) -> Option<Self> {
        let line = run_around(bytes, at, &is_character)?;
        let mut first = line.clone();
        for _ in 0..MAX_LINES_BACK {
            match previous_line(bytes, &first, &is_character) {
                Some(before) if before.start >= floor && before.len() == line.len() => first = before,
                _ => break,
            }
        }
        let (mut lines, mut length) = (vec![first.clone()], first.len());
        let mut last = first;
        while length < MAX_LENGTH
            && let Some(next) = next_line(bytes, &last, &is_character)
        {
            length += next.len();
            lines.push(next.clone());
            let is_last = next.len() < line.len();
            last = next;
            if is_last {
                break;
            }
        }
        let mut text = Wiped::new(Vec::with_capacity(length));
        let mut starts = Vec::with_capacity(lines.len());
        for line in &lines {
            starts.push((text.len(), line.start));
            text.extend_from_slice(bytes.get(line.clone())?);
        }
        Some(Columns { text, lines: starts, end: last.end })
    }

    /// Where each line starts: the index of its first character, and that of its first byte.
    pub(in crate::detect) fn lines(&self) -> &[(usize, usize)] {
        &self.lines
    }

    /// Where there are several lines, all but a shorter last one, which may be a word of something else; and each line by itself, for what
    /// stands in lines of its own is not always one text.
    pub(in crate::detect) fn parts(&self) -> impl Iterator<Item = Self> {
        let count = self.lines.len();
        let starts = |line: usize| self.lines.get(line).map_or(self.text.len(), |(first, _)| *first);
        let is_shorter = count > 2 && self.text.len() - starts(count - 1) < starts(1);
        let first = is_shorter.then_some(0..count - 1);
        let each = if count > 1 { 0..count } else { 0..0 };
        first.into_iter().chain(each.map(|line| line..line + 1)).filter_map(move |lines| {
            let (first, next) = (starts(lines.start), starts(lines.end));
            let text = Wiped::new(self.text.get(first..next)?.to_vec());
            let lines: Vec<_> =
                self.lines.get(lines)?.iter().map(|(character, start)| (character - first, *start)).collect();
            let (last, start) = *lines.last()?;
            let end = start + text.len() - last;
            Some(Columns { text, lines, end })
        })
    }

    /// The first character of the line that a character is on, and that line's first byte.
    fn line(&self, character: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|(first, _)| *first <= character);
        line.checked_sub(1).and_then(|line| self.lines.get(line)).copied().unwrap_or_default()
    }

    /// The index among the bytes of a character.
    pub(in crate::detect) fn byte_of(&self, character: usize) -> usize {
        let (first, start) = self.line(character);
        start + (character - first)
    }

    /// The byte where the line with that character starts, behind its margin.
    pub(in crate::detect) fn line_start(&self, character: usize) -> usize {
        self.line(character).1
    }
}

/// The characters around `at`.
pub(in crate::detect) fn run_around(
    bytes: &[u8],
    at: usize,
    is_character: &impl Fn(u8) -> bool,
) -> Option<Range<usize>> {
    let (before, after) = bytes.split_at_checked(at)?;
    let start = at - before.iter().rev().take_while(|byte| is_character(**byte)).count();
    let end = at + after.iter().take_while(|byte| is_character(**byte)).count();
    (start < end).then_some(start..end)
}

/// Where the line starts behind the one around `at`, if there is one of the same text.
pub(in crate::detect) fn next_start(
    bytes: &[u8],
    at: usize,
    is_character: impl Fn(u8) -> bool,
) -> Option<usize> {
    let line = run_around(bytes, at, &is_character)?;
    next_line(bytes, &line, &is_character).map(|next| next.start)
}

/// The line of the text behind this one, which is as long or the last: of what is on the next line the longest run of its
/// characters, or the one below this one's first.
fn next_line(bytes: &[u8], line: &Range<usize>, is_character: &impl Fn(u8) -> bool) -> Option<Range<usize>> {
    let trail = bytes.get(line.end..)?;
    let start = line.end + trail.iter().take(MAX_TRAIL).position(|byte| *byte == b'\n')? + 1;
    let rest = bytes.get(start..)?;
    let limit = MAX_MARGIN + line.len() + 1;
    let length = rest.iter().take(limit).position(|byte| *byte == b'\n').unwrap_or(rest.len().min(limit));
    let found = run_of(bytes, start..start + length, line.len(), is_character);
    found.or_else(|| {
        let line_start = memchr::memrchr(b'\n', bytes.get(..line.start)?).map_or(0, |end| end + 1);
        // The number of a line may have one digit more.
        (line.start - line_start..).take(2).find_map(|column| {
            let below = start + column;
            let run = run_around(bytes.get(..start + length)?, below, is_character)?;
            (run.start == below && run.len() < line.len()).then_some(run)
        })
    })
}

/// The line of the text in front of this one, which is as long.
fn previous_line(
    bytes: &[u8],
    line: &Range<usize>,
    is_character: &impl Fn(u8) -> bool,
) -> Option<Range<usize>> {
    let margin = bytes.get(line.start.saturating_sub(MAX_MARGIN)..line.start)?;
    let end = line.start - margin.len() + memchr::memrchr(b'\n', margin)?;
    let most = MAX_MARGIN + line.len() + MAX_TRAIL;
    let before = bytes.get(end.saturating_sub(most)..end)?;
    let start = end - before.len() + memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    run_of(bytes, start..end, line.len(), is_character)
}

/// The run of so many characters on a line.
fn run_of(
    bytes: &[u8],
    line: Range<usize>,
    length: usize,
    is_character: &impl Fn(u8) -> bool,
) -> Option<Range<usize>> {
    let mut at = line.start;
    while at + length <= line.end {
        let run = bytes.get(at..line.end)?.iter().take_while(|byte| is_character(**byte)).count();
        if run == length {
            return Some(at..at + run);
        }
        at += run + 1;
    }
    None
}
