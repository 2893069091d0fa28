//! A record, read through its overflow pages (1.6, "Cell Payload Overflow Pages").

use std::io::{self, ErrorKind, Read};

use zeroize::Zeroizing;

use super::pages::{Pages, be32};

/// Reads a record from its beginning.
pub(super) struct Payload<'p, 'f> {
    pages: &'p mut Pages<'f>,
    /// The slot of the page that it begins in.
    slot: u32,
    /// What of the page was read last, from `at` on.
    bytes: Zeroizing<Vec<u8>>,
    at: usize,
    next: Option<u32>,
    /// How many bytes come behind those.
    left: u64,
    /// Whether what is missing is no damage.
    is_partial: bool,
}

impl<'p, 'f> Payload<'p, 'f> {
    /// A record of which `local` is in the page in `slot`, and which goes on for `left` bytes in the page `next`.
    pub(super) fn new(
        pages: &'p mut Pages<'f>,
        slot: u32,
        local: &[u8],
        (next, left): (Option<u32>, u64),
    ) -> Self {
        let bytes = Zeroizing::new(local.to_vec());
        Payload { pages, slot, bytes, at: 0, next, left, is_partial: false }
    }

    /// The same, of a record whose pages may be in another file, or have been written over: it ends where they do.
    pub(super) fn partial(self, is_partial: bool) -> Self {
        Payload { is_partial, ..self }
    }

    /// Passes over `len` bytes; an error where there are fewer.
    pub(super) fn skip(&mut self, mut len: u64) -> io::Result<()> {
        loop {
            let here = (self.bytes.len() - self.at) as u64;
            if len <= here {
                self.at += usize::try_from(len).unwrap_or(0);
                return Ok(());
            }
            len -= here;
            self.at = self.bytes.len();
            if !self.turn()? {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Goes on to the next page; whether there is one. Each gives some of what is left, so that a circle ends.
    fn turn(&mut self) -> io::Result<bool> {
        if self.left == 0 {
            return Ok(false);
        }
        let Some(number) = self.next else { return Ok(false) };
        let (size, usable) = (self.pages.size(), self.pages.usable());
        self.bytes.resize(size, 0);
        if let Err(error) = self.pages.read(number, self.slot, &mut self.bytes) {
            self.at = self.bytes.len();
            return if self.is_partial { Ok(false) } else { Err(error) };
        }
        self.next = be32(&self.bytes, 0).filter(|next| *next != 0);
        let here = usize::try_from(self.left).unwrap_or(usize::MAX).min(usable - 4);
        self.left -= here as u64;
        self.bytes.truncate(4 + here);
        self.at = 4;
        Ok(true)
    }
}

impl Read for Payload<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at == self.bytes.len() && !self.turn()? {
            let whole = self.left == 0 || self.is_partial;
            return if whole { Ok(0) } else { Err(ErrorKind::UnexpectedEof.into()) };
        }
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let len = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..len), rest.get(..len)) {
            to.copy_from_slice(from);
        }
        self.at += len;
        Ok(len)
    }
}
