//! A run that is interrupted says so, and the next one goes on where it was.

use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::{Sweep, covered, finding, timeless};
use crate::signal;
use crate::support::cmd::{Ran, Sandbox};
use crate::support::github_source::Trouble;

/// What Ctrl-C does.
pub(super) fn interrupt(child: &Child) {
    // Behind a shell's `&` it would not be heard.
    let signal = if signal::is_ignored(Signal::SIGINT) { Signal::SIGTERM } else { Signal::SIGINT };
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a process")), signal).expect("a signal");
}

/// Waits until this is so.
pub(super) fn wait_for(what: &str, done: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_mins(1);
    while !done() {
        assert!(Instant::now() < patience, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn after_ctrl_c_there_is_a_report_and_the_next_run_goes_on() {
    if signal::is_ignored(Signal::SIGINT) {
        return;
    }
    let mut sweep = Sweep::new(17_500);
    let tokens: Vec<String> = (0..12).map(|number| sweep.leak(&format!("acme/r-{number:02}"))).collect();
    let elsewhere = Sandbox::new();
    let whole = Ran::from(sweep.command_in(&elsewhere, &["acme", "-f", "json"]).output().expect("it starts"));
    let whole: Value = serde_json::from_str(&whole.stdout).expect("JSON");
    sweep.github.forget();

    // The last ones hang, so that the run is in the middle whenever that is.
    for number in 6..12 {
        sweep.github.trouble_always(&format!("/acme/r-{number:02}.git/info/refs"), Trouble::Hang);
    }
    let mut command = sweep.command(&["acme", "--jobs", "8", "-f", "json"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let fetched = |number: usize| {
        let path = format!("/acme/r-{number:02}.git/git-upload-pack");
        sweep.github.count("POST", &path) >= 2
    };
    wait_for("the first repositories", || (0..6).all(fetched));
    thread::sleep(Duration::from_secs(2));
    interrupt(&child);
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert_eq!(ran.code, 130, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).expect("a report");
    assert_eq!(covered(&report), covered(&whole), "each has a row");
    let states: Vec<&str> =
        (0..12).map(|number| super::state(&report, &format!("acme/r-{number:02}"))).collect();
    assert!(states[6..].iter().all(|state| *state == "interrupted"), "{states:?}");
    for (number, token) in tokens.iter().enumerate() {
        assert_eq!(finding(&report, token).is_some(), states[number] == "scanned", "{number}");
    }
    assert!(states[..6].contains(&"scanned"), "{states:?}");

    sweep.github.recover();
    sweep.github.forget();
    let (code, report) = sweep.json(&["acme", "--jobs", "8"]);
    assert_eq!((code, timeless(&report)), (1, timeless(&whole)));
    for (number, state) in states.iter().enumerate().filter(|(_, state)| **state == "scanned") {
        let path = format!("/acme/r-{number:02}.git/");
        assert_eq!(sweep.github.count("POST", &path), 0, "{state} {number} was fetched again");
    }
    sweep.assert_no_traces();
}

#[test]
fn what_an_interrupted_run_has_found_is_sent_once_at_the_most() {
    if signal::is_ignored(Signal::SIGINT) {
        return;
    }
    let mut sweep = Sweep::new(17_510);
    let tokens: Vec<String> = (0..4).map(|number| sweep.leak(&format!("acme/r-{number}"))).collect();
    sweep.github.trouble_always("/acme/r-3.git/info/refs", Trouble::Hang);
    let arguments = ["acme", "--jobs", "4", "--revoke", "--yes", "--min-interval", "1ms"];
    let mut command = sweep.command(&arguments);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    wait_for("the others", || {
        (0..3).all(|number| sweep.github.count("POST", &format!("/acme/r-{number}.git/git-upload-pack")) >= 2)
    });
    thread::sleep(Duration::from_secs(1));
    interrupt(&child);
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert_eq!((ran.code, sweep.github.accepted().len()), (130, 0), "{}", ran.stderr);
    sweep.github.recover();
    let (code, _) = sweep.json(&arguments);
    let mut accepted = sweep.github.accepted();
    accepted.sort();
    let mut tokens = tokens;
    tokens.sort();
    assert_eq!((code, accepted == tokens), (1, true), "{} accepted", accepted.len());
}
