//! What vector instructions are asked, whichever the machine has.

/// How many bytes a block has.
pub(in crate::detect::decode) const BLOCK: usize = 16;

/// The bytes of one block.
pub(in crate::detect::decode) type Block = [u8; BLOCK];

/// How many blocks are classified at once.
pub(in crate::detect::decode) const GROUP: usize = 32;

/// How many bytes in front of a block decide whether it is the first of a line or of a compressed stream.
pub(in crate::detect::decode) const BEFORE: usize = 40;

/// A set of vector instructions, and what is asked of it for most of the input.
pub(in crate::detect::decode) trait Vectors: Copy {
    /// A bit for each block of a group that may be base64 and line ends throughout, as they are or escaped; `block` returns them by
    /// their index. This takes as few operations as possible, because nearly all input is ruled out here.
    fn blocks_may_be_base64<'b>(self, block: impl Fn(usize) -> &'b Block) -> u32;

    /// Whether such a block may be a part of base64 that decodes to ASCII, as whatever a token is encoded in does, compressed data
    /// apart. One with a line end in it may.
    ///
    /// Each byte's high bit is one bit of a character: the highest of the first of a group of four, the fourth of the second, the
    /// second last of the third. So in one of the four alignments, all of these are zero. The last character is not asked: that of a
    /// token has bits of the byte behind it.
    fn may_encode_ascii(self, block: &Block) -> bool;

    /// The alignments in which base64 decodes to ASCII, the last character included: see [`fitting_alignments`].
    fn ascii_alignments(self, block: &Block) -> u32;

    /// Whether the header of a compressed stream may start among the first [`BEFORE`] of those bytes: `H4` of gzip's in base64, or `eA`,
    /// `eF`, `eJ` or `eN` of zlib's.
    fn any_compressed_header(self, bytes: &[u8; BEFORE + BLOCK]) -> bool;

    /// How many of the last bytes are characters of base64.
    fn trailing_base64(self, bytes: &[u8; BEFORE]) -> usize;

    /// How many of the first bytes are.
    fn leading_base64(self, bytes: &[u8; BEFORE]) -> usize;
}

/// A search that uses vector instructions.
pub(in crate::detect::decode) trait Vectorized {
    /// What it finds.
    type Output;

    /// Searches with such instructions. Has to be inlined, as all that it calls with them.
    fn run(self, vectors: impl Vectors) -> Self::Output;
}

/// The alignments in which no group of four characters has a byte beyond ASCII, a bit for each, where `first`, `second` and `third` have
/// a bit for each character that cannot be at that place of a group. The lowest bit is that of groups that start at the third
/// character, the next one that of those at the fourth.
#[inline]
pub(super) fn fitting_alignments(first: u32, second: u32, third: u32) -> u32 {
    // A bit for each place where a group may start, from two in front of the block on.
    let bad = first << 2 | second << 1 | third;
    let bad = bad | bad >> 16;
    let bad = bad | bad >> 8;
    !(bad | bad >> 4) & 15
}
