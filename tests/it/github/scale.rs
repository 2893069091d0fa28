//! Many runs, many tokens of one owner, large repositories.

use std::io::Read as _;
use std::process::Stdio;
use std::thread;

use super::planted::zip;
use super::{Sweep, finding, row, state};
use crate::support::github_source::{Artifact, OwnerKind, Run, Trouble};
use crate::support::mint::Kind;

#[test]
fn more_runs_than_a_search_gives_are_all_looked_at() {
    let mut sweep = Sweep::new(18_500);
    let [oldest, within] = std::array::from_fn(|_| sweep.mint.token(Kind::Pat));
    let log = |token: &str| Some(zip(&[("a.txt", token)]));
    let at = |number: u64| match number {
        // As many as a page has in the same second.
        300..420 => "2026-03-03T12:00:00Z".to_owned(),
        _ => format!("2026-0{}-{:02}T{:02}:00:00Z", number % 3 + 1, number % 27 + 1, number % 24),
    };
    sweep.github.repository("acme/busy", |repository| {
        let run = |number| Run {
            id: number + 1,
            created_at: at(number),
            status: "completed",
            attempts: vec![None],
        };
        repository.runs = (0..1_300).map(run).collect();
        repository.runs[310].attempts = vec![log(&within)];
        let oldest = Run {
            id: 9_999,
            created_at: "2025-12-31T00:00:00Z".to_owned(),
            status: "completed",
            attempts: vec![log(&oldest)],
        };
        repository.runs.push(oldest);
    });
    let (code, report) = sweep.json(&["acme", "--include", "actions-logs"]);
    assert_eq!((code, state(&report, "acme/busy")), (1, "scanned"), "{:#}", row(&report, "acme/busy"));
    assert!(finding(&report, &oldest).is_some() && finding(&report, &within).is_some());
    // Only the server knows how long it keeps them: each is asked for.
    assert_eq!(sweep.github.count("GET", "/repos/acme/busy/actions/runs/"), 1_301);
    let logs = &row(&report, "acme/busy")["surfaces"]["actions-logs"];
    assert_eq!((&logs["read"], &logs["expired"]), (&2.into(), &1_299.into()));
}

#[test]
fn the_login_of_an_owner_is_asked_for_once() {
    let mut sweep = Sweep::new(18_510);
    sweep.github.change(|world| world.add_owner("mona", OwnerKind::User));
    let id = sweep.github.change(|world| world.owner("mona").expect("an owner").id);
    let id = u32::try_from(id).expect("a small one");
    let mut tokens: Vec<String> = (0..3).map(|_| sweep.mint.fine_grained(id)).collect();
    tokens.push(sweep.mint.fine_grained(4_000_000_000));
    sweep.github.repository("acme/web", |_| {}).commit("refs/heads/main", "f", tokens.join("\n"));
    let (_, report) = sweep.json(&["acme"]);
    assert_eq!(finding(&report, &tokens[0]).expect("found")["owner_login"], serde_json::Value::Null);
    assert_eq!(sweep.github.count("GET", "/user/"), 0);
    let (code, report) = sweep.json(&["acme", "--owner-logins"]);
    assert_eq!(code, 1);
    for (token, login) in
        tokens.iter().zip(["mona".into(), "mona".into(), "mona".into(), serde_json::Value::Null])
    {
        assert_eq!(finding(&report, token).expect("found")["owner_login"], login);
    }
    assert_eq!(sweep.github.count("GET", "/user/"), 2);
}

#[test]
fn a_limit_in_the_middle_of_resolving_is_waited_for() {
    let mut sweep = Sweep::new(18_520);
    let tokens: Vec<String> = (0..30).map(|_| sweep.mint.token(Kind::Pat)).collect();
    sweep.github.change(|world| {
        world.add_repository("acme/web", |_| {});
        let alert = |(number, token): (u64, &String)| super::alerts::alert(number, "acme/web", token);
        world.alerts = (1..).zip(&tokens).map(alert).collect();
    });
    sweep.github.trouble("/repos/acme/web/secret-scanning/alerts/7", 0, 1, Trouble::SecondaryLimit(Some(2)));
    sweep.github.trouble("/repos/acme/web/secret-scanning/alerts/19", 0, 1, Trouble::PrimaryLimit(2));
    let ran = sweep.run(&super::alerts::RESOLVE);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let open =
        sweep.github.change(|world| world.alerts.iter().filter(|alert| alert.resolution.is_none()).count());
    assert_eq!(open, 0, "{}", ran.stderr);
}

