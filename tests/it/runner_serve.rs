//! The whole way of a token: a runner finds it, the real `stanch serve` takes it in and drains a PostgreSQL, the scripted
//! GitHub accepts it, and the runner learns that. Nobody on the way but the drain can read it.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::cmd::{Ran, Sandbox};
use crate::support::fixture::state;
use crate::support::github::{Flavour, GitHub};
use crate::support::mint::{Kind, Mint};
use crate::support::postgres::{Database, SUPERUSER, shared};

const BEARER: &str = "enqueue-and-read-0123456789";

/// How long anything is waited for: far longer than it takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A `stanch serve`, and the lines that it says.
struct Serve {
    child: Child,
    said: Receiver<String>,
    address: String,
}

impl Drop for Serve {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A fleet of one runner, one server, one database and one GitHub.
struct Fleet {
    runner: Sandbox,
    server: Sandbox,
    database: Database,
    github: GitHub,
    mint: Mint,
}

impl Fleet {
    fn new(seed: u64) -> Option<Self> {
        let database = shared()?.empty();
        let fleet = Fleet {
            runner: Sandbox::new(),
            server: Sandbox::new(),
            database,
            github: GitHub::start(Flavour::DotCom),
            mint: Mint::new(seed),
        };
        let keygen = fleet.server.run(&["ledger", "keygen", "fleet.key"]);
        assert_eq!(keygen.code, 0, "{}", keygen.stderr);
        let init = fleet.server.run(&["ledger", "init", &fleet.ledger(), "--seal-to", "fleet.key.pub"]);
        assert_eq!(init.code, 0, "{}", init.stderr);
        let bearers = fleet.server.path().join("bearers");
        std::fs::write(&bearers, format!("{BEARER} enqueue,read ci\n")).expect("a file");
        std::fs::set_permissions(&bearers, std::fs::Permissions::from_mode(0o600)).expect("set");
        Some(fleet)
    }

    fn ledger(&self) -> String {
        self.database.url()
    }

