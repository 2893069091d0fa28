//! A body in chunks (RFC 9112, 7.1): each has its size in front of it, in hexadecimal digits.

use std::io::{self, Read};

use crate::source::unpack::input::Input;

/// The longest line of a size, its extensions included, in bytes.
pub(super) const LONGEST_SIZE: usize = 4096;

/// Whether a chunk begins so: the size, and the end of its line.
pub(super) fn begins(head: &[u8]) -> bool {
    size(head).is_some()
}

/// The size of a chunk, and how long its line is.
fn size(head: &[u8]) -> Option<(u64, usize)> {
    let end = memchr::memchr(b'\n', head)?;
    let line = head[..end].trim_ascii_end();
    let digits = line.split(|byte| *byte == b';').next().unwrap_or(line).trim_ascii();
    let text = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
    Some((u64::from_str_radix(text, 16).ok()?, end + 1))
}

/// The content of the chunks, joined.
pub(super) struct Chunked<'i, 'a> {
    input: &'i mut Input<'a>,
    /// How many bytes of the chunk are left.
    left: u64,
    ended: bool,
}

impl<'i, 'a> Chunked<'i, 'a> {
    pub(super) fn new(input: &'i mut Input<'a>) -> Self {
        Chunked { input, left: 0, ended: false }
    }

    /// Passes over the rest, and the fields behind it (7.1.2); whether the last chunk was there.
    pub(super) fn finish(mut self) -> io::Result<bool> {
        io::copy(&mut self, &mut io::sink())?;
        while self.ended {
            let line = self.input.peek(LONGEST_SIZE)?;
            let Some(end) = memchr::memchr(b'\n', line) else { break };
            let is_last = line[..end].trim_ascii().is_empty();
            self.input.skip(end as u64 + 1)?;
            if is_last {
                break;
            }
        }
        Ok(self.ended)
    }
}

impl Read for Chunked<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.ended || buf.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            // The data ends with a line end of its own.
            while matches!(self.input.peek(1)?, [b'\r' | b'\n']) {
                self.input.skip(1)?;
            }
            let Some((size, line)) = size(self.input.peek(LONGEST_SIZE)?) else {
                let behind = !self.input.peek(1)?.is_empty();
                let error = io::Error::new(io::ErrorKind::InvalidData, "no chunk where one should begin");
                return if behind { Err(error) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            };
            self.input.skip(line as u64)?;
            (self.left, self.ended) = (size, size == 0);
            if self.ended {
                return Ok(0);
            }
        }
        let most = usize::try_from(self.left).map_or(buf.len(), |left| left.min(buf.len()));
        let read = self.input.read(&mut buf[..most])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}
