//! Loose objects: one file each, a zlib stream whose first bytes say what it holds
//! (<https://git-scm.com/book/en/v2/Git-Internals-Git-Objects>, "Object Storage").

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::{Decompress, FlushDecompress, Status};
use gix::ObjectId;

use super::error::{DAMAGED_ZLIB, Damage, TOO_LARGE};
use super::exact_reader::ExactReader;
use super::object::{Kind, Object};
use super::visitor::{ObjectVisitor, STREAM_THRESHOLD, may_match};
use crate::blob::fill;

/// A loose object.
pub(super) struct LooseObject {
    pub(super) id: ObjectId,
    pub(super) path: PathBuf,
}

impl LooseObject {
    /// Reads the object, of which no more than `most` bytes are held, and calls `visitor` for it.
    pub(super) fn visit(&self, visitor: &dyn ObjectVisitor, most: usize) {
        let is_own = self.is_own(visitor);
        if let Err(damage) = self.read(visitor, most, is_own)
            && is_own
        {
            visitor.damaged(&self.id, &self.path, damage);
        }
    }

    /// Whether it is in the share that is asked for.
    fn is_own(&self, visitor: &dyn ObjectVisitor) -> bool {
        visitor.shard().is_none_or(|shard| shard.owns_id(self.id.as_bytes()))
    }

    fn read(&self, visitor: &dyn ObjectVisitor, most: usize, is_own: bool) -> Result<(), Damage> {
        let (kind, size, inflated) = open(&self.path)?;
        if !visitor.wants(kind) || !is_own && kind != Kind::Commit {
            return Ok(());
        }
        if kind == Kind::Blob && size > STREAM_THRESHOLD {
            let mut inflated = ExactReader::new(inflated, size);
            visitor.stream(&self.id, size, &mut inflated);
            return inflated.outcome();
        }
        if size > most {
            return Err(TOO_LARGE);
        }
        let bytes = read_all(inflated, size)?;
        let may_match = may_match(visitor, kind, &bytes);
        if may_match {
            visitor.object(&self.id, kind, &bytes);
        } else {
            visitor.ruled_out(kind, size, &|| self.id);
        }
        Ok(())
    }
}

thread_local! {
    /// Kept for the next object: making one takes longer than inflating a small object.
    static INFLATER: Cell<Option<Decompress>> = const { Cell::new(None) };
}

/// An inflater that has seen nothing yet.
fn take_inflater() -> Decompress {
    let mut inflater = INFLATER.take().unwrap_or_else(|| Decompress::new(true));
    inflater.reset(true);
    inflater
}

/// The bytes of a loose object, behind its header.
pub(super) struct Inflated {
    file: BufReader<File>,
    /// There until it is given back.
    inflater: Option<Decompress>,
}

impl Read for Inflated {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(inflater) = &mut self.inflater else { return Ok(0) };
        loop {
            let deflated = self.file.fill_buf()?;
            let is_end = deflated.is_empty();
            let (bytes_in, bytes_out) = (inflater.total_in(), inflater.total_out());
            let status = inflater.decompress(deflated, out, FlushDecompress::None);
            let count = |now: u64, before: u64| usize::try_from(now - before).unwrap_or(0);
            self.file.consume(count(inflater.total_in(), bytes_in));
            let read = count(inflater.total_out(), bytes_out);
            if status? == Status::StreamEnd || read > 0 || is_end || out.is_empty() {
                return Ok(read);
            }
        }
    }
}

impl Drop for Inflated {
    fn drop(&mut self) {
        INFLATER.set(self.inflater.take());
    }
}

/// Opens the loose object at `path`: its kind, its size, and its bytes.
pub(super) fn open(path: &Path) -> Result<(Kind, usize, Inflated), Damage> {
    let file = match File::open(path) {
        Ok(file) => file,
        // A repack at the same time has moved it to a pack; whoever visits may look it up there.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err("it has gone"),
        Err(_) => return Err("it cannot be opened"),
    };
    let mut inflated = Inflated { file: BufReader::new(file), inflater: Some(take_inflater()) };
    let (kind, size) = read_header(&mut inflated).ok_or("its header is damaged")?;
    Ok((kind, size, inflated))
}

/// The header can be inflated from as many bytes: in front of the first one that comes out, deflate may have the codes of a whole
/// block, which take up to 300 (RFC 1951, "3.2.7. Compression with dynamic Huffman codes").
const HEADER_WITHIN: usize = 512;

/// Whether the file at `path` is a loose object, by its header.
pub fn is_loose_object(path: &Path) -> bool {
    let mut deflated = [0; HEADER_WITHIN];
    let Ok((read, _)) = File::open(path).map(|mut file| fill(&mut file, &mut deflated)) else { return false };
    begins_loose_object(deflated.get(..read).unwrap_or_default())
}

/// Whether a loose object begins with these bytes: a zlib stream (RFC 1950, "2.2. Data format"), and in it the header.
pub fn begins_loose_object(head: &[u8]) -> bool {
    let [0x78, flags, ..] = *head else { return false };
    if !(0x7800 + u32::from(flags)).is_multiple_of(31) {
        return false;
    }
    let (mut inflater, mut header) = (take_inflater(), [0; 32]);
    // What comes after the header is of no interest here.
    let _ =
        inflater.decompress(head.get(..HEADER_WITHIN).unwrap_or(head), &mut header, FlushDecompress::None);
    let length = usize::try_from(inflater.total_out()).unwrap_or(0);
    INFLATER.set(Some(inflater));
    header.get(..length).is_some_and(|mut header| read_header(&mut header).is_some())
}

/// Reads the loose object at `path`, of which no more than `most` bytes are held.
pub(super) fn read(path: &Path, most: usize) -> Result<Object, Damage> {
    let (kind, size, inflated) = open(path)?;
    if size > most {
        return Err(TOO_LARGE);
    }
    Ok((kind, Arc::new(read_all(inflated, size)?)))
}

/// Reads all bytes. No more memory is taken than there are, whatever size the header announces.
fn read_all(inflated: Inflated, size: usize) -> Result<Vec<u8>, Damage> {
    let mut bytes = Vec::new();
    // One byte more than announced: a stream that is too long is damaged, too.
    match inflated.take((size as u64).saturating_add(1)).read_to_end(&mut bytes) {
        Ok(read) if read == size => Ok(bytes),
        _ => Err(DAMAGED_ZLIB),
    }
}

/// Reads the object's kind, its size in decimal digits, and the zero byte behind them, as in `blob 123`.
pub(super) fn read_header(inflated: &mut impl Read) -> Option<(Kind, usize)> {
    let mut text = Vec::with_capacity(32);
    let mut byte = [0];
    while text.len() < 32 {
        inflated.read_exact(&mut byte).ok()?;
        if byte == [0] {
            break;
        }
        text.extend_from_slice(&byte);
    }
    let (kind, size) = std::str::from_utf8(&text).ok()?.split_once(' ')?;
    let kind = match kind {
        "commit" => Kind::Commit,
        "tree" => Kind::Tree,
        "blob" => Kind::Blob,
        "tag" => Kind::Tag,
        _ => return None,
    };
    Some((kind, size.parse().ok()?))
}
