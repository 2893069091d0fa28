use super::*;
use crate::finding::{Confidence, SetBy, Suppression};
use crate::token::{Kind, Token};

fn knows(text: &str, token: &[u8]) -> bool {
    let mut baseline = Baseline::default();
    baseline.add(text.as_bytes()).expect("a baseline");
    baseline.contains(Fingerprint::of(token)).is_some() || baseline.contains_truncated(token).is_some()
}

#[test]
fn every_format_is_read() {
    let hex = Fingerprint::of(b"token").hex();
    for text in [
        format!(r#"{{"version": 1, "findings": [{{"sha256": "{hex}", "rule": "x"}}]}}"#),
        format!(r#"{{"version": 1, "tool": "stanch", "baseline": [{{"sha256": "{hex}"}}]}}"#),
        format!("{{\"sha256\": \"{hex}\"}}\n{{\"summary\": {{}}}}\n"),
        r#" [{"Secret": "token", "Fingerprint": "a:b:1"}]"#.to_owned(),
    ] {
        assert!(knows(&text, b"token") && !knows(&text, b"other"), "{text}");
    }
    for empty in ["null", "[]", r#"{"findings": []}"#, "{\"summary\": {}}\n"] {
        assert!(!knows(empty, b"token"), "{empty}");
    }
}

#[test]
fn what_gitleaks_truncates_is_known_whole() {
    let token = format!("ghr_{}", "aB3".repeat(26));
    let text = format!(r#"[{{"Secret": "{}"}}]"#, &token[..TRUNCATED_LENGTH]);
    assert!(knows(&text, token.as_bytes()));
    assert!(!knows(&text, token.replacen('a', "c", 1).as_bytes()));
}

#[test]
fn what_gitleaks_reports_whole_is_known_whole() {
    // As long as a truncated refresh token, but of another kind; and a refresh token of another length.
    for token in [format!("ghp_{}", "aB3".repeat(12)), format!("ghr_{}", "aB3".repeat(13))] {
        let text = format!(r#"[{{"Secret": "{token}"}}]"#);
        assert!(knows(&text, token.as_bytes()));
        assert!(!knows(&text, format!("{token}c").as_bytes()), "nothing but this token");
    }
}

#[test]
fn an_entry_that_names_no_token_is_named_by_its_number() {
    let good = format!(r#"{{"sha256": "{}"}}"#, Fingerprint::of(b"token").hex());
    for (text, message) in [
        (format!("[{{}}, {good}]"), "entry 1 has neither"),
        (format!("[{good}, {{}}]"), "entry 2 has neither"),
        (format!(r#"[{good}, {{"sha256": "abc"}}]"#), "entry 2: `sha256` is not"),
    ] {
        let error = Baseline::default().add(text.as_bytes()).expect_err(message).to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn what_is_written_is_read_again_and_leaves_out_what_else_suppresses() {
    let finding = |number: usize, suppressed| {
        let text = format!("{}{}", Kind::pat().prefix(), number.to_string().repeat(36));
        Finding {
            rule: Arc::from(Kind::pat().rule_id()),
            token: Token::new(Kind::pat(), text.as_bytes()),
            confidence: Confidence::Certain,
            reason: "",
            owner_id: None,
            owner_login: None,
            suppressed,
            revocation: None,
            locations: smallvec::SmallVec::new(),
            more_locations: 0,
            more_unsuppressed: false,
        }
    };
    let by = |kind| Some(Box::new(Suppression { kind, set_by: SetBy::User, detail: Arc::from("x") }));
    let findings = [None, by(SuppressionKind::Baseline), by(SuppressionKind::Allowlist)];
    let findings: Vec<Finding> =
        findings.into_iter().enumerate().map(|(number, suppressed)| finding(number, suppressed)).collect();
    let mut out = Vec::new();
    write_baseline(findings.iter(), &mut out).expect("written");
    let mut baseline = Baseline::default();
    baseline.add(&out).expect("a baseline");
    let known = findings.iter().map(|finding| baseline.contains(finding.token.fingerprint()).is_some());
    assert_eq!(known.collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(baseline.hash_prefixes().count(), 2);
}

#[test]
fn redacted_entries_are_counted_as_unusable() {
    let mut baseline = Baseline::default();
    baseline.add(br#"[{"Secret": "REDACTED"}, {"Secret": "ghp_ab..."}]"#).expect("a baseline");
    assert_eq!(baseline.unusable(), 2);
}

#[test]
fn other_files_are_refused() {
    for text in ["", "hello", "{}", "[{}]", r#"{"findings": [{"sha256": "abc"}]}"#, "[1]"] {
        assert!(Baseline::default().add(text.as_bytes()).is_err(), "{text}");
    }
}
