//! A ledger in which a bit was flipped: whatever it was, no token is lost silently, none that was accepted is sent again,
//! and no request leaves for which the quota had no room.

use std::collections::BTreeSet;

use super::*;

/// How many requests an hour holds here; two are used up.
const PER_HOUR: u32 = 3;
const DONE: std::ops::Range<u32> = 0..2;
const WAITING: std::ops::Range<u32> = 2..5;

/// A run as it comes after the damage.
#[derive(Clone, Copy, Debug)]
enum Run {
    /// Sends what waits.
    Resume,
    /// Finds all tokens again.
    Scan,
}

/// What came of a run on a damaged ledger.
#[derive(Default)]
struct Came {
    sent: BTreeSet<Fingerprint>,
    requests: u32,
    /// Whether the run says that something is wrong, or that something remains.
    said: bool,
}

fn one_each() -> BatchRequest<'static> {
    BatchRequest { max_batch: 1, per_hour: PER_HOUR, ..request() }
}

/// A ledger with two requests in the last hour, which were accepted, and three tokens that wait.
fn used(path: &Path) -> TestResult {
    let mut ledger = SqliteLedger::open(path)?;
    fill(&mut ledger, DONE)?;
    for _ in DONE {
        let Next::Send(intent) = ledger.intend(&one_each(), &now)? else { return Err("no room".into()) };
        ledger.settle(intent.batch, &settlement(BatchOutcome::Accepted), &now)?;
    }
    fill(&mut ledger, WAITING)?;
    Ok(())
}

/// As the program runs: what it looks at, in that order.
fn run(path: &Path, run: Run) -> Result<Came, LedgerError> {
    let mut came = Came::default();
    SqliteLedger::check_writable(path)?;
    let mut ledger = SqliteLedger::open(path)?;
    ledger.head()?;
    if let Run::Scan = run {
        let tokens: Vec<Fingerprint> =
            (DONE.start..WAITING.end).map(|number| token(number).fingerprint()).collect();
        let known = ledger.tokens(HOST, &tokens)?;
        let done = |record: &TokenRecord| !record.state.pending() && !record.state.aside();
        let sealer = ledger.sealer(HOST)?;
        let left =
            (DONE.start..WAITING.end).zip(known).filter(|(_, known)| !known.as_ref().is_some_and(done));
        let entries: Vec<Entry> = left.map(|(number, _)| entry(&sealer, number)).collect::<Result<_, _>>()?;
        came.said |= ledger.enqueue(HOST, &decision(), &mut entries.into_iter(), &now)?.damaged > 0;
    }
    came.said |= ledger.mend(HOST, &now)?.tokens() > 0;
    let opener = ledger.opener(HOST)?;
    while let Next::Send(intent) = ledger.intend(&one_each(), &now)? {
        came.requests += 1;
        let mut outcome = BatchOutcome::Accepted;
        for sealed in &intent.tokens {
            if let Ok(token) = opener.open(sealed.kind, sealed.fingerprint, &sealed.sealed) {
                came.sent.insert(token.fingerprint());
            } else {
                (came.said, outcome) = (true, BatchOutcome::NotSent);
                let change = StateChange {
                    host: HOST,
                    selection: crate::ledger::Selection::Tokens(&[sealed.fingerprint]),
                    state: State::Held,
                    reason: "does not open",
                };
                ledger.change_state(&change, &now)?;
                came.requests -= 1;
            }
        }
        ledger.settle(intent.batch, &settlement(outcome), &now)?;
    }
    came.said |= ledger.host_status(&STATUS, &now)?.waiting() > 0;
    Ok(came)
}

/// What is wrong with a run; nothing where the damage was noticed, or did no harm.
fn wrong(path: &Path, kind: Run) -> Option<String> {
    let Ok(came) = run(path, kind) else { return None };
    let fingerprint = |number: u32| token(number).fingerprint();
    let again: Vec<u32> = DONE.filter(|number| came.sent.contains(&fingerprint(*number))).collect();
    let unsent = WAITING.filter(|number| !came.sent.contains(&fingerprint(*number))).count();
    if !again.is_empty() {
        return Some(format!("{again:?} was accepted, and sent again"));
    }
    if came.requests > PER_HOUR - DONE.end {
        return Some(format!("{} requests too many", came.requests));
    }
    (unsent > 0 && !came.said).then(|| format!("{unsent} tokens lost, and nothing was said"))
}

/// Flips single bits: of every `stride`th byte that is not empty, one of them, and not the same one each time.
fn flip(stride: usize, start: usize) -> TestResult {
    let home = tempfile::tempdir()?;
    let whole = home.path().join("whole.db");
    used(&whole)?;
    let (content, key) = (fs::read(&whole)?, fs::read(files::key_path(&whole))?);
    let path = home.path().join("ledger.db");
    drop(SqliteLedger::open(&path)?);
    fs::write(files::key_path(&path), key)?;
    let filled: Vec<usize> = (0..content.len()).filter(|offset| content[*offset] != 0).collect();
    let mut failed = Vec::new();
    for (turn, offset) in filled.iter().skip(start).step_by(stride).enumerate() {
        let bit = (turn * 5 + start) % 8;
        let mut flipped = content.clone();
        flipped[*offset] ^= 1 << bit;
        for kind in [Run::Resume, Run::Scan] {
            fs::write(&path, &flipped)?;
            if let Some(what) = wrong(&path, kind) {
                failed
                    .push(format!("byte {offset} (page {}), bit {bit}, {kind:?}: {what}", offset / 4096 + 1));
            }
        }
    }
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), filled.len() / stride, failed.join("\n"));
    Ok(())
}

#[test]
fn what_is_not_flipped_is_sent_as_far_as_the_quota_goes() -> TestResult {
    for kind in [Run::Resume, Run::Scan] {
        let home = tempfile::tempdir()?;
        let path = home.path().join("ledger.db");
        used(&path)?;
        let came = run(&path, kind)?;
        assert_eq!((came.requests, came.sent.len()), (1, 1), "{kind:?}");
        assert!(came.said && wrong(&path, kind).is_none(), "{kind:?}");
    }
    Ok(())
}

#[test]
fn a_flipped_bit_is_noticed_or_does_no_harm() -> TestResult {
    flip(211, 0)
}

/// Many thousands of them: minutes, so not in every run. `cargo test --release --lib -- --ignored every_flipped_bit`.
#[test]
#[ignore = "takes minutes"]
fn every_flipped_bit_is_noticed_or_does_no_harm() -> TestResult {
    (0..8).try_for_each(|start| flip(8, start))
}
