//! Tokens in the text of a configuration: plain, percent-decoded, and in runs of base64.
//!
//! This errs towards more: a text that is not a token costs a fingerprint, a token overlooked costs its owner.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memmem;
use zeroize::Zeroizing;

use crate::rule;
use crate::token::Kind;

/// Behind a prefix, less than this is no token.
const SHORTEST_BODY: usize = 16;

/// Fewer base64 characters than this hold no token.
const SHORTEST_RUN: usize = 24;

/// Base64 as tools write it: with padding or without, and with whatever in the last bits.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Hands every text that may be a token to `found`, some of them more than once.
pub(super) fn tokens(text: &[u8], found: &mut dyn FnMut(&[u8])) {
    plain(text, found);
    base64_runs(text, found);
    if let Some(decoded) = percent_decoded(text) {
        plain(&decoded, found);
        base64_runs(&decoded, found);
    }
}

fn plain(text: &[u8], found: &mut dyn FnMut(&[u8])) {
    for kind in rule::kinds() {
        for at in memmem::find_iter(text, kind.prefix()) {
            candidates(&text[at..], kind, found);
        }
    }
}

/// Where a token ends follows from its kind or from the character behind it; each reading counts.
fn candidates(text: &[u8], kind: Kind, found: &mut dyn FnMut(&[u8])) {
    let prefix = kind.prefix().len();
    let end_of = |also: &[u8]| {
        let part = |byte: &u8| byte.is_ascii_alphanumeric() || also.contains(byte);
        prefix + text[prefix..].iter().position(|byte| !part(byte)).unwrap_or(text.len() - prefix)
    };
    let mut ends = vec![end_of(b"_"), end_of(b"")];
    ends.push(kind.length().min(ends[0]));
    if kind.is_stateless() {
        let long = end_of(b"_.-");
        let unpunctuated =
            text[..long].iter().rposition(|byte| !b".-".contains(byte)).map_or(0, |last| last + 1);
        ends.extend([long, unpunctuated]);
    }
    ends.sort_unstable();
    ends.dedup();
    for end in ends {
        if end >= prefix + SHORTEST_BODY {
            found(&text[..end]);
        }
    }
}

/// Looks into runs that decode as base64 (RFC 4648, sections 4 and 5). A path may stand right before the encoded text,
/// so each alignment is tried.
fn base64_runs(text: &[u8], found: &mut dyn FnMut(&[u8])) {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    for run in text.split(|byte| !part(byte)).filter(|run| run.len() >= SHORTEST_RUN) {
        let standard: Zeroizing<Vec<u8>> = Zeroizing::new(
            run.iter()
                .map(|byte| match byte {
                    b'-' => b'+',
                    b'_' => b'/',
                    other => *other,
                })
                .collect(),
        );
        for skipped in 0..4 {
            let whole = &standard[skipped..];
            // A single character behind the last group of four holds no byte.
            let whole = &whole[..whole.len() - usize::from(whole.len() % 4 == 1)];
            if let Ok(decoded) = BASE64.decode(whole) {
                plain(&Zeroizing::new(decoded), found);
            }
        }
    }
}

/// The text with `%xx` decoded, if there is any in it.
fn percent_decoded(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    memchr::memchr(b'%', text)?;
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let decoded = escape(text, at..at + 3);
        out.push(decoded.unwrap_or(*byte));
        at += if decoded.is_some() { 3 } else { 1 };
    }
    Some(out)
}

fn escape(text: &[u8], at: Range<usize>) -> Option<u8> {
    let [b'%', high, low] = text.get(at)? else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;
    use crate::checksum::crc32_base62;

    fn found(text: impl AsRef<[u8]>) -> Vec<String> {
        let mut out = Vec::new();
        tokens(text.as_ref(), &mut |token| out.push(String::from_utf8_lossy(token).into_owned()));
        out
    }

    fn token(prefix: &str, body: usize) -> String {
        let body: String = "aB3dE5gH7".chars().cycle().take(body - 6).collect();
        let sum = crc32_base62(body.as_bytes());
        format!("{prefix}{body}{}", String::from_utf8_lossy(&sum))
    }

    #[test]
    fn tokens_are_found_however_a_tool_wrote_them() {
        let pat = token("ghp_", 36);
        for text in [
            pat.clone(),
            format!("oauth_token: \"{pat}\"\n"),
            format!("https://octocat:{pat}@github.com/a/b"),
            format!("https://octocat%3A{pat}%40github.com").replace('_', "%5F"),
            format!("AUTHORIZATION: basic {}", STANDARD.encode(format!("x-access-token:{pat}"))),
            format!(r#"{{"auth":"{}"}}"#, STANDARD.encode(format!("a:{pat}"))),
            format!("_auth={}", URL_SAFE_NO_PAD.encode(format!("ab:{pat}"))),
            format!("/x/{}", STANDARD.encode(format!("abc:{pat}"))),
            STANDARD.encode(format!("a:{pat}")).replace('=', "%3D"),
            format!("{pat}_suffix"),
            format!("{pat}suffix"),
        ] {
            assert!(found(&text).contains(&pat), "in {} characters", text.len());
        }
    }

    #[test]
    fn each_kind_is_found_in_its_length() {
        for (prefix, body) in
            [("ghp_", 36), ("gho_", 36), ("ghu_", 36), ("ghs_", 36), ("ghr_", 76), ("github_pat_", 82)]
        {
            let token = token(prefix, body);
            assert!(found(format!("{token}AAAA")).contains(&token), "{prefix}");
            assert!(found(format!("{token}AAAA")).contains(&format!("{token}AAAA")), "{prefix}");
        }
    }

    #[test]
    fn the_long_form_of_an_installation_token_is_one() {
        let jwt = format!("ghs_123456_{}.{}.{}-", "eyJa".repeat(6), "eyJb".repeat(6), "c-2_".repeat(6));
        assert!(found(format!("token {jwt}")).contains(&jwt));
        assert!(found(format!("It is {jwt}x.")).contains(&format!("{jwt}x")));
    }

    #[test]
    fn what_is_no_token_is_not_found() {
        let nothing =
            ["", "ghp_", "%", "%4", "%zz", "ghp_short", "plain words and / paths / of / any / length"];
        for text in nothing {
            assert!(found(text).is_empty(), "{text}");
        }
    }
}
