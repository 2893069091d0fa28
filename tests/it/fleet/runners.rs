//! Many runners that leak at once, each a few tokens: through the database, through an intake that is killed at random, and, for
//! comparison, with a ledger for each.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use stanch::finding::Confidence;
use stanch::ledger::{self, Decision, LedgerAccess, LedgerAddress};
use stanch::revocation::State;
use stanch::revoke;

use super::crew::Crew;
use crate::support::cmd::Sandbox;
use crate::support::github::{Flavour, GitHub};
use crate::support::mint::{Kind, Mint};
use crate::support::postgres::{Options, own};

/// How many tokens each runner leaks.
const EACH: usize = 50;

/// How many runners are at work at once.
const AT_ONCE: usize = 16;

const BEARER: &str = "runners-token-0123456789";

const PATIENCE: Duration = Duration::from_mins(5);

fn leak(seed: u64, runner: usize) -> Vec<String> {
    let mut mint = Mint::new(seed * 1_000_000 + runner as u64);
    (0..EACH).map(|_| mint.token(Kind::Pat)).collect()
}

/// Lets so many runners hand over what they leak, a few at a time.
fn all_runners(runners: usize, hand_over: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let runner = next.fetch_add(1, Ordering::SeqCst);
                    if runner >= runners {
                        return;
                    }
                    hand_over(runner);
                }
            });
        }
    });
}

/// A runner with a connection to the database, and the public key alone.
fn through_the_database(crew: &Crew, tokens: &[String]) {
    let access = LedgerAccess { state_dir: Some(crew.sandbox.home().into()), ..LedgerAccess::default() };
    let address = LedgerAddress::parse(crew.direct().as_ref()).expect("an address").with_access(access);
    let mut ledger = ledger::open(&address).expect("a ledger");
    let host = crew.github.api_url();
    let sealer = ledger.sealer(&host).expect("a key");
    let decision = Decision {
        by: "runner@ci".to_owned(),
        run: "1".to_owned(),
        consent: "--yes".to_owned(),
        min_confidence: Confidence::Certain,
        allow_own: false,
    };
    let entries = tokens.iter().map(|token| {
        revoke::entry(&sealer, &Kind::Pat.secret(token), Confidence::Certain, State::Queued, "f:1")
    });
    revoke::enqueue(ledger.as_mut(), &host, &decision, entries, &Timestamp::now).expect("room for them");
}

/// A runner that knows the intake alone, and asks until it has the word for all of them.
fn through_the_intake(address: SocketAddr, tokens: &[String]) {
    let lines = tokens.iter().map(|token| json!({"token": token, "place": "f:1"}).to_string());
    let body = lines.collect::<Vec<_>>().join("\n");
    let patience = Instant::now() + PATIENCE;
    while post(address, &body) != Some(202) {
        assert!(Instant::now() < patience, "the intake is away for ever");
        thread::sleep(Duration::from_millis(50));
    }
}

