//! The guide, held to what it says: its commands are run as they are written, its flags exist, its links lead somewhere.
//!
//! A `console` block is a session at a shell. A line that starts with `$ ` is run; `# exit N` at its end is how it ends,
//! 0 where it says nothing; the lines below it are lines that it prints, in this order, `…` standing for anything. A
//! block whose info string names a file, such as "toml .stanch.toml", is that file. Each page has a directory of its own to
//! work in, in which its commands follow each other; [`Workspace`] says what is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::cmd::{Ran, Sandbox};
use crate::support::github::{Flavour, GitHub, Script};
use crate::support::mint::{Kind, Mint};

/// Flags of other programs that the guide names.
const OTHERS: &[&str] = &["--list", "--locked", "--path", "--prefix", "--release", "--rm", "--target"];

struct Block {
    info: String,
    lines: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<(String, String)> {
    let listed = fs::read_dir(root().join("docs")).expect("the guide").flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = listed.filter(|path| path.extension().is_some_and(|e| e == "md")).collect();
    paths.sort();
    paths.push(root().join("README.md"));
    let name = |path: &Path| path.strip_prefix(root()).expect("a page").to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read_to_string(path).expect("a page"))).collect()
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for line in page.lines() {
        if let Some(info) = line.strip_prefix("```") {
            open = !open;
            if open {
                blocks.push(Block { info: info.to_owned(), lines: Vec::new() });
            }
        } else if let (true, Some(block)) = (open, blocks.last_mut()) {
            block.lines.push(line.to_owned());
        }
    }
    assert!(!open, "a block is not closed");
    blocks
}

/// A line to run, how it ends, and what it prints.
struct Step {
    line: String,
    code: i32,
    shown: Vec<String>,
}

fn steps(block: &Block) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in &block.lines {
        if let Some(typed) = line.strip_prefix("$ ") {
            let (line, code) = typed.rsplit_once("# exit ").unwrap_or((typed, "0"));
            let code = code.trim().parse().unwrap_or_else(|_| panic!("no exit code: {typed}"));
            steps.push(Step { line: line.trim().to_owned(), code, shown: Vec::new() });
        } else if !line.trim().is_empty() {
            let step = steps.last_mut().unwrap_or_else(|| panic!("output of no command: {line}"));
            step.shown.push(line.trim().to_owned());
        }
    }
    steps
}

/// Whether `…` in a line of the guide can stand for what is missing.
fn fits(shown: &str, printed: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = printed.trim().strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    rest.is_empty() || last == Some("")
}

/// Where the commands of a page are typed: a repository whose branch `topic` adds a token to `main` and deletes it
/// again, with another staged in `config.yml`, and, not in it, `leaked.txt` with three. The hosts of this sandbox are one
/// scripted GitHub, and nothing else can be reached.
struct Workspace {
    sandbox: Sandbox,
    home: PathBuf,
    github: GitHub,
    credential: String,
}

impl Workspace {
    fn new(page: &str) -> Self {
        let mut mint = Mint::new(4242);
        let credential = mint.token(Kind::Pat);
        let flavour = if page == "docs/ghes.md" { Flavour::Server(Some("3.21")) } else { Flavour::DotCom };
        let github = GitHub::play(Script { credential: credential.clone(), ..Script::of(flavour) });
        let sandbox = Sandbox::new();
        let home = sandbox.path().join("home");
        sandbox.write("bin/README", "");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_stanch"), sandbox.path().join("bin/stanch"))
            .expect("a link");
        let workspace = Workspace { sandbox, home, github, credential };
        let kinds = [Kind::Pat, Kind::FineGrainedPat, Kind::OAuth];
        let leaked: Vec<String> = kinds.map(|kind| mint.token(kind)).into();
        workspace.file("leaked.txt", &format!("{}\n", leaked.join("\n")));
        workspace.file("README.md", "# A project\n");
        workspace.sh(
            "printf '/leaked.txt\\n/home\\n' > .git-exclude; git init -q; mv .git-exclude .git/info/exclude",
        );
        workspace.sh("git add README.md; git commit -qm first; git switch -qc topic");
        workspace.file(".env", &format!("TOKEN={}\n", mint.token(Kind::Pat)));
        workspace
            .sh("git add .env; git commit -qm 'Add settings'; git rm -q .env; git commit -qm 'Remove them'");
        workspace.file("config.yml", &format!("token: {}\n", mint.token(Kind::Pat)));
        workspace.sh("git add config.yml");
        workspace.configure("");
        workspace
    }

    fn directory(&self) -> PathBuf {
        self.sandbox.path().join("project")
    }

    /// Writes a file of a page; `~/` is the home of this sandbox.
    fn file(&self, path: &str, text: &str) {
        match path.strip_prefix("~/") {
            Some(".config/stanch/config.toml") => self.configure(text),
            Some(path) => self.sandbox.write(&format!("home/{path}"), text),
            None => self.sandbox.write(&format!("project/{path}"), text),
        }
    }

