//! HTTP/1.1 for connections that carry more than one request, and bodies that are no text.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use super::super::http::ReceivedRequest;

/// A request, with its body as it came.
pub(super) struct Incoming {
    pub(super) request: ReceivedRequest,
    pub(super) body: Vec<u8>,
}

impl Incoming {
    pub(super) fn path(&self) -> &str {
        self.request.path.split('?').next().unwrap_or_default()
    }

    pub(super) fn query(&self) -> &str {
        self.request.path.split_once('?').map_or("", |(_, query)| query)
    }

    /// A parameter of the query, decoded.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self.query().split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value)).next()
    }
}

/// The bytes that a text with `%XX` and `+` stands for.
pub(super) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        if let Some(byte) = escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(byte);
            at += 3;
        } else {
            out.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Reads the next request of a connection; none where the peer has gone.
pub(super) fn read(reader: &mut BufReader<&TcpStream>) -> Option<Incoming> {
    let first = line(reader)?;
    let mut parts = first.split_whitespace();
    let (method, path) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut headers = Vec::new();
    while let Some((name, value)) = line(reader)?.split_once(':') {
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = ReceivedRequest { at: Instant::now(), method, path, headers, body: String::new() };
    if request.header("expect").is_some() {
        let mut stream = *reader.get_ref();
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    let body = if request.header("transfer-encoding").is_some() {
        chunks(reader)?
    } else {
        let len = request.header("content-length").map_or(Some(0), |len| len.parse().ok())?;
        bytes(reader, len)?
    };
    request.body = String::from_utf8_lossy(&body).into_owned();
    Some(Incoming { request, body })
}

fn line(reader: &mut BufReader<&TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = reader.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

fn bytes(reader: &mut BufReader<&TcpStream>, len: usize) -> Option<Vec<u8>> {
    let mut body = vec![0; len];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

fn chunks(reader: &mut BufReader<&TcpStream>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let len = usize::from_str_radix(&line(reader)?, 16).ok()?;
        body.extend(bytes(reader, len)?);
        line(reader)?;
        if len == 0 {
            return Some(body);
        }
    }
}

/// Writes an answer of bytes that ends with the connection, or where `length` says so.
pub(super) fn write_head(mut stream: &TcpStream, status: u16, headers: &[(&str, String)]) -> Option<()> {
    let mut head = format!("HTTP/1.1 {status} Scripted\r\n");
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).ok()
}
