//! `stanch serve`: the real server, the scripted GitHub, and a ledger between them.

mod database;
mod garbage;
mod gitlab;
mod sealed;
mod tls;

use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;
use stanch::token::Fingerprint;

use crate::support::fixture::Fixture;
use crate::support::github::{Flavour, GitHub, Misbehaviour, Script};
use crate::support::intake::{BOTH, ENQUEUE, PATIENCE, READ, Serve, bearers, lines};
use crate::support::mint::Kind;

/// Batches leave at once.
const AT_ONCE: [&str; 2] = ["--coalesce", "0"];

fn minted(fixture: &mut Fixture, count: usize) -> Vec<String> {
    (0..count).map(|_| fixture.mint.token(Kind::Pat)).collect()
}

/// Waits until the server has accepted so many tokens.
fn await_accepted(fixture: &Fixture, count: usize, serve: &Serve) -> Vec<String> {
    let since = Instant::now();
    loop {
        let accepted = fixture.github.accepted();
        if accepted.len() >= count {
            return accepted;
        }
        assert!(since.elapsed() < PATIENCE, "{} of {count} accepted: {}", accepted.len(), serve.said());
        thread::sleep(Duration::from_millis(20));
    }
}

fn hash(token: &str) -> String {
    Fingerprint::of(token.as_bytes()).hex()
}

