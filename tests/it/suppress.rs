//! Baselines, ignore files, allow comments, allowlists: what is suppressed, by what, and who set that.

use std::fs;

use serde_json::{Value, json};
use stanch::token::Fingerprint;

use crate::support::cmd::Sandbox;
use crate::support::mint::{Kind, Mint};

fn hash(token: &str) -> String {
    Fingerprint::of(token.as_bytes()).hex()
}

/// What suppresses a token, and who set it; `None` where nothing does.
fn suppression(report: &Value, token: &str) -> Option<(String, String)> {
    let finding =
        report["findings"].as_array().expect("findings").iter().find(|f| f["sha256"] == hash(token));
    let finding = finding.expect("a suppressed token is reported, too");
    let by = finding["suppressed"].as_str()?;
    assert_eq!(finding["suppression"]["by"], by);
    Some((by.to_owned(), finding["suppression"]["from"].as_str().expect("who set it").to_owned()))
}

fn by(what: &str, from: &str) -> (String, String) {
    (what.to_owned(), from.to_owned())
}

#[test]
fn a_baseline_knows_tokens_wherever_they_move() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(71));
    let (old, new) = (mint.token(Kind::Pat), mint.token(Kind::OAuth));
    sandbox.write("a/f", &old);
    assert_eq!(sandbox.run(&["scan", "a", "-q", "--write-baseline", "base.json"]).code, 1);
    let text = fs::read_to_string(sandbox.path().join("base.json")).expect("a baseline");
    assert!(text.contains(&hash(&old)) && !text.contains(&old));
    fs::remove_file(sandbox.path().join("a/f")).expect("gone");
    sandbox.write("a/moved", format!("\n\n  {old}\n"));
    let (code, report) = sandbox.json(&["scan", "a", "-b", "base.json"]);
    assert_eq!((code, suppression(&report, &old)), (0, Some(by("baseline", "user"))));
    assert_eq!(report["summary"]["suppressed"], 1);
    sandbox.write("a/new", &new);
    let (code, report) = sandbox.json(&["scan", "a", "-b", "base.json"]);
    assert_eq!((code, suppression(&report, &new)), (1, None));
}

#[test]
fn one_file_may_be_read_and_written_in_the_same_run() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(72));
    let both = ["scan", "a", "-q", "-b", "base.json", "--write-baseline", "base.json"];
    sandbox.write("a/1", mint.token(Kind::Pat));
    assert_eq!(sandbox.run(&both).code, 1, "the first run writes it");
    assert_eq!(sandbox.run(&both).code, 0, "the second knows all");
    sandbox.write("a/2", mint.token(Kind::Pat));
    assert_eq!(sandbox.run(&both).code, 1);
    assert_eq!(sandbox.run(&["scan", "a", "-q", "-b", "base.json"]).code, 0, "nothing was lost on the way");
}

