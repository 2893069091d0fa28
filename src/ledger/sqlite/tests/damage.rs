//! Ledgers that cannot be used: each has an error of its own, and nothing is sent.

use std::os::unix::fs::PermissionsExt as _;

use rusqlite::Connection;

use super::*;
use crate::ledger::FileError;

/// A ledger with two tokens in it, closed.
fn two_tokens(home: &Path) -> TestResult<PathBuf> {
    let path = home.join("ledger.db");
    fill(&mut SqliteLedger::open(&path)?, 0..2)?;
    Ok(path)
}

fn message(result: Result<SqliteLedger, LedgerError>) -> String {
    result.map_or_else(|error| error.to_string(), |_| "opened".into())
}

#[test]
fn no_ledger_is_none_and_none_is_created() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("none/ledger.db");
    assert!(SqliteLedger::open_existing(&path)?.is_none());
    assert!(!home.path().join("none").exists());
    // An empty file, as a run leaves it that died at once.
    fs::create_dir(home.path().join("none"))?;
    drop(crate::ledger::paths::create_new(&path)?);
    assert!(SqliteLedger::open_existing(&path)?.is_none());
    assert!(SqliteLedger::open(&path).is_ok());
    Ok(())
}

#[test]
fn a_locked_ledger_is_waited_for_and_then_reported() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = two_tokens(home.path())?;
    let mut ledger = SqliteLedger::open(&path)?;
    ledger.db.busy_timeout(Duration::from_millis(50))?;
    let other = Connection::open(&path)?;
    other.execute_batch("BEGIN EXCLUSIVE")?;
    assert!(matches!(ledger.intend(&request(), &now), Err(LedgerError::Locked { .. })));
    assert!(matches!(ledger.host_status(&STATUS, &now), Err(LedgerError::Locked { .. })));
    // Another's lock that ends in time is no error.
    ledger.db.busy_timeout(Duration::from_secs(30))?;
    let ender = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        other.execute_batch("COMMIT")
    });
    assert_eq!(next_intent(&mut ledger)?.tokens.len(), 2);
    ender.join().map_err(|_| "the other thread died")??;
    Ok(())
}

#[test]
fn bytes_that_are_no_ledger_are_reported() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    fs::write(&path, "this is a text of some length, and nothing like a database".repeat(20))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    assert!(matches!(SqliteLedger::open(&path), Err(LedgerError::Damaged { .. })));
    assert!(matches!(SqliteLedger::open_existing(&path), Err(LedgerError::Damaged { .. })));
    // A ledger whose pages were overwritten.
    fs::remove_file(&path)?;
    let path = two_tokens(home.path())?;
    let mut content = fs::read(&path)?;
    let page = 4096;
    content[page..].fill(0x5a);
    fs::write(&path, content)?;
    let error = SqliteLedger::open(&path).and_then(|mut ledger| ledger.intend(&request(), &now));
    assert!(matches!(error, Err(LedgerError::Damaged { .. })), "{error:?}");
    // Cut short.
    let path = home.path().join("short.db");
    fs::copy(
        two_tokens(&{
            let other = home.path().join("other");
            fs::create_dir(&other)?;
            other
        })?,
        &path,
    )?;
    fs::OpenOptions::new().write(true).open(&path)?.set_len(4096 * 3)?;
    let error = SqliteLedger::open(&path).and_then(|mut ledger| ledger.intend(&request(), &now));
    assert!(matches!(error, Err(LedgerError::Damaged { .. })), "{error:?}");
    Ok(())
}

#[test]
fn a_newer_schema_and_a_foreign_database_are_not_written_to() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = two_tokens(home.path())?;
    Connection::open(&path)?.pragma_update(None, "user_version", 2)?;
    let before = fs::read(&path)?;
    assert!(matches!(SqliteLedger::open(&path), Err(LedgerError::TooNew { found: 2, known: 1, .. })));
    assert!(message(SqliteLedger::open(&path)).contains("update stanch"));
    assert!(matches!(SqliteLedger::open_existing(&path), Err(LedgerError::TooNew { .. })));
    assert!(fs::read(&path)? == before, "a ledger that is too new was written to");

    let foreign = home.path().join("cookies.db");
    drop(crate::ledger::paths::create_new(&foreign)?);
    Connection::open(&foreign)?.execute_batch("CREATE TABLE cookies (name)")?;
    assert!(matches!(SqliteLedger::open(&foreign), Err(LedgerError::Foreign { .. })));
    Ok(())
}

