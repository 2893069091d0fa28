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

    /// What the scan of an event ends with, as it hands it on.
    fn scan(&self, environment: &[(&str, &str)]) -> (Ran, String) {
        let (ran, outputs) = self.script("scan.sh", environment);
        let code = outputs.lines().find_map(|line| line.strip_prefix("exit-code="));
        let code = code.unwrap_or("none").to_owned();
        let sarif = self.work().join("stanch.sarif");
        assert_eq!(outputs.contains("sarif=stanch.sarif"), sarif.exists(), "{outputs}");
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
        ("push", GONE, topic, "1"),
        ("push", main, NOWHERE, "0"),
        ("push", topic, topic, "0"),
        ("pull_request", main, topic, "1"),
        ("merge_group", main, topic, "1"),
        ("schedule", "", "", "1"),
    ] {
        let (ran, ended) = runner.scan(&[("EVENT", event), ("BASE", base), ("HEAD", head)]);
        assert_eq!((ran.code, ended.as_str()), (0, code), "{event} {base}..{head}: {}", ran.stderr);
        let _ = fs::remove_file(runner.work().join("stanch.sarif"));
    }
    let (ran, ended) = runner.scan(&[("SCAN", "tree")]);
    assert_eq!((ran.code, ended.as_str()), (0, "0"), "the file's last version has no token: {}", ran.stderr);
    let (ran, ended) = runner.scan(&[("SCAN", "history")]);
    assert_eq!((ran.code, ended.as_str()), (0, "1"), "{}", ran.stderr);
    assert!(ran.stdout.contains("::error"), "{}", ran.stdout);
}

#[test]
fn a_checkout_that_lacks_the_commits_is_an_error_that_says_so() {
    let mut runner = Runner::new();
    let address = format!("file://{}", runner.work().display());
    let shallow = runner.sandbox.path().join("shallow");
    let shallow = shallow.to_str().expect("a path of text").to_owned();
    runner.git(&["clone", "-q", "--depth", "1", &address, &shallow]);
    fs::rename(runner.work(), runner.sandbox.path().join("full")).expect("moved");
    fs::rename(&shallow, runner.work()).expect("moved");
    let main = std::mem::take(&mut runner.main);
    for (base, head) in [(main.as_str(), runner.topic.as_str()), (NOWHERE, runner.topic.as_str())] {
        let (ran, ended) = runner.scan(&[("EVENT", "push"), ("BASE", base), ("HEAD", head)]);
        assert_eq!((ran.code, ended.as_str()), (2, "none"), "{}", ran.stdout);
        assert!(ran.stdout.contains("fetch-depth: 0"), "{}", ran.stdout);
    }
    let (ran, ended) = runner.scan(&[("SCAN", "history")]);
    assert_eq!((ran.code, ended.as_str()), (0, "2"), "{}", ran.stderr);
}

#[test]
fn what_a_stranger_chooses_is_never_run() {
    let runner = Runner::new();
    let evil = "$(touch evil)`touch evil`; touch evil #";
    for name in ["BASE", "HEAD", "DEFAULT_BRANCH", "BASELINE", "MIN_CONFIDENCE", "SCAN", "WAIT", "EVENT"] {
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
