//! `stanch scan`: what is found, where, and how the run ends.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Stdio;

use serde_json::Value;
use stanch::token::Fingerprint;

use crate::support::cmd::{Ran, Sandbox};
use crate::support::mint::{Kind, Mint};

fn hash(token: &str) -> String {
    Fingerprint::of(token.as_bytes()).hex()
}

fn findings(report: &Value) -> &Vec<Value> {
    report["findings"].as_array().expect("a list of findings")
}

/// The locations of a token: path, line, column, offset.
fn locations(report: &Value, token: &str) -> Vec<(String, u64, u64, u64)> {
    let number = |location: &Value, field: &str| location[field].as_u64().expect("a number");
    findings(report)
        .iter()
        .filter(|finding| finding["sha256"] == hash(token))
        .flat_map(|finding| finding["locations"].as_array().expect("locations"))
        .map(|location| {
            let path = location["path"].as_str().expect("a path").to_owned();
            (path, number(location, "line"), number(location, "column"), number(location, "offset"))
        })
        .collect()
}

#[test]
fn every_kind_is_found_with_its_place() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(1));
    let tokens: Vec<String> = Kind::GITHUB.into_iter().map(|kind| mint.token(kind)).collect();
    for (n, token) in tokens.iter().enumerate() {
        sandbox.write(&format!("dir/{n}.txt"), format!("first\nkey = \"{token}\"\n"));
    }
    let stateless = mint.stateless();
    sandbox.write(".env", format!("TOKEN={stateless}\n"));
    let (code, report) = sandbox.json(&["scan"]);
    assert_eq!(code, 1);
    for (n, token) in tokens.iter().enumerate() {
        assert_eq!(locations(&report, token), [(format!("dir/{n}.txt"), 2, 8, 13)], "kind {n}");
    }
    assert_eq!(locations(&report, &stateless), [(".env".to_owned(), 1, 7, 6)]);
    let rules: BTreeSet<_> = findings(&report).iter().map(|f| f["rule"].as_str().expect("an id")).collect();
    assert_eq!(rules, Kind::GITHUB.iter().map(|kind| kind.rule_id()).collect());
    let summary = &report["summary"];
    assert_eq!((summary["findings"].as_u64(), summary["certain"].as_u64()), (Some(7), Some(6)));
    let owner = findings(&report).iter().find(|f| f["rule"] == "github-fine-grained-pat");
    assert_eq!(owner.map(|f| f["owner_id"].as_u64()), Some(Some(823_277)));
}

#[test]
fn glued_hidden_ignored_binary_and_long_lines() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(2));
    let [glued, hidden, ignored, binary, long, nested] = std::array::from_fn(|_| mint.token(Kind::Pat));
    sandbox.write("glued", format!("x{glued}abcdef"));
    sandbox.write(".hidden/.deep/.npmrc", &hidden);
    sandbox.write(".gitignore", "*.log\n");
    sandbox.write(".git/HEAD", "ref: refs/heads/main\n");
    sandbox.write("out.log", &ignored);
    sandbox.write("a.bin", [b"\0\xff\xfe\x01\n", binary.as_bytes(), b"\0"].concat());
    let mut line = "y".repeat(5 << 20);
    line.insert_str(3 << 20, &long);
    sandbox.write("long.min.js", line);
    sandbox.write("vendor/.git/config", format!("\turl = https://x-access-token:{nested}@github.com/a/b\n"));
    let (code, report) = sandbox.json(&["scan", "."]);
    assert_eq!(code, 1);
    assert_eq!(locations(&report, &glued), [("glued".to_owned(), 1, 2, 1)]);
    assert_eq!(locations(&report, &hidden), [(".hidden/.deep/.npmrc".to_owned(), 1, 1, 0)]);
    assert_eq!(locations(&report, &ignored), [("out.log".to_owned(), 1, 1, 0)]);
    assert_eq!(locations(&report, &binary), [("a.bin".to_owned(), 2, 1, 5)]);
    assert_eq!(locations(&report, &long), [("long.min.js".to_owned(), 1, (3 << 20) + 1, 3 << 20)]);
    assert_eq!(locations(&report, &nested), [("vendor/.git/config".to_owned(), 1, 31, 30)]);
    let (_, report) = sandbox.json(&["scan", "--gitignore"]);
    assert_eq!(locations(&report, &ignored), []);
    assert_eq!(locations(&report, &hidden).len(), 1);
}

