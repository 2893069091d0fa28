//! What the server answers, and what becomes of the tokens: nothing lost, nothing sent beyond the quota.

use std::time::Duration;

use crate::support::fixture::{Fixture, state};
use crate::support::github::{Flavour, GitHub, Misbehaviour};
use crate::support::mint::Kind;

const SEND: [&str; 3] = ["scan", "--revoke", "--yes"];

/// Some tokens in a file.
fn leak(fixture: &mut Fixture, count: usize) -> Vec<String> {
    let tokens: Vec<String> = (0..count).map(|_| fixture.mint.token(Kind::Pat)).collect();
    fixture.sandbox.write("f", tokens.join("\n"));
    tokens
}

/// So many tokens wait and so many are accepted, and the trail holds.
fn check(fixture: &Fixture, queued: u64, accepted: u64) {
    let status = fixture.status();
    let waiting = status["queued"].as_u64().unwrap_or(99) + status["sent"].as_u64().unwrap_or(99);
    assert_eq!((waiting, status["accepted"].as_u64()), (queued, Some(accepted)), "{status}");
    fixture.trail();
}

#[test]
fn a_bad_token_is_found_by_bisection_and_the_rest_accepted() {
    let mut fixture = Fixture::new(101);
    let tokens = leak(&mut fixture, 1000);
    fixture.github.reject(&tokens[333]);
    fixture.github.reject(&tokens[777]);
    let (code, report) = fixture.json(&SEND);
    assert_eq!(code, 3);
    for (n, token) in tokens.iter().enumerate() {
        let wanted = if [333, 777].contains(&n) { "refused" } else { "accepted" };
        assert_eq!(state(&report, token), wanted, "token {n}");
    }
    let status = fixture.status();
    assert_eq!((&status["refused"], &status["accepted"]), (&2.into(), &998.into()));
    assert!(fixture.github.requests().len() <= 42, "{} requests", fixture.github.requests().len());
    // Found again, the refused ones are asked about again, and no others: a refusal may have been a misunderstanding.
    let before = fixture.github.requests().len();
    assert_eq!(fixture.run(&SEND).code, 3);
    let again = &fixture.github.requests()[before..];
    assert!(again.iter().all(|request| request.tokens().len() <= 2), "{} requests", again.len());
    fixture.trail();
}

#[test]
fn spam_stops_the_run_and_keeps_everything() {
    let mut fixture = Fixture::new(102);
    let tokens = leak(&mut fixture, 3);
    fixture.github.misbehave(Misbehaviour::Spammed);
    let (code, report) = fixture.json(&SEND);
    assert_eq!((code, state(&report, &tokens[0])), (3, &"queued".into()));
    assert_eq!(fixture.github.requests().len(), 1);
    let status = fixture.status();
    let next: jiff::Timestamp = status["next_slot"].as_str().expect("a slot").parse().expect("a time");
    let pause = Duration::try_from(next.duration_since(jiff::Timestamp::now())).expect("later");
    assert!(pause > Duration::from_mins(10), "{pause:?}");
    // Nothing is sent until then.
    let ran = fixture.run(&["resume"]);
    assert_eq!((ran.code, fixture.github.requests().len()), (3, 1));
    assert!(ran.stderr.contains("next slot at ") && ran.stderr.contains("stanch resume"), "{}", ran.stderr);
    fixture.an_hour_passes();
    assert_eq!(fixture.run(&["resume"]).code, 0);
    check(&fixture, 0, 3);
    fixture.assert_forgotten(&tokens);
}

#[test]
fn limits_are_believed_and_not_tested() {
    for (seed, misbehaviour) in [
        (103, Misbehaviour::PrimaryLimit),
        (104, Misbehaviour::SecondaryLimit { retry_after: Some(1800) }),
        (105, Misbehaviour::SecondaryLimit { retry_after: None }),
    ] {
        let mut fixture = Fixture::new(seed);
        leak(&mut fixture, 3);
        fixture.github.misbehave(misbehaviour);
        assert_eq!(fixture.run(&SEND).code, 3);
        assert_eq!(fixture.run(&["resume"]).code, 3);
        assert_eq!(fixture.github.requests().len(), 1);
        fixture.an_hour_passes();
        let ran = fixture.run(&["resume"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        check(&fixture, 0, 3);
    }
}

#[test]
fn a_short_limit_is_waited_for_with_wait() {
    let mut fixture = Fixture::new(106);
    leak(&mut fixture, 3);
    fixture.github.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(2) });
    let ran = fixture.run(&[&SEND[..], &["--wait", "30s", "."]].concat());
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let seen = fixture.github.requests();
    assert_eq!(seen.len(), 2);
    assert!(seen[1].at - seen[0].at >= Duration::from_millis(1900));
}

