//! The way to the API, and what all its callers share.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::error::ApiError;
use super::limiter::Limiter;
use super::page_store::PageStore;
use super::wait::Watch;
use crate::github::{ApiVersion, Flavour};
use crate::http::{self, Downloads, SetupError};
use crate::meter::CancelFlag;
use crate::source::github::credentials::Credentials;

/// The longest page that is read: a hundred of the longest things that GitHub lists are a quarter of it.
pub(super) const LONGEST_PAGE: usize = 16 * 1024 * 1024;

/// How the API is reached, and how fast.
#[derive(Clone, Debug)]
pub struct ApiOptions {
    /// The root of the API, without a slash at the end.
    pub base_url: String,
    /// Certificates to trust besides the system's: a file in PEM form.
    pub ca_cert: Option<PathBuf>,
    /// How long a request may take; of a download, how long it may stand still.
    pub timeout: Duration,
    /// The pause between two requests that change something.
    pub min_interval: Duration,
    /// Ends any waiting soon after it is set.
    pub cancel: CancelFlag,
}

/// The API of one GitHub. Called from many threads at once, which share its limits.
///
/// A request may be sent twice: after an answer that was lost, or an error of the server.
pub struct Api {
    pub(super) http: http::Client,
    pub(super) downloads: Downloads,
    pub(super) credentials: Arc<dyn Credentials>,
    pub(super) base_url: String,
    pub(super) limiter: Limiter,
    pub(super) store: Option<PageStore>,
    pub(super) tally: Tally,
    /// Whether the server turned out not to know the version that it was asked in first.
    pub(super) other_version: AtomicBool,
}

/// How much was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests to the API; downloads from elsewhere are none.
    pub requests: u64,
    /// Those among them that were answered with "not modified", which costs no quota.
    pub unchanged: u64,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) requests: AtomicU64,
    pub(super) unchanged: AtomicU64,
    /// What single sign-on hides from a list.
    pub(super) withheld: OnceLock<String>,
    /// That the credential is not known, once that was said.
    pub(super) refused: OnceLock<ApiError>,
}

impl Api {
    /// A way to the API; nothing is asked yet.
    ///
    /// # Errors
    /// Where a certificate cannot be read or TLS not be spoken.
    pub fn new(options: &ApiOptions, credentials: Arc<dyn Credentials>) -> Result<Api, SetupError> {
        let way = http::Options {
            base_url: options.base_url.clone(),
            ca_cert: options.ca_cert.clone(),
            timeout: options.timeout,
            cancel: options.cancel.clone(),
        };
        Ok(Api {
            http: http::Client::reading(&way, LONGEST_PAGE)?,
            downloads: Downloads::new(&way)?,
            credentials,
            base_url: options.base_url.clone(),
            limiter: Limiter::new(options.min_interval, options.cancel.clone()),
            store: None,
            tally: Tally::default(),
            other_version: AtomicBool::new(false),
        })
    }

    /// The same, which keeps the pages of lists.
    #[must_use]
    pub fn with_pages(self, store: PageStore) -> Api {
        Api { store: Some(store), ..self }
    }

    /// The same, which tells of every wait that all threads share, once.
    #[must_use]
    pub fn watched_by(mut self, watch: Watch) -> Api {
        self.limiter.watch = Some(watch);
        self
    }

    /// What authenticates here.
    pub fn credentials(&self) -> &Arc<dyn Credentials> {
        &self.credentials
    }

    /// How much was asked so far.
    pub fn counts(&self) -> Counts {
        let Tally { requests, unchanged, .. } = &self.tally;
        Counts { requests: requests.load(Relaxed), unchanged: unchanged.load(Relaxed) }
    }

    /// What a list was said to leave out, though it was answered: the first that was told.
    pub fn withheld(&self) -> Option<&str> {
        self.tally.withheld.get().map(String::as_str)
    }

    /// Where GraphQL is, for [`Api::send_json`]: beside the REST API, not below it, on a server.
    /// <https://docs.github.com/en/enterprise-server@latest/graphql/guides/forming-calls-with-graphql>
    pub fn graphql_path(&self) -> &'static str {
        if self.is_server() { "/../graphql" } else { "/graphql" }
    }

    fn is_server(&self) -> bool {
        self.base_url.ends_with("/api/v3")
    }

    /// The version to ask in: the newest, at a server the one that each of them knows; else the other one.
    pub(super) fn version(&self) -> ApiVersion {
        let flavour = if self.is_server() { Flavour::Server } else { Flavour::GitHubCom };
        let first = ApiVersion::for_host(flavour, None);
        if self.other_version.load(Relaxed) { first.other() } else { first }
    }
}
