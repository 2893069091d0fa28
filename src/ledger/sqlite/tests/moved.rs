//! Sealed texts that were moved to where they do not belong.

use super::*;
use crate::ledger::OpenError;

const ELSEWHERE: &str = "https://elsewhere.example.test/api/v3";

/// Opens all sealed texts, with what opens a host's queue; in the order of their rows, whatever these say.
fn open_all(ledger: &SqliteLedger, host: &str) -> TestResult<Vec<Result<(), OpenError>>> {
    let opener = ledger.opener(host)?;
    let mut find = ledger.db.prepare(
        "SELECT sha256, kind, bytes FROM token JOIN sealed ON sealed.token = token.id ORDER BY token.id",
    )?;
    let rows =
        find.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, Vec<u8>>(2)?)))?;
    let mut results = Vec::new();
    for row in rows {
        let (fingerprint, kind, bytes) = row?;
        let kind = crate::rule::kind(&kind).ok_or("no such kind")?;
        results.push(opener.open(kind, Fingerprint(fingerprint), &bytes).map(drop));
    }
    Ok(results)
}

#[test]
fn a_queue_that_was_given_another_name_does_not_open() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let mut ledger = SqliteLedger::open(&path)?;
    fill(&mut ledger, 0..2)?;
    assert_eq!(open_all(&ledger, HOST)?, [Ok(()), Ok(())]);
    Connection::open(&path)?.execute("UPDATE host SET name = ?1", [ELSEWHERE])?;
    let changed = |number| Err(OpenError::Changed(token(number).fingerprint()));
    let mut opened = open_all(&ledger, ELSEWHERE)?;
    opened.sort_by_key(|result| *result == changed(1));
    assert_eq!(opened, [changed(0), changed(1)]);
    assert_eq!(ledger.unopenable()?, 2);
    Ok(())
}

#[test]
fn a_text_in_a_row_of_another_kind_does_not_open() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let mut ledger = SqliteLedger::open(&path)?;
    fill(&mut ledger, 0..1)?;
    let other = Kind::fine_grained_pat();
    Connection::open(&path)?.execute("UPDATE token SET kind = ?1", [other.rule_id()])?;
    assert_eq!(open_all(&ledger, HOST)?, [Err(OpenError::Changed(token(0).fingerprint()))]);
    // Nor is it taken for what was written.
    assert_eq!(ledger.due(HOST, &[other], Page { skip: 0, limit: 10 })?, []);
    Ok(())
}

#[test]
fn a_row_of_another_ledger_does_not_open_though_the_key_is_the_same() -> TestResult {
    let home = tempfile::tempdir()?;
    let (one, two) = (home.path().join("one.db"), home.path().join("two.db"));
    fill(&mut SqliteLedger::open(&one)?, 0..1)?;
    drop(SqliteLedger::open(&two)?);
    Connection::open(&two)?.execute("DELETE FROM meta WHERE name = 'key_id'", [])?;
    fs::copy(files::key_path(&one), files::key_path(&two))?;
    fill(&mut SqliteLedger::open(&two)?, 1..2)?;
    let db = Connection::open(&two)?;
    db.execute("ATTACH ?1 AS one", [one.to_string_lossy()])?;
    db.execute_batch(
        "UPDATE token SET sha256 = o.sha256, sha256_prefix = o.sha256_prefix FROM one.token AS o",
    )?;
    db.execute_batch("UPDATE sealed SET bytes = o.bytes FROM one.sealed AS o")?;
    drop(db);
    let ledger = SqliteLedger::open(&two)?;
    assert_eq!(open_all(&ledger, HOST)?, [Err(OpenError::Changed(token(0).fingerprint()))]);
    Ok(())
}

#[test]
fn a_copy_of_the_whole_ledger_opens() -> TestResult {
    let home = tempfile::tempdir()?;
    let ledger = {
        let mut ledger = SqliteLedger::open(&home.path().join("ledger.db"))?;
        fill(&mut ledger, 0..2)?;
        ledger
    };
    let copy = home.path().join("copy.db");
    ledger.copy(&copy)?;
    let mut copied = SqliteLedger::open(&copy)?;
    assert_eq!(open_all(&copied, HOST)?, [Ok(()), Ok(())]);
    // A new key changes the key id in the texts, and not the ledger's id.
    copied.rekey("me@here", &now)?;
    assert_eq!(open_all(&copied, HOST)?, [Ok(()), Ok(())]);
    let old = ledger.opener(HOST)?;
    for due in copied.due(HOST, &*KINDS, Page { skip: 0, limit: 10 })? {
        let opened = old.open(due.kind, due.fingerprint, &due.sealed).map(drop);
        assert_eq!(opened, Err(OpenError::OtherKey(due.fingerprint)));
    }
    Ok(())
}
