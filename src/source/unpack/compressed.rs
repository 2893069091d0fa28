//! A file that is one compressed stream, or several one behind the other, be they of one compressor or of many.

use super::budget::Budget;
use super::decoder::{DecodeReader, StreamFormat};
use super::input::{Input, with_input};
use super::open_container::{Behind, Content, MemberName, OpenContainer, Region};
use super::remembering::Remembering;
use super::share::Claim;
use crate::blob::{Body, HEAD, Rest};

/// Whether a file with this head is one of the format, as far as the head goes, when `least` bytes come out of it.
pub(super) fn decompresses(
    format: &'static StreamFormat,
    head: &[u8],
    least: usize,
    budget: &Budget,
) -> bool {
    DecodeReader::joined(Input::memory(head, budget), format).begins_well(least)
}

/// How the name of content is made of its file's.
pub(super) type WithoutExtension = fn(&str) -> Option<&str>;

/// Hands on what was compressed, then the text beside it and what follows it. Where the stream breaks off, the container is
/// scanned as it is as well: it may be none.
pub(super) fn open(
    container: &OpenContainer<'_>,
    format: &'static StreamFormat,
    (head, rest): (&[u8], &mut dyn Rest),
    without_extension: WithoutExtension,
) {
    let forwards = rest.seekable().is_none();
    let read = |input: &mut Input<'_>| {
        let mut remembering = Remembering::new(input, forwards);
        let reader = DecodeReader::joined(Input::reader(&mut remembering, container.budget), format);
        let read = hand_over(container, format, reader, without_extension);
        // Where it can be read forwards only, what is left is scanned as it is.
        if read.is_err() && forwards && container.may_scan() {
            remembering.with_rest(|offset, rest| {
                container.hand_over(Region::Raw(offset), Content::Stored(&mut &mut *rest));
            });
        }
        read
    };
    if with_input(Body::Stream { head, rest: &mut *rest }, container.budget, read).is_err()
        && container.may_scan()
        && let Some(file) = rest.seekable()
        && file.rewind().is_ok()
    {
        container.hand_over(Region::Raw(0), Content::Stored(&mut &mut *file));
    }
}

/// The same for one in memory, unless it must give `least` bytes and does not: then nothing is handed on. Whether it is
/// one.
pub(super) fn open_whole(
    container: &OpenContainer<'_>,
    format: &'static StreamFormat,
    bytes: &[u8],
    least: Option<usize>,
    without_extension: WithoutExtension,
) -> bool {
    let mut reader = DecodeReader::joined(Input::memory(bytes, container.budget), format);
    if least.is_some_and(|least| !reader.begins_well(least)) {
        return false;
    }
    if hand_over(container, format, reader, without_extension).is_err() {
        container.scan_raw(0, bytes);
    }
    true
}

/// A stream that broke off, and that was reported.
struct Broken;

/// Hands on what comes out of `reader`, the text beside it and what follows it: another compressor's stream there is as good
/// as the first.
fn hand_over(
    container: &OpenContainer<'_>,
    mut format: &'static StreamFormat,
    mut reader: DecodeReader<'_>,
    without_extension: WithoutExtension,
) -> Result<(), Broken> {
    loop {
        let mut rest = hand_over_stream(container, reader, without_extension)?;
        let head = if container.may_continue() { rest.peek(HEAD).unwrap_or_default() } else { &[] };
        if head.is_empty() {
            return Ok(());
        }
        let seam = match container.behind(head) {
            Behind::Stream(next) => {
                format = next;
                reader = DecodeReader::joined(rest, format);
                continue;
            }
            Behind::Archive => 0,
            Behind::Other => format.unchecked_trailer,
        };
        rest.with_seam(seam, |offset, rest| {
            container.hand_over(Region::Behind(offset), Content::Stored(&mut &mut *rest));
        });
        return Ok(());
    }
}

/// Hands on the content of one stream, or of several of one format, and the text beside it; what is left behind them.
fn hand_over_stream<'a>(
    container: &OpenContainer<'_>,
    mut reader: DecodeReader<'a>,
    without_extension: WithoutExtension,
) -> Result<Input<'a>, Broken> {
    let own_name = reader.name().map(MemberName::new);
    let is_named = own_name.is_some();
    let name = own_name.unwrap_or_else(|| name_after_file(&(container.origin)().path, without_extension));
    let bytes_in = reader.bytes_in();
    let content = Content::Compressed { reader: &mut reader, bytes_in, out_before: 0, claim: Claim::Rest };
    let (_, error) = container.hand_over(Region::Decompressed(&name), content);
    if error.is_some() {
        return Err(Broken);
    }
    let (metadata, rest) = reader.into_rest();
    let scanned_name = metadata.first().filter(|_| is_named && name.is_scanned()).map(|text| text.offset);
    for text in metadata.iter().filter(|text| Some(text.offset) != scanned_name) {
        container.scan_raw(text.offset, &text.bytes);
    }
    Ok(rest)
}

/// The name of content whose header holds none: that of the file without its extension.
fn name_after_file(path: &str, without_extension: WithoutExtension) -> MemberName {
    let file = path.rsplit(['/', '!']).next().unwrap_or(path);
    MemberName::from_text(without_extension(file).unwrap_or("content").to_owned())
}
