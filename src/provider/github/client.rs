//! A client for one GitHub, in a version of the REST API that it understands.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::host::{Flavour, Host};
use super::response;
use super::version::{ApiVersion, Release};
use crate::http::{self, Request, Response, SetupError, TransportError};
use crate::provider::Connection;

/// A host, the way to it, and the version of the API it was found to understand.
pub(super) struct Client {
    host: Host,
    http: http::Client,
    release: Option<Release>,
    /// The version the server last refused as unknown.
    unknown: Mutex<Option<ApiVersion>>,
}

impl Client {
    pub(super) fn new(host: &Host, connection: &Connection) -> Result<Self, SetupError> {
        let Connection { ca_cert, timeout, cancel, .. } = connection;
        let http = http::Client::new(&http::Options {
            base_url: host.api_base(),
            ca_cert: ca_cert.clone(),
            timeout: *timeout,
            cancel: cancel.clone(),
        })?;
        Ok(Client { host: host.clone(), http, release: None, unknown: Mutex::new(None) })
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn is_server(&self) -> bool {
        self.host.flavour() == Flavour::Server
    }

    pub(super) fn release(&self) -> Option<Release> {
        self.release
    }

    pub(super) fn set_release(&mut self, release: Release) {
        self.release = Some(release);
    }

    fn version(&self) -> ApiVersion {
        let first = ApiVersion::for_host(self.host.flavour(), self.release);
        if *self.unknown() == Some(first) { first.other() } else { first }
    }

    fn unknown(&self) -> MutexGuard<'_, Option<ApiVersion>> {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends one request. A server that does not know its version gets later ones in the other version.
    pub(super) fn send<'a>(
        &self,
        request: impl FnOnce(ApiVersion) -> Request<'a>,
    ) -> Result<Response, TransportError> {
        let version = self.version();
        let response = self.http.send(&request(version))?;
        if response::is_unknown_version(&response) {
            *self.unknown() = Some(version);
        }
        Ok(response)
    }
}
