use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::finding::Confidence;
use crate::ledger::Ledger as _;
use crate::ledger::decision::testing::decision;
use crate::ledger::entry::{Entry, TokenRecord};
use crate::ledger::intent::{BatchRequest, Next, Payload};
use crate::ledger::settlement::{BatchOutcome, Settlement};
use crate::ledger::trail::verify;
use crate::revocation::{Grants, RateLimit};
use crate::token::{Kind, Token};

#[cfg(unix)]
mod postgres;

type TestResult = Result<(), Box<dyn std::error::Error>>;

const HOST: &str = "https://api.example.test";
const IDENTITY: &str = "anonymous@nat-1";

struct Machine {
    home: tempfile::TempDir,
    ledger: SqliteLedger,
}

impl Machine {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let home = tempfile::tempdir()?;
        let ledger = SqliteLedger::open(&home.path().join("ledger.db"))?;
        Ok(Machine { home, ledger })
    }

    fn queue(&mut self, numbers: std::ops::Range<u32>) -> TestResult {
        let sealer = self.ledger.sealer(HOST)?;
        let mut entries = Vec::new();
        for number in numbers {
            let token = token(number);
            entries.push(Entry {
                fingerprint: token.fingerprint(),
                kind: token.kind(),
                confidence: Confidence::Certain,
                state: State::Queued,
                location: format!("file-{number}"),
                sealed: sealer.seal(&token)?,
            });
        }
        self.ledger.enqueue(HOST, &decision(), &mut entries.into_iter(), &at)?;
        Ok(())
    }

    /// Takes a batch of so many.
    fn begin(&mut self, len: usize) -> Result<crate::ledger::BatchId, Box<dyn std::error::Error>> {
        let request = BatchRequest {
            host: HOST,
            identity: IDENTITY,
            max_batch: len,
            per_hour: 60,
            min_interval: Duration::ZERO,
            lease: Duration::from_mins(2),
            payload: Payload::Batch(&[Kind::pat()]),
        };
        match self.ledger.intend(&request, &at)? {
            Next::Send(intent) => Ok(intent.batch),
            _ => Err("nothing to send".into()),
        }
    }

    fn accept(&mut self, batch: crate::ledger::BatchId) -> TestResult {
        let settlement = Settlement {
            outcome: BatchOutcome::Accepted,
            verdict: "accepted".into(),
            status: Some(202),
            request_id: Some("AB:12".to_owned()),
            message: String::new(),
            rate_limit: RateLimit::default(),
            hold: None,
        };
        self.ledger.settle(batch, &settlement, &at)?;
        Ok(())
    }

    fn known(&self, number: u32) -> Result<TokenRecord, Box<dyn std::error::Error>> {
        let known = self.ledger.token(HOST, &token(number).fingerprint())?;
        known.ok_or_else(|| format!("token {number} is lost").into())
    }

    fn waiting(&self) -> Result<u64, LedgerError> {
        Ok(self.ledger.waiting(HOST)?.values().sum())
    }
}

fn at() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time")
}

fn token(number: u32) -> Token {
    Token::new(Kind::pat(), format!("a secret with the number {number}").as_bytes())
}

fn options(keep: bool) -> TransferOptions {
    TransferOptions { decision: decision(), keep }
}

/// Of five tokens one is accepted, one is dead, one is held, and two wait.
fn laptop() -> Result<Machine, Box<dyn std::error::Error>> {
    let mut laptop = Machine::new()?;
    laptop.queue(0..1)?;
    let batch = laptop.begin(1)?;
    laptop.accept(batch)?;
    laptop.queue(1..5)?;
    let grants = Grants { scopes: Some(vec!["repo".to_owned()]), expires_at: None };
    laptop.ledger.keep_grants(HOST, &[(token(3).fingerprint(), grants)], &at)?;
    for (number, state) in [(1, State::Dead), (2, State::Held)] {
        let selection = Selection::Tokens(&[token(number).fingerprint()]);
        laptop.ledger.change_state(&StateChange { host: HOST, selection, state, reason: "so it is" }, &at)?;
    }
    Ok(laptop)
}