#[test]
fn no_edge_of_any_buffer_loses_a_token() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(3));
    let mut content = vec![b'.'; 2 << 20];
    let mut expected = Vec::new();
    for power in [4096_usize, 8192, 16_384, 32_768, 65_536, 131_072, 262_144, 524_288, 1 << 20] {
        let token = mint.token(Kind::Pat);
        let at = power - 1 - expected.len() * 4;
        content[at..at + 40].copy_from_slice(token.as_bytes());
        expected.push((token, at as u64));
    }
    sandbox.write("big", &content);
    let (_, report) = sandbox.json(&["scan"]);
    for (token, at) in expected {
        assert_eq!(locations(&report, &token), [("big".to_owned(), 1, at + 1, at)]);
    }
}

#[test]
fn lookalikes_are_a_number_and_count_for_nothing() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(4));
    let mut lines = String::new();
    for _ in 0..30 {
        for prefix in ["ghp_", "gho_", "ghu_", "ghr_"] {
            lines.push_str(&mint.lookalike(prefix));
            lines.push('\n');
        }
    }
    sandbox.write("docs.md", lines);
    let (code, report) = sandbox.json(&["scan"]);
    assert_eq!(code, 0);
    assert_eq!(report["summary"]["findings"], 0);
    assert_eq!(report["summary"]["lookalikes"], 120);
    let ran = sandbox.run(&["scan"]);
    assert_eq!(ran.stdout, "", "the summary has the count");
    assert!(ran.stderr.contains("\nnot counted: 120 lookalikes (see --show-suppressed)\n"), "{}", ran.stderr);
    let ran = sandbox.run(&["scan", "--show-suppressed"]);
    assert_eq!((ran.code, ran.stdout.matches("  docs.md:").count()), (0, 120));
    assert!(ran.stderr.contains("\nnot counted: 120 lookalikes\n"), "{}", ran.stderr);
    let (code, report) = sandbox.json(&["scan", "--min-confidence", "certain"]);
    assert_eq!((code, &report["summary"]["findings"], findings(&report).len()), (0, &0.into(), 120));
}

#[test]
fn lookalikes_count_where_they_are_asked_for() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(44));
    sandbox.write("docs.md", mint.lookalike("ghp_"));
    let asked = ["scan", "--min-confidence", "lookalike"];
    let (code, report) = sandbox.json(&asked);
    assert_eq!((code, &report["summary"]["findings"]), (1, &1.into()));
    let ran = sandbox.run(&asked);
    assert!(ran.stdout.starts_with("lookalike  ghp_…"), "{}", ran.stdout);
    assert!(ran.stderr.contains("1 token found (1 only alike) in 1 file"), "{}", ran.stderr);
    let sarif: Value =
        serde_json::from_str(&sandbox.run(&[&asked[..], &["-f", "sarif"]].concat()).stdout).expect("SARIF");
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "stanch/lookalike");
    // A baseline knows what counts.
    assert_eq!(sandbox.run(&[&asked[..], &["-q", "--write-baseline", "known.json"]].concat()).code, 1);
    assert_eq!(sandbox.run(&[&asked[..], &["-b", "known.json"]].concat()).code, 0);
}

