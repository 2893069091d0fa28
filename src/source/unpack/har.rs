//! HAR: what browsers and proxies record of pages (<http://www.softwareishard.com/blog/har-12-spec/>), JSON with the bodies of
//! responses in it, those that are no text in base64.
//!
//! All of it is scanned as it stands, base64 included. Handed on besides are bodies that are containers, however large.

use std::io::{self, BufRead, BufReader, Read};

use memchr::memchr2;
use zeroize::{Zeroize as _, Zeroizing};

use super::besides::ReadBesides;
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::open_container::{Content, MemberName, OpenContainer, Region};
use super::transfer::Decoder;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "HAR",
    first_bytes: b"{\xef",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Besides(ReadBesides::Forwards(open)),
    merges_with_compressor: false,
    member_path: "a.har!entry 3!inner/path",
};

/// How much of a body in base64 decides what it is, in bytes.
const HEAD: usize = 1024;
/// How much of a key is looked at, in bytes.
const MAX_KEY: usize = 32;

/// Whether it begins with an object whose first member is the log (section "log").
fn begins(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let mut rest = head;
    for token in [&b"{"[..], b"\"log\"", b":", b"{"] {
        let Some(behind) = rest.trim_ascii_start().strip_prefix(token) else { return false };
        rest = behind;
    }
    true
}

fn open(container: &OpenContainer<'_>, file: &mut dyn Read) {
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    let input = Input::reader(&mut reader, container.budget);
    // Whoever scans the bytes reports it where they cannot be read.
    let _ = Har { container, input, entry: 0 }.read();
}

struct Har<'c, 'i> {
    container: &'c OpenContainer<'c>,
    input: Input<'i>,
    /// How many entries were begun: each has one request.
    entry: u64,
}

impl Har<'_, '_> {
    /// Reads the strings, keys among them, and passes over all else.
    fn read(&mut self) -> io::Result<()> {
        let mut key = Vec::new();
        while self.next_of(|byte| byte == b'"')?.is_some() {
            self.input.skip(1)?;
            key.clear();
            self.read_string(&mut key)?;
            // A string that a colon follows is a key.
            if self.next_of(|byte| !byte.is_ascii_whitespace())? != Some(b':') {
                continue;
            }
            self.entry += u64::from(key == b"request");
            self.input.skip(1)?;
            if self.next_of(|byte| !byte.is_ascii_whitespace())? != Some(b'"') {
                continue;
            }
            self.input.skip(1)?;
            // Bodies, and the messages of web sockets.
            if matches!(&key[..], b"text" | b"data") && !self.read_body()? {
                return Ok(());
            }
            self.read_string(&mut Vec::new())?;
        }
        Ok(())
    }

    /// Passes over bytes up to one of these, which is left.
    fn next_of(&mut self, wanted: impl Fn(u8) -> bool) -> io::Result<Option<u8>> {
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let at = bytes.iter().position(|byte| wanted(*byte));
            let found = at.and_then(|at| bytes.get(at).copied());
            let len = at.unwrap_or(bytes.len());
            self.input.consume(len);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Reads the rest of a string, and its quote; its beginning is kept.
    fn read_string(&mut self, kept: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                return Ok(());
            }
            let at = memchr2(b'"', b'\\', bytes);
            let len = at.unwrap_or(bytes.len());
            let ends = at.and_then(|at| bytes.get(at)) == Some(&b'"');
            let keep = len.min(MAX_KEY.saturating_sub(kept.len()));
            kept.extend_from_slice(bytes.get(..keep).unwrap_or_default());
            self.input.consume(len);
            match at {
                Some(_) if ends => return self.input.skip(1).map(drop),
                // What is escaped is one more byte at least.
                Some(_) => self.input.skip(2).map(drop)?,
                None => {}
            }
        }
    }

    /// Hands on a body that is a container in base64; whether to go on. What is left of it, its quote included, is not read.
    fn read_body(&mut self) -> io::Result<bool> {
        let mut head = Zeroizing::new(Vec::new());
        let ahead = self.input.peek(HEAD)?;
        let end = memchr::memchr(b'"', ahead).unwrap_or(ahead.len());
        let text = ahead.get(..end).unwrap_or_default();
        let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\\-_".contains(byte);
        if text.len() < 24 || !text.iter().all(is_base64) {
            return Ok(true);
        }
        let mut decoder = Decoder::named(b"base64");
        decoder.decode(text, &mut head);
        if !self.container.is_container(&head) {
            return Ok(true);
        }
        if !self.container.begin_part() {
            return Ok(false);
        }
        let name = MemberName::from_text(format!("entry {}", self.entry));
        let decoder = Decoder::named(b"base64");
        let mut body = Body { input: &mut self.input, decoder, pending: Vec::new(), given: 0, ended: false };
        self.container.hand_over(Region::Member(&name), Content::Stored(&mut body));
        Ok(self.container.may_continue())
    }
}

/// Decodes a string in base64, up to its quote, which is left.
struct Body<'b, 'i> {
    input: &'b mut Input<'i>,
    decoder: Decoder,
    pending: Vec<u8>,
    given: usize,
    ended: bool,
}

impl Read for Body<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.given == self.pending.len() && !self.ended {
            self.pending.clear();
            self.given = 0;
            let bytes = self.input.fill_buf()?;
            let end = memchr::memchr(b'"', bytes);
            let len = end.unwrap_or(bytes.len());
            // The backslash of `\/` is not of the alphabet, and passed over.
            self.decoder.decode(bytes.get(..len).unwrap_or_default(), &mut self.pending);
            self.ended = end.is_some() || bytes.is_empty();
            self.input.consume(len);
            if self.ended
                && let Decoder::Base64(base64) = &mut self.decoder
            {
                base64.end(&mut self.pending);
            }
        }
        let rest = self.pending.get(self.given..).unwrap_or_default();
        let len = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..len), rest.get(..len)) {
            to.copy_from_slice(from);
        }
        self.given += len;
        Ok(len)
    }
}

impl Drop for Body<'_, '_> {
    fn drop(&mut self) {
        self.pending.zeroize();
    }
}
