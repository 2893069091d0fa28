//! The intake: takes tokens over HTTP from runners that hold no password of a database, and from GitLab.
//!
//! What a request asks for is done, or refused with a reason. `202`, and GitLab's `204`, are given only when the tokens are
//! committed: a server that dies before that was never believed, and a request that is repeated changes nothing.

mod body;
mod connections;
mod gitlab;
mod health;
mod item;
mod json;
mod keys;
mod line;
mod refusal;
mod router;
mod state;
mod tokens;
mod writer;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::accept::DefaultAcceptor;
use axum_server::tls_rustls::RustlsAcceptor;

use self::connections::Capped;
use self::keys::Keys;
use self::state::{Parts, State};
use self::writer::Writer;
use super::bearers::BearerFileError;
use super::log::Log;
use super::lookout::Lookout;
use super::metrics::Metrics;
use super::pool::Pool;
use super::snapshot::Snapshot;
use super::stop::Stop;
use super::tls::{Tls, TlsError, TlsFiles};
use crate::ledger::{KeyFileError, LedgerAddress};

/// How long the head of a request may take to arrive, and how long a connection may be idle.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);

/// How many headers a request may have.
const MAX_HEADERS: usize = 64;

/// How many bytes of a head are read.
const MAX_HEAD: usize = 64 * 1024;

/// How long answers under way may take when the server ends.
const GRACE: Duration = Duration::from_secs(10);

/// How many threads read the ledger.
const READERS: usize = 2;

/// Where the intake listens, whom it lets in, and what it has queues for.
#[derive(Clone, Debug)]
pub struct IntakeConfig {
    /// The address.
    pub listen: SocketAddr,
    /// The certificate; without one, whoever is in front of it has one.
    pub tls: Option<TlsFiles>,
    /// The file of bearer tokens.
    pub bearers: PathBuf,
    /// The private keys at hand, which open what runners seal.
    pub key_files: Vec<PathBuf>,
    /// The API bases that it has queues for, the first being that of a line without one.
    pub hosts: Vec<String>,
}

/// Why there is no intake.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntakeError {
    /// The bearer tokens.
    #[error(transparent)]
    Bearers(#[from] BearerFileError),
    /// The private keys.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address.
    #[error("cannot listen at {address}: {source}; name another address with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

/// An intake that is ready to answer.
pub(super) struct Intake {
    state: Arc<State>,
    listener: TcpListener,
    tls: Option<Tls>,
    handle: Handle<SocketAddr>,
    /// Where it listens: the port is known by now.
    pub(super) address: SocketAddr,
}

/// What an intake shares with the rest of the server.
pub(super) struct Shared<'a> {
    pub(super) ledger: &'a LedgerAddress,
    pub(super) run: &'a str,
    pub(super) metrics: &'a Metrics,
    pub(super) log: &'a Log,
    pub(super) stop: &'a Stop,
}

impl Intake {
    /// Reads its files and listens; answers nobody yet.
    pub(super) fn open(config: &IntakeConfig, shared: &Shared<'_>) -> Result<Self, IntakeError> {
        // One writer at a time is all that a file allows.
        let writers = if matches!(shared.ledger, LedgerAddress::Sqlite(_)) { 1 } else { 4 };
        let parts = Parts {
            hosts: config.hosts.clone(),
            writer: Writer::new(shared.ledger, writers, shared.run),
            readers: Pool::new(shared.ledger, READERS),
            lookout: Lookout::new(shared.ledger, Snapshot::read),
            ready: Lookout::new(shared.ledger, |ledger| ledger.hosts().map(drop)),
            keys: Keys::read(&config.key_files, &config.hosts)?,
            metrics: shared.metrics.clone(),
            log: shared.log.clone(),
            stop: shared.stop.clone(),
        };
        let state = Arc::new(State::new(config.bearers.clone(), parts)?);
        let tls = config.tls.as_ref().map(Tls::read).transpose()?;
        let failed = |source| IntakeError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Intake { state, listener, tls, handle: Handle::new(), address })
    }

    /// What steers it while it answers.
    pub(super) fn control(&self) -> Control {
        Control { state: Arc::clone(&self.state), tls: self.tls.clone(), handle: self.handle.clone() }
    }

    /// Answers until it is told to end.
    pub(super) async fn serve(self) -> io::Result<()> {
        let router = router::router(&self.state, &self.handle).into_make_service();
        let handle = self.handle.clone();
        let mut server = axum_server::from_tcp(self.listener)?.handle(handle.clone()).http1_only();
        server
            .http_builder()
            .http1()
            .header_read_timeout(HEAD_DEADLINE)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEAD);
        let server = server.first_request_timeout(HEAD_DEADLINE);
        match self.tls {
            Some(tls) => {
                let inner = RustlsAcceptor::new(tls.config);
                server.acceptor(Capped { inner, handle }).serve(router).await
            }
            None => server.acceptor(Capped { inner: DefaultAcceptor, handle }).serve(router).await,
        }
    }
}

/// Steers an intake.
pub(super) struct Control {
    state: Arc<State>,
    tls: Option<Tls>,
    handle: Handle<SocketAddr>,
}

impl Control {
    /// Has it read its files again.
    pub(super) fn reload(&self) {
        self.state.reload();
        if let Some(tls) = &self.tls {
            match tls.reload() {
                Ok(()) => self.state.log.info("read the certificate again"),
                Err(error) => self.state.log.warn(&format!("the certificate stays as it was: {error}")),
            }
        }
    }

    /// Has it end: nobody is let in, and answers under way are finished.
    pub(super) fn end(&self) {
        self.handle.graceful_shutdown(Some(GRACE));
    }
}
