#![allow(
    clippy::format_collect,
    clippy::format_push_string,
    clippy::type_complexity,
    clippy::similar_names,
    reason = "examples are written out, one a line"
)]
mod encoded;
mod pieces;

use proptest::prelude::*;

use super::*;
use crate::checksum::{crc32_base62, fine_grained_is_masked, sha256_base32};
use crate::rule;

fn detector() -> Detector {
    Detector::new(rule::built_in())
}

fn hits(bytes: &[u8]) -> Vec<(usize, usize, Confidence)> {
    let mut out = Vec::new();
    detector().scan(&Window::whole(bytes), &mut |hit| {
        out.push((hit.span.start, hit.span.len(), hit.confidence));
    });
    out
}

fn classic(prefix: &str, body: &str) -> String {
    let sum = crc32_base62(body.as_bytes());
    format!("{prefix}{body}{}", String::from_utf8_lossy(&sum))
}

/// Any valid token of the five types that carry a checksum.
fn any_token() -> impl Strategy<Value = String> {
    let short = (prop::sample::select(vec!["ghp_", "gho_", "ghu_", "ghs_"]), "[0-9A-Za-z]{30}")
        .prop_map(|(prefix, body)| classic(prefix, &body));
    let refresh = "[0-9A-Za-z]{70}".prop_map(|body| classic("ghr_", &body));
    let fine = ("[0-9A-Za-z]{22}", "[0-9A-Za-z]{43}", "[0-9A-Za-z]{8}").prop_map(|(first, second, tail)| {
        let signed = format!("github_pat_{first}_{second}");
        let sum = sha256_base32(signed.as_bytes());
        format!("{signed}{}{tail}", String::from_utf8_lossy(&sum))
    });
    // By chance, one in 10^5 looks masked.
    let fine = fine.prop_filter("masked", |token| !fine_grained_is_masked(token.as_bytes()));
    prop_oneof![short, refresh, fine]
}

/// So many cases, and no file of failed ones: it would contain tokens that a scanner takes for leaks.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn a_fine_grained_token_with_a_masked_end_is_a_lookalike() {
    let signed =
        format!("github_pat_{}_{}", "11AAGI73I0HFY8wJru4mTw", "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3bC5dE7fG9h");
    let covered = format!("{signed}{}", String::from_utf8_lossy(&sha256_base32(signed.as_bytes())));
    let found = |tail: &str| hits(format!("TOKEN={covered}{tail}\n").as_bytes());
    assert_eq!(found("fRZ3m3z3"), [(6, 93, Confidence::Certain)]);
    for tail in ["XXXXXXXX", "00000000", "12345678", "REDACTED", "m3XXXX9z", "XXXXXXXXXX"] {
        assert_eq!(found(tail), [(6, 85 + tail.len(), Confidence::Lookalike)], "{tail}");
    }
    for tail in ["********", "...", "…", "<redacted>", ""] {
        assert_eq!(found(tail), [(6, 85, Confidence::Lookalike)], "{tail}");
    }
    // Nor in the middle of a word, where nothing but a proof counts.
    assert_eq!(hits(format!("x{covered}XXXXXXXX").as_bytes()), []);
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn any_token_is_found_at_any_offset(
        token in any_token(),
        before in prop::collection::vec(any::<u8>(), 0..300),
        after in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let bytes = [&before, token.as_bytes(), &after].concat();
        prop_assert!(hits(&bytes).contains(&(before.len(), token.len(), Confidence::Certain)));
    }

    #[test]
    fn any_one_character_change_makes_it_no_longer_certain(
        token in any_token(), at in any::<prop::sample::Index>(), to in "[0-9A-Za-z]",
    ) {
        let mut bytes = token.clone().into_bytes();
        // The last eight characters of a fine-grained token are under no known checksum.
        let proven = if token.starts_with("github_pat_") { token.len() - 8 } else { token.len() };
        let at = at.index(proven);
        prop_assume!(bytes[at] != to.as_bytes()[0]);
        // The prefix is not hashed: a change of its third letter makes a token of another kind.
        prop_assume!(at >= 4);
        bytes[at] = to.as_bytes()[0];
        prop_assert!(hits(&bytes).iter().all(|hit| hit.2 != Confidence::Certain));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in "(ghp_|ghs_1_eyJ|github_pat_|[a-z0-9_.]|\\PC){0,400}") {
        hits(bytes.as_bytes());
    }
}

