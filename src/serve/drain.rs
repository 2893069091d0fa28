//! Sends what waits in the ledger, at every API base that there is a way to, for as long as the server runs.
//!
//! Several servers may drain one ledger: its locks let one of them at a time use a quota, and the others wait.

mod destination;
mod observed;
mod pacing;
mod queue;
mod screen;

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

pub use self::destination::{Destination, Destinations};
use self::queue::{POLL, Queue, Tools};
pub use self::screen::Kept;
use super::log::{Log, Trouble};
use super::metrics::Metrics;
use super::pool::{LOCK_TIMEOUT, handle_of};
use super::stop::Stop;
use crate::clock::{Clock as _, SystemClock};
use crate::ledger::LedgerAddress;
use crate::revoke::Options;

/// What is sent where, and how.
pub struct DrainConfig<'a> {
    /// The usual API base: what waits there has to open, or nothing is begun.
    pub host: String,
    /// The ways that are allowed.
    pub destinations: &'a dyn Destinations,
    /// What does not leave.
    pub kept: &'a Kept,
    /// How it is sent.
    pub options: Options,
    /// How long the first token waits for others to fill a batch.
    pub coalesce: Duration,
}

/// What a drain shares with the rest of the server.
#[derive(Clone, Copy)]
pub(super) struct Shared<'a> {
    pub(super) ledger: &'a LedgerAddress,
    pub(super) metrics: &'a Metrics,
    pub(super) log: &'a Log,
    pub(super) stop: &'a Stop,
}

/// Drains every queue, each on a thread of its own, until the server ends.
pub(super) fn run(config: &DrainConfig<'_>, shared: Shared<'_>) {
    let DrainConfig { destinations, kept, options, coalesce, .. } = config;
    let Shared { ledger, metrics, log, stop } = shared;
    let tools =
        Tools { ledger, destinations: *destinations, kept, options, coalesce: *coalesce, log, metrics, stop };
    let (mut known, mut handle, trouble) = (HashSet::new(), None, Trouble::default());
    thread::scope(|scope| {
        while !stop.is_stopping() {
            match handle_of(&mut handle, ledger, LOCK_TIMEOUT).and_then(|ledger| ledger.hosts()) {
                Ok(entries) => {
                    trouble.is_over(log, "the ledger can be used again");
                    for entry in entries {
                        if known.insert(entry.host.clone()) {
                            scope.spawn(move || Queue::new(tools, entry.host).drain());
                        }
                    }
                }
                Err(error) => {
                    handle = None;
                    metrics.ledger_error();
                    trouble.tell(log, &format!("waiting for the ledger: {error}"));
                }
            }
            SystemClock.sleep(POLL * 2, &stop.begin);
        }
    });
}
