//! systemd's journal (<https://systemd.io/JOURNAL_FILE_FORMAT/>): fields that are long are compressed, the others stand there as they
//! are.

use std::io::{self, ErrorKind};
use std::rc::Rc;

use super::bounded_reader::StreamError;
use super::decoder::{DecodeReader, StreamFormat};
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::limits::Limit;
use super::open_container::{Content, MemberName, OpenContainer, Region};
use super::share::Claim;
use super::twice::scan_and_read;
use super::{lz4, xz, zstd};
use crate::blob::Body;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "systemd's journal",
    first_bytes: b"L",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.journal!@6699",
};

/// The header up to the sizes of itself and of the objects ("Header").
const HEADER_LEN: usize = 104;
const OBJECT_HEADER_LEN: usize = 16;

/// "Objects": a field with its value, and what it is compressed by.
const DATA: u8 = 1;
const COMPRESSED_XZ: u8 = 1;
const COMPRESSED_LZ4: u8 = 2;
const COMPRESSED_ZSTD: u8 = 4;

/// "Extensibility", `HEADER_INCOMPATIBLE_COMPACT`: data has two more fields of four bytes in front.
const COMPACT: u32 = 16;

/// No field is longer (`DATA_SIZE_MAX` in journal-importer.h), in bytes; one of this size is a memory dump.
const MAX_FIELD: u64 = 64 * 1024 * 1024;

/// Whether a journal begins so.
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(b"LPKSHHRH")
}

/// Hands on the compressed fields.
pub(super) fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    scan_and_read(container, body, |quiet, input| {
        let read = read_objects(quiet, container, input);
        if let Err(error) = &read {
            container.report(Region::Raw(0), StreamError::Damaged(error.to_string()), None);
        }
        read.is_ok()
    });
}

fn le64(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Reads the objects one behind the other, each at a multiple of eight.
fn read_objects(
    quiet: &OpenContainer<'_>,
    loud: &OpenContainer<'_>,
    input: &mut Input<'_>,
) -> io::Result<()> {
    let header = input.read_bytes(HEADER_LEN)?;
    let flags = header.get(12..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let data_header: u64 = if flags & COMPACT != 0 { 72 } else { 64 };
    let begin = le64(&header, 88);
    let end = begin.saturating_add(le64(&header, 96));
    input.skip(begin.saturating_sub(HEADER_LEN as u64))?;
    while quiet.may_continue() && input.offset() < end {
        let offset = input.offset();
        let object = input.peek(OBJECT_HEADER_LEN)?.to_vec();
        let size = le64(&object, 8);
        let (Some(kind), Some(flags)) = (object.first(), object.get(1)) else { return Ok(()) };
        // What was allocated and not used yet.
        if *kind == 0 || size < OBJECT_HEADER_LEN as u64 {
            return Ok(());
        }
        let compressed = *kind == DATA && flags & (COMPRESSED_XZ | COMPRESSED_LZ4 | COMPRESSED_ZSTD) != 0;
        if compressed && size > MAX_FIELD {
            loud.report(Region::Raw(offset), StreamError::LimitReached(Limit::Memory), None);
        } else if compressed && size > data_header {
            input.skip(data_header)?;
            let _reservation = quiet.budget.reserve(size)?;
            let field = input.read_bytes(usize::try_from(size - data_header).unwrap_or(0))?;
            hand_over(quiet, loud, (offset, *flags), &field)?;
        }
        // No file goes on so far behind it.
        let Some(next) = offset.checked_add(size).and_then(|end| end.checked_next_multiple_of(8)) else {
            return Ok(());
        };
        if !input.skip(next.saturating_sub(input.offset()))? {
            return Ok(());
        }
    }
    Ok(())
}

/// Hands on one compressed field of the object at this offset.
fn hand_over(
    quiet: &OpenContainer<'_>,
    loud: &OpenContainer<'_>,
    (offset, flags): (u64, u8),
    field: &[u8],
) -> io::Result<()> {
    let name = MemberName::from_text(format!("@{offset}"));
    if !quiet.begin_member(&name) {
        return Ok(());
    }
    let format: &'static StreamFormat = match flags & (COMPRESSED_XZ | COMPRESSED_LZ4 | COMPRESSED_ZSTD) {
        COMPRESSED_XZ => &xz::STREAM,
        COMPRESSED_ZSTD => &zstd::STREAM,
        _ => {
            // The size of what comes out stands in front of the block (`compress_blob_lz4` in compress.c).
            let size = le64(field, 0);
            if size > MAX_FIELD {
                return Err(io::Error::new(ErrorKind::InvalidData, "a field longer than any"));
            }
            let _reservation = quiet.budget.reserve(size)?;
            let block = field.get(8..).unwrap_or_default();
            match lz4::decompress_block(block, usize::try_from(size).unwrap_or(0)) {
                Ok(plain) => {
                    loud.hand_over(Region::Member(&name), Content::Memory(&plain));
                }
                Err(error) => {
                    loud.report(Region::Member(&name), StreamError::Damaged(error.to_string()), None);
                }
            }
            return Ok(());
        }
    };
    let mut reader = DecodeReader::joined(Input::memory(field, quiet.budget), format);
    let bytes_in = Rc::clone(&reader.bytes_in());
    let content = Content::Compressed { reader: &mut reader, bytes_in, out_before: 0, claim: Claim::Size(0) };
    loud.hand_over(Region::Member(&name), content);
    Ok(())
}
