//! Whether a prefix starts a token, something like one, or nothing; and how sure that is.

use super::decode::hex;
use crate::checksum::{
    classic_holds, fine_grained_holds, fine_grained_is_masked, is_jwt_object, jwt_holds, looks_made_up,
    owner_id,
};
use crate::finding::Confidence::{self, Certain, Likely, Lookalike};
use crate::rule::{Checksum, Rule};

/// The length that tokens without a dot may grow to: GitHub asks integrators for room for 255 characters
/// (<https://github.blog/changelog/2021-03-31-authentication-token-format-updates-are-generally-available/>).
pub(super) const MAX_PLAIN_LENGTH: usize = 255;

/// Where the header of a stateless token ends at the latest, in bytes: today's is about 40 long.
pub(super) const MAX_JWT_HEADER: usize = 640;

/// A token, or something like one.
pub(super) struct Classified {
    /// In bytes, prefix included.
    pub(super) len: usize,
    pub(super) confidence: Confidence,
    pub(super) reason: &'static str,
    pub(super) owner_id: Option<u32>,
}

/// Classifies the text at `at`, where the rule's prefix is.
///
/// A checksum that holds is proof whatever the text is part of: the chance that it holds by accident is one in 2^32 (2^40
/// for fine-grained tokens). Without a checksum, the token must start a word.
pub(super) fn classify(rule: &Rule, bytes: &[u8], at: usize) -> Option<Classified> {
    let window = &bytes[at..bytes.len().min(at + rule.longest)];
    if let Some(proven) = classify_proven(rule, window) {
        return Some(proven);
    }
    // The cheap test first: most prefixes without a proof are in the middle of a word.
    if !starts_word(&bytes[..at]) {
        return None;
    }
    classify_unproven(rule, window, bytes.get(at + window.len()).copied())
}

/// Classifies a text that starts with a whole token, if its checksum holds.
pub(super) fn classify_proven(rule: &Rule, text: &[u8]) -> Option<Classified> {
    let token = text.get(..rule.length).filter(|token| checksum_holds(rule, token))?;
    let owner_id = if rule.kind.names_owner() { owner_id(token) } else { None };
    Some(Classified { len: rule.length, confidence: Certain, reason: "", owner_id })
}

