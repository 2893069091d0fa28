//! Tokens in the text of a configuration, whatever its format: what the detector finds, encodings included, and whatever
//! else may be one.
//!
//! This errs towards more: a text that is not a token costs a fingerprint, a token overlooked costs its owner.

use memchr::memmem;

use crate::detect::{Detector, Window};
use crate::rule;
use crate::token::Kind;

/// Behind a prefix, less than this is no token.
const SHORTEST_BODY: usize = 16;

/// How many encodings are decoded, one inside the other: a Docker `auth` in JSON, in base64, in UTF-16 is three.
const DECODE_DEPTH: usize = 4;

/// Finds what may be a token.
pub(super) struct Extractor(Detector);

impl Extractor {
    pub(super) fn new() -> Self {
        Extractor(Detector::new(rule::built_in()).with_decode_depth(DECODE_DEPTH))
    }

    /// Hands every text that may be a token to `found`, some of them more than once.
    pub(super) fn tokens(&self, text: &[u8], found: &mut dyn FnMut(&[u8])) {
        plain(text, found);
        self.0.scan(&Window::whole(text), &mut |hit| {
            found(hit.text);
            plain(hit.text, found);
        });
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

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;
    use crate::checksum::crc32_base62;

    fn found(text: impl AsRef<[u8]>) -> Vec<String> {
        let mut out = Vec::new();
        Extractor::new()
            .tokens(text.as_ref(), &mut |token| out.push(String::from_utf8_lossy(token).into_owned()));
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
