//! What is in the file, and what is not.

mod damage;
mod flips;
mod handles;
mod moved;
mod outage;
#[cfg(unix)]
mod trust;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::finding::Confidence;
use crate::ledger::decision::testing::decision;
use crate::ledger::intent::{Intent, Payload};
use crate::ledger::settlement::BatchOutcome;
use crate::ledger::time::{Uptime, set_uptime};
use crate::ledger::{BrokenTrail, TrailError, export, verify};
use crate::revocation::{MAX_BATCH, RateLimit};
use crate::token::Token;

type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

const HOST: &str = "api.example.test";
static KINDS: LazyLock<[Kind; 1]> = LazyLock::new(|| [Kind::pat()]);

fn now() -> Timestamp {
    Timestamp::from_second(1_795_000_000).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn request() -> BatchRequest<'static> {
    BatchRequest {
        host: HOST,
        identity: "anonymous",
        max_batch: MAX_BATCH,
        per_hour: 60,
        min_interval: Duration::ZERO,
        lease: Duration::from_secs(90),
        payload: Payload::Batch(&*KINDS),
    }
}

const STATUS: StatusRequest<'_> = StatusRequest { host: HOST, identity: "anonymous", per_hour: 60 };

/// What follows a token's prefix.
fn body(number: u32) -> String {
    Fingerprint::of(&number.to_le_bytes()).hex().split_off(28)
}

fn token(number: u32) -> Token {
    Token::new(Kind::pat(), [Kind::pat().prefix(), &body(number)].concat().as_bytes())
}

fn entry(sealer: &Sealer, number: u32) -> Result<Entry, LedgerError> {
    let token = token(number);
    Ok(Entry {
        fingerprint: token.fingerprint(),
        kind: Kind::pat(),
        confidence: Confidence::Certain,
        state: State::Queued,
        location: format!("a/file:{number}"),
        sealed: sealer.seal(&token)?,
    })
}

fn fill(ledger: &mut SqliteLedger, numbers: std::ops::Range<u32>) -> Result<Enqueued, LedgerError> {
    let sealer = ledger.sealer(HOST)?;
    let entries: Vec<Entry> = numbers.map(|number| entry(&sealer, number)).collect::<Result<_, _>>()?;
    ledger.enqueue(HOST, &decision(), &mut entries.into_iter(), &now)
}

fn settlement(outcome: BatchOutcome) -> Settlement {
    Settlement {
        outcome,
        verdict: "accepted".into(),
        status: Some(202),
        request_id: Some("AAAA:1".into()),
        message: String::new(),
        rate_limit: RateLimit::default(),
        hold: None,
    }
}

fn next_intent(ledger: &mut SqliteLedger) -> TestResult<Intent> {
    match ledger.intend(&request(), &now)? {
        Next::Send(intent) => Ok(intent),
        other => Err(format!("{other:?}").into()),
    }
}