#[test]
fn rules_agree_with_their_examples() {
    let detector = detector();
    for rule in detector.rules() {
        for example in rule.positive() {
            assert!(detector.surest(example.as_bytes()) >= Some(Confidence::Likely), "{}", rule.id);
        }
        for example in rule.negative() {
            assert!(detector.surest(example.as_bytes()) <= Some(Confidence::Lookalike), "{}", rule.id);
        }
    }
}

#[test]
fn longer_forms_are_likely_and_placeholders_are_not() {
    let random = "Zq8LwT3vRk1XyB7nJc5HdM9sGf2PeA4uWi6KoQ0tVxYzUrNbEaSmCgDhFjLl";
    let classified = |text: &str| detector().surest(text.as_bytes());
    assert_eq!(classified(&format!("ghp_{random}")), Some(Confidence::Likely));
    assert_eq!(classified(&format!("xghp_{random}")), None);
    assert_eq!(classified(&format!("a\\nghp_{random}")), Some(Confidence::Likely));
    assert_eq!(classified(&format!("t%3Dghp_{random}")), Some(Confidence::Likely));
    assert_eq!(classified(&format!("\x1b[1;31mghp_{random}")), Some(Confidence::Likely));
    assert_eq!(classified(&format!("\\u001b[36mghp_{random}")), Some(Confidence::Likely));
    assert_eq!(classified(&format!("\\u003dghp_{random}")), Some(Confidence::Likely));
    assert_eq!(classified(&format!("\\u0041ghp_{random}")), None);
    assert_eq!(classified(&format!("t%41ghp_{random}")), None);
    assert_eq!(classified(&format!("farmghp_{random}")), None);
    assert_eq!(classified(&format!("ghr_{}", &random[..36])), Some(Confidence::Lookalike));
    assert_eq!(
        classified(&format!("github_pat_{}_{}", &random[..22], &random[..59])),
        Some(Confidence::Likely)
    );
    assert_eq!(classified("ghp_1234567890abcdef1234567890abcdef12345678"), Some(Confidence::Lookalike));
}

#[test]
fn a_window_reports_only_what_starts_within_it() {
    let token = classic("ghp_", &"aB3".repeat(10));
    let bytes = format!("{token} {token} {token}");
    let mut starts = Vec::new();
    let window = Window { bytes: bytes.as_bytes(), emit: 1..42, mark: None };
    detector().scan(&window, &mut |hit| starts.push(hit.span.start));
    assert_eq!(starts, [41]);
}

#[test]
fn redacting_leaves_no_token() {
    let token = classic("ghp_", &"aB3".repeat(10));
    let redacted = detector().redact(&format!("a/{token}/b-{token}"));
    let tail = &token[34..];
    assert_eq!(redacted, format!("a/ghp_…{tail}/b-ghp_…{tail}"));
}

/// A stateless token, whose signature is as long as that of RSA.
fn stateless(prefix: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let parts = [r#"{"alg":"RS256","typ":"JWT"}"#.as_bytes(), br#"{"iss":"github","exp":1}"#, &[0xa7; 256]];
    format!("{prefix}123456_{}", parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join("."))
}

#[test]
fn stateless_tokens_are_likely_from_their_first_character_to_their_last() {
    for token in [stateless("ghs_"), stateless("ghu_")] {
        let found = |text: &str| hits(text.as_bytes());
        assert_eq!(found(&format!("t={token}\"")), [(2, token.len(), Confidence::Likely)]);
        assert_eq!(found(&format!("t={token}.")), [(2, token.len(), Confidence::Likely)]);
        assert_eq!(found(&format!("t{token}")), []);
        // Longer than any token.
        assert_eq!(found(&format!("{token}{}", "A".repeat(4000))), []);
        // Without a payload, it is a word with a dot behind it.
        let header = token.split('.').next().unwrap_or_default();
        assert_eq!(found(&format!("{header}.example.org")), []);
    }
    assert_eq!(hits(stateless("ghp_").as_bytes()), []);
}

#[test]
fn a_token_glued_to_others_is_found_with_them() {
    let tokens = [classic("ghp_", &"aB3".repeat(10)), classic("ghs_", &"xY9".repeat(10))];
    let bytes = format!("ghp_gho_{0}{1}ghp_{0}", tokens[0], tokens[1]);
    let starts: Vec<_> = hits(bytes.as_bytes()).iter().map(|hit| (hit.0, hit.2)).collect();
    assert_eq!(starts, [8, 48, 92].map(|start| (start, Confidence::Certain)));
}
