//! Markup within a token: tags, colours of terminals, marks of emphasis, and characters that are not seen.

use super::bytes::{count, is_token_byte, starts_with_any};

/// What strikes the character before it over, in manual pages (`g\bg`) and on printers.
pub(super) const BACKSPACE: u8 = 8;

/// The most bytes of one tag or comment, and of the address that a terminal's link carries.
const MAX_TAG: usize = 1024;

/// The most bytes of a colour, or of a command's argument.
const MAX_SEQUENCE: usize = 48;

/// LaTeX's commands that set a piece of a word in another way, or say where it may be divided.
const COMMANDS: [&[u8]; 19] = [
    b"allowbreak",
    b"linebreak",
    b"nolinebreak",
    b"discretionary",
    b"hspace",
    b"hskip",
    b"penalty",
    b"textbf",
    b"texttt",
    b"textit",
    b"emph",
    b"textcolor",
    b"seqsplit",
    b"nobreak",
    b"relax",
    b"protect",
    b"hfil",
    b"break",
    b"sloppy",
];

/// A character that is printed over another one, or written as a command: `\_` in Markdown and LaTeX.
pub(super) fn character(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        // Underlined, the line first or last; and bold.
        [b'_', BACKSPACE, byte, ..] | [byte, BACKSPACE, b'_', ..] if is_token_byte(*byte) => Some((*byte, 3)),
        [byte, more @ ..] if is_token_byte(*byte) && more.first() == Some(&BACKSPACE) => {
            let pairs = more.chunks_exact(2).take(4).take_while(|pair| **pair == [BACKSPACE, *byte]).count();
            (pairs > 0).then_some((*byte, 1 + 2 * pairs))
        }
        [b'\\', b'_', ..] => Some((b'_', 2)),
        [b'\\', b'\\', b'_', ..] => Some((b'_', 3)),
        [b'\\', command @ ..] => {
            let width = starts_with_any(
                command,
                &[b"textunderscore", b"string_", b"char`\\_", b"char95", b"char\"5F"],
            )?;
            let end = starts_with_any(command.get(width..)?, &[b"{}", b" "]).unwrap_or(0);
            Some((b'_', 1 + width + end))
        }
        [b'&', ..] => starts_with_any(rest, &[b"&lowbar;", b"&UnderBar;"]).map(|width| (b'_', width)),
        _ => None,
    }
}

/// The width of the markup that `rest` begins with.
pub(super) fn gap(rest: &[u8]) -> Option<usize> {
    match *rest.first()? {
        b'<' => tag(rest),
        b'&' => escaped_tag(rest).or_else(|| reference(rest)),
        0x1b | 0x9b | b'^' => sequence(rest),
        b'\\' => {
            escaped_tag(rest).or_else(|| sequence(rest)).or_else(|| escaped(rest)).or_else(|| command(rest))
        }
        b'*' => Some(count(rest, 3, |byte| byte == b'*')),
        b'`' => Some(count(rest, 3, |byte| byte == b'`')),
        first @ (b'~' | b'|') => (rest.get(1) == Some(&first)).then_some(2),
        b'}' | b'{' => group(rest),
        // Characters that are not ASCII, where a text in UTF-16 has been read.
        0 => Some(count(rest, 4, |byte| byte == 0)),
        _ => unseen(rest),
    }
}

/// Tags and comments, with the blanks between them.
fn tag(rest: &[u8]) -> Option<usize> {
    if !matches!(rest.get(1)?, b'/' | b'!' | b'?' | b'a'..=b'z' | b'A'..=b'Z') {
        return None;
    }
    let part = rest.get(..rest.len().min(MAX_TAG))?;
    let end = if part.starts_with(b"<!--") {
        memchr::memmem::find(part, b"-->")? + 3
    } else {
        memchr::memchr2(b'>', b'<', part.get(1..)?).filter(|end| part.get(end + 1) == Some(&b'>'))? + 2
    };
    let blanks = count(part.get(end..)?, MAX_TAG, |byte| byte.is_ascii_whitespace());
    Some(if part.get(end + blanks) == Some(&b'<') { end + blanks } else { end })
}

