//! Loose objects: one zlib stream a file, which says in its first bytes what it holds.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;

use flate2::read::ZlibDecoder;
use gix::ObjectId;

use super::odb::ObjectVisitor;
use super::pack::{Damage, Kind};
use super::walk::{STREAMED, matters};

/// A loose object.
pub(super) struct Loose {
    /// Its id.
    pub(super) id: ObjectId,
    /// Its file.
    pub(super) path: PathBuf,
}

const DAMAGED: Damage = "its zlib stream is damaged";

/// Shows a loose object.
pub(super) fn show(loose: &Loose, see: &dyn ObjectVisitor) {
    if let Err(why) = read(loose, see) {
        see.damaged(&loose.id, &loose.path, why);
    }
}

fn read(loose: &Loose, see: &dyn ObjectVisitor) -> Result<(), Damage> {
    let file = match File::open(&loose.path) {
        Ok(file) => file,
        // A repack that ran meanwhile has moved it to a pack: it is read from there.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err("it has gone"),
        Err(_) => return Err("it cannot be opened"),
    };
    let mut inflated = ZlibDecoder::new(BufReader::new(file));
    let (kind, size) = header(&mut inflated).ok_or("its header is damaged")?;
    if !see.wants(kind) {
        return Ok(());
    }
    if kind == Kind::Blob && size > STREAMED {
        see.stream(&loose.id, size, &mut inflated);
        return Ok(());
    }
    let mut bytes = Vec::new();
    // One more than it should be: a longer stream is damaged, too.
    let read = inflated.take(size as u64 + 1).read_to_end(&mut bytes);
    if read.is_err() || bytes.len() != size {
        return Err(DAMAGED);
    }
    let live = see.prefilter().is_none_or(|prefilter| matters(prefilter, kind, &bytes));
    see.object(&loose.id, kind, size, live.then_some(&bytes));
    Ok(())
}

/// Reads `blob 123` and the zero behind it.
fn header(inflated: &mut impl Read) -> Option<(Kind, usize)> {
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
