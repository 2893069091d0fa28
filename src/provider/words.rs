//! What a server said, made fit to be shown: short, on one line, and without anything that looks like a token.
//! A server may repeat in an error what it was sent.

use std::ops::Range;

use serde_json::Value;

use crate::token::Kind;

use super::github::Reply;

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
    Kind::GITHUB
        .into_iter()
        .filter_map(|kind| word.find(kind.prefix()).map(|at| (at, kind)))
        .filter(|(at, kind)| word.len() > at + kind.prefix().len())
        .min_by_key(|(at, _)| *at)
}

/// An installation token may go on behind its first word: `.` and `-` belong to its JWT.
fn tail_of_jwt(bytes: &[u8], from: usize, kind: Kind) -> usize {
    if kind != Kind::AppInstallation {
        return from;
    }
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    bytes[from..].iter().position(|byte| !part(byte)).map_or(bytes.len(), |len| from + len)
}

/// What a reply's body says, cleaned: GitHub's `message` and `errors`, or the begin of a plain text.
pub fn of(reply: &Reply) -> String {
    let said = match reply.json() {
        Some(Value::Object(body)) => of_json(&body),
        Some(_) => String::new(),
        None if reply.body.trim_ascii_start().starts_with(b"<") => {
            "an HTML page, not GitHub's JSON".to_owned()
        }
        None => String::from_utf8_lossy(&reply.body).into_owned(),
    };
    clean(&said, KEPT)
}

fn of_json(body: &serde_json::Map<String, Value>) -> String {
    let mut said = body.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
    for error in body.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let error = match error {
            Value::String(text) => text.clone(),
            Value::Object(fields) => match fields.get("message").and_then(Value::as_str) {
                Some(text) => text.to_owned(),
                None => named_fields(fields),
            },
            _ => continue,
        };
        if !said.is_empty() {
            said.push_str("; ");
        }
        said.push_str(&error);
    }
    said
}

/// `{"resource": "Credential", "code": "invalid"}` → `resource Credential, code invalid`.
fn named_fields(fields: &serde_json::Map<String, Value>) -> String {
    let named = |(name, value): (&String, &Value)| value.as_str().map(|value| format!("{name} {value}"));
    fields.iter().filter_map(named).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(prefix: &str) -> String {
        format!("{prefix}{}", "aB3".repeat(12))
    }

    #[test]
    fn tokens_do_not_come_through() {
        for kind in Kind::GITHUB {
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
    fn githubs_errors_are_said_in_full() {
        let reply = |body: &str| Reply { status: 422, headers: Vec::new(), body: body.as_bytes().to_vec() };
        let body = r#"{"message":"Validation Failed","errors":["a",{"message":"b"},{"code":"invalid"},7]}"#;
        assert_eq!(of(&reply(body)), "Validation Failed; a; b; code invalid");
        assert_eq!(of(&reply(r#"{"errors":["a"]}"#)), "a");
        assert_eq!(of(&reply("null")), "");
        assert_eq!(of(&reply("plain\nwords")), "plain words");
        assert_eq!(of(&reply("<!DOCTYPE html><p>x")), "an HTML page, not GitHub's JSON");
    }
}