    fn serve(&self, listen: &str) -> Serve {
        let mut command = self.server.command(&["serve", "--key", "fleet.key", "--coalesce", "100ms"]);
        command.args([
            "--ledger",
            &self.ledger(),
            "--api-url",
            &self.github.api_url(),
            "--min-interval",
            "0",
        ]);
        command.args(["--listen", listen, "--intake-tokens", "bearers"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the program starts");
        let (stderr, (sender, said)) = (child.stderr.take().expect("piped"), channel());
        thread::spawn(move || {
            // Nobody may listen any more.
            BufReader::new(stderr).lines().map_while(Result::ok).all(|line| sender.send(line).is_ok());
        });
        let mut serve = Serve { child, said, address: String::new() };
        while serve.address.is_empty() {
            let line = serve.said.recv_timeout(PATIENCE).expect("it listens");
            if line.contains("listening at ") {
                line.rsplit(' ').next().unwrap_or_default().clone_into(&mut serve.address);
            }
        }
        serve
    }

    fn scan(&self, intake: &str) -> Command {
        let mut command = self.runner.command(&["scan", "tree", "--revoke", "--yes", "-f", "json"]);
        command.args(["--ledger", &format!("http://{intake}"), "--api-url", &self.github.api_url()]);
        command.env("STANCH_INTAKE_TOKEN", BEARER);
        command
    }

    fn leak(&mut self, count: usize) -> Vec<String> {
        let tokens: Vec<String> = (0..count).map(|_| self.mint.token(Kind::Pat)).collect();
        let number = self.mint.number();
        self.runner.write(&format!("tree/{number}.env"), tokens.join("\n"));
        tokens
    }

    /// Waits until GitHub has accepted them.
    fn await_accepted(&self, tokens: &[String]) {
        let (since, wanted) = (Instant::now(), tokens.iter().collect::<BTreeSet<_>>());
        loop {
            let accepted = self.github.accepted();
            if wanted.is_subset(&accepted.iter().collect()) {
                return;
            }
            assert!(since.elapsed() < PATIENCE, "{} of {} accepted", accepted.len(), tokens.len());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn ran(mut command: Command) -> (Ran, Value) {
    let ran = Ran::from(command.output().expect("the program starts"));
    let report = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("no JSON: {}", ran.stderr));
    (ran, report)
}

#[test]
fn what_a_runner_finds_is_accepted_and_the_runner_learns_that() {
    let Some(mut fleet) = Fleet::new(1) else { return };
    let tokens = fleet.leak(5);
    let serve = fleet.serve("127.0.0.1:0");
    let (first, _) = ran(fleet.scan(&serve.address));
    assert_eq!(first.code, 3, "{}", first.stderr);
    assert!(first.stderr.contains("5 tokens for") && first.stderr.contains("queued in"), "{}", first.stderr);
    fleet.await_accepted(&tokens);
    // The answer may be on its way into the ledger still.
    let since = Instant::now();
    let (last, report) = loop {
        let (last, report) = ran(fleet.scan(&serve.address));
        if last.code != 3 || since.elapsed() > PATIENCE {
            break (last, report);
        }
    };
    assert_eq!(last.code, 1, "{}", last.stderr);
    assert!(tokens.iter().all(|token| state(&report, token) == "accepted"));
    assert_eq!(fleet.github.accepted().len(), 5, "a token was sent twice");
}

#[test]
fn neither_a_dump_nor_a_runner_opens_a_token() {
    let Some(mut fleet) = Fleet::new(2) else { return };
    let tokens = fleet.leak(3);
    // Nothing is drained: all of it waits.
    let ledger = fleet.ledger();
    let mut queue = fleet.runner.command(&["scan", "tree", "--revoke", "--yes", "--enqueue-only"]);
    queue.args(["--ledger", &ledger, "--api-url", &fleet.github.api_url()]);
    let queued = Ran::from(queue.output().expect("it starts"));
    assert_eq!(queued.code, 3, "{}", queued.stderr);
    assert!(queued.stderr.contains("3 tokens for"), "{}", queued.stderr);
    // Who was not told to queue only, and cannot open what waits, is refused before it scans.
    let mut send = fleet.runner.command(&["scan", "tree", "--revoke", "--yes"]);
    send.args(["--ledger", &ledger, "--api-url", &fleet.github.api_url()]);
    let refused = Ran::from(send.output().expect("it starts"));
    assert!(refused.stderr.contains("--enqueue-only"), "{} {}", refused.code, refused.stderr);
    assert_eq!(fleet.github.requests().len(), 0);
    let server = fleet.database.server();
    let dump = server.tool("pg_dump").arg(server.url(SUPERUSER, fleet.database.name())).output();
    let dump = dump.expect("a dump").stdout;
    assert!(dump.len() > 1000, "an empty dump");
    for token in &tokens {
        assert_eq!(memchr::memmem::find(&dump, token.as_bytes()), None, "a token in the clear");
    }
}

#[test]
fn an_intake_that_dies_costs_nothing() {
    let Some(mut fleet) = Fleet::new(3) else { return };
    let first = fleet.leak(2);
    let mut serve = fleet.serve("127.0.0.1:0");
    let address = serve.address.clone();
    assert_eq!(ran(fleet.scan(&address)).0.code, 3);
    serve.child.kill().expect("killed");
    serve.child.wait().expect("gone");
    let second = fleet.leak(3);
    let (away, _) = ran(fleet.scan(&address));
    assert_eq!(away.code, 3, "{}", away.stderr);
    // Those of before are kept, too: whether they were taken is asked of nobody.
    assert!(away.stderr.contains("5 tokens for") && away.stderr.contains("spooled in"), "{}", away.stderr);
    let serve = fleet.serve(&address);
    let (back, _) = ran(fleet.scan(&address));
    assert!(back.stderr.contains("5 tokens of an earlier run delivered"), "{}", back.stderr);
    fleet.await_accepted(&[first, second].concat());
    let mut accepted = fleet.github.accepted();
    accepted.sort();
    accepted.dedup();
    assert_eq!(accepted.len(), 5);
    drop(serve);
}
