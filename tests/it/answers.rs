//! What the server answers, and what becomes of the tokens: nothing lost, nothing sent beyond the quota.

use std::time::Duration;

use crate::support::front::{Front, state};
use crate::support::github::{Flavour, GitHub, Mischief};
use crate::support::mint::Kind;

const SEND: [&str; 3] = ["scan", "--revoke", "--yes"];

/// Some tokens in a file.
fn leak(front: &mut Front, count: usize) -> Vec<String> {
    let tokens: Vec<String> = (0..count).map(|_| front.mint.token(Kind::Pat)).collect();
    front.world.write("f", tokens.join("\n"));
    tokens
}

/// So many tokens wait and so many are accepted, and the trail holds.
fn check(front: &Front, queued: u64, accepted: u64) {
    let status = front.status();
    let waiting = status["queued"].as_u64().unwrap_or(99) + status["sent"].as_u64().unwrap_or(99);
    assert_eq!((waiting, status["accepted"].as_u64()), (queued, Some(accepted)), "{status}");
    front.trail();
}

#[test]
fn a_bad_token_is_found_by_bisection_and_the_rest_accepted() {
    let mut front = Front::new(101);
    let tokens = leak(&mut front, 1000);
    front.github.poison(&tokens[333]);
    front.github.poison(&tokens[777]);
    let (code, report) = front.json(&SEND);
    assert_eq!(code, 3);
    for (n, token) in tokens.iter().enumerate() {
        let wanted = if [333, 777].contains(&n) { "refused" } else { "accepted" };
        assert_eq!(state(&report, token), wanted, "token {n}");
    }
    let status = front.status();
    assert_eq!((&status["refused"], &status["accepted"]), (&2.into(), &998.into()));
    assert!(front.github.seen().len() <= 42, "{} requests", front.github.seen().len());
    // Refused: never again.
    let before = front.github.seen().len();
    assert_eq!(front.run(&SEND).code, 3);
    assert_eq!(front.github.seen().len(), before);
    front.trail();
}

#[test]
fn spam_stops_the_run_and_keeps_everything() {
    let mut front = Front::new(102);
    let tokens = leak(&mut front, 3);
    front.github.misbehave(Mischief::Spammed);
    let (code, report) = front.json(&SEND);
    assert_eq!((code, state(&report, &tokens[0])), (3, &"queued".into()));
    assert_eq!(front.github.seen().len(), 1);
    let status = front.status();
    let next: jiff::Timestamp = status["next_slot"].as_str().expect("a slot").parse().expect("a time");
    let pause = Duration::try_from(next.duration_since(jiff::Timestamp::now())).expect("later");
    assert!(pause > Duration::from_mins(10), "{pause:?}");
    // Nothing is sent until then.
    let ran = front.run(&["resume"]);
    assert_eq!((ran.code, front.github.seen().len()), (3, 1));
    assert!(ran.stderr.contains("next slot at ") && ran.stderr.contains("stanch resume"), "{}", ran.stderr);
    front.an_hour_passes();
    assert_eq!(front.run(&["resume"]).code, 0);
    check(&front, 0, 3);
    front.assert_forgotten(&tokens);
}

#[test]
fn limits_are_believed_and_not_tested() {
    for (seed, mischief) in [
        (103, Mischief::PrimaryLimit),
        (104, Mischief::SecondaryLimit { retry_after: Some(1800) }),
        (105, Mischief::SecondaryLimit { retry_after: None }),
    ] {
        let mut front = Front::new(seed);
        leak(&mut front, 3);
        front.github.misbehave(mischief);
        assert_eq!(front.run(&SEND).code, 3);
        assert_eq!(front.run(&["resume"]).code, 3);
        assert_eq!(front.github.seen().len(), 1);
        front.an_hour_passes();
        let ran = front.run(&["resume"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        check(&front, 0, 3);
    }
}

#[test]
fn a_short_limit_is_waited_for_with_wait() {
    let mut front = Front::new(106);
    leak(&mut front, 3);
    front.github.misbehave(Mischief::SecondaryLimit { retry_after: Some(2) });
    let ran = front.run(&[&SEND[..], &["--wait", "30s", "."]].concat());
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let seen = front.github.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen[1].at - seen[0].at >= Duration::from_millis(1900));
}

#[test]
fn trouble_is_tried_again_and_each_try_is_a_slot() {
    for (seed, mischief) in [
        (107, Mischief::ServerError),
        (108, Mischief::HtmlBadGateway),
        (109, Mischief::DropUnread),
        (110, Mischief::DropProcessed),
    ] {
        let mut front = Front::new(seed);
        let tokens = leak(&mut front, 3);
        front.github.misbehave(mischief);
        let (code, report) = front.json(&SEND);
        assert_eq!((code, state(&report, &tokens[0])), (1, &"accepted".into()));
        assert_eq!(front.status()["requests_last_hour"], 2);
        check(&front, 0, 3);
        front.assert_forgotten(&tokens);
    }
}

#[test]
fn trouble_that_does_not_end_is_given_up() {
    let mut front = Front::new(111);
    let tokens = leak(&mut front, 3);
    for _ in 0..20 {
        front.github.misbehave(Mischief::ServerError);
    }
    let (code, report) = front.json(&SEND);
    assert_eq!((code, state(&report, &tokens[0])), (3, &"queued".into()));
    assert_eq!(front.github.seen().len(), 5);
    check(&front, 3, 0);
}

#[test]
fn a_missing_response_ends_with_the_timeout_and_is_sent_again() {
    let mut front = Front::new(112);
    let tokens = leak(&mut front, 3);
    front.github.misbehave(Mischief::Hang);
    let (code, report) = front.json(&[&SEND[..], &["--timeout", "1"]].concat());
    assert_eq!((code, state(&report, &tokens[0])), (1, &"accepted".into()));
    assert_eq!(front.github.seen().len(), 2);
    check(&front, 0, 3);
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = GitHub::start(Flavour::DotCom);
    let mut front = Front::new(113);
    leak(&mut front, 3);
    for _ in 0..5 {
        front.github.misbehave(Mischief::Redirect(format!("{}/credentials/revoke", elsewhere.api_url())));
    }
    let ran = front.run(&SEND);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("redirect") || ran.stderr.contains("Redirect"), "{}", ran.stderr);
    assert_eq!(elsewhere.seen().len(), 0);
    check(&front, 3, 0);
}

#[test]
fn a_server_that_repeats_tokens_does_not_get_them_printed_or_kept() {
    let mut front = Front::new(114);
    let tokens = leak(&mut front, 1);
    front.github.misbehave(Mischief::Echo);
    let ran = front.run(&SEND);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains(&tokens[0]));
    }
    assert_eq!(front.status()["refused"], 1);
    front.assert_forgotten(&tokens);
    assert!(front.trail().iter().all(|record| !record.to_string().contains(&tokens[0])));
}

#[test]
fn a_host_that_does_not_listen_keeps_everything() {
    let mut front = Front::new(115);
    let tokens = leak(&mut front, 2);
    let closed = GitHub::start(Flavour::DotCom).api_url();
    let mut command =
        front.world.command(&[&SEND[..], &["--api-url", &closed, "--min-interval", "0"]].concat());
    let output = command.arg("--ledger").arg(front.ledger()).output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("2 tokens still wait"), "{stderr}");
    assert!(!stderr.contains(&tokens[0]));
    // Waiting for another host is not waiting for this one, and is reported.
    let ran = front.run(&["resume"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("2 tokens for 127.0.0.1:"), "{}", ran.stderr);
}
