//! The limits that GitHub tells are kept, whatever is asked.

use std::time::{Duration, Instant};

use super::{Sweep, finding, not_asked};
use crate::support::github_source::Trouble;

/// An organization with so many repositories with a token each.
fn leaked(seed: u64, count: usize) -> (Sweep, Vec<String>) {
    let mut sweep = Sweep::new(seed);
    let tokens = (0..count).map(|number| sweep.leak(&format!("acme/r-{number}"))).collect();
    (sweep, tokens)
}

#[test]
fn what_remains_is_not_overdrawn_and_waited_for() {
    let (sweep, tokens) = leaked(17_400, 12);
    sweep.github.limit("core", 5, Duration::from_secs(3), 1000);
    let (code, report) = sweep.json(&["acme", "--jobs", "8"]);
    assert_eq!(code, 1);
    assert!(tokens.iter().all(|token| finding(&report, token).is_some()));
    // Nobody was refused: that is checked with each run, too.
    assert!(sweep.github.noted().iter().all(|noted| noted.status != 403));
}

#[test]
fn a_limit_in_the_middle_of_a_listing_is_waited_for() {
    for trouble in [Trouble::PrimaryLimit(2), Trouble::SecondaryLimit(Some(2))] {
        let (sweep, tokens) = leaked(17_401, 2);
        sweep.github.change(|world| {
            for number in 0..250 {
                world.add_repository(&format!("acme/x-{number}"), |_| {});
            }
        });
        sweep.github.trouble("/orgs/acme/repos", 1, 1, trouble.clone());
        let begun = Instant::now();
        let (code, report) = sweep.json(&["acme", "--exclude-repo", "x-*"]);
        assert_eq!(code, 1, "{trouble:?}");
        assert!(tokens.iter().all(|token| finding(&report, token).is_some()), "{trouble:?}");
        assert_eq!(not_asked(&report, "--exclude-repo"), Some(250), "{trouble:?}");
        assert!(begun.elapsed() >= Duration::from_secs(1), "{trouble:?}: nothing was waited for");
    }
}

#[test]
fn a_secondary_limit_stops_all_that_ask() {
    let (sweep, tokens) = leaked(17_402, 16);
    sweep.github.trouble("/repos/acme/*", 4, 1, Trouble::SecondaryLimit(Some(2)));
    let (code, report) = sweep.json(&["acme", "--jobs", "8"]);
    assert_eq!(code, 1);
    assert!(tokens.iter().all(|token| finding(&report, token).is_some()));
    assert!(sweep.github.noted().iter().any(|noted| noted.status == 403), "no limit was met");
}

#[test]
fn few_are_asked_at_once() {
    let (sweep, _) = leaked(17_403, 40);
    sweep.github.trouble_always("/repos/*", Trouble::Late(Duration::from_millis(50)));
    sweep.run(&["acme", "--jobs", "32"]);
    let most = sweep.github.most_under_way();
    assert!((2..=8).contains(&most), "{most} at once");
}

#[test]
fn a_wait_is_told_and_can_be_ended() {
    let (sweep, _) = leaked(17_404, 2);
    sweep.github.trouble_always("/orgs/acme/repos", Trouble::PrimaryLimit(3000));
    let mut command = sweep.command(&["acme"]);
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn();
    let child = child.expect("the program starts");
    while sweep.github.count("GET", "/orgs/acme/repos") == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(300));
    super::interrupted::interrupt(&child);
    let begun = Instant::now();
    let ran = crate::support::cmd::Ran::from(child.wait_with_output().expect("it ends"));
    assert_eq!(ran.code, 130, "{}", ran.stderr);
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert!(ran.stderr.contains("waiting until"), "{}", ran.stderr);
    sweep.github.assert_well_behaved();
}
