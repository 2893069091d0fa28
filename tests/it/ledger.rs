//! `ledger`: making one, saying what is wrong with it, sealing it anew, copying it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::support::cmd::Ran;
use crate::support::fixture::Fixture;
use crate::support::github::Misbehaviour;
use crate::support::mint::Kind;

fn run(fixture: &Fixture, verb: &str, arguments: &[&str]) -> Ran {
    fixture.sandbox.run(&[&["ledger", verb], arguments].concat())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

/// A fixture in which one token was accepted, and two wait after their server asked for patience.
fn waiting(seed: u64) -> (Fixture, Vec<String>) {
    let mut fixture = Fixture::new(seed);
    let done = fixture.mint.token(Kind::Pat);
    fixture.sandbox.write("done", &done);
    assert_eq!(fixture.run(&["revoke", "--yes", "done"]).code, 0);
    let tokens = vec![fixture.mint.token(Kind::Pat), fixture.mint.token(Kind::OAuth)];
    fixture.sandbox.write("f", tokens.join("\n"));
    fixture.github.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(3600) });
    assert_eq!(fixture.run(&["revoke", "--yes", "f"]).code, 3);
    (fixture, tokens)
}

#[test]
fn a_ledger_is_made_once() {
    let fixture = Fixture::new(8201);
    let ledger = fixture.ledger();
    for said in ["is ready", "is there already"] {
        let made = run(&fixture, "init", &[text(&ledger)]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        assert!(made.stdout.contains(said), "{}", made.stdout);
    }
    let checked = run(&fixture, "check", &["--ledger", text(&ledger)]);
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    assert!(checked.stdout.contains("is whole"), "{}", checked.stdout);
    assert_eq!(run(&fixture, "check", &["nowhere.db"]).code, 2);
}

#[test]
fn what_is_wrong_is_said_in_words() {
    let (fixture, _) = waiting(8202);
    let ledger = fixture.ledger();
    assert_eq!(run(&fixture, "check", &[text(&ledger)]).code, 0);
    for (damage, said) in [
        ("UPDATE sealed SET bytes = zeroblob(length(bytes))", "cannot be opened"),
        ("DELETE FROM sealed", "without their sealed text"),
        ("UPDATE token SET state = 'gone' WHERE state = 'accepted'", "state that there is not"),
        ("DROP TRIGGER audit_is_append_only_2; DELETE FROM audit WHERE seq > 3", "audit trail"),
    ] {
        fixture.database().execute_batch(damage).expect("SQL");
        let checked = run(&fixture, "check", &[text(&ledger)]);
        assert_eq!(checked.code, 2, "{damage}: {}", checked.stdout);
        assert!(checked.stderr.contains(said), "{damage}: {}", checked.stderr);
    }
    fs::write(&ledger, "not a database at all, whatever its name says").expect("a file");
    assert_eq!(run(&fixture, "check", &[text(&ledger)]).code, 2);
}

#[test]
fn a_new_key_keeps_what_waits() {
    let (fixture, tokens) = waiting(8203);
    let ledger = fixture.ledger();
    let key = ledger.with_file_name("ledger.db.key");
    let before = fs::read(&key).expect("a key");
    let used = fixture.status()["requests_last_hour"].clone();
    let rekeyed = run(&fixture, "rekey", &[text(&ledger)]);
    assert_eq!(rekeyed.code, 0, "{}", rekeyed.stderr);
    assert!(rekeyed.stderr.contains("2 tokens sealed with a new key"), "{}", rekeyed.stderr);
    assert_ne!(fs::read(&key).expect("a key"), before);
    assert_eq!(fs::metadata(&key).expect("a key").mode() & 0o777, 0o600);
    assert_eq!(fixture.status()["requests_last_hour"], used, "a quota forgotten");
    fixture.an_hour_passes();
    assert_eq!(fixture.run(&["resume"]).code, 0);
    for token in &tokens {
        assert!(fixture.github.accepted().contains(token));
    }
    assert!(fixture.trail().iter().any(|record| record["event"] == "rekey"));
}

#[test]
fn a_lost_key_sets_aside_what_it_opened() {
    let (fixture, tokens) = waiting(8204);
    let ledger = fixture.ledger();
    fs::remove_file(ledger.with_file_name("ledger.db.key")).expect("a key");
    let nobody = run(&fixture, "rekey", &[text(&ledger)]);
    assert_eq!(nobody.code, 2, "{}", nobody.stderr);
    assert!(nobody.stderr.contains("2 tokens cannot be opened"), "{}", nobody.stderr);
    let rekeyed = run(&fixture, "rekey", &["--yes", text(&ledger)]);
    assert_eq!(rekeyed.code, 3, "{}", rekeyed.stderr);
    assert!(rekeyed.stderr.contains("scan again"), "{}", rekeyed.stderr);
    let status = fixture.status();
    assert_eq!((&status["held"], &status["queued"], &status["accepted"]), (&2.into(), &0.into(), &1.into()));
    assert_eq!(run(&fixture, "check", &[text(&ledger)]).code, 0);
    fixture.an_hour_passes();
    assert_eq!(fixture.run(&["revoke", "--yes", "f", "done"]).code, 0);
    assert!(fixture.github.accepted().contains(&tokens[0]));
    assert_eq!(fixture.github.accepted().len(), 3, "what was accepted was sent again");
}

#[test]
fn a_run_that_died_between_ledger_and_key_is_mended() {
    let (fixture, tokens) = waiting(8205);
    let ledger = fixture.ledger();
    let (key, next) = (ledger.with_file_name("ledger.db.key"), ledger.with_file_name("ledger.db.key.next"));
    let old = fs::read(&key).expect("a key");
    fixture.an_hour_passes();
    assert_eq!(run(&fixture, "rekey", &[text(&ledger)]).code, 0);
    // As if the power had failed before the new key took the place of the old.
    fs::rename(&key, &next).expect("renamed");
    fs::copy(&next, &key).expect("a file with the same mode");
    fs::write(&key, old).expect("the old key");
    assert_eq!(fixture.run(&["resume"]).code, 0);
    assert!(fixture.github.accepted().contains(&tokens[0]));
    assert!(!next.exists());
}

#[test]
fn a_copy_is_a_ledger_with_its_key() {
    let (fixture, tokens) = waiting(8206);
    let copy = fixture.sandbox.path().join("copies/ledger.db");
    let copied = run(&fixture, "copy", &[text(&fixture.ledger()), text(&copy)]);
    assert_eq!(copied.code, 0, "{}", copied.stderr);
    assert!(copied.stdout.contains("the trail's head is"), "{}", copied.stdout);
    for path in [copy.clone(), copy.with_file_name("ledger.db.key")] {
        assert_eq!(fs::metadata(&path).expect("a file").mode() & 0o777, 0o600, "{}", path.display());
    }
    assert_eq!(run(&fixture, "check", &[text(&copy)]).code, 0);
    let again = run(&fixture, "copy", &[text(&fixture.ledger()), text(&copy)]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);
    let url = fixture.github.api_url();
    fixture.an_hour_passes();
    let release = ["queue", "release", "--yes", "--ledger", text(&copy)];
    assert_eq!(fixture.sandbox.run(&release).code, 0);
    let resumed =
        fixture.sandbox.run(&["resume", "--min-interval", "0", "--api-url", &url, "--ledger", text(&copy)]);
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    assert!(fixture.github.accepted().contains(&tokens[0]));
    assert_eq!(fs::read_dir(copy.parent().expect("a directory")).expect("listed").count(), 2);
}
