//! Runners that hand tokens over to an intake, or only queue them in a ledger of their own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use crate::support::cmd::{Ran, Sandbox};
use crate::support::fixture::{Fixture, state};
use crate::support::mint::{Kind, Mint};
use crate::support::scripted_intake::{BEARER, ENQUEUING, Intake, Mood};

const GITHUB: &str = "https://api.github.com";

/// A machine with tokens in a tree, and an intake that it may hand them over to.
struct Runner {
    sandbox: Sandbox,
    intake: Intake,
    tokens: Vec<String>,
}

impl Runner {
    fn new(seed: u64, tokens: usize) -> Self {
        let (sandbox, mut mint) = (Sandbox::new(), Mint::new(seed));
        let tokens: Vec<String> = (0..tokens).map(|_| mint.token(Kind::Pat)).collect();
        for (number, token) in tokens.iter().enumerate() {
            sandbox.write(&format!("tree/{number}.env"), format!("TOKEN={token}\n"));
        }
        Runner { sandbox, intake: Intake::new(&[GITHUB]), tokens }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(arguments);
        command.env("STANCH_INTAKE_TOKEN", BEARER).args(["--ledger", &self.intake.url()]);
        // Nothing listens there: whatever would go to GitHub itself would fail, and be seen.
        command.env("HTTPS_PROXY", "http://127.0.0.1:1");
        command
    }

    /// Runs; nothing that is printed holds a token.
    fn run(&self, arguments: &[&str]) -> Ran {
        let ran = Ran::from(self.command(arguments).output().expect("the program starts"));
        let printed = [ran.stdout.as_str(), ran.stderr.as_str()].concat();
        assert!(!self.tokens.iter().any(|token| printed.contains(token.as_str())), "a token was printed");
        ran
    }

    fn scan(&self) -> Ran {
        self.run(&["scan", "tree", "--revoke", "--yes", "-f", "json"])
    }

    /// How many tokens wait on this machine.
    fn spooled(&self) -> u64 {
        let status = self.run(&["status", "-f", "json"]);
        let status: Value = serde_json::from_str(&status.stdout).expect("the status is JSON");
        status["spooled"].as_u64().expect("a number")
    }

    /// No file of this machine but those that were scanned holds a token.
    fn assert_nothing_plain(&self) {
        for entry in walkdir(self.sandbox.home()) {
            let bytes = std::fs::read(&entry).expect("a file");
            for token in &self.tokens {
                assert_eq!(memchr::memmem::find(&bytes, token.as_bytes()), None, "{}", entry.display());
            }
        }
    }
}

fn walkdir(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("listed").flatten() {
        match entry.path() {
            path if path.is_dir() => files.extend(walkdir(&path)),
            path => files.push(path),
        }
    }
    files
}

fn report(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("no JSON: {}", ran.stderr))
}

#[test]
fn tokens_are_handed_over_sealed_and_sent_by_nobody_here() {
    let runner = Runner::new(1, 5);
    let ran = runner.scan();
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("5 tokens for github.com queued in http://127.0.0.1:"), "{}", ran.stderr);
    for token in &runner.tokens {
        assert_eq!(state(&report(&ran), token), "queued");
    }
    let again = runner.scan();
    assert_eq!(again.code, 3, "{}", again.stderr);
    assert!(again.stderr.contains("5 tokens for github.com known in"), "{}", again.stderr);
    assert_eq!(runner.spooled(), 0);
    runner.assert_nothing_plain();
    runner.intake.assert_took(&runner.tokens);
}

#[test]
fn what_the_intake_has_sent_is_done() {
    let runner = Runner::new(2, 2);
    assert_eq!(runner.scan().code, 3);
    let posts = runner.intake.requests().len();
    for token in &runner.tokens {
        runner.intake.settle(token, "accepted");
    }
    let ran = runner.scan();
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("2 tokens done by earlier runs"), "{}", ran.stderr);
    assert!(!runner.intake.requests()[posts..].iter().any(|request| request.method == "POST"));
}

