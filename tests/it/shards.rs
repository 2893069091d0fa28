//! `--shard` and `stanch merge`: whatever the number of shards, each finding comes from one of them, and together they report
//! what one run over all does.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::Value;

use crate::support::cmd::{Ran, Sandbox};
use crate::support::mint::{Kind, Mint};

/// Every format that a report can be in.
const FORMATS: [&str; 12] = [
    "pretty", "json", "jsonl", "sarif", "csv", "github", "gitlab", "junit", "html", "owners", "notices",
    "coverage",
];

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

/// Runs each of `count` shards, and gives the files of their reports. They lie outside of what is scanned.
fn shards(sandbox: &Sandbox, arguments: &[&str], count: usize) -> Vec<PathBuf> {
    let report = |index: usize| {
        let path = sandbox.home().join(format!("{index}-of-{count}.json"));
        let shard = format!("{index}/{count}");
        let ran = sandbox.run(&[arguments, &["--shard", &shard, "-r", text(&path)]].concat());
        assert!([0, 1, 2].contains(&ran.code), "{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("shard {shard}: ")), "it says which it is: {}", ran.stderr);
        path
    };
    (1..=count).map(report).collect()
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("a report")).expect("JSON")
}

fn merge(sandbox: &Sandbox, reports: &[PathBuf], more: &[&str]) -> Ran {
    let reports: Vec<&str> = reports.iter().map(|path| text(path)).collect();
    sandbox.run(&[&["merge"], &reports[..], more].concat())
}

/// A report without what depends on when and how fast it was made.
fn timeless(report: &str) -> String {
    let times = [
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?", "TIME"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "TIME"),
        (r#""elapsed_ms": ?\d+"#, "ELAPSED"),
        (r#"time="[\d.]+""#, "ELAPSED"),
        (r"[\d.,]+ s\b", "ELAPSED"),
    ];
    times.into_iter().fold(report.to_owned(), |report, (pattern, word)| {
        Regex::new(pattern).expect("an expression").replace_all(&report, word).into_owned()
    })
}

/// That two reports are the same but for their times. Says on which lines they are not.
fn assert_same(merged: &str, whole: &str, which: &str) {
    let (merged, whole) = (timeless(merged), timeless(whole));
    let differing = merged.lines().zip(whole.lines()).zip(1..).filter(|((ours, theirs), _)| ours != theirs);
    let differing: Vec<String> =
        differing.take(10).map(|((ours, theirs), n)| format!("{n}: {ours:.300} | {theirs:.300}")).collect();
    assert!(merged == whole, "{which}, merged | whole: {differing:#?}");
}

/// The line that says how much was found in how much.
fn counts(ran: &Ran) -> String {
    let line = ran.stderr.lines().find(|line| line.contains(" found"));
    timeless(line.expect("a summary"))
}

/// What a report's findings are: token, root, path, kind, object and offset of each location.
fn sightings(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings").iter();
    let of = |finding: &Value| {
        let locations = finding["locations"].as_array().expect("locations").clone();
        let fields = ["root", "path", "kind", "object", "offset", "decoded"];
        let hash = finding["sha256"].clone();
        let place =
            move |location: Value| format!("{hash} {:?}", fields.map(|field| location[field].to_string()));
        locations.into_iter().map(place)
    };
    findings.flat_map(of).collect()
}

/// That every finding of all shards is in one of them, and that what they looked at adds up to `whole`.
fn assert_disjoint(reports: &[PathBuf], whole: &Value) {
    let reports: Vec<Value> = reports.iter().map(|path| read(path)).collect();
    let mut seen = BTreeSet::new();
    for sighting in reports.iter().flat_map(sightings) {
        assert!(!seen.contains(&sighting), "two shards have found {sighting}");
        seen.insert(sighting);
    }
    for counter in ["files", "objects", "commits", "bytes"] {
        let of = |report: &Value| report["summary"][counter].as_u64().expect("a number");
        assert_eq!(reports.iter().map(of).sum::<u64>(), of(whole), "{counter}");
    }
}

/// That the shards of a run, as many as there may be, make the same report as one run, in every format.
fn assert_whole(sandbox: &Sandbox, arguments: &[&str], check: impl Fn(&[PathBuf], &Value)) {
    let run = |more: &[&str]| sandbox.run(&[arguments, more].concat());
    let in_format = |format: &'static str| {
        [vec!["-f", format], vec!["-f", format, "--show-suppressed"]].map(|more| (run(&more), more))
    };
    let wholes: Vec<(Ran, Vec<&str>)> = FORMATS.into_iter().flat_map(in_format).collect();
    let is_json = |more: &[&str]| more == ["-f", "json"];
    let (json, _) = wholes.iter().find(|(_, more)| is_json(more)).expect("one of them");
    let whole = serde_json::from_str(&json.stdout).expect("JSON");
    for count in 1..=7 {
        let reports = shards(sandbox, arguments, count);
        check(&reports, &whole);
        // How a report is written does not depend on how many there were.
        for (one, more) in wholes.iter().filter(|(_, more)| count == 3 || is_json(more)) {
            let merged = merge(sandbox, &reports, more);
            assert_eq!(merged.code, one.code, "{}", merged.stderr);
            assert_same(&merged.stdout, &one.stdout, &format!("{more:?} of {count} shards"));
            assert_eq!(counts(&merged), counts(one), "{more:?} of {count} shards");
        }
    }
}

fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a member");
        archive.write_all(content.as_bytes()).expect("written");
    }
    archive.finish().expect("an archive").into_inner()
}

