//! Text without tokens, whoever put them into it.

use std::ops::Range;
use std::sync::OnceLock;

use super::printable::is_deceptive;
use crate::rule;
use crate::token::Kind;

/// What stands for the part of a token that is left out.
const ELLIPSIS: char = '…';

/// How many characters of a server's message are kept.
pub(crate) const MESSAGE_LIMIT: usize = 300;

/// Longer words are left out of a server's message even without a token's prefix: they may be the rest of one.
const LONGEST_WORD: usize = 30;

/// In [`redacted`] text, shorter words behind a prefix are kept: they are text about tokens, and no token's secret part
/// is that short.
const SHORTEST_BODY: usize = 16;

/// A server's message as one line of at most `limit` characters.
///
/// Control, direction and invisible characters become blanks, and blanks in a row one. Of a token only the prefix stays
/// (`ghp_…`), of any other word of 30 letters and digits or more nothing: a server may repeat what it was sent, whole
/// or in parts.
pub(crate) fn one_line(text: &str, limit: usize) -> String {
    let blank = |character| if is_deceptive(character) { ' ' } else { character };
    let redacted = without_tokens(&text.chars().map(blank).collect::<String>());
    let mut out = String::with_capacity(limit.min(redacted.len()));
    for word in redacted.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    if out.chars().count() > limit {
        out = out.chars().take(limit.saturating_sub(1)).chain([ELLIPSIS]).collect();
    }
    out
}

/// Replaces what looks like a token, or long enough to be a part of one.
fn without_tokens(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    while let Some(range) = next_word(bytes, copied) {
        out.push_str(&text[copied..range.start]);
        let word = &text[range.clone()];
        copied = range.end;
        if let Some((start, kind)) = token_in(word) {
            out.push_str(&without_tokens(&word[..start]));
            out.push_str(kind.prefix());
            out.push(ELLIPSIS);
            copied = end_of_jwt(bytes, range.end, kind);
        } else if word.len() >= LONGEST_WORD {
            out.push(ELLIPSIS);
        } else {
            out.push_str(word);
        }
    }
    out.push_str(&text[copied..]);
    out
}

/// The next run of `[A-Za-z0-9_]`.
fn next_word(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let start = from + bytes.get(from..)?.iter().position(part)?;
    let len = bytes[start..].iter().position(|byte| !part(byte)).unwrap_or(bytes.len() - start);
    Some(start..start + len)
}

/// Where in a word a token starts: a prefix with something behind it.
fn token_in(word: &str) -> Option<(usize, Kind)> {
    rule::kinds()
        .filter_map(|kind| word.find(kind.prefix()).map(|start| (start, kind)))
        .filter(|(start, kind)| word.len() > start + kind.prefix().len())
        .min_by_key(|(start, _)| *start)
}

/// The end of a token whose first word ends at `from`: a stateless token is a JWT, whose parts are joined by
/// `.` and may contain `-` (RFC 7519, section 3; RFC 4648, section 5).
fn end_of_jwt(bytes: &[u8], from: usize, kind: Kind) -> usize {
    if !kind.is_stateless() {
        return from;
    }
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    bytes[from..].iter().position(|byte| !part(byte)).map_or(bytes.len(), |len| from + len)
}

/// Text to be kept, in at most `limit` bytes: control, direction and invisible characters become blanks, and of a token
/// only the prefix stays (`ghp_…`).
///
/// Paths and messages should be free of tokens when they come here. A server that echoes what it was sent, or a file
/// named after a token, must not get one into the ledger all the same.
pub(crate) fn redacted(text: &str, limit: usize) -> String {
    // Nearly every text is a plain one, and there may be a million of them.
    let plain = |byte: u8| byte.is_ascii() && !byte.is_ascii_control();
    if text.len() <= limit
        && text.bytes().all(plain)
        && !prefix_starts().iter().any(|start| text.contains(start))
    {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len().min(limit));
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if out.len() >= limit {
            break;
        }
        let prefix = rule::kinds().map(Kind::prefix).find(|prefix| rest.starts_with(prefix));
        let width = if let Some(prefix) = prefix {
            let body = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '.';
            let end = rest.find(|c: char| !body(c)).unwrap_or(rest.len());
            out.push_str(prefix);
            out.push_str(if end - prefix.len() < SHORTEST_BODY { &rest[prefix.len()..end] } else { "…" });
            end
        } else {
            out.push(if is_deceptive(character) { ' ' } else { character });
            character.len_utf8()
        };
        rest = &rest[width..];
    }
    out.truncate(out.floor_char_boundary(limit));
    out
}

