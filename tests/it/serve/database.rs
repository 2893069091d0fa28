//! A server and the database that it shares with its runners.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use stanch::ledger::PublicKey;
use stanch::token::Fingerprint;

use crate::support::cmd::{Ran, Sandbox};
use crate::support::github::{Flavour, GitHub, Script};
use crate::support::intake::{ENQUEUE, PATIENCE, READ, Serve};
use crate::support::mint::{Kind, Mint};
use crate::support::pg_proxy::PgProxy;
use crate::support::postgres::{Database, SUPERUSER, shared};

/// A machine with a key, a server that counts every request of its credential, and a database that is a ledger.
pub(super) struct Site {
    pub(super) sandbox: Sandbox,
    github: GitHub,
    pub(super) database: Database,
    pub(super) mint: Mint,
    credential: String,
}

impl Site {
    /// None where there is no PostgreSQL, which was said.
    pub(super) fn new(seed: u64) -> Option<Self> {
        let database = shared()?.empty();
        let credential = Mint::new(seed + 100_000).token(Kind::Pat);
        let script = Script { credential: credential.clone(), ..Script::of(Flavour::Server(Some("3.20"))) };
        let github = GitHub::play(script);
        let site = Site { sandbox: Sandbox::new(), github, database, mint: Mint::new(seed), credential };
        for key in ["fleet.key", "other.key"] {
            assert_eq!(site.sandbox.run(&["ledger", "keygen", key]).code, 0);
        }
        let url = site.database.url();
        let init = site.sandbox.run(&["ledger", "init", &url, "--seal-to", "fleet.key.pub"]);
        assert_eq!(init.code, 0, "{}", init.stderr);
        Some(site)
    }

