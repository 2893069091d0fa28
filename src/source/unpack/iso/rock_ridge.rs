//! The fields of Rock Ridge behind a record of a directory: SUSP (IEEE P1281) says how they follow one another, RRIP (IEEE P1282) what
//! they hold, libburnia's zisofs how a file is compressed.

use std::io;

use super::record::Record;
use crate::blob::ReadSeek;
use crate::source::unpack::extents::read_at;

/// No fields of one record go on in more places in practice, nor are they longer there, in bytes.
const MAX_CONTINUATIONS: usize = 32;
const MAX_LEN: u64 = 64 * 1024;

/// What the fields of a record say.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) name: Vec<u8>,
    /// What a link points to.
    pub(super) target: Vec<u8>,
    pub(super) is_packed: bool,
    /// The block of a directory that was moved away from here.
    pub(super) moved_to: Option<u32>,
    /// Whether a directory was moved here from elsewhere.
    pub(super) is_moved: bool,
}

/// Where fields begin in each record, if this is an image that has them: its root says so (SUSP 5.3).
pub(super) fn begins(file: &mut dyn ReadSeek, root: &[u8], block: u64) -> io::Result<Option<usize>> {
    let Some(root) = Record::parse(root) else { return Ok(None) };
    let first = read_at(file, u64::from(root.block) * block, 255)?;
    let fields = Record::parse(&first).map(|record| record.system_use);
    Ok(match fields {
        Some([b'S', b'P', _, 1, 0xbe, 0xef, skipped, ..]) => Some(usize::from(*skipped)),
        _ => None,
    })
}

impl Fields {
    /// Reads the fields of a record, and those that stand elsewhere.
    pub(super) fn read(file: &mut dyn ReadSeek, fields: &[u8], block: u64) -> io::Result<Self> {
        let mut found = Fields::default();
        let mut bytes = fields.to_vec();
        for _ in 0..MAX_CONTINUATIONS {
            let Some((at, len)) = found.read_area(&bytes, block) else { break };
            bytes = read_at(file, at, len.min(MAX_LEN))?;
        }
        Ok(found)
    }

    /// Reads what stands in one place; where it goes on, if it does (SUSP 5.1, "CE").
    fn read_area(&mut self, mut fields: &[u8], block: u64) -> Option<(u64, u64)> {
        let mut goes_on = None;
        while let [first, second, len, _, ..] = fields {
            let (Some(field), true) = (fields.get(..usize::from(*len)), *len >= 4) else { break };
            let number = |at: usize| {
                field.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| u32::from_le_bytes(*bytes))
            };
            match [*first, *second] {
                // RRIP 4.1.4: what an alternate name is; the first two flags say that it is that of this directory, or of the one above.
                [b'N', b'M'] => self.name.extend_from_slice(field.get(5..).unwrap_or_default()),
                [b'S', b'L'] => self.read_link(field.get(5..).unwrap_or_default()),
                [b'Z', b'F'] => self.is_packed = true,
                [b'C', b'L'] => self.moved_to = number(4),
                [b'R', b'E'] => self.is_moved = true,
                [b'C', b'E'] => {
                    let place = (number(4), number(12), number(20));
                    if let (Some(at), Some(offset), Some(len)) = place {
                        goes_on = Some((u64::from(at) * block + u64::from(offset), u64::from(len)));
                    }
                }
                [b'S', b'T'] => break,
                _ => {}
            }
            fields = fields.get(usize::from(*len)..).unwrap_or_default();
        }
        goes_on
    }

    /// The parts of a path that a link points to (RRIP 4.1.3.1).
    fn read_link(&mut self, mut parts: &[u8]) {
        while let [flags, len, rest @ ..] = parts {
            let text = rest.get(..usize::from(*len)).unwrap_or(rest);
            if !self.target.is_empty() && !self.target.ends_with(b"/") {
                self.target.push(b'/');
            }
            match flags {
                2 => self.target.push(b'.'),
                4 => self.target.extend(b".."),
                8 => self.target.push(b'/'),
                _ => self.target.extend_from_slice(text),
            }
            parts = rest.get(text.len()..).unwrap_or_default();
        }
    }
}
