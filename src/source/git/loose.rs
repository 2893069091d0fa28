//! Loose objects: one file each, a zlib stream whose first bytes say what it holds
//! (<https://git-scm.com/book/en/v2/Git-Internals-Git-Objects>, "Object Storage").

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::ZlibDecoder;
use flate2::{Decompress, FlushDecompress};
use gix::ObjectId;

use super::error::{DAMAGED_ZLIB, Damage};
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
    /// Reads the object and calls `visitor` for it.
    pub(super) fn visit(&self, visitor: &dyn ObjectVisitor) {
        if let Err(damage) = self.read(visitor) {
            visitor.damaged(&self.id, &self.path, damage);
        }
    }

    fn read(&self, visitor: &dyn ObjectVisitor) -> Result<(), Damage> {
        let (kind, size, inflated) = open(&self.path)?;
        if !visitor.wants(kind) {
            return Ok(());
        }
        if kind == Kind::Blob && size > STREAM_THRESHOLD {
            let mut inflated = ExactReader::new(inflated, size);
            visitor.stream(&self.id, size, &mut inflated);
            return inflated.outcome();
        }
        let bytes = read_all(inflated, size)?;
        let may_match = visitor.prefilter().is_none_or(|prefilter| may_match(prefilter, kind, &bytes));
        if may_match {
            visitor.object(&self.id, kind, &bytes);
        } else {
            visitor.ruled_out(kind, size, &|| self.id);
        }
        Ok(())
    }
}

/// The bytes of a loose object, behind its header.
pub(super) type Inflated = ZlibDecoder<BufReader<File>>;

/// Opens the loose object at `path`: its kind, its size, and its bytes.
pub(super) fn open(path: &Path) -> Result<(Kind, usize, Inflated), Damage> {
    let file = match File::open(path) {
        Ok(file) => file,
        // A repack at the same time has moved it to a pack; whoever visits may look it up there.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err("it has gone"),
        Err(_) => return Err("it cannot be opened"),
    };
    let mut inflated = ZlibDecoder::new(BufReader::new(file));
    let (kind, size) = read_header(&mut inflated).ok_or("its header is damaged")?;
    Ok((kind, size, inflated))
}

thread_local! {
    /// Kept for the next file: a sweep asks for many, and each time only for the first bytes.
    static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(true));
}

/// Whether the file at `path` is a loose object, by its header.
pub fn is_loose_object(path: &Path) -> bool {
    let (mut deflated, mut header) = ([0; 128], [0; 32]);
    let Ok((read, _)) = File::open(path).map(|mut file| fill(&mut file, &mut deflated)) else { return false };
    INFLATER.with_borrow_mut(|inflater| {
        inflater.reset(true);
        let deflated = deflated.get(..read).unwrap_or_default();
        // What comes after the header is of no interest here.
        let _ = inflater.decompress(deflated, &mut header, FlushDecompress::None);
        let inflated = usize::try_from(inflater.total_out()).unwrap_or(0);
        header.get(..inflated).is_some_and(|mut header| read_header(&mut header).is_some())
    })
}

/// Reads the loose object at `path`.
pub(super) fn read(path: &Path) -> Result<Object, Damage> {
    let (kind, size, inflated) = open(path)?;
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
fn read_header(inflated: &mut impl Read) -> Option<(Kind, usize)> {
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
