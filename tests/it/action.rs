//! The action for GitHub: its scripts, with events and checkouts as GitHub makes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::cmd::{Ran, Sandbox};
use crate::support::mint::{Kind, Mint};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A runner: a checkout with a clean `main` (also as `origin/main`) and a branch that adds a token and deletes it again.
struct Runner {
    sandbox: Sandbox,
    main: String,
    topic: String,
}

impl Runner {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        fs::create_dir(sandbox.path().join("work")).expect("a directory");
        let mut runner = Runner { sandbox, main: String::new(), topic: String::new() };
        runner.git(&["init", "-q", "-b", "main"]);
        runner.commit("README.md", "# A project\n");
        runner.main = runner.git(&["rev-parse", "HEAD"]);
        runner.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
        runner.git(&["switch", "-qc", "topic"]);
        runner.commit(".env", &format!("TOKEN={}\n", Mint::new(301).token(Kind::Pat)));
        runner.commit(".env", "TOKEN=\n");
        runner.topic = runner.git(&["rev-parse", "HEAD"]);
        runner
    }

    fn work(&self) -> PathBuf {
        self.sandbox.path().join("work")
    }

    fn git(&self, arguments: &[&str]) -> String {
        let who = ["-c", "user.name=T", "-c", "user.email=t@example.org"];
        let mut command = Command::new("git");
        command.args(who).args(arguments).current_dir(self.work());
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        let output = command.output().expect("git");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn commit(&self, path: &str, text: &str) {
        self.sandbox.write(&format!("work/{path}"), text);
        self.git(&["add", "."]);
        self.git(&["commit", "-qm", path]);
    }

    /// One of the scripts; and what it hands to the next step.
    fn script(&self, name: &str, environment: &[(&str, &str)]) -> (Ran, String) {
        let outputs = self.sandbox.path().join("outputs");
        fs::write(&outputs, "").expect("a file");
        let mut command = Command::new("bash");
        command
            .arg(root().join("action").join(name))
            .current_dir(self.work())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.sandbox.path())
            .env("GITHUB_OUTPUT", &outputs)
            .env("GITHUB_ACTION_PATH", root())
            .env("STANCH", env!("CARGO_BIN_EXE_stanch"))
            .env("SARIF", "stanch.sarif")
            .env("DEFAULT_BRANCH", "main")
            .envs(environment.iter().copied());
        let ran = Ran::from(command.output().expect("bash"));
        (ran, fs::read_to_string(outputs).expect("outputs"))
    }

    /// The scan of an event ends with this code.
    fn ends(&self, code: &str, environment: &[(&str, &str)]) -> Ran {
        let (ran, ended) = self.scan(environment);
        assert_eq!((ran.code, ended.as_str()), (0, code), "{environment:?}: {}{}", ran.stdout, ran.stderr);
        ran
    }

    /// Goes on in a clone of the checkout, made with these options.
    fn become_clone(&self, options: &[&str]) {
        let address = format!("file://{}", self.sandbox.path().join("full").display());
        fs::rename(self.work(), self.sandbox.path().join("full")).expect("moved");
        let mut command = Command::new("git");
        command.args(["clone", "-q"]).args(options).arg(address).arg(self.work());
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        assert!(command.status().expect("git").success());
    }

    /// What the scan of an event ends with, as it hands it on.
    fn scan(&self, environment: &[(&str, &str)]) -> (Ran, String) {
        let (ran, outputs) = self.script("scan.sh", environment);
        let code = outputs.lines().find_map(|line| line.strip_prefix("exit-code="));
        let code = code.unwrap_or("none").to_owned();
        let sarif = self.work().join("stanch.sarif");
        assert_eq!(outputs.contains("sarif=stanch.sarif"), sarif.exists(), "{outputs}");
        let _ = fs::remove_file(sarif);
        (ran, code)
    }
}

const NOWHERE: &str = "0000000000000000000000000000000000000000";
const GONE: &str = "1111111111111111111111111111111111111111";

