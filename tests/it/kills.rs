//! `kill -9` at any instant, and processes that are stopped for longer than their lease: over every verb that writes to a
//! ledger.
//!
//! What is promised is judged from outside: by what arrived at the server, and by what the ledger had said before.

mod machine;

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use machine::{Machine, VERBS, Verb, start};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::github::Misbehaviour;

fn kill_all_verbs(seed: u64, kills: usize) {
    let mut machine = Machine::new(seed);
    for verb in VERBS {
        machine.run(verb);
    }
    for number in 0..kills {
        // Every third time, so that there are runs that find the hour full.
        if number.is_multiple_of(3) {
            machine.turn_the_hour(true);
        }
        machine.kill(VERBS[number % VERBS.len()]);
    }
    let requests = machine.fixture.github.requests().len();
    machine.drain();
    let lost = machine.fixture.trail().iter().filter(|record| record["event"] == "lost").count();
    println!(
        "{kills} kills, {lost} with a request under way, {} tokens, {requests} requests, {} hours",
        machine.states.len(),
        machine.hours
    );
}

#[test]
fn killed_at_any_instant_no_verb_breaks_a_promise() {
    kill_all_verbs(7200, 24);
}

/// `STANCH_KILLS` says how many.
#[test]
#[ignore = "takes many minutes: cargo test --test it -- --ignored kills"]
fn killed_at_any_instant_no_verb_breaks_a_promise_in_depth() {
    let kills = std::env::var("STANCH_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    kill_all_verbs(7201, kills);
}

/// A process that is stopped while its request is under way, for longer than its lease: another one takes its tokens over,
/// and then it goes on and hears that they were accepted.
#[test]
fn a_process_stopped_beyond_its_lease_breaks_no_promise() {
    for verb in [Verb::Revoke, Verb::Confirm, Verb::Git, Verb::Resume] {
        let mut machine = Machine::new(7300 + verb as u64);
        machine.run(Verb::Revoke);
        machine.fixture.github.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(3600) });
        machine.run(Verb::Scan);
        machine.turn_the_hour(false);
        machine.run(Verb::Release);

        let stopped = Arc::new(AtomicI32::new(0));
        let pid = Arc::clone(&stopped);
        machine.fixture.github.watch(move |request, _| {
            // The first request only: the response waits for it in its socket.
            if request.path == "/credentials/revoke" {
                wait_for(|| pid.load(Ordering::SeqCst) != 0);
                let pid = pid.swap(-1, Ordering::SeqCst);
                if pid > 0 {
                    kill(Pid::from_raw(pid), Signal::SIGSTOP).expect("a signal");
                }
            }
        });
        let mut child = start(&mut machine.command(verb));
        stopped.store(i32::try_from(child.id()).expect("a process"), Ordering::SeqCst);
        wait_for(|| stopped.load(Ordering::SeqCst) == -1);
        thread::sleep(Duration::from_millis(200));
        machine.judge();
        machine.turn_the_hour(false);
        machine.run(Verb::Resume);
        let requests = machine.judged;
        kill(Pid::from_raw(i32::try_from(child.id()).expect("a process")), Signal::SIGCONT)
            .expect("a signal");
        let status = child.wait().expect("it ends");
        assert!(matches!(status.code(), Some(0..=3)), "{verb:?}: {status}");
        machine.judge();
        machine.run(Verb::Resume);
        let revoked =
            |request: &&crate::support::http::ReceivedRequest| request.path == "/credentials/revoke";
        let again = machine.fixture.github.requests()[requests..].iter().filter(revoked).count();
        assert_eq!(again, 0, "{verb:?}: sent again after it was accepted");
        machine.drain();
    }
}

fn wait_for(done: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_mins(1);
    while !done() {
        assert!(Instant::now() < patience, "nothing came of it");
        thread::sleep(Duration::from_millis(5));
    }
}
