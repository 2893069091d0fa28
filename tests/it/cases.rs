//! Cases as data: each `tests/cmd/**/*.toml` is a command, the files it is run on and its exit code; the file beside it that
//! ends in `.stdout` or `.stderr` is what it prints there, and a file that is missing stands for nothing.
//!
//! Files, standard input and the lines run before hold no token but marks, which are minted before the case runs:
//!
//! | mark | becomes |
//! |---|---|
//! | `{{token:RULE:N}}` | the N-th valid token of a rule, the same in every run |
//! | `{{stateless:RULE:N}}` | an installation token of the form that holds a JWT |
//! | `{{lookalike:RULE:N}}` | the shape of one, with a wrong checksum |
//! | `{{token:RULE:N|base64}}` | the same in base64 |
//!
//! `SNAPSHOTS=overwrite cargo test --test it cases` writes what is printed now into the expected files.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::{Captures, Regex};
use serde::Deserialize;
use snapbox::assert::{Action, DEFAULT_ACTION_ENV};
use snapbox::data::DataFormat;
use snapbox::{Assert, Data, Redactions};

use crate::support::cmd::{Ran, Sandbox};
use crate::support::github::{Flavour, GitHub, Misbehaviour};
use crate::support::mint::{Kind, Mint};
use crate::terminal::Session;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What this case shows.
    about: String,
    /// The arguments of the program.
    args: Vec<String>,
    /// The exit code.
    #[serde(default)]
    status: i32,
    /// Files below the directory that the program runs in; those that begin with `~/` are below its home.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// Lines of shell that are run before.
    #[serde(default)]
    setup: Vec<String>,
    #[serde(default)]
    stdin: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Whether there is a GitHub to talk to, which takes everything; else every host is out of reach.
    #[serde(default)]
    github: bool,
    /// Whether that GitHub answers the first revocation with its secondary limit, for half an hour.
    #[serde(default)]
    limited: bool,
    /// What is typed at a terminal, which then shows what else goes to standard error. Standard output is not looked at.
    terminal: Option<String>,
}

/// Fills the marks of a case, and knows afterwards what stood where.
#[derive(Default)]
struct Minted {
    tokens: BTreeMap<String, String>,
}

impl Minted {
    fn fill(&mut self, template: &str) -> String {
        let mark = Regex::new(r"\{\{(token|stateless|lookalike):([a-z-]+):([0-9]+)(\|base64)?\}\}")
            .expect("a pattern");
        let filled = mark.replace_all(template, |found: &Captures| {
            let kind = Kind::GITHUB.into_iter().find(|kind| kind.rule_id() == &found[2]);
            let kind = kind.unwrap_or_else(|| panic!("no such rule: {}", &found[0]));
            let mut mint = Mint::new(found[3].parse().expect("a number"));
            let token = match &found[1] {
                "token" => mint.token(kind),
                "stateless" => mint.stateless(),
                _ => mint.lookalike(kind.prefix()),
            };
            let name = format!("{{{{{}:{}:{}}}}}", &found[1], &found[2], &found[3]);
            self.tokens.insert(name, token.clone());
            if found.get(4).is_some() { STANDARD.encode(token) } else { token }
        });
        assert!(!filled.contains("{{"), "a mark that is none: {template}");
        filled.into_owned()
    }

    /// The marks back where tokens are shown whole.
    fn hide(&self, text: &str) -> String {
        self.tokens.iter().fold(text.to_owned(), |text, (mark, token)| text.replace(token, mark))
    }
}