#[test]
fn what_waits_goes_over_and_what_is_known_stays_known() -> TestResult {
    let (mut laptop, mut server) = (laptop()?, Machine::new()?);
    let head = laptop.ledger.head()?;
    let done = transfer(&mut laptop.ledger, &mut server.ledger, &options(false), &at)?;
    assert_eq!((done.tokens, done.taken_in, done.moved, done.in_flight), (5, 5, 2, 0), "{done:?}");
    let states = |machine: &Machine| {
        (0..5)
            .map(|number| Ok(machine.known(number)?.state))
            .collect::<Result<Vec<_>, Box<dyn std::error::Error>>>()
    };
    assert_eq!(states(&server)?, [State::Accepted, State::Dead, State::Held, State::Queued, State::Queued]);
    assert_eq!((laptop.waiting()?, server.waiting()?), (0, 2));
    let [first, fourth] = [server.known(0)?, server.known(3)?];
    assert_eq!((first.request_id.as_deref(), first.location.as_str()), (Some("AB:12"), "file-0"));
    assert_eq!(fourth.grants.and_then(|grants| grants.scopes_text()).as_deref(), Some("repo"));
    // Sealed for the target, and openable there.
    let due = server.ledger.waiting_page(HOST, 0, 10)?;
    let opener = server.ledger.opener(HOST)?;
    for waiting in &due {
        opener.open(waiting.token.kind, waiting.token.fingerprint, &waiting.token.sealed)?;
    }
    assert_eq!(due.len(), 2);
    verify(&server.ledger)?;
    verify(&laptop.ledger)?;
    let trail = server.ledger.trail("", 0, 100)?.concat();
    assert!(trail.contains(&head.to_string()), "the target does not name the source's head: {trail}");
    assert!(laptop.ledger.trail("", 0, 100)?.concat().contains("moved to the ledger"));
    assert!(server.ledger.check().problems.is_empty(), "{:?}", server.ledger.check());
    Ok(())
}

#[test]
fn requests_of_the_last_hour_count_in_the_target() -> TestResult {
    let (mut laptop, mut server) = (Machine::new()?, Machine::new()?);
    laptop.queue(0..70)?;
    for _ in 0..47 {
        let batch = laptop.begin(1)?;
        laptop.accept(batch)?;
    }
    server.queue(100..101)?;
    let batch = server.begin(1)?;
    server.accept(batch)?;
    for _ in 0..2 {
        let done = transfer(&mut laptop.ledger, &mut server.ledger, &options(false), &at)?;
        assert_eq!((done.requests, done.held), (47, 0), "{done:?}");
    }
    // A person lifts what a server asked for, and not what was counted.
    server.ledger.release(HOST, "me", &at)?;
    for _ in 48..60 {
        let batch = server.begin(1)?;
        server.accept(batch)?;
    }
    assert!(server.begin(1).is_err(), "a request left beside those of the source");
    assert!(server.ledger.check().problems.is_empty(), "{:?}", server.ledger.check());
    // What came from elsewhere goes on to the next one.
    let mut third = Machine::new()?;
    assert_eq!(transfer(&mut server.ledger, &mut third.ledger, &options(false), &at)?.requests, 60);
    assert!(third.begin(1).is_err());
    Ok(())
}

#[test]
fn what_a_server_asked_of_the_source_is_asked_of_the_target() -> TestResult {
    let (mut laptop, mut server) = (Machine::new()?, Machine::new()?);
    laptop.queue(0..1)?;
    laptop.ledger.hold(HOST, IDENTITY, Duration::from_mins(10), &at)?;
    let done = transfer(&mut laptop.ledger, &mut server.ledger, &options(false), &at)?;
    assert_eq!((done.requests, done.held), (0, 1), "{done:?}");
    assert!(server.begin(1).is_err(), "the server's word is forgotten");
    assert_eq!(server.ledger.release(HOST, "me", &at)?, 1);
    server.begin(1)?;
    Ok(())
}

