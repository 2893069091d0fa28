//! What a repository says of itself, where a run goes on or is one of several.

use std::process::Stdio;

use serde_json::{Value, json};

use super::alerts::alert;
use super::interrupted::wait_for;
use super::own_files::{MAIN, each_way, suppressed, tokens};
use super::{Sweep, sha256, timeless};
use crate::support::cmd::Sandbox;
use crate::support::github_source::Trouble;

/// Kills a run in the middle of `acme/z-last`, which is the smallest, when all others are done.
fn killed_at_the_last(sweep: &Sweep, run: &[&str]) {
    sweep.github.trouble_always("/acme/z-last.git/info/refs", Trouble::Hang);
    let mut command = sweep.command(run);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    wait_for("the last repository", || sweep.github.count("GET", "/acme/z-last.git/info/refs") > 0);
    child.kill().expect("a signal");
    child.wait().expect("it ends");
    sweep.github.recover();
}

#[test]
fn after_a_kill_what_was_suppressed_is_suppressed_and_the_rules_are_told() {
    let mut sweep = Sweep::new(18_605);
    let all = each_way(&mut sweep);
    let [hashed, ..] = &all;
    sweep.leak("acme/z-last");
    sweep.github.change(|world| {
        world.repository_mut("acme/web").size = 300;
        world.alerts.push(alert(1, "acme/web", hashed));
    });
    let run = ["acme", "--jobs", "1", "--include", "repos,alerts", "-r", "found.sarif"];
    let elsewhere = Sandbox::new();
    let whole =
        sweep.command_in(&elsewhere, &[&run[..], &["-f", "json"]].concat()).output().expect("it starts");
    let whole: Value = serde_json::from_slice(&whole.stdout).expect("JSON");
    sweep.github.forget();
    killed_at_the_last(&sweep, &run);
    sweep.github.forget();
    let ran = sweep.run(&[&run[..], &["-f", "json"]].concat());
    let report: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(sweep.github.count("POST", "/acme/web.git/"), 0, "it was fetched again");
    assert_eq!((ran.code, timeless(&report)), (1, timeless(&whole)));
    assert_eq!(suppressed(&report, hashed), "ignore-file");
    assert!(ran.stderr.contains("left out by acme/web/.stanch.toml: /vendor/"), "{}", ran.stderr);
    let sarif = std::fs::read_to_string(sweep.sandbox.path().join("found.sarif")).expect("a report");
    let sarif: Value = serde_json::from_str(&sarif).expect("JSON");
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().expect("rules");
    assert_eq!(rules.iter().filter(|rule| rule["id"] == "acme-key").count(), 1);
    assert!(all.iter().all(|token| !ran.stdout.contains(token.as_str())));
}

#[test]
fn another_default_branch_has_other_files_though_nobody_has_pushed() {
    let mut sweep = Sweep::new(18_611);
    let [token] = tokens(&mut sweep);
    let bare = sweep.github.repository("acme/web", |repository| repository.size = 300);
    let commit = bare.commit_saying(MAIN, "m", &[(".stanchignore", b"/f\n"), ("f", token.as_bytes())]);
    bare.set_ref("refs/heads/next", &commit);
    bare.commit("refs/heads/next", ".stanchignore", "# nothing\n");
    sweep.leak("acme/z-last");
    killed_at_the_last(&sweep, &["acme", "--jobs", "1"]);
    bare.git(&["symbolic-ref", "HEAD", "refs/heads/next"]);
    sweep.github.change(|world| world.repository_mut("acme/web").default_branch = "next".to_owned());
    let (code, report) = sweep.json(&["acme", "--jobs", "1"]);
    assert_eq!((code, suppressed(&report, &token)), (1, Value::Null));
}

#[test]
fn a_configuration_with_a_token_in_it_is_not_written_down() {
    let mut sweep = Sweep::new(18_606);
    let [named] = tokens(&mut sweep);
    let config = format!("[[allowlists]]\nregexes = ['{named}']\n");
    let files: [(&str, &[u8]); 2] = [(".stanch.toml", config.as_bytes()), ("f", named.as_bytes())];
    sweep.github.repository("acme/web", |repository| repository.size = 300).commit_saying(MAIN, "m", &files);
    sweep.leak("acme/z-last");
    killed_at_the_last(&sweep, &["acme", "--jobs", "1"]);
    for path in super::files(sweep.sandbox.home()) {
        let bytes = std::fs::read(&path).expect("a file");
        let found = memchr::memmem::find(&bytes, named.as_bytes());
        assert_eq!(found, None, "{} holds a token", path.display());
    }
    let (code, report) = sweep.json(&["acme", "--jobs", "1"]);
    assert_eq!((code, suppressed(&report, &named)), (1, json!("allowlist")));
}

#[test]
fn shards_put_together_say_what_the_whole_says() {
    let mut sweep = Sweep::new(18_607);
    each_way(&mut sweep);
    let [shared] = tokens(&mut sweep);
    for number in 0..6 {
        let ignore = format!("sha256:{}\n", sha256(&shared));
        let files: [(&str, &[u8]); 2] = [(".stanchignore", ignore.as_bytes()), ("f", shared.as_bytes())];
        sweep.github.repository(&format!("acme/r-{number}"), |_| {}).commit_saying(MAIN, "m", &files);
    }
    let (_, whole) = sweep.json(&["acme"]);
    assert_eq!(suppressed(&whole, &shared), "ignore-file");
    let names = ["shard-1.json", "shard-2.json"];
    for (name, shard) in names.iter().zip(["1/2", "2/2"]) {
        sweep.run(&["acme", "--shard", shard, "-r", name]);
    }
    let merged = sweep.sandbox.run(&[&["merge"], &names[..], &["-f", "json"]].concat());
    let merged: Value = serde_json::from_str(&merged.stdout).expect("JSON");
    assert_eq!(timeless(&merged), timeless(&whole));
}