/// The first two characters of every prefix, each once: they tell quickly that a text holds no token.
fn prefix_starts() -> &'static [&'static str] {
    static STARTS: OnceLock<Vec<&'static str>> = OnceLock::new();
    STARTS.get_or_init(|| {
        let mut starts: Vec<&str> = rule::kinds().map(|kind| &kind.prefix()[..2]).collect();
        starts.sort_unstable();
        starts.dedup();
        starts
    })
}

/// A path in which tokens are redacted already, for people who may see no part of one: every component with a redacted
/// token in it becomes `(token)`.
pub(crate) fn without_redacted_parts(path: &str) -> String {
    let component = |part| if str::contains(part, ELLIPSIS) { "(token)" } else { part };
    path.split('/').map(component).collect::<Vec<_>>().join("/")
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
                let line = one_line(&text, MESSAGE_LIMIT);
                assert!(!line.contains("aB3"), "{}", kind.prefix());
                assert!(line.contains(&format!("{}…", kind.prefix())), "{}", kind.prefix());
            }
        }
    }

    #[test]
    fn nor_do_the_parts_of_a_jwt() {
        let line = one_line("bad: ghs_123456_eyJhbGci.eyJpc3Mi-x.c2ln_-n, sorry", MESSAGE_LIMIT);
        assert_eq!(line, "bad: ghs_…, sorry");
    }

    #[test]
    fn nor_a_body_whose_prefix_is_gone() {
        assert_eq!(one_line(&format!("entry {}", "aB3".repeat(10)), MESSAGE_LIMIT), "entry …");
        let short = "a".repeat(LONGEST_WORD - 1);
        assert_eq!(one_line(&short, MESSAGE_LIMIT), short);
    }

    #[test]
    fn what_stands_before_a_token_stays_unless_it_is_as_long_as_one() {
        let secret = token("ghp_");
        assert_eq!(one_line(&format!("x{secret}"), MESSAGE_LIMIT), "xghp_…");
        assert_eq!(one_line(&format!("{}{secret}", "aB3".repeat(12)), MESSAGE_LIMIT), "…ghp_…");
    }

    #[test]
    fn a_long_message_is_cut_after_it_was_redacted() {
        let text = format!("{}{}", "x ".repeat(5), token("ghp_"));
        assert_eq!(one_line(&text, 12), "x x x x x g…");
        assert_eq!(one_line("four", 4), "four");
    }

    #[test]
    fn nothing_moves_the_cursor() {
        let text = "a\u{1b}[31mb\r\nc\u{202e}d\u{0}\u{200b}e";
        assert_eq!(one_line(text, MESSAGE_LIMIT), "a [31mb c d e");
    }

    #[test]
    fn a_prefix_without_a_body_is_a_word() {
        let text = "types ghp_ and github_pat_ only";
        assert_eq!(one_line(text, MESSAGE_LIMIT), text);
    }

    #[test]
    fn no_token_gets_in_by_a_path_or_a_message() {
        let body = "aB3".repeat(12);
        for kind in rule::kinds() {
            let token = [kind.prefix(), &body].concat();
            let kept = redacted(&format!("\"{token}\" is bad,\x1b[31m\n{token}"), 1000);
            assert!(!kept.contains(&body), "{}", kind.prefix());
            assert_eq!(kept, format!("\"{0}…\" is bad, [31m {0}…", kind.prefix()));
        }
        assert_eq!(redacted("a ghp_ token, or github_pat_x", 1000), "a ghp_ token, or github_pat_x");
        assert_eq!(redacted("éééé", 4), "éé");
        assert_eq!(redacted("éééé", 5), "éé");
        assert_eq!(redacted("plain/path.env:17", 1000), "plain/path.env:17");
        // The short cut must know the beginning of every prefix.
        assert!(rule::kinds().all(|kind| prefix_starts().iter().any(|start| kind.prefix().contains(start))));
    }

    #[test]
    fn no_part_of_a_redacted_token_is_left() {
        assert_eq!(without_redacted_parts("a/ghp_…0mLq17.txt/b"), "a/(token)/b");
        assert_eq!(without_redacted_parts("a/b"), "a/b");
    }
}
