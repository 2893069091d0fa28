//! Where revocations go: hosts, servers and what they take, and what the environment says of them.

use serde_json::Value;

use crate::support::fixture::{Fixture, exists, state};
use crate::support::github::{Flavour, Script};
use crate::support::mint::{Kind, Mint};

const SEND: [&str; 3] = ["scan", "--revoke", "--yes"];

/// The kinds that a batch takes at github.com.
const BATCHABLE: [Kind; 5] = [Kind::Pat, Kind::FineGrainedPat, Kind::OAuth, Kind::AppUser, Kind::Refresh];

#[test]
fn hosts_are_checked_before_anything_is_sent() {
    let mut fixture = Fixture::new(12);
    fixture.sandbox.write("f", fixture.mint.token(Kind::Pat));
    for host in ["https://github.com/x", "user@host", "a b", "..", "host/path", "ho\u{202e}st"] {
        let ran = fixture.sandbox.run(&["scan", "--revoke", "--yes", "--host", host]);
        assert_eq!(ran.code, 2, "{host:?}: {}", ran.stderr);
    }
    let ran = fixture.sandbox.run(&["scan", "--revoke", "--yes", "--api-url", "http://ghes.example/api/v3"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("https"), "{}", ran.stderr);
}

/// A server with a credential it knows, and the environment variable that holds it.
fn server(seed: u64, release: Option<&'static str>) -> (Fixture, String) {
    let credential = Mint::new(seed + 1000).token(Kind::Pat);
    let script = Script { credential: credential.clone(), ..Script::of(Flavour::Server(release)) };
    (Fixture::against(seed, script), credential)
}

#[test]
fn a_server_takes_its_kinds_from_those_it_knows() {
    for (seed, release, takes) in
        [(14, Some("3.18"), 2), (15, Some("3.19"), 2), (16, Some("3.20"), 5), (17, None, 5)]
    {
        let (mut fixture, credential) = server(seed, release);
        let tokens: Vec<String> = BATCHABLE.into_iter().map(|kind| fixture.mint.token(kind)).collect();
        fixture.sandbox.write("f", tokens.join("\n"));
        let mut command = fixture.command(&[&SEND[..], &["-f", "json"]].concat());
        let output = command.env("GH_ENTERPRISE_TOKEN", &credential).output().expect("it runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let states: Vec<_> =
            tokens.iter().map(|token| state(&report, token).as_str().expect("a state")).collect();
        assert_eq!(states[..2], ["accepted", "accepted"], "{release:?}: {stderr}");
        let rest = if takes == 2 { "unsupported" } else { "accepted" };
        assert_eq!(states[2..], [rest; 3], "{release:?}: {stderr}");
        assert_eq!(output.status.code(), Some(if takes == 2 { 3 } else { 1 }), "{stderr}");
        let bearers = fixture.github.requests().into_iter().filter(|seen| seen.method == "POST");
        assert!(
            bearers
                .map(|seen| seen.bearer().map(str::to_owned))
                .all(|bearer| bearer.as_deref() == Some(&credential))
        );
        assert!(!stderr.contains(&credential));
        fixture.assert_forgotten(&[credential]);
    }
}

/// A server may count every request of a credential together: the question for its release takes a slot, too.
#[test]
fn the_question_for_a_servers_release_is_counted_like_a_batch() {
    let credential = Mint::new(1052).token(Kind::Pat);
    let script =
        Script { credential: credential.clone(), quota: 4, ..Script::of(Flavour::Server(Some("3.20"))) };
    let mut fixture = Fixture::against(52, script);
    for (run, (code, requests)) in [(1, 2), (1, 4), (3, 4), (3, 4)].into_iter().enumerate() {
        fixture.sandbox.write("f", fixture.mint.token(Kind::Pat));
        let output =
            fixture.command(&SEND).env("GH_ENTERPRISE_TOKEN", &credential).output().expect("it runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "run {run}: {stderr}");
        assert_eq!(fixture.github.requests().len(), requests, "run {run}: {stderr}");
        assert_eq!(stderr.contains("it takes no request now"), code == 3, "{stderr}");
    }
    let trail = fixture.trail();
    let of = |name: &str, value: &str| trail.iter().filter(|record| record[name] == value).count();
    assert_eq!((of("call", "GET /meta"), of("verdict", "answered")), (2, 2));
    let mut command = fixture.command(&["status", "-f", "json"]);
    let output = command.env("GH_ENTERPRISE_TOKEN", &credential).output().expect("it runs");
    let status: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(status["requests_last_hour"], 4, "{status}");
}

/// What surely never left takes none.
#[test]
fn a_question_that_never_left_takes_no_slot() {
    let (mut fixture, credential) = server(53, Some("3.20"));
    fixture.sandbox.write("f", fixture.mint.token(Kind::Pat));
    let closed = crate::support::github::GitHub::start(Flavour::Server(None)).api_url();
    for command in [&SEND[..], &["resume"]] {
        let arguments = [command, &["--api-url", &closed, "--min-interval", "0"]].concat();
        let mut command = fixture.sandbox.command(&arguments);
        command.env("GH_ENTERPRISE_TOKEN", &credential).arg("--ledger").arg(fixture.ledger());
        let output = command.output().expect("it runs");
        assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let mut command = fixture.sandbox.command(&["status", "-f", "json", "--api-url", &closed]);
    command.env("GH_ENTERPRISE_TOKEN", &credential).arg("--ledger").arg(fixture.ledger());
    let status: Value = serde_json::from_slice(&command.output().expect("it runs").stdout).expect("JSON");
    assert_eq!((&status["requests_last_hour"], &status["queued"]), (&0.into(), &1.into()), "{status}");
}

#[test]
fn a_server_refuses_credentials_that_cannot_do_it_before_anything_is_sent() {
    let (mut fixture, _) = server(18, Some("3.20"));
    fixture.sandbox.write("f", fixture.mint.token(Kind::Pat));
    for kind in [Kind::FineGrainedPat, Kind::AppUser, Kind::AppInstallation] {
        let credential = fixture.mint.token(kind);
        let output = fixture.command(&SEND).env("STANCH_AUTH_TOKEN", &credential).output().expect("it runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(kind.prefix()) && !stderr.contains(&credential), "{stderr}");
    }
    let ran = fixture.run(&SEND);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    // github.com's variables are not for a server.
    let pat = fixture.mint.token(Kind::Pat);
    assert_eq!(fixture.command(&SEND).env("GH_TOKEN", pat).output().expect("it runs").status.code(), Some(2));
    assert_eq!(fixture.github.requests().len(), 0);
    assert!(!exists(&fixture.ledger()));
}

#[test]
fn a_server_too_old_is_a_refusal() {
    let (mut fixture, credential) = server(19, Some("3.17"));
    fixture.sandbox.write("f", fixture.mint.token(Kind::Pat));
    let output = fixture.command(&SEND).env("STANCH_AUTH_TOKEN", credential).output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    // The token was found, and remains.
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("3.18"), "{stderr}");
    assert!(fixture.github.requests().iter().all(|seen| seen.method == "GET"));
}

#[test]
fn a_host_is_not_asked_for_its_release_by_a_dry_run() {
    let mut mint = Mint::new(50);
    let script = Script { credential: mint.token(Kind::Pat), ..Script::of(Flavour::Server(Some("3.18"))) };
    let mut fixture = Fixture::against(51, script);
    fixture.sandbox.write("f", fixture.mint.token(Kind::Pat));
    let ran = fixture.run(&["scan", "--revoke", "--dry-run"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("GH_ENTERPRISE_TOKEN"), "{}", ran.stderr);
    assert_eq!(fixture.github.requests().len(), 0);
}

#[test]
fn the_environment_names_ledger_and_host() {
    let mut fixture = Fixture::new(20);
    fixture.sandbox.write("f", fixture.mint.token(Kind::Pat));
    let elsewhere = fixture.ledger().with_file_name("other.db");
    let mut command =
        fixture.sandbox.command(&[&SEND[..], &["--api-url", &fixture.github.api_url()]].concat());
    assert_eq!(command.env("STANCH_LEDGER", &elsewhere).status().expect("it runs").code(), Some(1));
    assert!(exists(&elsewhere) && !exists(&fixture.ledger()));
    // The only host in a ledger is what a status is about where none is named.
    let mut command = fixture.sandbox.command(&["status", "-f", "json"]);
    let output = command.env("STANCH_LEDGER", &elsewhere).output().expect("it runs");
    let status: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&status["accepted"], &status["requests_last_hour"]), (&1.into(), &1.into()));
    assert_eq!(status["ledger"], elsewhere.to_str().expect("text"));
    // The default path, below the state directory.
    let state = fixture.ledger().with_file_name("xdg");
    let mut command =
        fixture.sandbox.command(&[&SEND[..], &["--api-url", &fixture.github.api_url()]].concat());
    assert_eq!(command.env("XDG_STATE_HOME", &state).status().expect("it runs").code(), Some(1));
    assert!(exists(&state.join("stanch/ledger.db")));
}

#[test]
fn a_variable_that_holds_no_credential_stops_nobody_at_github_com() {
    let mut fixture = Fixture::new(24);
    fixture.sandbox.write("f", fixture.mint.token(Kind::Pat));
    for (name, arguments) in [("GH_TOKEN", &SEND[..]), ("STANCH_AUTH_TOKEN", &["status"])] {
        let output = fixture.command(arguments).env(name, "two words").output().expect("it runs");
        assert_ne!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(fixture.github.accepted().len(), 1);
}