#[test]
fn an_event_is_scanned_for_what_it_adds() {
    let runner = Runner::new();
    let (main, topic) = (runner.main.as_str(), runner.topic.as_str());
    for (event, base, head, code) in [
        ("push", main, topic, "1"),
        // A new branch, with and without something new; a forced push; a branch deleted.
        ("push", NOWHERE, topic, "1"),
        ("push", NOWHERE, main, "0"),
        ("push", "", topic, "1"),
        ("push", GONE, topic, "1"),
        ("push", main, NOWHERE, "0"),
        ("push", topic, topic, "0"),
        ("pull_request", main, topic, "1"),
        ("pull_request_target", main, topic, "1"),
        ("merge_group", main, topic, "1"),
        // What they lead to is checked out: the topic.
        ("create", "", "", "1"),
        ("release", "", "", "1"),
        ("delete", "", "", "0"),
        ("schedule", "", "", "1"),
        ("workflow_dispatch", "", "", "1"),
        ("workflow_call", "", "", "1"),
    ] {
        runner.ends(code, &[("EVENT", event), ("BASE", base), ("HEAD", head)]);
    }
    runner.ends("0", &[("SCAN", "tree")]);
    let (ran, ended) = runner.scan(&[("SCAN", "history")]);
    assert_eq!((ran.code, ended.as_str()), (0, "1"), "{}", ran.stderr);
    assert!(ran.stdout.contains("::error"), "{}", ran.stdout);
}

#[test]
fn what_the_default_branch_has_is_not_new_elsewhere() {
    let runner = Runner::new();
    // An old token is settled on the default branch; the topic is merged, and goes on.
    runner.git(&["update-ref", "refs/remotes/origin/main", &runner.topic]);
    runner.git(&["tag", "light"]);
    runner.git(&["tag", "-a", "-m", "a release", "annotated"]);
    let annotated = runner.git(&["rev-parse", "refs/tags/annotated"]);
    let (main, topic) = (runner.main.clone(), runner.topic.clone());
    let new = [("EVENT", "push"), ("BASE", NOWHERE)];
    for (name, head) in [("tags/light", &topic), ("tags/annotated", &annotated), ("heads/new", &topic)] {
        runner.ends("0", &[&new[..], &[("REF", &format!("refs/{name}")), ("HEAD", head)]].concat());
    }
    for event in ["create", "release"] {
        runner.ends("0", &[("EVENT", event), ("REF", "refs/tags/light"), ("BASE", ""), ("HEAD", "")]);
    }
    // A feature takes in what the default branch got meanwhile.
    runner.ends("0", &[("EVENT", "push"), ("REF", "refs/heads/feature"), ("BASE", &main), ("HEAD", &topic)]);
    runner.ends("0", &[("EVENT", "push"), ("REF", "refs/tags/moved"), ("BASE", GONE), ("HEAD", &topic)]);
    // The default branch itself: what is pushed to it, its first push, and a forced one.
    for base in [&main, NOWHERE, "", GONE] {
        runner.ends("1", &[("EVENT", "push"), ("REF", "refs/heads/main"), ("BASE", base), ("HEAD", &topic)]);
    }
    // A pull request that is merged already is looked at again when its job is run again.
    let again = [("EVENT", "pull_request"), ("BASE_REF", "main"), ("BASE", &main), ("HEAD", &topic)];
    runner.ends("1", &again);
    runner.git(&["commit", "-q", "--allow-empty", "-m", "goes on"]);
    let head = runner.git(&["rev-parse", "HEAD"]);
    runner.ends("0", &[&again[..3], &[("HEAD", &head)]].concat());
    // Something new on top of it.
    runner.commit("new.env", &format!("TOKEN={}\n", Mint::new(302).token(Kind::Pat)));
    let head = runner.git(&["rev-parse", "HEAD"]);
    runner.ends("1", &[&new[..], &[("REF", "refs/heads/new"), ("HEAD", &head)]].concat());
}

#[test]
fn a_tag_that_was_not_checked_out_is_told_and_its_commit_scanned() {
    let runner = Runner::new();
    let event = [("EVENT", "push"), ("REF", "refs/tags/v1"), ("BASE", NOWHERE), ("HEAD", GONE)];
    let ran = runner.ends("1", &event);
    assert!(ran.stderr.contains("its message is not scanned"), "{}", ran.stderr);
    let (ran, ended) =
        runner.scan(&[&event[..1], &[("REF", "refs/heads/x"), ("BASE", NOWHERE), ("HEAD", GONE)]].concat());
    assert_eq!((ran.code, ended.as_str()), (2, "none"), "{}", ran.stdout);
}

#[test]
fn a_checkout_that_lacks_the_commits_is_an_error_that_says_so() {
    let mut runner = Runner::new();
    let main = std::mem::take(&mut runner.main);
    runner.become_clone(&["--depth", "1"]);
    for (base, head) in [(main.as_str(), runner.topic.as_str()), (NOWHERE, runner.topic.as_str())] {
        let (ran, ended) = runner.scan(&[("EVENT", "push"), ("BASE", base), ("HEAD", head)]);
        assert_eq!((ran.code, ended.as_str()), (2, "none"), "{}", ran.stdout);
        assert!(ran.stdout.contains("fetch-depth: 0"), "{}", ran.stdout);
    }
    let (ran, ended) = runner.scan(&[("SCAN", "history")]);
    assert_eq!((ran.code, ended.as_str()), (0, "2"), "{}", ran.stderr);
    assert!(ran.stdout.contains("fetch-depth: 0"), "{}", ran.stdout);
}

