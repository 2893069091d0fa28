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
fn another_ledgers_key_erases_nothing() {
    let (fixture, _) = waiting(8216);
    let ledger = fixture.ledger();
    let key = ledger.with_file_name("ledger.db.key");
    let right = fs::read(&key).expect("a key");
    fs::write(&key, [7; 32]).expect("another key");
    let refused = run(&fixture, "rekey", &["--yes", text(&ledger)]);
    assert!(refused.code == 2 && refused.stderr.contains("put the right one back"), "{}", refused.stderr);
    fs::write(&key, right).expect("the key");
    let rekeyed = run(&fixture, "rekey", &[text(&ledger)]);
    assert!(rekeyed.code == 0 && rekeyed.stderr.contains("2 tokens sealed"), "{}", rekeyed.stderr);
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

#[test]
fn a_key_pair_is_made_once_and_kept_from_others() {
    let fixture = Fixture::new(8220);
    let key = fixture.sandbox.path().join("fleet.key");
    let made = run(&fixture, "keygen", &[text(&key)]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(made.stdout.contains("fleet.key.pub"), "{}", made.stdout);
    assert_eq!(fs::metadata(&key).expect("a key").mode() & 0o777, 0o600);
    let (private, public) =
        (fs::read(&key).expect("a key"), fs::read_to_string(key.with_extension("key.pub")));
    let public = public.expect("a public key");
    assert!(public.starts_with("stanch-key-v1 x25519 ") && public.lines().count() == 1, "{public}");
    let again = run(&fixture, "keygen", &[text(&key)]);
    assert_eq!(again.code, 2, "{}", again.stdout);
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);
    assert_eq!(fs::read(&key).expect("a key"), private, "a key was replaced");
    let secret = String::from_utf8(private).expect("text");
    let secret = secret.lines().last().and_then(|line| line.rsplit(' ').next()).expect("a key").to_owned();
    assert!(
        ![made.stdout, made.stderr, again.stdout, again.stderr].concat().contains(&secret),
        "it was printed"
    );
}

#[test]
fn a_file_takes_no_key_of_a_shared_ledger() {
    let (fixture, _) = waiting(8221);
    let key = fixture.sandbox.path().join("fleet.key");
    assert_eq!(run(&fixture, "keygen", &[text(&key)]).code, 0);
    let (ledger, public) = (fixture.ledger(), key.with_extension("key.pub"));
    for (verb, flags, said) in [
        ("init", ["--seal-to", text(&public)], "takes no --seal-to"),
        ("check", ["--key", text(&key)], "its key beside it"),
        ("rekey", ["--new-key", text(&public)], "makes its new key itself"),
    ] {
        let refused = run(&fixture, verb, &[&[text(&ledger)], &flags[..]].concat());
        assert_eq!(refused.code, 2, "{verb}: {}", refused.stdout);
        assert!(refused.stderr.contains(said), "{verb}: {}", refused.stderr);
    }
    let refused = fixture.run(&["resume", "--key", text(&key)]);
    assert_eq!(refused.code, 2, "{}", refused.stdout);
    // In the environment it is for another ledger.
    let mut command = fixture.command(&["status"]);
    assert!(command.env("STANCH_LEDGER_KEY_FILE", &key).status().expect("it runs").success());
}

#[test]
fn each_egress_has_a_quota_of_its_own() {
    let mut fixture = Fixture::new(8222);
    let tokens = [fixture.mint.token(Kind::Pat), fixture.mint.token(Kind::Pat)];
    for (egress, token) in [("nat-1", &tokens[0]), ("nat-2", &tokens[1])] {
        let revoked = fixture.feed(&["revoke", "--yes", "--egress", egress], token);
        assert_eq!(revoked.code, 0, "{}", revoked.stderr);
    }
    let used = |arguments: &[&str]| fixture.json(arguments).1["requests_last_hour"].clone();
    assert_eq!(used(&["status", "--egress", "nat-1"]), 1);
    assert_eq!(used(&["status", "--egress", "nat-3"]), 0);
    let identities: Vec<String> = (fixture.trail().iter())
        .filter(|record| record["event"] == "intent")
        .map(|record| record["identity"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(identities, ["anonymous@nat-1", "anonymous@nat-2"]);
    let refused = fixture.run(&["status", "--egress", "a b"]);
    assert_eq!(refused.code, 2, "{}", refused.stdout);
    let mut command = fixture.command(&["status"]);
    let output = command.env("STANCH_EGRESS", "a@b").output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("STANCH_EGRESS"), "{said}");
}

#[test]
fn a_copy_to_where_nothing_can_be_says_why() {
    let (fixture, _) = waiting(8223);
    let ledger = fixture.ledger();
    for (to, said) in [
        ("https://intake.example.test", "is an intake"),
        ("postgres://stanch:hunter2@db.example.test/l", "PGPASSWORD"),
        ("redis://db.example.test", "redis"),
    ] {
        let refused = run(&fixture, "copy", &[text(&ledger), to]);
        assert_eq!(refused.code, 2, "{to}: {}", refused.stdout);
        assert!(refused.stderr.contains(said) && !refused.stderr.contains("hunter2"), "{}", refused.stderr);
    }
    assert_eq!(fixture.status()["queued"], 2, "a token was moved to nowhere");
}
