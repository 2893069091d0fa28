//! Streams of a compound file that have an encoding of their own: they are read as they are, and decoded beside that.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use zeroize::Zeroize as _;

use super::directory::Stream;
use super::{rich_text, vba};
use crate::source::unpack::open_container::{Content, MemberName, OpenContainer, Region};
use crate::source::unpack::share::Claim;

/// None is longer in practice, in bytes.
const MAX_STREAM: u64 = 32 * 1024 * 1024;

/// A decoder that takes the bytes of a stream, and counts those it has read.
type Decode = fn(&[u8], &Rc<Cell<u64>>) -> Option<Box<dyn Read>>;

/// What a stream's name says of its encoding, and what the decoded one is called in it.
fn encoding(stream: &Stream) -> Option<(&'static str, Decode)> {
    let (name, storage) = stream.name_and_storage();
    // [MS-OVBA] 2.2.1: the modules of a project, and the list of them, are in a storage of this name.
    if storage.eq_ignore_ascii_case("VBA") {
        return Some(("source", vba::open));
    }
    // PidTagRtfCompressed, 0x1009, of binary type, 0x0102 ([MS-OXMSG] 2.1.3).
    name.eq_ignore_ascii_case("__substg1.0_10090102").then_some(("rtf", rich_text::open))
}

/// Hands on what a stream holds in its encoding, if it has one.
pub(super) fn read(container: &OpenContainer<'_>, reader: impl Read, stream: &Stream) -> io::Result<()> {
    let Some((inner, decode)) = encoding(stream) else { return Ok(()) };
    let name = MemberName::new(format!("{}!{inner}", stream.path).as_bytes());
    if stream.size > MAX_STREAM {
        container.report_unreadable(Region::Member(&name), "too large to be decoded".to_owned());
        return Ok(());
    }
    // Once here, and once in the decoder.
    let _reservation = container.budget.reserve(2 * stream.size)?;
    let mut bytes = Vec::new();
    // What is missing was reported when it was read as it is.
    let _ = reader.take(MAX_STREAM).read_to_end(&mut bytes);
    let bytes_in = Rc::default();
    if let Some(mut decoded) = decode(&bytes, &bytes_in)
        && container.begin_member(&name)
    {
        let reader = &mut *decoded;
        let content = Content::Compressed { reader, bytes_in, out_before: 0, claim: Claim::Size(0) };
        container.hand_over(Region::Member(&name), content);
    }
    bytes.zeroize();
    Ok(())
}
