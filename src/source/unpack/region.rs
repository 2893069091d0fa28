//! The parts of a container, and their bytes.

use std::cell::Cell;
use std::io::Read;
use std::rc::Rc;

use super::bounded_reader::Unpacked;
use super::decoder::StreamFormat;
use super::member_name::MemberName;
use super::share::Claim;
use crate::blob::Rest;

/// What part of a container some bytes are.
#[derive(Clone, Copy)]
pub(super) enum Region<'n> {
    /// A whole member.
    Member(&'n MemberName),
    /// All that a compressor packed; a tar in it is no container of its own.
    Decompressed(&'n MemberName),
    /// A part of a member, and its offset in the member.
    MemberPart(&'n MemberName, u64),
    /// A part of the container itself, and its offset in the container: scanned as it is.
    Raw(u64),
    /// What stands behind the container in the same file, and its offset in it: opened where it is a container again.
    Behind(u64),
}

/// What stands behind a compressed stream.
pub(super) enum Behind {
    /// The stream of another compressor, or another one of the same.
    Stream(&'static StreamFormat),
    /// An archive, as far as its first bytes show.
    Archive,
    /// Anything else.
    Other,
}

/// The bytes of a region.
pub(super) enum Content<'c> {
    /// Bytes as they stand in the container, in memory.
    Memory(&'c [u8]),
    /// Bytes as they stand in the container.
    Stored(&'c mut dyn Read),
    /// Bytes out of a decompressor.
    Compressed {
        reader: &'c mut dyn Read,
        /// The count of bytes that went into the decompressor.
        bytes_in: Rc<Cell<u64>>,
        /// How many bytes came out of it before.
        out_before: u64,
        /// What the member may use of what is left.
        claim: Claim,
    },
    /// Bytes in pieces: stored, compressed, or holes, which are passed over.
    Pieces { reader: &'c mut dyn Rest, unpacked: Rc<Cell<Unpacked>>, claim: Claim },
}

impl<'c> Content<'c> {
    /// Bytes as they stand in the container, with holes.
    pub(super) fn pieces(reader: &'c mut dyn Rest) -> Self {
        Content::Pieces { reader, unpacked: Rc::default(), claim: Claim::Size(0) }
    }
}