#[test]
fn a_checkout_that_is_cut_off_within_the_range_is_an_error_and_a_shallow_one_that_is_not_is_none() {
    let runner = Runner::new();
    runner.commit("more", "more\n");
    let (main, topic) = (runner.main.clone(), runner.git(&["rev-parse", "HEAD"]));
    let between = runner.git(&["rev-parse", "HEAD~1"]);
    runner.become_clone(&["--depth", "2"]);
    // The base is here, and the commits between are not.
    runner.git(&["fetch", "-q", "--depth", "1", "origin", &main]);
    let ran = runner.ends("2", &[("EVENT", "push"), ("BASE", &main), ("HEAD", &topic)]);
    assert!(ran.stdout.contains("fetch-depth: 0") && ran.stderr.contains("--unshallow"), "{}", ran.stderr);
    runner.ends("0", &[("EVENT", "push"), ("BASE", &between), ("HEAD", &topic)]);
}

#[test]
fn the_job_for_gitlab_keeps_what_it_promises() {
    let runner = Runner::new();
    let (main, topic) = (runner.main.clone(), runner.topic.clone());
    let run = |environment: &[(&str, &str)]| {
        let template = fs::read_to_string(root().join("docs/ci/gitlab.yml")).expect("the template");
        let script = template.split("    - |\n").nth(1).and_then(|text| text.split("  artifacts:").next());
        let mut command = Command::new("sh");
        command.args(["-ec", script.expect("a script")]).current_dir(runner.work()).env_clear();
        let programs = Path::new(env!("CARGO_BIN_EXE_stanch")).parent().expect("a directory");
        let path = std::env::var("PATH").expect("a path");
        command.env("PATH", format!("{}:{path}", programs.display())).env("HOME", runner.sandbox.path());
        let ran = Ran::from(command.envs(environment.iter().copied()).output().expect("a shell"));
        let report = fs::remove_file(runner.work().join("gl-secret-detection-report.json"));
        assert_eq!(report.is_ok(), ran.code < 2, "{}", ran.stderr);
        ran
    };
    for (base, code) in [(main.as_str(), 1), (topic.as_str(), 0), (NOWHERE, 1), (GONE, 1)] {
        let ran = run(&[("CI_COMMIT_BEFORE_SHA", base), ("CI_COMMIT_SHA", &topic)]);
        assert_eq!(ran.code, code, "{base}: {}", ran.stderr);
    }
    // A merge request, and the same in a pipeline for merged results: there the target has gone on, with a token of its own.
    let request = [("CI_MERGE_REQUEST_DIFF_BASE_SHA", main.as_str()), ("CI_COMMIT_BEFORE_SHA", NOWHERE)];
    assert_eq!(run(&[&request[..], &[("CI_COMMIT_SHA", &topic)]].concat()).code, 1);
    runner.git(&["switch", "-qc", "clean", &main]);
    runner.commit("clean", "clean\n");
    let source = runner.git(&["rev-parse", "HEAD"]);
    runner.git(&["merge", "-q", "-m", "merged", &topic]);
    let merged = runner.git(&["rev-parse", "HEAD"]);
    let merged =
        [("CI_COMMIT_SHA", merged.as_str()), ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", source.as_str())];
    assert_eq!(run(&[&request[..], &merged[..]].concat()).code, 0);
    runner.git(&["switch", "-q", "topic"]);
    runner.become_clone(&["--depth", "1"]);
    let ran = run(&[("CI_COMMIT_BEFORE_SHA", &main), ("CI_COMMIT_SHA", &topic)]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("git fetch --unshallow"), "{}", ran.stderr);
}

#[test]
fn nobody_is_asked_to_upload_who_may_not() {
    let action = fs::read_to_string(root().join("action.yml")).expect("the action");
    let upload = action.split("    - ").find(|step| step.contains("upload-sarif@")).expect("a step");
    let condition = upload.split("uses:").next().expect("a condition");
    for part in ["dependabot[bot]", "pull_request.head.repo.full_name == github.repository"] {
        assert!(condition.contains(part), "{condition}");
    }
    let last = action.split("    - ").last().expect("a step");
    assert!(last.contains("judge.sh") && !last.contains("if:"), "the verdict stands in any case: {last}");
}

#[test]
fn what_a_stranger_chooses_is_never_run() {
    let runner = Runner::new();
    let evil = "$(touch evil)`touch evil`; touch evil #";
    for name in [
        "BASE",
        "HEAD",
        "REF",
        "BASE_REF",
        "DEFAULT_BRANCH",
        "BASELINE",
        "MIN_CONFIDENCE",
        "SCAN",
        "WAIT",
        "EVENT",
    ] {
        let (_, _) = runner.script("scan.sh", &[("EVENT", "push"), (name, evil), ("REVOKE", "no")]);
        assert!(!runner.work().join("evil").exists(), "{name}");
    }
    // Expressions are put into scripts before bash sees them, so none may stand in one.
    let action = fs::read_to_string(root().join("action.yml")).expect("the action");
    let scripts: Vec<&str> = action.lines().filter(|line| line.trim_start().starts_with("run:")).collect();
    assert!(
        scripts.len() == 4 && scripts.iter().all(|line| line.contains("/action/") && !line.contains("${{"))
    );
}

#[test]
fn findings_may_be_forgiven_and_nothing_else() {
    let runner = Runner::new();
    for (code, forgiven, end) in
        [("0", "true", 0), ("1", "true", 1), ("1", "false", 0), ("2", "false", 2), ("3", "false", 3)]
    {
        let (ran, _) = runner.script("judge.sh", &[("CODE", code), ("FAIL_ON_FINDINGS", forgiven)]);
        assert_eq!(ran.code, end, "{code} {forgiven}");
    }
}

#[test]
fn a_program_that_is_there_is_not_built_again() {
    let runner = Runner::new();
    let binary = env!("CARGO_BIN_EXE_stanch");
    let (ran, outputs) = runner.script("find.sh", &[("BINARY", binary), ("TOOLS", "/tools")]);
    assert_eq!((ran.code, outputs), (0, format!("stanch={binary}\n")));
    let (ran, _) = runner.script("find.sh", &[("BINARY", "/nowhere/stanch"), ("TOOLS", "/tools")]);
    assert_eq!(ran.code, 2);
    let (ran, outputs) = runner.script("find.sh", &[("TOOLS", "/tools"), ("RUNNER_OS", "Linux")]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(outputs.contains("stanch=/tools/stanch/bin/stanch\n"), "{outputs}");
    assert!(outputs.contains("key=stanch-Linux-any-"), "{outputs}");
}

#[test]
fn the_message_of_a_tag_is_scanned_whatever_the_event() {
    let runner = Runner::new();
    runner.git(&["checkout", "-q", "main"]);
    runner.git(&["tag", "-am", &Mint::new(341).token(Kind::Pat), "v1"]);
    for event in ["create", "release"] {
        let (ran, ended) = runner.scan(&[("EVENT", event), ("REF", "refs/tags/v1")]);
        assert_eq!((ran.code, ended.as_str()), (0, "1"), "{event}: {}", ran.stderr);
    }
}

#[test]
fn a_pull_request_suppresses_nothing_where_it_must_not() {
    let runner = Runner::new();
    let (pat, known) =
        (Mint::new(342).token(Kind::Pat), "{\"version\":1,\"tool\":\"stanch\",\"baseline\":[]}");
    runner.git(&["checkout", "-q", "main"]);
    runner.commit("known.json", known);
    let base = runner.git(&["rev-parse", "HEAD"]);
    let scan = |more: &[(&str, &str)]| {
        let head = runner.git(&["rev-parse", "HEAD"]);
        let event = [("EVENT", "pull_request"), ("BASE", &base), ("HEAD", &head)];
        runner.scan(&[&event[..], more].concat()).1
    };
    let strict = ("NO_PROJECT_CONFIG", "true");
    runner.commit("f", &format!("{pat} # stanch:allow\n"));
    assert_eq!((scan(&[]).as_str(), scan(&[strict]).as_str()), ("0", "1"));
    runner.git(&["reset", "-q", "--hard", &base]);
    runner.commit("f", &pat);
    let written = Command::new(env!("CARGO_BIN_EXE_stanch"))
        .args(["scan", "-q", "--exit-zero", "--write-baseline", "known.json", "f"])
        .current_dir(runner.work())
        .status();
    assert!(written.expect("it starts").success());
    runner.git(&["commit", "-qam", "known"]);
    let baseline = ("BASELINE", "known.json");
    assert_eq!((scan(&[baseline]).as_str(), scan(&[baseline, strict]).as_str()), ("0", "1"));
    assert_eq!(scan(&[("BASELINE", "other.json"), strict]), "none", "the base has no such file");
}
