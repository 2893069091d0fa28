//! Looks at the ledger for those who ask how the server fares, and must not wait for it: Prometheus gives up after a few
//! seconds, and would learn nothing of a ledger that is away. A look is taken on a thread of its own when somebody asks, and all
//! who ask meanwhile are told what it came to, or, where it takes long, what the one before did.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::pool::{Unanswered, handle_of};
use crate::ledger::{Ledger, LedgerAddress, LedgerError};

/// How long a look waits for a ledger that is away.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long whoever asks waits for a look: a bit longer, to hear that the ledger is away.
const WAIT: Duration = Duration::from_millis(1500);

/// For how long a look is as good as a new one. Anybody may ask whether the server is ready, as often as they like.
const FRESH: Duration = Duration::from_secs(1);

/// For how long a look is told of while a newer one is under way.
const STALE: Duration = Duration::from_secs(30);

/// What a look came to, and when.
struct Look<T> {
    at: Instant,
    result: Result<Arc<T>, Arc<LedgerError>>,
}

impl<T> Look<T> {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() < FRESH
    }
}

/// A thread that looks when it is asked.
pub(super) struct Lookout<T> {
    asked: SyncSender<()>,
    seen: watch::Receiver<Option<Look<T>>>,
}

impl<T: Send + Sync + 'static> Lookout<T> {
    /// One that reads this of the ledger. Its thread ends with it.
    pub(super) fn new(address: &LedgerAddress, read: fn(&dyn Ledger) -> Result<T, LedgerError>) -> Self {
        let (asked, asking) = sync_channel(1);
        let (tell, seen) = watch::channel(None);
        let address = address.clone();
        thread::spawn(move || look_when_asked(&asking, &tell, &address, read));
        Lookout { asked, seen }
    }

    /// What is to be seen now, or was a moment ago.
    pub(super) async fn ask(&self) -> Result<Arc<T>, Unanswered> {
        let mut seen = self.seen.clone();
        let is_fresh = seen.borrow_and_update().as_ref().is_some_and(Look::is_fresh);
        if !is_fresh {
            // Where there is no room, somebody has asked already.
            let _ = self.asked.try_send(());
            let _ = tokio::time::timeout(WAIT, seen.changed()).await;
        }
        let last = seen.borrow();
        match last.as_ref() {
            Some(Look { result: Err(error), .. }) => Err(Unanswered::Ledger(Arc::clone(error))),
            Some(Look { result: Ok(found), at }) if at.elapsed() < STALE => Ok(Arc::clone(found)),
            _ => Err(Unanswered::Slow),
        }
    }
}

fn look_when_asked<T>(
    asking: &Receiver<()>,
    tell: &watch::Sender<Option<Look<T>>>,
    address: &LedgerAddress,
    read: fn(&dyn Ledger) -> Result<T, LedgerError>,
) {
    let mut handle = None;
    while asking.recv().is_ok() {
        // Asked while it looked.
        if tell.borrow().as_ref().is_some_and(Look::is_fresh) {
            continue;
        }
        let result = handle_of(&mut handle, address, PATIENCE).and_then(|ledger| read(ledger));
        if result.is_err() {
            handle = None;
        }
        tell.send_replace(Some(Look { at: Instant::now(), result: result.map(Arc::new).map_err(Arc::new) }));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc;

    use super::*;

    /// What the next look waits for.
    static GATE: Mutex<Option<Receiver<()>>> = Mutex::new(None);

    #[expect(clippy::unnecessary_wraps, reason = "the shape of a look")]
    fn gated(_: &dyn Ledger) -> Result<u64, LedgerError> {
        if let Some(gate) = GATE.lock().expect("nobody panicked").take() {
            let _ = gate.recv();
        }
        Ok(7)
    }

    fn ask<T: Send + Sync + 'static>(lookout: &Lookout<T>) -> Result<Arc<T>, Unanswered> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(lookout.ask())
    }

    #[test]
    fn who_asks_does_not_wait_for_a_ledger_that_does_not_answer() {
        let home = tempfile::tempdir().expect("a directory");
        let address = LedgerAddress::Sqlite(home.path().join("l/ledger.db"));
        let (open, gate) = mpsc::channel();
        *GATE.lock().expect("nobody panicked") = Some(gate);
        let lookout = Lookout::new(&address, gated);
        assert!(matches!(ask(&lookout), Err(Unanswered::Slow)));
        open.send(()).expect("it waits");
        while ask(&lookout).is_err() {}
        let (_open, gate) = mpsc::channel();
        *GATE.lock().expect("nobody panicked") = Some(gate);
        thread::sleep(FRESH);
        assert!(matches!(ask(&lookout), Ok(found) if *found == 7), "what was seen before is told");
    }

    #[test]
    fn a_ledger_that_cannot_be_used_is_told_of() {
        let home = tempfile::tempdir().expect("a directory");
        std::fs::write(home.path().join("file"), "").expect("a file");
        let address = LedgerAddress::Sqlite(home.path().join("file/ledger.db"));
        let lookout = Lookout::new(&address, |ledger| ledger.hosts().map(drop));
        assert!(matches!(ask(&lookout), Err(Unanswered::Ledger(_))));
    }
}