/// A tag whose brackets are written as references or as escapes, as JSON's writers for HTML do.
fn escaped_tag(rest: &[u8]) -> Option<usize> {
    let forms: [(&[u8], &[u8]); 4] =
        [(b"&lt;", b"&gt;"), (b"\\u003c", b"\\u003e"), (b"\\u003C", b"\\u003E"), (b"\\x3c", b"\\x3e")];
    let (open, close) = forms.into_iter().find(|(open, _)| rest.starts_with(open))?;
    let part = rest.get(open.len()..rest.len().min(MAX_TAG))?;
    Some(open.len() + memchr::memmem::find(part, close)? + close.len())
}

/// A reference to a character that is not seen
/// (<https://html.spec.whatwg.org/multipage/named-characters.html>).
fn reference(rest: &[u8]) -> Option<usize> {
    let names: [&[u8]; 10] = [
        b"&shy;",
        b"&ZeroWidthSpace;",
        b"&zwnj;",
        b"&zwj;",
        b"&NoBreak;",
        b"&lrm;",
        b"&rlm;",
        b"&NegativeThinSpace;",
        b"&NegativeVeryThinSpace;",
        b"&ApplyFunction;",
    ];
    if let Some(width) = starts_with_any(rest, &names) {
        return Some(width);
    }
    let number = rest.strip_prefix(b"&#")?;
    let (digits, radix) = match number.first()? {
        b'x' | b'X' => (number.get(1..)?, 16),
        _ => (number, 10),
    };
    let length = count(digits, 8, |byte| byte.is_ascii_hexdigit());
    let code = u32::from_str_radix(std::str::from_utf8(digits.get(..length)?).ok()?, radix).ok()?;
    let end = rest.len() - digits.len() + length;
    (is_unseen(code) && rest.get(end) == Some(&b';')).then_some(end + 1)
}

/// Whether a character leaves no mark: soft hyphen, zero-width spaces and joiners, marks of direction, variation selectors.
fn is_unseen(code: u32) -> bool {
    matches!(
        code,
        0xad | 0x34f | 0x180e | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfe00..=0xfe0f | 0xfeff
    )
}

/// A character that is not seen, in UTF-8.
fn unseen(rest: &[u8]) -> Option<usize> {
    let text = rest.get(..rest.len().min(4))?;
    let character = text.utf8_chunks().next()?.valid().chars().next()?;
    is_unseen(u32::from(character)).then(|| character.len_utf8())
}

/// The same, written as an escape: `\u200b`, `\u{200b}`, or its bytes in UTF-8.
fn escaped(rest: &[u8]) -> Option<usize> {
    let slashes = count(rest, 8, |byte| byte == b'\\');
    let behind = rest.get(slashes..)?;
    let (digits, more) = match behind {
        [b'u', b'{', digits @ ..] => (digits.get(..count(digits, 6, |byte| byte.is_ascii_hexdigit()))?, 3),
        [b'u', digits @ ..] => (digits.get(..4)?, 1),
        [b'x', ..] => return escaped_bytes(rest, rest.get(..=slashes)?, 16),
        [b'2' | b'3', ..] => return escaped_bytes(rest, rest.get(..slashes)?, 8),
        _ => return None,
    };
    let code = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    is_unseen(code).then_some(slashes + more + digits.len())
}

/// The bytes of one such character, each behind the same `mark`.
fn escaped_bytes(rest: &[u8], mark: &[u8], radix: u32) -> Option<usize> {
    let digits = if radix == 16 { 2 } else { 3 };
    let (mut bytes, mut length, mut at) = ([0; 3], 0, 0);
    while let Some(slot) = bytes.get_mut(length)
        && let Some(number) =
            rest.get(at..).and_then(|rest| rest.strip_prefix(mark)).and_then(|rest| rest.get(..digits))
    {
        *slot = u8::from_str_radix(std::str::from_utf8(number).ok()?, radix).ok()?;
        length += 1;
        at += mark.len() + digits;
        if let Some(width) = bytes.get(..length).and_then(unseen) {
            return (width == length).then_some(at);
        }
    }
    None
}

