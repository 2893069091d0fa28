//! A repository in a temporary directory, and git to work on it with a scrubbed environment.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::blob::{Fault, Source};
use crate::checksum::crc32_base62;
use crate::detect::Detector;
use crate::finding::{Confidence, Finding, Findings, Location};
use crate::meter::{CancelFlag, Meter, Reading};
use crate::rule;
use crate::scan::Collector;
use crate::source::git::{History, Repo};

/// The `n`th token: a valid one, different for each `n`.
pub(super) fn token(n: u32) -> String {
    let body = format!("{:030}", u64::from(n) * 7_919 + 1);
    let body: String =
        body.bytes().map(|digit| char::from(b"qZx3Vb7Nw0"[usize::from(digit - b'0')])).collect();
    format!("ghp_{body}{}", String::from_utf8_lossy(&crc32_base62(body.as_bytes())))
}

/// A text of a token's shape whose checksum is wrong.
pub(super) fn lookalike() -> String {
    let mut text = token(999);
    text.replace_range(39.., if text.ends_with('1') { "2" } else { "1" });
    text
}

pub(super) struct Fixture {
    dir: tempfile::TempDir,
    clock: std::cell::Cell<u64>,
}

impl Fixture {
    /// An empty repository with the branch `main`.
    pub(super) fn new() -> Self {
        Fixture::with(&[])
    }

    pub(super) fn with(options: &[&str]) -> Self {
        let fixture = Fixture { dir: tempfile::tempdir().expect("a directory"), clock: 1_700_000_000.into() };
        std::fs::create_dir(fixture.path()).expect("a directory");
        fixture.git(&[&["init", "-q", "-b", "main"], options].concat());
        fixture
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    /// A path beside the repository.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn command(&self, dir: &Path) -> Command {
        let mut command = Command::new("git");
        let date = format!("{} +0100", self.clock.get());
        command.current_dir(dir).env_clear().envs([
            ("PATH", std::env::var("PATH").expect("a path").as_str()),
            ("HOME", "/nonexistent"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", "A U Thor"),
            ("GIT_AUTHOR_EMAIL", "author@example.com"),
            ("GIT_COMMITTER_NAME", "C O Mitter"),
            ("GIT_COMMITTER_EMAIL", "committer@example.com"),
            ("GIT_AUTHOR_DATE", date.as_str()),
            ("GIT_COMMITTER_DATE", date.as_str()),
        ]);
        command
    }

    /// Runs git in the repository; its output, trimmed.
    pub(super) fn git(&self, arguments: &[&str]) -> String {
        self.git_with_input(arguments, b"")
    }

    pub(super) fn git_with_input(&self, arguments: &[&str], input: &[u8]) -> String {
        self.clock.set(self.clock.get() + 60);
        let mut child = self
            .command(&self.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("git runs");
        child.stdin.take().expect("piped").write_all(input).expect("git reads");
        let output = child.wait_with_output().expect("git ends");
        assert!(output.status.success(), "git {}", arguments.first().unwrap_or(&""));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub(super) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, content).expect("written");
    }

    /// Writes a file and commits it; the commit's id.
    pub(super) fn commit(&self, path: &str, content: impl AsRef<[u8]>, message: &str) -> String {
        self.write(path, content);
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
        self.head()
    }

    pub(super) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    pub(super) fn repack(&self) {
        self.git(&["repack", "-adfkq"]);
        self.git(&["prune-packed", "-q"]);
    }

    pub(super) fn repo(&self) -> Repo {
        Repo::open(&self.path()).expect("it opens")
    }

    pub(super) fn scan(&self) -> Scan {
        let repo = self.repo();
        let history = History::new(&repo);
        let (mut findings, reading) = drain(&history, Findings::keeping_all());
        history.attribute(&mut findings, &CancelFlag::default());
        Scan::new(findings, reading)
    }
}

/// Drains `source` through the detector.
pub(super) fn drain(source: &impl Source, findings: Findings) -> (Findings, Reading) {
    let detector = Detector::new(rule::built_in());
    let meter = Meter::default();
    source.drain(&Collector::new(&detector, &findings, &meter));
    (findings, meter.read())
}

/// What a scan found.
pub(super) struct Scan {
    pub(super) findings: Vec<Finding>,
    pub(super) faults: Vec<Fault>,
    pub(super) reading: Reading,
}

impl Scan {
    pub(super) fn new(findings: Findings, reading: Reading) -> Self {
        let (findings, faults) = findings.finish();
        Scan { findings, faults, reading }
    }

    /// The fingerprints of what counts, each with its number of locations.
    pub(super) fn found(&self) -> BTreeMap<String, usize> {
        let certain = self.findings.iter().filter(|finding| finding.confidence == Confidence::Certain);
        certain.map(|finding| (finding.token.fingerprint().hex(), finding.locations.len())).collect()
    }

    pub(super) fn of(&self, text: &str) -> &Finding {
        let fingerprint = crate::token::Fingerprint::of(text.as_bytes());
        let found = self.findings.iter().find(|finding| finding.token.fingerprint() == fingerprint);
        found.unwrap_or_else(|| panic!("a token was not found: {fingerprint:?}"))
    }

    /// The first location of a token.
    pub(super) fn first(&self, text: &str) -> &Location {
        self.of(text).locations.first().expect("a location")
    }
}

/// Drains a source of changes, and keeps what they add.
pub(super) fn changes<S: Source>(
    source: &S,
    retain_added: impl Fn(&S, &mut Findings, &crate::source::git::Rescan<'_>),
) -> Scan {
    let detector = Detector::new(rule::built_in());
    let mut findings = Findings::keeping_all();
    let meter = Meter::default();
    source.drain(&Collector::new(&detector, &findings, &meter));
    retain_added(source, &mut findings, &|show| {
        let before = Findings::keeping_all();
        show(&Collector::new(&detector, &before, &Meter::default()));
        before
    });
    Scan::new(findings, meter.read())
}