#[test]
fn a_read_only_ledger_is_reported_when_something_must_be_written() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = two_tokens(home.path())?;
    let mut ledger = SqliteLedger::open(&path)?;
    // Root may write what permissions forbid, so the connection itself is set to write nothing.
    ledger.db.pragma_update(None, "query_only", "ON")?;
    assert!(matches!(ledger.intend(&request(), &now), Err(LedgerError::ReadOnly { .. })));
    assert_eq!(ledger.host_status(&STATUS, &now)?.queued, 2);
    Ok(())
}

#[test]
fn a_full_disk_stops_before_anything_is_sent_and_loses_nothing() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = two_tokens(home.path())?;
    let mut ledger = SqliteLedger::open(&path)?;
    fill(&mut ledger, 2..1002)?;
    let pages: i64 = ledger.db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    ledger.db.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    assert!(matches!(ledger.intend(&request(), &now), Err(LedgerError::Full { .. })));
    assert!(matches!(fill(&mut ledger, 5000..9000), Err(LedgerError::Full { .. })));
    let status = ledger.host_status(&STATUS, &now)?;
    assert_eq!((status.queued, status.sent, status.requests_last_hour), (1002, 0, 0));
    verify(&ledger)?;
    // Room again: everything goes on.
    ledger.db.pragma_update_and_check(None, "max_page_count", pages * 4, |_| Ok(()))?;
    let batch = next_intent(&mut ledger)?.batch;
    // Full when the answer comes: it is not half written down, and the batch goes out again.
    let pages: i64 = ledger.db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    ledger.db.execute_batch("CREATE TABLE ballast (bytes); INSERT INTO ballast SELECT zeroblob(100000)")?;
    ledger.db.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    let long = Settlement { message: "x".repeat(200_000), ..settlement(BatchOutcome::Accepted) };
    assert!(matches!(ledger.settle(batch, &long, &now), Err(LedgerError::Full { .. })));
    assert_eq!(ledger.host_status(&STATUS, &now)?.sent, 1000);
    ledger.db.pragma_update_and_check(None, "max_page_count", pages * 4, |_| Ok(()))?;
    let again = next_intent(&mut ledger)?;
    assert_ne!(again.batch, batch);
    assert_eq!(again.tokens.len(), 1000);
    verify(&ledger)?;
    Ok(())
}

#[test]
fn a_ledger_that_others_can_read_is_refused_with_the_remedy() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = two_tokens(home.path())?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    let remedy = format!("chmod 600 {}", path.canonicalize()?.display());
    assert!(message(SqliteLedger::open(&path)).contains(&remedy));
    assert!(matches!(
        SqliteLedger::open_existing(&path),
        Err(LedgerError::File(FileError::Exposed { mode: 0o644, .. }))
    ));
    Ok(())
}

#[test]
fn a_missing_or_wrong_key_is_reported() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = two_tokens(home.path())?;
    let key = files::key_path(&path);
    let right = fs::read(&key)?;
    fs::write(&key, [7; 32])?;
    assert!(matches!(SqliteLedger::open(&path), Err(LedgerError::KeyMismatch { .. })));
    fs::write(&key, &right[..31])?;
    assert!(matches!(SqliteLedger::open(&path), Err(LedgerError::KeyMissing { .. })));
    fs::remove_file(&key)?;
    assert!(matches!(SqliteLedger::open(&path), Err(LedgerError::KeyMissing { .. })));
    assert!(!key.exists(), "a new key would open nothing");
    // Status needs no key.
    let ledger = SqliteLedger::open_existing(&path)?.ok_or("no ledger")?;
    assert_eq!(ledger.host_status(&STATUS, &now)?.queued, 2);
    drop(ledger);
    fs::write(&key, &right)?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    let mut ledger = SqliteLedger::open(&path)?;
    let batch = next_intent(&mut ledger)?.batch;
    ledger.settle(batch, &settlement(BatchOutcome::Accepted), &now)?;
    drop(ledger);
    // Nothing is sealed any more: a lost key costs nothing.
    fs::remove_file(&key)?;
    let mut ledger = SqliteLedger::open(&path)?;
    assert_eq!(fill(&mut ledger, 0..3)?, Enqueued { queued: 1, done: 2, ..Enqueued::default() });
    Ok(())
}