/// Classifies a text that starts a word with the rule's prefix, without a checksum that holds; `next` follows the text.
pub(super) fn classify_unproven(rule: &Rule, text: &[u8], next: Option<u8>) -> Option<Classified> {
    let window = &text[..shape_window_len(rule, text)];
    let len = rule.shape.len_at_start(window)?;
    let following = text.get(len).copied().or(next);
    // A word that is longer than the longest token is no token: it is somebody's data.
    if len == window.len() && following.is_some_and(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let (confidence, reason) = confidence_without_proof(rule, &window[..len])?;
    Some(Classified { len, confidence, reason, owner_id: None })
}

/// How many bytes the shape is matched with: only the stateless form is longer than [`MAX_PLAIN_LENGTH`].
fn shape_window_len(rule: &Rule, window: &[u8]) -> usize {
    if starts_jwt(rule, window) { window.len() } else { window.len().min(MAX_PLAIN_LENGTH) }
}

/// Whether a text continues behind the prefix as only the stateless form does: digits, and a JWT's header (RFC 7519) that
/// ends in a dot soon. Without this test, text full of prefixes would cost the longest match for each of them.
pub(super) fn starts_jwt(rule: &Rule, text: &[u8]) -> bool {
    let start = &text[..text.len().min(MAX_JWT_HEADER)];
    let header = memchr::memchr(b'.', start).and_then(|dot| start[..dot].get(rule.prefix.len()..));
    header.is_some_and(|header| {
        let split = memchr::memchr(b'_', header);
        split.is_some_and(|split| is_jwt_object(&header[split + 1..]))
    })
}

/// Whether the checksum of a text of the right length holds.
fn checksum_holds(rule: &Rule, token: &[u8]) -> bool {
    let Some(body) = token.strip_prefix(rule.prefix.as_bytes()) else { return false };
    match rule.checksum {
        Checksum::Crc32Base62 => {
            body.iter().all(u8::is_ascii_alphanumeric) && classic_holds(token, rule.prefix.as_bytes())
        }
        Checksum::Sha256Base32 => {
            body.iter()
                .enumerate()
                .all(|(n, byte)| byte.is_ascii_alphanumeric() || (n == 22 && *byte == b'_'))
                && body.get(22) == Some(&b'_')
                && fine_grained_holds(token)
                // What is proven is the part before. A token whose end is gone is none any more.
                && !fine_grained_is_masked(token)
        }
    }
}

/// How sure a text of the right shape is that starts a word, when no checksum proves it; and why no surer.
fn confidence_without_proof(rule: &Rule, text: &[u8]) -> Option<(Confidence, &'static str)> {
    let body = text.strip_prefix(rule.prefix.as_bytes())?;
    if body.contains(&b'.') {
        let jwt = body.iter().position(|byte| *byte == b'_').and_then(|split| body.get(split + 1..))?;
        return Some(if jwt_holds(jwt) {
            (Likely, "the shape of a stateless token, which carries no checksum to test offline")
        } else {
            (Lookalike, "the parts of its JWT are not JSON")
        });
    }
    let made_up = looks_made_up(body);
    let whole = text.get(..rule.length).filter(|_| rule.checksum == Checksum::Sha256Base32);
    if whole.is_some_and(|token| fine_grained_holds(token) && fine_grained_is_masked(token)) {
        return Some((Lookalike, "its last eight characters, which no checksum covers, are masked"));
    }
    Some(match (rule.checksum, text.len().cmp(&rule.length)) {
        (_, std::cmp::Ordering::Less) => (Lookalike, "it is shorter than a token"),
        (Checksum::Crc32Base62, std::cmp::Ordering::Equal) => (Lookalike, "its checksum is wrong"),
        (Checksum::Crc32Base62, _) if made_up => (Lookalike, "its length and checksum are wrong"),
        (Checksum::Sha256Base32, _) if made_up => (Lookalike, "it is a written-out placeholder"),
        (Checksum::Sha256Base32, std::cmp::Ordering::Equal) => {
            (Likely, "the right shape, but its checksum does not hold")
        }
        (_, std::cmp::Ordering::Greater) => {
            (Likely, "longer than tokens are today, so there is no checksum to test")
        }
    })
}

/// Whether what follows `before` starts a word rather than continues one.
///
/// The last letter of an escape (`\n`, `%3D`, `\u003d`, a terminal's `ESC [ 31 m`) belongs to the escape, not to a word.
pub(super) fn starts_word(before: &[u8]) -> bool {
    match before {
        [] | [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'0'] => true,
        [.., last] if !is_word_byte(*last) => true,
        [.., b'%', high, low] | [.., b'\\', b'x', high, low] | [.., b'\\', b'u', b'0', b'0', high, low] => {
            hex::pair(*high, *low).is_some_and(|byte| !is_word_byte(byte))
        }
        [.., b'm'] => ends_color_sequence(before),
        _ => false,
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether the text ends in a terminal's color sequence (SGR, ECMA-48 section 8.3.117): `ESC [`, digits and semicolons, `m`,
/// where ESC is the character itself or an escape for it in source code.
fn ends_color_sequence(before: &[u8]) -> bool {
    let tail = &before[before.len().saturating_sub(24)..before.len() - 1];
    let digits = tail.iter().rev().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
    let Some(introducer) = tail[..tail.len() - digits].strip_suffix(b"[") else { return false };
    [&b"\x1b"[..], b"\\u001b", b"\\u001B", b"\\x1b", b"\\x1B", b"\\033", b"\\e"]
        .iter()
        .any(|escape| introducer.ends_with(escape))
}
