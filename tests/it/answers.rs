//! What the server answers, and what becomes of the tokens: nothing lost, nothing sent beyond the quota.

use std::time::Duration;

use crate::support::fixture::{Fixture, state};
use crate::support::github::{Flavour, GitHub, Misbehaviour, Script};
use crate::support::http::ReceivedRequest;
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

/// How many slots of the hour are taken at another address.
fn slots(fixture: &Fixture, api_url: &str) -> u64 {
    let ledger = fixture.ledger();
    let ledger = ledger.to_str().expect("a path of text");
    let ran = fixture.sandbox.run(&["status", "-f", "json", "--api-url", api_url, "--ledger", ledger]);
    let status: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    status["requests_last_hour"].as_u64().expect("a number")
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
    // Of what is found again only what was refused is sent again: it may have been a misunderstanding.
    let before = fixture.github.requests().len();
    assert_eq!(fixture.run(&SEND).code, 3);
    let again: Vec<String> =
        fixture.github.requests().split_off(before).iter().flat_map(ReceivedRequest::tokens).collect();
    assert!(again.iter().all(|token| [&tokens[333], &tokens[777]].contains(&token)), "{}", again.len());
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
    assert_eq!(fixture.github.requests().len(), 1, "the same address again leads to the same answer");
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
    assert_eq!(slots(&fixture, &closed), 0, "what never left takes no slot");
    assert!(!stderr.contains(&tokens[0]));
    // Waiting for another host is not waiting for this one, and is reported.
    let ran = fixture.run(&["resume"]);
    assert_eq!((ran.code, fixture.github.requests().len()), (3, 0));
    assert!(ran.stderr.contains("2 tokens wait for http://127.0.0.1:"), "{}", ran.stderr);
}

#[test]
fn what_is_torn_or_not_githubs_is_no_verdict() {
    for (seed, answer) in [
        (116, "HTTP/1.1 202 X\r\nx-github-request-id: C0DE:1\r\ncontent-length: 90\r\n\r\n{"),
        (
            117,
            "HTTP/1.1 422 X\r\ncontent-type: application/json\r\nx-github-request-id: C0DE:1\r\n\
             content-length: 90\r\n\r\n{\"message\":\"Validation Failed\"}",
        ),
        (118, "HTTP/1.1 422 X\r\ncontent-length: 0\r\n\r\n"),
        (
            119,
            "HTTP/1.1 422 X\r\ncontent-type: application/json\r\ncontent-length: 31\r\n\r\n\
             {\"message\":\"Validation Failed\"}",
        ),
        (120, "HTTP/1.1 401 X\r\ncontent-length: 0\r\n\r\n"),
    ] {
        let mut fixture = Fixture::new(seed);
        let tokens = leak(&mut fixture, 1);
        fixture.github.misbehave(Misbehaviour::Raw(answer));
        let (code, report) = fixture.json(&SEND);
        assert_eq!((code, state(&report, &tokens[0])), (1, &"accepted".into()), "{answer}");
        assert_eq!(fixture.github.requests().len(), 2, "{answer}");
        check(&fixture, 0, 1);
    }
}

#[test]
fn an_answer_that_never_ends_ends_with_the_timeout() {
    let mut fixture = Fixture::new(121);
    let tokens = leak(&mut fixture, 3);
    fixture.github.misbehave(Misbehaviour::Drip);
    let (code, report) = fixture.json(&[&SEND[..], &["--timeout", "1"]].concat());
    assert_eq!((code, state(&report, &tokens[0])), (1, &"accepted".into()));
    assert_eq!(fixture.github.requests().len(), 2);
    check(&fixture, 0, 3);
}

#[cfg(unix)]
#[test]
fn ctrl_c_does_not_wait_for_an_answer_that_does_not_come() {
    use nix::sys::signal::{Signal, kill};
    for (seed, misbehaviour) in [(122, Misbehaviour::Hang), (123, Misbehaviour::Drip)] {
        let mut fixture = Fixture::new(seed);
        leak(&mut fixture, 3);
        fixture.github.misbehave(misbehaviour);
        let mut command = fixture.command(&[&SEND[..], &["--timeout", "600"]].concat());
        let mut child = command.spawn().expect("it starts");
        while fixture.github.requests().is_empty() {
            std::thread::sleep(Duration::from_millis(20));
        }
        let begin = std::time::Instant::now();
        let process = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("small"));
        kill(process, Signal::SIGINT).expect("a signal");
        let code = child.wait().expect("it ends").code();
        assert!(begin.elapsed() < Duration::from_mins(1), "{:?}", begin.elapsed());
        assert_eq!(code, Some(130));
        assert_eq!(fixture.github.requests().len(), 1);
        assert_eq!(fixture.status()["sent"], 3);
        fixture.trail();
    }
}

#[test]
fn a_proxy_that_wants_a_password_takes_no_slot() {
    let mut fixture = Fixture::new(124);
    leak(&mut fixture, 2);
    let proxy = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = proxy.local_addr().expect("an address");
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for mut stream in proxy.incoming().flatten() {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 407 X\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let url = "https://gateway.invalid";
    let mut command =
        fixture.sandbox.command(&[&SEND[..], &["--api-url", url, "--min-interval", "0"]].concat());
    command.env("HTTPS_PROXY", format!("http://{address}"));
    let output = command.arg("--ledger").arg(fixture.ledger()).output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(
        stderr.contains("the proxy wants a password") && stderr.contains("2 tokens still wait"),
        "{stderr}"
    );
    assert_eq!((slots(&fixture, url), asked.load(std::sync::atomic::Ordering::SeqCst)), (0, 1));
}

/// GitHub's documented limits: 900 points a minute, five for each deletion; at most a hundred requests at once.
#[test]
fn installation_tokens_do_not_wait_for_round_trips_and_keep_the_limits() {
    let script = Script { latency: Duration::from_secs(1), ..Script::of(Flavour::DotCom) };
    let mut fixture = Fixture::against(126, script);
    let tokens: Vec<String> = (0..20).map(|_| fixture.mint.token(Kind::AppInstallation)).collect();
    fixture.sandbox.write("f", tokens.join("\n"));
    let begin = std::time::Instant::now();
    let ran = fixture.run(&SEND);
    let took = begin.elapsed();
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("20 tokens of these revoked themselves"), "{}", ran.stderr);
    assert!(took < Duration::from_secs(14), "one after the other: {took:?}");
    let mut seen: Vec<std::time::Instant> = fixture.github.requests().iter().map(|seen| seen.at).collect();
    seen.sort();
    assert_eq!(seen.len(), 20);
    let close = seen.windows(6).filter(|six| six[5] - six[0] < Duration::from_millis(1500)).count();
    assert_eq!(close, 0, "more than 180 a minute");
    check(&fixture, 0, 20);
    fixture.assert_forgotten(&tokens);
}

#[test]
fn tokens_that_live_on_are_said_to() {
    let mut fixture = Fixture::against(125, Script { immortal: true, ..Script::of(Flavour::DotCom) });
    leak(&mut fixture, 3);
    let ran = fixture.run(&[&SEND[..], &["--confirm", "--wait", "1s"]].concat());
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("warning: 3 tokens still work:"), "{}", ran.stderr);
    check(&fixture, 0, 3);
}
