//! Line ends within a token, and what stands in front of the next line: what a terminal, a mail, a patch, a comment, a table
//! or a log puts there.

use std::ops::Range;

use super::bytes::{count, is_blank, is_token_byte, starts_with_any};

/// How many bytes may be between the last character of a line and its end: blanks up to a border.
const MAX_TRAILING: usize = 160;

/// The most bytes in front of a line that is indented, quoted or commented.
const MAX_MARGIN: usize = 160;

/// The most bytes that a log writes in front of each line.
const MAX_PREFIX: usize = 160;

/// How many bytes in front of a token its line is looked for.
pub(super) const MAX_LOOKBACK: usize = 256;

/// What stands at the end of a line that goes on: the continuations of shells and of C, quoted-printable (RFC 2045, section
/// 6.7), `cmd.exe`, PowerShell, a hyphen, borders of tables, the `$` of `cat -A`, and what editors show where they wrap.
const CONTINUATIONS: [&[u8]; 16] = [
    b"\\",
    b"=",
    b"^",
    b"`",
    b"-",
    b"|",
    b"&",
    b"$",
    b"+",
    "│".as_bytes(),
    "┃".as_bytes(),
    "║".as_bytes(),
    "↩".as_bytes(),
    "↵".as_bytes(),
    "⏎".as_bytes(),
    "»".as_bytes(),
];

/// What stands in front of a line and is no character of a token, besides blanks.
const MARGINS: [&[u8]; 25] = [
    b">",
    b"|",
    b"+",
    b"-",
    b"#",
    b"*",
    b"/",
    b";",
    b"%",
    b"!",
    b":",
    b".",
    b"~",
    b"$",
    b"@",
    b"<",
    "│".as_bytes(),
    "┃".as_bytes(),
    "║".as_bytes(),
    "▏".as_bytes(),
    "↪".as_bytes(),
    "↳".as_bytes(),
    "»".as_bytes(),
    "…".as_bytes(),
    "▎".as_bytes(),
];

/// One or two line ends.
pub(super) struct LineEnd {
    pub(super) width: usize,
    pub(super) lines: usize,
}

/// The end of a line that `rest` begins with, with what marks that it goes on. One empty line may follow.
pub(super) fn line_end(rest: &[u8]) -> Option<LineEnd> {
    let first = ending(rest)?;
    let second = newline(rest.get(first..)?).unwrap_or(0);
    Some(LineEnd { width: first + second, lines: 1 + usize::from(second > 0) })
}

fn ending(rest: &[u8]) -> Option<usize> {
    if let Some(width) = newline(rest) {
        return Some(width);
    }
    let mut at = count(rest, MAX_TRAILING, is_blank);
    for _ in 0..2 {
        // Visual Basic continues a line with an underscore behind a blank.
        let is_basic = at > 0 && rest.get(at) == Some(&b'_');
        let width = starts_with_any(rest.get(at..)?, &CONTINUATIONS);
        let width = width.or(is_basic.then_some(1));
        // Nearly everything that is no line end is ruled out here.
        at += width.or((at > 0).then_some(0))?;
        at += count(rest.get(at..)?, MAX_TRAILING, is_blank);
        if let Some(width) = newline(rest.get(at..)?) {
            return Some(at + width);
        }
    }
    None
}

/// A line end: the characters themselves, or written out (`\n`, in strings within strings `\\n`), or as references.
fn newline(rest: &[u8]) -> Option<usize> {
    match rest.first()? {
        b'\n' | b'\r' | 0x0b | 0x0c => {
            let returns = count(rest, 4, |byte| byte == b'\r');
            let feed = rest.get(returns).is_some_and(|byte| matches!(byte, b'\n' | 0x0b | 0x0c));
            Some(returns + usize::from(feed))
        }
        b'\\' => {
            let slashes = count(rest, 8, |byte| byte == b'\\');
            match rest.get(slashes..)? {
                [b'r', more @ ..] => Some(slashes + 1 + written_out_feed(more)),
                [b'n', ..] => Some(slashes + 1),
                _ => None,
            }
        }
        b'&' => {
            starts_with_any(rest, &[b"&#13;&#10;", b"&#10;", b"&#13;", b"&#xD;&#xA;", b"&#xA;", b"&#xa;"])
        }
        b'%' => starts_with_any(rest, &[b"%0D%0A", b"%0d%0a", b"%0A", b"%0a"]),
        0xe2 => starts_with_any(rest, &["\u{2028}".as_bytes()]),
        _ => None,
    }
}

