//! Ledgers that cannot be used: a clear error, and nothing sent that is not written down.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use rusqlite::Connection;

use crate::support::front::Front;
use crate::support::mint::Kind;

const SEND: [&str; 3] = ["scan", "--revoke", "--yes"];

/// A front with a ledger in which one token was accepted, and another token to send.
fn with_ledger(seed: u64) -> Front {
    let mut front = Front::new(seed);
    front.world.write("f", front.mint.token(Kind::Pat));
    assert_eq!(front.run(&SEND).code, 1);
    front.world.write("f", front.mint.token(Kind::Pat));
    front
}

/// Every command that needs the ledger fails with this message, and nothing more is sent.
fn assert_refused(front: &Front, message: &str) {
    let before = front.github.seen().len();
    for arguments in
        [&SEND[..], &["resume"], &["status"], &["revoke", "--yes", "f"], &["scan", "--revoke", "--dry-run"]]
    {
        let ran = front.run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(message), "{arguments:?}: {}", ran.stderr);
    }
    assert_eq!(front.github.seen().len(), before);
}

#[test]
fn a_ledger_that_others_can_read() {
    let front = with_ledger(301);
    fs::set_permissions(front.ledger(), Permissions::from_mode(0o644)).expect("chmod");
    assert_refused(&front, "chmod 600");
    fs::set_permissions(front.ledger(), Permissions::from_mode(0o600)).expect("chmod");
    assert_eq!(front.run(&SEND).code, 1);
    let mode = |path: &std::path::Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&front.ledger()), 0o600);
    assert_eq!(mode(front.ledger().parent().expect("a directory")), 0o700);
}

#[test]
fn a_ledger_that_is_damaged() {
    let front = with_ledger(302);
    let mut bytes = fs::read(front.ledger()).expect("a file");
    bytes[..100].fill(b'x');
    fs::write(front.ledger(), bytes).expect("written");
    assert_refused(&front, "is damaged");
}

#[test]
fn a_ledger_that_is_something_else() {
    let front = with_ledger(303);
    fs::remove_file(front.ledger()).expect("removed");
    Connection::open(front.ledger())
        .expect("a database")
        .execute_batch("CREATE TABLE mine (x)")
        .expect("SQL");
    fs::set_permissions(front.ledger(), Permissions::from_mode(0o600)).expect("chmod");
    assert_refused(&front, "not a ledger of stanch");
    fs::remove_file(front.ledger()).expect("removed");
    symlink("/dev/null", front.ledger()).expect("a link");
    assert_refused(&front, "is a symbolic link");
}

#[test]
fn a_ledger_of_an_unknown_backend() {
    let front = with_ledger(308);
    let before = front.github.seen().len();
    for command in [&["status"][..], &["resume"], &["audit"], &["revoke", "--yes", "f"]] {
        let ran = front
            .world
            .run(&[command, &["--ledger", "postgres://stanch:hunter2@db.example.test/x"]].concat());
        assert_eq!(ran.code, 2, "{command:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("ledgers in files only"), "{command:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("hunter2"), "{command:?}: a password was printed");
    }
    assert_eq!(front.github.seen().len(), before);
}

#[test]
fn a_ledger_of_the_future() {
    let front = with_ledger(304);
    front.database().pragma_update(None, "user_version", 99).expect("SQL");
    assert_refused(&front, "update stanch");
}

#[test]
fn a_ledger_without_its_key() {
    let mut front = with_ledger(305);
    // Something must be sealed with it: the server fails, so the token stays queued.
    for _ in 0..5 {
        front.github.misbehave(crate::support::github::Mischief::ServerError);
    }
    assert_eq!(front.run(&SEND).code, 3);
    let key = front.ledger().with_file_name("ledger.db.key");
    let kept = fs::read(&key).expect("a key");
    fs::remove_file(&key).expect("removed");
    let before = front.github.seen().len();
    front.world.write("g", front.mint.token(Kind::Pat));
    for arguments in [&SEND[..], &["resume"]] {
        let ran = front.run(arguments);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains(".key is missing"), "{}", ran.stderr);
    }
    fs::write(&key, [7; 32]).expect("written");
    fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("chmod");
    let ran = front.run(&["resume"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("is not the one"), "{}", ran.stderr);
    assert_eq!(front.github.seen().len(), before);
    fs::write(&key, kept).expect("written");
    assert_eq!(front.run(&["resume"]).code, 0);
}

#[test]
fn a_ledger_that_somebody_else_holds() {
    let front = with_ledger(306);
    let holder = front.database();
    holder.execute_batch("BEGIN EXCLUSIVE").expect("SQL");
    let before = front.github.seen().len();
    let ran = front.run(&SEND);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("is locked by another process"), "{}", ran.stderr);
    assert_eq!(front.github.seen().len(), before);
    drop(holder);
    assert_eq!(front.run(&SEND).code, 1);
}

#[test]
fn a_full_disk_sends_nothing() {
    let front = with_ledger(307);
    let before = front.github.seen().len();
    let mut command = front.world.command(&[&SEND[..], &["--api-url", &front.github.api_url()]].concat());
    let output = command.args(["--ledger", "/dev/full"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(front.github.seen().len(), before);
}
