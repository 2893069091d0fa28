//! `enterprise` and `org`: the kill switches, and what is written down of them.

use std::io::Read as _;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::support::fixture::{Fixture, exists};
use crate::support::github::{Flavour, Script};
use crate::support::mint::{Kind, Mint};

struct Switch {
    fixture: Fixture,
    credential: String,
}

impl Switch {
    fn new(seed: u64) -> Self {
        let credential = Mint::new(seed).token(Kind::Pat);
        let script = Script { credential: credential.clone(), ..Script::of(Flavour::DotCom) };
        Switch { fixture: Fixture::against(seed + 1, script), credential }
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output: Output =
            self.fixture.command(arguments).env("GH_TOKEN", &self.credential).output().expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert!(!stdout.contains(&self.credential) && !stderr.contains(&self.credential));
        (output.status.code().unwrap_or(-1), stdout, stderr)
    }

    /// What the trail has of the calls.
    fn calls(&self) -> Vec<Value> {
        self.fixture.trail().into_iter().filter(|record| record["event"] == "kill-switch").collect()
    }
}

#[test]
fn each_call_is_made_reported_and_written_down() {
    let switch = Switch::new(501);
    for (arguments, path, body) in [
        (
            &["enterprise", "revoke-all", "octo-corp"][..],
            "/enterprises/octo-corp/credential-authorizations/revoke-all",
            "",
        ),
        (
            &["enterprise", "revoke-all", "octo-corp", "--destroy-credentials"],
            "/enterprises/octo-corp/credential-authorizations/revoke-all",
            r#"{"revoke_credentials":true}"#,
        ),
        (
            &["enterprise", "revoke-user", "octo-corp", "mona[bot]", "--type", "ssh_key"],
            "/enterprises/octo-corp/credential-authorizations/mona%5Bbot%5D/revoke-credential-type",
            r#"{"credential_type":"ssh_key"}"#,
        ),
        (&["org", "revoke-all", "octo-org"], "/orgs/octo-org/credential-authorizations/revoke-all", ""),
        (
            &["org", "revoke-user", "octo-org", "mona"],
            "/orgs/octo-org/credential-authorizations/mona/revoke",
            "",
        ),
    ] {
        let (code, stdout, stderr) = switch.run(&[arguments, &["--yes"]].concat());
        assert_eq!(code, 0, "{stderr}");
        assert!(stdout.starts_with("202 accepted") && stdout.contains("are being revoked"), "{stdout}");
        assert!(stderr.contains("may be among them"), "{stderr}");
        let seen = switch.fixture.github.requests().pop().expect("a request");
        assert_eq!((seen.path.as_str(), seen.body.as_str()), (path, body));
        assert_eq!(seen.bearer(), Some(switch.credential.as_str()));
        let trail = switch.calls();
        let [.., before, after] = trail.as_slice() else { panic!("two records a call") };
        assert_eq!((&before["event"], &before["verdict"]), (&"kill-switch".into(), &"intent".into()));
        assert_eq!((&after["verdict"], &after["status"]), (&"accepted".into(), &202.into()));
        assert_eq!(after["call"], format!("POST {path}"));
    }
    switch.fixture.assert_forgotten(std::slice::from_ref(&switch.credential));
}

#[test]
fn githubs_own_messages_are_shown_when_it_refuses() {
    let switch = Switch::new(502);
    for (name, status, message) in [
        ("forbidden", "403", "Must have admin rights"),
        ("missing", "404", "Not Found"),
        ("unmanaged", "422", "Only for Enterprise Managed Users"),
    ] {
        let (code, stdout, stderr) = switch.run(&["enterprise", "revoke-all", name, "--yes"]);
        assert_eq!(code, 2, "{stderr}");
        assert!(stdout.contains(status) && stdout.contains(message), "{stdout}");
        assert_eq!(switch.calls().last().expect("a record")["verdict"], "refused");
    }
}

#[test]
fn many_users_and_types_are_many_calls_one_after_the_other() {
    let switch = Switch::new(503);
    let arguments = [
        "org",
        "revoke-user",
        "octo-org",
        "one",
        "missing",
        "two",
        "--type",
        "classic_pat",
        "--type",
        "ssh_key",
        "--yes",
    ];
    let (code, stdout, _) = switch.run(&arguments);
    assert_eq!((code, stdout.lines().count()), (2, 6), "{stdout}");
    assert_eq!(stdout.lines().filter(|line| line.starts_with("202")).count(), 4);
    assert_eq!(switch.fixture.github.requests().len(), 6);
}

