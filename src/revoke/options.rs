//! The settings of a run.

use std::time::Duration;

/// Whether to wait for the quota and for a server that asks for patience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Send what may go now, leave the rest queued.
    No,
    /// For so long, from the beginning of the run.
    AtMost(Duration),
    /// Until nothing waits any more.
    Forever,
}

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether to wait.
    pub wait: Wait,
    /// The pause between the beginnings of two requests.
    pub min_interval: Duration,
    /// How long a request may take: what is not answered far beyond that was abandoned.
    pub timeout: Duration,
    /// How often in a row to try again after trouble or without a response.
    pub retries: u32,
    /// End after so many batches that were answered, though more may wait: who goes on for ever lets the next one fill first.
    pub max_batches: Option<u64>,
    /// Send no more tokens than these: what was announced, where others may queue meanwhile.
    pub most: Option<u64>,
    /// Ask first whether each token is alive, and send no dead ones.
    pub verify: bool,
    /// Ask afterwards until the accepted ones are dead.
    pub confirm: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            wait: Wait::No,
            min_interval: Duration::from_secs(1),
            timeout: Duration::from_secs(30),
            retries: 4,
            max_batches: None,
            most: None,
            verify: false,
            confirm: false,
        }
    }
}