    pub(super) fn command_at(&self, url: &str, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(arguments);
        command.args(["--ledger", url, "--api-url", &self.github.api_url()]);
        command.env("GH_ENTERPRISE_TOKEN", &self.credential);
        command
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.command_at(&self.database.url(), arguments)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().expect("the program starts"))
    }

    /// Queues new tokens.
    fn queue(&mut self, directory: &str, count: usize) {
        let tokens: Vec<String> = (0..count).map(|_| self.mint.token(Kind::Pat)).collect();
        self.sandbox.write(&format!("{directory}/f"), tokens.join("\n"));
        let ran = self.run(&["scan", "--revoke", "--yes", "--enqueue-only", directory]);
        assert_eq!(ran.code, 3, "{}", ran.stderr);
    }

    /// A server that drains, with this key.
    fn drain(&self, key: &str) -> Serve {
        let arguments = ["serve", "--coalesce", "0", "--min-interval", "0", "--key", key];
        Serve::launch(self.command(&arguments), false)
    }

    /// Changes the key that is sealed to.
    fn rekey(&self, old: &str, new: &str) {
        let (url, new) = (self.database.url(), format!("{new}.pub"));
        let ran = self.sandbox.run(&["ledger", "rekey", &url, "--key", old, "--new-key", &new, "--yes"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }

    /// How often the host was asked what it takes.
    fn asked(&self) -> usize {
        self.github.requests().iter().filter(|seen| seen.path.ends_with("/meta")).count()
    }

    fn await_accepted(&self, count: usize, serve: &Serve) {
        let since = Instant::now();
        while self.github.accepted().len() < count {
            assert!(since.elapsed() < PATIENCE, "{count} are not accepted: {}", serve.said());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn without_the_right_key_it_does_not_begin_and_costs_the_host_no_request() {
    let Some(mut site) = Site::new(9800) else { return };
    site.queue("tree", 4);
    let asked = site.asked();
    let readable = site.sandbox.path().join("readable.key");
    fs::copy(site.sandbox.path().join("fleet.key"), &readable).expect("a copy");
    fs::set_permissions(&readable, Permissions::from_mode(0o644)).expect("set");
    for (arguments, said) in [
        (&["serve"][..], "--key"),
        (&["serve", "--key", "other.key"], "--key"),
        (&["serve", "--key", "readable.key"], "can be read by others (mode 0644)"),
        (&["resume", "--key", "readable.key"], "can be read by others (mode 0644)"),
    ] {
        let ran = site.run(arguments);
        assert!(ran.code >= 2 && ran.stderr.contains(said), "{arguments:?}: {} {}", ran.code, ran.stderr);
        assert!(arguments[0] != "serve" || ran.code == 2, "{arguments:?}: {}", ran.code);
    }
    assert_eq!(site.asked(), asked, "the host was asked");
    let serve = site.drain("fleet.key");
    site.await_accepted(4, &serve);
    serve.stop();
}

#[test]
fn what_a_host_told_is_kept_for_as_long_as_the_server_runs() {
    let Some(mut site) = Site::new(9801) else { return };
    site.queue("first", 1);
    let asked = site.asked();
    let mut serve = site.drain("fleet.key");
    site.await_accepted(1, &serve);
    // Its key is not the right one any more, and is again.
    site.rekey("fleet.key", "other.key");
    site.queue("second", 1);
    serve.await_line("nothing is sent to");
    site.rekey("other.key", "fleet.key");
    site.await_accepted(2, &serve);
    serve.stop();
    assert_eq!(site.asked() - asked, 1, "it was asked again");
}

/// Prometheus and Kubernetes do not wait for long, and are to learn of a ledger that is away.
#[test]
fn a_database_that_is_away_is_told_of_in_the_metrics() {
    let Some(site) = Site::new(9802) else { return };
    let proxy = PgProxy::start(site.database.server().port());
    let bearers = site.sandbox.path().join("bearers");
    fs::write(&bearers, format!("{READ} read\n")).expect("a file");
    fs::set_permissions(&bearers, Permissions::from_mode(0o600)).expect("set");
    let arguments = ["serve", "--no-drain", "--listen", "127.0.0.1:0", "--intake-tokens", "bearers"];
    let url = proxy.url(SUPERUSER, site.database.name());
    let serve = Serve::launch(site.command_at(&url, &arguments), true);
    let is = |line: &str, status: u16| {
        let metrics = serve.ask("GET /metrics", READ, "");
        assert_eq!(metrics.status, 200, "{}", metrics.body);
        let ready = serve.try_ask("GET /readyz", None, "").expect("an answer");
        metrics.body.lines().any(|known| known == line) && ready.status == status
    };
    let until = |line: &str, status: u16| {
        let since = Instant::now();
        while !is(line, status) {
            assert!(since.elapsed() < PATIENCE, "never {line}: {}", serve.said());
            // Who asks too often is sent away.
            thread::sleep(Duration::from_millis(500));
        }
    };
    until("stanch_ledger_up 1", 200);
    proxy.go_away();
    until("stanch_ledger_up 0", 503);
    proxy.come_back();
    until("stanch_ledger_up 1", 200);
    serve.stop();
}

/// Whoever may queue can say of a text that it is another token. An intake without the key cannot find out.
#[test]
fn a_text_that_does_not_open_makes_way_for_the_token_itself() {
    let Some(mut site) = Site::new(9803) else { return };
    let bearers = site.sandbox.path().join("bearers");
    fs::write(&bearers, format!("{ENQUEUE} enqueue\n")).expect("a file");
    fs::set_permissions(&bearers, Permissions::from_mode(0o600)).expect("set");
    let [other, one, two] = std::array::from_fn(|_| site.mint.token(Kind::Pat));
    let key = PublicKey::read(&site.sandbox.path().join("fleet.key.pub")).expect("a key");
    let host = site.github.api_url();
    let sealed = key.sealer(&host).seal(&Kind::Pat.secret(&other)).expect("sealed");
    let lie = |token: &String, kind: &str| {
        let sha256 = Fingerprint::of(token.as_bytes()).hex();
        json!({"sealed": STANDARD.encode(&sealed), "sha256": sha256, "kind": kind}).to_string()
    };
    let arguments = ["serve", "--no-drain", "--listen", "127.0.0.1:0", "--intake-tokens", "bearers"];
    let intake = Serve::launch(site.command(&arguments), true);
    let lies = [lie(&one, "github-pat"), lie(&two, "github-oauth")].join("\n");
    let taken = intake.ask("POST /v1/tokens", ENQUEUE, &lies).json();
    assert_eq!(taken["accepted"], 2, "{taken}");
    let taken = intake.enqueue(&[one.clone(), two.clone()]);
    assert_eq!(taken["known"], 2, "{taken}");
    // Nor does it make way again.
    let taken = intake.ask("POST /v1/tokens", ENQUEUE, &lies).json();
    assert_eq!(taken["known"], 2, "{taken}");
    intake.stop();
    let serve = site.drain("fleet.key");
    site.await_accepted(2, &serve);
    serve.stop();
    let (mut accepted, mut expected) = (site.github.accepted(), vec![one, two]);
    accepted.sort();
    expected.sort();
    assert!(accepted == expected, "something else was accepted");
}