#[test]
fn a_dry_run_hands_nothing_over_and_the_cap_counts() {
    let runner = Runner::new(3, 3);
    let ran = runner.run(&["scan", "tree", "--revoke", "--dry-run"]);
    assert!(ran.stderr.contains("this is what would be queued"), "{}", ran.stderr);
    let ran = runner.run(&["scan", "tree", "--revoke", "--yes", "--max-revoke", "2"]);
    assert!(ran.stderr.contains("--max-revoke allows 2"), "{}", ran.stderr);
    // Nobody can be asked here.
    assert_eq!(runner.run(&["scan", "tree", "--revoke"]).code, 2);
    for flag in ["--verify", "--confirm"] {
        let ran = runner.run(&["scan", "tree", "--revoke", "--yes", flag]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains(flag) && ran.stderr.contains("intake"), "{}", ran.stderr);
    }
    assert_eq!(runner.intake.lines().len(), 0);
    let ran = runner.run(&["scan", "tree", "--revoke", "--yes", "--wait", "10m"]);
    assert!(ran.code == 3 && ran.stderr.contains("--wait changes nothing here"), "{}", ran.stderr);
}

#[test]
fn what_an_intake_that_is_away_did_not_take_goes_first_in_the_next_run() {
    let runner = Runner::new(4, 4);
    // The key is known from an earlier contact.
    runner.sandbox.write("other/a.env", format!("T={}\n", Mint::new(99).token(Kind::Pat)));
    assert_eq!(runner.run(&["scan", "other", "--revoke", "--yes"]).code, 3);
    runner.intake.set_mood(Mood::Away);
    let ran = runner.scan();
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("4 tokens for github.com spooled in"), "{}", ran.stderr);
    assert!(report(&ran)["findings"].as_array().is_some_and(|findings| findings.len() == 4));
    assert_eq!(runner.spooled(), 4);
    // Found again, they are not kept twice.
    assert_eq!(runner.scan().code, 3);
    assert_eq!(runner.spooled(), 4);
    runner.assert_nothing_plain();
    let still_away = runner.run(&["resume"]);
    assert_eq!(still_away.code, 3, "{}", still_away.stderr);
    assert!(still_away.stderr.contains("4 tokens still on this machine"), "{}", still_away.stderr);
    // A run that finds nothing delivers, too, and says how it ended.
    runner.intake.set_mood(Mood::Willing);
    runner.sandbox.write("clean/a.txt", "nothing");
    let ran = runner.run(&["scan", "clean", "--revoke", "--yes"]);
    // They are the server's to send, and wait there.
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("4 tokens of an earlier run delivered"), "{}", ran.stderr);
    assert_eq!((runner.spooled(), runner.intake.lines().len()), (0, 5));
    let nothing = runner.run(&["resume"]);
    assert_eq!(nothing.code, 0, "{}", nothing.stderr);
}

/// A machine on which all its tokens wait for the intake, which is back.
fn spooling(seed: u64, tokens: usize) -> Runner {
    let runner = Runner::new(seed, tokens);
    runner.sandbox.write("pin.pub", runner.intake.public_key());
    runner.intake.set_mood(Mood::Away);
    assert_eq!(runner.run(&["scan", "tree", "--revoke", "--yes", "--seal-to", "pin.pub"]).code, 3);
    assert_eq!(runner.spooled(), tokens as u64);
    runner.intake.set_mood(Mood::Willing);
    runner.sandbox.write("clean/a.txt", "nothing");
    runner
}

fn sha256(token: &str) -> String {
    stanch::token::Fingerprint::of(token.as_bytes()).hex()
}

#[test]
fn what_was_suppressed_since_it_was_kept_here_is_not_handed_over() {
    let runner = spooling(18, 3);
    // One by its hash, which this run finds again, one by its comment; both lie in the same file of the spool as the third.
    runner.sandbox.write("tree/.stanchignore", format!("sha256:{}\n", sha256(&runner.tokens[0])));
    runner.sandbox.write("tree/1.env", format!("TOKEN={} # stanch:allow\n", runner.tokens[1]));
    let ran = runner.scan();
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("2 tokens of an earlier run taken out"), "{}", ran.stderr);
    assert!(ran.stderr.contains("1 token of an earlier run delivered"), "{}", ran.stderr);
    assert_eq!(runner.spooled(), 0);
    runner.intake.assert_took(&runner.tokens[2..]);
}