/// A tree with a token in every part that may hold one, and with what cannot be read.
fn tree(seed: u64) -> Sandbox {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(seed));
    let mut token = |kind| mint.token(kind);
    let everywhere = token(Kind::Pat);
    for n in 0..130 {
        sandbox.write(&format!("many/{n}.env"), format!("x\nKEY={everywhere}\n"));
    }
    for (n, kind) in Kind::GITHUB.into_iter().enumerate() {
        sandbox.write(&format!("src/{n}/.env"), format!("A={}\nB={}\n", token(kind), token(kind)));
    }
    let inner = zip(&[("deep/.env", &token(Kind::Pat)), ("again", &everywhere)]);
    let packed = [("a.txt", token(Kind::OAuth)), ("b.txt", token(Kind::Refresh))];
    let packed: Vec<(&str, &str)> = packed.iter().map(|(name, token)| (*name, token.as_str())).collect();
    sandbox.write("archives/inner.zip", inner);
    sandbox.write("archives/packed.zip", zip(&packed));
    let mut cut = zip(&packed);
    cut.truncate(cut.len() / 2);
    sandbox.write("archives/cut.zip", cut);
    sandbox.write(&format!("names/{}/file", token(Kind::Pat)), "nothing");
    sandbox.write(&format!("names/{}.txt", token(Kind::Pat)), token(Kind::AppUser));
    std::os::unix::fs::symlink(token(Kind::Pat), sandbox.path().join("link")).expect("a link");
    sandbox.write("encoded", data_encoding(&token(Kind::Pat)));
    sandbox.write("allowed/a", format!("{} # stanch:allow\n", token(Kind::Pat)));
    let twice = token(Kind::Pat);
    sandbox.write("allowed/b", format!("{twice} # gitleaks:allow\n"));
    sandbox.write("open/b", format!("{twice}\n"));
    sandbox.write("ignored/a", token(Kind::Pat));
    sandbox.write("excluded/a", token(Kind::Pat));
    sandbox.write(".stanchignore", "ignored/\n");
    sandbox.write(".stanch.toml", CONFIG);
    for n in 0..5 {
        sandbox.write(&format!("own/{n}"), format!("acme_key = acme-{n}8f3k2m9x7q4w\n"));
        sandbox.write(&format!("alike/{n}"), mint.lookalike("ghp_"));
    }
    sandbox
}

