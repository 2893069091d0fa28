//! Several handles on one file, as several processes have them.

use std::collections::HashMap;
use std::sync::{Arc, Barrier, Mutex};

use super::*;

#[test]
fn a_living_owner_keeps_its_batch_and_a_dead_one_does_not() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let (mut one, mut two) = (SqliteLedger::open(&path)?, SqliteLedger::open(&path)?);
    fill(&mut one, 0..1500)?;
    let batch = next_intent(&mut one)?;
    // One at a time, though 500 wait.
    assert!(matches!(
        two.intend(&request(), &now)?,
        Next::Later { reason: crate::ledger::WaitReason::InFlight, .. }
    ));
    drop(one);
    let again = next_intent(&mut two)?;
    assert_eq!(again.tokens.len(), 1000);
    assert_eq!(again.tokens[0].fingerprint, batch.tokens[0].fingerprint);
    assert_eq!(two.host_status(&STATUS, &now)?.requests_last_hour, 2, "the lost request took a slot");
    Ok(())
}

#[test]
fn a_late_settlement_counts_where_tokens_were_accepted() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let (mut slow, mut quick) = (SqliteLedger::open(&path)?, SqliteLedger::open(&path)?);
    fill(&mut slow, 0..10)?;
    let first = next_intent(&mut slow)?.batch;
    let later = || now() + Duration::from_secs(91);
    let Next::Send(second) = quick.intend(&request(), &later)? else {
        return Err("the lease never ended".into());
    };
    assert_eq!(second.tokens.len(), 10);
    // The slow one's settlement counts: its tokens are accepted, though the quick one has them in flight.
    assert_eq!(slow.settle(first, &settlement(BatchOutcome::Accepted), &later)?.accepted, 10);
    assert_eq!(quick.settle(second.batch, &settlement(BatchOutcome::Unknown), &later)?.waiting, 0);
    assert_eq!(quick.intend(&request(), &later)?, Next::Nothing);
    assert_eq!(quick.host_status(&STATUS, &later)?.accepted, 10);
    verify(&quick)?;
    Ok(())
}

#[test]
fn what_waits_at_one_identity_is_not_sent_by_another_at_the_same_time() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let (mut one, mut two) = (SqliteLedger::open(&path)?, SqliteLedger::open(&path)?);
    fill(&mut one, 0..1500)?;
    let first = next_intent(&mut one)?;
    let other = BatchRequest { identity: "f00f", ..request() };
    let Next::Send(second) = two.intend(&other, &now)? else {
        return Err("another quota, another request".into());
    };
    assert_eq!((first.tokens.len(), second.tokens.len()), (1000, 500));
    let mut three = SqliteLedger::open(&path)?;
    assert!(matches!(
        three.intend(&BatchRequest { identity: "beef", ..request() }, &now)?,
        Next::Later { .. }
    ));
    assert_eq!(two.host_status(&STATUS, &now)?.requests_last_hour, 1);
    Ok(())
}

/// Eight handles, each with tokens of its own, send all at once: every token goes out exactly once.
#[test]
fn eight_handles_share_one_queue() -> TestResult {
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
                // Opened by all at once: one creates schema and key, all find the same.
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
    let status = ledger.host_status(&STATUS, &now)?;
    assert_eq!((status.accepted, status.queued), (u64::from(HANDLES * EACH), 0));
    assert_eq!(status.requests_last_hour, requests);
    verify(&ledger)?;
    Ok(())
}

fn send_all(ledger: &mut SqliteLedger, sent: &Mutex<HashMap<Fingerprint, u32>>) -> TestResult<u32> {
    let opener = ledger.opener(HOST)?;
    let mut requests = 0;
    loop {
        match ledger.intend(&request(), &now)? {
            Next::Nothing | Next::SendEach(_) => return Ok(requests),
            Next::Later { .. } => std::thread::sleep(Duration::from_millis(1)),
            Next::Send(intent) => {
                requests += 1;
                assert!(intent.tokens.len() <= 1000);
                for sealed in &intent.tokens {
                    let token = opener.open(sealed.kind, sealed.fingerprint, &sealed.sealed)?;
                    *sent.lock().map_err(|_| "poisoned")?.entry(token.fingerprint()).or_default() += 1;
                }
                ledger.settle(intent.batch, &settlement(BatchOutcome::Accepted), &now)?;
            }
        }
    }
}

#[test]
fn a_stale_lock_file_is_removed() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let mut one = SqliteLedger::open(&path)?;
    fill(&mut one, 0..10)?;
    next_intent(&mut one)?;
    let lock = fs::read_dir(home.path())?
        .filter_map(Result::ok)
        .find(|file| file.file_name().to_string_lossy().contains(".run-"))
        .ok_or("no lock file")?;
    // Killed: the handle is gone, its file stays.
    let copy = home.path().join("copy");
    fs::rename(lock.path(), &copy)?;
    drop(one);
    fs::rename(&copy, lock.path())?;
    let mut two = SqliteLedger::open(&path)?;
    assert_eq!(next_intent(&mut two)?.tokens.len(), 10);
    assert!(!lock.path().exists());
    Ok(())
}