/// What differs from run to run and from machine to machine.
fn redactions(sandbox: &Sandbox) -> Redactions {
    let pattern = |pattern: &str| Regex::new(pattern).expect("a pattern");
    let mut redactions = Redactions::new();
    redactions.insert("[CWD]", sandbox.path().to_owned()).expect("a placeholder");
    redactions.insert("[HOME]", sandbox.home().to_owned()).expect("a placeholder");
    for (placeholder, changing) in [
        ("[ELAPSED]", r"(?<redacted>[0-9]+\.[0-9]{2} s)\b"),
        ("[ELAPSED]", r#""elapsed_ms": ?(?<redacted>[0-9]+)"#),
        // The size of what git and tar write differs with their versions.
        ("[SIZE]", r", (?<redacted>[0-9.]+ [KMG]?i?B), "),
        ("[FILES]", r" objects and (?<redacted>[0-9]+) files"),
        ("[PORT]", r"127\.0\.0\.1:(?<redacted>[0-9]+)"),
        ("[TIME]", r"(?<redacted>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z)"),
        ("[HASH]", r"records, the last one (?<redacted>[0-9a-f]{64})"),
        ("[HASH]", r"\b[0-9]+:(?<redacted>[0-9a-f]{64})"),
        ("[AGE]", r"waits since [^ ]+, for (?<redacted>[0-9]+ [a-z]+)"),
        ("[VERSION]", r#""version": ?"(?<redacted>[^"]+)""#),
    ] {
        redactions.insert(placeholder, pattern(changing)).expect("a placeholder");
    }
    redactions
}

impl Case {
    fn command(&self, sandbox: &Sandbox) -> Command {
        let arguments: Vec<&str> = self.args.iter().map(String::as_str).collect();
        let mut command = sandbox.command(&arguments);
        // Nothing listens there: a host that is not the scripted one cannot be reached.
        command.env("HTTPS_PROXY", "http://127.0.0.1:1").envs(&self.env);
        command
    }

    fn run(&self, sandbox: &Sandbox, minted: &mut Minted) -> Ran {
        let mut command = self.command(sandbox);
        if let Some(typed) = &self.terminal {
            let (code, screen) = Session::start(&mut command).answer(typed);
            return Ran { code: code.unwrap_or(-1), stdout: String::new(), stderr: screen };
        }
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the program starts");
        // Fits into a pipe; a program that has ended already reads none of it.
        let _ = child.stdin.take().expect("piped").write_all(minted.fill(&self.stdin).as_bytes());
        Ran::from(child.wait_with_output().expect("it ends"))
    }

    /// Everything that is not as the case says.
    fn check(&self, path: &Path) -> Vec<String> {
        let sandbox = Sandbox::new();
        let mut minted = Minted::default();
        let github = self.github.then(|| GitHub::start(Flavour::DotCom));
        if let Some(github) = &github {
            if self.limited {
                github.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(1800) });
            }
            let aim = format!("api_url = \"{}\"\nmin_interval = \"0s\"\n", github.api_url());
            let config = sandbox.home().join(".config/stanch/config.toml");
            fs::create_dir_all(config.parent().expect("a parent")).expect("a directory");
            fs::write(config, aim).expect("a configuration");
        }
        for (name, content) in &self.files {
            let home = sandbox.home().to_str().expect("a path of text");
            sandbox
                .write(&name.replacen('~', home, usize::from(name.starts_with("~/"))), minted.fill(content));
        }
        self.setup.iter().for_each(|line| sandbox.shell(line));
        let ran = self.run(&sandbox, &mut minted);

        let name = format!("{} ({})", path.display(), self.about);
        let mut wrong = Vec::new();
        if ran.code != self.status {
            wrong.push(format!("{name}: exit {}, not {}\n{}", ran.code, self.status, ran.stderr));
        }
        let shown = [ran.stdout.as_str(), ran.stderr.as_str()].concat();
        if !self.args.iter().any(|arg| arg == "--show-secrets")
            && minted.tokens.values().any(|token| shown.contains(token))
        {
            wrong.push(format!("{name}: a token is shown whole"));
        }
        let assert = Assert::new().action_env(DEFAULT_ACTION_ENV).redact_with(redactions(&sandbox));
        for (ending, text) in [("stdout", ran.stdout), ("stderr", ran.stderr)] {
            wrong.extend(compare(&assert, &minted.hide(&text), &path.with_extension(ending)).err());
        }
        wrong
    }
}

/// Compares with a file that is missing where nothing is expected.
fn compare(assert: &Assert, actual: &str, expected: &Path) -> Result<(), String> {
    if actual.is_empty() {
        if expected.exists() && Action::with_env_var(DEFAULT_ACTION_ENV) == Some(Action::Overwrite) {
            fs::remove_file(expected).expect("a file");
        }
        return if expected.exists() {
            Err(format!("{} is not printed", expected.display()))
        } else {
            Ok(())
        };
    }
    let data = Data::read_from(expected, Some(DataFormat::Text));
    let name = expected.display().to_string();
    assert.try_eq(Some(&name), Data::text(actual), data).map_err(|error| error.to_string())
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("tests/cmd can be listed").flatten();
    let mut files: Vec<_> = entries
        .flat_map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { vec![entry.path()] })
        .collect();
    files.sort();
    files
}

fn cmd() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd")
}

/// Runs every case below a directory.
fn run(directory: &str, at_least: usize) {
    let cases: Vec<_> = files(&cmd().join(directory))
        .into_iter()
        .filter(|path| path.extension() == Some(OsStr::new("toml")))
        .collect();
    assert!(cases.len() >= at_least, "{} cases in {directory}: some were lost", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .flat_map(|path| {
            let text = fs::read_to_string(path).expect("a case");
            let case: Case =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            case.check(path)
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn scan() {
    run("scan", 25);
}

#[test]
fn git() {
    run("git", 7);
}

#[test]
fn revoke() {
    run("revoke", 14);
}

#[test]
fn ledger() {
    run("ledger", 8);
}

#[test]
fn hook() {
    run("hook", 7);
}

#[test]
fn kill_switch() {
    run("kill_switch", 5);
}

#[test]
fn rules() {
    run("rules", 4);
}

#[test]
fn errors() {
    run("errors", 24);
}

#[test]
fn no_token_stands_in_a_case() {
    let token = Regex::new("gh[pousr]_[A-Za-z0-9]{30}|github_pat_[A-Za-z0-9_]{30}").expect("a pattern");
    for path in files(&cmd()) {
        let text = fs::read_to_string(&path).expect("a text");
        assert!(!token.is_match(&text), "{}", path.display());
    }
}
