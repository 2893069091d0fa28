//! Whether a blob is worth a look for what it carries: told by a sample of its bytes, so that text pays nothing that could be measured.

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Every signature.
    All,
    /// Only signatures that noise has never: media are noise, in which zlib's two bytes are everywhere.
    Strong,
}

/// The bytes that are looked at between two that are passed over, and how far apart they are: of 64 bytes of a compressed stream all
/// are text once in a thousand times.
const SAMPLE: usize = 64;
const STRIDE: usize = 2048;
/// How many of the first and of the last bytes are looked at.
const ENDS: usize = 512;

/// What to look for in a blob that begins so; none where it is text, or another part's: git's packs are told of as histories.
pub(super) fn wanted(head: &[u8]) -> Option<Wanted> {
    if head.len() < SHORTEST || head.starts_with(b"PACK\0\0\0") {
        return None;
    }
    // A script's archive may stand behind any length of text.
    if !head.starts_with(b"#!") && !is_binary(head) {
        return None;
    }
    Some(if is_medium(head) { Wanted::Strong } else { Wanted::All })
}

/// No stream that holds a token is shorter.
const SHORTEST: usize = 24;

/// Whether some byte of the sample is a control character that no text has.
fn is_binary(bytes: &[u8]) -> bool {
    let (first, rest) = bytes.split_at(bytes.len().min(ENDS));
    if has_control(first) {
        return true;
    }
    let last = rest.get(rest.len().saturating_sub(ENDS)..).unwrap_or_default();
    has_control(last) || rest.chunks(STRIDE).any(|chunk| has_control(&chunk[..chunk.len().min(SAMPLE)]))
}

/// Everything below the blank but tab, line ends, form feed, backspace and escape, which terminals' logs have. No branches, so
/// that the compiler makes vectors of it.
#[expect(clippy::needless_bitwise_bool, reason = "branches would keep it from being vectors")]
fn has_control(bytes: &[u8]) -> bool {
    let control = |byte: u8| (byte < 32) & (byte.wrapping_sub(8) > 13 - 8) & (byte != 27);
    bytes.iter().fold(false, |any, byte| any | control(*byte))
}

/// Pictures, sounds, films and fonts by their magic numbers, as magic(5) lists them.
fn is_medium(head: &[u8]) -> bool {
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    at(0, b"\xff\xd8\xff")
        || at(0, b"GIF8")
        || at(0, b"wOFF")
        || at(0, b"wOF2")
        || at(0, b"OTTO")
        || at(0, b"\0\x01\0\0\0")
        || at(0, b"OggS")
        || at(0, b"fLaC")
        || at(0, b"ID3")
        || at(0, b"RIFF") && (at(8, b"WEBP") || at(8, b"WAVE") || at(8, b"AVI "))
        || at(0, b"\x1a\x45\xdf\xa3")
        || at(4, b"ftyp")
        || at(0, b"\0\0\x01\xba")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_left_alone_and_what_has_binary_parts_is_not() {
        let text = "Zeilen mit Umlauten: äöü, a tab\there\r\n\x1b[1mbold\x1b[0m\n".repeat(2000);
        assert_eq!(wanted(text.as_bytes()), None);
        assert_eq!(wanted(format!("#!/bin/sh\n{text}").as_bytes()), Some(Wanted::All));
        let noise: Vec<u8> = (0..9000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert_eq!(wanted(&[text.as_bytes(), &noise].concat()), Some(Wanted::All), "at the end");
        assert_eq!(wanted(&[text.as_bytes(), &noise, text.as_bytes()].concat()), Some(Wanted::All));
        assert_eq!(wanted(&[b"\xff\xd8\xff\xe0", &noise[..]].concat()), Some(Wanted::Strong));
        assert_eq!(wanted(&[b"PACK\0\0\0\x02", &noise[..]].concat()), None);
        assert_eq!(wanted(b"\0\0short"), None);
    }
}