#[test]
fn a_token_in_many_repositories_is_told_the_same_way_each_time() {
    let mut sweep = Sweep::new(18_550);
    let token = sweep.mint.token(Kind::Pat);
    for number in 0..105 {
        let bare = sweep
            .github
            .repository(&format!("acme/r-{number:03}"), |repository| repository.size = number % 7);
        bare.commit("refs/heads/main", "f", format!("{}{token}", "\n".repeat((number % 5) as usize)));
    }
    let strictly = |report: &serde_json::Value| (report["findings"].clone(), super::timeless(report));
    let (code, first) = sweep.json(&["acme", "--jobs", "1"]);
    let found = finding(&first, &token).expect("found");
    assert_eq!(
        (code, found["locations"].as_array().map(Vec::len), &found["more_locations"]),
        (1, Some(100), &5.into())
    );
    let (_, again) = sweep.json(&["acme", "--jobs", "8"]);
    assert!(strictly(&again) == strictly(&first), "another report with more at once");
    for shard in ["1/3", "2/3", "3/3"] {
        let file = format!("{}.json", &shard[..1]);
        sweep.run(&["acme", "--jobs", "5", "--shard", shard, "-r", &file]);
    }
    let merged = sweep.sandbox.run(&["merge", "1.json", "2.json", "3.json", "-f", "json"]);
    let merged: serde_json::Value = serde_json::from_str(&merged.stdout).expect("JSON");
    let more = &finding(&merged, &token).expect("found")["more_locations"];
    assert_eq!((more, strictly(&merged) == strictly(&first)), (&5.into(), true));
}

/// The most memory that the program held, in KiB, while it ran (`proc_pid_status(5)`).
fn peak(command: &mut std::process::Command) -> (u64, i32) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
    let status = format!("/proc/{}/status", child.id());
    let mut output = child.stdout.take().expect("piped");
    let reader = thread::spawn(move || output.read_to_end(&mut Vec::new()));
    let mut most = 0;
    let code = loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
        most = most.max(now.unwrap_or(0));
        if let Some(status) = child.try_wait().expect("a process") {
            break status.code().unwrap_or(-1);
        }
        thread::sleep(std::time::Duration::from_millis(5));
    };
    let _ = reader.join();
    (most, code)
}

#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_grow_with_what_is_looked_at() {
    let mut sweep = Sweep::new(18_530);
    let noise = sweep.noise(150_000);
    for number in 0..6 {
        let token = sweep.mint.token(Kind::Pat);
        let text = format!("{noise}{token}");
        let bare = sweep.github.repository(&format!("acme/r-{number}"), |_| {});
        bare.commit("refs/heads/main", "f", &text);
        let [log, dist] = ["1.txt", "dist.txt"].map(|name| zip(&[(name, text.as_str())]));
        sweep.github.change(|world| {
            let repository = world.repository_mut(&format!("acme/r-{number}"));
            let created_at = "2026-03-04T05:06:07Z".to_owned();
            let run =
                Run { id: 1, created_at: created_at.clone(), status: "completed", attempts: vec![Some(log)] };
            repository.runs.push(run);
            let name = "dist".to_owned();
            repository.artifacts.push(Artifact { id: 2, run: 1, name, created_at, zip: Some(dist) });
        });
    }
    let include = ["acme", "--include", "repos,actions-logs,artifacts", "--jobs", "8", "-f", "json"];
    let (peak, code) = peak(&mut sweep.command(&include));
    sweep.github.assert_well_behaved();
    println!("{} MiB", peak / 1024);
    assert_eq!(code, 1);
    assert!((1..300 * 1024).contains(&peak), "{} MiB", peak / 1024);
}

/// GitHub takes files of up to 100 MiB (<https://docs.github.com/en/repositories/working-with-files/managing-large-files>).
#[test]
#[cfg(target_os = "linux")]
#[ignore = "takes some minutes: cargo test --test it -- --ignored the_largest_files"]
fn the_largest_files_do_not_take_the_memory_together() {
    let mut sweep = Sweep::new(18_540);
    let noise = sweep.noise(2_000_000);
    for number in 0..6 {
        let text = format!("{noise}{}", sweep.mint.token(Kind::Pat));
        sweep.github.repository(&format!("acme/r-{number}"), |_| {}).commit("refs/heads/main", "f", &text);
    }
    let (peak, code) = peak(&mut sweep.command(&["acme", "--jobs", "6", "--include", "repos"]));
    println!("{} MiB", peak / 1024);
    assert_eq!(code, 1);
    assert!((1..300 * 1024).contains(&peak), "{} MiB", peak / 1024);
}
