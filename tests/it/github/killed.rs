//! `kill -9` at any moment of a sweep over repositories of all kinds: in the end the report is the one of a run that nobody
//! killed, and what it says of each repository is true.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;

use super::planted::{MISSING, lost};
use super::{Sweep, covered, finding, row, sha256, timeless};
use crate::support::cmd::{Ran, Sandbox};
use crate::support::github_source::Trouble;
use crate::support::mint::Kind;

/// What a repository is, and what has to be said of it.
struct Expected {
    states: &'static [&'static str],
    token: Option<String>,
    missing: bool,
}

/// The arguments of each run.
const RUN: [&str; 5] = ["acme", "--forks", "--archived", "--jobs", "6"];

/// Repositories of all kinds, by their names.
fn all_kinds(sweep: &mut Sweep, count: usize) -> BTreeMap<String, Expected> {
    (0..count)
        .map(|number| {
            let name = format!("acme/r-{number:03}");
            let expected = one_of_all_kinds(sweep, number, &name);
            (name, expected)
        })
        .collect()
}

fn one_of_all_kinds(sweep: &mut Sweep, number: usize, name: &str) -> Expected {
    let scanned = |token: Option<String>| Expected { states: &["scanned"], token, missing: false };
    let unavailable = || Expected { states: &["unavailable"], token: None, missing: false };
    // A directory of its own, so that what goes wrong with one is not meant for another.
    let everything = [format!("/repos/{name}*"), format!("/{name}.git/*")];
    let refuse = |sweep: &Sweep, trouble: &Trouble| {
        for path in &everything {
            sweep.github.trouble_always(path, trouble.clone());
        }
    };
    match number % 20 {
        0 => {
            sweep.github.repository(name, |repository| repository.size = 0);
            Expected { states: &["empty"], token: None, missing: false }
        }
        1 => {
            sweep.leak(name);
            std::fs::remove_dir_all(sweep.github.bare_path(name)).expect("removed");
            refuse(sweep, &Trouble::Status(404, "Not Found"));
            unavailable()
        }
        kind @ 2..=5 => {
            sweep.leak(name);
            refuse(
                sweep,
                &[Trouble::Sso, Trouble::IpAllowList, Trouble::Blocked, Trouble::Permissions][kind - 2],
            );
            unavailable()
        }
        6 => {
            let bare = sweep.github.repository(name, |_| {});
            let commit = bare.commit("refs/heads/main", "f", "whatever");
            let blob = bare.git(&["rev-parse", &format!("{commit}:f")]);
            // The server breaks off when it is asked for it.
            let object = bare.path().join("objects").join(&blob[..2]).join(&blob[2..]);
            std::fs::remove_file(object).expect("removed");
            Expected { states: &["failed"], token: None, missing: false }
        }
        7 => {
            let token = sweep.leak(name);
            sweep.github.change(|world| world.repository_mut(name).has_wiki = true);
            scanned(Some(token))
        }
        8 => {
            let token = sweep.leak(name);
            sweep.github.change(|world| world.repository_mut(name).archived = true);
            scanned(Some(token))
        }
        9 => {
            let token = sweep.leak(name);
            sweep.github.change(|world| world.repository_mut(name).fork = true);
            scanned(Some(token))
        }
        10 => {
            let token = sweep.mint.token(Kind::Pat);
            let bare = sweep.github.repository(name, |repository| repository.size = 3_000);
            let noise = sweep.noise(40_000);
            bare.commit("refs/heads/main", "big", format!("{noise}{token}\n"));
            scanned(Some(token))
        }
        11 => {
            let token = sweep.leak(name);
            let main = sweep.github.bare(name).resolve("refs/heads/main").expect("a commit");
            let gone = lost("force_push", "refs/heads/main", MISSING, &main);
            sweep.github.change(|world| world.repository_mut(name).activity.push(gone));
            Expected { states: &["scanned"], token: Some(token), missing: true }
        }
        12 => {
            // What the activity may not be asked for is not whole, and the rest is looked at.
            let token = sweep.leak(name);
            sweep.github.trouble_always(&format!("/repos/{name}/activity"), Trouble::Permissions);
            Expected { states: &["partial"], token: Some(token), missing: false }
        }
        13 => {
            let token = sweep.mint.token(Kind::Pat);
            let bare = sweep.github.repository(name, |_| {});
            bare.commit("refs/heads/main", "f", "nothing");
            bare.commit("refs/pull/7/head", "f", &token);
            scanned(Some(token))
        }
        14 => {
            let bare = sweep.github.repository(name, |_| {});
            bare.commit("refs/heads/main", "f", "nothing here");
            scanned(None)
        }
        _ => scanned(Some(sweep.leak(name))),
    }
}

