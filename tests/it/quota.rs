//! The quota, across processes, crashes and hours.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::front::Front;
use crate::support::github::{Flavour, Script};
use crate::support::mint::Kind;

const SEND: [&str; 3] = ["scan", "--revoke", "--yes"];

#[test]
fn sixty_full_requests_an_hour_and_the_rest_the_next() {
    let mut front = Front::new(201);
    let tokens: Vec<String> = (0..61_500).map(|_| front.mint.token(Kind::Pat)).collect();
    front.world.write("leak", tokens.join("\n"));
    let ran = front.run(&SEND);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("accepted 60,000 tokens in 60 requests"), "{}", ran.stderr);
    assert!(ran.stderr.contains("1,500 tokens still wait; next slot at "), "{}", ran.stderr);
    let seen = front.github.seen();
    assert_eq!(seen.len(), 60);
    assert!(seen.iter().all(|seen| seen.tokens().len() == 1000));
    let status = front.status();
    assert_eq!((&status["queued"], &status["accepted"]), (&1500.into(), &60_000.into()));
    assert_eq!((&status["requests_last_hour"], &status["limit"]), (&60.into(), &60.into()));
    assert!(status["next_slot"].is_string());
    assert_eq!(front.run(&["resume"]).code, 3);
    assert_eq!(front.github.seen().len(), 60);

    front.an_hour_passes();
    let ran = front.run(&["resume", "--dry-run"]);
    assert_eq!((ran.code, front.github.seen().len()), (3, 60), "{}", ran.stderr);
    let ran = front.run(&["resume", "--max-revoke", "1499"]);
    assert_eq!((ran.code, front.github.seen().len()), (2, 60), "{}", ran.stderr);
    let ran = front.run(&["resume"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let sizes: Vec<_> = front.github.seen()[60..].iter().map(|seen| seen.tokens().len()).collect();
    assert_eq!(sizes, [1000, 500]);
    let (accepted, wanted): (BTreeSet<_>, BTreeSet<_>) =
        (front.github.accepted().into_iter().collect(), tokens.iter().cloned().collect());
    assert_eq!(front.github.accepted().len(), 61_500);
    assert!(accepted == wanted);
    front.assert_forgotten(&tokens[61_450..]);
    front.trail();
}

#[test]
fn batches_are_filled_across_runs() {
    let mut front = Front::against(202, Script { quota: 1, ..Script::of(Flavour::DotCom) });
    for n in 0..3 {
        front.world.write("f", (0..400).map(|_| front.mint.token(Kind::Pat) + "\n").collect::<String>());
        assert_eq!(front.run(&SEND).code, if n == 0 { 1 } else { 3 });
    }
    assert_eq!(front.status()["queued"], 800);
    front.an_hour_passes();
    assert_eq!(front.run(&["resume"]).code, 0);
    let sizes: Vec<_> = front.github.seen().iter().map(|seen| seen.tokens().len()).collect();
    assert_eq!(sizes.iter().filter(|size| **size > 0).copied().max(), Some(800), "{sizes:?}");
}

#[test]
fn eight_processes_send_every_token_exactly_once() {
    let mut front = Front::new(203);
    let mut wanted = BTreeSet::new();
    for n in 0..8 {
        let tokens: Vec<String> = (0..300).map(|_| front.mint.token(Kind::Pat)).collect();
        front.world.write(&format!("dir{n}/leak"), tokens.join("\n"));
        wanted.extend(tokens);
    }
    let front = &front;
    let codes: Vec<_> = thread::scope(|scope| {
        let runs: Vec<_> = (0..8)
            .map(|n| scope.spawn(move || front.run(&[&SEND[..], &[&format!("dir{n}")]].concat())))
            .collect();
        runs.into_iter().map(|run| run.join().expect("a run")).map(|ran| (ran.code, ran.stderr)).collect()
    });
    for (code, said) in codes {
        assert_eq!(code, 1, "{said}");
    }
    let accepted = front.github.accepted();
    assert_eq!(accepted.len(), 2400, "a token was sent twice or not at all");
    assert!(accepted.into_iter().collect::<BTreeSet<_>>() == wanted);
    assert_eq!(front.status()["accepted"], 2400);
    assert_eq!(front.status()["requests_last_hour"], front.github.seen().len());
    front.trail();
}

/// How many processes are killed; `STANCH_KILLS` asks for more.
fn kills() -> usize {
    std::env::var("STANCH_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(25)
}

#[test]
fn kill_9_at_any_instant_loses_nothing() {
    // A quota large enough to go on, small enough to be met.
    let mut front = Front::new(204);
    let mut wanted = BTreeSet::new();
    let mut hours = 0;
    let mut met = 0;
    let check = |front: &Front, met: &mut usize| {
        let posts = front.github.seen().len();
        assert!(posts - *met <= 60, "{} requests in an hour", posts - *met);
        *met = posts;
    };
    // How long a run takes here that nobody kills: the instants are spread over that, and some more.
    let whole = front.mint.token(Kind::Pat);
    front.world.write("leak", &whole);
    let start = Instant::now();
    assert_eq!(front.run(&SEND).code, 1);
    let longest = u64::try_from(start.elapsed().as_micros() * 3 / 2).expect("a short time");
    wanted.insert(whole);
    for n in 0..kills() {
        let tokens: Vec<String> = (0..60).map(|_| front.mint.token(Kind::Pat)).collect();
        front.world.write("leak", tokens.join("\n"));
        let more = if n % 3 == 0 { "resume" } else { "scan" };
        let mut command = if more == "resume" { front.command(&["resume"]) } else { front.command(&SEND) };
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        thread::sleep(Duration::from_micros(front.mint.number() % longest));
        let _ = child.kill();
        child.wait().expect("it ends");
        let status = front.status();
        if status["requests_last_hour"].as_u64() >= Some(55) {
            check(&front, &mut met);
            front.an_hour_passes();
            hours += 1;
        }
        // Whatever was queued is owed from now on.
        let rows = queued(&front);
        wanted.extend(tokens.into_iter().filter(|token| rows.contains_key(&hash(token))));
    }
    check(&front, &mut met);
    front.an_hour_passes();
    let ran = front.run(&["resume"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let accepted: BTreeSet<String> = front.github.accepted().into_iter().collect();
    assert!(accepted == wanted, "{} of {} arrived, after {hours} hours", accepted.len(), wanted.len());
    assert!(queued(&front).values().all(|state| state == "accepted"));
    let sent: Vec<String> = wanted.into_iter().collect();
    front.assert_forgotten(&sent);
    let lost = front.trail().iter().filter(|record| record["event"] == "lost").count();
    println!("{} killed, {lost} of them with a batch in hand, {} tokens, {hours} hours", kills(), sent.len());
    let left = std::fs::read_dir(front.ledger().parent().expect("a folder")).expect("listed").count();
    assert!(left <= 2 + kills(), "{left} files");
}

fn hash(token: &str) -> Vec<u8> {
    stanch::token::Fingerprint::of(token.as_bytes()).0.to_vec()
}

/// Every token in the ledger, and its state.
fn queued(front: &Front) -> BTreeMap<Vec<u8>, String> {
    if !front.ledger().exists() {
        return BTreeMap::new();
    }
    let database = front.database();
    let Ok(mut find) = database.prepare("SELECT sha256, state FROM token") else { return BTreeMap::new() };
    let rows = find.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}
