//! A second provider, for tests only: what a new one takes is a rule file, a file like this one and a row in the table.
//!
//! Acme revokes ten keys a request and takes five requests an hour.

use std::time::Duration;

use super::github::host::Host;
use super::{
    CallCounter, ConnectError, Connection, Limits, Liveness, Outcome, Provider, RevokeResponse, Revoker,
};
use crate::http::{self, Body, Client, Method, Request};
use crate::revocation::Batch;
use crate::token::{RevokedBy, Token};

pub(super) static PROVIDER: Provider = Provider {
    name: "acme",
    max_batch: 10,
    per_hour: 5,
    batch_call: "POST /v1/keys/revoke",
    self_call: "",
    has_host_flags: false,
    consequence: "",
    connect: |connection| Ok(Box::new(Acme::new(&connection)?)),
};

/// Where Acme answers unless a host was named.
const API: &str = "api.acme.example";

struct Acme {
    client: Client,
    api_base: String,
}

impl Acme {
    fn new(connection: &Connection) -> Result<Self, ConnectError> {
        let host = connection.host.as_ref();
        let options = http::Options {
            base_url: host.map_or_else(|| format!("https://{API}"), Host::api_base),
            ca_cert: connection.ca_cert.clone(),
            timeout: connection.timeout,
            cancel: connection.cancel.clone(),
        };
        let client = Client::new(&options).map_err(ConnectError::new)?;
        Ok(Acme { client, api_base: host.map_or_else(|| API.to_owned(), Host::api_base) })
    }
}

impl Revoker for Acme {
    fn limits(&self) -> Limits {
        Limits {
            host: self.api_base.clone(),
            identity: "anonymous".to_owned(),
            max_batch: PROVIDER.max_batch,
            per_hour: PROVIDER.per_hour,
            batch_kinds: PROVIDER.kinds(RevokedBy::Batch),
            undecided_kinds: Vec::new(),
            self_kinds: Vec::new(),
            self_interval: Duration::ZERO,
            self_parallel: 1,
        }
    }

    fn prepare(&mut self, _: &mut dyn CallCounter) -> Result<Option<String>, ConnectError> {
        Ok(None)
    }

    fn revoke(&self, batch: &Batch<'_>) -> RevokeResponse {
        let request = Request {
            method: Method::Post,
            path: "/v1/keys/revoke".to_owned(),
            headers: Vec::new(),
            bearer: None,
            body: Body::Tokens { field: "keys", tokens: batch.tokens() },
        };
        match self.client.send(&request) {
            Ok(response) => {
                let outcome = if response.status == 200 { Outcome::Accepted } else { Outcome::Trouble };
                let base = RevokeResponse::without_status(outcome, String::new());
                RevokeResponse { status: Some(response.status), ..base }
            }
            Err(error) => RevokeResponse::from_transport(error),
        }
    }

    fn revoke_self(&self, _: &Token) -> RevokeResponse {
        RevokeResponse::without_status(Outcome::Denied, "no key revokes itself".to_owned())
    }

    fn liveness(&self, _: &Token) -> Liveness {
        Liveness::Unknown
    }
}
