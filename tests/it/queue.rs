//! `queue`: what waits and what became of it, and taking it into one's own hands.

use serde_json::Value;
use stanch::token::Fingerprint;

use crate::support::cmd::Ran;
use crate::support::fixture::Fixture;
use crate::support::github::Misbehaviour;
use crate::support::mint::Kind;

/// A command of a ledger alone: it is aimed at no host.
fn run(fixture: &Fixture, arguments: &[&str]) -> Ran {
    let ledger = fixture.ledger();
    fixture.sandbox.run(&[arguments, &["--ledger", ledger.to_str().expect("text")]].concat())
}

fn list(fixture: &Fixture, arguments: &[&str]) -> Vec<Value> {
    let ran = run(fixture, &[&["queue", "list", "-f", "json"], arguments].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).expect("an array")
}

/// A fixture whose server asked for an hour's patience: `kinds` wait.
fn waiting(seed: u64, kinds: &[Kind]) -> (Fixture, Vec<String>) {
    let mut fixture = Fixture::new(seed);
    let tokens: Vec<String> = kinds.iter().map(|kind| fixture.mint.token(*kind)).collect();
    fixture.sandbox.write("f", tokens.join("\n"));
    fixture.github.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(3600) });
    assert_eq!(fixture.run(&["revoke", "--yes", "f"]).code, 3);
    (fixture, tokens)
}

fn hash(token: &str) -> String {
    Fingerprint::of(token.as_bytes()).hex()
}

