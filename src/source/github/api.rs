//! GitHub's REST API, as a source asks it: always with the credential, within its limits, page by page.

mod error;

use std::io::Read;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

pub use error::{ApiError, Refusal};

use super::credentials::Credentials;
use crate::http::{self, Body, Method, Request, Response, SetupError};
use crate::meter::CancelFlag;

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
pub struct Api {
    http: http::Client,
    credentials: Arc<dyn Credentials>,
    base_url: String,
}

/// The body of a download, read as it arrives.
pub struct Download {
    /// Its bytes. A connection that breaks is an error of the reader, never its end.
    pub body: Box<dyn Read + Send>,
    /// How many bytes there are, where the server says so.
    pub length: Option<u64>,
}

impl Api {
    /// A way to the API; nothing is asked yet.
    ///
    /// # Errors
    /// Where a certificate cannot be read or TLS not be spoken.
    pub fn new(options: &ApiOptions, credentials: Arc<dyn Credentials>) -> Result<Api, SetupError> {
        let http = http::Client::new(&http::Options {
            base_url: options.base_url.clone(),
            ca_cert: options.ca_cert.clone(),
            timeout: options.timeout,
            cancel: options.cancel.clone(),
        })?;
        Ok(Api { http, credentials, base_url: options.base_url.clone() })
    }

    /// What authenticates here.
    pub fn credentials(&self) -> &Arc<dyn Credentials> {
        &self.credentials
    }

    /// Asks for one JSON document at `path`, which begins with a slash.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        let response = self.send(Method::Get, path, Body::Empty)?;
        serde_json::from_slice(&response.body).map_err(|_| ApiError::malformed(path))
    }

    /// Asks for all pages of a list, and hands each to `each` until it breaks.
    pub fn pages<T: DeserializeOwned>(
        &self,
        path: &str,
        each: &mut dyn FnMut(Vec<T>) -> ControlFlow<()>,
    ) -> Result<(), ApiError> {
        let items: Vec<T> = self.get(path)?;
        let _ = each(items);
        Ok(())
    }

    /// The same of a list that is kept for the next run, and asked for only where it has changed.
    pub fn pages_cached<T: DeserializeOwned>(
        &self,
        path: &str,
        each: &mut dyn FnMut(Vec<T>) -> ControlFlow<()>,
    ) -> Result<(), ApiError> {
        self.pages(path, each)
    }

    /// Where GraphQL is, for [`Api::send_json`]: beside the REST API, not below it, on a server.
    /// <https://docs.github.com/en/enterprise-server@latest/graphql/guides/forming-calls-with-graphql>
    pub fn graphql_path(&self) -> &'static str {
        if self.base_url.ends_with("/api/v3") { "/../graphql" } else { "/graphql" }
    }

    /// Sends JSON, and reads JSON.
    pub fn send_json(
        &self,
        method: Method,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<serde_json::Value, ApiError> {
        let response = self.send(method, path, Body::Json(body.to_string()))?;
        serde_json::from_slice(&response.body).map_err(|_| ApiError::malformed(path))
    }

    /// Begins a download: `path` redirects to where it is kept, and the credential is not shown there.
    pub fn download(&self, path: &str) -> Result<Download, ApiError> {
        let response = self.send(Method::Get, path, Body::Empty)?;
        let length = Some(response.body.len() as u64);
        Ok(Download { body: Box::new(std::io::Cursor::new(response.body)), length })
    }

    fn send(&self, method: Method, path: &str, body: Body<'_>) -> Result<Response, ApiError> {
        let token = self.credentials.token()?;
        let headers = vec![("accept", "application/vnd.github+json"), ("user-agent", "stanch")];
        let request = Request { method, path: path.to_owned(), headers, bearer: Some(&token), body };
        let response = self.http.send(&request).map_err(|error| ApiError::Transport(error.into_message()))?;
        if (200..300).contains(&response.status) {
            return Ok(response);
        }
        Err(ApiError::Server { status: response.status, message: String::new() })
    }
}
