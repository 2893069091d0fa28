//! As much HTTP/1.1 as one request and one answer need, on `std::net`.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub struct Seen {
    pub at: Instant,
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The token of `Authorization: Bearer TOKEN`.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// The tokens of `{"credentials": […]}`; empty where the body is something else.
    pub fn tokens(&self) -> Vec<String> {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        let texts = body["credentials"].as_array().into_iter().flatten();
        texts.filter_map(|text| text.as_str().map(str::to_owned)).collect()
    }
}

/// Reads one request; none where the peer went away before it was whole.
pub fn read(stream: &TcpStream) -> Option<Seen> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut parts = line.split_whitespace();
    let (method, path) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut seen = Seen { at: Instant::now(), method, path, headers, body: String::new() };
    let len = seen.header("content-length").map_or(0, |len| len.parse().unwrap());
    let mut body = vec![0; len];
    reader.read_exact(&mut body).ok()?;
    seen.body = String::from_utf8(body).ok()?;
    Some(seen)
}

/// An answer to be written.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Reply {
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        let kind = ("Content-Type", "application/json; charset=utf-8".to_owned());
        Reply { status, headers: vec![kind], body: body.into() }
    }

    pub fn page(status: u16, body: &str) -> Self {
        Reply { status, headers: vec![("Content-Type", "text/html".to_owned())], body: body.to_owned() }
    }

    pub fn empty(status: u16) -> Self {
        Reply { status, headers: Vec::new(), body: String::new() }
    }

    /// GitHub's form of an error.
    pub fn error(status: u16, message: &str) -> Self {
        let body = serde_json::json!({
            "message": message,
            "documentation_url": "https://docs.github.com/rest",
            "status": status.to_string(),
        });
        Reply::json(status, body.to_string())
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl std::fmt::Display) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// Writes it; the peer may be gone, which is its own affair. That the connection is closed behind it is not said:
    /// a peer that means to use it again finds out.
    pub fn write(&self, mut stream: &TcpStream) {
        let mut head = format!("HTTP/1.1 {} Scripted\r\n", self.status);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if self.status != 204 {
            let _ = write!(head, "Content-Length: {}\r\n", self.body.len());
        }
        let _ = stream.write_all(format!("{head}\r\n{}", self.body).as_bytes());
    }
}