    /// Writes the user's configuration: the page's, and the way to the scripted GitHub.
    fn configure(&self, text: &str) {
        let aim = [("api_url", self.github.api_url()), ("min_interval", "0s".to_owned())];
        let missing = aim.iter().filter(|(key, _)| !text.lines().any(|line| line.starts_with(key)));
        let aim: String =
            missing.map(|(key, value)| format!("{key} = \"{value}\"\n")).collect::<Vec<_>>().concat();
        self.sandbox.write("home/.config/stanch/config.toml", aim + text);
    }

    fn run(&self, line: &str) -> Ran {
        let path = std::env::var("PATH").unwrap_or_default();
        let server = self.github.api_url().ends_with("/api/v3");
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(self.directory()).env_clear().stdin(Stdio::null());
        command
            .env("PATH", format!("{}:{path}", self.sandbox.path().join("bin").display()))
            .env("HOME", &self.home)
            .env(if server { "GH_ENTERPRISE_TOKEN" } else { "GH_TOKEN" }, &self.credential)
            // A host that is not the scripted one cannot be reached.
            .env("HTTPS_PROXY", "http://127.0.0.1:1")
            .envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_COUNT", "3")])
            .envs([("GIT_CONFIG_KEY_0", "user.name"), ("GIT_CONFIG_VALUE_0", "T")])
            .envs([("GIT_CONFIG_KEY_1", "user.email"), ("GIT_CONFIG_VALUE_1", "t@example.org")])
            .envs([("GIT_CONFIG_KEY_2", "init.defaultBranch"), ("GIT_CONFIG_VALUE_2", "main")]);
        Ran::from(command.output().expect("a shell"))
    }

    fn sh(&self, line: &str) {
        let ran = self.run(&format!("set -e; {line}"));
        assert_eq!(ran.code, 0, "{line}: {}", ran.stderr);
    }

    fn check(&self, page: &str, step: &Step) {
        let ran = self.run(&step.line);
        let printed = format!("{}\n{}", ran.stdout, ran.stderr);
        assert_eq!(ran.code, step.code, "{page}: {}\n{printed}", step.line);
        let mut lines = printed.lines();
        for shown in &step.shown {
            let there = lines.any(|line| fits(shown, line));
            assert!(there, "{page}: {}\ndoes not print (in this order): {shown}\n{printed}", step.line);
        }
    }
}

#[test]
fn every_command_of_the_guide_does_what_it_says() {
    let mut checked = 0;
    for (name, page) in pages() {
        let workspace = Workspace::new(&name);
        for block in blocks(&page) {
            if let Some((_, file)) = block.info.split_once(' ') {
                workspace.file(file, &(block.lines.join("\n") + "\n"));
            } else if block.info == "console" {
                for step in &steps(&block) {
                    workspace.check(&name, step);
                    checked += 1;
                }
            }
        }
    }
    assert!(checked >= 40, "{checked} commands: the guide has more than that");
}

/// The long flags in a text.
fn flags(text: &str) -> BTreeSet<String> {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends_word = |at: usize| !text[..at].ends_with(|c: char| letter(c) || c.is_ascii_uppercase());
    let starts = text.match_indices("--").filter(|(at, _)| ends_word(*at)).map(|(at, _)| &text[at..]);
    let flags = starts.map(|rest| rest.split(|c: char| !letter(c)).next().unwrap_or_default());
    let real = |flag: &&str| flag[2..].starts_with(|c: char| c.is_ascii_lowercase());
    flags.filter(real).map(|flag| flag.trim_end_matches('-').to_owned()).collect()
}

#[test]
fn every_flag_of_the_guide_exists() {
    let sandbox = Sandbox::new();
    let known = flags(&sandbox.run(&["completions", "bash"]).stdout);
    assert!(known.contains("--revoke-confidence"), "{known:?}");
    let recipes = ["docs/ci/gitlab.yml"].map(|name| {
        let text = fs::read_to_string(root().join(name)).expect("a recipe");
        (name.to_owned(), text.lines().filter(|line| line.contains("stanch git")).collect::<String>())
    });
    for (name, page) in pages().into_iter().chain(recipes) {
        for flag in flags(&page) {
            assert!(
                known.contains(&flag) || OTHERS.contains(&flag.as_str()),
                "{name} names {flag}, which is no flag"
            );
        }
    }
}

#[test]
fn every_link_of_the_guide_leads_to_a_file() {
    for (name, page) in pages() {
        let page_path = root().join(&name);
        let directory = page_path.parent().expect("a directory");
        for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            let outside = link.contains("://") || file.is_empty();
            assert!(outside || directory.join(file).exists(), "{name} links to {link}");
        }
    }
}
