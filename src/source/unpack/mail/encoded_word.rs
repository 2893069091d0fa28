//! Encoded words in the fields of a header (RFC 2047): `=?utf-8?B?Z2hw?=`, `=?utf-8?Q?ghp=5F?=`. A long text is split into several.

use memchr::memmem;
use zeroize::Zeroizing;

use crate::source::unpack::transfer::{Decoder, unquote};

/// The text with its words decoded, one behind the other where only blanks are between them (section 6.2); none where there is no
/// word.
pub(super) fn decode_words(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (mut out, mut rest, mut found) = (Zeroizing::new(Vec::new()), text, false);
    let mut behind_word = false;
    while let Some(at) = memmem::find(rest, b"=?") {
        let (before, word) = rest.split_at(at);
        let Some((decoded, len)) = decode_word(word) else {
            out.extend_from_slice(rest.get(..at + 2).unwrap_or_default());
            rest = rest.get(at + 2..).unwrap_or_default();
            behind_word = false;
            continue;
        };
        if !behind_word || !before.iter().all(u8::is_ascii_whitespace) {
            out.extend_from_slice(before);
        }
        out.extend_from_slice(&decoded);
        rest = word.get(len..).unwrap_or_default();
        (found, behind_word) = (true, true);
    }
    out.extend_from_slice(rest);
    found.then_some(out)
}

/// The word that `text` begins with, and its length.
fn decode_word(text: &[u8]) -> Option<(Zeroizing<Vec<u8>>, usize)> {
    let charset = memchr::memchr(b'?', text.get(2..)?)? + 2;
    let [encoding, b'?'] = text.get(charset + 1..charset + 3)? else { return None };
    let from = charset + 3;
    let len = memmem::find(text.get(from..)?, b"?=")?;
    let encoded = text.get(from..from + len)?;
    // A word has no blank in it, though some writers leave them.
    if text.get(2..charset)?.iter().any(u8::is_ascii_whitespace) || memchr::memchr(b'\n', encoded).is_some() {
        return None;
    }
    let mut out = Zeroizing::new(Vec::new());
    match encoding {
        b'b' | b'B' => {
            let mut decoder = Decoder::named(b"base64");
            decoder.decode(encoded, &mut out);
            if let Decoder::Base64(base64) = &mut decoder {
                base64.end(&mut out);
            }
        }
        b'q' | b'Q' => {
            // In these, a blank is written as `_` (section 4.2).
            let blanks = encoded.iter().map(|byte| if *byte == b'_' { b' ' } else { *byte });
            unquote(&Zeroizing::new(blanks.collect::<Vec<u8>>()), &mut out);
        }
        _ => return None,
    }
    Some((out, from + len + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Option<String> {
        decode_words(text.as_bytes()).map(|text| String::from_utf8_lossy(&text).into_owned())
    }

    #[test]
    fn words_are_joined_over_folds() {
        let folded = "Subject: a =?utf-8?B?Z2hw?=\r\n =?UTF-8*en?q?=5F1_2?= =? b =?utf-8?Q?c?= d";
        assert_eq!(decoded(folded).as_deref(), Some("Subject: a ghp_1 2 =? b c d"));
        for plain in ["Subject: a", "=?", "=?utf-8?B?Zg", "=?utf-8?X?Zg?=", "=?a b?B?Zg?=", "=?=?=?"] {
            assert_eq!(decoded(plain), None, "{plain}");
        }
    }
}
