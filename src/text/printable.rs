//! Text for a terminal: what cannot be seen, or moves what can, is written as an escape.

use std::fmt::Write as _;

/// `text` with every control, direction and invisible character written as an escape (`\n`, `\u{202e}`).
///
/// The result is one line, and shows every character it was made of.
pub(crate) fn printable(text: &str) -> String {
    // Nearly every text is, and a report prints a million of them.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if is_deceptive(character) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out
}

/// A path's bytes as text: valid UTF-8 as it is, every other byte as `\xHH`.
///
/// The result may hold control characters: what shows it calls [`printable`].
pub(crate) fn path_text(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{byte:02X}");
        }
    }
    out
}

/// Whether a character moves the cursor, breaks the line, turns the direction of the text or cannot be seen, so that
/// text with it does not look like what it is ("Trojan Source", CVE-2021-42574, <https://trojansource.codes>).
///
/// That is Unicode's control characters (general category Cc), line and paragraph separators (Zl, Zp), the directional
/// formatting characters (UAX #9, section 2, <https://www.unicode.org/reports/tr9/>), and
/// `Default_Ignorable_Code_Point` of `DerivedCoreProperties.txt` (<https://www.unicode.org/reports/tr44/>). The
/// variation selectors U+FE00 to U+FE0F are left out: they stand behind ordinary emoji.
pub(super) const fn is_deceptive(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' // Cc
        | '\u{ad}' // soft hyphen
        | '\u{34f}' // combining grapheme joiner
        | '\u{61c}' // Arabic letter mark (UAX #9)
        | '\u{115f}' | '\u{1160}' // Hangul fillers
        | '\u{17b4}' | '\u{17b5}' // Khmer inherent vowels
        | '\u{180b}'..='\u{180f}' // Mongolian selectors and vowel separator
        | '\u{200b}'..='\u{200f}' // zero width; left-to-right and right-to-left marks (UAX #9)
        | '\u{2028}' | '\u{2029}' // Zl, Zp
        | '\u{202a}'..='\u{202e}' // embeddings and overrides (UAX #9)
        | '\u{2060}'..='\u{206f}' // word joiner, invisible operators, isolates (UAX #9)
        | '\u{3164}' | '\u{ffa0}' // Hangul fillers
        | '\u{feff}' // byte order mark
        | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}' // shorthand format controls
        | '\u{1d173}'..='\u{1d17a}' // musical beams and slurs
        | '\u{e0000}'..='\u{e0fff}' // tags, variation selectors
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(printable("a\x1b[2J\nb\u{202e}c\td"), "a\\u{1b}[2J\\nb\\u{202e}c\\td");
        assert_eq!(printable("é ❤\u{fe0f} ✓ 漢字"), "é ❤\u{fe0f} ✓ 漢字");
    }

    #[test]
    fn paths_that_are_not_utf8_stay_distinguishable() {
        assert_eq!(path_text(b"a\xffb/c\xc3\xa9"), "a\\xFFb/c\u{e9}");
    }

    #[test]
    fn every_control_character_is_on_the_list() {
        assert!((0..=0x10_ffff).filter_map(char::from_u32).filter(|c| c.is_control()).all(is_deceptive));
    }
}
