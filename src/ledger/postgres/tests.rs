//! What is particular to a database: the stories that all ledgers share are in `model_test`.

use std::path::Path;

use super::*;
use crate::finding::Confidence;
use crate::ledger::address::{LedgerAccess, PostgresAddress};
use crate::ledger::pg_server::{self, Database};
use crate::ledger::{BatchOutcome, Payload, Selection, decision};
use crate::revocation::RateLimit;
use crate::token::Kind;

type TestResult = Result<(), Box<dyn std::error::Error>>;

const HOST: &str = "https://api.example.test";

fn address(database: &Database, home: &Path) -> PostgresAddress {
    let access = LedgerAccess { state_dir: Some(home.into()), ..LedgerAccess::default() };
    PostgresAddress { url: database.url(), access }
}

fn entry(number: u32) -> Entry {
    let fingerprint = Fingerprint::of(&number.to_be_bytes());
    Entry {
        fingerprint,
        kind: Kind::pat(),
        confidence: Confidence::Certain,
        state: State::Queued,
        location: format!("file {number}"),
        sealed: fingerprint.0[..20].to_vec(),
    }
}

fn request(kinds: &[Kind]) -> BatchRequest<'_> {
    BatchRequest {
        host: HOST,
        identity: "anonymous",
        max_batch: 1000,
        per_hour: 60,
        min_interval: Duration::ZERO,
        lease: Duration::from_mins(2),
        payload: Payload::Batch(kinds),
    }
}

#[test]
fn what_is_queued_is_sent_and_settled() -> TestResult {
    let Some(server) = pg_server::shared() else { return Ok(()) };
    let (home, database) = (tempfile::tempdir()?, server.empty());
    let address = address(&database, home.path());
    assert!(matches!(PostgresLedger::open(&address), Err(LedgerError::NotPrepared { .. })));
    assert_eq!(PostgresLedger::init(&address, None)?.found, None);
    assert_eq!(PostgresLedger::init(&address, None)?.found, Some(1));
    let mut ledger = PostgresLedger::open(&address)?;
    let now = &jiff::Timestamp::now;
    let mut entries = (0..1500).map(entry);
    assert_eq!(ledger.enqueue(HOST, &decision(), &mut entries, now)?.queued, 1500);
    assert_eq!(ledger.enqueue(HOST, &decision(), &mut (0..3).map(entry), now)?.waiting, 3);
    let kinds = [Kind::pat()];
    let Next::Send(intent) = ledger.intend(&request(&kinds), now)? else {
        return Err("nothing to send".into());
    };
    assert_eq!(intent.tokens.len(), 1000);
    let mut other = PostgresLedger::open(&address)?;
    assert!(matches!(other.intend(&request(&kinds), now)?, Next::Later { .. }));
    let settlement = Settlement {
        outcome: BatchOutcome::Accepted,
        verdict: "accepted".into(),
        status: Some(202),
        request_id: Some("A:1".into()),
        message: String::new(),
        rate_limit: RateLimit::default(),
        hold: None,
    };
    assert_eq!(ledger.settle(intent.batch, &settlement, now)?.accepted, 1000);
    let Next::Send(intent) = other.intend(&request(&kinds), now)? else {
        return Err("nothing to send".into());
    };
    assert_eq!(intent.tokens.len(), 500);
    let status =
        ledger.host_status(&StatusRequest { host: HOST, identity: "anonymous", per_hour: 60 }, now)?;
    assert_eq!((status.accepted, status.sent, status.queued, status.requests_last_hour), (1000, 500, 0, 2));
    let verified = crate::ledger::verify(&ledger)?;
    assert_eq!(verified.heads.len(), 2);
    assert_eq!(ledger.check().problems, Vec::<String>::new());
    Ok(())
}

/// The ledger in a database, as its owner has it, with three tokens that wait.
fn with_three_waiting(database: &Database, home: &Path) -> Result<PostgresLedger, LedgerError> {
    let owners = address(database, home);
    PostgresLedger::init(&owners, None)?;
    let mut owner = PostgresLedger::open(&owners)?;
    owner.enqueue(HOST, &decision(), &mut (0..3).map(entry), &jiff::Timestamp::now)?;
    Ok(owner)
}

/// A login that only queues.
fn enqueuer(database: &Database, home: &Path) -> PostgresAddress {
    let name = format!("ci_{}", database.name());
    database.execute(&format!("CREATE ROLE {name} LOGIN IN ROLE stanch_enqueue"));
    let url = database.server().socket_url(&name, database.name());
    PostgresAddress { url, ..address(database, home) }
}

#[test]
fn who_only_queues_brings_back_what_was_set_aside() -> TestResult {
    let Some(server) = pg_server::shared() else { return Ok(()) };
    let (home, database) = (tempfile::tempdir()?, server.empty());
    let mut owner = with_three_waiting(&database, home.path())?;
    let now = &jiff::Timestamp::now;
    let tokens: Vec<_> = (0..3).map(|number| entry(number).fingerprint).collect();
    let runners = enqueuer(&database, home.path());
    for state in [State::Held, State::Own, State::Withdrawn] {
        let selection = Selection::Tokens(&tokens);
        owner.change_state(&StateChange { host: HOST, selection, state, reason: "test" }, now)?;
        let mut runner = PostgresLedger::open(&runners)?;
        let queued = runner.enqueue(HOST, &decision(), &mut (0..4).map(entry), now)?.queued;
        // The fourth is new the first time.
        assert_eq!(queued, 3 + u64::from(state == State::Held), "{state}");
    }
    assert_eq!(owner.count(HOST, State::Queued)?, 4);
    assert_eq!(owner.check().problems, Vec::<String>::new());
    Ok(())
}

#[test]
fn who_only_queues_harms_nothing_that_waits() -> TestResult {
    let Some(server) = pg_server::shared() else { return Ok(()) };
    let (home, database) = (tempfile::tempdir()?, server.empty());
    let owner = with_three_waiting(&database, home.path())?;
    let now = &jiff::Timestamp::now;
    let address = enqueuer(&database, home.path());
    PostgresLedger::open(&address)?.enqueue(HOST, &decision(), &mut (3..5).map(entry), now)?;
    let mut client = postgres::Client::connect(&address.url, postgres::NoTls)?;
    for sql in [
        "UPDATE stanch.token SET sealed = NULL",
        "UPDATE stanch.token SET sealed = '\\x00' WHERE state = 'queued'",
        "UPDATE stanch.token SET rank = 1",
        "UPDATE stanch.token SET state = 'accepted'",
        "INSERT INTO stanch.token (host, created_at, at, rank, sha256, kind, confidence, state, location)
            VALUES (1, 0, 0, 0, sha256('x'), 'github-pat', 'certain', 'accepted', 'x')",
        "INSERT INTO stanch.audit SELECT id, seq + 1, '{}' FROM stanch.writer ORDER BY id LIMIT 1",
        "INSERT INTO stanch.audit SELECT id, 99, '{}' FROM stanch.writer ORDER BY id DESC LIMIT 1",
        "UPDATE stanch.writer SET seq = 0",
        "DELETE FROM stanch.token",
        "SELECT sealed FROM stanch.token",
    ] {
        let refused = client.batch_execute(sql).expect_err(sql);
        assert_eq!(refused.code().map(postgres::error::SqlState::code), Some("42501"), "{sql}: {refused}");
    }
    assert_eq!(owner.count(HOST, State::Queued)?, 5);
    assert_eq!(owner.check().problems, Vec::<String>::new());
    Ok(())
}