/// The `\n` behind a `\r` that is written out.
fn written_out_feed(rest: &[u8]) -> usize {
    let slashes = count(rest, 8, |byte| byte == b'\\');
    if slashes > 0 && rest.get(slashes) == Some(&b'n') { slashes + 1 } else { 0 }
}

/// The width of what stands in front of the line at `line`, `lines` lines behind the one where the token starts; `own` is what
/// is in front of it on that.
pub(super) fn margin(bytes: &[u8], own: Range<usize>, line: usize, lines: usize) -> usize {
    let Some(rest) = bytes.get(line..) else { return 0 };
    // What is a character of a token belongs to the margin only where the first line has the like.
    let own = bytes.get(own).unwrap_or_default();
    let own = own.strip_prefix("\u{feff}".as_bytes()).unwrap_or(own);
    let repeated = line_number(own, rest, lines).or_else(|| repeated_prefix(own, rest));
    if let Some(width) = repeated {
        return width + signs(rest.get(width..).unwrap_or_default());
    }
    signs(rest)
}

/// Where the line with `at` starts, if that is not further back. In data, what is in front of a text is no part of its first line.
pub(super) fn start(bytes: &[u8], at: usize, lookback: usize) -> usize {
    let from = at.saturating_sub(lookback);
    let before = bytes.get(from..at).unwrap_or_default();
    let is_text = |byte: &u8| !byte.is_ascii_control() || matches!(byte, b'\t' | 0x1b | 0x08);
    before.iter().rposition(|byte| !is_text(byte)).map_or(from, |end| from + end + 1)
}

/// Blanks and the signs of comments, quotes and tables.
fn signs(rest: &[u8]) -> usize {
    let mut at = 0;
    while at < MAX_MARGIN
        && let Some(next) = rest.get(at..)
    {
        let width = count(next, MAX_MARGIN, is_blank);
        let width = if width > 0 { width } else { starts_with_any(next, &MARGINS).unwrap_or(0) };
        // The sign of a comment in TeX, or an encoded character.
        let is_encoded =
            matches!(next, [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit());
        if width == 0 || is_encoded {
            break;
        }
        at += width;
    }
    at
}

/// What both lines begin with, but for digits and for words of one letter (the `P` and `F` of a container's log,
/// <https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md>), up to the last byte that
/// belongs to no token: a time stamp, a level, a line number.
fn repeated_prefix(first: &[u8], line: &[u8]) -> Option<usize> {
    let mut end = 0;
    for (at, (own, other)) in first.iter().zip(line).take(MAX_PREFIX).enumerate() {
        let is_word = || {
            let around =
                |text: &[u8]| at > 0 && text.get(at - 1) == Some(&b' ') && text.get(at + 1) == Some(&b' ');
            around(first) && around(line)
        };
        if own != other && !(own.is_ascii_digit() && other.is_ascii_digit()) && !is_word() {
            break;
        }
        if !is_token_byte(*other) {
            end = at + 1;
        }
    }
    (end > 0).then_some(end)
}

/// A line's number and what separates it, where the first line has a number as well and this is the next one.
fn line_number(first: &[u8], line: &[u8], lines: usize) -> Option<usize> {
    let (own, _) = number(first)?;
    let (other, width) = number(line)?;
    (other == own + lines).then_some(width)
}

/// The number that a line begins with, and its width with blanks and one sign behind it.
fn number(line: &[u8]) -> Option<(usize, usize)> {
    let blanks = count(line, MAX_MARGIN, is_blank);
    let digits = count(line.get(blanks..)?, 7, |byte| byte.is_ascii_digit());
    let end = blanks + digits;
    let value = std::str::from_utf8(line.get(blanks..end)?).ok()?.parse().ok()?;
    let sign = line.get(end).filter(|byte| !is_token_byte(**byte))?;
    Some((value, end + usize::from(sign.is_ascii())))
}