/// That what a report says of each repository is so.
fn judge(report: &Value, expected: &BTreeMap<String, Expected>) {
    assert_eq!(covered(report), expected.keys().cloned().collect::<Vec<_>>());
    for (name, expected) in expected {
        let row = row(report, name);
        let state = row["state"].as_str().expect("a state");
        assert!(expected.states.contains(&state), "{name}: {row:#}");
        assert_eq!(row["reason"].is_null(), ["scanned", "empty"].contains(&state), "{row:#}");
        let missing = if expected.missing { serde_json::json!([MISSING]) } else { serde_json::json!([]) };
        assert_eq!(row["missing"], missing, "{name}");
        if let Some(token) = &expected.token {
            assert!(finding(report, token).is_some(), "{name}: its token was not found");
        }
    }
    let tokens = expected.values().filter_map(|expected| expected.token.as_deref().map(sha256)).count();
    assert_eq!(report["summary"]["findings"], tokens, "nothing else was found");
}

fn killed(seed: u64, repositories: usize, kills: u32, more: &[&str]) {
    let run = [&RUN[..], more, &["-f", "json"]].concat();
    let mut sweep = Sweep::new(seed);
    let expected = all_kinds(&mut sweep, repositories);
    let elsewhere = Sandbox::new();
    let begun = Instant::now();
    let whole = Ran::from(sweep.command_in(&elsewhere, &run).output().expect("it starts"));
    let length = begun.elapsed();
    assert_eq!(whole.code, 1, "{}", whole.stderr);
    let whole: Value = serde_json::from_str(&whole.stdout).expect("JSON");
    judge(&whole, &expected);

    // Somewhere between its start and what it gets done in twice its share.
    let start = Duration::from_millis(300);
    let most = u64::try_from((start + length * 2 / kills).as_micros()).expect("a short time");
    let (mut whiles, mut left_behind) = (0, 0);
    for _ in 0..kills {
        let mut command = sweep.command(&run);
        let child = command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut child = child.expect("the program starts");
        thread::sleep(Duration::from_micros(sweep.mint.number() % most));
        whiles += usize::from(child.try_wait().expect("a process").is_none());
        let _ = killpg(Pid::from_raw(i32::try_from(child.id()).expect("a process")), Signal::SIGKILL);
        child.wait().expect("it ends");
        left_behind += sweep.assert_no_traces();
    }
    assert!(left_behind > 0, "nothing was ever left behind");
    let (code, report) = sweep.json(&run[..run.len() - 2]);
    assert_eq!((code, timeless(&report)), (1, timeless(&whole)));
    assert!(report["findings"] == whole["findings"], "the same, in another order");
    judge(&report, &expected);
    sweep.assert_no_traces();
    println!("{repositories} repositories in {length:?}, {whiles} of {kills} killed before their end");
    assert!(whiles * 2 > kills as usize, "most runs came to their end: {whiles} of {kills} were killed");
}

#[test]
fn killed_at_any_moment_a_sweep_ends_as_one_that_was_not() {
    killed(17_600, 40, 10, &[]);
}

#[test]
fn killed_at_any_moment_a_cache_is_of_use_to_the_next_run() {
    killed(17_602, 20, 8, &["--cache", "cache"]);
}

/// `STANCH_KILLS` says how often.
#[test]
#[ignore = "takes some minutes: cargo test --test it -- --ignored killed_fifty_times"]
fn killed_fifty_times_a_sweep_of_two_hundred_ends_as_one_that_was_not() {
    let kills = std::env::var("STANCH_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(50);
    killed(17_601, 200, kills, &[]);
}
