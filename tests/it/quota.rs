//! The quota, across processes, crashes and hours.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::fixture::Fixture;
use crate::support::github::{Flavour, Script};
use crate::support::mint::Kind;

const SEND: [&str; 3] = ["scan", "--revoke", "--yes"];

#[test]
fn sixty_full_requests_an_hour_and_the_rest_the_next() {
    let mut fixture = Fixture::new(201);
    let tokens: Vec<String> = (0..61_500).map(|_| fixture.mint.token(Kind::Pat)).collect();
    fixture.sandbox.write("leak", tokens.join("\n"));
    let ran = fixture.run(&SEND);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("accepted 60,000 tokens in 60 requests"), "{}", ran.stderr);
    assert!(ran.stderr.contains("1,500 tokens still wait; next slot at "), "{}", ran.stderr);
    let requests = fixture.github.requests();
    assert_eq!(requests.len(), 60);
    assert!(requests.iter().all(|request| request.tokens().len() == 1000));
    let status = fixture.status();
    assert_eq!((&status["queued"], &status["accepted"]), (&1500.into(), &60_000.into()));
    assert_eq!((&status["requests_last_hour"], &status["limit"]), (&60.into(), &60.into()));
    assert!(status["next_slot"].is_string());
    assert_eq!(fixture.run(&["resume"]).code, 3);
    assert_eq!(fixture.github.requests().len(), 60);

    fixture.an_hour_passes();
    let ran = fixture.run(&["resume", "--dry-run"]);
    assert_eq!((ran.code, fixture.github.requests().len()), (3, 60), "{}", ran.stderr);
    let ran = fixture.run(&["resume", "--max-revoke", "1499"]);
    assert_eq!((ran.code, fixture.github.requests().len()), (3, 60), "{}", ran.stderr);
    let ran = fixture.run(&["resume"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let sizes: Vec<_> =
        fixture.github.requests()[60..].iter().map(|request| request.tokens().len()).collect();
    assert_eq!(sizes, [1000, 500]);
    let (accepted, wanted): (BTreeSet<_>, BTreeSet<_>) =
        (fixture.github.accepted().into_iter().collect(), tokens.iter().cloned().collect());
    assert_eq!(fixture.github.accepted().len(), 61_500);
    assert!(accepted == wanted);
    fixture.assert_forgotten(&tokens[61_450..]);
    fixture.trail();
}

#[test]
fn batches_are_filled_across_runs() {
    let mut fixture = Fixture::against(202, Script { quota: 1, ..Script::of(Flavour::DotCom) });
    for n in 0..3 {
        fixture
            .sandbox
            .write("f", (0..400).map(|_| fixture.mint.token(Kind::Pat) + "\n").collect::<String>());
        assert_eq!(fixture.run(&SEND).code, if n == 0 { 1 } else { 3 });
    }
    assert_eq!(fixture.status()["queued"], 800);
    fixture.an_hour_passes();
    assert_eq!(fixture.run(&["resume"]).code, 0);
    let sizes: Vec<_> = fixture.github.requests().iter().map(|request| request.tokens().len()).collect();
    assert_eq!(sizes.iter().filter(|size| **size > 0).copied().max(), Some(800), "{sizes:?}");
}

#[test]
fn eight_processes_send_every_token_exactly_once() {
    let mut fixture = Fixture::new(203);
    let mut wanted = BTreeSet::new();
    for n in 0..8 {
        let tokens: Vec<String> = (0..300).map(|_| fixture.mint.token(Kind::Pat)).collect();
        fixture.sandbox.write(&format!("dir{n}/leak"), tokens.join("\n"));
        wanted.extend(tokens);
    }
    let fixture = &fixture;
    let codes: Vec<_> = thread::scope(|scope| {
        let runs: Vec<_> = (0..8)
            .map(|n| scope.spawn(move || fixture.run(&[&SEND[..], &[&format!("dir{n}")]].concat())))
            .collect();
        runs.into_iter().map(|run| run.join().expect("a run")).map(|ran| (ran.code, ran.stderr)).collect()
    });
    // A run ends with 3 while anything waits, also what another has queued since it announced what it sends. Each sends as much
    // as it announced, so that whoever looks last sees nothing wait.
    for (code, stderr) in &codes {
        let meanwhile = stderr.contains("more was queued meanwhile");
        let waits = meanwhile || stderr.contains(" wait for http");
        assert!(matches!((code, waits), (1, false) | (3, true)), "{code}: {stderr}");
        assert!(meanwhile || !stderr.contains("still wait"), "a run left something of its own: {stderr}");
    }
    assert!(codes.iter().any(|(code, _)| *code == 1), "{codes:?}");
    assert_eq!(fixture.run(&["resume"]).code, 0, "something waits after all");
    let accepted = fixture.github.accepted();
    assert_eq!(accepted.len(), 2400, "a token was sent twice or not at all");
    assert!(accepted.into_iter().collect::<BTreeSet<_>>() == wanted);
    assert_eq!(fixture.status()["accepted"], 2400);
    assert_eq!(fixture.status()["requests_last_hour"], fixture.github.requests().len());
    fixture.trail();
}

/// How many processes are killed; `STANCH_KILLS` asks for more.
fn kills() -> usize {
    std::env::var("STANCH_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(25)
}

#[test]
fn kill_9_at_any_instant_loses_nothing() {
    // Of many short runs: within an hour they reach the quota, and do not exceed it.
    let mut fixture = Fixture::new(204);
    let mut wanted = BTreeSet::new();
    let mut hours = 0;
    let mut counted = 0;
    let check = |fixture: &Fixture, counted: &mut usize| {
        let requests = fixture.github.requests().len();
        assert!(requests - *counted <= 60, "{} requests in an hour", requests - *counted);
        *counted = requests;
    };
    // How long a run takes that is not killed: the kills are spread over half as much again.
    let first = fixture.mint.token(Kind::Pat);
    fixture.sandbox.write("leak", &first);
    let start = Instant::now();
    assert_eq!(fixture.run(&SEND).code, 1);
    let longest = u64::try_from(start.elapsed().as_micros() * 3 / 2).expect("a short time");
    wanted.insert(first);
    for n in 0..kills() {
        let tokens: Vec<String> = (0..60).map(|_| fixture.mint.token(Kind::Pat)).collect();
        fixture.sandbox.write("leak", tokens.join("\n"));
        let mut command = if n % 3 == 0 { fixture.command(&["resume"]) } else { fixture.command(&SEND) };
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        thread::sleep(Duration::from_micros(fixture.mint.number() % longest));
        let _ = child.kill();
        child.wait().expect("it ends");
        let status = fixture.status();
        if status["requests_last_hour"].as_u64() >= Some(55) {
            check(&fixture, &mut counted);
            fixture.an_hour_passes();
            hours += 1;
        }
        // Whatever was queued has to be sent.
        let recorded = states(&fixture);
        wanted.extend(tokens.into_iter().filter(|token| recorded.contains_key(&hash(token))));
    }
    check(&fixture, &mut counted);
    fixture.an_hour_passes();
    let ran = fixture.run(&["resume"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let accepted: BTreeSet<String> = fixture.github.accepted().into_iter().collect();
    assert!(accepted == wanted, "{} of {} arrived, after {hours} hours", accepted.len(), wanted.len());
    assert!(states(&fixture).values().all(|state| state == "accepted"));
    let sent: Vec<String> = wanted.into_iter().collect();
    fixture.assert_forgotten(&sent);
    let lost = fixture.trail().iter().filter(|record| record["event"] == "lost").count();
    println!(
        "{} killed, {lost} of them with a batch in flight, {} tokens, {hours} hours",
        kills(),
        sent.len()
    );
    let files = std::fs::read_dir(fixture.ledger().parent().expect("a directory")).expect("listed").count();
    assert!(files <= 2 + kills(), "{files} files");
}

fn hash(token: &str) -> Vec<u8> {
    stanch::token::Fingerprint::of(token.as_bytes()).0.to_vec()
}

/// Every token in the ledger, and its state.
fn states(fixture: &Fixture) -> BTreeMap<Vec<u8>, String> {
    if !fixture.ledger().exists() {
        return BTreeMap::new();
    }
    let database = fixture.database();
    let Ok(mut find) = database.prepare("SELECT sha256, state FROM token") else { return BTreeMap::new() };
    let rows = find.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

/// What the ledger holds where the wall clock was so many milliseconds behind the one that is right now.
#[cfg(target_os = "linux")]
fn clock_was_behind(fixture: &Fixture, ms: i64) {
    fixture
        .database()
        .execute_batch(&format!(
            "UPDATE batch SET at = at - {ms}, lease = lease - {ms}, slot_at = slot_at - {ms},
                slot_adjusted = slot_adjusted - {ms};
             UPDATE quota SET last_at = last_at - {ms}, last_adjusted = last_adjusted - {ms}, hold_at = hold_at - {ms},
                hold_adjusted = hold_adjusted - {ms}, server_at = server_at - {ms},
                server_adjusted = server_adjusted - {ms};"
        ))
        .expect("a ledger");
}

/// Two hours behind and then right; an hour ahead now; ahead then: the machine has run on.
#[cfg(target_os = "linux")]
#[test]
fn no_step_of_the_clock_frees_a_slot_while_the_machine_runs() {
    for behind in [7_200_000, 3_600_000, -600_000, -86_400_000] {
        let mut fixture = Fixture::against(215, Script { quota: 1, ..Script::of(Flavour::DotCom) });
        let tokens: Vec<String> = (0..2000).map(|_| fixture.mint.token(Kind::Pat)).collect();
        fixture.sandbox.write("leak", tokens.join("\n"));
        assert_eq!(fixture.run(&SEND).code, 3);
        let before = fixture.github.requests().len();
        let limited = fixture.status();
        clock_was_behind(&fixture, behind);
        let ran = fixture.run(&["resume"]);
        assert_eq!((ran.code, fixture.github.requests().len()), (3, before), "{behind}: {}", ran.stderr);
        let status = fixture.status();
        assert_eq!(status["requests_last_hour"], limited["requests_last_hour"], "{behind}");
        let until = |status: &serde_json::Value| {
            let at = status["next_slot"].as_str().expect("a wait").to_owned();
            at.parse::<jiff::Timestamp>().expect("a time").as_second()
        };
        // As soon as before, but for what the statements took.
        assert!((until(&status) - until(&limited)).abs() <= 60, "{behind}: {status} and {limited}");
        fixture.an_hour_passes();
        assert_eq!(fixture.run(&["resume"]).code, 0, "{behind}");
    }
}