/// A rule of the tree's own, and what it leaves out.
const CONFIG: &str = r#"exclude = ["excluded/"]
[[rules]]
id = "acme-key"
description = "Key of ACME"
regex = "acme-([0-9a-z]{13})"
keywords = ["acme-"]
positive = ["acme-~18f3k2m9x7q4w"]
"#;

fn data_encoding(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(format!("key is {text} and so on"))
}

#[test]
fn the_shards_of_a_tree_report_what_one_run_does() {
    let sandbox = tree(1601);
    assert_whole(&sandbox, &["scan"], assert_disjoint);
}

#[test]
fn the_shards_of_several_roots_report_what_one_run_does() {
    let sandbox = tree(1602);
    let mut mint = Mint::new(1603);
    sandbox.write("one.env", mint.token(Kind::Pat));
    let roots = ["scan", "many", "archives", "src", "one.env", "archives/inner.zip", "names"];
    assert_whole(&sandbox, &roots, assert_disjoint);
}

/// A history with a token in each part that may hold one: in many versions of a file, under several paths, nowhere but in a
/// reflog, unreachable, packed and loose.
fn history(sandbox: &Sandbox, directory: &str, seed: u64) {
    let mut mint = Mint::new(seed);
    let mut token = || mint.token(Kind::Pat);
    sandbox.init(directory, &[]);
    let (kept, moved) = (token(), token());
    let filler =
        |n: usize| (0..200).map(|line| format!("line {line} of {}\n", n % 7)).collect::<Vec<_>>().concat();
    for n in 0..12 {
        let content = format!("{}KEY={kept}\nversion {n}\n", filler(n));
        sandbox.commit(directory, "config/app.env", content);
        sandbox.commit(directory, &format!("copies/{n}.env"), format!("MOVED={moved}\n{n}\n"));
    }
    // The same blob under other paths, and in two versions there.
    sandbox.commit(directory, "same/a", format!("{moved} v1\n"));
    sandbox.commit(directory, "same/b", format!("{moved} v1\n"));
    sandbox.commit(directory, "same/a", format!("{moved} v2\n"));
    sandbox.commit(directory, "same/b", format!("{moved} v2\n"));
    let commented = token();
    sandbox.commit(directory, "allowed", format!("{commented} # stanch:allow\n"));
    sandbox.commit(directory, "allowed", format!("{commented}\n"));
    sandbox.commit(directory, "hidden", format!("{} # stanch:allow\n", token()));
    sandbox.commit(directory, &format!("dir/{}/x", token()), "in a name\n");
    sandbox.commit(directory, "z.zip", zip(&[("inner/.env", &token())]));
    let (message, author) = (token(), token());
    let message = format!("key {message}");
    sandbox.git(directory, &["commit", "-q", "--allow-empty", "-m", &message]);
    let author = format!("--author={author} <a@example.com>");
    sandbox.git(directory, &["commit", "-q", "--allow-empty", "-m", "x", &author]);
    sandbox.git(directory, &["tag", "-a", "v1", "-m", &format!("tag {}", token())]);
    sandbox.git(directory, &["notes", "add", "-m", &format!("note {}", token())]);
    sandbox.git(directory, &["branch", &format!("b/{}", token())]);
    sandbox.git(directory, &["gc", "-q"]);
    // Loose, and reachable from the reflog only.
    sandbox.commit(directory, "amended", token());
    sandbox.git(directory, &["reset", "-q", "--hard", "HEAD~1"]);
    // In the reflog only, and in the reflog and elsewhere.
    let renamed = format!("gone/{}", token());
    sandbox.git(directory, &["checkout", "-q", "-b", &renamed]);
    sandbox.git(directory, &["checkout", "-q", "main"]);
    sandbox.git(directory, &["branch", "-q", "-D", &renamed]);
    sandbox.git(directory, &["commit", "-q", "--allow-empty", "-m", &message]);
    for _ in 0..20 {
        let content = format!("unreachable {}\n", token());
        sandbox.write(&format!("{directory}/blob"), content);
        sandbox.git(directory, &["hash-object", "-w", "blob"]);
    }
    fs::remove_file(sandbox.path().join(directory).join("blob")).expect("removed");
}

