//! A client for one GitHub, in a version of the REST API that it understands.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::host::{Flavour, Host};
use crate::github::{ApiVersion, Release, is_unknown_version};
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
        if is_unknown_version(&response) {
            *self.unknown() = Some(version);
        }
        Ok(response)
    }
}

#[cfg(test)]
pub(super) mod testing {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::sync::Arc;

    use super::*;
    use crate::provider::github::host::HostChoice;

    /// The heads of the requests that arrived, in small letters.
    pub(in super::super) type Heads = Arc<Mutex<Vec<String>>>;

    /// A client of a github.com on this machine, which gives the same answer to every request.
    pub(in super::super) fn answered_with(response: &'static str) -> (Client, Heads) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = Heads::default();
        let arrived = Arc::clone(&heads);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                // Before the answer: whoever has it may look at once.
                arrived.lock().unwrap().push(head(&stream));
                let _ = stream.write_all(response.as_bytes());
            }
        });
        let choice = HostChoice { api_url: Some(url), ..HostChoice::default() };
        let host = Host::choose(&choice).unwrap();
        (Client::new(&host, &Connection::new(host.clone())).unwrap(), heads)
    }

    fn head(stream: &TcpStream) -> String {
        let lines = BufReader::new(stream).lines().map_while(Result::ok);
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        head.join("\n").to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Method;
    use crate::provider::github::request;

    #[test]
    fn a_version_that_is_not_known_gives_way_to_the_other() {
        let body = r#"{"message":"not a supported version"}"#;
        assert_eq!(body.len(), 37);
        let (client, heads) = testing::answered_with(concat!(
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 37\r\nconnection: close\r\n\r\n",
            r#"{"message":"not a supported version"}"#
        ));
        for _ in 0..2 {
            let response = client.send(|version| request::new(Method::Get, "/meta", version)).unwrap();
            assert_eq!((response.status, response.body.as_slice()), (400, body.as_bytes()));
        }
        let heads = heads.lock().unwrap();
        let versions = ["2026-03-10", "2022-11-28"];
        assert_eq!(heads.len(), versions.len());
        for (head, version) in heads.iter().zip(versions) {
            assert!(head.contains(&format!("x-github-api-version: {version}")), "{head}");
        }
    }

    #[test]
    fn a_server_is_spoken_to_in_the_version_its_release_knows() {
        let client = |name| {
            let host = Host::parse(name).unwrap();
            Client::new(&host, &Connection::new(host.clone())).unwrap()
        };
        let ours = client("github.com");
        assert!(!ours.is_server());
        assert_eq!((ours.release(), ours.version()), (None, ApiVersion::V2026));
        let mut server = client("ghes.example");
        assert!(server.is_server());
        assert_eq!((server.release(), server.version()), (None, ApiVersion::V2022));
        let release = Release::new(3, 21);
        server.set_release(release);
        assert_eq!((server.release(), server.version()), (Some(release), ApiVersion::V2026));
    }
}