#[test]
fn what_is_suppressed_by_hash_or_this_machines_own_leaves_with_no_run() {
    for arguments in [&["resume"][..], &["scan", "clean", "--revoke", "--yes"]] {
        let runner = spooling(19, 3);
        runner.sandbox.write(
            "user.toml",
            format!(
                "[[allowlists]]\ndescription = \"known\"\nsha256 = [\"{}\"]\n",
                sha256(&runner.tokens[0])
            ),
        );
        let mut command = runner.command(arguments);
        command.args(["--config", "user.toml"]).env("GH_TOKEN", &runner.tokens[1]);
        let ran = Ran::from(command.output().expect("it starts"));
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        assert!(ran.stderr.contains("2 tokens of an earlier run taken out"), "{}", ran.stderr);
        assert_eq!(runner.spooled(), 0);
        runner.intake.assert_took(&runner.tokens[2..]);
    }
}

#[test]
fn the_cap_counts_what_waits_on_this_machine() {
    let runner = spooling(20, 3);
    for arguments in [
        &["scan", "clean", "--revoke", "--yes", "--max-revoke", "2"][..],
        &["scan", "tree", "--revoke", "--yes", "--max-revoke", "2"],
        &["resume", "--max-revoke", "2"],
    ] {
        let ran = runner.run(arguments);
        assert!([2, 3].contains(&ran.code), "{arguments:?}: {} {}", ran.code, ran.stderr);
        assert!(ran.stderr.contains("--max-revoke allows 2"), "{arguments:?}: {}", ran.stderr);
        assert_eq!((runner.spooled(), runner.intake.lines().len()), (3, 0), "{arguments:?}");
    }
    // What is found again is no other token.
    let ran = runner.run(&["scan", "tree", "--revoke", "--yes", "--max-revoke", "3"]);
    assert!(ran.code == 3 && runner.spooled() == 0, "{}", ran.stderr);
    runner.intake.assert_took(&runner.tokens);
}

#[test]
fn who_delivers_ends_with_3_until_all_of_it_is_accepted() {
    let runner = spooling(21, 2);
    // Another runner has found them, too, and they are done.
    let resume = || {
        let ran = runner.run(&["resume"]);
        (ran.code, ran.stderr.contains("yet to send"))
    };
    assert_eq!(resume(), (3, true));
    for (settled, ends) in [(1, (3, true)), (2, (0, false))] {
        runner.intake.set_mood(Mood::KeyOnly);
        for token in &runner.tokens[..settled] {
            runner.intake.settle(token, "queued");
        }
        assert_eq!(runner.scan().code, 3);
        assert_eq!(runner.spooled(), 2);
        for token in &runner.tokens[..settled] {
            runner.intake.settle(token, "accepted");
        }
        runner.intake.set_mood(Mood::Willing);
        assert_eq!(resume(), ends);
    }
}

#[test]
fn without_a_known_key_nothing_is_kept_and_nothing_pretended() {
    let runner = Runner::new(5, 1);
    runner.intake.set_mood(Mood::Away);
    let ran = runner.scan();
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("cannot be reached") && ran.stderr.contains("--seal-to"), "{}", ran.stderr);
    assert_eq!(runner.spooled(), 0);
    // The report is written all the same.
    assert_eq!(state(&report(&ran), &runner.tokens[0]), &Value::Null);
}

#[test]
fn a_pinned_key_seals_while_the_intake_is_away_and_another_one_is_refused() {
    let runner = Runner::new(6, 2);
    runner.sandbox.write("pin.pub", runner.intake.public_key());
    runner.intake.set_mood(Mood::Away);
    let pinned = ["scan", "tree", "--revoke", "--yes", "--seal-to", "pin.pub"];
    let ran = runner.run(&pinned);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_eq!(runner.spooled(), 2);
    runner.intake.set_mood(Mood::Willing);
    runner.sandbox.write("pin.pub", Intake::new(&[]).public_key());
    let ran = runner.run(&pinned);
    // The two that wait on this machine still wait.
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("--seal-to names"), "{}", ran.stderr);
    assert_eq!((runner.spooled(), runner.intake.lines().len()), (2, 0));
    runner.sandbox.write("pin.pub", runner.intake.public_key());
    assert_eq!(runner.run(&["resume", "--seal-to", "pin.pub"]).code, 3);
    runner.intake.assert_took(&runner.tokens);
}