/// `stanch scan -f json > known.json` in Windows PowerShell writes UTF-16 with a byte order mark and CRLF.
#[test]
fn files_come_in_every_encoding_that_windows_writes() {
    type Encode = fn(&str) -> Vec<u8>;
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(79));
    let token = mint.token(Kind::Pat);
    sandbox.write("a/f", &token);
    let report = sandbox.run(&["scan", "a", "-q", "-f", "json"]).stdout.replace('\n', "\r\n");
    let ignore = format!("# known\r\nsha256:{}\r\n", hash(&token));
    let config = format!("[[allowlists]]\r\nsha256 = ['{}']\r\n", hash(&token));
    let marked = |text: &str| format!("\u{feff}{text}");
    let encodings: [(&str, Encode); 3] = [
        ("UTF-8", |text| text.as_bytes().to_vec()),
        ("UTF-16", |text| text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("UTF-16 in the other order", |text| text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    ];
    for (name, encode) in encodings {
        sandbox.write("known.json", encode(&marked(&report)));
        assert_eq!(sandbox.run(&["scan", "a", "-q", "-b", "known.json"]).code, 0, "a baseline in {name}");
        sandbox.write("config.toml", encode(&marked(&config)));
        assert_eq!(sandbox.run(&["scan", "a", "-q", "-c", "config.toml"]).code, 0, "the user's in {name}");
        for (file, text) in [("a/.stanchignore", &ignore), ("a/.stanch.toml", &config)] {
            sandbox.write(file, encode(&marked(text)));
            assert_eq!(sandbox.run(&["scan", "a", "-q"]).code, 0, "{file} in {name}");
            fs::remove_file(sandbox.path().join(file)).expect("gone");
        }
    }
    assert_eq!(sandbox.run(&["scan", "a", "-q"]).code, 1);
    sandbox.write("known.json", b"{\xff\xff");
    let ran = sandbox.run(&["scan", "a", "-q", "-b", "known.json"]);
    assert!(ran.code == 2 && ran.stderr.contains("UTF-16"), "{}", ran.stderr);
}

#[test]
fn baselines_come_in_several_forms() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(73));
    let (token, refresh) = (mint.token(Kind::Pat), mint.token(Kind::Refresh));
    sandbox.write("a/f", format!("{token}\n{refresh}\n"));
    for format in ["json", "jsonl"] {
        let report = sandbox.run(&["scan", "a", "-q", "-f", format]).stdout;
        sandbox.write("report", report);
        assert_eq!(sandbox.run(&["scan", "a", "-q", "-b", "report"]).code, 0, "{format}");
    }
    // gitleaks cuts refresh tokens short.
    let gitleaks = json!([
        {"RuleID": "github-pat", "Secret": token, "Fingerprint": "f:github-pat:1"},
        {"RuleID": "github-refresh-token", "Secret": refresh[..40], "Fingerprint": "f:github-refresh-token:2"},
        {"RuleID": "github-pat", "Secret": "REDACTED"},
    ]);
    sandbox.write("gitleaks.json", gitleaks.to_string());
    let ran = sandbox.run(&["scan", "a", "-b", "gitleaks.json"]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert!(ran.stderr.contains("1 entries of the baseline are redacted"), "{}", ran.stderr);
}

#[test]
fn a_bad_baseline_is_an_error_without_its_text() {
    let (sandbox, token) = (Sandbox::new(), Mint::new(74).token(Kind::Pat));
    for (text, expected) in [(format!("[\"{token}\"]"), "no baseline"), (String::new(), "no baseline")] {
        sandbox.write("bad.json", text);
        let ran = sandbox.run(&["scan", "-b", "bad.json"]);
        assert_eq!(ran.code, 2);
        assert!(
            ran.stderr.contains(expected) && !ran.stderr.contains(&token),
            "{}",
            ran.stderr.replace(&token, "…")
        );
    }
    assert_eq!(sandbox.run(&["scan", "-b", "missing.json"]).code, 2);
}

#[test]
fn the_ignore_file_names_hashes_and_paths() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(75));
    let tokens: Vec<String> = (0..4).map(|_| mint.token(Kind::Pat)).collect();
    sandbox.write("t/by-hash", &tokens[0]);
    sandbox.write("t/fixtures/f", &tokens[1]);
    sandbox.write("t/live", &tokens[2]);
    sandbox.write("t/fixtures/both", &tokens[3]);
    sandbox.write("t/both", &tokens[3]);
    sandbox.write("t/.stanchignore", format!("# why\nsha256:{}\nfixtures/\n", &hash(&tokens[0])[..16]));
    let (code, report) = sandbox.json(&["scan", "t"]);
    assert_eq!(code, 1);
    let suppressions: Vec<_> = tokens.iter().map(|token| suppression(&report, token)).collect();
    assert_eq!(suppressions, [Some(by("ignore-file", "tree")), Some(by("ignore-file", "tree")), None, None]);
    assert_eq!(report["summary"]["suppressed_by_tree"], 2);
    let ran = sandbox.run(&["scan", "t"]);
    assert!(ran.stderr.contains("2 suppressed by the scanned tree itself"), "{}", ran.stderr);
    let (_, report) = sandbox.json(&["scan", "t", "--no-project-config"]);
    assert_eq!(report["summary"]["findings"], 4);
    sandbox.write("t/.stanchignore", "x\nsha256:abc\n");
    let ran = sandbox.run(&["scan", "t"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains(".stanchignore:2: a hash is 16"), "{}", ran.stderr);
}