#[test]
fn nothing_is_called_without_consent() {
    let switch = Switch::new(504);
    let (code, _, stderr) = switch.run(&["org", "revoke-all", "octo-org"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("--yes"), "{stderr}");
    let (code, stdout, stderr) =
        switch.run(&["enterprise", "revoke-all", "octo-corp", "--dry-run", "--destroy-credentials"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("POST /enterprises/octo-corp/credential-authorizations/revoke-all"), "{stdout}");
    assert!(stderr.contains("cannot be undone"), "{stderr}");
    // A dry run needs no credential; a real one does.
    assert_eq!(switch.fixture.run(&["org", "revoke-all", "octo-org", "--dry-run"]).code, 0);
    let ran = switch.fixture.run(&["org", "revoke-all", "octo-org", "--yes"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("GH_TOKEN"), "{}", ran.stderr);
    assert!(!exists(&switch.fixture.ledger()));
    assert_eq!(switch.fixture.github.requests().len(), 0);
}

#[test]
fn calls_github_does_not_offer_are_refused() {
    let switch = Switch::new(505);
    for arguments in [
        &["org", "revoke-all", "octo-org", "--destroy-credentials"][..],
        &["org", "revoke-user", "octo-org"],
        &["org", "revoke-all", "../enterprises/x"],
        &["org", "revoke-user", "octo-org", "a/b"],
        &["org", "revoke-all", ""],
        &["enterprise", "revoke-all", "octo-corp", "--type", "password"],
        &["enterprise", "revoke-all", "octo-corp", "--type", "oauth_app_token", "--destroy-credentials"],
        &["enterprise", "revoke-all", "octo-corp", "--host", "ghes.example"],
    ] {
        let mut command = switch.fixture.sandbox.command(&[arguments, &["--yes"]].concat());
        command.env("GH_TOKEN", &switch.credential).arg("--ledger").arg(switch.fixture.ledger());
        if !arguments.contains(&"--host") {
            command.args(["--api-url", &switch.fixture.github.api_url()]);
        }
        assert_eq!(command.output().expect("it runs").status.code(), Some(2), "{arguments:?}");
    }
    assert_eq!(switch.fixture.github.requests().len(), 0);
    assert!(!exists(&switch.fixture.ledger()));
}

#[test]
fn a_credential_that_dies_of_its_own_call_is_not_shown_again() {
    let switch = Switch::new(506);
    let other = Mint::new(507).token(Kind::Pat);
    let mut command = switch.fixture.command(&["org", "revoke-user", "octo-org", "a", "b", "c", "--yes"]);
    let output = command.env("STANCH_AUTH_TOKEN", other).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(switch.fixture.github.requests().len(), 1);
}

#[test]
fn nothing_is_called_where_the_ledger_cannot_be_used() {
    let switch = Switch::new(508);
    std::fs::create_dir_all(switch.fixture.ledger().parent().expect("a directory")).expect("a directory");
    std::fs::write(switch.fixture.ledger(), "not a database, and others can read it").expect("a file");
    let (code, _, stderr) = switch.run(&["org", "revoke-all", "octo-org", "--yes"]);
    assert_eq!(code, 2, "{stderr}");
    assert_eq!(switch.fixture.github.requests().len(), 0);
}

#[test]
fn a_limit_ends_the_list_and_is_remembered() {
    let switch = Switch::new(509);
    let users = ["one", "two", "limited", "four", "five"];
    let call = [&["enterprise", "revoke-user", "octo-corp"], &users[..], &["--yes"]].concat();
    let (code, stdout, stderr) = switch.run(&call);
    assert_eq!((code, switch.fixture.github.requests().len()), (2, 3), "{stderr}");
    assert!(
        stdout.contains("403 limited") && stderr.contains("asked for patience until"),
        "{stdout}{stderr}"
    );
    assert!(stderr.contains("not done for limited, four, five"), "{stderr}");
    assert!(!stdout.contains("admin:"), "a limit is taken for missing rights: {stdout}");
    assert_eq!(switch.calls().last().expect("a record")["verdict"], "limited");
    // A run at once afterwards, for the rest, asks nothing.
    let (code, _, stderr) = switch.run(&["enterprise", "revoke-user", "octo-corp", "four", "five", "--yes"]);
    assert_eq!((code, switch.fixture.github.requests().len()), (2, 3), "{stderr}");
    assert!(stderr.contains("not done for four, five") && stderr.contains("until"), "{stderr}");
    let status = switch.fixture.status();
    assert!(status["next_slot"].is_null(), "the limit of these calls holds the queue: {status}");
    // Time helps.
    switch.fixture.an_hour_passes();
    let (code, _, stderr) = switch.run(&["enterprise", "revoke-user", "octo-corp", "four", "five", "--yes"]);
    assert_eq!((code, switch.fixture.github.requests().len()), (0, 5), "{stderr}");
    let runs: Vec<Value> =
        switch.fixture.trail().into_iter().filter(|record| record["event"] == "run-end").collect();
    let ends: Vec<_> = runs.iter().map(|run| (run["ended"].as_str(), run["exit"].as_u64())).collect();
    assert_eq!(ends, [(Some("failed"), Some(2)), (Some("done"), Some(0))]);
}

#[test]
fn the_calls_go_on_when_nobody_reads_what_is_printed() {
    let switch = Switch::new(511);
    let mut command =
        switch.fixture.command(&["org", "revoke-user", "octo-org", "a", "b", "c", "d", "e", "--yes"]);
    command.env("GH_TOKEN", &switch.credential).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    drop(child.stdout.take());
    let mut told = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut told).expect("text");
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{told}");
    assert_eq!(switch.fixture.github.requests().len(), 5, "{told}");
    assert!(told.contains("standard output was closed"), "{told}");
    assert_eq!(told.lines().filter(|line| line.starts_with("202 accepted")).count(), 5, "{told}");
}