#[test]
fn who_has_no_token_or_a_wrong_one_is_told_before_anything_is_scanned() {
    let runner = Runner::new(7, 1);
    for (token, word) in
        [(None, "STANCH_INTAKE_TOKEN"), (Some("some-other-token-of-nobody"), "no bearer token")]
    {
        let mut command = runner.command(&["scan", "tree", "--revoke", "--yes"]);
        match token {
            Some(token) => command.env("STANCH_INTAKE_TOKEN", token),
            None => command.env_remove("STANCH_INTAKE_TOKEN"),
        };
        let ran = Ran::from(command.output().expect("it starts"));
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains(word), "{}", ran.stderr);
        assert!(!ran.stderr.contains("some-other-token"), "{}", ran.stderr);
    }
    assert_eq!(runner.intake.lines().len(), 0);
}

#[test]
fn what_is_no_intake_is_no_ledger() {
    let runner = Runner::new(8, 1);
    let elsewhere = Intake::new(&[GITHUB]);
    let moved = format!("HTTP/1.1 307 Moved\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", elsewhere.url());
    let page = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>".to_owned();
    for answer in [moved, page] {
        runner.intake.set_mood(Mood::Answers(answer));
        let ran = runner.scan();
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains("is no intake"), "{}", ran.stderr);
    }
    assert_eq!(elsewhere.requests().len(), 0, "a redirect was followed");
    for answer in [
        "HTTP/1.1 202 Accepted\r\nContent-Length: 99\r\n\r\n{\"acc",
        "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}",
    ] {
        runner.intake.set_mood(Mood::AnswersTokens(answer.to_owned()));
        let ran = runner.scan();
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        // Whether it took it is not known: so it is handed over again.
        assert_eq!(runner.spooled(), 1, "{}", ran.stderr);
        runner.intake.set_mood(Mood::Willing);
        assert_eq!((runner.run(&["resume"]).code, runner.spooled()), (3, 0));
    }
    runner.intake.assert_took(&runner.tokens);
}

