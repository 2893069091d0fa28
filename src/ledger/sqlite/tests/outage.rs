//! Answers that come in while the file cannot be written.

use super::*;

/// What makes a transaction fail, and what mends it.
type Fault = (&'static str, &'static str, fn(&LedgerError) -> bool);

const FAULTS: [Fault; 2] = [
    ("PRAGMA query_only = ON", "PRAGMA query_only = OFF", |error| {
        matches!(error, LedgerError::ReadOnly { .. })
    }),
    // No page more than there are.
    ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000", |error| {
        matches!(error, LedgerError::Full { .. })
    }),
];

/// An answer that needs pages of its own.
fn long() -> Settlement {
    Settlement { message: "x".repeat(200_000), ..settlement(BatchOutcome::Accepted) }
}

fn later() -> Timestamp {
    now() + Duration::from_mins(5)
}

#[test]
fn an_answer_is_taken_in_once_the_file_can_be_written() -> TestResult {
    for (fault, mend, expected) in FAULTS {
        let home = tempfile::tempdir()?;
        let mut ledger = SqliteLedger::open(&home.path().join("ledger.db"))?;
        fill(&mut ledger, 0..10)?;
        let batch = next_intent(&mut ledger)?.batch;
        ledger.keep_answer(batch, &long(), &now)?;
        ledger.db.execute_batch(fault)?;
        for _ in 0..3 {
            let failed = ledger.settle(batch, &long(), &now).err().ok_or("it was written")?;
            assert!(expected(&failed) && failed.may_pass(), "{failed}");
        }
        ledger.db.execute_batch(mend)?;
        assert_eq!(ledger.settle(batch, &long(), &later)?.accepted, 10);
        // It may have been committed though it seemed to fail: the second time changes nothing.
        let head = ledger.head()?;
        assert_eq!(ledger.settle(batch, &long(), &later)?.accepted, 10);
        assert_eq!(ledger.head()?, head);
        let record = ledger.token(HOST, &token(1).fingerprint())?.ok_or("forgotten")?;
        assert_eq!((record.state, record.at), (State::Accepted, now()), "accepted when the answer came");
        verify(&ledger)?;
    }
    Ok(())
}

#[test]
fn the_next_process_takes_in_what_a_dead_one_kept() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let mut ledger = SqliteLedger::open(&path)?;
    fill(&mut ledger, 0..10)?;
    let batch = next_intent(&mut ledger)?.batch;
    // Another process holds the ledger when the answer comes, until this one is killed.
    let mut holder = Connection::open(&path)?;
    let lock = holder.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive)?;
    ledger.set_lock_timeout(Some(Duration::ZERO))?;
    ledger.keep_answer(batch, &settlement(BatchOutcome::Accepted), &now)?;
    let failed = ledger.settle(batch, &settlement(BatchOutcome::Accepted), &now);
    assert!(matches!(failed, Err(LedgerError::Locked { .. })), "{failed:?}");
    drop((ledger, lock));
    let files = || Ok::<_, std::io::Error>(fs::read_dir(home.path())?.count());
    assert_eq!(files()?, 3, "ledger, key, and the answer");
    let mut next = SqliteLedger::open(&path)?;
    // Whatever it asks for, and however often it fails first.
    next.db.execute_batch("PRAGMA query_only = ON")?;
    assert!(next.intend(&request(), &later).is_err());
    assert_eq!(files()?, 3, "the answer was thrown away with a transaction that failed");
    next.db.execute_batch("PRAGMA query_only = OFF")?;
    assert_eq!(next.intend(&request(), &later)?, Next::Nothing);
    let record = next.token(HOST, &token(1).fingerprint())?.ok_or("forgotten")?;
    assert_eq!(
        (record.state, record.at, record.request_id.as_deref()),
        (State::Accepted, now(), Some("AAAA:1"))
    );
    assert_eq!(next.host_status(&STATUS, &later)?.requests_last_hour, 1);
    assert_eq!(files()?, 2, "a file was left behind");
    verify(&next)?;
    Ok(())
}

#[test]
fn an_answer_that_came_after_the_lease_counts_too() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let (mut slow, mut quick) = (SqliteLedger::open(&path)?, SqliteLedger::open(&path)?);
    fill(&mut slow, 0..10)?;
    let batch = next_intent(&mut slow)?.batch;
    let Next::Send(again) = quick.intend(&request(), &later)? else {
        return Err("the lease never ended".into());
    };
    quick.settle(again.batch, &settlement(BatchOutcome::Unknown), &later)?;
    slow.keep_answer(batch, &settlement(BatchOutcome::Accepted), &later)?;
    drop(slow);
    assert_eq!(quick.intend(&request(), &later)?, Next::Nothing, "an accepted token was sent again");
    assert_eq!(quick.host_status(&STATUS, &later)?.accepted, 10);
    Ok(())
}

/// The ledger was put back from a copy, or is another one: batches have the same numbers there.
#[test]
fn an_answer_of_another_ledger_is_not_taken_for_one_of_this() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let mut one = SqliteLedger::open(&path)?;
    fill(&mut one, 0..10)?;
    let batch = next_intent(&mut one)?.batch;
    one.keep_answer(batch, &settlement(BatchOutcome::Accepted), &now)?;
    drop(one);
    for file in ["ledger.db", "ledger.db.key"] {
        fs::rename(home.path().join(file), home.path().join(["old-", file].concat()))?;
    }
    let mut two = SqliteLedger::open(&path)?;
    fill(&mut two, 20..30)?;
    let lost = next_intent(&mut two)?.batch;
    assert_eq!(lost, batch);
    drop(two);
    let mut two = SqliteLedger::open(&path)?;
    assert_eq!(next_intent(&mut two)?.tokens.len(), 10);
    assert_eq!(two.host_status(&STATUS, &now)?.accepted, 0);
    drop(two);
    // Back in its place, the old one finds its answer.
    for file in ["ledger.db", "ledger.db.key"] {
        fs::rename(home.path().join(["old-", file].concat()), home.path().join(file))?;
    }
    let mut one = SqliteLedger::open(&path)?;
    assert_eq!(one.intend(&request(), &later)?, Next::Nothing);
    assert_eq!(one.host_status(&STATUS, &later)?.accepted, 10);
    Ok(())
}