#[test]
fn quiet_is_what_counts_and_nothing_else() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(45));
    sandbox.write("a", mint.token(Kind::Pat));
    sandbox.write("b", format!("{} # stanch:allow", mint.token(Kind::Pat)));
    sandbox.write("c", mint.lookalike("ghp_"));
    let ran = sandbox.run(&["scan", "-q"]);
    assert_eq!((ran.code, &*ran.stderr), (1, ""));
    let lines: Vec<&str> = ran.stdout.trim_end().lines().collect();
    assert_eq!((lines.len(), lines[1]), (3, "  a:1:1"), "{}", ran.stdout);
}

#[test]
fn names_and_links_are_text_too() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(5));
    let (file, directory, target) = (mint.token(Kind::Pat), mint.token(Kind::OAuth), mint.token(Kind::Pat));
    sandbox.write(&format!("a/{directory}/b/backup-{file}.txt"), "nothing in it");
    symlink(format!("https://{target}@github.com"), sandbox.path().join("link")).expect("a link");
    let (code, report) = sandbox.json(&["scan"]);
    assert_eq!(code, 1);
    assert_eq!(findings(&report).len(), 3);
    let kind = |token: &str| {
        let found = findings(&report).iter().find(|f| f["sha256"] == hash(token)).expect("a finding");
        found["locations"][0]["kind"].as_str().expect("a kind").to_owned()
    };
    assert_eq!([kind(&file), kind(&directory), kind(&target)], ["file-name", "file-name", "symlink-target"]);
    assert_eq!(locations(&report, &directory)[0].3, 2);
    assert_eq!(locations(&report, &file)[0].3, 2 + 40 + 3 + 7);
    let text = report.to_string();
    for token in [file, directory, target] {
        assert!(!text.contains(&token), "a token stands in the report");
    }
}

#[test]
fn loops_pipes_and_object_databases_are_survived() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(6));
    let (kept, passed) = (mint.token(Kind::Pat), mint.token(Kind::Pat));
    sandbox.write("sub/file", &kept);
    sandbox.write(".git/HEAD", "ref: refs/heads/main\n");
    sandbox.write(".git/refs/heads/main", "0\n");
    sandbox.write(".git/objects/pack/x.pack", ["PACK\0\0\0\x02", &passed].concat());
    sandbox.write("objects/plain", mint.token(Kind::Pat));
    symlink("..", sandbox.path().join("sub/up")).expect("a link");
    symlink("nowhere", sandbox.path().join("dangling")).expect("a link");
    let made = std::process::Command::new("mkfifo").arg(sandbox.path().join("fifo")).status();
    assert!(made.is_ok_and(|status| status.success()));
    for arguments in [&["scan"][..], &["scan", "--follow-symlinks"]] {
        let (code, report) = sandbox.json(arguments);
        assert_eq!(code, 1);
        assert_eq!(locations(&report, &kept).len(), 1);
        assert_eq!(locations(&report, &passed).len(), 0);
        assert_eq!((findings(&report).len(), &report["summary"]["unreadable"]), (2, &Value::from(0)));
    }
}

#[test]
fn a_link_that_leads_nowhere_or_back_has_a_name_and_a_target() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(61));
    let [name, target, looping, back] = [(); 4].map(|()| mint.token(Kind::Pat));
    sandbox.write(&format!("{back}/file"), "nothing");
    symlink("nowhere", sandbox.path().join(&name)).expect("a link");
    symlink(&target, sandbox.path().join("dangling")).expect("a link");
    symlink(format!("../{back}"), sandbox.path().join(&back).join(&looping)).expect("a link");
    sandbox.write("left-out/file", "nothing");
    symlink(mint.token(Kind::Pat), sandbox.path().join("left-out/link")).expect("a link");
    for arguments in [&["scan"][..], &["scan", "--follow-symlinks"]] {
        let (_, report) = sandbox.json(&[arguments, &["--exclude", "left-out/"]].concat());
        assert_eq!(report["summary"]["unreadable"], 0, "{arguments:?}");
        for (token, places) in [(&name, 1), (&target, 1), (&looping, 1), (&back, 2)] {
            assert_eq!(locations(&report, token).len(), places, "{arguments:?}");
        }
        assert_eq!(findings(&report).len(), 4, "{arguments:?}");
    }
}

