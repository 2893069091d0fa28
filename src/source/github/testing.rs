//! A small GitHub on this machine, for tests: it answers as it is told to, and notes what it was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::api::{Api, ApiOptions};
use super::credentials::StaticCredential;
use super::names::RepositoryName;
use crate::blob::Fault;
use crate::checksum::crc32_base62;
use crate::detect::Detector;
use crate::finding::{Finding, Findings};
use crate::meter::{CancelFlag, Meter};
use crate::rule;
use crate::scan::Collector;
use crate::source::unpack::{Limits, Unpack};
use crate::token::{Kind, Token};

/// Where its API is: whatever else it has is elsewhere.
pub(super) const API: &str = "/api";

/// A request, as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    /// The path below the API's own, and the query behind a `?`.
    pub(super) target: String,
    /// The head in small letters.
    pub(super) head: String,
    pub(super) body: String,
}

impl Asked {
    /// The value of a part of the query.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let (_, query) = self.target.split_once('?')?;
        query
            .split('&')
            .filter_map(|part| part.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, it)| it)
    }

    /// The path alone.
    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The server's own address, as it was asked by.
    pub(super) fn host(&self) -> &str {
        self.head.split("\nhost: ").nth(1).and_then(|rest| rest.lines().next()).unwrap_or_default()
    }

    pub(super) fn is_authenticated(&self) -> bool {
        self.head.contains("\nauthorization:")
    }
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// The connection breaks after so many bytes of the body.
    pub(super) breaks_after: Option<usize>,
}

impl Answer {
    pub(super) fn json(status: u16, body: &serde_json::Value) -> Answer {
        Answer::bytes(status, body.to_string().into_bytes())
    }

    pub(super) fn bytes(status: u16, body: Vec<u8>) -> Answer {
        Answer { status, headers: Vec::new(), body, breaks_after: None }
    }

    pub(super) fn error(status: u16, message: &str) -> Answer {
        Answer::json(status, &serde_json::json!({ "message": message }))
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }
}

/// A GitHub that answers with `script`.
pub(super) struct Server {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub(super) fn new(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (asked, script) = (Arc::<Mutex<Vec<Asked>>>::default(), Arc::new(script));
        let notes = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (notes, script) = (Arc::clone(&notes), Arc::clone(&script));
                std::thread::spawn(move || serve(stream, &notes, &*script));
            }
        });
        Server { url, asked }
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.lock().clone()
    }

    /// How often something below this path was asked for.
    pub(super) fn count(&self, part: &str) -> usize {
        self.lock().iter().filter(|asked| asked.target.contains(part)).count()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Asked>> {
        self.asked.lock().expect("no test panics with it")
    }

    pub(super) fn api(&self) -> Api {
        let options = ApiOptions {
            base_url: format!("{}{API}", self.url),
            ca_cert: None,
            timeout: Duration::from_secs(20),
            min_interval: Duration::ZERO,
            cancel: CancelFlag::default(),
        };
        let token = Token::new(Kind::pat(), token(0).as_bytes());
        Api::new(&options, Arc::new(StaticCredential::new(token))).expect("a way to the API")
    }
}

fn serve(mut stream: TcpStream, notes: &Mutex<Vec<Asked>>, script: &dyn Fn(&Asked) -> Answer) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let lines = reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let head = format!("\n{}", lines.collect::<Vec<_>>().join("\n").to_ascii_lowercase());
    let length =
        head.split("\ncontent-length:").nth(1).and_then(|rest| rest.lines().next()?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).expect("a whole body");
    let mut parts = line.split(' ').map(str::to_owned);
    let (method, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let asked = Asked {
        method,
        target: target.strip_prefix(API).unwrap_or(&target).to_owned(),
        head,
        body: String::from_utf8(body).expect("text"),
    };
    let answer = script(&asked);
    notes.lock().expect("no test panics with it").push(asked);
    let mut head =
        format!("HTTP/1.1 {} Scripted\r\nconnection: close\r\nx-github-request-id: A:1\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.extend(["content-length: ", &answer.body.len().to_string(), "\r\n\r\n"]);
    let body = &answer.body[..answer.breaks_after.unwrap_or(answer.body.len())];
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

/// A valid token, minted here.
pub(super) fn token(n: u32) -> String {
    let body = format!("{n:030}");
    format!("ghp_{body}{}", String::from_utf8_lossy(&crc32_base62(body.as_bytes())))
}

pub(super) fn octo() -> RepositoryName {
    RepositoryName::parse("octo/hello").expect("a name")
}

/// What `read` finds, opening containers, and what it could not read.
pub(super) fn found(read: impl FnOnce(&Unpack<'_>)) -> (Vec<Finding>, Vec<Fault>) {
    let (detector, findings, meter) =
        (Detector::new(rule::built_in()), Findings::default(), Meter::default());
    let collector = Collector::new(&detector, &findings, &meter);
    read(&Unpack::new(&collector, Limits::default()));
    findings.finish()
}

/// The places of findings: `ROOT/PATH:LINE:COLUMN`.
pub(super) fn places(findings: &[Finding]) -> Vec<String> {
    let mut places: Vec<String> = findings
        .iter()
        .flat_map(|finding| &finding.locations)
        .map(|at| {
            let root = at.details().root.as_deref().unwrap_or_default();
            format!("{root}/{}:{}:{}", at.path, at.line, at.column)
        })
        .collect();
    places.sort();
    places
}