#[test]
fn tokens_are_listed_by_what_is_asked_for_and_never_whole() {
    let (fixture, tokens) = waiting(8001, &[Kind::Pat, Kind::OAuth, Kind::Pat]);
    let all = list(&fixture, &[]);
    assert_eq!(all.len(), 3);
    let first = all.iter().find(|token| token["sha256"] == hash(&tokens[1])).expect("listed");
    assert_eq!((&first["kind"], &first["state"]), (&"github-oauth".into(), &"queued".into()));
    assert!(first["location"].as_str().is_some_and(|location| location.contains("f:2")), "{first}");
    assert!(first["decided_by"].as_str().is_some_and(|by| by.contains('@')), "{first}");
    assert!(first["since"].as_str().is_some_and(|since| since.ends_with('Z')), "{first}");
    assert_eq!(list(&fixture, &["--kind", "gho_"]).len(), 1);
    assert_eq!(list(&fixture, &["--kind", "github-pat", "--limit", "1"]).len(), 1);
    assert_eq!(list(&fixture, &["--state", "accepted"]).len(), 0);
    assert_eq!(list(&fixture, &["--older-than", "1d"]).len(), 0);
    let host = fixture.github.api_url();
    assert_eq!(list(&fixture, &["--host", &host, "--state", "queued,sent"]).len(), 3);
    let unknown = run(&fixture, &["queue", "list", "--host", "ghe.example.com"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains(&host), "it does not say which there are: {}", unknown.stderr);

    let table = run(&fixture, &["queue", "list"]).stdout;
    assert!(table.starts_with("sha256") && table.contains(&hash(&tokens[0])[..16]), "{table}");
    let csv = run(&fixture, &["queue", "list", "-f", "csv"]).stdout;
    assert_eq!(
        csv.lines().next(),
        Some("sha256,kind,state,since,host,location,decided_by,scopes,expires_at")
    );
    assert_eq!(csv.lines().count(), 4);
    for token in &tokens {
        assert!(!table.contains(token) && !csv.contains(token));
    }
}

#[test]
fn what_is_taken_back_is_not_sent() {
    let (fixture, tokens) = waiting(8002, &[Kind::Pat, Kind::Pat, Kind::OAuth]);
    let prefix = &hash(&tokens[0])[..16];
    let nobody = run(&fixture, &["queue", "withdraw", prefix]);
    assert_eq!(nobody.code, 2);
    assert!(nobody.stderr.contains("--yes"), "{}", nobody.stderr);
    let mistyped = run(&fixture, &["queue", "withdraw", prefix, "0123456789abcdef", "--yes"]);
    assert_eq!(mistyped.code, 2, "{}", mistyped.stderr);
    assert_eq!(run(&fixture, &["queue", "withdraw", "--yes"]).code, 2, "nothing was chosen");
    assert_eq!(list(&fixture, &["--state", "queued"]).len(), 3, "nothing was changed so far");

    let taken = run(&fixture, &["queue", "withdraw", prefix, "--yes"]);
    assert_eq!(taken.code, 0, "{}", taken.stderr);
    assert!(taken.stderr.contains("1 token taken back"), "{}", taken.stderr);
    fixture.an_hour_passes();
    assert_eq!(fixture.run(&["resume"]).code, 0);
    assert!(!fixture.github.accepted().contains(&tokens[0]), "it was sent");
    assert_eq!(fixture.github.accepted().len(), 2);
    assert_eq!((&fixture.status()["withdrawn"], &fixture.status()["accepted"]), (&1.into(), &2.into()));

    // Its text is erased, so only a scan can queue it again; and what was accepted is final.
    let again = run(&fixture, &["queue", "requeue", "--all", "--yes"]);
    assert_eq!(again.code, 3, "{}", again.stderr);
    assert!(again.stderr.contains("scan again"), "{}", again.stderr);
    let done = run(&fixture, &["queue", "withdraw", &hash(&tokens[1]), "--yes"]);
    assert!(done.stderr.contains("accepted already"), "{}", done.stderr);
    assert_eq!(fixture.run(&["revoke", "--yes", "f"]).code, 0);
    assert!(fixture.github.accepted().contains(&tokens[0]));
    let events: Vec<Value> =
        fixture.trail().into_iter().filter(|record| record["event"] == "run-start").collect();
    let of_command =
        |event: &&Value| event["command"].as_str().is_some_and(|text| text.contains("queue withdraw"));
    assert!(events.iter().any(|event| of_command(&event)), "{events:?}");
}

#[test]
fn what_was_refused_can_be_tried_again() {
    let mut fixture = Fixture::new(8003);
    let token = fixture.mint.token(Kind::Pat);
    fixture.sandbox.write("f", &token);
    fixture.github.reject(&token);
    assert_eq!(fixture.run(&["revoke", "--yes", "f"]).code, 3);
    assert_eq!(fixture.status()["refused"], 1);
    fixture.github.forgive();
    let again = run(&fixture, &["queue", "requeue", "--state", "refused", "--yes"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(again.stderr.contains("1 token queued again"), "{}", again.stderr);
    assert_eq!(fixture.run(&["resume"]).code, 0);
    assert!(fixture.github.accepted().contains(&token));
    let sealed: u64 =
        fixture.database().query_row("SELECT count(*) FROM sealed", [], |row| row.get(0)).expect("SQL");
    assert_eq!(sealed, 0, "the text of what was accepted is kept");
}

#[test]
fn a_servers_hold_is_lifted_by_a_person_and_the_quota_is_not() {
    let (fixture, tokens) = waiting(8004, &[Kind::Pat]);
    assert_eq!(fixture.run(&["resume"]).code, 3, "it is held for an hour");
    assert_eq!(run(&fixture, &["queue", "release"]).code, 2, "nobody was asked");
    let lifted = run(&fixture, &["queue", "release", "--yes"]);
    assert_eq!(lifted.code, 0, "{}", lifted.stderr);
    assert!(lifted.stderr.contains("lifted"), "{}", lifted.stderr);
    assert_eq!(fixture.status()["requests_last_hour"], 1, "a request that left is forgotten");
    assert_eq!(fixture.run(&["resume"]).code, 0);
    assert!(fixture.github.accepted().contains(&tokens[0]));
    let nothing = run(&fixture, &["queue", "release", "--yes"]);
    assert!(nothing.stderr.contains("nothing is held"), "{}", nothing.stderr);
    assert!(fixture.trail().iter().any(|record| record["event"] == "release"));
}