#[test]
fn trouble_is_tried_again_and_each_try_is_a_slot() {
    for (seed, misbehaviour) in [
        (107, Misbehaviour::ServerError),
        (108, Misbehaviour::HtmlBadGateway),
        (109, Misbehaviour::DropUnread),
        (110, Misbehaviour::DropProcessed),
    ] {
        let mut fixture = Fixture::new(seed);
        let tokens = leak(&mut fixture, 3);
        fixture.github.misbehave(misbehaviour);
        let (code, report) = fixture.json(&SEND);
        assert_eq!((code, state(&report, &tokens[0])), (1, &"accepted".into()));
        assert_eq!(fixture.status()["requests_last_hour"], 2);
        check(&fixture, 0, 3);
        fixture.assert_forgotten(&tokens);
    }
}

#[test]
fn trouble_that_does_not_end_is_given_up() {
    let mut fixture = Fixture::new(111);
    let tokens = leak(&mut fixture, 3);
    for _ in 0..20 {
        fixture.github.misbehave(Misbehaviour::ServerError);
    }
    let (code, report) = fixture.json(&SEND);
    assert_eq!((code, state(&report, &tokens[0])), (3, &"queued".into()));
    assert_eq!(fixture.github.requests().len(), 5);
    check(&fixture, 3, 0);
}

#[test]
fn a_missing_response_ends_with_the_timeout_and_is_sent_again() {
    let mut fixture = Fixture::new(112);
    let tokens = leak(&mut fixture, 3);
    fixture.github.misbehave(Misbehaviour::Hang);
    let (code, report) = fixture.json(&[&SEND[..], &["--timeout", "1"]].concat());
    assert_eq!((code, state(&report, &tokens[0])), (1, &"accepted".into()));
    assert_eq!(fixture.github.requests().len(), 2);
    check(&fixture, 0, 3);
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = GitHub::start(Flavour::DotCom);
    let mut fixture = Fixture::new(113);
    leak(&mut fixture, 3);
    for _ in 0..5 {
        fixture
            .github
            .misbehave(Misbehaviour::Redirect(format!("{}/credentials/revoke", elsewhere.api_url())));
    }
    let ran = fixture.run(&SEND);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("redirect") || ran.stderr.contains("Redirect"), "{}", ran.stderr);
    assert_eq!(elsewhere.requests().len(), 0);
    check(&fixture, 3, 0);
}

#[test]
fn a_server_that_repeats_tokens_does_not_get_them_printed_or_kept() {
    let mut fixture = Fixture::new(114);
    let tokens = leak(&mut fixture, 1);
    fixture.github.misbehave(Misbehaviour::Echo);
    let ran = fixture.run(&SEND);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains(&tokens[0]));
    }
    assert_eq!(fixture.status()["refused"], 1);
    fixture.assert_forgotten(&tokens);
    assert!(fixture.trail().iter().all(|record| !record.to_string().contains(&tokens[0])));
}

#[test]
fn a_host_that_does_not_listen_keeps_everything() {
    let mut fixture = Fixture::new(115);
    let tokens = leak(&mut fixture, 2);
    let closed = GitHub::start(Flavour::DotCom).api_url();
    let mut command =
        fixture.sandbox.command(&[&SEND[..], &["--api-url", &closed, "--min-interval", "0"]].concat());
    let output = command.arg("--ledger").arg(fixture.ledger()).output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("2 tokens still wait"), "{stderr}");
    assert!(!stderr.contains(&tokens[0]));
    // Waiting for another host is not waiting for this one, and is reported.
    let ran = fixture.run(&["resume"]);
    assert_eq!((ran.code, fixture.github.requests().len()), (3, 0));
    assert!(ran.stderr.contains("2 tokens wait for http://127.0.0.1:"), "{}", ran.stderr);
}