/// That what shards have found in objects is disjoint, and that what they looked at adds up: the place of a token in a history
/// is the first of its versions, which only all of them together know.
fn assert_objects_disjoint(reports: &[PathBuf], whole: &Value) {
    let reports: Vec<Value> = reports.iter().map(|path| read(path)).collect();
    let mut seen = BTreeSet::new();
    for (n, report) in reports.iter().enumerate() {
        for finding in report["findings"].as_array().expect("findings") {
            for location in finding["locations"].as_array().expect("locations") {
                let Some(object) = location["object"].as_str() else { continue };
                seen.insert((object.to_owned(), n));
            }
        }
    }
    let objects: BTreeSet<&String> = seen.iter().map(|(object, _)| object).collect();
    assert_eq!(objects.len(), seen.len(), "an object was scanned by two shards");
    for counter in ["files", "objects", "commits", "bytes"] {
        let of = |report: &Value| report["summary"][counter].as_u64().expect("a number");
        assert_eq!(reports.iter().map(of).sum::<u64>(), of(whole), "{counter}");
    }
}

#[test]
fn the_shards_of_a_history_report_what_one_run_does() {
    let sandbox = Sandbox::new();
    history(&sandbox, "r", 1604);
    assert_whole(&sandbox, &["git", "r"], assert_objects_disjoint);
}

#[test]
fn the_shards_of_a_tree_and_its_histories_report_what_one_run_does() {
    let sandbox = tree(1605);
    for (n, directory) in ["repos/a", "repos/b", "repos/deep/c"].into_iter().enumerate() {
        history(&sandbox, directory, 1606 + n as u64);
    }
    assert_whole(&sandbox, &["scan", "--history"], assert_disjoint);
}

/// A history in packs that hold deltas, some of which are missing their bases.
#[test]
fn damage_is_reported_by_the_shard_that_it_belongs_to() {
    let sandbox = Sandbox::new();
    history(&sandbox, "r", 1610);
    let objects = sandbox.path().join("r/.git/objects");
    let loose =
        fs::read_dir(&objects).expect("listed").flatten().filter(|entry| entry.file_name().len() == 2);
    let files = loose.flat_map(|dir| fs::read_dir(dir.path()).expect("listed").flatten());
    let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
    files.sort();
    for file in files.iter().step_by(3) {
        fs::remove_file(file).and_then(|()| fs::write(file, b"no object")).expect("written");
    }
    assert_whole(&sandbox, &["git", "r"], assert_objects_disjoint);
}

#[test]
fn a_root_that_is_not_there_fails_every_shard() {
    let sandbox = Sandbox::new();
    let reports = shards(&sandbox, &["scan", "gone"], 3);
    for report in &reports {
        assert_eq!(read(report)["summary"]["unreadable"], 1);
    }
    let merged = merge(&sandbox, &reports, &["-f", "json"]);
    let report: Value = serde_json::from_str(&merged.stdout).expect("JSON");
    assert_eq!((merged.code, &report["summary"]["unreadable"]), (2, &Value::from(1)), "{}", merged.stderr);
}