/// A terminal's sequence: colours and the like (CSI, ECMA-48 section 5.4), links and titles (OSC, section 8.3.89); behind the
/// escape itself or what is written for it.
fn sequence(rest: &[u8]) -> Option<usize> {
    if rest.first() == Some(&0x9b) {
        return Some(1 + control(rest.get(1..)?)?);
    }
    let introducer = escape(rest)?;
    let behind = rest.get(introducer + 1..)?;
    let width = match rest.get(introducer)? {
        b'[' => control(behind)?,
        b']' => {
            // Neither is part of an address, so the first one ends it or nothing does.
            let part = behind.get(..behind.len().min(MAX_TAG))?;
            let end = memchr::memchr3(0x07, 0x1b, b'\\', part)?;
            end + string_end(part.get(end..)?)?
        }
        b'(' | b')' => 1,
        b'7' | b'8' | b'=' | b'>' | b'c' => 0,
        _ => return None,
    };
    Some(introducer + 1 + width)
}

/// Parameters, and the final byte.
fn control(rest: &[u8]) -> Option<usize> {
    let parameters = count(rest, MAX_SEQUENCE, |byte| (0x20..0x40).contains(&byte));
    rest.get(parameters).filter(|byte| (0x40..0x7f).contains(*byte)).map(|_| parameters + 1)
}

/// The width of an escape character, as it is or written out.
fn escape(rest: &[u8]) -> Option<usize> {
    if let Some(width) = starts_with_any(rest, &[b"\x1b", b"^["]) {
        return Some(width);
    }
    let slashes = count(rest, 8, |byte| byte == b'\\');
    let written: [&[u8]; 9] = [b"x1b", b"x1B", b"e", b"E", b"033", b"u001b", b"u001B", b"u{1b}", b"u{1B}"];
    let width = starts_with_any(rest.get(slashes..)?, &written)?;
    (slashes > 0).then_some(slashes + width)
}

/// What ends a link or a title: a bell, or an escape and a backslash.
fn string_end(rest: &[u8]) -> Option<usize> {
    if let Some(width) = starts_with_any(rest, &[b"\x07", b"\\a", b"\\x07", b"\\007", b"\\u0007"]) {
        return Some(width);
    }
    let width = escape(rest)?;
    let slashes = count(rest.get(width..)?, 2, |byte| byte == b'\\');
    (slashes > 0).then_some(width + slashes)
}

/// A command of LaTeX, with its arguments or the blank that ends it; `\-` and `\/` as well.
fn command(rest: &[u8]) -> Option<usize> {
    let behind = rest.get(1..)?;
    if matches!(behind.first()?, b'-' | b'/' | b',' | b'!' | b'*' | b'`') {
        return Some(2);
    }
    let width = 1 + starts_with_any(behind, &COMMANDS)?;
    let argument = rest.get(width..)?;
    match argument.first()? {
        b'{' => {
            let end = count(argument, MAX_SEQUENCE, |byte| byte != b'}');
            // Of a command that sets its argument in another way, only the bracket.
            let sets = matches!(behind.first()?, b't' | b'e' | b's');
            Some(width + if sets { 1 } else { end + 1 })
        }
        b' ' | b'\n' => Some(width + 1),
        byte if !is_token_byte(*byte) => Some(width),
        _ => None,
    }
}

/// Brackets of groups, and in RTF the control words of the next one: `}{\rtlch\fcs1 \af0 abc`.
fn group(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < MAX_TAG
        && let Some(next) = rest.get(at..)
    {
        let word = match next {
            [b'{' | b'}', ..] => 1,
            [b'\r' | b'\n', ..] if at > 0 => 1,
            [b'\\', b'*', ..] => 2,
            [b'\\', ..] if character(next).is_some() || command(next).is_some() => break,
            [b'\\', letters @ ..] if letters.first().is_some_and(u8::is_ascii_lowercase) => {
                let name = count(letters, 32, |byte| byte.is_ascii_lowercase());
                let number = count(letters.get(name..)?, 10, |byte| byte.is_ascii_digit() || byte == b'-');
                let blank = letters.get(name + number) == Some(&b' ');
                1 + name + number + usize::from(blank)
            }
            _ => break,
        };
        at += word;
    }
    (at > 0).then_some(at)
}
