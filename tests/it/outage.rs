//! A ledger that cannot be written while an answer comes in, or for as long as a run waits.

use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rusqlite::Connection;

use crate::support::cmd::Ran;
use crate::support::fixture::Fixture;
use crate::support::github::Misbehaviour;
use crate::support::mint::Kind;

/// A run under way: its request has arrived, and the answer is about to come.
fn sending(fixture: &mut Fixture, arguments: &[&str]) -> (Child, Vec<String>) {
    let tokens: Vec<String> = (0..5).map(|_| fixture.mint.token(Kind::Pat)).collect();
    fixture.sandbox.write("leak", tokens.join("\n"));
    fixture.github.misbehave(Misbehaviour::Late(Duration::from_millis(700)));
    let mut command = fixture.command(arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    until("a request", || !fixture.github.requests().is_empty());
    (child, tokens)
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < patience, "no {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Whether the answer is kept beside the ledger.
fn is_kept(fixture: &Fixture) -> bool {
    let ledger = fixture.ledger();
    let files = fs::read_dir(ledger.parent().expect("a directory")).expect("listed").flatten();
    let mut owners = files.filter(|file| file.file_name().to_string_lossy().contains(".run-"));
    owners.any(|file| {
        fs::read(file.path()).is_ok_and(|content| content.windows(8).any(|word| word == b"accepted"))
    })
}

fn lock(fixture: &Fixture) -> Connection {
    let holder = fixture.database();
    holder.busy_timeout(Duration::from_secs(10)).expect("SQL");
    holder.execute_batch("BEGIN EXCLUSIVE").expect("SQL");
    holder
}

fn end(child: Child) -> Ran {
    Ran::from(child.wait_with_output().expect("it ends"))
}

/// What was accepted is known, and nothing is sent again.
fn assert_known(fixture: &Fixture, tokens: &[String]) {
    assert_eq!(fixture.github.accepted().len(), tokens.len(), "a token was sent again");
    let status = fixture.status();
    assert_eq!((&status["accepted"], &status["sent"], &status["queued"]), (&5.into(), &0.into(), &0.into()));
    fixture.assert_forgotten(tokens);
    fixture.trail();
    let files = fs::read_dir(fixture.ledger().parent().expect("a directory")).expect("listed").count();
    assert_eq!(files, 2, "a file was left behind");
}

#[test]
fn killed_while_the_ledger_was_locked_when_the_202_came() {
    let mut fixture = Fixture::new(9101);
    let (mut child, tokens) = sending(&mut fixture, &["revoke", "--yes", "leak"]);
    let holder = lock(&fixture);
    until("answer that is kept", || is_kept(&fixture));
    child.kill().expect("kill -9");
    child.wait().expect("it ends");
    drop(holder);
    assert_eq!(fixture.status()["sent"], 5);
    // Late enough for the trail to tell the two times apart.
    thread::sleep(Duration::from_millis(1200));
    let ran = fixture.run(&["resume"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("5 tokens settled without a request of this run"), "{}", ran.stderr);
    assert_known(&fixture, &tokens);
    let trail = fixture.trail();
    let answer = trail.iter().find(|record| record["event"] == "answer").expect("an answer");
    let received = answer["received_at"].as_str().expect("a time of its own");
    assert!(received < answer["at"].as_str().expect("a time"));
    let table =
        fixture.sandbox.run(&["audit", "-f", "csv", "--ledger", fixture.ledger().to_str().expect("text")]);
    let rows =
        table.stdout.lines().filter(|row| row.contains(",answer,")).filter(|row| row.contains(received));
    assert_eq!(rows.count(), 5, "{}", table.stdout);
}

#[test]
fn interrupted_while_the_ledger_is_locked() {
    let mut fixture = Fixture::new(9102);
    let (child, tokens) = sending(&mut fixture, &["revoke", "--yes", "leak", "--wait"]);
    let holder = lock(&fixture);
    until("answer that is kept", || is_kept(&fixture));
    let start = Instant::now();
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process"));
    kill(pid, Signal::SIGTERM).expect("a signal");
    let ran = end(child);
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    drop(holder);
    assert_eq!(ran.code, 130, "{}", ran.stderr);
    for part in ["the server accepted 5 tokens (batch 1, request C0DE:1)", "the next run takes it in"] {
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("accepted 0 tokens"), "two counts: {}", ran.stderr);
    let ran = fixture.run(&["resume"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_known(&fixture, &tokens);
}

/// Before anything is looked at or sent there is nothing to report, and nothing to wait for.
#[test]
fn a_signal_ends_what_waits_for_a_locked_ledger_before_it_has_begun() {
    let mut fixture = Fixture::new(9105);
    let token = fixture.mint.token(Kind::Pat);
    fixture.sandbox.write("leak", &token);
    fixture.github.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(1) });
    assert_eq!(fixture.run(&["revoke", "--yes", "leak"]).code, 3);
    let holder = fixture.database();
    holder.execute_batch("BEGIN IMMEDIATE").expect("SQL");
    for arguments in [&["revoke", "--yes", "leak"][..], &["scan", "--revoke", "--yes", "leak"], &["resume"]] {
        let mut command = fixture.command(arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        thread::sleep(Duration::from_millis(1500));
        let start = Instant::now();
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process"));
        kill(pid, Signal::SIGTERM).expect("a signal");
        let ran = end(child);
        assert!(start.elapsed() < Duration::from_secs(3), "{arguments:?}: {:?}", start.elapsed());
        assert_eq!(ran.code, 130, "{arguments:?}: {}", ran.stderr);
    }
    drop(holder);
    assert_eq!(fixture.run(&["resume"]).code, 0);
}

#[test]
fn a_waiting_run_outlives_a_lock() {
    let mut fixture = Fixture::new(9103);
    let (child, tokens) = sending(&mut fixture, &["revoke", "--yes", "leak", "--wait"]);
    let holder = lock(&fixture);
    thread::sleep(Duration::from_secs(8));
    drop(holder);
    let ran = end(child);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("waiting for the ledger").count(), 1, "{}", ran.stderr);
    assert_known(&fixture, &tokens);
}

#[test]
fn a_run_outlives_a_journal_that_cannot_be_made() {
    let mut fixture = Fixture::new(9104);
    let (child, tokens) = sending(&mut fixture, &["revoke", "--yes", "leak"]);
    // Where the journal should be: no transaction can begin, whoever the user is.
    let journal = fixture.ledger().with_file_name("ledger.db-journal");
    fs::create_dir(&journal).expect("a directory");
    until("answer that is kept", || is_kept(&fixture));
    thread::sleep(Duration::from_secs(2));
    fs::remove_dir(&journal).expect("removed");
    let ran = end(child);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("waiting for the ledger, for a minute: ").count(), 1, "{}", ran.stderr);
    assert_known(&fixture, &tokens);
}
