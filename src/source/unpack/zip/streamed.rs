//! A stored member of a zip that was written to a pipe: its length stands only behind it, in the data descriptor (APPNOTE
//! 4.3.9). Where the directory cannot be looked up, the descriptor is recognized by what it states: that length, twice.

use std::io::{self, ErrorKind, Read};

use memchr::memmem;

use super::record::{CENTRAL, DESCRIPTOR, END, END_64, LOCAL, le32, le64};
use crate::source::unpack::input::Input;

/// How many bytes are looked through at a time.
const CHUNK: usize = 64 * 1024;
/// How many bytes at the end of those decide nothing yet: a descriptor, and the signature behind it.
const MARGIN: usize = 32;

/// Reads such a member up to its descriptor, which is left where it is.
pub(super) struct Streamed<'i, 'a> {
    input: &'i mut Input<'a>,
    read: u64,
    ended: bool,
}

impl<'i, 'a> Streamed<'i, 'a> {
    pub(super) fn new(input: &'i mut Input<'a>) -> Self {
        Streamed { input, read: 0, ended: false }
    }
}

impl Read for Streamed<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.ended || buf.is_empty() {
            return Ok(0);
        }
        let bytes = self.input.peek(CHUNK)?;
        let last = bytes.len() < CHUNK;
        let end = descriptor(bytes, self.read);
        let most = end.unwrap_or(if last { bytes.len() } else { bytes.len() - MARGIN });
        let len = most.min(buf.len());
        buf[..len].copy_from_slice(&bytes[..len]);
        if len == 0 && end.is_none() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.ended = end == Some(len);
        self.read += len as u64;
        self.input.skip(len as u64)?;
        Ok(len)
    }
}

/// Where the descriptor of a member begins of which `before` bytes stand in front of these: with or without its signature,
/// with sizes of four or eight bytes.
fn descriptor(bytes: &[u8], before: u64) -> Option<usize> {
    let states_len = |sizes: &[u8], end: usize| {
        let len = before + end as u64;
        let narrow = sizes.len() >= 8 && [0, 4].map(|at| u64::from(le32(sizes, at))) == [len; 2];
        narrow || sizes.len() >= 16 && [0, 8].map(|at| le64(sizes, at)) == [len; 2]
    };
    memmem::find_iter(bytes, b"PK").find_map(|at| {
        let rest = &bytes[at..];
        if rest.starts_with(DESCRIPTOR) {
            return states_len(rest.get(8..)?, at).then_some(at);
        }
        // One without its signature shows by the record that follows it.
        let follows = [LOCAL, CENTRAL, END, END_64].iter().any(|signature| rest.starts_with(signature));
        let ends = [12, 20].into_iter().filter_map(|len| at.checked_sub(len));
        ends.filter(|_| follows).find(|end| states_len(bytes.get(end + 4..at).unwrap_or_default(), *end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_states_the_length_of_what_is_before_it() {
        let data = b"PK\x07\x08 is no descriptor, PK\x03\x04 no header";
        let len = u32::try_from(data.len()).expect("short").to_le_bytes();
        let wide = [len, [0; 4]].concat();
        for (signature, sizes) in [
            (DESCRIPTOR, [len, len].concat()),
            (b"", [len, len].concat()),
            (DESCRIPTOR, [&wide[..], &wide].concat()),
            (b"", [&wide[..], &wide].concat()),
        ] {
            let all = [&data[..], signature, &[1, 2, 3, 4], &sizes, b"PK\x01\x02"].concat();
            assert_eq!(descriptor(&all, 0), Some(data.len()), "{signature:?} {sizes:?}");
            assert_eq!(descriptor(&all, 1), None);
        }
    }
}
