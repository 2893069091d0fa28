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
        for (address, told) in [
            ("redis://stanch:hunter2@db.example.test/x", "no ledger can be opened at redis://"),
            ("postgres://stanch:hunter2@db.example.test/x", "holds a password"),
            ("https://stanch:hunter2@db.example.test", "holds a password"),
        ] {
            let ran = fixture.sandbox.run(&[command, &["--ledger", address]].concat());
            assert_eq!(ran.code, 2, "{command:?}: {}", ran.stderr);
            assert!(ran.stderr.contains(told), "{command:?}: {}", ran.stderr);
            assert!(!ran.stderr.contains("hunter2"), "{command:?}: a password was printed");
        }
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
    for arguments in [&SEND[..], &["resume"], &["revoke", "--yes", "g"]] {
        let ran = fixture.run(arguments);
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        assert!(ran.stderr.contains(".key is missing"), "{}", ran.stderr);
    }
    let ran = fixture.run(&SEND);
    assert!(ran.stderr.contains("none of which was sent: 1"), "{}", ran.stderr);
    let ran = fixture.run(&["revoke", "--dry-run", "g"]);
    assert!(ran.stderr.contains("without --dry-run this would be refused: the key"), "{}", ran.stderr);
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

/// Damages the ledger behind the program's back.
fn sql(fixture: &Fixture, damage: &str) {
    fixture.database().execute_batch(damage).expect("SQL");
}

#[test]
fn a_trail_that_lost_its_end_is_a_loss() {
    let losses = [
        "DELETE FROM meta WHERE name = 'head'",
        "UPDATE meta SET value = (SELECT substr(line, instr(line, '\"hash\":') + 8, 64) || ' 1' FROM audit WHERE seq = 1)
            WHERE name = 'head'",
        "DROP TRIGGER audit_is_append_only_2; DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
    ];
    for (seed, loss) in (308..).zip(losses) {
        let fixture = with_ledger(seed);
        sql(&fixture, loss);
        let before = fixture.github.requests().len();
        for arguments in [&SEND[..], &["status"], &["revoke", "--yes", "f"]] {
            let ran = fixture.run(arguments);
            assert_eq!(ran.code, 2, "{loss} {arguments:?}: {}", ran.stderr);
            assert!(ran.stderr.contains("is damaged"), "{loss} {arguments:?}: {}", ran.stderr);
            assert!(ran.stderr.contains("that costs what it knew"), "{}", ran.stderr);
        }
        assert_eq!(fixture.github.requests().len(), before, "{loss}");
        let ledger = fixture.ledger();
        let verified =
            fixture.sandbox.run(&["audit", "--verify", "--ledger", ledger.to_str().expect("a path of text")]);
        assert_eq!(verified.code, 2, "{loss}: {}", verified.stdout);
    }
}

#[test]
fn a_ledger_that_is_gone_or_empty_beside_its_key_is_a_loss() {
    let fixture = with_ledger(311);
    fs::write(fixture.ledger(), "").expect("emptied");
    assert_refused(&fixture, "its key");
    fs::remove_file(fixture.ledger()).expect("removed");
    assert_refused(&fixture, "its key");
    assert!(!fixture.ledger().exists(), "a new one was begun");
    // Whoever knows what it costs moves the key away.
    fs::remove_file(fixture.ledger().with_file_name("ledger.db.key")).expect("removed");
    assert_eq!(fixture.run(&SEND).code, 1);
}

