//! Many processes on one database: killed, cut off, their server restarted, a standby promoted. What is promised is judged from
//! outside, by what arrived at GitHub and by what the database holds.

mod crew;
mod runners;
mod trouble;

use std::thread;
use std::time::Duration;

use crew::{Crew, LEAK, PROCESSES};

use crate::support::postgres::{Options, SUPERUSER, own};

/// How the server ends, to be started again.
enum Trouble {
    Crash,
    Stop,
}

/// Every process is killed now and then, connections are cut, and the server crashes once and is restarted once.
fn sixteen_processes(seed: u64, lives: usize) {
    let Some(server) = own(Options::default()) else { return };
    let mut crew = Crew::new(seed, &server);
    // By how many tokens are written down: how long that takes depends on the machine.
    let most = (PROCESSES - 5) * lives * LEAK;
    let mut troubles = vec![(most / 3, Trouble::Stop), (most / 10, Trouble::Crash)];
    thread::scope(|scope| {
        let crew = &crew;
        let workers: Vec<_> =
            (0..PROCESSES).map(|number| scope.spawn(move || crew.work(number, lives))).collect();
        while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
            thread::sleep(Duration::from_millis(200));
            crew.cut();
            let acknowledged = crew.acknowledged();
            if let Some((_, trouble)) = troubles.pop_if(|(when, _)| acknowledged >= *when) {
                match trouble {
                    Trouble::Crash => server.crash(),
                    Trouble::Stop => server.stop(),
                }
                thread::sleep(Duration::from_millis(500));
                server.start_again();
            }
            if crew.is_full() {
                crew.turn_the_hour();
            }
        }
    });
    crew.drain();
    crew.judge();
    assert!(crew.was_full(), "no hour was ever full");
    assert!(troubles.is_empty(), "the server had too little trouble");
}

#[test]
fn sixteen_processes_lose_nothing_and_keep_to_the_hour() {
    sixteen_processes(9600, 5);
}

/// `STANCH_LIVES` says how many each of them has.
#[test]
#[ignore = "takes minutes: cargo test --test it -- --ignored --nocapture fleet"]
fn sixteen_processes_lose_nothing_and_keep_to_the_hour_in_depth() {
    let lives = std::env::var("STANCH_LIVES").ok().and_then(|text| text.parse().ok()).unwrap_or(50);
    sixteen_processes(9601, lives);
}

/// What was acknowledged under synchronous replication is there, and the run goes on.
#[test]
fn a_standby_that_is_promoted_has_all_that_was_acknowledged() {
    let Some(primary) = own(Options::default()) else { return };
    let mut crew = Crew::new(9620, &primary);
    let standby = primary.standby("second");
    primary.execute("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'second'");
    primary.execute("postgres", "SELECT pg_reload_conf()");
    let is_synchronous = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'";
    while primary.client("postgres").query_opt(is_synchronous, &[]).expect("a query").is_none() {
        thread::sleep(Duration::from_millis(20));
    }
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", primary.port(), standby.port());
    crew.url = Some(format!("postgres://{SUPERUSER}@{hosts}/fleet"));
    thread::scope(|scope| {
        let crew = &crew;
        for number in 8..12 {
            scope.spawn(move || crew.work(number, 6));
        }
        while crew.acknowledged() < 60 {
            thread::sleep(Duration::from_millis(20));
        }
        primary.crash();
        standby.promote();
    });
    let before = crew.acknowledged();
    crew.move_to(&standby);
    crew.drain();
    crew.judge();
    assert!(before > 60, "nobody went on: {before}");
}
