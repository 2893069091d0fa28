//! String literals that are put together: by an operator, by standing next to each other, as arguments, elements of a list, or
//! one statement after the other.

use super::bytes::{count, is_blank, is_token_byte, starts_with_any};

/// The most bytes between two literals, without comments.
const MAX_GLUE: usize = 192;

/// The most bytes of one comment.
const MAX_COMMENT: usize = 256;

/// The most letters of a word between two literals.
const MAX_WORD: usize = 32;

/// How many steps lead from one literal to the next: words, operators and comments.
const MAX_STEPS: usize = 64;

/// The letters in front of a literal: Python's, C's, Rust's, SQL's.
const PREFIXES: [&[u8]; 19] = [
    b"rb", b"br", b"Rb", b"bR", b"rf", b"fr", b"u8", b"LR", b"uR", b"r", b"b", b"f", b"u", b"L", b"R", b"U",
    b"F", b"c", b"N",
];

/// The most letters there.
const LONGEST_PREFIX: usize = 2;

/// The gap between two literals.
pub(super) struct Between {
    pub(super) width: usize,
    /// Its width if the letters in front of the second one belong to the token: in shells, a word may go on there.
    pub(super) without_prefix: Option<usize>,
}

/// The gap that `rest` begins with: the mark that ends a literal, what follows, the mark that begins the next one.
pub(super) fn between(rest: &[u8]) -> Option<Between> {
    let plain = |width| Some(Between { width, without_prefix: None });
    if let Some(width) = template(rest) {
        return plain(width);
    }
    let closed = closing(rest)?;
    let behind = rest.get(closed..)?;
    match behind.first()? {
        // The end of an inner literal: `${"abc"}def`.
        b'}' | b')' if behind.get(1).copied().is_some_and(is_token_byte) => return plain(closed + 1),
        // Within a word, it is a mark of emphasis.
        byte if is_token_byte(*byte) && rest.first() == Some(&b'`') => return None,
        byte if is_token_byte(*byte) => {
            let next = prefix(behind).and_then(|letters| Some(letters + mark(behind.get(letters..)?)?));
            return Some(Between { width: closed + next.unwrap_or(0), without_prefix: next.map(|_| closed) });
        }
        _ => {}
    }
    plain(closed + glue(behind)?)
}

/// The start of a literal within one: `${"`, `#{"`, `{'`.
fn template(rest: &[u8]) -> Option<usize> {
    let opening = starts_with_any(rest, &[b"${", b"#{", b"{", b"$("])?;
    let blanks = count(rest.get(opening..)?, 4, is_blank);
    let letters = prefix(rest.get(opening + blanks..)?).unwrap_or(0);
    let at = opening + blanks + letters;
    Some(at + mark(rest.get(at..)?)?)
}

/// The quotation marks that end a literal: one, or three.
fn closing(rest: &[u8]) -> Option<usize> {
    let one = mark(rest)?;
    let again = |at: usize| {
        rest.get(..one).is_some_and(|mark| rest.get(at..).is_some_and(|rest| rest.starts_with(mark)))
    };
    Some(if again(one) && again(2 * one) { 3 * one } else { one })
}

/// The width of a quotation mark: as it is, within another literal, within HTML, or escaped.
fn mark(rest: &[u8]) -> Option<usize> {
    match rest.first()? {
        b'"' | b'\'' | b'`' => Some(1),
        b'\\' => {
            let slashes = count(rest, 16, |byte| byte == b'\\');
            let behind = rest.get(slashes..)?;
            let width = starts_with_any(behind, &[b"\"", b"'", b"`", b"u0022", b"u0027", b"x22", b"x27"])?;
            Some(slashes + width)
        }
        b'&' => starts_with_any(rest, &[b"&quot;", b"&#34;", b"&#39;", b"&apos;", b"&#x27;", b"&#x22;"]),
        b'%' => starts_with_any(rest, &[b"%22", b"%27"]),
        _ => None,
    }
}

/// The letters of a literal's prefix, if a mark follows.
fn prefix(rest: &[u8]) -> Option<usize> {
    let end = |byte: &u8| matches!(byte, b'"' | b'\'' | b'\\' | b'#');
    let letters = rest.iter().take(LONGEST_PREFIX + 1).position(end)?;
    PREFIXES.contains(&rest.get(..letters)?).then_some(letters)
}

/// From the end of a literal to the first byte of the next one.
fn glue(rest: &[u8]) -> Option<usize> {
    let (mut at, mut comments) = (0, 0);
    for _ in 0..MAX_STEPS {
        if at - comments > MAX_GLUE {
            return None;
        }
        let next = rest.get(at..)?;
        if let Some(width) = mark(next) {
            return Some(at + opened(next, width));
        }
        if let Some(width) = comment(next) {
            comments += width;
            at += width;
            continue;
        }
        at += match *next.first()? {
            // Visual Basic continues a line with an underscore.
            b'_' if matches!(next.get(1), Some(b'\r' | b'\n')) => 1,
            b' ' | b'\t' | b'\r' | b'\n' | b'+' | b'.' | b'&' | b'|' | b',' | b'<' | b'>' | b'~' | b'^'
            | b';' | b':' | b'=' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'$' | b'@' | b'-' | b'*'
            | b'#' | b'/' => 1,
            b'\\' => escaped_line_end(next),
            byte if is_token_byte(byte) => match prefix(next) {
                Some(letters) => letters,
                None => word(rest, at)?,
            },
            _ => return None,
        };
    }
    None
}

/// A backslash at the end of a line, or the line end that it stands for.
fn escaped_line_end(rest: &[u8]) -> usize {
    let slashes = count(rest, 8, |byte| byte == b'\\');
    slashes + usize::from(matches!(rest.get(slashes), Some(b'n' | b'r' | b't')))
}

/// The width of an opening mark: three marks of a long literal, and a variable that the literal begins with (`"${token}abc"`).
fn opened(rest: &[u8], one: usize) -> usize {
    let long = closing(rest).unwrap_or(one);
    let variable = rest.get(long..).and_then(|rest| rest.strip_prefix(b"${")).and_then(|rest| {
        let name = count(rest, MAX_WORD, is_token_byte);
        (rest.get(name) == Some(&b'}')).then_some(name + 3)
    });
    long + variable.unwrap_or(0)
}

/// The width of the word at `at`, if it is a name in code: bound by an operator on one side. In a sentence, words stand alone.
fn word(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let width = count(rest, MAX_WORD + 1, is_token_byte);
    if width > MAX_WORD {
        return None;
    }
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    let behind = rest.get(width..)?;
    let blanks = count(behind, 8, is_blank);
    let is_bound = before.is_some_and(|byte| matches!(byte, b'.' | b'$' | b'@' | b'('))
        || behind.get(blanks).is_some_and(|byte| b"(=+.[-<:&|,;)]".contains(byte));
    let declares = || {
        matches!(rest.get(..width), Some(b"let" | b"const" | b"var" | b"my" | b"local" | b"export" | b"set"))
    };
    (is_bound || declares()).then_some(width)
}

/// The width of a comment, with the end of its line.
fn comment(rest: &[u8]) -> Option<usize> {
    let part = rest.get(..rest.len().min(MAX_COMMENT))?;
    if part.starts_with(b"/*") {
        return memchr::memmem::find(part.get(2..)?, b"*/").map(|end| end + 4);
    }
    let is_comment =
        part.starts_with(b"//") || matches!(part, [b'#', b' ' | b'#' | b'!', ..] | [b'-', b'-', b' ', ..]);
    if !is_comment {
        return None;
    }
    memchr::memchr(b'\n', part).map(|end| end + 1)
}