/// The status of the answer, if there is one.
fn post(address: SocketAddr, body: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    let head = format!(
        "POST /v1/tokens HTTP/1.1\r\nHost: intake\r\nAuthorization: Bearer {BEARER}\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

fn serve(crew: &Crew, listen: SocketAddr) -> Child {
    let bearers = crew.sandbox.path().join("bearers");
    fs::write(&bearers, format!("{BEARER} enqueue runners\n")).expect("a file");
    fs::set_permissions(&bearers, fs::Permissions::from_mode(0o600)).expect("set");
    let (listen, bearers) = (listen.to_string(), bearers.display().to_string());
    let arguments = ["serve", "--listen", &listen, "--intake-tokens", &bearers, "--coalesce", "2"];
    crew.command(1, &arguments).spawn().expect("the program starts")
}

/// Waits until all is through; hours pass where they are full. Then the server ends when it is asked to.
fn drain(crew: &Crew, (mut serve, listens): (Child, SocketAddr)) {
    let patience = Instant::now() + PATIENCE;
    while crew.pending() > 0 {
        assert!(Instant::now() < patience, "{} tokens wait for ever", crew.pending());
        if crew.is_full() {
            crew.turn_the_hour();
        }
        thread::sleep(Duration::from_millis(200));
    }
    // One that has only just been started knows of no signal yet.
    while TcpStream::connect(listens).is_err() {
        assert!(Instant::now() < patience, "it never listened");
        thread::sleep(Duration::from_millis(50));
    }
    kill(Pid::from_raw(i32::try_from(serve.id()).expect("a process")), Signal::SIGTERM).expect("a signal");
    assert_eq!(serve.wait().expect("it ends").code(), Some(0), "it was asked to end");
}

fn a_free_port() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a port")
}

fn report(crew: &Crew, runners: usize, way: &str) {
    crew.judge();
    assert_eq!(crew.acknowledged(), runners * EACH);
    let bound = (runners * EACH).div_ceil(1000);
    println!("{runners} runners, {way}: {} requests, {bound} at the least", crew.requests());
}

fn runners_and_a_database(seed: u64, runners: usize) {
    let Some(server) = own(Options::default()) else { return };
    let crew = Crew::alone(seed, &server);
    let address = a_free_port();
    let serve = serve(&crew, address);
    all_runners(runners, |runner| {
        let tokens = leak(seed, runner);
        through_the_database(&crew, &tokens);
        crew.acknowledge(tokens);
    });
    drain(&crew, (serve, address));
    report(&crew, runners, "a database");
}

/// The intake, which drains as well, is killed again and again while they hand over.
fn runners_and_an_intake(seed: u64, runners: usize) {
    let Some(server) = own(Options::default()) else { return };
    let crew = Crew::alone(seed, &server);
    let address = a_free_port();
    let done = AtomicBool::new(false);
    let last = thread::scope(|scope| {
        let killer = scope.spawn(|| {
            let mut mint = Mint::new(seed);
            let (mut running, mut kills) = (serve(&crew, address), 0);
            while !done.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(700 + mint.number() % 1500));
                running.kill().and_then(|()| running.wait()).expect("it is killed");
                kills += 1;
                running = serve(&crew, address);
            }
            (running, kills)
        });
        all_runners(runners, |runner| {
            let tokens = leak(seed, runner);
            through_the_intake(address, &tokens);
            crew.acknowledge(tokens);
        });
        done.store(true, Ordering::SeqCst);
        let (running, kills) = killer.join().expect("no panic");
        assert!(kills > 0, "it was never killed");
        running
    });
    drain(&crew, (last, address));
    report(&crew, runners, "an intake");
}

/// Each has a ledger of its own, and counts for itself: the hour is full after sixty of them.
fn runners_by_themselves(seed: u64, runners: usize) {
    let github = GitHub::start(Flavour::DotCom);
    all_runners(runners, |runner| {
        let sandbox = Sandbox::new();
        sandbox.write("tree/f", leak(seed, runner).join("\n"));
        let url = github.api_url();
        let ran = sandbox.run(&["scan", "--revoke", "--yes", "--api-url", &url, "tree"]);
        assert!([1, 3].contains(&ran.code), "{}: {}", ran.code, ran.stderr);
    });
    let accepted = github.accepted().len();
    assert_eq!(accepted, runners.min(60) * EACH, "the quota of an hour");
    let requests = github.requests().iter().filter(|request| request.path == "/credentials/revoke").count();
    println!(
        "{runners} runners, a ledger each: {requests} requests, {accepted} of {} accepted in the hour",
        runners * EACH
    );
}

#[test]
fn what_runners_hand_to_a_database_is_accepted() {
    runners_and_a_database(97, 60);
}

#[test]
fn what_an_intake_that_is_killed_has_acknowledged_is_accepted() {
    runners_and_an_intake(98, 60);
}

/// A thousand runners, fifty thousand tokens.
#[test]
#[ignore = "takes minutes: cargo test --release --test it -- --ignored --nocapture --test-threads 1 a_thousand"]
fn a_thousand_runners_share_an_hour() {
    runners_and_a_database(97, 1000);
    runners_and_an_intake(98, 1000);
    runners_by_themselves(99, 1000);
}
