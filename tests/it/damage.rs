//! Ledgers that cannot be used: a clear error, and nothing sent that is not written down.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use rusqlite::Connection;

use crate::support::fixture::Fixture;
use crate::support::mint::Kind;

const SEND: [&str; 3] = ["scan", "--revoke", "--yes"];

/// A fixture with a ledger in which one token was accepted, and another token to send.
fn with_ledger(seed: u64) -> Fixture {
    let mut fixture = Fixture::new(seed);
    fixture.sandbox.write("f", fixture.mint.token(Kind::Pat));
    assert_eq!(fixture.run(&SEND).code, 1);
    fixture.sandbox.write("f", fixture.mint.token(Kind::Pat));
    fixture
}

/// Every command that needs the ledger fails with this message, and nothing more is sent.
fn assert_refused(fixture: &Fixture, message: &str) {
    let before = fixture.github.requests().len();
    for arguments in
        [&SEND[..], &["resume"], &["status"], &["revoke", "--yes", "f"], &["scan", "--revoke", "--dry-run"]]
    {
        let ran = fixture.run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(message), "{arguments:?}: {}", ran.stderr);
    }
    assert_eq!(fixture.github.requests().len(), before);
}

#[test]
fn a_ledger_that_others_can_read() {
    let fixture = with_ledger(301);
    fs::set_permissions(fixture.ledger(), Permissions::from_mode(0o644)).expect("chmod");
    assert_refused(&fixture, "chmod 600");
    fs::set_permissions(fixture.ledger(), Permissions::from_mode(0o600)).expect("chmod");
    assert_eq!(fixture.run(&SEND).code, 1);
    let mode = |path: &std::path::Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&fixture.ledger()), 0o600);
    assert_eq!(mode(fixture.ledger().parent().expect("a directory")), 0o700);
}

#[test]
fn a_ledger_that_is_damaged() {
    let fixture = with_ledger(302);
    let mut bytes = fs::read(fixture.ledger()).expect("a file");
    bytes[..100].fill(b'x');
    fs::write(fixture.ledger(), bytes).expect("written");
    assert_refused(&fixture, "is damaged");
}

#[test]
fn a_ledger_that_is_something_else() {
    let fixture = with_ledger(303);
    fs::remove_file(fixture.ledger()).expect("removed");
    Connection::open(fixture.ledger())
        .expect("a database")
        .execute_batch("CREATE TABLE mine (x)")
        .expect("SQL");
    fs::set_permissions(fixture.ledger(), Permissions::from_mode(0o600)).expect("chmod");
    assert_refused(&fixture, "not a ledger of stanch");
    fs::remove_file(fixture.ledger()).expect("removed");
    symlink("/dev/null", fixture.ledger()).expect("a link");
    assert_refused(&fixture, "is a symbolic link");
}

#[test]
fn a_ledger_of_an_unknown_backend() {
    let fixture = with_ledger(308);
    let before = fixture.github.requests().len();
    for command in [&["status"][..], &["resume"], &["audit"], &["revoke", "--yes", "f"]] {
        let ran = fixture
            .sandbox
            .run(&[command, &["--ledger", "postgres://stanch:hunter2@db.example.test/x"]].concat());
        assert_eq!(ran.code, 2, "{command:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("ledgers in files only"), "{command:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("hunter2"), "{command:?}: a password was printed");
    }
    assert_eq!(fixture.github.requests().len(), before);
}

#[test]
fn a_ledger_of_the_future() {
    let fixture = with_ledger(304);
    fixture.database().pragma_update(None, "user_version", 99).expect("SQL");
    assert_refused(&fixture, "update stanch");
}

#[test]
fn a_ledger_without_its_key() {
    let mut fixture = with_ledger(305);
    // Something must be sealed with it: the server fails, so the token stays queued.
    for _ in 0..5 {
        fixture.github.misbehave(crate::support::github::Misbehaviour::ServerError);
    }
    assert_eq!(fixture.run(&SEND).code, 3);
    let key = fixture.ledger().with_file_name("ledger.db.key");
    let kept = fs::read(&key).expect("a key");
    fs::remove_file(&key).expect("removed");
    let before = fixture.github.requests().len();
    fixture.sandbox.write("g", fixture.mint.token(Kind::Pat));
    // Nothing was looked at; what waits is known to remain.
    for (arguments, code) in [(&SEND[..], 2), (&["resume"], 3)] {
        let ran = fixture.run(arguments);
        assert_eq!(ran.code, code, "{}", ran.stderr);
        assert!(ran.stderr.contains(".key is missing"), "{}", ran.stderr);
    }
    fs::write(&key, [7; 32]).expect("written");
    fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("chmod");
    let ran = fixture.run(&["resume"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("is not the one"), "{}", ran.stderr);
    assert_eq!(fixture.github.requests().len(), before);
    fs::write(&key, kept).expect("written");
    assert_eq!(fixture.run(&["resume"]).code, 0);
}

#[test]
fn a_ledger_that_somebody_else_holds() {
    let fixture = with_ledger(306);
    let holder = fixture.database();
    holder.execute_batch("BEGIN EXCLUSIVE").expect("SQL");
    let before = fixture.github.requests().len();
    let ran = fixture.run(&SEND);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("is locked by another process"), "{}", ran.stderr);
    assert_eq!(fixture.github.requests().len(), before);
    drop(holder);
    assert_eq!(fixture.run(&SEND).code, 1);
}

#[test]
fn a_full_disk_sends_nothing() {
    let fixture = with_ledger(307);
    let before = fixture.github.requests().len();
    let mut command =
        fixture.sandbox.command(&[&SEND[..], &["--api-url", &fixture.github.api_url()]].concat());
    let output = command.args(["--ledger", "/dev/full"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fixture.github.requests().len(), before);
}
