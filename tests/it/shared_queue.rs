//! A database that machines share, as one run sees it: what it may take out of the queue, and what it tells of what others do.

use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;
use stanch::token::Fingerprint;

use crate::support::cmd::{Ran, Sandbox};
use crate::support::fixture::{Fixture, state};
use crate::support::github::{Flavour, GitHub};
use crate::support::mint::{Kind, Mint};
use crate::support::postgres::{Database, SUPERUSER, shared};
use crate::support::scripted_intake::{BEARER, Intake};

/// A machine, a GitHub on loopback and a database between them.
struct Machine {
    sandbox: Sandbox,
    github: GitHub,
    database: Database,
    mint: Mint,
}

impl Machine {
    fn new(seed: u64) -> Option<Self> {
        let database = shared()?.empty();
        let (sandbox, github) = (Sandbox::new(), GitHub::start(Flavour::DotCom));
        assert_eq!(sandbox.run(&["ledger", "keygen", "fleet.key"]).code, 0);
        let init = sandbox.run(&["ledger", "init", &database.url(), "--seal-to", "fleet.key.pub"]);
        assert_eq!(init.code, 0, "{}", init.stderr);
        Some(Machine { sandbox, github, database, mint: Mint::new(seed) })
    }

    /// A user of the database with a role of the ledger.
    fn user(&self, role: &str) -> String {
        let user = format!("{}_{role}", self.database.name());
        self.database.execute(&format!("CREATE ROLE {user} LOGIN IN ROLE stanch_{role}"));
        user
    }

    fn leak(&mut self, file: &str, count: usize) -> Vec<String> {
        let tokens: Vec<String> = (0..count).map(|_| self.mint.token(Kind::Pat)).collect();
        self.sandbox.write(file, tokens.join("\n"));
        tokens
    }

    fn command_as(&self, user: &str, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(arguments);
        command.args(["--api-url", &self.github.api_url(), "--min-interval", "0"]);
        command.args(["--ledger", &self.database.server().url(user, self.database.name())]);
        command
    }

    fn run_as(&self, user: &str, arguments: &[&str]) -> Ran {
        Ran::from(self.command_as(user, arguments).output().expect("the program starts"))
    }

    fn queue_as(&self, user: &str, arguments: &[&str]) -> Ran {
        let queue = ["scan", "tree", "--revoke", "--yes", "--enqueue-only", "-f", "json"];
        self.run_as(user, &[&queue[..], arguments].concat())
    }

    fn resume(&self) -> Ran {
        self.run_as(SUPERUSER, &["resume", "--key", "fleet.key"])
    }
}

fn report(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("no JSON: {}", ran.stderr))
}

#[test]
fn a_run_that_only_queues_takes_back_what_must_not_leave() {
    let Some(mut machine) = Machine::new(9700) else { return };
    let tokens = machine.leak("tree/a.env", 4);
    assert_eq!(machine.queue_as(SUPERUSER, &[]).code, 3);
    // That tokens wait goes before that a run was refused.
    machine.sandbox.write("tree/b.env", [(); 3].map(|()| machine.mint.token(Kind::Pat)).join("\n"));
    let refused = machine.queue_as(SUPERUSER, &["--max-revoke", "2"]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("--max-revoke allows 2"), "{}", refused.stderr);
    assert!(refused.stderr.contains("4 tokens wait for"), "{}", refused.stderr);
    machine.sandbox.write("tree/b.env", "");
    // One was suppressed where it is found, one by its hash and is found no more, one is this machine's own by now.
    machine.sandbox.write("tree/a.env", [&tokens[0], &tokens[2], &tokens[3]].map(String::as_str).join("\n"));
    let hashes = [hash_line(&tokens[0]), hash_line(&tokens[1])].join("\n");
    machine.sandbox.write("tree/.stanchignore", hashes);
    let queue = ["scan", "tree", "--revoke", "--yes", "--enqueue-only", "-f", "json"];
    let mut command = machine.command_as(SUPERUSER, &queue);
    let ran = Ran::from(command.env("GH_TOKEN", &tokens[2]).output().expect("the program starts"));
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("2 suppressed tokens passed over"), "{}", ran.stderr);
    assert!(ran.stderr.contains("1 token not sent: this machine's own"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("will be sent"), "{}", ran.stderr);
    assert_eq!(state(&report(&ran), &tokens[2]), "own");
    let resumed = machine.resume();
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    assert_eq!(machine.github.accepted(), tokens[3..]);
}

