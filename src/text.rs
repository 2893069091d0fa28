//! Foreign text made safe to show and to keep: nothing in it moves a cursor, breaks a line or holds a token.

use std::ops::Range;
use std::sync::OnceLock;

use crate::rule;
use crate::token::Kind;

/// `text` with everything that could move a cursor or break a line written as an escape.
pub fn printable(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if hidden(character) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out
}

/// How many characters of a server's words are kept.
pub const KEPT: usize = 300;

/// Longer runs of token characters are left out even without a token's prefix.
const LONGEST_WORD: usize = 30;

/// One line of at most `limit` characters: control and direction characters become spaces, tokens `…`.
pub fn clean(text: &str, limit: usize) -> String {
    let one_line: String = text.chars().map(|shown| if hidden(shown) { ' ' } else { shown }).collect();
    let redacted = redact(&one_line);
    let mut out = String::with_capacity(limit.min(redacted.len()));
    for word in redacted.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    if out.chars().count() > limit {
        out = out.chars().take(limit.saturating_sub(1)).chain(['…']).collect();
    }
    out
}

/// Characters that move the cursor, turn the direction of the text, or cannot be seen.
fn hidden(shown: char) -> bool {
    shown.is_control()
        || matches!(shown, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Replaces what looks like a token: the prefix stays, the rest becomes `…`.
fn redact(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(word) = next_word(bytes, from) {
        out.push_str(&text[from..word.start]);
        let said = &text[word.clone()];
        match token_at(said) {
            Some((at, kind)) => {
                out.push_str(&redact(&said[..at]));
                out.push_str(kind.prefix());
                out.push('…');
                from = tail_of_jwt(bytes, word.end, kind);
            }
            None if said.len() >= LONGEST_WORD => {
                out.push('…');
                from = word.end;
            }
            None => {
                out.push_str(said);
                from = word.end;
            }
        }
    }
    out.push_str(&text[from..]);
    out
}

/// The next run of `[A-Za-z0-9_]`.
fn next_word(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let start = from + bytes.get(from..)?.iter().position(part)?;
    let len = bytes[start..].iter().position(|byte| !part(byte)).unwrap_or(bytes.len() - start);
    Some(start..start + len)
}

/// Where in a word a token begins: a prefix with something behind it.
fn token_at(word: &str) -> Option<(usize, Kind)> {
    rule::kinds()
        .filter_map(|kind| word.find(kind.prefix()).map(|at| (at, kind)))
        .filter(|(at, kind)| word.len() > at + kind.prefix().len())
        .min_by_key(|(at, _)| *at)
}

/// A stateless token may go on behind its first word: `.` and `-` belong to its JWT.
fn tail_of_jwt(bytes: &[u8], from: usize, kind: Kind) -> usize {
    if !kind.is_stateless() {
        return from;
    }
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    bytes[from..].iter().position(|byte| !part(byte)).map_or(bytes.len(), |len| from + len)
}

/// Text from elsewhere, fit to be kept: without tokens, without control characters, and no longer than `longest`.
///
/// Paths and messages should be free of tokens when they come here. A server that echoes what it was sent, or a file
/// named after a token, must not get one into the ledger all the same.
pub fn scrub(text: &str, longest: usize) -> String {
    // Nearly every text is a plain one, and there may be a million of them.
    let plain = |byte: u8| byte.is_ascii() && !byte.is_ascii_control();
    if text.len() <= longest
        && text.bytes().all(plain)
        && !prefix_starts().iter().any(|start| text.contains(start))
    {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len().min(longest));
    let mut rest = text;
    while let Some(shown) = rest.chars().next() {
        if out.len() >= longest {
            break;
        }
        let prefix = rule::kinds().map(Kind::prefix).find(|prefix| rest.starts_with(prefix));
        let taken = if let Some(prefix) = prefix {
            let body = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '.';
            let end = rest.find(|c: char| !body(c)).unwrap_or(rest.len());
            out.push_str(prefix);
            // Shorter than any secret part of a token: a word about tokens.
            out.push_str(if end - prefix.len() < 16 { &rest[prefix.len()..end] } else { "…" });
            end
        } else {
            out.push(if shown.is_control() { ' ' } else { shown });
            shown.len_utf8()
        };
        rest = &rest[taken..];
    }
    out
}

/// The first two characters of every prefix, each once: what tells quickly that a text holds no token.
fn prefix_starts() -> &'static [&'static str] {
    static STARTS: OnceLock<Vec<&'static str>> = OnceLock::new();
    STARTS.get_or_init(|| {
        let mut starts: Vec<&str> = rule::kinds().map(|kind| &kind.prefix()[..2]).collect();
        starts.sort_unstable();
        starts.dedup();
        starts
    })
}

/// A path's bytes as text: valid UTF-8 as it is, every other byte as `\xHH`.
pub fn path_text(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn token(prefix: &str) -> String {
        format!("{prefix}{}", "aB3".repeat(12))
    }

    #[test]
    fn tokens_do_not_come_through() {
        for kind in rule::kinds() {
            let secret = token(kind.prefix());
            for text in [
                format!("credential {secret} is bad"),
                format!("x{secret}"),
                format!("\"{secret}\",\"{secret}\""),
                format!("https://u:{secret}@github.com"),
            ] {
                let cleaned = clean(&text, KEPT);
                assert!(!cleaned.contains("aB3"), "{}", kind.prefix());
                assert!(cleaned.contains(&format!("{}…", kind.prefix())), "{}", kind.prefix());
            }
        }
    }

    #[test]
    fn nor_do_the_parts_of_a_jwt() {
        let cleaned = clean("bad: ghs_123456_eyJhbGci.eyJpc3Mi-x.c2ln_-n, sorry", KEPT);
        assert_eq!(cleaned, "bad: ghs_…, sorry");
    }

    #[test]
    fn nor_a_body_whose_prefix_is_gone() {
        assert_eq!(clean(&format!("entry {}", "aB3".repeat(10)), KEPT), "entry …");
        let short = "a".repeat(LONGEST_WORD - 1);
        assert_eq!(clean(&short, KEPT), short);
    }

    #[test]
    fn what_stands_before_a_token_stays_unless_it_is_as_long_as_one() {
        let secret = token("ghp_");
        assert_eq!(clean(&format!("x{secret}"), KEPT), "xghp_…");
        assert_eq!(clean(&format!("{}{secret}", "aB3".repeat(12)), KEPT), "…ghp_…");
    }

    #[test]
    fn a_long_message_is_cut_after_it_was_redacted() {
        let text = format!("{}{}", "x ".repeat(5), token("ghp_"));
        assert_eq!(clean(&text, 12), "x x x x x g…");
        assert_eq!(clean("four", 4), "four");
    }

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(clean("a\u{1b}[31mb\r\nc\u{202e}d\u{0}\u{200b}e", KEPT), "a [31mb c d e");
    }

    #[test]
    fn a_prefix_alone_is_a_word() {
        assert_eq!(clean("types ghp_ and github_pat_ only", KEPT), "types ghp_ and github_pat_ only");
    }

    #[test]
    fn no_token_gets_in_by_a_path_or_a_message() {
        let body = "aB3".repeat(12);
        for kind in rule::kinds() {
            let token = [kind.prefix(), &body].concat();
            let said = scrub(&format!("\"{token}\" is bad,\x1b[31m\n{token}"), 1000);
            assert!(!said.contains(&body), "{}", kind.prefix());
            assert_eq!(said, format!("\"{0}…\" is bad, [31m {0}…", kind.prefix()));
        }
        assert_eq!(scrub("a ghp_ token, or github_pat_x", 1000), "a ghp_ token, or github_pat_x");
        assert_eq!(scrub("éééé", 4), "éé");
        assert_eq!(scrub("plain/path.env:17", 1000), "plain/path.env:17");
        // The short cut must know the beginning of every prefix.
        assert!(rule::kinds().all(|kind| prefix_starts().iter().any(|start| kind.prefix().contains(start))));
    }

    #[test]
    fn names_that_are_not_utf8_stay_tellable() {
        assert_eq!(path_text(b"a\xffb/c\xc3\xa9"), "a\\xFFb/c\u{e9}");
    }
}
