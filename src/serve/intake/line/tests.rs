use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::checksum::crc32_base62;

const HOSTS: [&str; 2] = ["https://api.example.test", "https://ghes.example.test/api/v3"];

/// Opens nothing, and takes everything that has the form of something sealed.
struct Unopened;

impl Envelopes for Unopened {
    fn open(&self, _: &str, line: SealedLine) -> Result<Secret, String> {
        let SealedLine { kind, fingerprint, bytes } = line;
        Ok(Secret::Sealed { kind, fingerprint, bytes })
    }
}

fn read(line: &[u8]) -> Result<Item, String> {
    let hosts = HOSTS.map(str::to_owned);
    Reader { hosts: &hosts, bearer: "ci", envelopes: &Unopened }.read(line)
}

fn minted(prefix: &str) -> String {
    let body = "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1";
    format!("{prefix}{body}{}", String::from_utf8_lossy(&crc32_base62(body.as_bytes())))
}

fn refused(line: &serde_json::Value) -> String {
    read(line.to_string().as_bytes()).map(drop).expect_err("refused")
}

#[test]
fn a_token_is_judged_whatever_the_line_says_of_it() {
    let token = minted("ghp_");
    let item = read(json!({"token": token}).to_string().as_bytes()).expect("taken");
    assert_eq!(
        (item.host.as_str(), item.by.as_str(), item.confidence, item.secret.kind()),
        (HOSTS[0], "ci", Confidence::Certain, Kind::pat())
    );
    let line =
        json!({"token": token, "confidence": "likely", "host": HOSTS[1], "place": "a:1", "by": "me@here"});
    let item = read(line.to_string().as_bytes()).expect("taken");
    assert_eq!(
        (item.host.as_str(), item.by.as_str(), item.confidence, item.place.as_str()),
        (HOSTS[1], "me@here via ci", Confidence::Likely, "a:1")
    );
    let longer = format!("{token}zZ9");
    assert!(refused(&json!({"token": longer})).contains("only likely"));
    assert!(refused(&json!({"token": longer, "confidence": "certain"})).contains("only likely"));
    let likely = read(json!({"token": longer, "confidence": "likely"}).to_string().as_bytes());
    assert_eq!(likely.map(|item| item.confidence), Ok(Confidence::Likely));
    let mut wrong = token.clone();
    wrong.replace_range(5..6, "_");
    for none in [wrong.as_str(), "hunter2", ""] {
        let problem = refused(&json!({"token": none, "confidence": "likely"}));
        assert!(problem.contains("no token"), "{problem}");
    }
}

#[test]
fn a_line_that_is_wrong_is_refused_with_a_reason_that_quotes_nothing_of_it() {
    let token = minted("ghp_");
    let sealed = json!({"sealed": "AAAA", "sha256": "0".repeat(64), "kind": "github-pat"});
    assert!(read(sealed.to_string().as_bytes()).is_ok());
    let without = |name: &str| {
        let mut line = sealed.clone();
        line.as_object_mut().expect("an object").remove(name);
        line
    };
    for (line, told) in [
        (json!({}), "is wanted"),
        (json!({"token": token, "sealed": "AAAA"}), "is wanted"),
        (json!({"token": token, "sha256": "0".repeat(64)}), "is wanted"),
        (json!({"token": token, token.clone(): 1}), "not known"),
        (json!({"token": [token]}), "another type"),
        (json!({"token": 1e300}), "another type"),
        (json!([token]), "another type"),
        (json!(token), "another type"),
        (json!({"token": token, "host": "https://evil.example"}), "no queue"),
        (json!({"token": token, "confidence": "lookalike"}), "confidence"),
        (without("sha256"), "sha256"),
        (without("kind"), "kind"),
        (json!({"sealed": "?", "sha256": "0".repeat(64), "kind": "github-pat"}), "base64"),
        (json!({"sealed": "AAAA", "sha256": "0".repeat(63), "kind": "github-pat"}), "sha256"),
        (json!({"sealed": "AAAA", "sha256": "0".repeat(64), "kind": "aws"}), "kind"),
        (json!({"token": token, "place": "x".repeat(MAX_LINE)}), "longer"),
    ] {
        let problem = refused(&line);
        assert!(problem.contains(told), "{told}: {problem}");
        assert!(!problem.contains(&token[6..]) && !problem.contains("evil"), "it is quoted");
    }
    let twice = format!(r#"{{"token": "{token}", "token": "{token}"}}"#);
    assert!(read(twice.as_bytes()).is_err_and(|problem| problem.contains("twice")));
    let half = &twice.as_bytes()[..20];
    assert!(read(half).is_err_and(|problem| problem.contains("in the middle")));
    let deep = "[".repeat(10_000);
    assert!(read(deep.as_bytes()).is_err());
    assert!(read(b"{\"token\": \"\xff\"}").is_err());
}

/// What a line may say.
const NAMES: [&str; 9] = ["token", "sealed", "sha256", "kind", "confidence", "place", "host", "by", "x"];

/// Something that may stand in a line.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let text = prop_oneof![
        Just(minted("ghp_")),
        Just(minted("ghs_")),
        Just("github-pat".to_owned()),
        Just("certain".to_owned()),
        Just("0".repeat(64)),
        Just("AAAA".to_owned()),
        Just(HOSTS[0].to_owned()),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        text.prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
        Just(json!([1, {}])),
    ];
    prop::collection::vec((prop::sample::select(&NAMES[..]), leaf), 0..6)
        .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

proptest! {
    #[test]
    fn whatever_a_line_holds_it_is_taken_or_refused_and_never_quoted(line in value()) {
        let token = minted("ghp_");
        if let Err(problem) = read(line.to_string().as_bytes()) {
            prop_assert!(!problem.contains(&token[6..]));
        }
    }

    #[test]
    fn so_are_bytes(line in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&line).is_err());
    }

    #[test]
    fn and_a_line_that_was_cut_or_changed(cut in 0_usize..80, flip in any::<(usize, u8)>()) {
        let line = json!({"token": minted("ghp_"), "place": "a"}).to_string().into_bytes();
        let mut changed = line.clone();
        let at = flip.0 % changed.len();
        changed[at] ^= flip.1;
        // It may be another token's kind, or another place; what is taken is proven still.
        if let Ok(item) = read(&changed) {
            prop_assert_eq!(item.confidence, Confidence::Certain);
        }
        prop_assert!(cut >= line.len() || read(&line[..cut]).is_err());
    }
}