#[test]
fn what_a_role_may_not_take_back_is_said_to_wait() {
    let Some(mut machine) = Machine::new(9701) else { return };
    let tokens = machine.leak("tree/a.env", 3);
    let user = machine.user("enqueue");
    assert_eq!(machine.queue_as(&user, &[]).code, 3);
    machine.sandbox.write("tree/.stanchignore", [hash_line(&tokens[0]), hash_line(&tokens[1])].join("\n"));
    machine.sandbox.write("tree/a.env", &tokens[0]);
    // What is no hash is for who sends: this role reads no sealed text.
    machine.sandbox.write("config.toml", "[[allowlists]]\nregexes = ['never']\n");
    let queue = ["scan", "tree", "--revoke", "--yes", "--enqueue-only", "--config", "config.toml"];
    let mut command = machine.command_as(&user, &queue);
    let ran = Ran::from(command.env("GH_TOKEN", &tokens[2]).output().expect("the program starts"));
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("2 suppressed tokens still wait in postgres://"), "{}", ran.stderr);
    assert!(ran.stderr.contains("1 credential of this machine still waits in postgres://"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("passed over") && !ran.stderr.contains("not sent"), "{}", ran.stderr);
    assert!(ran.stderr.contains("will be sent"), "{}", ran.stderr);
    // It is as it was said.
    assert_eq!(machine.resume().code, 0);
    assert_eq!(machine.github.accepted().len(), 3);
}

#[test]
fn an_intake_lets_nothing_be_taken_back() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(9702));
    let intake = Intake::new(&["https://api.github.com"]);
    let tokens = [mint.token(Kind::Pat), mint.token(Kind::Pat)];
    sandbox.write("tree/a.env", tokens.join("\n"));
    let run = |more: &[&str], own: &str| {
        let mut command = sandbox.command(&[&["scan", "tree", "--revoke"][..], more].concat());
        command.args(["--ledger", &intake.url()]);
        command.env("STANCH_INTAKE_TOKEN", BEARER).env("GH_TOKEN", own);
        Ran::from(command.output().expect("the program starts"))
    };
    assert_eq!(run(&["--yes"], "").code, 3);
    sandbox.write("tree/.stanchignore", hash_line(&tokens[0]));
    for mode in ["--dry-run", "--yes"] {
        let ran = run(&[mode], &tokens[1]);
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        assert!(ran.stderr.contains("1 suppressed token still waits in http://"), "{}", ran.stderr);
        assert!(ran.stderr.contains("1 credential of this machine still waits in http://"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("passed over"), "{}", ran.stderr);
    }
}

#[test]
fn a_run_sends_no_more_than_it_announced() {
    let mut fixture = Fixture::new(9703);
    let tokens: Vec<String> = (0..5).map(|_| fixture.mint.token(Kind::Pat)).collect();
    fixture.sandbox.write("mine", tokens[..2].join("\n"));
    fixture.sandbox.write("others/a.env", tokens[2..].join("\n"));
    // While the request is under way, another run queues what it has found.
    let other = fixture.command(&["scan", "others", "--revoke", "--yes", "--enqueue-only"]);
    let other = Mutex::new(Some(other));
    fixture.github.watch(move |_, _| {
        if let Some(mut other) = other.lock().expect("no panic").take() {
            assert_eq!(other.output().expect("the program starts").status.code(), Some(3));
        }
    });
    let ran = fixture.run(&["revoke", "mine", "--yes", "--max-revoke", "2"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("more was queued meanwhile: 3 tokens still wait"), "{}", ran.stderr);
    assert_eq!(fixture.github.accepted().len(), 2);
    // Who goes on has no bound of that kind.
    assert_eq!(fixture.run(&["resume"]).code, 0);
    assert_eq!(fixture.github.accepted().len(), 5);
}

fn hash_line(token: &str) -> String {
    format!("sha256:{}", Fingerprint::of(token.as_bytes()).hex())
}
