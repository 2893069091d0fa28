//! A machine, a GitHub on loopback and a ledger between them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rusqlite::Connection;
use serde_json::Value;
use stanch::token::Fingerprint;
use tempfile::TempDir;

use super::cmd::{Ran, Sandbox};
use super::github::{Flavour, GitHub, Script};
use super::mint::Mint;
use super::row_mac;

pub(crate) struct Fixture {
    pub(crate) sandbox: Sandbox,
    home: TempDir,
    pub(crate) github: GitHub,
    pub(crate) mint: Mint,
}

impl Fixture {
    /// github.com, as documented.
    pub(crate) fn new(seed: u64) -> Self {
        Fixture::against(seed, Script::of(Flavour::DotCom))
    }

    pub(crate) fn against(seed: u64, script: Script) -> Self {
        let home = TempDir::new().expect("a temporary directory");
        Fixture { sandbox: Sandbox::new(), home, github: GitHub::play(script), mint: Mint::new(seed) }
    }

    /// Not in the directory that is scanned.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.home.path().join("state/ledger.db")
    }

    /// The program, on its way to this GitHub, without a pause between requests unless `arguments` ask for one.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(arguments);
        command.args(["--api-url", &self.github.api_url()]).arg("--ledger").arg(self.ledger());
        if ["scan", "git", "revoke", "resume", "enterprise", "org", "serve"].contains(&arguments[0])
            && !arguments.contains(&"--min-interval")
        {
            command.args(["--min-interval", "0"]);
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.checked(Ran::from(self.command(arguments).output().expect("the program starts")))
    }

    /// Runs with this on standard input.
    pub(crate) fn feed(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command(arguments);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the program starts");
        let (mut stdin, input) = (child.stdin.take().expect("piped"), input.to_owned());
        let feeder = std::thread::spawn(move || {
            use std::io::Write as _;
            // It may end before it has read all.
            let _ = stdin.write_all(input.as_bytes());
        });
        let ran = Ran::from(child.wait_with_output().expect("it ends"));
        feeder.join().expect("fed");
        self.checked(ran)
    }

    /// Runs with `-f json` and reads the report.
    pub(crate) fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let ran = self.run(&[arguments, &["-f", "json"]].concat());
        (ran.code, serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("no JSON: {}", ran.stderr)))
    }

    /// Nothing that is printed holds a token that the server ever accepted.
    fn checked(&self, ran: Ran) -> Ran {
        let printed = [ran.stdout.as_str(), ran.stderr.as_str()].concat();
        for token in self.github.accepted().iter().take(100) {
            assert!(!printed.contains(token.as_str()), "a token was printed");
        }
        ran
    }

    /// `status -f json`.
    pub(crate) fn status(&self) -> Value {
        self.json(&["status"]).1
    }

    /// The audit trail, which has to hold.
    pub(crate) fn trail(&self) -> Vec<Value> {
        let ledger = self.ledger();
        let ledger = ledger.to_str().expect("a path of text");
        let verified = self.sandbox.run(&["audit", "--verify", "--ledger", ledger]);
        assert_eq!(verified.code, 0, "{}", verified.stderr);
        let ran = self.checked(self.sandbox.run(&["audit", "--ledger", ledger]));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("a record is JSON")).collect()
    }

    /// The ledger's file, opened behind the program's back.
    pub(crate) fn database(&self) -> Connection {
        Connection::open(self.ledger()).expect("a database")
    }

    /// Moves all that the ledger remembers into the past, and makes the server forget as much.
    pub(crate) fn an_hour_passes(&self) {
        let hour = 3_601_000;
        let database = self.database();
        database
            .execute_batch(&format!(
                "UPDATE batch SET at = at - {hour}, lease = lease - {hour}, slot_at = slot_at - {hour},
                    slot_adjusted = slot_adjusted - {hour}, slot_uptime = slot_uptime - {hour};
                 UPDATE quota SET last_at = last_at - {hour}, last_adjusted = last_adjusted - {hour},
                    last_uptime = last_uptime - {hour}, hold_at = hold_at - {hour},
                    hold_adjusted = hold_adjusted - {hour}, hold_uptime = hold_uptime - {hour},
                    server_at = server_at - {hour}, server_adjusted = server_adjusted - {hour},
                    server_uptime = server_uptime - {hour};"
            ))
            .and_then(|()| row_mac::restamp(&database, &self.ledger(), &["batch", "quota"]))
            .expect("a ledger");
        self.github.an_hour_passes();
    }

    /// No file beside the ledger holds any of these texts.
    pub(crate) fn assert_forgotten(&self, tokens: &[String]) {
        let ledger = self.ledger();
        for entry in std::fs::read_dir(ledger.parent().expect("a directory")).expect("listed").flatten() {
            let bytes = std::fs::read(entry.path()).expect("a file");
            for token in tokens.iter().take(50) {
                let found = memchr::memmem::find(&bytes, token.as_bytes());
                assert_eq!(found, None, "{} holds a token", entry.path().display());
            }
        }
    }
}

/// What a report says became of a token.
pub(crate) fn state<'a>(report: &'a Value, token: &str) -> &'a Value {
    &finding(report, token)["revocation"]["state"]
}

/// A report's finding of a token.
pub(crate) fn finding<'a>(report: &'a Value, token: &str) -> &'a Value {
    let hash = Fingerprint::of(token.as_bytes()).hex();
    let findings = report["findings"].as_array().expect("a list of findings");
    findings.iter().find(|finding| finding["sha256"] == hash.as_str()).expect("it was found")
}

pub(crate) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
