//! What all gaps are made of: bytes of tokens, blanks, texts.

/// Whether `byte` may be part of a token that has a checksum.
pub(super) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// How many of the first bytes, up to a limit, are such.
pub(super) fn count(rest: &[u8], limit: usize, is: impl Fn(u8) -> bool) -> usize {
    rest.iter().take(limit).take_while(|byte| is(**byte)).count()
}

/// Whether `byte` is a blank or a tab.
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The width of the first of these texts that `rest` starts with.
pub(super) fn starts_with_any(rest: &[u8], texts: &[&[u8]]) -> Option<usize> {
    let first = rest.first();
    // Nearly all differ in their first byte.
    let fits = |text: &&&[u8]| text.first() == first && rest.starts_with(text);
    texts.iter().find(fits).map(|text| text.len())
}
