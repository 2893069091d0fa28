//! A reader that has gone before the first byte, as `head` has after its last: no word of a pipe, and the exit code is what
//! it would have been.

use std::io;
use std::process::Command;

use crate::support::cmd::Ran;
use crate::support::fixture::Fixture;
use crate::support::mint::Kind;

/// Runs with standard output closed at the other end.
fn unread(mut command: Command) -> Ran {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    command.stdout(writer);
    Ran::from(command.output().expect("the program starts"))
}

#[test]
fn every_command_that_prints_ends_as_it_would_have() {
    let mut fixture = Fixture::new(8201);
    let token = fixture.mint.token(Kind::Pat);
    fixture.sandbox.write("one/.env", &token);
    assert_eq!(fixture.run(&["revoke", "--yes", "one/.env"]).code, 0);
    let mut compared = 0;
    let mut compare = |command: &dyn Fn() -> Command, what: &[&str]| {
        let read = Ran::from(command().output().expect("the program starts"));
        let ran = unread(command());
        assert_eq!(ran.code, read.code, "{what:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("pipe"), "{what:?}: {}", ran.stderr);
        compared += usize::from(!read.stdout.is_empty());
    };
    let with_ledger: [&[&str]; 12] = [
        &["scan", "--revoke", "--dry-run", "one"],
        &["status"],
        &["status", "-f", "json"],
        &["audit"],
        &["audit", "-f", "csv"],
        &["audit", "--verify"],
        &["queue", "list"],
        &["queue", "list", "-f", "json"],
        &["queue", "list", "-f", "csv"],
        &["ledger", "check"],
        &["ledger", "init"],
        &["org", "revoke-all", "acme", "--dry-run"],
    ];
    let ledger = fixture.ledger();
    for arguments in with_ledger {
        let takes_url = ["scan", "org", "status"].contains(&arguments[0]);
        let command = || {
            if takes_url {
                return fixture.command(arguments);
            }
            let mut command = fixture.sandbox.command(arguments);
            command.arg("--ledger").arg(&ledger);
            command
        };
        compare(&command, arguments);
    }
    for format in ["pretty", "json", "jsonl", "sarif", "csv", "github", "gitlab", "junit", "html"] {
        let arguments = ["scan", "one", "-f", format, "-r", "json=-"];
        compare(&|| fixture.sandbox.command(&arguments), &arguments);
    }
    let plain: [&[&str]; 7] = [
        &["rules", "list"],
        &["rules", "test"],
        &["completions", "bash"],
        &["man"],
        &["--help"],
        &["--version"],
        &["scan", "--help"],
    ];
    for arguments in plain {
        compare(&|| fixture.sandbox.command(arguments), arguments);
    }
    assert!(compared >= 26, "only {compared} commands printed anything");
}