#[test]
fn a_scheduler_says_which_shard_a_run_is() {
    let sandbox = tree(1611);
    let auto = |variables: &[(&str, &str)]| {
        let mut command = sandbox.command(&["scan", "--shard", "auto", "-f", "json"]);
        Ran::from(command.envs(variables.iter().copied()).output().expect("the program starts"))
    };
    let ran = auto(&[("JOB_COMPLETION_INDEX", "1"), ("JOB_COMPLETIONS", "3")]);
    let (_, given) = sandbox.json(&["scan", "--shard", "2/3"]);
    let looked_up: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(looked_up["findings"], given["findings"]);
    assert_eq!(looked_up["summary"]["shard"], serde_json::json!({"index": 2, "count": 3}));
    for (variables, named) in [
        (&[][..], "JOB_COMPLETION_INDEX"),
        (&[("JOB_COMPLETION_INDEX", "1")], "JOB_COMPLETIONS"),
        (&[("CI_NODE_INDEX", "9"), ("CI_NODE_TOTAL", "3")], "CI_NODE_INDEX"),
        (&[("SLURM_ARRAY_TASK_ID", "x"), ("SLURM_ARRAY_TASK_COUNT", "3")], "SLURM_ARRAY_TASK_ID"),
    ] {
        let ran = auto(variables);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
        assert!(ran.stderr.contains(named), "{}", ran.stderr);
    }
}