#[test]
fn comments_allow_their_own_line_only() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(76));
    let markers = [
        "# stanch:allow",
        "// gitleaks:allow",
        "-- betterleaks:allow",
        "/* trufflehog:ignore */",
        "; kingfisher:ignore",
        "# pragma: allowlist secret",
    ];
    for (n, marker) in markers.iter().enumerate() {
        sandbox.write(&format!("t/{n}"), format!("{} {marker}\n", mint.token(Kind::Pat)));
    }
    let live = mint.token(Kind::Pat);
    sandbox.write("t/live", format!("# stanch:allow\n{live}\n# stanch:allow\n"));
    let (code, report) = sandbox.json(&["scan", "t"]);
    assert_eq!((code, suppression(&report, &live)), (1, None));
    let summary = &report["summary"];
    assert_eq!((&summary["suppressed"], &summary["findings"]), (&6.into(), &1.into()));
    let (_, report) = sandbox.json(&["scan", "t", "--no-allow-comments"]);
    assert_eq!(report["summary"]["findings"], 7);
}

#[test]
fn a_comment_is_found_wherever_windows_of_a_large_file_meet() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(77));
    // Tokens at many offsets of a file larger than any window, each allowed at the end of a long line.
    let lines: Vec<String> = (0..60)
        .map(|n| ("x".repeat(7919 + n), mint.token(Kind::Pat), "y".repeat(4000)))
        .map(|(before, token, behind)| format!("{before} {token} {behind} stanch:allow\n"))
        .collect();
    sandbox.write("t/big", lines.concat());
    let (code, report) = sandbox.json(&["scan", "t"]);
    assert_eq!((code, &report["summary"]["suppressed"]), (0, &60.into()));
}

#[test]
fn a_token_is_suppressed_only_when_every_location_is() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(78));
    let token = mint.token(Kind::Pat);
    let allowed = format!("{token} # stanch:allow\n");
    sandbox.write("t/many", allowed.repeat(300));
    assert_eq!(sandbox.run(&["scan", "t", "-q"]).code, 0);
    sandbox.write("t/zzz", &token);
    let (code, report) = sandbox.json(&["scan", "t"]);
    assert_eq!(
        (code, suppression(&report, &token)),
        (1, None),
        "the unsuppressed location is beyond the hundred that are kept"
    );
}

#[test]
fn allowlists_work_from_the_tree_and_from_the_user() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(79));
    let tokens: Vec<String> = (0..3).map(|_| mint.token(Kind::Pat)).collect();
    for (n, token) in tokens.iter().enumerate() {
        sandbox.write(&format!("t/{n}/f.env"), token);
    }
    let lists = format!(
        "[[allowlists]]\ndescription = 'fixtures'\npaths = ['^0/']\n[[allowlists]]\nsha256 = ['{}']\n",
        hash(&tokens[1])
    );
    sandbox.write("t/.stanch.toml", &lists);
    let (_, report) = sandbox.json(&["scan", "t"]);
    let suppressions: Vec<_> = tokens.iter().map(|token| suppression(&report, token)).collect();
    assert_eq!(suppressions, [Some(by("allowlist", "tree")), Some(by("allowlist", "tree")), None]);
    assert_eq!(report["findings"][0]["suppression"]["what"], "fixtures");
    let user = format!("[[allowlists]]\nregexes = ['{}']\n", &tokens[0][10..]);
    sandbox.write("own.toml", user);
    let (_, report) = sandbox.json(&["scan", "t", "-c", "own.toml"]);
    assert_eq!(suppression(&report, &tokens[0]), Some(by("allowlist", "user")), "the user's goes first");
}