/// Whether any file in the ledger's directory holds these bytes.
fn is_on_disk(ledger: &Path, bytes: &[u8]) -> TestResult<bool> {
    let directory = ledger.parent().ok_or("no directory")?;
    for file in fs::read_dir(directory)? {
        let content = fs::read(file?.path())?;
        if content.windows(bytes.len()).any(|window| window == bytes) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[test]
fn a_token_waits_sealed_and_leaves_nothing_once_accepted() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("state/ledger.db");
    let mut ledger = SqliteLedger::open(&path)?;
    fill(&mut ledger, 0..1500)?;
    let plain: Vec<String> = (0..1500).map(body).collect();
    let intent = next_intent(&mut ledger)?;
    assert_eq!(intent.tokens.len(), 1000);
    let opener = ledger.opener(HOST)?;
    for token in &intent.tokens {
        let reopened = opener.open(token.kind, token.fingerprint, &token.sealed)?;
        assert_eq!(reopened.fingerprint(), token.fingerprint);
    }
    let sealed = |index: usize| &intent.tokens[index].sealed[..];
    assert!(
        is_on_disk(&path, sealed(0))? && is_on_disk(&path, sealed(999))?,
        "it must be there to be erased"
    );
    ledger.settle(intent.batch, &settlement(BatchOutcome::Accepted), &now)?;
    // While the ledger is still open, and after it was closed.
    for open in [true, false] {
        for index in [0, 1, 499, 998, 999] {
            assert!(!is_on_disk(&path, sealed(index))?, "sealed bytes were left, open: {open}");
            assert!(!is_on_disk(&path, &sealed(index)[12..40])?, "a part of them was left, open: {open}");
            assert!(!is_on_disk(&path, plain[index].as_bytes())?, "a token was written in the clear");
        }
        if open {
            let rest = next_intent(&mut ledger)?;
            assert_eq!(rest.tokens.len(), 500);
            ledger.settle(rest.batch, &settlement(BatchOutcome::Accepted), &now)?;
            assert!(!is_on_disk(&path, &rest.tokens[7].sealed)?);
            drop(SqliteLedger::open(&path)?);
        }
    }
    drop(ledger);
    let mut files: Vec<_> = fs::read_dir(home.path().join("state"))?
        .map(|file| file.map(|file| file.file_name()))
        .collect::<Result<_, _>>()?;
    files.sort();
    assert_eq!(files, ["ledger.db", "ledger.db.key"], "a file was left behind");
    Ok(())
}

#[test]
fn a_token_keeps_its_history() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let mut ledger = SqliteLedger::open(&path)?;
    fill(&mut ledger, 0..3)?;
    let one = token(1).fingerprint();
    let batch = next_intent(&mut ledger)?.batch;
    ledger.settle(
        batch,
        &Settlement { verdict: "trouble".into(), status: Some(502), ..settlement(BatchOutcome::Returned) },
        &now,
    )?;
    let batch = next_intent(&mut ledger)?.batch;
    ledger.settle(batch, &settlement(BatchOutcome::Accepted), &now)?;
    drop(ledger);
    let mut ledger = SqliteLedger::open(&path)?;
    let attempts = ledger.attempts(HOST, &one)?;
    let verdicts: Vec<_> =
        attempts.iter().map(|attempt| (attempt.verdict.as_str(), attempt.status)).collect();
    assert_eq!(verdicts, [("trouble", Some(502)), ("accepted", Some(202))]);
    let record = ledger.token(HOST, &one)?.ok_or("forgotten")?;
    assert_eq!(
        (record.state, record.request_id.as_deref(), record.location.as_str()),
        (State::Accepted, Some("AAAA:1"), "a/file:1")
    );
    assert_eq!(record.at, now());
    // Found again: not sent again. Another host has a history of its own.
    let again = fill(&mut ledger, 0..3)?;
    assert_eq!(again, Enqueued { done: 3, ..Enqueued::default() });
    assert_eq!(ledger.intend(&request(), &now)?, Next::Nothing);
    assert!(ledger.token("other.example.test", &one)?.is_none());
    // Many at once, in their order, unknown ones among them.
    let mut many = vec![token(999).fingerprint(); LOOKUP_LEN];
    many.push(one);
    let found = ledger.tokens(HOST, &many)?;
    assert_eq!((found.len(), found.iter().flatten().count()), (LOOKUP_LEN + 1, 1));
    assert_eq!(found.last(), Some(&ledger.token(HOST, &one)?));
    Ok(())
}

