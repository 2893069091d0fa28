//! What a container format is: how it is recognised, and who reads it. The table of all is in [`formats`](super::formats).

use std::fmt;

use super::budget::Budget;
use super::compressed::{self, WithoutExtension};
use super::decoder::StreamFormat;
use super::open_container::{OpenContainer, reborrow};
use crate::blob::Body;

/// A container format: one row of the table.
pub(super) struct Format {
    /// What it is called in the documentation.
    pub(super) name: &'static str,
    /// All bytes it may begin with; none where that may be any.
    pub(super) first_bytes: &'static [u8],
    /// Whether a file with this head is one.
    pub(super) begins: fn(&[u8]) -> bool,
    pub(super) signature: Signature,
    /// Whether one stands at the end of something else; only for formats that are found from their end.
    pub(super) at_end: Option<fn(&mut Body<'_>) -> bool>,
    pub(super) reader: Reader,
    /// Whether one in a compressor is opened as one container with it, as `.tar.gz` is.
    pub(super) merges_with_compressor: bool,
    /// A path of a member, as it is documented.
    pub(super) member_path: &'static str,
}

/// How far the first bytes alone are to be trusted.
pub(super) enum Signature {
    /// Nothing else begins with them: what cannot be read is damaged.
    Strong,
    /// Other data may begin with them by chance. How many bytes must come out of a file with this head.
    Weak(fn(&[u8]) -> usize),
}

pub(super) enum Reader {
    /// Members with names of their own.
    Archive(fn(&OpenContainer<'_>, Body<'_>)),
    /// One content, named by the stream's header or after the file.
    Compressor(&'static StreamFormat),
}

impl Format {
    /// Whether a file that begins like one is one, as far as its head shows.
    pub(super) fn is_valid(&self, head: &[u8], budget: &Budget) -> bool {
        match (&self.signature, &self.reader) {
            (Signature::Weak(least), Reader::Compressor(stream)) => {
                compressed::decompresses(stream, head, least(head), budget)
            }
            _ => true,
        }
    }

    /// Hands on what is in it, and whether it is one: where it is none, nothing.
    pub(super) fn open(
        &self,
        container: &OpenContainer<'_>,
        body: &mut Body<'_>,
        without_extension: WithoutExtension,
    ) -> bool {
        match (&self.reader, body) {
            (Reader::Archive(open), body) => open(container, reborrow(body)),
            (Reader::Compressor(stream), Body::Whole(bytes)) => {
                let least = match self.signature {
                    Signature::Strong => None,
                    Signature::Weak(least) => Some(least(bytes)),
                };
                return compressed::open_whole(container, stream, bytes, least, without_extension);
            }
            (Reader::Compressor(stream), Body::Stream { head, rest }) => {
                // Decoded twice as far as the head goes, which is little of it.
                if !self.is_valid(head, container.budget) {
                    return false;
                }
                compressed::open(container, stream, (head, &mut **rest), without_extension);
            }
        }
        true
    }

    /// What a compressor adds to the names of files.
    pub(super) fn extensions(&self) -> &'static [&'static str] {
        match self.reader {
            Reader::Archive(_) => &[],
            Reader::Compressor(stream) => stream.extensions,
        }
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.member_path)
    }
}
