//! A file that is one compressed stream, or several one behind the other: gzip, bzip2, xz, LZMA, Zstandard, LZ4.

use std::io::{self, ErrorKind};

use super::bounded_reader::{StreamError, read_catching_panics};
use super::budget::Budget;
use super::decoder::{DecodeReader, StreamFormat};
use super::input::{Input, with_input};
use super::open_container::{Content, MemberName, OpenContainer, Region};
use crate::blob::Body;

/// Whether the header in `head` is sound and `least` bytes decompress, as far as `head` goes: other data may begin like
/// a compressed stream by chance.
pub(super) fn decompresses(
    format: &'static StreamFormat,
    head: &[u8],
    least: usize,
    budget: &Budget,
) -> bool {
    let mut reader = DecodeReader::joined(Input::memory(head, budget), format);
    if let Some(error) = reader.header_error() {
        return may_still_be_valid(error);
    }
    let (mut buf, mut read) = ([0; 256], 0);
    while read < least {
        match read_catching_panics(&mut reader, &mut buf) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) => return may_still_be_valid(&error),
        }
    }
    true
}

/// Whether a decoder may fail with this on what is one of its files all the same.
fn may_still_be_valid(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::OutOfMemory | ErrorKind::Unsupported)
}

/// Hands on what was compressed, then the text beside it and what follows it.
pub(super) fn open(
    container: &OpenContainer<'_>,
    format: &'static StreamFormat,
    body: Body<'_>,
    without_extension: fn(&str) -> Option<&str>,
) {
    let head = match &body {
        Body::Whole(bytes) => *bytes,
        Body::Stream { head, .. } => *head,
    };
    with_input(body, container.budget, |input| {
        let mut reader = DecodeReader::joined(Input::reader(input, container.budget), format);
        let name = match reader.name() {
            Some(name) => MemberName::new(name),
            None => name_after_file(&(container.origin)().path, without_extension),
        };
        let bytes_in = reader.bytes_in();
        let content = Content::Compressed { reader: &mut reader, bytes_in, out_before: 0 };
        let (out, error) = container.hand_over(Region::Decompressed(&name), content);
        if out == 0 && matches!(error, Some(StreamError::Damaged(_))) {
            container.scan_raw(0, head);
            return;
        }
        let (metadata, mut rest) = reader.into_rest();
        let scanned_name =
            metadata.first().filter(|text| text.is_name && name.is_scanned()).map(|text| text.offset);
        for text in metadata.iter().filter(|text| Some(text.offset) != scanned_name) {
            container.scan_raw(text.offset, &text.bytes);
        }
        let behind = rest.offset();
        if error.is_none() && container.may_continue() && rest.peek(1).is_ok_and(|bytes| !bytes.is_empty()) {
            container.hand_over(Region::Raw(behind), Content::Stored(&mut rest));
        }
    });
}

/// The name of content whose header holds none: that of the file without its extension.
fn name_after_file(path: &str, without_extension: fn(&str) -> Option<&str>) -> MemberName {
    let file = path.rsplit(['/', '!']).next().unwrap_or(path);
    MemberName::from_text(without_extension(file).unwrap_or("content").to_owned())
}
