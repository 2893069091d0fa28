//! What runs that come to nothing leave behind in the ledger's file.

use std::path::PathBuf;

use super::*;
use crate::ledger::{self, LedgerAddress};

const KIB: u64 = 1024;

/// A ledger in a file, and the clock of its machine.
struct Machine {
    _home: tempfile::TempDir,
    path: PathBuf,
    clock: FakeClock,
}

impl Machine {
    fn new() -> Checked<Self> {
        // In memory where that is possible: thousands of transactions are synced here, and no power fails.
        let memory = std::path::Path::new("/dev/shm");
        let home = if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
        let path = home.path().join("ledger.db");
        Ok(Machine { _home: home, path, clock: FakeClock::new() })
    }

    fn open(&self) -> Checked<Box<dyn Ledger>> {
        Ok(ledger::open(&LedgerAddress::Sqlite(self.path.clone()))?)
    }

    fn size(&self) -> Checked<u64> {
        Ok(std::fs::metadata(&self.path)?.len())
    }

    fn find(&self, numbers: std::ops::Range<u32>, state: State) -> Checked<Enqueued> {
        let mut ledger = self.open()?;
        let sealer = ledger.sealer(HOST)?;
        let entries = numbers.map(|number| {
            entry(&sealer, &token(Kind::pat(), number), Confidence::Certain, state, "a/file:1")
        });
        // Each run has an id of its own.
        let by_run = crate::ledger::Decision { run: self.clock.now().to_string(), ..decision() };
        Ok(enqueue(ledger.as_mut(), HOST, &by_run, entries, &|| self.clock.now())?)
    }

    /// A run of a process of its own.
    fn send(&self, server: &Server<'_>) -> Checked<RunOutcome> {
        let mut ledger = self.open()?;
        let opener = ledger.opener(HOST)?;
        let (cancel, progress) = (CancelFlag::default(), Progress::default());
        let context = Context {
            ledger: ledger.as_mut(),
            opener: &opener,
            revoker: server,
            clock: &self.clock,
            cancel: &cancel,
            progress: &progress,
            notify: &|_| {},
            screen: None,
        };
        Ok(run(context, &options())?)
    }

    fn trail(&self) -> Checked<Vec<serde_json::Value>> {
        let ledger = self.open()?;
        crate::ledger::verify(ledger.as_ref())?;
        let lines = ledger.trail("", 0, usize::MAX)?;
        Ok(lines.iter().map(|line| serde_json::from_str(line)).collect::<Result<_, _>>()?)
    }
}

fn of<'a>(trail: &'a [serde_json::Value], event: &str) -> Vec<&'a serde_json::Value> {
    trail.iter().filter(|record| record["event"] == event).collect()
}

#[test]
fn a_scan_that_finds_what_was_found_before_adds_nothing() -> Checked {
    for state in [State::Held, State::Own, State::Unsupported] {
        let machine = Machine::new()?;
        machine.find(0..900, state)?;
        let (size, records) = (machine.size()?, machine.trail()?.len());
        for _ in 0..10 {
            machine.clock.advance(Duration::from_hours(1));
            assert_eq!(machine.find(0..900, state)?.aside, 900);
        }
        assert_eq!((machine.size()?, machine.trail()?.len()), (size, records), "{state}");
        // Of what is new, only that is written down.
        machine.find(0..901, state)?;
        let trail = machine.trail()?;
        assert_eq!(trail.last().ok_or("no record")?["tokens"].as_array().map(Vec::len), Some(1));
    }
    Ok(())
}

/// For how many days the server is away: a week takes minutes.
fn days() -> u64 {
    std::env::var("STANCH_DAYS_AWAY").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// As many requests as the quota allows.
#[test]
fn a_server_that_is_away_for_long_leaves_next_to_nothing() -> Checked {
    for failure in [
        response(Outcome::Trouble, 503),
        RevokeResponse { status: None, request_id: None, ..response(Outcome::NotSent, 0) },
    ] {
        let machine = Machine::new()?;
        machine.find(0..25, State::Queued)?;
        let before = machine.size()?;
        let server = Server::new(&machine.clock, |_| failure.clone());
        let mut requests = 0;
        for _ in 0..days() * 24 * 12 {
            requests += machine.send(&server)?.counts.requests;
            machine.clock.advance(Duration::from_mins(5));
        }
        let added = machine.size()? - before;
        println!("{:?}: {requests} requests, {} KiB", failure.outcome, added / KIB);
        // The slots of the quota, and what each day adds.
        assert!(added < (200 + 60 * days()) * KIB, "{} KiB", added / KIB);
        // All of it is told, and the end of it as ever.
        let server = Server::taking(&machine.clock);
        machine.clock.advance(Duration::from_hours(2));
        assert_eq!(machine.send(&server)?.host_status.accepted, 25);
        let trail = machine.trail()?;
        let told = of(&trail, "answer").len() as u64;
        let summed: u64 = of(&trail, "retries").iter().filter_map(|record| record["requests"].as_u64()).sum();
        assert!(told + summed >= requests, "{told} and {summed} of {requests}");
        let accepted: Vec<_> =
            of(&trail, "answer").into_iter().filter(|answer| answer["verdict"] == "accepted").collect();
        assert!(accepted.iter().all(|answer| answer["request_id"] == "ID:202"));
        let named = accepted.iter().filter_map(|answer| answer["tokens"].as_array()).map(Vec::len);
        assert_eq!(named.sum::<usize>(), 25, "a token whose end is not told");
        // The requests that brought it are told, too, the first of them after the fact.
        let intents = of(&trail, "intent");
        let intent = |answer: &&serde_json::Value| {
            intents.iter().find(|intent| intent["batch"] == answer["batch"]).copied()
        };
        assert!(accepted.iter().all(|answer| intent(answer).is_some()));
        assert!(accepted.first().and_then(intent).is_some_and(|intent| intent["sent_at"].is_string()));
        let attempts = machine.open()?.attempts(HOST, &pat(3))?;
        assert!(attempts.len() <= 3, "{} attempts", attempts.len());
    }
    Ok(())
}