#[test]
fn a_ledger_is_not_moved_to_itself() -> TestResult {
    let mut laptop = Machine::new()?;
    laptop.queue(0..2)?;
    let mut again = SqliteLedger::open(&laptop.home.path().join("ledger.db"))?;
    let moved = transfer(&mut laptop.ledger, &mut again, &options(false), &at);
    assert!(matches!(moved, Err(LedgerError::SameLedger { .. })), "{moved:?}");
    assert_eq!(laptop.waiting()?, 2);
    Ok(())
}

#[test]
fn a_second_run_changes_nothing_and_an_interrupted_one_goes_on() -> TestResult {
    let (mut laptop, mut server) = (laptop()?, Machine::new()?);
    // As if it had died after the target had committed, and before the source had.
    transfer(&mut laptop.ledger, &mut server.ledger, &options(true), &at)?;
    assert_eq!((laptop.waiting()?, server.waiting()?), (2, 2));
    let again = transfer(&mut laptop.ledger, &mut server.ledger, &options(false), &at)?;
    assert_eq!((again.taken_in, again.moved), (0, 2));
    let third = transfer(&mut laptop.ledger, &mut server.ledger, &options(false), &at)?;
    assert_eq!((third.taken_in, third.moved, server.waiting()?), (0, 0, 2), "{third:?}");
    // Back to where they came from.
    let back = transfer(&mut server.ledger, &mut laptop.ledger, &options(false), &at)?;
    assert_eq!((back.moved, laptop.waiting()?, server.waiting()?), (2, 2, 0), "{back:?}");
    Ok(())
}

#[test]
fn what_is_in_flight_is_sent_and_unanswered_until_the_source_says_more() -> TestResult {
    let (mut laptop, mut server) = (Machine::new()?, Machine::new()?);
    laptop.queue(0..2)?;
    let batch = laptop.begin(1)?;
    let path = laptop.home.path().join("ledger.db");
    let mut beside = SqliteLedger::open(&path)?;
    let done = transfer(&mut beside, &mut server.ledger, &options(false), &at)?;
    assert_eq!((done.moved, done.in_flight), (1, 1), "{done:?}");
    let in_flight = (0..2).find(|number| laptop.known(*number).is_ok_and(|known| known.state == State::Sent));
    let in_flight = in_flight.ok_or("nothing is in flight")?;
    assert_eq!((server.known(in_flight)?.state, server.waiting()?), (State::Sent, 2));
    laptop.accept(batch)?;
    transfer(&mut beside, &mut server.ledger, &options(false), &at)?;
    assert_eq!((server.known(in_flight)?.state, server.waiting()?), (State::Accepted, 1));
    Ok(())
}

#[test]
fn what_was_accepted_in_the_target_is_not_sent_again() -> TestResult {
    let (mut laptop, mut server) = (Machine::new()?, Machine::new()?);
    laptop.queue(0..3)?;
    server.queue(0..1)?;
    let batch = server.begin(1)?;
    server.accept(batch)?;
    transfer(&mut laptop.ledger, &mut server.ledger, &options(false), &at)?;
    assert_eq!((server.known(0)?.state, server.waiting()?, laptop.waiting()?), (State::Accepted, 2, 0));
    Ok(())
}

#[test]
fn what_cannot_be_opened_stays_where_it_is() -> TestResult {
    let (mut laptop, mut server) = (Machine::new()?, Machine::new()?);
    laptop.queue(0..2)?;
    let database = rusqlite::Connection::open(laptop.home.path().join("ledger.db"))?;
    database.execute("UPDATE sealed SET bytes = zeroblob(length(bytes)) WHERE token = 1", [])?;
    let done = transfer(&mut laptop.ledger, &mut server.ledger, &options(false), &at)?;
    assert_eq!((done.moved, done.unopenable), (1, 1), "{done:?}");
    assert_eq!((laptop.waiting()?, server.waiting()?), (1, 1));
    Ok(())
}
