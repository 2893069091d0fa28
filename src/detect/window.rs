//! The bytes that are searched at a time.

use std::ops::Range;

use super::byte_order::ByteOrder;

/// A part of a blob. Only findings that start within `emit` are reported from it; the bytes around are context.
#[derive(Clone)]
pub struct Window<'a> {
    /// The bytes, context included.
    pub bytes: &'a [u8],
    /// Where reported findings start.
    pub emit: Range<usize>,
    /// What the byte order mark says that the blob begins with. A part of such a blob begins at an even offset in it.
    pub mark: Option<ByteOrder>,
}

impl<'a> Window<'a> {
    /// A window that is a whole blob.
    pub fn whole(bytes: &'a [u8]) -> Self {
        Window { bytes, emit: 0..bytes.len(), mark: ByteOrder::of_mark(bytes) }
    }
}