#[test]
fn each_root_suppresses_only_in_itself() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(80));
    let (one, two) = (mint.token(Kind::Pat), mint.token(Kind::Pat));
    for (root, token) in [("one", &one), ("two", &two)] {
        sandbox.write(&format!("{root}/sub/f"), token);
    }
    sandbox.write("one/.stanchignore", format!("sub/\nsha256:{}\n", hash(&two)));
    let (code, report) = sandbox.json(&["scan", "one", "two"]);
    assert_eq!(code, 1);
    assert_eq!(
        (suppression(&report, &one), suppression(&report, &two)),
        (Some(by("ignore-file", "tree")), None)
    );
    sandbox.write("two/.stanch.toml", "exclude = ['sub']");
    let (code, report) = sandbox.json(&["scan", "one", "two"]);
    assert_eq!((code, report["findings"].as_array().map(Vec::len)), (0, Some(1)));
    assert_eq!(report["findings"][0]["locations"][0]["root"], "one");
    let ran = sandbox.run(&["scan", "one", "two"]);
    assert!(ran.stderr.contains("left out by two/.stanch.toml: sub"), "{}", ran.stderr);
}

fn git(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let output = std::process::Command::new("git")
        .args(["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(sandbox.path().join("r"))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("git");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn a_history_is_suppressed_by_its_paths_and_commits() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(84));
    let tokens: Vec<String> = (0..4).map(|_| mint.token(Kind::Pat)).collect();
    std::fs::create_dir(sandbox.path().join("r")).expect("a directory");
    git(&sandbox, &["init", "-q"]);
    sandbox.write("r/fixtures/f", &tokens[0]);
    sandbox.write("r/src/old", &tokens[1]);
    sandbox.write("r/src/live", &tokens[2]);
    sandbox.write("r/src/late", format!("{}\n", tokens[3]));
    git(&sandbox, &["add", "."]);
    git(&sandbox, &["commit", "-qm", "one"]);
    // The comment comes too late: the version without it stays in the history.
    sandbox.write("r/src/late", format!("{} # stanch:allow\n", tokens[3]));
    git(&sandbox, &["commit", "-qam", "two"]);
    sandbox.write("r/.stanchignore", "/fixtures/\n");
    let suppressions =
        |report: &Value| tokens.iter().map(|token| suppression(report, token)).collect::<Vec<_>>();
    let (code, report) = sandbox.json(&["git", "r"]);
    assert_eq!((code, suppressions(&report)), (1, vec![Some(by("ignore-file", "tree")), None, None, None]));
    let first = git(&sandbox, &["rev-list", "--max-parents=0", "HEAD"]);
    sandbox.write("c.toml", format!("[[allowlists]]\ncommits = ['{}']\n", &first[..12]));
    let (code, report) = sandbox.json(&["git", "r", "-c", "c.toml", "--no-project-config"]);
    assert_eq!(code, 0);
    assert!(suppressions(&report).iter().all(|one| *one == Some(by("allowlist", "user"))));
    // Started below the root, paths and the root's own files are still the root's.
    let mut command = sandbox.command(&["git", "-q", "-f", "json"]);
    let output = command.current_dir(sandbox.path().join("r/src")).output().expect("it runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(suppression(&report, &tokens[0]), Some(by("ignore-file", "tree")));
    sandbox.write("r/.stanch.toml", "exclude = ['src']");
    let (code, report) = sandbox.json(&["git", "r"]);
    assert_eq!((code, report["findings"].as_array().map(Vec::len)), (0, Some(1)));
}
