//! Loose objects: one file each, a zlib stream whose first bytes say what it holds
//! (<https://git-scm.com/book/en/v2/Git-Internals-Git-Objects>, "Object Storage").

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;

use flate2::read::ZlibDecoder;
use gix::ObjectId;

use super::error::{DAMAGED_ZLIB, Damage};
use super::object::Kind;
use super::visitor::{ObjectVisitor, STREAM_THRESHOLD, may_match};

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
        let file = match File::open(&self.path) {
            Ok(file) => file,
            // A repack at the same time has moved it to a pack; whoever visits may look it up there.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err("it has gone"),
            Err(_) => return Err("it cannot be opened"),
        };
        let mut inflated = ZlibDecoder::new(BufReader::new(file));
        let (kind, size) = read_header(&mut inflated).ok_or("its header is damaged")?;
        if !visitor.wants(kind) {
            return Ok(());
        }
        if kind == Kind::Blob && size > STREAM_THRESHOLD {
            visitor.stream(&self.id, size, &mut inflated);
            return Ok(());
        }
        let mut bytes = Vec::new();
        // One byte more than announced: a stream that is too long is damaged, too.
        let read = inflated.take(size as u64 + 1).read_to_end(&mut bytes);
        if read.is_err() || bytes.len() != size {
            return Err(DAMAGED_ZLIB);
        }
        let may_match = visitor.prefilter().is_none_or(|prefilter| may_match(prefilter, kind, &bytes));
        visitor.object(&self.id, kind, size, may_match.then_some(&bytes));
        Ok(())
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
