//! Mirrors that are kept, and those that are not; shards of a sweep.

use std::path::PathBuf;

use serde_json::Value;

use super::planted::MISSING;
use super::trouble::{at_once, reason};
use super::{Sweep, covered, files, finding, row, state, timeless};
use crate::support::github_source::Trouble;
use crate::support::mint::Kind;

/// The directories below the sandbox that are mirrors.
fn mirrors(sweep: &Sweep) -> Vec<PathBuf> {
    let roots = [sweep.sandbox.path(), sweep.sandbox.home()];
    let heads = roots.iter().flat_map(|root| files(root)).filter(|path| path.ends_with("HEAD"));
    heads.filter_map(|head| head.parent().map(PathBuf::from)).collect()
}

/// How often `git` asked for objects: not counted is what the server does not have any more.
fn fetches(sweep: &Sweep) -> usize {
    let asks = |body: &str| body.contains("command=fetch") && !body.contains(MISSING);
    sweep.github.noted().iter().filter(|noted| asks(&noted.request.body)).count()
}

#[test]
fn a_cache_is_only_updated() {
    let mut sweep = Sweep::new(17_900);
    let planted = sweep.plant();
    let arguments = ["acme", "mona", "--cache", "cache"];
    let (_, first) = sweep.json(&arguments);
    assert!(fetches(&sweep) > 0);
    sweep.github.forget();
    let (_, second) = sweep.json(&arguments);
    assert_eq!(timeless(&first), timeless(&second));
    assert_eq!(fetches(&sweep), 0, "something was fetched again");

    // What is pushed over or deleted later is still there.
    let bare = sweep.github.bare("acme/web");
    let token = sweep.mint.token(Kind::Pat);
    bare.git(&["update-ref", "-d", "refs/heads/feature/x"]);
    let first_commit = bare.git(&["rev-list", "--max-parents=0", "refs/heads/main"]);
    bare.set_ref("refs/heads/main", &first_commit);
    bare.commit("refs/heads/main", "new", &token);
    bare.git(&["-c", "gc.reflogExpire=now", "prune", "--expire=now"]);
    sweep
        .github
        .change(|world| world.repository_mut("acme/web").pushed_at = "2026-05-01T00:00:00Z".to_owned());
    let (_, third) = sweep.json(&arguments);
    assert!(finding(&third, &token).is_some());
    let lost = planted
        .iter()
        .filter(|planted| planted.root == "acme/web" && finding(&third, &planted.token).is_none());
    let lost: Vec<&str> =
        lost.map(|planted| planted.surface).filter(|surface| finding_by_default(surface)).collect();
    assert_eq!(lost, Vec::<&str>::new(), "was there before");
    sweep.assert_no_traces();
}

fn finding_by_default(surface: &str) -> bool {
    !["log of an older attempt", "log", "artifact", "alert"].contains(&surface)
}

#[test]
fn a_mirror_in_the_cache_is_a_repository_for_stanch_git() {
    let mut sweep = Sweep::new(17_901);
    let token = sweep.leak("acme/web");
    sweep.json(&["acme", "--cache", "cache"]);
    let mirrors = mirrors(&sweep);
    let [mirror] = &mirrors[..] else { panic!("one mirror: {mirrors:?}") };
    assert!(
        mirror.starts_with(sweep.sandbox.path().join("cache")) && mirror.ends_with("acme/web.git"),
        "{mirror:?}"
    );
    let (code, report) = sweep.sandbox.json(&["git", mirror.to_str().expect("a path of text")]);
    assert!(code == 1 && finding(&report, &token).is_some());
}

/// What disappears upstream meanwhile, or cannot be had, is in the cache still.
#[test]
fn a_mirror_is_scanned_as_it_was_where_its_server_gives_nothing() {
    let cases = [
        (Trouble::Status(500, "Server Error"), "run again"),
        (Trouble::Close, ""),
        (Trouble::Blocked, "451"),
        (Trouble::Status(404, "Not Found"), "no such repository"),
    ];
    at_once((17_910..).zip(cases), |(seed, (trouble, word))| {
        let mut sweep = Sweep::new(seed);
        let token = sweep.leak("acme/web");
        let arguments = ["acme", "--cache", "cache", "--timeout", "3"];
        let (_, first) = sweep.json(&arguments);
        sweep.github.trouble_always("/acme/web.git/*", trouble.clone());
        let (code, second) = sweep.json(&arguments);
        assert_eq!((code, state(&second, "acme/web")), (1, "partial"), "{trouble:?}");
        assert!(finding(&second, &token).is_some(), "{trouble:?}");
        let reason = reason(&second, "acme/web");
        assert!(reason.contains(word) && reason.contains("its mirror in the cache was scanned"), "{reason}");
        for field in ["tip", "refs", "objects", "url"] {
            assert_eq!(row(&second, "acme/web")[field], row(&first, "acme/web")[field], "{trouble:?}");
        }
        sweep.github.recover();
        let (_, third) = sweep.json(&arguments);
        assert_eq!(timeless(&third), timeless(&first), "{trouble:?}");
    });
}