#[test]
fn a_host_without_a_queue_is_named_with_those_that_have_one() {
    let runner = Runner::new(9, 1);
    let ran = runner.run(&["scan", "tree", "--revoke", "--yes", "--host", "ghes.example"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("no queue for https://ghes.example/api/v3"), "{}", ran.stderr);
    assert!(ran.stderr.contains(GITHUB), "{}", ran.stderr);
}

#[test]
fn what_is_done_where_the_ledger_is_is_not_pretended_here() {
    let runner = Runner::new(10, 1);
    for arguments in
        [&["queue", "list"][..], &["audit"], &["queue", "withdraw", "--all", "--yes"], &["ledger", "check"]]
    {
        let ran = runner.run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("is an intake"), "{arguments:?}: {}", ran.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_kill_at_any_point_loses_nothing_and_doubles_nothing() {
    let runner = Runner::new(11, 3);
    // The intake has them, and the runner dies before it knows.
    runner.intake.set_mood(Mood::TakesInSilence);
    let mut scan = runner.command(&["scan", "tree", "--revoke", "--yes"]).spawn().expect("it starts");
    runner.intake.wait_for_posts(1);
    scan.kill().expect("killed");
    scan.wait().expect("gone");
    // They are spooled, and who delivers them dies before it knows.
    runner.intake.set_mood(Mood::KeyOnly);
    assert_eq!(runner.scan().code, 3);
    assert_eq!(runner.spooled(), 3);
    runner.intake.set_mood(Mood::TakesInSilence);
    let posts = runner.intake.requests().iter().filter(|request| request.method == "POST").count();
    let mut resume = runner.command(&["resume"]).spawn().expect("it starts");
    runner.intake.wait_for_posts(posts + 1);
    resume.kill().expect("killed");
    resume.wait().expect("gone");
    assert_eq!(runner.spooled(), 3, "nobody has said that they are taken");
    runner.intake.set_mood(Mood::Willing);
    let ran = runner.run(&["resume"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("3 tokens of an earlier run delivered"), "{}", ran.stderr);
    assert_eq!(runner.spooled(), 0);
    runner.intake.assert_took(&runner.tokens);
}

#[test]
fn two_that_deliver_at_once_lose_nothing() {
    let runner = Runner::new(12, 3);
    assert_eq!(runner.run(&["scan", "tree/0.env", "--revoke", "--yes"]).code, 3);
    runner.intake.set_mood(Mood::KeyOnly);
    assert_eq!(runner.scan().code, 3);
    runner.intake.set_mood(Mood::Willing);
    let spawn = || runner.command(&["resume"]).spawn().expect("it starts");
    let mut running = [spawn(), spawn(), spawn()];
    for child in &mut running {
        // Whoever came late may say that another one is at it.
        let code = child.wait().expect("it ends").code();
        assert!(matches!(code, Some(0 | 3)), "{code:?}");
    }
    assert_eq!(runner.spooled(), 0);
    runner.intake.assert_took(&runner.tokens);
}

#[test]
fn what_the_intake_will_not_take_any_more_is_told_once_and_kept_apart() {
    let runner = Runner::new(17, 2);
    assert_eq!(runner.run(&["scan", "tree/0.env", "--revoke", "--yes"]).code, 3);
    runner.intake.set_mood(Mood::KeyOnly);
    assert_eq!(runner.scan().code, 3);
    let refusal =
        r#"{"accepted": 1, "known": 0, "refused": [{"line": 2, "reason": "sealed to a key of last year"}]}"#;
    let answer = format!("HTTP/1.1 202 Accepted\r\nContent-Length: {}\r\n\r\n{refusal}", refusal.len());
    runner.intake.set_mood(Mood::AnswersTokens(answer));
    runner.sandbox.write("clean/a.txt", "nothing");
    let ran = runner.run(&["scan", "clean", "--revoke", "--yes"]);
    // A token remains, and nobody would learn of it otherwise.
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("sealed to a key of last year"), "{}", ran.stderr);
    assert_eq!(runner.spooled(), 0);
    let status = runner.run(&["status"]);
    assert!(status.stdout.contains("not taken    1 token"), "{}", status.stdout);
    assert_eq!(runner.run(&["scan", "clean", "--revoke", "--yes"]).code, 0);
}

#[test]
fn a_report_is_written_whatever_the_intake_does_afterwards() {
    let runner = Runner::new(13, 1);
    assert_eq!(runner.scan().code, 3);
    runner.intake.settle(&runner.tokens[0], "gibberish");
    let ran = runner.scan();
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_eq!(state(&report(&ran), &runner.tokens[0]), &Value::Null);
    assert!(ran.stderr.contains("what became of 1 token is not in the report"), "{}", ran.stderr);
}

#[test]
fn a_runner_that_may_not_ask_is_told_so_and_not_that_it_was_denied() {
    let runner = Runner::new(22, 2);
    for _ in 0..2 {
        let mut command = runner.command(&["scan", "tree", "--revoke", "--yes", "-f", "json"]);
        let ran = Ran::from(command.env("STANCH_INTAKE_TOKEN", ENQUEUING).output().expect("it starts"));
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        let told = ran.stderr.lines().filter(|line| line.contains("cannot be asked")).collect::<Vec<_>>();
        assert!(told.len() == 1 && told[0].contains("enqueue,read"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("403") && !ran.stderr.contains("right role"), "{}", ran.stderr);
        for token in &runner.tokens {
            runner.intake.settle(token, "accepted");
        }
    }
    runner.intake.assert_took(&runner.tokens);
}

#[test]
fn what_is_held_back_is_handed_to_nobody_and_told() {
    let runner = Runner::new(14, 1);
    let wrong = Mint::new(77).stateless();
    runner.sandbox.write("tree/likely.env", format!("T={wrong}\n"));
    let ran = runner.scan();
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_eq!(state(&report(&ran), &wrong), "held");
    assert!(ran.stderr.contains("held back"), "{}", ran.stderr);
    runner.intake.assert_took(&runner.tokens);
}

#[test]
fn a_ledger_of_ones_own_can_be_filled_by_one_run_and_drained_by_another() {
    let mut fixture = Fixture::new(15);
    let tokens: Vec<String> = (0..3).map(|_| fixture.mint.token(Kind::Pat)).collect();
    fixture.sandbox.write("tree/a.env", tokens.join("\n"));
    let dry = fixture.run(&["scan", "tree", "--revoke", "--dry-run", "--enqueue-only"]);
    assert!(dry.stderr.contains("would be queued") && !fixture.ledger().exists(), "{}", dry.stderr);
    let (code, queued) = fixture.json(&["scan", "tree", "--revoke", "--yes", "--enqueue-only"]);
    assert_eq!(code, 3);
    assert!(tokens.iter().all(|token| state(&queued, token) == "queued"));
    assert_eq!(fixture.github.requests().len(), 0, "a run that only queues sent something");
    // What waits is not announced again by a run that does not send it, and is under no cap of it.
    let other = fixture.mint.token(Kind::Pat);
    fixture.sandbox.write("other/b.env", &other);
    let ran = fixture.run(&["scan", "other", "--revoke", "--yes", "--enqueue-only", "--max-revoke", "1"]);
    assert!(ran.stderr.contains("1 token for"), "{}", ran.stderr);
    assert!(ran.stderr.contains("4 tokens wait for"), "{}", ran.stderr);
    let refused = fixture.run(&["resume", "--enqueue-only"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert_eq!(fixture.run(&["resume"]).code, 0);
    assert_eq!(fixture.github.accepted().len(), 4);
    let (code, done) = fixture.json(&["scan", "tree", "--revoke", "--yes", "--enqueue-only"]);
    assert_eq!((code, state(&done, &tokens[0])), (1, &Value::from("accepted")));
}

/// A door with TLS in front of an intake, and the certificate that vouches for it.
struct TlsDoor {
    url: String,
    ca: String,
}

impl TlsDoor {
    fn new(intake: &Intake) -> Self {
        let key = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        let certificate = certificate.self_signed(&key).expect("signed");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .expect("a certificate");
        let (config, ca) = (Arc::new(config), certificate.pem());
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let url = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
        let behind = intake.url().trim_start_matches("http://").to_owned();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tls = ServerConnection::new(Arc::clone(&config)).expect("a connection");
                // A client that does not believe us goes away in the handshake.
                let _ = pass_on(&mut StreamOwned::new(tls, stream), &behind);
            }
        });
        TlsDoor { url, ca }
    }
}

/// One request in, its answer out.
fn pass_on(outside: &mut (impl Read + Write), behind: &str) -> std::io::Result<()> {
    let mut inside = TcpStream::connect(behind)?;
    let (mut request, mut piece) = (Vec::new(), [0; 16 * 1024]);
    let is_whole = |request: &[u8]| {
        let text = String::from_utf8_lossy(request).to_ascii_lowercase();
        let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
        text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.len() >= length.unwrap_or(0))
    };
    while !is_whole(&request) {
        let read = outside.read(&mut piece)?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&piece[..read]);
    }
    inside.write_all(&request)?;
    let mut answer = Vec::new();
    inside.read_to_end(&mut answer)?;
    outside.write_all(&answer)
}

#[test]
fn an_intake_behind_tls_is_believed_where_its_certificate_is() {
    let runner = Runner::new(16, 1);
    let door = TlsDoor::new(&runner.intake);
    runner.sandbox.write("ca.pem", &door.ca);
    let scan = |ca_cert: &[&str]| {
        let mut command = runner.sandbox.command(&["scan", "tree", "--revoke", "--yes"]);
        command.args(["--ledger", &door.url]).args(ca_cert).env("STANCH_INTAKE_TOKEN", BEARER);
        Ran::from(command.output().expect("it starts"))
    };
    let stranger = scan(&[]);
    assert_eq!(stranger.code, 3, "{}", stranger.stderr);
    assert!(stranger.stderr.contains("certificate"), "{}", stranger.stderr);
    assert_eq!(runner.intake.requests().len(), 0, "something was asked of a stranger");
    let believed = scan(&["--ca-cert", "ca.pem"]);
    assert_eq!(believed.code, 3, "{}", believed.stderr);
    assert!(
        believed.stderr.contains("1 token for github.com queued in https://localhost"),
        "{}",
        believed.stderr
    );
    runner.intake.assert_took(&runner.tokens);
}
