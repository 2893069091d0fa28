//! The server of a fleet: drains a ledger that many runners share, and takes tokens from those that may not open it.
//!
//! The parts are blocking threads with handles of their own, but for the intake, which answers many connections at once. What
//! they have in common is the ledger: a server that dies loses nothing that it ever acknowledged, and another one goes on.

mod bearers;
mod drain;
mod intake;
mod log;
mod lookout;
mod metrics;
mod pool;
mod secret_file;
mod signals;
mod snapshot;
mod stop;
mod throttle;
mod tls;

use std::io;
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

pub use self::drain::{Destination, Destinations, DrainConfig, Kept};
pub use self::intake::{IntakeConfig, IntakeError};
pub use self::log::{Level, Log};
pub use self::stop::Stop;
pub use self::tls::TlsFiles;

use self::intake::{Control, Intake};
use self::metrics::Metrics;
use self::signals::{Asked, Signals};
use crate::ledger::{self, LedgerAddress, LedgerError};

/// How long the answer to a request that left is waited for when the server ends. With the grace of the intake before it, that
/// is less than the half minute after which Kubernetes kills
/// (<https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination>).
const GRACE: Duration = Duration::from_secs(15);

/// How often the parts are looked at.
const WATCH: Duration = Duration::from_millis(200);

/// What the server does.
pub struct Config<'a> {
    /// The ledger.
    pub ledger: LedgerAddress,
    /// The id of this server in the audit trail.
    pub run: String,
    /// What is sent; nothing where there is none.
    pub drain: Option<DrainConfig<'a>>,
    /// Who is listened to; nobody where there is none.
    pub intake: Option<IntakeConfig>,
    /// Ends it.
    pub stop: Stop,
    /// Where it says what it lives through.
    pub log: Log,
}

/// Why the server cannot begin, or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The intake.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// The operating system.
    #[error("the server cannot run: {0}")]
    System(#[from] io::Error),
    /// A part of it ended by itself.
    #[error("{0} ended by itself, which is a mistake in stanch; what waits is kept, start the server again")]
    Ended(&'static str),
}

/// Runs until a signal asks it to end.
///
/// # Errors
/// A [`ServeError`] where it cannot begin: the ledger cannot be used and waiting does not mend that, or nobody can be listened
/// to. Later trouble with the ledger is waited out.
pub fn run(config: &Config<'_>) -> Result<(), ServeError> {
    let Config { ledger, stop, log, .. } = config;
    let metrics = Metrics::default();
    match check(ledger, config.drain.as_ref()) {
        Err(error) if error.may_pass() => log.warn(&format!("waiting for the ledger: {error}")),
        checked => checked?,
    }
    let intake = match &config.intake {
        Some(intake) => {
            let shared = intake::Shared { ledger, run: &config.run, metrics: &metrics, log, stop };
            Some(Intake::open(intake, &shared)?)
        }
        None => None,
    };
    if let Some(intake) = &intake {
        log.info(&format!("listening at {}", intake.address));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(4)
        .enable_all()
        .build()?;
    thread::scope(|scope| {
        let drain = config.drain.as_ref().map(|drain| {
            let shared = drain::Shared { ledger, metrics: &metrics, log, stop };
            scope.spawn(move || drain::run(drain, shared))
        });
        let served = runtime.block_on(attend(intake, drain.as_ref(), config));
        stop.begin.cancel();
        end_of(drain, stop).and(served)
    })
}

/// Finds out whether the ledger can be used, and whether what waits in it can be opened where it is to be sent.
fn check(ledger: &LedgerAddress, drain: Option<&DrainConfig<'_>>) -> Result<(), LedgerError> {
    let ledger = ledger::open(ledger)?;
    drain.map_or(Ok(()), |drain| ledger.opener(&drain.host).map(drop))
}

/// Answers, and heeds signals, until one asks to end.
async fn attend(
    intake: Option<Intake>,
    drain: Option<&ScopedJoinHandle<'_, ()>>,
    config: &Config<'_>,
) -> Result<(), ServeError> {
    let Config { log, stop, .. } = config;
    let mut signals = Signals::listen()?;
    let control = intake.as_ref().map(Intake::control);
    let serving = intake.map(|intake| tokio::spawn(intake.serve()));
    loop {
        let asked = tokio::time::timeout(WATCH, signals.next()).await;
        match asked {
            Ok(Asked::End) => break,
            Ok(Asked::Reload) => reload(control.as_ref(), log),
            Err(_) if drain.is_some_and(ScopedJoinHandle::is_finished) => {
                return Err(ServeError::Ended("what drains the ledger"));
            }
            Err(_) if serving.as_ref().is_some_and(tokio::task::JoinHandle::is_finished) => break,
            Err(_) => {}
        }
    }
    stop.begin.cancel();
    log.info("ending: nothing new is begun, and what is under way is finished; a second signal ends at once");
    // Nothing is lost by that: the ledger has every request before it is sent, and every token before it is acknowledged.
    tokio::spawn(async move {
        while signals.next().await != Asked::End {}
        std::process::exit(130);
    });
    if let Some(control) = control {
        control.end();
    }
    match serving {
        Some(serving) => match serving.await {
            Ok(served) => Ok(served?),
            Err(_) => Err(ServeError::Ended("the intake")),
        },
        None => Ok(()),
    }
}

fn reload(control: Option<&Control>, log: &Log) {
    match control {
        Some(control) => control.reload(),
        None => log.info("there are no files to be read again"),
    }
}

/// Waits for what drains: for a while with patience for the answers to its requests, then without.
fn end_of(drain: Option<ScopedJoinHandle<'_, ()>>, stop: &Stop) -> Result<(), ServeError> {
    let Some(drain) = drain else { return Ok(()) };
    let since = Instant::now();
    while !drain.is_finished() {
        if since.elapsed() > GRACE {
            stop.abort.cancel();
        }
        thread::sleep(WATCH / 10);
    }
    drain.join().map_err(|_| ServeError::Ended("what drains the ledger"))
}