/// Waits until the intake says that a token is in a state.
fn await_state(serve: &Serve, token: &str, state: &str) {
    let since = Instant::now();
    loop {
        let told = serve.ask(&format!("GET /v1/tokens/{}", hash(token)), READ, "");
        if told.status == 200 && told.json()["state"] == state {
            return;
        }
        assert!(since.elapsed() < PATIENCE, "not {state}: {} {}", told.status, told.body);
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_is_handed_over_is_accepted_and_its_state_is_told() {
    let mut fixture = Fixture::new(9000);
    let serve = Serve::start(&fixture, &AT_ONCE);
    let tokens = minted(&mut fixture, 3);
    assert_eq!(serve.enqueue(&tokens), json!({"accepted": 3, "known": 0, "refused": []}));
    let mut accepted = await_accepted(&fixture, 3, &serve);
    accepted.sort();
    let mut expected = tokens.clone();
    expected.sort();
    assert!(accepted == expected, "something else was accepted");
    await_state(&serve, &tokens[0], "accepted");
    let told = serve.ask(&format!("GET /v1/tokens/{}", hash(&tokens[0])), READ, "").json();
    assert_eq!(
        (told["kind"].as_str(), told["host"].as_str(), told["sha256"].as_str()),
        (Some("github-pat"), Some(fixture.github.api_url().as_str()), Some(hash(&tokens[0]).as_str()))
    );
    assert!(told["request_id"].as_str().is_some_and(|id| id.starts_with("C0DE:")), "{told}");
    // The same again changes nothing, and nothing is sent twice.
    assert_eq!(serve.enqueue(&tokens), json!({"accepted": 0, "known": 3, "refused": []}));
    let unknown = serve.ask(&format!("GET /v1/tokens/{}", "0".repeat(64)), READ, "");
    assert_eq!(unknown.status, 404, "{}", unknown.body);
    let said = serve.stop();
    assert!(said.contains("3 tokens sent: accepted, request C0DE:"), "{said}");
    assert_eq!(fixture.github.accepted().len(), 3);
    for token in tokens.iter().map(String::as_str).chain([ENQUEUE, READ, BOTH]) {
        assert!(!said.contains(token), "a secret was printed");
    }
    let trail = fixture.trail();
    let queued = trail.iter().find(|record| record.to_string().contains("\"intake\"")).expect("a decision");
    assert!(queued.to_string().contains("\"by\":\"ci\""), "{queued}");
    let ended = trail.last().expect("a record");
    assert_eq!((&ended["event"], &ended["exit"]), (&json!("run-end"), &json!(0)), "{ended}");
    fixture.assert_forgotten(&tokens);
}

#[test]
fn tokens_that_come_one_after_the_other_leave_together() {
    let mut fixture = Fixture::new(9001);
    let serve = Serve::start(&fixture, &["--coalesce", "4s"]);
    let tokens = minted(&mut fixture, 10);
    for token in &tokens {
        serve.enqueue(std::slice::from_ref(token));
    }
    await_accepted(&fixture, 10, &serve);
    assert_eq!(fixture.github.requests().len(), 1, "{}", serve.said());
    // A full batch waits for nobody.
    let patient = Serve::start(&fixture, &["--coalesce", "10h"]);
    serve.stop();
    patient.enqueue(&minted(&mut fixture, 1000));
    await_accepted(&fixture, 1010, &patient);
    assert_eq!(fixture.github.requests().len(), 2, "{}", patient.said());
    patient.stop();
}

#[test]
fn each_role_may_do_what_is_its_own() {
    let mut fixture = Fixture::new(9002);
    let serve = Serve::start(&fixture, &["--no-drain"]);
    let body = lines(&minted(&mut fixture, 1));
    let state = format!("GET /v1/tokens/{}", "0".repeat(64));
    for (line, enqueue, read) in [
        ("POST /v1/tokens", 202, 403),
        (state.as_str(), 403, 404),
        ("GET /v1/key", 404, 404),
        ("GET /metrics", 403, 200),
        ("GET /v1/revocable_token_types", 200, 403),
        ("POST /v1/revoke_tokens", 400, 403),
    ] {
        for (bearer, expected) in [(ENQUEUE, enqueue), (READ, read)] {
            let answer = serve.ask(line, bearer, &body);
            assert_eq!(answer.status, expected, "{line}: {}", answer.body);
        }
        for nobody in [
            None,
            Some("Bearer "),
            Some(""),
            Some("Bearer another-token-0123456"),
            Some("Basic ZW5xdWV1ZQ=="),
        ] {
            let answer = serve.try_ask(line, nobody, &body).expect("an answer");
            assert_eq!(answer.status, 401, "{line}: {}", answer.body);
            assert!(answer.head.contains("www-authenticate: bearer"), "{}", answer.head);
        }
    }
    for line in ["GET /healthz", "GET /readyz"] {
        assert_eq!(serve.try_ask(line, None, "").map(|answer| answer.status), Some(200), "{line}");
    }
    for (line, status) in [("GET /", 404), ("GET /v1/tokens", 405), ("DELETE /v1/key", 405)] {
        assert_eq!(serve.ask(line, BOTH, "").status, status, "{line}");
    }
    let metrics = serve.ask("GET /metrics", BOTH, "").body;
    let base = fixture.github.api_url();
    for line in [
        r#"stanch_intake_requests_total{route="/v1/tokens",code="202"} 1"#.to_owned(),
        r#"stanch_intake_requests_total{route="/v1/tokens",code="403"} 1"#.to_owned(),
        r#"stanch_intake_requests_total{route="/v1/tokens",code="401"} 5"#.to_owned(),
        format!(r#"stanch_tokens{{host="{base}",state="queued"}} 1.0"#),
        format!(r#"stanch_waiting_tokens{{host="{base}",kind="github-pat"}} 1.0"#),
        "stanch_ledger_up 1".to_owned(),
    ] {
        assert!(metrics.lines().any(|known| known == line), "{line} is not in\n{metrics}");
    }
    let said = serve.stop();
    assert!(fixture.github.requests().is_empty(), "it drains: {said}");
}

#[test]
fn bearers_and_their_roles_are_read_again_and_a_broken_file_changes_nothing() {
    let fixture = Fixture::new(9003);
    let mut serve = Serve::start(&fixture, &["--no-drain"]);
    let status = |serve: &Serve, bearer: &str| serve.ask("GET /metrics", bearer, "").status;
    assert_eq!((status(&serve, READ), status(&serve, "a-new-token-0123456789")), (200, 401));
    bearers(&fixture, "a-new-token-0123456789 read\n");
    serve.signal(Signal::SIGHUP);
    serve.await_line("read the bearer tokens again: 1 of them");
    assert_eq!((status(&serve, READ), status(&serve, "a-new-token-0123456789")), (401, 200));
    bearers(&fixture, "a-new-token-0123456789 read\nshort read\n");
    serve.signal(Signal::SIGHUP);
    let line = serve.await_line("the bearer tokens stay as they were");
    assert!(line.contains("bearers:2: ") && !line.contains("short r"), "{line}");
    assert_eq!(status(&serve, "a-new-token-0123456789"), 200);
    serve.stop();
}

#[test]
fn it_ends_when_it_is_told_to_and_finishes_what_is_under_way() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        if crate::signal::is_ignored(signal) {
            continue;
        }
        let mut fixture = Fixture::new(9004);
        fixture.github.misbehave(Misbehaviour::Late(Duration::from_secs(2)));
        let serve = Serve::start(&fixture, &AT_ONCE);
        let tokens = minted(&mut fixture, 5);
        serve.enqueue(&tokens);
        let since = Instant::now();
        while fixture.github.requests().is_empty() {
            assert!(since.elapsed() < PATIENCE, "{}", serve.said());
            thread::sleep(Duration::from_millis(10));
        }
        serve.signal(signal);
        let (code, said) = serve.wait();
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("5 tokens sent: accepted"), "{said}");
        let status = fixture.status();
        assert_eq!((&status["accepted"], &status["sent"]), (&json!(5), &json!(0)), "{status}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once_and_nothing_is_lost() {
    if crate::signal::is_ignored(Signal::SIGTERM) {
        return;
    }
    let mut fixture = Fixture::new(9005);
    fixture.github.misbehave(Misbehaviour::Hang);
    let mut serve = Serve::start(&fixture, &AT_ONCE);
    let tokens = minted(&mut fixture, 5);
    serve.enqueue(&tokens);
    let since = Instant::now();
    while fixture.github.requests().is_empty() {
        assert!(since.elapsed() < PATIENCE, "{}", serve.said());
        thread::sleep(Duration::from_millis(10));
    }
    serve.signal(Signal::SIGTERM);
    serve.await_line("ending");
    serve.signal(Signal::SIGTERM);
    let (code, said) = serve.wait();
    assert_eq!(code, Some(130), "{said}");
    let ran = fixture.run(&["resume", "--wait"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(fixture.status()["accepted"], 5);
}

#[test]
fn killed_at_any_instant_it_loses_nothing_that_it_acknowledged() {
    let mut fixture = Fixture::new(9006);
    let (mut acknowledged, mut handed_over) = (Vec::new(), 0);
    for round in 0..8 {
        let serve = Serve::start(&fixture, &["--no-drain"]);
        let batches: Vec<Vec<String>> = (0..40).map(|_| minted(&mut fixture, 3)).collect();
        handed_over += batches.len() * 3;
        let delay = Duration::from_millis(fixture.mint.number() % 150);
        thread::scope(|scope| {
            let serve = &serve;
            scope.spawn(move || {
                thread::sleep(delay);
                serve.signal(Signal::SIGKILL);
            });
            for batch in &batches {
                // Each is repeated, as runners do that heard nothing.
                let answers: Vec<_> = (0..2)
                    .filter_map(|_| {
                        serve.try_ask("POST /v1/tokens", Some(&format!("Bearer {ENQUEUE}")), &lines(batch))
                    })
                    .collect();
                if answers.iter().any(|answer| answer.status == 202) {
                    acknowledged.extend(batch.iter().cloned());
                }
            }
        });
        drop(serve);
        assert!(round > 0 || !acknowledged.is_empty() || delay.as_millis() < 100, "nothing was acknowledged");
    }
    assert!(acknowledged.len() < handed_over, "none was killed in the middle");
    let serve = Serve::start(&fixture, &AT_ONCE);
    let since = Instant::now();
    loop {
        let accepted: std::collections::HashSet<String> = fixture.github.accepted().into_iter().collect();
        if acknowledged.iter().all(|token| accepted.contains(token)) {
            break;
        }
        assert!(since.elapsed() < PATIENCE, "{}", serve.said());
        thread::sleep(Duration::from_millis(50));
    }
    serve.stop();
    let accepted = fixture.github.accepted();
    let distinct: std::collections::HashSet<&String> = accepted.iter().collect();
    assert_eq!(distinct.len(), accepted.len(), "something was sent twice that was accepted");
    fixture.trail();
}

#[test]
fn two_servers_drain_one_ledger_and_nothing_is_sent_twice() {
    let mut fixture = Fixture::new(9007);
    let (one, other) = (Serve::start(&fixture, &AT_ONCE), Serve::start(&fixture, &AT_ONCE));
    let mut tokens = Vec::new();
    for round in 0..10 {
        let batch = minted(&mut fixture, 20);
        if round % 2 == 0 {
            one.enqueue(&batch)
        } else {
            other.enqueue(&batch)
        };
        tokens.extend(batch);
    }
    let mut accepted = await_accepted(&fixture, 200, &one);
    accepted.sort();
    tokens.sort();
    assert!(accepted == tokens, "{} accepted", accepted.len());
    one.stop();
    other.stop();
    fixture.trail();
}

#[test]
fn it_waits_for_the_quota_and_for_a_server_that_asks_it_to() {
    let mut fixture = Fixture::new(9008);
    fixture.github.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(3) });
    let serve = Serve::start(&fixture, &AT_ONCE);
    serve.enqueue(&minted(&mut fixture, 2));
    let since = Instant::now();
    while fixture.github.requests().is_empty() {
        assert!(since.elapsed() < PATIENCE, "{}", serve.said());
        thread::sleep(Duration::from_millis(10));
    }
    let held = |serve: &Serve| {
        let metrics = serve.ask("GET /metrics", READ, "").body;
        let line = metrics.lines().find(|line| line.starts_with("stanch_hold_until_timestamp_seconds{"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).is_some_and(|until| until > 1e9)
    };
    while !held(&serve) {
        assert!(since.elapsed() < PATIENCE, "no hold: {}", serve.said());
    }
    await_accepted(&fixture, 2, &serve);
    let metrics = serve.ask("GET /metrics", READ, "").body;
    assert!(metrics.contains(r#"answer="secondary-limit"} 1"#), "{metrics}");
    assert!(metrics.contains(r#"answer="accepted"} 1"#), "{metrics}");
    assert!(
        metrics.lines().any(|line| line.starts_with("stanch_quota_used{") && line.ends_with(" 2.0")),
        "{metrics}"
    );
    serve.stop();
}

#[test]
fn what_is_suppressed_or_its_own_does_not_leave() {
    let mut fixture = Fixture::new(9009);
    let [own, suppressed, other] = std::array::from_fn(|_| fixture.mint.token(Kind::Pat));
    let configuration = format!("[[allowlists]]\nsha256 = ['{}']\n", hash(&suppressed));
    fixture.sandbox.write("config.toml", configuration);
    std::fs::write(fixture.sandbox.home().join(".git-credentials"), format!("https://me:{own}@github.com\n"))
        .expect("a file");
    std::fs::write(fixture.sandbox.home().join(".gitconfig"), "[credential]\n\thelper = store\n")
        .expect("a file");
    let serve = Serve::start(&fixture, &["--coalesce", "0", "--config", "config.toml"]);
    let tokens = [own.clone(), suppressed.clone(), other.clone()];
    assert_eq!(serve.enqueue(&tokens)["accepted"], 3);
    await_accepted(&fixture, 1, &serve);
    for (token, state) in [(&own, "own"), (&suppressed, "withdrawn"), (&other, "accepted")] {
        await_state(&serve, token, state);
    }
    let said = serve.stop();
    assert_eq!(fixture.github.accepted(), [other]);
    assert!(said.contains("2 tokens were set aside"), "{said}");
}

#[test]
fn nobody_is_listened_to_where_tokens_would_cross_a_network_in_the_clear() {
    let fixture = Fixture::new(9010);
    let path = bearers(&fixture, &format!("{ENQUEUE} enqueue\n"));
    let path = path.to_str().expect("a path of text");
    for (arguments, told) in [
        (&["serve", "--listen", "0.0.0.0:0", "--intake-tokens", path][..], "in the clear"),
        (&["serve", "--listen", "[::]:0", "--intake-tokens", path], "in the clear"),
        (&["serve", "--listen", "127.0.0.1:0"], "--intake-tokens"),
        (&["serve", "--intake-tokens", path], "--listen"),
        (&["serve", "--no-drain"], "--listen"),
        (&["serve", "--listen", "127.0.0.1:0", "--intake-tokens", "none"], "none"),
        (
            &[
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--intake-tokens",
                path,
                "--tls-cert",
                "c",
                "--tls-key",
                "k",
            ],
            "--tls-cert",
        ),
        (&["serve", "--listen", "localhost", "--intake-tokens", path], "--listen"),
    ] {
        let ran = fixture.run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(told), "{arguments:?}: {}", ran.stderr);
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).expect("set");
    let ran = fixture.run(&["serve", "--listen", "127.0.0.1:0", "--intake-tokens", path]);
    assert!(ran.code == 2 && ran.stderr.contains("chmod 600"), "{}", ran.stderr);
    // A proxy in front of it is somebody's word.
    let serve = Serve::start(&fixture, &["--behind-proxy", "--no-drain"]);
    serve.stop();
}

#[test]
fn without_an_intake_it_drains_what_others_queued() {
    let mut fixture = Fixture::against(9011, Script::of(Flavour::DotCom));
    let tokens = minted(&mut fixture, 4);
    let mut serve = Serve::spawn(&fixture, &["serve", "--coalesce", "0"]);
    // What a run leaves behind that was refused for now.
    fixture.github.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(1) });
    fixture.feed(&["revoke", "--yes"], &tokens.join("\n"));
    await_accepted(&fixture, 4, &serve);
    serve.await_line("accepted");
    let said = serve.stop();
    assert!(said.contains("draining") && !said.contains("listening"), "{said}");
    assert_eq!(fixture.status()["accepted"], 4);
}

#[test]
fn what_waits_for_a_host_that_nobody_named_stays_and_is_told_of() {
    let mut fixture = Fixture::new(9012);
    let other = GitHub::start(Flavour::DotCom);
    other.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(1) });
    let token = fixture.mint.token(Kind::Pat);
    fixture.sandbox.write("leak", &token);
    let (ledger, url) = (fixture.ledger(), other.api_url());
    let ledger = ledger.to_str().expect("a path of text");
    let ran = fixture.sandbox.run(&["revoke", "leak", "--yes", "--api-url", &url, "--ledger", ledger]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let asked = other.requests().len();
    let mut serve = Serve::start(&fixture, &AT_ONCE);
    let line = serve.await_line("nothing is sent to");
    assert!(line.contains(&url), "{line}");
    serve.enqueue(&minted(&mut fixture, 1));
    await_accepted(&fixture, 1, &serve);
    serve.stop();
    assert_eq!(other.requests().len(), asked, "it was asked");
    // Nobody hands over anything for it either.
    let serve = Serve::start(&fixture, &AT_ONCE);
    let line = json!({"token": token, "host": url}).to_string();
    let answer = serve.ask("POST /v1/tokens", ENQUEUE, &line).json();
    assert_eq!((&answer["accepted"], &answer["refused"][0]["line"]), (&json!(0), &json!(1)), "{answer}");
    serve.stop();
}
