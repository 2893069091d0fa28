//! Values in databases that are compressed themselves, without the header of a file: zlib (RFC 1950), raw Snappy as browsers keep
//! structured clones, and the Snappy that Chromium marks in its `IndexedDB`.

use std::cell::Cell;
use std::rc::Rc;

use super::chunk::Chunk;
use super::open_container::{Content, MemberName, OpenContainer, Region};
use super::packed_block::{Codec, decompress, snappy_len};
use super::share::Claim;

/// The longest value that is tried, in bytes.
pub(super) const MAX_LEN: usize = 32 * 1024 * 1024;
/// No shorter text holds a token, in bytes.
const MIN_TEXT: usize = 20;
/// How far Chromium's mark may be behind the beginning, in bytes: a version stands before it.
const MARK_WITHIN: usize = 16;
/// A version that asks for work, and that this is to decompress (`kRequiresProcessingSSVPseudoVersion`, `kCompressedWithSnappy` in
/// <https://source.chromium.org/chromium/chromium/src/+/main:third_party/blink/renderer/modules/indexeddb/idb_value_wrapping.cc>).
const SNAPPY_MARK: &[u8] = &[0xff, 0x11, 0x02];

/// Whether a value of `len` bytes with this head may be compressed so.
pub(super) fn may_be(head: &[u8], len: u64) -> bool {
    let fits = usize::try_from(len).is_ok_and(|len| (8..=MAX_LEN).contains(&len));
    fits && (is_zlib(head) || marked(head).is_some() || is_snappy(head, len))
}

/// Whether a zlib stream begins so: deflate with a window of up to 32 KiB, a checksum over both bytes, no dictionary (RFC 1950, 2.2).
fn is_zlib(head: &[u8]) -> bool {
    matches!(head, [0x78, flags, ..] if (0x7800 + u32::from(*flags)) % 31 == 0 && flags & 0x20 == 0)
}

/// What is behind Chromium's mark.
fn marked(value: &[u8]) -> Option<&[u8]> {
    let head = value.get(..MARK_WITHIN).unwrap_or(value);
    let at = memchr::memmem::find(head, SNAPPY_MARK)?;
    value.get(at + SNAPPY_MARK.len()..)
}

/// Whether raw Snappy may begin so: a length that such a value can have, and a literal, as nothing is there to be copied.
fn is_snappy(head: &[u8], len: u64) -> bool {
    let literal = head.iter().position(|byte| byte & 0x80 == 0).and_then(|end| head.get(end + 1));
    let out = snappy_len(head, usize::try_from(len).unwrap_or(0));
    literal.is_some_and(|tag| tag.trailing_zeros() >= 2) && out.is_some_and(|out| out >= MIN_TEXT)
}

/// Hands on what is in a value, if it is what it may be; whether to go on.
pub(super) fn hand_over(
    container: &OpenContainer<'_>,
    value: &[u8],
    name: impl FnOnce() -> MemberName,
) -> bool {
    let Some(plain) = unpack(container, value).filter(|plain| plain.len() >= MIN_TEXT) else { return true };
    if !container.begin_part() {
        return false;
    }
    let content = Content::Compressed {
        reader: &mut &plain[..],
        bytes_in: Rc::new(Cell::new(value.len() as u64)),
        out_before: 0,
        claim: Claim::Size(plain.len() as u64),
    };
    container.hand_over(Region::Member(&name()), content);
    container.may_continue()
}

fn unpack(container: &OpenContainer<'_>, value: &[u8]) -> Option<Chunk> {
    let with = |codec, packed| decompress(codec, packed, None, container.budget).ok();
    if is_zlib(value) {
        return with(Codec::Zlib, value);
    }
    if let Some(plain) = marked(value).and_then(|packed| with(Codec::Snappy, packed)) {
        return Some(plain);
    }
    if is_snappy(value, value.len() as u64) { with(Codec::Snappy, value) } else { None }
}
