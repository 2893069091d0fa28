//! A loose object that is in no repository, read from anywhere.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;
use gix::ObjectId;

use super::loose::read_header;
use super::object::Kind;
use super::object_parts::scan_object;
use crate::blob::Sink;

/// A loose object behind its header.
pub struct LooseStream<R> {
    kind: Kind,
    /// How many bytes it has, as its header says.
    pub size: u64,
    inflated: ZlibDecoder<R>,
}

impl<R: Read> LooseStream<R> {
    /// Reads the header; none where there is none.
    pub fn open(deflated: R) -> Option<Self> {
        let mut inflated = ZlibDecoder::new(deflated);
        let (kind, size) = read_header(&mut inflated)?;
        Some(LooseStream { kind, size: size as u64, inflated })
    }

    /// Whether it is the content of a file.
    pub fn is_blob(&self) -> bool {
        self.kind == Kind::Blob
    }

    /// What kind of object it is (gitglossary(7), "object type").
    pub fn kind(&self) -> &'static str {
        self.kind.name()
    }

    /// Reads it to its end for its id, which is made with SHA-1 unless `is_sha256`. One that has more bytes than it says has none.
    pub fn id(mut self, is_sha256: bool) -> io::Result<String> {
        let mut hasher =
            gix::hash::hasher(if is_sha256 { gix::hash::Kind::Sha256 } else { gix::hash::Kind::Sha1 });
        hasher.update(format!("{} {}\0", self.kind(), self.size).as_bytes());
        let (mut buffer, mut left) = (vec![0; 64 * 1024], self.size);
        loop {
            match self.read(&mut buffer) {
                Ok(0) if left == 0 => {
                    return hasher.try_finalize().map(|id| id.to_string()).map_err(io::Error::other);
                }
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    left = left.checked_sub(read as u64).ok_or(io::ErrorKind::InvalidData)?;
                    hasher.update(buffer.get(..read).unwrap_or_default());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl<R: Read> Read for LooseStream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inflated.read(buffer)
    }
}

/// The id that the path of a loose object is made of: `ab/` and the rest of it (gitrepository-layout(5), "objects").
pub fn hash_named(path: &str) -> Option<String> {
    let mut parts = path.rsplit(['/', '!', '\\']);
    let (rest, first) = (parts.next()?, parts.next()?);
    let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_id = first.len() == 2 && matches!(rest.len(), 38 | 62) && is_hex(first) && is_hex(rest);
    is_id.then(|| format!("{first}{rest}"))
}

/// Passes a commit, tag or tree to `sink`, part by part.
pub fn scan_object_named(sink: &dyn Sink, kind: &str, id: &str, bytes: &[u8]) {
    let kind = match kind {
        "commit" => Kind::Commit,
        "tree" => Kind::Tree,
        "tag" => Kind::Tag,
        _ => return,
    };
    if let Ok(id) = ObjectId::from_hex(id.as_bytes()) {
        scan_object(sink, kind, &id, bytes);
    }
}