#[test]
fn one_finding_a_token_and_an_order_that_threads_do_not_change() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(7));
    let token = mint.token(Kind::Pat);
    for n in 0..150 {
        sandbox.write(&format!("d{}/{n:03}", n % 7), format!("{token}\n{}", mint.token(Kind::OAuth)));
    }
    let (_, mut one) = sandbox.json(&["scan", "-j", "1"]);
    let (_, mut many) = sandbox.json(&["scan", "-j", "8"]);
    for report in [&mut one, &mut many] {
        report["summary"]["elapsed_ms"] = Value::from(0);
    }
    assert!(one == many, "the report depends on threads");
    assert_eq!(findings(&one).len(), 151);
    let found = findings(&one).iter().find(|f| f["sha256"] == hash(&token)).expect("a finding");
    assert_eq!(
        (found["locations"].as_array().map(Vec::len), &found["more_locations"]),
        (Some(100), &Value::from(50))
    );
}

#[test]
fn standard_input_files_and_many_roots() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(8));
    let (piped, single, first, second) =
        (mint.token(Kind::Pat), mint.token(Kind::Pat), mint.token(Kind::Pat), mint.token(Kind::Pat));
    sandbox.write("single.txt", &single);
    sandbox.write("one/x", &first);
    sandbox.write("two/x", &second);
    let mut child = sandbox
        .command(&["scan", "-", "single.txt", "one", "two", "-f", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(format!("a\n {piped}").as_bytes()).expect("it reads");
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    let report: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(locations(&report, &piped), [("<stdin>".to_owned(), 2, 2, 3)]);
    assert_eq!(locations(&report, &single), [("single.txt".to_owned(), 1, 1, 0)]);
    assert_eq!(locations(&report, &first), [("x".to_owned(), 1, 1, 0)]);
    let root = |token: &str| {
        let found = findings(&report).iter().find(|f| f["sha256"] == hash(token)).expect("a finding");
        found["locations"][0]["root"].as_str().map(str::to_owned)
    };
    assert_eq!([root(&first), root(&second)], [Some("one".to_owned()), Some("two".to_owned())]);
}

#[test]
fn what_cannot_be_read_is_named_and_decides_only_when_nothing_is_found() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(9));
    sandbox.write("clean", "nothing");
    let ran = sandbox.run(&["scan", "clean", "missing"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("missing: No such file"), "{}", ran.stderr);
    assert!(ran.stderr.contains("1 path could not be read"), "{}", ran.stderr);
    sandbox.write("found", mint.token(Kind::Pat));
    assert_eq!(sandbox.run(&["scan", "found", "missing"]).code, 1);
    let (_, report) = sandbox.json(&["scan", "found", "missing"]);
    assert_eq!(
        (&report["summary"]["unreadable"], &report["faults"][0]["path"]),
        (&Value::from(1), &Value::from("missing"))
    );
}

#[test]
fn hostile_names_are_printed_harmlessly() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(10));
    let name = std::ffi::OsStr::from_bytes(b"a\xff\n\x1b[2Jb");
    std::fs::write(sandbox.path().join(name), mint.token(Kind::Pat)).expect("a file");
    let ran = sandbox.run(&["scan", "--color", "never"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("a\\xFF\\n\\u{1b}[2Jb:1:1"), "{}", ran.stdout);
    assert!(!ran.stdout.contains('\x1b'));
}

#[test]
fn sizes_globs_and_confidence() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(11));
    let (small, large) = (mint.token(Kind::Pat), mint.token(Kind::Pat));
    sandbox.write("a/small.txt", &small);
    sandbox.write("b/large.txt", format!("{}{large}", " ".repeat(3000)));
    let (code, report) = sandbox.json(&["scan", "--max-file-size", "2k"]);
    assert_eq!((code, findings(&report).len(), &report["summary"]["too_large"]), (1, 1, &Value::from(1)));
    let (_, report) = sandbox.json(&["scan", "--exclude", "/a", "--exclude", "*.txt"]);
    assert_eq!(findings(&report).len(), 0);
    let (_, report) = sandbox.json(&["scan", "--exclude", "a/"]);
    assert_eq!(locations(&report, &large).len(), 1);
    assert_eq!(locations(&report, &small).len(), 0);
    let ran = sandbox.run(&["scan", "--exclude", "a{"]);
    assert_eq!(ran.code, 2);
}