#[test]
fn what_cannot_be_shared_out_is_refused() {
    let sandbox = Sandbox::new();
    history(&sandbox, "r", 1612);
    for (arguments, named) in [
        (&["scan", "-", "--shard", "1/2"][..], "standard input"),
        (&["git", "r", "--staged", "--shard", "1/2"], "--shard"),
        (&["git", "r", "--range", "HEAD~1..HEAD", "--shard", "1/2"], "--shard"),
        (&["scan", "--shard", "0/2"], "0 of 2"),
        (&["scan", "--shard", "3/2"], "3 of 2"),
        (&["scan", "--shard", "two"], "K/N"),
    ] {
        let ran = sandbox.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.stderr.contains(named), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn shards_that_make_no_whole_are_named() {
    let sandbox = tree(1613);
    let (three, two) = (shards(&sandbox, &["scan"], 3), shards(&sandbox, &["scan"], 2));
    let certain = sandbox.home().join("certain.json");
    let arguments = ["scan", "--shard", "3/3", "--min-confidence", "certain", "-r", text(&certain)];
    sandbox.run(&arguments);
    for (reports, named) in [
        (vec![&three[0], &three[2]], "shard 2/3 is missing"),
        (vec![&three[1]], "shard 1/3, 3/3 is missing"),
        (vec![&three[0], &three[1], &three[2], &three[1]], "both of shard 2/3"),
        (vec![&three[0], &two[1]], "of 3 shards"),
        (vec![&three[0], &three[1], &certain], "--min-confidence"),
    ] {
        let reports: Vec<PathBuf> = reports.into_iter().cloned().collect();
        let ran = merge(&sandbox, &reports, &[]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
        assert!(ran.stderr.contains(named), "{}", ran.stderr);
    }
}

#[test]
fn a_shard_of_another_sweep_stands_in_for_none() {
    let sandbox = tree(1616);
    history(&sandbox, "r", 1617);
    sandbox.write("clean/a", "nothing");
    let (name, elsewhere) = (["--sweep", "17"], ["--sweep", "18"]);
    let run = |file: &str, arguments: &[&str]| {
        let path = sandbox.home().join(file);
        let ran = sandbox.run(&[arguments, &["-r", text(&path)]].concat());
        assert!([0, 1, 2].contains(&ran.code), "{}", ran.stderr);
        path
    };
    let first = run("first.json", &["scan", "src", "--shard", "1/2"]);
    let same = run("same.json", &["scan", "src", "--shard", "2/2", "-q", "-j", "1"]);
    let second = ["--shard", "2/2"];
    for (n, arguments, said) in [
        (0, &["scan", "clean"][..], "the first looked at src, and the other at clean"),
        (1, &["scan", "src", "clean"], "the first looked at src, and the other at src clean"),
        (2, &["git", "r"], "`scan` and `git`"),
        (3, &["scan", "src", "--no-allow-comments"], "only the other --no-allow-comments"),
        (4, &["scan", "src", "--exclude", "0/"], "only the other --exclude=0/"),
        (5, &["scan", "src", "--history"], "only the other --history"),
        (6, &["scan", "src", "--sweep", "17"], "one without a name and 17"),
    ] {
        let other = run(&format!("other{n}.json"), &[arguments, &second].concat());
        let ran = merge(&sandbox, &[first.clone(), other], &[]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("of different sweeps") && ran.stderr.contains(said), "{}", ran.stderr);
    }
    let named = run("named.json", &[&["scan", "src", "--shard", "1/2"], &name[..]].concat());
    let last_week = run("last.json", &[&["scan", "src", "--shard", "2/2"], &elsewhere[..]].concat());
    let ran = merge(&sandbox, &[named, last_week], &[]);
    assert!(ran.code == 2 && ran.stderr.contains("17 and 18"), "{}", ran.stderr);
    // What a sweep without a name left behind long ago is told by its time.
    assert_eq!(merge(&sandbox, &[first.clone(), same.clone()], &[]).code, 1);
    let mut report = read(&same);
    report["run"]["started"] = "2026-01-01T00:00:00Z".into();
    fs::write(&same, report.to_string()).expect("written");
    let ran = merge(&sandbox, &[first, same], &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("hours after the other"), "{}", ran.stderr);
}

#[test]
fn what_is_no_report_is_named() {
    let sandbox = tree(1614);
    let whole = sandbox.run(&["scan", "-f", "json"]).stdout;
    let newer = whole.replacen("\"version\": 1", "\"version\": 2", 1);
    for (content, named) in [
        (&whole[..whole.len() / 2], "cut off"),
        ("", "cut off"),
        ("garbage", "no JSON report"),
        ("[1, 2]", "no JSON report"),
        (&newer, "version 2"),
        (&sandbox.run(&["scan", "-f", "jsonl"]).stdout, "no JSON report"),
        (&sandbox.run(&["scan", "-f", "sarif"]).stdout, "no JSON report"),
    ] {
        sandbox.write("bad.json", content);
        let ran = sandbox.run(&["merge", "bad.json"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
        assert!(ran.stderr.contains("bad.json") && ran.stderr.contains(named), "{named}: {}", ran.stderr);
    }
    let ran = sandbox.run(&["merge", "gone.json"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("gone.json"), "{}", ran.stderr);
}

#[test]
fn reports_of_different_places_are_one_with_each_token_once() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(1615));
    let (both, one) = (mint.token(Kind::Pat), mint.token(Kind::Pat));
    sandbox.write("a/x.env", format!("{both}\n{one}\n"));
    sandbox.write("b/y.env", format!("{both}\n"));
    let reports = ["a", "b"].map(|root| {
        let path = sandbox.home().join(format!("{root}.json"));
        // Of a token that a report holds whole, the merged one tells no more.
        sandbox.run(&["scan", root, "--show-secrets", "-r", text(&path)]);
        path
    });
    let merged = merge(&sandbox, &reports, &["-f", "json"]);
    let report: Value = serde_json::from_str(&merged.stdout).expect("JSON");
    assert_eq!((merged.code, &report["summary"]["findings"]), (1, &Value::from(2)), "{}", merged.stderr);
    assert_eq!(report["summary"]["files"], 2);
    let all = sightings(&report);
    assert_eq!(all.len(), 3, "{all:?}");
    for format in FORMATS {
        let merged = merge(&sandbox, &reports, &["-f", format]);
        let printed = [merged.stdout, merged.stderr].concat();
        assert!(![&both, &one].iter().any(|token| printed.contains(token.as_str())), "a token was printed");
    }
    let pretty = merge(&sandbox, &reports, &[]).stdout;
    assert!(pretty.contains("a/x.env:1:1") && pretty.contains("b/y.env:1:1"), "{pretty}");
    assert_eq!(merge(&sandbox, &reports, &["--exit-zero"]).code, 0);
    assert_eq!(merge(&sandbox, &reports, &["--exit-code", "7"]).code, 7);
}
