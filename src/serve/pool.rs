//! Threads that ask the ledger: it blocks, and whoever answers requests must not. Each thread has a handle of its own.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::ledger::{self, Ledger, LedgerAddress, LedgerError};

/// How long a question waits for other processes, and for a ledger that is away.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(3);

/// How long whoever asks waits for the answer.
const ANSWER: Duration = Duration::from_secs(8);

/// How many questions may wait for a thread.
const WAITING: usize = 256;

type Job = Box<dyn FnOnce(&mut Option<Box<dyn Ledger>>) + Send>;

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    /// Too many wait.
    #[error("too much is asked of the ledger at once; try again in a moment")]
    Busy,
    /// It takes too long.
    #[error("the ledger does not answer in time; try again in a moment")]
    Slow,
    /// The ledger.
    #[error("{0}")]
    Ledger(Arc<LedgerError>),
}

impl From<LedgerError> for Unanswered {
    fn from(error: LedgerError) -> Self {
        Unanswered::Ledger(Arc::new(error))
    }
}

/// The threads. A clone asks the same ones.
#[derive(Clone)]
pub(super) struct Pool {
    address: LedgerAddress,
    jobs: SyncSender<Job>,
}

impl Pool {
    /// So many threads, which end when nobody can ask them any more.
    pub(super) fn new(address: &LedgerAddress, threads: usize) -> Self {
        let (jobs, waiting) = sync_channel::<Job>(WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let waiting = Arc::clone(&waiting);
            thread::spawn(move || work(&waiting));
        }
        Pool { address: address.clone(), jobs }
    }

    /// Asks the ledger, and waits for the answer.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut dyn Ledger) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, Unanswered> {
        let (reply, answer) = oneshot::channel();
        let address = self.address.clone();
        let job: Job = Box::new(move |handle| {
            // Nobody waits for it any more.
            if reply.is_closed() {
                return;
            }
            let answer = handle_of(handle, &address, LOCK_TIMEOUT).and_then(question);
            if answer.is_err() {
                // Whatever was wrong with it, the next one is asked through a new handle.
                *handle = None;
            }
            // Nobody may wait for it any more.
            let _ = reply.send(answer);
        });
        match self.jobs.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => return Err(Unanswered::Busy),
        }
        answered(answer).await
    }
}

/// Waits for an answer, but not for ever.
pub(super) async fn answered<T>(answer: oneshot::Receiver<Result<T, LedgerError>>) -> Result<T, Unanswered> {
    match tokio::time::timeout(ANSWER, answer).await {
        Ok(Ok(answer)) => Ok(answer?),
        Ok(Err(_)) => Err(Unanswered::Busy),
        Err(_) => Err(Unanswered::Slow),
    }
}

/// A thread's handle, opened where it has none. It waits for so long for other processes, and for a ledger that is away.
pub(super) fn handle_of<'a>(
    handle: &'a mut Option<Box<dyn Ledger>>,
    address: &LedgerAddress,
    patience: Duration,
) -> Result<&'a mut dyn Ledger, LedgerError> {
    let open = if let Some(open) = handle.take() {
        open
    } else {
        let mut open = ledger::open(&address.clone().with_patience(patience))?;
        open.set_lock_timeout(Some(patience))?;
        open
    };
    Ok(handle.insert(open).as_mut())
}

fn work(waiting: &Mutex<Receiver<Job>>) {
    let mut handle = None;
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(&mut handle),
            Err(_) => return,
        }
    }
}
