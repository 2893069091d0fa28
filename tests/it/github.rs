//! `stanch github` against a GitHub on loopback: what it finds and where, what it asks and with what, and what becomes of it
//! where something goes wrong.

mod again;
mod alerts;
mod app;
mod cache;
mod credential;
mod git_trouble;
mod interrupted;
mod killed;
mod limits;
mod listing;
mod own_again;
mod own_beside;
mod own_files;
mod planted;
mod said;
mod scale;
mod server;
mod suppressed;
mod surfaces;
mod targets;
mod trouble;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use stanch::token::Fingerprint;

use crate::support::cmd::{Ran, Sandbox};
use crate::support::github_source::SourceGitHub;
use crate::support::mint::{Kind, Mint};

/// A machine with a credential, and the GitHub that knows it.
struct Sweep {
    sandbox: Sandbox,
    github: SourceGitHub,
    credential: String,
    mint: Mint,
}

impl Sweep {
    /// Against a GitHub that has the organization `acme` and nothing in it.
    fn new(seed: u64) -> Self {
        let mut mint = Mint::new(seed);
        let credential = mint.token(Kind::Pat);
        let github = SourceGitHub::new(&credential);
        github.organization("acme");
        Sweep { sandbox: Sandbox::new(), github, credential, mint }
    }

    /// The program, told where this GitHub is.
    fn command(&self, arguments: &[&str]) -> Command {
        self.command_in(&self.sandbox, arguments)
    }

    /// The same on another machine.
    fn command_in(&self, sandbox: &Sandbox, arguments: &[&str]) -> Command {
        let mut command = sandbox.command(&["github"]);
        command.args(arguments).args(["--api-url", self.github.api_url()]).env("GH_TOKEN", &self.credential);
        let temporary = sandbox.home().join("tmp");
        std::fs::create_dir_all(&temporary).expect("a directory");
        command.env("TMPDIR", temporary);
        if arguments.contains(&"--revoke") {
            command.arg("--ledger").arg(sandbox.home().join("state/ledger.db"));
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.checked(Ran::from(self.command(arguments).output().expect("the program starts")))
    }

    /// Runs with `-f json` and reads the report.
    fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let ran = self.run(&[arguments, &["-f", "json"]].concat());
        (ran.code, serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("no JSON: {}", ran.stderr)))
    }

    /// Nothing that is printed holds the credential, and GitHub was asked nothing that it must not be asked.
    fn checked(&self, ran: Ran) -> Ran {
        let printed = [ran.stdout.as_str(), ran.stderr.as_str()].concat();
        assert!(!printed.contains(self.credential.as_str()), "the credential was printed");
        self.github.assert_well_behaved();
        ran
    }

    /// A repository with a token on its default branch; the token.
    fn leak(&mut self, full_name: &str) -> String {
        let token = self.mint.token(Kind::Pat);
        self.github.repository(full_name, |_| {}).commit("refs/heads/main", ".env", &token);
        token
    }

    /// So many lines that do not compress.
    fn noise(&mut self, lines: usize) -> String {
        let mut text = String::new();
        for _ in 0..lines {
            let number = self.mint.number();
            let _ = writeln!(text, "{number:016x}{number:x}{number:o}");
        }
        text
    }

    /// No file of this machine holds the credential; how many there are.
    fn assert_no_traces(&self) -> usize {
        let mut seen = 0;
        for root in [self.sandbox.home(), self.sandbox.path()] {
            for path in files(root) {
                let Ok(bytes) = std::fs::read(&path) else { continue };
                let found = memchr::memmem::find(&bytes, self.credential.as_bytes());
                assert_eq!(found, None, "{} holds the credential", path.display());
                seen += 1;
            }
        }
        seen
    }
}

/// All files below a directory; links are not followed.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => directories.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found
}

fn sha256(token: &str) -> String {
    Fingerprint::of(token.as_bytes()).hex()
}

/// A report's finding of a token, where there is one.
fn finding<'r>(report: &'r Value, token: &str) -> Option<&'r Value> {
    let hash = sha256(token);
    report["findings"].as_array().expect("findings").iter().find(|finding| finding["sha256"] == hash.as_str())
}

/// The row of a coverage for a repository.
fn row<'r>(report: &'r Value, repository: &str) -> &'r Value {
    let rows = report["coverage"].as_array().expect("a coverage");
    let mut of = rows.iter().filter(|row| row["repository"] == repository);
    let row = of.next().unwrap_or_else(|| panic!("no row of {repository}: {rows:#?}"));
    assert!(of.next().is_none(), "two rows of {repository}");
    row
}

/// How many of what was not asked for a flag would ask for.
fn not_asked(report: &Value, flag: &str) -> Option<u64> {
    let all = report["coverage_totals"]["not_asked"].as_array().expect("a list");
    all.iter().find(|one| one["flag"] == flag)?["count"].as_u64()
}

/// The state that a coverage tells of a repository.
fn state<'r>(report: &'r Value, repository: &str) -> &'r str {
    row(report, repository)["state"].as_str().expect("a state")
}

/// The names of a coverage's rows, sorted.
fn covered(report: &Value) -> Vec<String> {
    let rows = report["coverage"].as_array().expect("a coverage");
    let mut names: Vec<String> =
        rows.iter().map(|row| row["repository"].as_str().expect("a name").to_owned()).collect();
    names.sort();
    names
}

/// What a report found and covered, without when and how fast.
fn timeless(report: &Value) -> (Value, Value, Value) {
    let (mut findings, mut coverage) = (report["findings"].clone(), report["coverage"].clone());
    for row in coverage.as_array_mut().into_iter().flatten() {
        row["elapsed_ms"] = 0.into();
        row["scanned_at"] = Value::Null;
    }
    for finding in findings.as_array_mut().into_iter().flatten() {
        if let Some(locations) = finding["locations"].as_array_mut() {
            locations.sort_by_key(Value::to_string);
        }
    }
    if let Some(findings) = findings.as_array_mut() {
        findings.sort_by_key(|finding| finding["sha256"].to_string());
    }
    (findings, coverage, report["coverage_totals"].clone())
}
