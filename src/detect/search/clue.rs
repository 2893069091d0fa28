//! What a needle is a clue to: where a token may start, and how its characters may be encoded there.

use crate::detect::decode::{CharEncoding, encoded_char_at};
use crate::detect::needles::NeedleKind;

/// A place where a token may start.
#[derive(Clone, Copy)]
pub(super) enum Clue {
    /// Its first characters are plain; others may be encoded.
    Plain(usize),
    /// Its characters are encoded so, from here on.
    Encoded(CharEncoding, usize),
    /// It is in UTF-16 of either byte order, and its first letter is here.
    Utf16(usize),
    /// It is a list of numbers, whose first digits are here.
    Codes(usize),
    /// It is cut, and its prefix goes on here.
    PrefixMiddle(usize),
    /// It is written backwards, and its first letter is in front of this byte.
    Reversed(usize),
    /// It is in a dump with a line that starts here.
    DumpLine(usize),
    /// The same in UTF-32.
    Utf32(usize),
    /// It is in full-width letters in UTF-16 of either byte order, and the lower byte of the first one is here.
    FullWidthUtf16(usize),
}

/// How far in front of a needle the token may start that it is a part of, in bytes.
pub(super) const MAX_CLUE_OFFSET: usize = 40;

/// Where the token may start that the needle at `at` is a part of, the likelier place first.
pub(super) fn clues(bytes: &[u8], needle: NeedleKind, at: usize) -> impl Iterator<Item = Clue> {
    let encoded = |(encoding, start)| Clue::Encoded(encoding, start);
    // An encoded character is a token's first one, or its second behind a plain `g`.
    let behind_plain = |clue| match clue {
        Clue::Encoded(encoding, start) => {
            let first = start.checked_sub(1).filter(|first| bytes[*first] == b'g');
            first.map(|first| Clue::Encoded(encoding, first))
        }
        _ => None,
    };
    let mut wider = None;
    let (first, second) = match needle {
        NeedleKind::TokenStart => (Some(Clue::Plain(at)), None),
        NeedleKind::Quoted => (Some(Clue::Plain(at + 1)), None),
        NeedleKind::PrefixMiddle => (Some(Clue::PrefixMiddle(at)), None),
        NeedleKind::Reversed => (reversed_end(bytes, at).map(Clue::Reversed), None),
        NeedleKind::DumpLine => (Some(Clue::DumpLine(at + 1)), None),
        NeedleKind::Number => (Some(Clue::Codes(at)), None),
        NeedleKind::InsidePrefix => (prefix_start(bytes, at).map(Clue::Plain), None),
        NeedleKind::Percent => {
            let first = Clue::Encoded(CharEncoding::Percent, at);
            (Some(first), behind_plain(first))
        }
        NeedleKind::Digits => {
            // The needle may include what is before them.
            let lead = bytes.get(at).copied().filter(|byte| matches!(byte, b'0' | b'x' | b'X' | b'\\'));
            let digits = at + usize::from(lead.is_some());
            // What `\x6` has found is not found again.
            let is_found = matches!(lead, Some(b'x' | b'X')) && bytes[..at].ends_with(b"\\");
            let first = if lead == Some(b'\\') { digits } else { at };
            let encoding = encoded_char_at(bytes, first).filter(|_| !is_found).map(encoded);
            (encoding, Some(Clue::Codes(digits)))
        }
        NeedleKind::Escape => {
            let first = encoded_char_at(bytes, at + 2).map(encoded);
            (first, first.and_then(behind_plain))
        }
        NeedleKind::Encoded(encoding) => (Some(Clue::Encoded(encoding, at)), None),
        NeedleKind::Utf16 => {
            wider = Some([23, 11].into_iter().filter_map(move |back| at.checked_sub(back)));
            let mut starts = utf16_starts(bytes, at).map(Clue::Utf16);
            (starts.next(), starts.next())
        }
        NeedleKind::Mark(_) => (None, None),
        NeedleKind::FullWidthUtf16 => {
            let mut starts = [1, 5].into_iter().filter_map(|back| at.checked_sub(back));
            (starts.next().map(Clue::FullWidthUtf16), starts.next().map(Clue::FullWidthUtf16))
        }
    };
    let wider = wider.into_iter().flatten().filter(|start| bytes.get(*start) == Some(&b'g')).map(Clue::Utf32);
    first.into_iter().chain(second).chain(wider)
}

/// Where the `g` is that a prefix starts with, in front of a needle from [inside](NeedleKind::InsidePrefix) it.
fn prefix_start(bytes: &[u8], at: usize) -> Option<usize> {
    (at.saturating_sub(3)..at).rev().find(|start| bytes[*start] == b'g')
}

/// Where a prefix ends that is written backwards and of which the letters at `at` are a part.
fn reversed_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    if rest.starts_with(b"buhtig") {
        return Some(at + 6);
    }
    at.checked_sub(1).is_none_or(|before| bytes[before] == b'_').then_some(at + 3)
}

/// Where a UTF-16 prefix may start whose underscore is behind the zero at `at`: as its fourth character (`ghp_`) or its
/// seventh (`github_pat_`), two bytes each.
fn utf16_starts(bytes: &[u8], at: usize) -> impl Iterator<Item = usize> {
    let starts = [5, 11].into_iter().filter_map(move |back| at.checked_sub(back));
    starts.filter(|start| bytes[*start] == b'g')
}
