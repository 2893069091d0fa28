//! What is particular to a database: the stories that all ledgers share are in `model_test`.

use std::path::Path;

use super::*;
use crate::finding::Confidence;
use crate::ledger::address::{LedgerAccess, PostgresAddress};
use crate::ledger::pg_server::{self, Database};
use crate::ledger::{BatchOutcome, Payload, decision};
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