#[test]
fn exit_codes_can_be_chosen() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(12));
    sandbox.write("x", mint.token(Kind::Pat));
    assert_eq!(sandbox.run(&["scan"]).code, 1);
    assert_eq!(sandbox.run(&["scan", "--exit-code", "42"]).code, 42);
    assert_eq!(sandbox.run(&["scan", "--exit-zero"]).code, 0);
    assert_eq!(sandbox.run(&["scan", "--no-such-flag"]).code, 2);
    assert_eq!(sandbox.run(&["scan", "--help"]).code, 0);
}

#[test]
fn secrets_are_shown_only_when_asked_for() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(13));
    let token = mint.token(Kind::Pat);
    sandbox.write(&format!("{token}.txt"), &token);
    for format in ["pretty", "json", "jsonl"] {
        let ran = sandbox.run(&["scan", "-v", "-f", format]);
        assert!(!ran.stdout.contains(&token[8..]) && !ran.stderr.contains(&token[8..]), "{format}");
        assert!(ran.stdout.contains(&token[34..]), "{format}");
        assert!(sandbox.run(&["scan", "--show-secrets", "-f", format]).stdout.contains(&token), "{format}");
    }
}

#[test]
fn lines_of_json_end_in_a_summary() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(14));
    sandbox.write("x", format!("{} {}", mint.token(Kind::Pat), mint.token(Kind::OAuth)));
    let ran = sandbox.run(&["scan", "-f", "jsonl", "-q"]);
    let lines: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2]["summary"]["findings"], 2);
    assert_eq!(ran.stderr, "");
}

#[test]
fn a_wall_of_prefixes_is_walked_through() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(15));
    let token = mint.token(Kind::Pat);
    for (name, brick) in
        [("a", "ghp_"), ("b", "github_pat_"), ("c", "-ghs_1_eyJ"), ("d", "ghs_1_eyJ."), ("e", "ghr_A")]
    {
        sandbox.write(name, format!("{}\n{token}", brick.repeat(4_000_000 / brick.len())));
    }
    let (code, report) = sandbox.json(&["scan"]);
    assert_eq!((code, locations(&report, &token).len()), (1, 5));
}

#[test]
fn a_closed_pipe_and_a_full_disk() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(16));
    for n in 0..2000 {
        sandbox.write(&format!("{n}"), mint.token(Kind::Pat));
    }
    let mut child = sandbox
        .command(&["scan", "-f", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(!ran.stderr.contains("panic"), "{}", ran.stderr);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    let ran = Ran::from(sandbox.command(&["scan", "-f", "json"]).stdout(full).output().expect("it runs"));
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("cannot write the report"), "{}", ran.stderr);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    let ran = Sandbox::new().command(&["scan", "-f", "json"]).stdout(full).output().expect("it runs");
    assert_eq!(Ran::from(ran).code, 2);
}

#[test]
fn rules_prove_themselves() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["rules", "test"]);
    assert_eq!((ran.code, ran.stdout.lines().filter(|line| line.starts_with("ok")).count()), (0, 6));
    let ran = sandbox.run(&["rules", "list"]);
    for kind in Kind::GITHUB {
        assert!(ran.stdout.contains(kind.rule_id()));
    }
}

#[test]
fn this_repository_holds_no_token() {
    let sandbox = Sandbox::new();
    let root = env!("CARGO_MANIFEST_DIR");
    // Damaged archives among the seeds of fuzzing are faults, and no matter here.
    let (_, report) = sandbox.json(&["scan", root, "--exclude", "target", "--exclude", ".git"]);
    assert_eq!(report["summary"]["findings"], 0, "{}", report["findings"]);
}