#[test]
fn a_wiki_that_is_no_more_is_still_scanned_where_it_was_kept() {
    let mut sweep = Sweep::new(17_915);
    let planted = sweep.plant();
    let of_wiki: Vec<_> = planted.iter().filter(|planted| planted.root == "acme/web.wiki").collect();
    assert!(!of_wiki.is_empty());
    let arguments = ["acme", "--cache", "cache"];
    sweep.json(&arguments);
    sweep.github.trouble_always("/acme/web.wiki.git/*", Trouble::Status(404, "Not Found"));
    let (_, report) = sweep.json(&arguments);
    assert_eq!(state(&report, "acme/web.wiki"), "partial");
    assert!(of_wiki.iter().all(|planted| finding(&report, &planted.token).is_some()));
    // Where none was kept, there is none.
    let (_, report) = sweep.json(&["acme"]);
    assert!(!covered(&report).contains(&"acme/web.wiki".to_owned()));
}

#[test]
fn without_a_cache_nothing_stays_behind() {
    let mut sweep = Sweep::new(17_902);
    sweep.plant();
    let (code, _) = sweep.json(&["acme", "mona"]);
    assert_eq!((code, mirrors(&sweep)), (1, Vec::new()));
}

#[test]
fn mirrors_take_no_more_than_they_may() {
    let mut sweep = Sweep::new(17_903);
    let token = sweep.leak("acme/small");
    let noise = sweep.noise(80_000);
    sweep.github.repository("acme/large", |repository| repository.size = 4_000).commit(
        "refs/heads/main",
        "f",
        noise,
    );
    let (code, report) = sweep.json(&["acme", "--max-disk", "1M"]);
    assert_eq!((code, state(&report, "acme/small"), state(&report, "acme/large")), (1, "scanned", "failed"));
    assert!(finding(&report, &token).is_some());
    assert!(super::row(&report, "acme/large")["reason"].as_str().expect("a reason").contains("--max-disk"));
    let (_, report) = sweep.json(&["acme", "--max-disk", "100M"]);
    assert_eq!(state(&report, "acme/large"), "scanned");
}

#[test]
fn shards_are_disjoint_and_together_the_whole() {
    let mut sweep = Sweep::new(17_904);
    sweep.plant();
    for number in 0..12 {
        sweep.leak(&format!("acme/r-{number}"));
    }
    sweep.github.repository("acme/empty", |repository| repository.size = 0);
    sweep.leak("acme/fork");
    sweep.github.change(|world| world.repository_mut("acme/fork").fork = true);
    let (code, whole) = sweep.json(&["acme", "mona"]);
    assert_eq!(code, 1);
    let reports: Vec<String> = (1..=3)
        .map(|index| {
            let (file, shard) = (format!("shard-{index}.json"), format!("{index}/3"));
            let ran = sweep.run(&["acme", "mona", "--shard", &shard, "-r", &file]);
            assert!([0, 1].contains(&ran.code), "{}", ran.stderr);
            file
        })
        .collect();
    let names: Vec<&str> = reports.iter().map(String::as_str).collect();
    let merged = sweep.sandbox.run(&[&["merge"], &names[..], &["-f", "json"]].concat());
    let merged_report: Value = serde_json::from_str(&merged.stdout).expect("JSON");
    assert_eq!(merged.code, 1, "{}", merged.stderr);
    assert_eq!(timeless(&merged_report), timeless(&whole));
    let of = |report: &Value| report["coverage"].as_array().expect("rows").len();
    let parts = names.iter().map(|name| {
        let text = std::fs::read_to_string(sweep.sandbox.path().join(name)).expect("a report");
        of(&serde_json::from_str(&text).expect("JSON"))
    });
    let parts: Vec<usize> = parts.collect();
    assert_eq!(parts.iter().sum::<usize>(), of(&whole), "{parts:?}");
    assert!(parts.iter().filter(|part| **part > 0).count() > 1, "one shard has it all: {parts:?}");
}
