//! What stands behind a prefix: a token, something like one, or nothing.

use crate::checksum::{classic_holds, fine_grained_holds, jwt_holds, looks_made_up, owner_id};
use crate::finding::Confidence::{self, Certain, Likely, Lookalike};
use crate::rule::{Checksum, Rule};
use crate::token::Kind;

/// The length that tokens without a dot may grow to, as GitHub says.
const PLAIN: usize = 255;

/// Where the header of a stateless token ends at the latest: today's is about 40 bytes.
const HEADER: usize = 640;

/// The verdict on one place.
pub(super) struct Judged {
    pub(super) len: usize,
    pub(super) confidence: Confidence,
    pub(super) reason: &'static str,
    pub(super) owner_id: Option<u32>,
}

/// Judges the text at `at`, where the rule's prefix stands.
///
/// A checksum that holds settles it, whatever stands around: the chance that it does so by accident is one in
/// 2^32 (2^40 for fine-grained tokens). Without one, the text must stand on its own.
pub(super) fn judge(rule: &Rule, bytes: &[u8], at: usize) -> Option<Judged> {
    let reach = &bytes[at..bytes.len().min(at + rule.longest)];
    if let Some(token) = reach.get(..rule.length)
        && proven(rule, token)
    {
        let owner_id = if rule.kind == Kind::FineGrainedPat { owner_id(token) } else { None };
        return Some(Judged { len: rule.length, confidence: Certain, reason: "", owner_id });
    }
    // The cheap test first: most prefixes without a proof are glued to other text.
    if !stands_free(bytes, at) {
        return None;
    }
    let reach = &reach[..plausible(reach)];
    let len = rule.shape.len_at_start(reach)?;
    // A run that goes on behind the longest token is no token: it is somebody's data.
    if len == reach.len() && bytes.get(at + len).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let (confidence, reason) = unproven(rule, &reach[..len])?;
    Some(Judged { len, confidence, reason, owner_id: None })
}

/// How much of `reach` the shape needs to see. Only the stateless form is longer than [`PLAIN`], and its header ends in
/// a dot soon: without this look, a wall of half-tokens would cost the longest match for each of them.
fn plausible(reach: &[u8]) -> usize {
    let header = &reach[..reach.len().min(HEADER)];
    if memchr::memchr(b'.', header).is_some() { reach.len() } else { reach.len().min(PLAIN) }
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

/// Whether the text at `at` starts on its own rather than in the middle of a word.
///
/// The letter of an escape (`\n`, `\t`, `%3D`, a terminal's `ESC [ 31 m`) belongs to what stands before it.
fn stands_free(bytes: &[u8], at: usize) -> bool {
    let before = &bytes[..at];
    match before {
        [] | [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'0'] => true,
        [.., last] if !last.is_ascii_alphanumeric() && *last != b'_' => true,
        [.., b'%', high, low] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        [.., b'm'] => ends_a_colour(before),
        _ => false,
    }
}

/// Whether the text ends in a terminal's colour sequence: `ESC [`, digits and semicolons, `m`.
fn ends_a_colour(before: &[u8]) -> bool {
    let tail = &before[before.len().saturating_sub(16)..before.len() - 1];
    let digits = tail.iter().rev().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
    tail[..tail.len() - digits].ends_with(b"\x1b[")
}