/// Root reads everything, so this proves something only for other users.
#[test]
fn a_folder_without_permission_is_a_fault() {
    let sandbox = Sandbox::new();
    sandbox.write("closed/file", "nothing");
    let closed = sandbox.path().join("closed");
    let allow =
        |mode| std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(mode)).expect("chmod");
    allow(0o000);
    let readable = std::fs::read_dir(&closed).is_ok();
    let ran = sandbox.run(&["scan"]);
    allow(0o755);
    assert_eq!(ran.code, if readable { 0 } else { 2 }, "{}", ran.stderr);
}

#[test]
fn histories_that_were_not_looked_into_are_counted() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(320));
    let histories = |arguments: &[&str]| {
        let (code, report) = sandbox.json(&[&["scan"], arguments].concat());
        (code, report["summary"]["histories"].as_u64().expect("a number"))
    };
    sandbox.init("all/r", &[]);
    sandbox.commit("all/r", "f", mint.token(Kind::Pat));
    sandbox.commit("all/r", "f", "gone");
    sandbox.git("all/r", &["worktree", "add", "-q", "../linked"]);
    sandbox.git("all/r", &["worktree", "add", "-q", "../../away"]);
    assert_eq!(histories(&["all"]), (0, 1), "a linked work tree has none of its own");
    assert_eq!(histories(&["away"]), (0, 1), "its repository is elsewhere");
    assert_eq!(histories(&["all/r/.git"]), (0, 1));
    assert_eq!(histories(&["--history", "all"]), (1, 0));
    sandbox.git("", &["clone", "-q", "--bare", "all/r", "all/bare.git"]);
    assert_eq!(histories(&["all", "away"]), (0, 3));
    assert_eq!(histories(&["--exclude", ".git", "all"]), (0, 1));
    let ran = sandbox.run(&["scan", "all"]);
    assert!(ran.stderr.contains("2 git histories not looked into"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("bare.git"), "a count is enough: {}", ran.stderr);
    assert!(sandbox.run(&["scan", "-v", "all"]).stderr.contains("bare.git"));
    // Where none is on disk, nobody else could: loose and packed, in archives in archives, and bundled.
    for packed in [false, true] {
        if packed {
            sandbox.git("all/r", &["repack", "-adq"]);
            sandbox.git("all/r", &["prune-packed", "-q"]);
        }
        sandbox.shell("mkdir -p out layers/app && cp -r all/r/. layers/app && tar cf layer.tar layers && tar cf out/image.tar layer.tar");
        assert_eq!(histories(&["out"]), (1, 0), "packed: {packed}");
        assert_eq!(histories(&["--history", "out"]), (1, 0), "packed: {packed}");
        sandbox.shell("rm -rf out layers && mkdir out && cp -r all/r/.git/objects out/copied");
        assert_eq!(histories(&["out"]), (1, 0), "packed: {packed}");
        sandbox.shell("rm -rf out && mkdir out && git -C all/r bundle create -q ../../out/all.bundle --all");
        assert_eq!(histories(&["out"]), (1, 0), "packed: {packed}");
        assert_eq!(histories(&["--max-archive-depth", "0", "out"]), (0, 1), "packed: {packed}");
        sandbox.shell("rm -rf out");
    }
    // Names alone are none.
    sandbox.write("plain/.git", "no file of git's");
    sandbox.write("plain/objects/ab/0123456789012345678901234567890123456789", "x\u{1}");
    sandbox.write("plain/pack-1.pack", "PACKAGE");
    assert_eq!(histories(&["plain"]), (0, 0));
}