#[test]
fn the_trail_cannot_be_changed_and_a_change_around_it_is_found() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let mut ledger = SqliteLedger::open(&path)?;
    for number in 0..3 {
        fill(&mut ledger, number..number + 1)?;
        let batch = next_intent(&mut ledger)?.batch;
        ledger.settle(batch, &settlement(BatchOutcome::Accepted), &now)?;
    }
    let end = verify(&ledger)?;
    assert_eq!(end.heads, [ledger.head()?]);
    assert_eq!(end.records, 12);
    for sql in [
        "UPDATE audit SET line = '{}' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 12",
        "INSERT OR REPLACE INTO audit VALUES (3, '{}')",
        "INSERT INTO audit VALUES (99, '{}')",
    ] {
        let refused = ledger.db.execute(sql, []).map_err(|error| error.to_string());
        assert_eq!(refused, Err("the audit trail is append-only".into()), "{sql}");
    }
    // Somebody with a file editor: the hash chain shows it.
    ledger.db.execute_batch(
        "DROP TRIGGER audit_is_append_only_1; UPDATE audit SET line = replace(line, '\"tokens\":1', '\"tokens\":0') WHERE seq = 4;",
    )?;
    let broken = verify(&ledger);
    assert!(matches!(broken, Err(TrailError::Broken(BrokenTrail { seq: 4, .. }))), "{broken:?}");
    ledger.db.execute_batch("DROP TRIGGER audit_is_append_only_2; DELETE FROM audit WHERE seq >= 4;")?;
    assert!(matches!(verify(&ledger), Err(TrailError::Broken(broken)) if broken.seq == 4));
    Ok(())
}

#[test]
fn the_trail_names_fingerprints_and_no_token() -> TestResult {
    let home = tempfile::tempdir()?;
    let mut ledger = SqliteLedger::open(&home.path().join("ledger.db"))?;
    fill(&mut ledger, 0..1200)?;
    let batch = next_intent(&mut ledger)?.batch;
    ledger.settle(batch, &settlement(BatchOutcome::Accepted), &now)?;
    let mut lines = Vec::new();
    export(&ledger, |line| {
        lines.push(line.to_owned());
        Ok::<(), LedgerError>(())
    })?;
    let all = lines.join("\n");
    assert!(all.contains(&token(7).fingerprint().hex()));
    assert!(!all.contains(Kind::pat().prefix()));
    // The record of 1,200 tokens holds their digest, that of the batch its thousand fingerprints.
    assert!(lines[0].len() < 1000, "{} bytes", lines[0].len());
    assert!(lines[1].len() > 64_000);
    let events = ["enqueue", "intent", "answer", "erase"];
    for (line, event) in lines.iter().zip(events) {
        assert!(line.contains(&format!("\"event\":\"{event}\"")), "{event}");
    }
    Ok(())
}

/// Queries that scan a whole table would cost a second each once millions of tokens are known.
#[test]
fn counting_and_looking_up_scan_no_tables() -> TestResult {
    let home = tempfile::tempdir()?;
    let mut ledger = SqliteLedger::open(&home.path().join("ledger.db"))?;
    fill(&mut ledger, 0..10)?;
    let mut plans = Vec::new();
    for sql in read::QUERIES {
        let mut plan = ledger.db.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        let unbound = vec![rusqlite::types::Null; plan.parameter_count()];
        let steps = plan.query_map(rusqlite::params_from_iter(unbound), |row| row.get::<_, String>(3))?;
        plans.extend(steps.collect::<Result<Vec<_>, _>>()?);
    }
    assert!(plans.len() >= read::QUERIES.len());
    assert!(plans.iter().all(|step| !step.starts_with("SCAN")), "{plans:#?}");
    Ok(())
}

#[test]
fn many_are_counted_as_few_are() -> TestResult {
    let home = tempfile::tempdir()?;
    let mut ledger = SqliteLedger::open(&home.path().join("ledger.db"))?;
    fill(&mut ledger, 0..1500)?;
    next_intent(&mut ledger)?;
    assert_eq!(ledger.waiting(HOST)?, BTreeMap::from([(Kind::pat(), 1500)]), "in flight or not");
    Ok(())
}

/// Parsed and planned once for a million tokens, not once for each.
#[test]
fn many_lookups_prepare_their_statement_once() -> TestResult {
    let home = tempfile::tempdir()?;
    let mut ledger = SqliteLedger::open(&home.path().join("ledger.db"))?;
    fill(&mut ledger, 0..10)?;
    let tokens: Vec<Fingerprint> = (0..20).map(|number| token(number).fingerprint()).collect();
    assert_eq!(ledger.tokens(HOST, &tokens)?.iter().flatten().count(), 10);
    let statement = ledger.db.prepare_cached(read::TOKEN)?;
    assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
    Ok(())
}
