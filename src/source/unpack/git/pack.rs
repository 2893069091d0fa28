//! A git pack by itself: objects end to end, many of them told as differences from others (gitformat-pack(5)).

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use super::super::bounded_reader::StreamError;
use super::super::format::{Format, Reader, Signature};
use super::super::limits::Limit;
use super::super::open_container::{Content, OpenContainer, Region};
use super::gather::{copy, unwritten};
use super::read::read;
use crate::blob::Body;
use crate::source::git::Gathered;

/// Its row in the table of formats.
pub(in super::super) static FORMAT: Format = Format {
    name: "git pack",
    first_bytes: b"P",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "x.pack!COMMIT:path",
};

/// Bytes of a pack in front of its first entry: `PACK`, its version and its number of entries.
const HEADER: u64 = 12;

/// Whether a pack begins so: its signature, and one of its versions.
fn begins(head: &[u8]) -> bool {
    head.starts_with(b"PACK\0\0\0") && matches!(head.get(7), Some(2 | 3))
}

/// Writes the pack to disk and reads it.
fn open(container: &OpenContainer<'_>, mut body: Body<'_>) {
    let opened = Gathered::new().and_then(|mut gathered| {
        let (_, file) = gathered.new_pack()?;
        Ok((gathered, file))
    });
    let (mut gathered, mut file) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            container.report_unreadable(Region::Raw(0), unwritten(&error));
            match &mut body {
                Body::Whole(bytes) => container.scan_raw(HEADER, bytes.get(12..).unwrap_or_default()),
                Body::Stream { head, rest } => {
                    let mut all = head.get(12..).unwrap_or_default().chain(rest);
                    container.hand_over(Region::Raw(HEADER), Content::Stored(&mut all));
                }
            }
            return;
        }
    };
    let written = copy(container, &mut body, &mut file);
    read_written(container, &mut gathered, (file, 0), written);
}

/// Reads the one pack that was written, and scans as it is what in it is no object. It begins at this offset of the container.
pub(super) fn read_written(
    container: &OpenContainer<'_>,
    gathered: &mut Gathered,
    (mut file, begin): (File, u64),
    written: io::Result<u64>,
) {
    match written {
        Ok(bytes) => gathered.count(bytes),
        Err(error) if error.kind() == io::ErrorKind::QuotaExceeded => {
            container.report(Region::Raw(0), StreamError::LimitReached(Limit::Expansion), None);
        }
        Err(error) => container.report_unreadable(Region::Raw(0), unwritten(&error)),
    }
    let odd_packs = read(container, None, gathered, 1);
    let is_odd = odd_packs.is_none_or(|odd_packs| !odd_packs.is_empty());
    if is_odd && file.seek(SeekFrom::Start(HEADER)).is_ok() {
        container.hand_over(Region::Raw(begin + HEADER), Content::Stored(&mut file));
    }
}
