//! A file that is one compressed stream, or several one behind the other: gzip, bzip2, xz, LZMA, Zstandard, LZ4.

use std::io::{self, ErrorKind};

use super::bounded_reader::read_catching_panics;
use super::budget::Budget;
use super::decoder::{DecodeReader, StreamFormat};
use super::input::{Input, with_input};
use super::open_container::{Content, MemberName, OpenContainer, Region};
use super::remembering::Remembering;
use super::share::Claim;
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

/// How the name of content is made of its file's.
type WithoutExtension = fn(&str) -> Option<&str>;

/// Hands on what was compressed, then the text beside it and what follows it. Where the stream breaks off, the container is
/// scanned as it is as well: it may be none.
pub(super) fn open(
    container: &OpenContainer<'_>,
    format: &'static StreamFormat,
    body: Body<'_>,
    without_extension: WithoutExtension,
) {
    let (head, rest) = match body {
        Body::Whole(bytes) => {
            let read = |input: &mut Input<'_>| read(container, format, input, false, without_extension);
            if with_input(Body::Whole(bytes), container.budget, read).is_err() {
                container.scan_raw(0, bytes);
            }
            return;
        }
        Body::Stream { head, rest } => (head, rest),
    };
    let forwards = rest.seekable().is_none();
    let read = |input: &mut Input<'_>| read(container, format, input, forwards, without_extension);
    if with_input(Body::Stream { head, rest: &mut *rest }, container.budget, read).is_err()
        && container.may_scan()
        && let Some(file) = rest.seekable()
        && file.rewind().is_ok()
    {
        container.hand_over(Region::Raw(0), Content::Stored(&mut &mut *file));
    }
}

/// A stream that broke off, and that was reported.
struct Broken;

/// Hands on what is in `input`. Where that can be read forwards only, what is left is scanned as it is when the stream breaks
/// off.
fn read(
    container: &OpenContainer<'_>,
    format: &'static StreamFormat,
    input: &mut Input<'_>,
    forwards: bool,
    without_extension: WithoutExtension,
) -> Result<(), Broken> {
    let mut remembering = Remembering::new(input, forwards);
    let mut reader = DecodeReader::joined(Input::reader(&mut remembering, container.budget), format);
    let name = match reader.name() {
        Some(name) => MemberName::new(name),
        None => name_after_file(&(container.origin)().path, without_extension),
    };
    let bytes_in = reader.bytes_in();
    let content = Content::Compressed { reader: &mut reader, bytes_in, out_before: 0, claim: Claim::Rest };
    let (_, error) = container.hand_over(Region::Decompressed(&name), content);
    let (metadata, mut rest) = reader.into_rest();
    if error.is_some() {
        if forwards && container.may_scan() {
            remembering.with_rest(|offset, rest| {
                container.hand_over(Region::Raw(offset), Content::Stored(&mut &mut *rest));
            });
        }
        return Err(Broken);
    }
    let scanned_name =
        metadata.first().filter(|text| text.is_name && name.is_scanned()).map(|text| text.offset);
    for text in metadata.iter().filter(|text| Some(text.offset) != scanned_name) {
        container.scan_raw(text.offset, &text.bytes);
    }
    if container.may_continue() && rest.peek(1).is_ok_and(|bytes| !bytes.is_empty()) {
        rest.with_seam(format.unchecked_trailer, |offset, rest| {
            container.hand_over(Region::Raw(offset), Content::Stored(&mut &mut *rest));
        });
    }
    Ok(())
}

/// The name of content whose header holds none: that of the file without its extension.
fn name_after_file(path: &str, without_extension: WithoutExtension) -> MemberName {
    let file = path.rsplit(['/', '!']).next().unwrap_or(path);
    MemberName::from_text(without_extension(file).unwrap_or("content").to_owned())
}