#[test]
fn what_is_accepted_is_not_sent_again_and_not_believed_when_its_row_was_changed() {
    let mut fixture = Fixture::new(312);
    let (done, other) = (fixture.mint.token(Kind::Pat), fixture.mint.token(Kind::Pat));
    fixture.sandbox.write("f", &done);
    assert_eq!(fixture.run(&["revoke", "--yes", "f"]).code, 0);
    sql(&fixture, "UPDATE token SET state = 'queued'");
    fixture.sandbox.write("f", format!("{done}\n{other}"));
    let ran = fixture.run(&["revoke", "--yes", "f"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("ledger rekey"), "{}", ran.stderr);
    let sent = |token: &String| fixture.github.accepted().iter().filter(|sent| *sent == token).count();
    assert_eq!((sent(&done), sent(&other)), (1, 1), "sent again, or others were kept from leaving");
    assert_eq!(fixture.run(&["resume"]).code, 3, "called done");
    let ledger = fixture.ledger();
    let ledger = ledger.to_str().expect("a path of text");
    let checked = fixture.sandbox.run(&["ledger", "check", ledger]);
    assert!(
        checked.stderr.contains("1 rows of the table token are not what was written"),
        "{}",
        checked.stderr
    );
    // A person decides that it is to be sent again.
    assert_eq!(fixture.sandbox.run(&["ledger", "rekey", "--yes", ledger]).code, 3);
    assert_eq!(fixture.run(&["revoke", "--yes", "f"]).code, 0);
    assert_eq!((sent(&done), sent(&other)), (2, 1));
}

#[test]
fn what_waits_is_not_called_done_when_its_row_was_changed() {
    let mut fixture = Fixture::new(313);
    let token = fixture.mint.token(Kind::Pat);
    fixture.sandbox.write("f", &token);
    for (said, command) in [("scan again", &["resume"][..]), ("", &["revoke", "--yes", "f"])] {
        fixture
            .github
            .misbehave(crate::support::github::Misbehaviour::SecondaryLimit { retry_after: Some(3600) });
        assert_eq!(fixture.run(&["revoke", "--yes", "f"]).code, 3);
        fixture.an_hour_passes();
        sql(&fixture, "UPDATE token SET state = 'accepted'");
        let ran = fixture.run(command);
        let sent = fixture.github.accepted().contains(&token);
        assert_eq!((ran.code, sent), if said.is_empty() { (0, true) } else { (3, false) }, "{}", ran.stderr);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
}

#[test]
fn a_count_of_requests_that_was_changed_frees_no_slot() {
    for (seed, damage) in [
        (314, "UPDATE batch SET slot_at = 0, slot_adjusted = 0, slot_uptime = 0"),
        (315, "UPDATE quota SET identity = 'somebody'"),
        (316, "UPDATE batch SET charged = 0"),
    ] {
        let fixture = with_ledger(seed);
        sql(&fixture, damage);
        let before = fixture.github.requests().len();
        let ran = fixture.run(&SEND);
        assert_eq!(ran.code, 3, "{damage}: {}", ran.stderr);
        assert_eq!(fixture.github.requests().len(), before, "{damage}");
        fixture.an_hour_passes();
        sql(&fixture, "UPDATE meta SET value = value - 3601000 WHERE name = 'count_damaged_at'");
        assert_eq!(fixture.run(&["resume"]).code, 0, "{damage}");
    }
}

#[test]
fn a_queue_under_another_name_goes_nowhere() {
    let mut fixture = Fixture::new(317);
    let elsewhere = Fixture::new(318);
    let token = fixture.mint.token(Kind::Pat);
    fixture.sandbox.write("f", &token);
    fixture.github.misbehave(crate::support::github::Misbehaviour::SecondaryLimit { retry_after: Some(1) });
    assert_eq!(fixture.run(&["revoke", "--yes", "f"]).code, 3);
    fixture.an_hour_passes();
    let url = elsewhere.github.api_url();
    fixture
        .database()
        .execute("UPDATE host SET name = replace(name, ?1, ?2)", [fixture.github.api_url(), url.clone()])
        .expect("SQL");
    let ledger = fixture.ledger();
    let ledger = ledger.to_str().expect("a path of text");
    let resume = ["resume", "--min-interval", "0", "--ledger", ledger, "--api-url"];
    let resumed = fixture.sandbox.run(&[&resume[..], &[&url]].concat());
    assert_eq!(resumed.code, 3, "{}", resumed.stderr);
    assert!(resumed.stderr.contains("scan again"), "{}", resumed.stderr);
    assert!(elsewhere.github.accepted().is_empty(), "sent elsewhere");
    // Nor is it forgotten where it belongs.
    let resumed = fixture.run(&["resume"]);
    assert!(resumed.code != 0 && resumed.stderr.contains("is damaged"), "{}", resumed.stderr);
}
