//! Several handles on one file, as several processes have them.

use std::collections::HashMap;
use std::sync::{Arc, Barrier, Mutex};

use super::*;

#[test]
fn a_living_owner_keeps_its_batch_and_a_dead_one_does_not() -> Checked {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let (mut one, mut two) = (SqliteLedger::open(&path)?, SqliteLedger::open(&path)?);
    fill(&mut one, 0..1500)?;
    let batch = go(&mut one)?;
    // One at a time, though 500 wait.
    assert!(matches!(
        two.intend(&ask(), &now)?,
        Next::Later { why: crate::ledger::WaitReason::InFlight, .. }
    ));
    drop(one);
    let again = go(&mut two)?;
    assert_eq!(again.rows.len(), 1000);
    assert_eq!(again.rows[0].fingerprint, batch.rows[0].fingerprint);
    assert_eq!(two.standing(&ask(), &now)?.requests_last_hour, 2, "the lost request took a slot");
    Ok(())
}

#[test]
fn what_a_slow_owner_says_late_is_believed_where_tokens_were_taken() -> Checked {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let (mut slow, mut quick) = (SqliteLedger::open(&path)?, SqliteLedger::open(&path)?);
    fill(&mut slow, 0..10)?;
    let first = go(&mut slow)?.batch;
    let later = || now() + Duration::from_secs(91);
    let Next::Send(second) = quick.intend(&ask(), &later)? else {
        return Err("the lease never ended".into());
    };
    assert_eq!(second.rows.len(), 10);
    // The slow one was heard: its tokens are taken, though the quick one has them in hand.
    assert_eq!(slow.settle(first, &settlement(BatchOutcome::Accepted), &later)?.accepted, 10);
    assert_eq!(quick.settle(second.batch, &settlement(BatchOutcome::Unknown), &later)?.waiting, 0);
    assert_eq!(quick.intend(&ask(), &later)?, Next::Nothing);
    assert_eq!(quick.standing(&ask(), &later)?.accepted, 10);
    verify(&quick)?;
    Ok(())
}

#[test]
fn what_waits_at_one_identity_is_not_sent_by_another_at_the_same_time() -> Checked {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let (mut one, mut two) = (SqliteLedger::open(&path)?, SqliteLedger::open(&path)?);
    fill(&mut one, 0..1500)?;
    let first = go(&mut one)?;
    let other = BatchRequest { identity: "f00f", ..ask() };
    let Next::Send(second) = two.intend(&other, &now)? else {
        return Err("another quota, another request".into());
    };
    assert_eq!((first.rows.len(), second.rows.len()), (1000, 500));
    let mut three = SqliteLedger::open(&path)?;
    assert!(matches!(three.intend(&BatchRequest { identity: "beef", ..ask() }, &now)?, Next::Later { .. }));
    assert_eq!(two.standing(&ask(), &now)?.requests_last_hour, 1);
    Ok(())
}

/// Eight handles, each with tokens of its own, send all at once: every token goes out exactly once.
#[test]
fn eight_handles_share_one_queue() -> Checked {
    const HANDLES: u32 = 8;
    const EACH: u32 = 400;
    let home = tempfile::tempdir()?;
    let path = Arc::new(home.path().join("ledger.db"));
    let sent: Arc<Mutex<HashMap<Fingerprint, u32>>> = Arc::default();
    let start = Arc::new(Barrier::new(HANDLES as usize));
    let threads: Vec<_> = (0..HANDLES)
        .map(|number| {
            let (path, sent, start) = (Arc::clone(&path), Arc::clone(&sent), Arc::clone(&start));
            std::thread::spawn(move || -> Result<u32, String> {
                start.wait();
                // Opened by all at once: one makes schema and key, all find the same.
                let mut ledger = SqliteLedger::open(&path).map_err(|error| error.to_string())?;
                fill(&mut ledger, number * EACH..(number + 1) * EACH).map_err(|error| error.to_string())?;
                send_all(&mut ledger, &sent).map_err(|error| error.to_string())
            })
        })
        .collect();
    let mut requests = 0;
    for thread in threads {
        requests += thread.join().map_err(|_| "a thread died")??;
    }
    let sent = sent.lock().map_err(|_| "poisoned")?;
    assert_eq!(sent.len(), (HANDLES * EACH) as usize);
    assert!(sent.values().all(|times| *times == 1), "a token was sent twice");
    let ledger = SqliteLedger::open(&path)?;
    let standing = ledger.standing(&ask(), &now)?;
    assert_eq!((standing.accepted, standing.queued), (u64::from(HANDLES * EACH), 0));
    assert_eq!(standing.requests_last_hour, requests);
    verify(&ledger)?;
    Ok(())
}

fn send_all(ledger: &mut SqliteLedger, sent: &Mutex<HashMap<Fingerprint, u32>>) -> Checked<u32> {
    let seal = ledger.seal()?;
    let mut requests = 0;
    loop {
        match ledger.intend(&ask(), &now)? {
            Next::Nothing => return Ok(requests),
            Next::Later { .. } => std::thread::sleep(Duration::from_millis(1)),
            Next::Send(intent) => {
                requests += 1;
                assert!(intent.rows.len() <= 1000);
                for row in &intent.rows {
                    let token = seal.open(row.kind, row.fingerprint, &row.sealed)?;
                    *sent.lock().map_err(|_| "poisoned")?.entry(token.fingerprint()).or_default() += 1;
                }
                ledger.settle(intent.batch, &settlement(BatchOutcome::Accepted), &now)?;
            }
        }
    }
}

#[test]
fn a_stale_lock_file_is_cleared_away() -> Checked {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let mut one = SqliteLedger::open(&path)?;
    fill(&mut one, 0..10)?;
    go(&mut one)?;
    let lock = fs::read_dir(home.path())?
        .filter_map(Result::ok)
        .find(|file| file.file_name().to_string_lossy().contains(".run-"))
        .ok_or("no lock file")?;
    // Killed: the handle vanishes, its file stays.
    let copy = home.path().join("copy");
    fs::rename(lock.path(), &copy)?;
    drop(one);
    fs::rename(&copy, lock.path())?;
    let mut two = SqliteLedger::open(&path)?;
    assert_eq!(go(&mut two)?.rows.len(), 10);
    assert!(!lock.path().exists());
    Ok(())
}
