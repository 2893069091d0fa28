//! Where the objects of a document begin and end (ISO 32000-1, 7.3.10).

use memchr::memmem;

use super::encryption::Id;
use super::lexer::{Lexer, Value, Word};

/// How many objects that were packed together are looked at.
const MAX_PACKED: usize = 100_000;

/// Calls `each` with each object that was packed into a stream, and its number (7.5.7).
pub(super) fn for_each_packed(dictionary: &Value, decoded: &[u8], each: &mut dyn FnMut(u32, &Value)) {
    let first = dictionary.number(b"First").and_then(|first| usize::try_from(first).ok()).unwrap_or(0);
    let mut header = Lexer::new(decoded.get(..first).unwrap_or_default(), 0);
    let mut next_number = || match header.next_word() {
        Some(Word::Number(number)) => usize::try_from(number).ok(),
        _ => None,
    };
    for _ in 0..MAX_PACKED {
        let (Some(object), Some(offset)) = (next_number(), next_number()) else { return };
        let mut lexer = Lexer::new(decoded, first.saturating_add(offset));
        if let (Ok(object), Some(value)) = (u32::try_from(object), lexer.value(&mut |_| {})) {
            each(object, &value);
        }
    }
}

/// Whether a stream is a font in the compact format (9.9): the names of its glyphs, one behind the other, may look like a token.
pub(super) fn is_font_program(dictionary: &Value) -> bool {
    let subtypes = [&b"Type1C"[..], b"CIDFontType0C"];
    subtypes.iter().any(|subtype| dictionary.is(b"Subtype", subtype))
        && !dictionary.is(b"Type", b"EmbeddedFile")
}

/// The number and the generation of the object whose keyword these bytes end before: `12 0 `.
pub(super) fn object_id(before: &[u8]) -> Option<Id> {
    let digits = |bytes: &[u8]| bytes.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = before.trim_ascii_end();
    let generation = digits(rest);
    let rest = &rest[..rest.len() - generation];
    let trimmed = rest.trim_ascii_end();
    let number = digits(trimmed).min(10);
    if generation == 0 || number == 0 || trimmed.len() == rest.len() {
        return None;
    }
    let text = |digits| std::str::from_utf8(digits).ok();
    let number = text(&trimmed[trimmed.len() - number..])?.parse().ok()?;
    // One that is too large is none that anybody asks for.
    let generation = text(&before.trim_ascii_end()[rest.len()..])?.parse().unwrap_or(0);
    Some((number, generation))
}

/// How long a stream's data is: as its dictionary says, where its end follows that, else up to its end.
pub(super) fn stream_len(dictionary: &Value, data: &[u8]) -> usize {
    const END: &[u8] = b"endstream";
    if let Some(len) = dictionary.number(b"Length").and_then(|len| usize::try_from(len).ok())
        && let Some(behind) = data.get(len..)
        && behind[..behind.len().min(32)].trim_ascii_start().starts_with(END)
    {
        return len;
    }
    let end = memmem::find(data, END).or_else(|| memmem::find(data, b"endobj")).unwrap_or(data.len());
    let data = &data[..end];
    data.strip_suffix(b"\r\n").or(data.strip_suffix(b"\n")).map_or(end, <[u8]>::len)
}