#[test]
fn only_objects_of_a_repository_are_left_to_its_history() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(321));
    sandbox.init("r", &[]);
    sandbox.commit("r", "f", "x");
    sandbox.git("r", &["repack", "-adq", "--write-bitmap-index"]);
    sandbox.git("r", &["commit-graph", "write", "--reachable"]);
    sandbox.git("r", &["multi-pack-index", "write"]);
    sandbox.commit("r", "g", "y");
    let hex = "0".repeat(38);
    for path in [
        "store/objects/settings",
        "store/objects/ab/settings",
        "r/.git/objects/notes",
        "r/.git/objects/info/notes",
        "r/.git/objects/pack/tmp_pack_abc",
        "r/.git/objects/pack/pack-1.keep",
        "r/.git/objects/pack/pack-1.pack",
        "r/.git/objects/pack/pack-1.idx",
        "r/.git/objects/info/commit-graph.txt",
        &format!("r/.git/objects/ab/{hex}"),
        &format!("r/.git/objects/ab/{hex}0"),
        "r/.git/objects/ab/tmp_obj_abc",
    ] {
        sandbox.write("store/HEAD", "anything");
        sandbox.write("store/refs/x", "anything");
        let token = mint.token(Kind::Pat);
        sandbox.write(path, &token);
        for root in [".", path.split('/').next().expect("a root")] {
            let (code, report) = sandbox.json(&["scan", root]);
            assert_eq!((code, locations(&report, &token).len()), (1, 1), "{path} in {root}");
        }
        std::fs::remove_file(sandbox.path().join(path)).expect("removed");
    }
    let (_, report) = sandbox.json(&["scan", "r"]);
    // What is read of `.git` are texts: no object and no index of objects.
    let (_, without) = sandbox.json(&["scan", "r", "--exclude", "objects"]);
    let files = |report: &Value| report["summary"]["files"].as_u64().expect("a number");
    assert_eq!(files(&report) - files(&without), 1, "only `info/packs` is a text");
}

#[cfg(target_os = "linux")]
#[test]
fn holes_of_a_sparse_file_take_no_time_and_keep_offsets_true() {
    use std::io::{Seek as _, SeekFrom};
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(77));
    let tokens: Vec<String> = (0..3).map(|_| mint.token(Kind::GITHUB[0])).collect();
    // So much is read in no test; a file system that keeps no holes would not hold it either.
    let places = [0_u64, (1 << 30) + 12_345, (1 << 39) + 7];
    sandbox.write("disk.img", "");
    let mut file =
        std::fs::OpenOptions::new().write(true).open(sandbox.path().join("disk.img")).expect("a file");
    if file.set_len(1 << 40).is_err() {
        return;
    }
    for (token, place) in tokens.iter().zip(places) {
        file.seek(SeekFrom::Start(place)).and_then(|_| writeln!(file, "{token}")).expect("space");
    }
    let start = std::time::Instant::now();
    let (code, report) = sandbox.json(&["scan", "disk.img"]);
    assert_eq!(code, 1);
    for (n, (token, place)) in tokens.iter().zip(places).enumerate() {
        let found = locations(&report, token);
        assert_eq!(found.len(), 1, "{n}");
        assert_eq!((found[0].1, found[0].3), (n as u64 + 1, place), "{n}");
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn no_glob_leaves_out_the_root_itself() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(352));
    sandbox.write("top/keep.env", mint.token(Kind::Pat));
    sandbox.write("top/top/other", mint.token(Kind::Pat));
    let absolute = sandbox.path().join("top").display().to_string();
    for root in ["top", "./top", "top/", "top/../top", &absolute] {
        let found = |globs: &[&str]| {
            let globs = globs.iter().flat_map(|glob| ["--exclude", glob]).collect::<Vec<_>>();
            sandbox.json(&[&["scan", root], &globs[..]].concat()).1["summary"]["findings"].as_u64()
        };
        assert_eq!(found(&["*", "!keep.env"]), Some(1), "{root}");
        assert_eq!(found(&["/*", "!/keep.env"]), Some(1), "{root}");
        assert_eq!(found(&["top"]), Some(1), "the one inside is left out: {root}");
    }
}