/// A wall clock that shows so many milliseconds more than `now`.
fn off(ms: i64) -> impl Fn() -> Timestamp {
    move || Timestamp::from_millisecond(now().as_millisecond() + ms).unwrap_or(Timestamp::MAX)
}

#[test]
fn what_the_clocks_have_shown_outlives_the_process() -> TestResult {
    const HOUR: i64 = 3_600_000;
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let running = |ms| set_uptime(Some(Uptime { boot: 7, ms }));
    let one_an_hour = BatchRequest { per_hour: 1, ..request() };
    let status = StatusRequest { per_hour: 1, ..STATUS };
    running(1000);
    let mut ledger = SqliteLedger::open(&path)?;
    fill(&mut ledger, 0..2000)?;
    // The clock is a day fast.
    let Next::Send(intent) = ledger.intend(&one_an_hour, &off(24 * HOUR))? else {
        return Err("it may leave".into());
    };
    let held = Settlement {
        hold: Some(Duration::from_mins(30)),
        rate_limit: RateLimit { remaining: Some(0), reset: None, ..RateLimit::default() },
        ..settlement(BatchOutcome::Returned)
    };
    ledger.settle(intent.batch, &held, &off(24 * HOUR))?;
    // It is put right: the uptime knows better, in other processes, too.
    running(2000);
    let mut ledger = SqliteLedger::open(&path)?;
    let blocked = ledger.intend(&one_an_hour, &off(1000))?;
    assert!(matches!(blocked, Next::Later { at, .. } if at == off(HOUR)()), "{blocked:?}");
    // The machine is started anew, and only what was written down then can tell.
    set_uptime(Some(Uptime { boot: 8, ms: 0 }));
    let ledger = SqliteLedger::open(&path)?;
    let known = ledger.host_status(&status, &off(60_000))?;
    assert_eq!((known.requests_last_hour, known.next_slot), (1, Some(off(HOUR)())));
    let generous = ledger.host_status(&STATUS, &off(61_000))?;
    assert_eq!(generous.next_slot, Some(off(HOUR / 2)()), "the hold");
    assert_eq!(ledger.host_status(&STATUS, &off(HOUR / 2))?.next_slot, None);
    Ok(())
}

#[test]
fn a_step_of_the_clock_neither_ends_nor_lengthens_a_lease() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let running = |ms| set_uptime(Some(Uptime { boot: 7, ms }));
    running(1000);
    let (mut one, mut two) = (SqliteLedger::open(&path)?, SqliteLedger::open(&path)?);
    fill(&mut one, 0..10)?;
    next_intent(&mut one)?;
    for step in [-7_200_000, 0, 7_200_000] {
        running(90_999);
        assert!(matches!(two.intend(&request(), &off(step))?, Next::Later { .. }), "{step}");
    }
    running(91_000);
    assert!(matches!(two.intend(&request(), &off(-7_200_000))?, Next::Send(_)));
    // The request that was lost counts from the end of its lease.
    running(91_000 + 3_599_999);
    assert_eq!(two.host_status(&STATUS, &now)?.requests_last_hour, 2);
    running(91_000 + 3_600_000);
    assert_eq!(two.host_status(&STATUS, &now)?.requests_last_hour, 0);
    Ok(())
}

#[test]
fn a_release_lifts_every_stamp() -> TestResult {
    let home = tempfile::tempdir()?;
    let mut ledger = SqliteLedger::open(&home.path().join("ledger.db"))?;
    fill(&mut ledger, 0..10)?;
    // Noted while the clock was a day fast.
    let day = 86_400_000;
    set_uptime(Some(Uptime { boot: 7, ms: 1000 }));
    ledger.hold(HOST, "anonymous", Duration::from_hours(2), &off(day))?;
    ledger.hold(HOST, "f00f", Duration::from_hours(2), &off(day))?;
    assert_eq!(ledger.host_status(&STATUS, &now)?.next_slot, Some(off(7_200_000)()));
    assert_eq!(ledger.release(HOST, "user@host", &now)?, 2);
    assert_eq!(ledger.release(HOST, "user@host", &now)?, 0);
    let trail = ledger.trail("", 0, usize::MAX)?;
    let releases: Vec<_> = trail.iter().filter(|line| line.contains(r#""event":"release""#)).collect();
    assert!(matches!(releases[..], [one] if one.contains(r#""identities":2"#)), "{releases:?}");
    for uptime in [Some(Uptime { boot: 7, ms: 1000 }), None] {
        set_uptime(uptime);
        for at in [0, day, day + 1000] {
            assert_eq!(ledger.host_status(&STATUS, &off(at))?.next_slot, None);
        }
    }
    Ok(())
}
