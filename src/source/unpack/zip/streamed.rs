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
    crc: crc32fast::Hasher,
    /// Whether the descriptor is reached.
    ended: bool,
    /// The checksum that it states.
    expected: u32,
}

impl<'i, 'a> Streamed<'i, 'a> {
    pub(super) fn new(input: &'i mut Input<'a>) -> Self {
        Streamed { input, read: 0, crc: crc32fast::Hasher::new(), ended: false, expected: 0 }
    }

    /// Whether the descriptor is reached: then it is known where the next member begins.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }
}

impl Read for Streamed<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        if self.ended {
            let sound = self.crc.clone().finalize() == self.expected;
            let error = || io::Error::new(ErrorKind::InvalidData, "its checksum does not hold");
            return if sound { Ok(0) } else { Err(error()) };
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
        self.crc.update(&buf[..len]);
        if end == Some(len) {
            let sum = &bytes[len..];
            (self.ended, self.expected) = (true, le32(sum, if sum.starts_with(DESCRIPTOR) { 4 } else { 0 }));
        }
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
    fn the_checksum_is_that_of_the_descriptor() {
        use std::sync::Arc;

        use crate::source::unpack::budget::Budget;
        use crate::source::unpack::limits::Limits;
        use crate::source::unpack::semaphore::Semaphore;
        let budget = Budget::new(Limits::default(), &Arc::new(Semaphore::new()));
        let (data, len) = (b"some data", 9_u32.to_le_bytes());
        for (signature, wrong) in [(DESCRIPTOR, 0), (DESCRIPTOR, 1), (b"", 0), (b"", 1)] {
            let sum = (crc32fast::hash(data) ^ wrong).to_le_bytes();
            let bytes = [&data[..], signature, &sum, &len, &len, b"PK\x01\x02"].concat();
            let mut input = Input::memory(&bytes, &budget);
            let (mut member, mut read) = (Streamed::new(&mut input), Vec::new());
            assert_eq!(member.read_to_end(&mut read).is_ok(), wrong == 0, "{signature:?}");
            assert!(member.has_ended() && read == data, "{read:?}");
        }
    }

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
