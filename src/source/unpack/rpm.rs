//! RPM packages: a lead, two headers and a compressed cpio.
//!
//! <https://rpm-software-management.github.io/rpm/manual/format_v4.html> describes the file; its sections are cited.

mod header;

use std::io;

use super::bounded_reader::StreamError;
use super::cpio::{self, PackedFile};
use super::decoder::{DecodeReader, StreamFormat};
use super::extents::{scan_front, scan_until};
use super::format::{Format, Reader, Signature};
use super::input::{Input, with_input};
use super::open_container::{Content, OpenContainer, Region};
use super::{bzip2, gzip, lzma, xz, zstd};
use crate::blob::Body;
use header::{INTRO_LEN, Intro};

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "RPM",
    first_bytes: &[0xed],
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.rpm!./inner/path",
};

/// "Lead": 96 bytes, of which the magic is what counts.
const LEAD_LEN: usize = 96;

/// Whether a package begins so: the lead's magic, a known major version and a type that exists.
pub(super) fn begins(head: &[u8]) -> bool {
    matches!(head, [0xed, 0xab, 0xee, 0xdb, 3..=6, _, 0, 0 | 1, ..])
}

/// Hands on the headers as they are, and the members of the payload.
pub(super) fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_input(body, container.budget, |input| match read_headers(container, input) {
        Ok(files) => read_payload(container, input, &files),
        Err(error) => {
            container.report(Region::Raw(0), StreamError::Damaged(error.to_string()), None);
            scan_until(container, input, None);
        }
    });
}

/// Scans lead, signature and header as they are: what they hold is text. The files that the header lists, where the payload has only
/// their numbers.
fn read_headers(container: &OpenContainer<'_>, input: &mut Input<'_>) -> io::Result<Vec<PackedFile>> {
    let mut front = Vec::new();
    let outcome = gather_headers(container, input, &mut front);
    scan_front(container, input, &front);
    outcome
}

fn gather_headers(
    container: &OpenContainer<'_>,
    input: &mut Input<'_>,
    front: &mut Vec<u8>,
) -> io::Result<Vec<PackedFile>> {
    front.extend(input.read_bytes(LEAD_LEN)?);
    let mut files = Vec::new();
    for is_signature in [true, false] {
        let intro = Intro::parse(input.peek(INTRO_LEN)?)
            .ok_or_else(|| io::Error::other("no header where one should begin"))?;
        let len = if is_signature { intro.len().next_multiple_of(8) } else { intro.len() };
        // It is copied twice on its way.
        let _reservation = container.budget.reserve(3 * len)?;
        let bytes = input.read_bytes(usize::try_from(len).unwrap_or(usize::MAX))?;
        if !is_signature {
            files = header::packed_files(&bytes, &intro);
        }
        front.extend(bytes);
    }
    Ok(files)
}

/// Hands on what the payload holds. Where it is a cpio as any other, nothing of it needs to be known here.
fn read_payload(container: &OpenContainer<'_>, input: &mut Input<'_>, files: &[PackedFile]) {
    input.lift_limits();
    let stream = if files.is_empty() { None } else { input.peek(16).ok().and_then(compressor) };
    let offset = input.offset();
    if let Some(stream) = stream {
        let mut reader = DecodeReader::joined(Input::reader(&mut *input, container.budget), stream);
        let bytes_in = reader.bytes_in();
        container.read_decompressed(&mut reader, bytes_in, |payload| cpio::read(container, payload, files));
        drop(reader);
        return scan_until(container, input, None);
    }
    if !container.may_scan() || input.peek(1).map_or(true, <[u8]>::is_empty) {
        return;
    }
    if let Some(bytes) = input.take_slice(u64::MAX) {
        container.hand_over(Region::Behind(offset), Content::Memory(bytes));
    } else {
        container.hand_over(Region::Behind(offset), Content::Stored(input));
    }
}

/// The compressor of a payload (rpm.org, "Payload": `PAYLOADCOMPRESSOR`), by what it begins with.
fn compressor(head: &[u8]) -> Option<&'static StreamFormat> {
    Some(match head {
        head if gzip::begins(head) => &gzip::STREAM,
        head if xz::begins(head) => &xz::STREAM,
        head if zstd::begins(head) => &zstd::STREAM,
        head if bzip2::begins(head) => &bzip2::STREAM,
        head if lzma::begins(head) => &lzma::STREAM,
        _ => return None,
    })
}
