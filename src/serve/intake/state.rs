//! What every request is answered with.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use axum::http::{HeaderMap, StatusCode, header};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::keys::Keys;
use super::refusal::Refusal;
use super::writer::Writer;
use crate::ledger::wire::MAX_BODY;
use crate::serve::bearers::{BearerFileError, Bearers, Role};
use crate::serve::log::{Log, Trouble};
use crate::serve::lookout::Lookout;
use crate::serve::metrics::Metrics;
use crate::serve::pool::{Pool, Unanswered};
use crate::serve::snapshot::Snapshot;
use crate::serve::stop::Stop;
use crate::serve::throttle::{Asker, Throttle};

/// How much of all bodies may be in memory at once, in pieces of [`PIECE`] bytes.
const PIECES: usize = 128;
const PIECE: usize = 512 * 1024;

/// The state of the intake.
pub(super) struct State {
    /// The API bases that it has queues for, the first being that of a line without one.
    pub(super) hosts: Vec<String>,
    pub(super) writer: Writer,
    pub(super) readers: Pool,
    /// What the metrics tell of the ledger.
    pub(super) lookout: Lookout<Snapshot>,
    pub(super) keys: Keys,
    pub(super) metrics: Metrics,
    pub(super) log: Log,
    pub(super) stop: Stop,
    bearers_file: PathBuf,
    bearers: RwLock<Arc<Bearers>>,
    throttle: Throttle,
    bodies: Semaphore,
    trouble: Trouble,
    /// Whether the ledger answers.
    ready: Lookout<()>,
}

/// What the state is made of.
pub(super) struct Parts {
    pub(super) hosts: Vec<String>,
    pub(super) writer: Writer,
    pub(super) readers: Pool,
    pub(super) lookout: Lookout<Snapshot>,
    pub(super) ready: Lookout<()>,
    pub(super) keys: Keys,
    pub(super) metrics: Metrics,
    pub(super) log: Log,
    pub(super) stop: Stop,
}

impl State {
    /// The state, with the bearer tokens of a file.
    pub(super) fn new(bearers_file: PathBuf, parts: Parts) -> Result<Self, BearerFileError> {
        let bearers = RwLock::new(Arc::new(Bearers::read(&bearers_file)?));
        let Parts { hosts, writer, readers, lookout, ready, keys, metrics, log, stop } = parts;
        let (throttle, bodies) = (Throttle::new(), Semaphore::new(PIECES));
        let trouble = Trouble::default();
        Ok(State {
            hosts,
            writer,
            readers,
            lookout,
            keys,
            metrics,
            log,
            stop,
            bearers_file,
            bearers,
            throttle,
            bodies,
            trouble,
            ready,
        })
    }

    /// Reads the bearer tokens again. Where the file cannot be used, those that were read before stay.
    pub(super) fn reload(&self) {
        match Bearers::read(&self.bearers_file) {
            Ok(bearers) => {
                self.log.info(&format!("read the bearer tokens again: {} of them", bearers.len()));
                *self.bearers.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(bearers);
            }
            Err(error) => self.log.warn(&format!("the bearer tokens stay as they were: {error}")),
        }
    }

    /// Lets a request in that carries a token for this role. Returns what the trail calls its bearer.
    pub(super) fn admit(&self, headers: &HeaderMap, role: Role) -> Result<String, Refusal> {
        let bearers = Arc::clone(&self.bearers.read().unwrap_or_else(PoisonError::into_inner));
        let found = presented(headers).and_then(|presented| bearers.find(presented));
        let asker = found.map_or(Asker::Stranger, |(index, _)| Asker::Bearer(index));
        if let Err(wait) = self.throttle.admit(asker, Instant::now()) {
            return Err(Refusal::later(StatusCode::TOO_MANY_REQUESTS, "too many requests", wait));
        }
        let Some((_, bearer)) = found else {
            return Err(Refusal::closing(
                StatusCode::UNAUTHORIZED,
                "a bearer token is wanted that is in the file --intake-tokens names",
            ));
        };
        if !bearer.may(role) {
            return Err(Refusal::closing(StatusCode::FORBIDDEN, "this bearer token has another role"));
        }
        if self.stop.is_stopping() {
            return Err(Refusal::unavailable("the server is ending"));
        }
        Ok(bearer.name.clone())
    }

    /// Room for a body: all of them together must not fill the memory.
    pub(super) fn room(&self, len: Option<usize>) -> Result<SemaphorePermit<'_>, Refusal> {
        let pieces = len.unwrap_or(MAX_BODY).div_ceil(PIECE).max(1);
        let pieces = u32::try_from(pieces).unwrap_or(u32::MAX);
        self.bodies
            .try_acquire_many(pieces)
            .map_err(|_| Refusal::unavailable("too much is being sent at once"))
    }

    /// Asks the ledger for its keys, unless that was just done.
    pub(super) async fn learn_keys(&self) -> Result<(), Refusal> {
        if self.keys.are_stale() {
            let keys = self.readers.ask(|ledger| ledger.public_keys()).await;
            self.keys.learn(self.answered(keys)?);
        }
        Ok(())
    }

    /// Whether the ledger answers.
    pub(super) async fn is_ready(&self) -> Result<(), Refusal> {
        self.answered(self.ready.ask().await).map(drop)
    }

    /// What the ledger did, told once where it is trouble.
    pub(super) fn answered<T>(&self, answer: Result<T, Unanswered>) -> Result<T, Refusal> {
        match &answer {
            Ok(_) => self.trouble.is_over(&self.log, "the intake can use the ledger again"),
            Err(Unanswered::Busy) => {}
            Err(trouble @ (Unanswered::Ledger(_) | Unanswered::Slow)) => {
                self.metrics.ledger_error();
                self.trouble.tell(&self.log, &format!("the intake cannot use the ledger: {trouble}"));
            }
        }
        answer.map_err(|unanswered| Refusal::from(&unanswered))
    }
}

/// The scheme of a bearer token (RFC 6750, section 2.1), whose case is of no matter.
const SCHEME: &[u8] = b"bearer ";

/// The token of an `Authorization` header: behind `Bearer`, or by itself, as GitLab sends it.
fn presented(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    match value.split_at_checked(SCHEME.len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(SCHEME) => Some(token.trim_ascii()),
        _ => Some(value),
    }
}
