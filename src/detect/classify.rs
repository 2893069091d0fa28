//! What stands behind a prefix: a token, something like one, or nothing.

use super::decode::hex;
use crate::checksum::{classic_holds, fine_grained_holds, is_jwt_object, jwt_holds, looks_made_up, owner_id};
use crate::finding::Confidence::{self, Certain, Likely, Lookalike};
use crate::rule::{Checksum, Rule};

/// The length that tokens without a dot may grow to, as GitHub says.
pub(super) const PLAIN: usize = 255;

/// Where the header of a stateless token ends at the latest: today's is about 40 bytes.
pub(super) const HEADER: usize = 640;

/// The verdict on one place.
pub(super) struct Classified {
    pub(super) len: usize,
    pub(super) confidence: Confidence,
    pub(super) reason: &'static str,
    pub(super) owner_id: Option<u32>,
}

/// Judges the text at `at`, where the rule's prefix stands.
///
/// A checksum that holds settles it, whatever stands around: the chance that it does so by accident is one in
/// 2^32 (2^40 for fine-grained tokens). Without one, the text must stand on its own.
pub(super) fn classify(rule: &Rule, bytes: &[u8], at: usize) -> Option<Classified> {
    let reach = &bytes[at..bytes.len().min(at + rule.longest)];
    if let Some(proven) = prove(rule, reach) {
        return Some(proven);
    }
    // The cheap test first: most prefixes without a proof are glued to other text.
    if !stands_free(&bytes[..at]) {
        return None;
    }
    weigh(rule, reach, bytes.get(at + reach.len()).copied())
}

/// The verdict on a text that starts with a whole token, if its checksum holds.
pub(super) fn prove(rule: &Rule, text: &[u8]) -> Option<Classified> {
    let token = text.get(..rule.length).filter(|token| proven(rule, token))?;
    let owner_id = if rule.kind.names_owner() { owner_id(token) } else { None };
    Some(Classified { len: rule.length, confidence: Certain, reason: "", owner_id })
}

/// The verdict on a text that starts on its own with the rule's prefix, without a checksum; `next` stands behind it.
pub(super) fn weigh(rule: &Rule, text: &[u8], next: Option<u8>) -> Option<Classified> {
    let reach = &text[..plausible(rule, text)];
    let len = rule.shape.len_at_start(reach)?;
    let behind = text.get(len).copied().or(next);
    // A run that goes on behind the longest token is no token: it is somebody's data.
    if len == reach.len() && behind.is_some_and(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let (confidence, reason) = unproven(rule, &reach[..len])?;
    Some(Classified { len, confidence, reason, owner_id: None })
}

/// How much of `reach` the shape needs to see: only the stateless form is longer than [`PLAIN`].
fn plausible(rule: &Rule, reach: &[u8]) -> usize {
    if starts_a_jwt(rule, reach) { reach.len() } else { reach.len().min(PLAIN) }
}

/// Whether a text goes on behind the prefix as only the stateless form does: digits, and a header that is JSON and ends
/// in a dot soon. Without this look, a wall of half-tokens would cost the longest match for each of them.
pub(super) fn starts_a_jwt(rule: &Rule, text: &[u8]) -> bool {
    let start = &text[..text.len().min(HEADER)];
    let header = memchr::memchr(b'.', start).and_then(|dot| start[..dot].get(rule.prefix.len()..));
    header.is_some_and(|header| {
        let split = memchr::memchr(b'_', header);
        split.is_some_and(|split| is_jwt_object(&header[split + 1..]))
    })
}

/// Whether the checksum of a text of the right length holds.
fn proven(rule: &Rule, token: &[u8]) -> bool {
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
        }
    }
}

/// What a free-standing text of the right shape is worth when nothing proves it.
fn unproven(rule: &Rule, text: &[u8]) -> Option<(Confidence, &'static str)> {
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

/// Whether what follows `before` starts on its own rather than in the middle of a word.
///
/// The letter of an escape (`\n`, `%3D`, `\u003d`, a terminal's `ESC [ 31 m`) belongs to what stands before it.
pub(super) fn stands_free(before: &[u8]) -> bool {
    match before {
        [] | [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'0'] => true,
        [.., last] if !in_word(*last) => true,
        [.., b'%', high, low] | [.., b'\\', b'x', high, low] | [.., b'\\', b'u', b'0', b'0', high, low] => {
            hex::pair(*high, *low).is_some_and(|byte| !in_word(byte))
        }
        [.., b'm'] => ends_a_colour(before),
        _ => false,
    }
}

fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether the text ends in a terminal's colour sequence: `ESC [`, digits and semicolons, `m`; the escape character
/// itself, or as programs write it.
fn ends_a_colour(before: &[u8]) -> bool {
    let tail = &before[before.len().saturating_sub(24)..before.len() - 1];
    let digits = tail.iter().rev().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
    let Some(escape) = tail[..tail.len() - digits].strip_suffix(b"[") else { return false };
    [&b"\x1b"[..], b"\\u001b", b"\\u001B", b"\\x1b", b"\\x1B", b"\\033", b"\\e"]
        .iter()
        .any(|spelled| escape.ends_with(spelled))
}
