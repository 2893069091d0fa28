//! VMDK, the disks of `VMware`: sparse extents, found by tables of two levels, or compressed one behind the other, as an OVA has them.
//! Flat extents are the bytes of the disk, and descriptors are text.
//!
//! The format is `VMware`'s "Virtual Disk Format 5.0"
//! (<https://web.archive.org/web/2021/https://www.vmware.com/app/vmdk/?src=vmdk>), whose structures are named.

mod header;
mod stream;
mod tables;

use std::io::{BufReader, Read as _};

use super::disk::{Refusal, damaged, elsewhere, hand_over_disk, refuse, scan_too_large};
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::open_container::{OpenContainer, Region};
use super::random_access::{Part, RandomAccess, with_random_access};
use crate::blob::{Body, Rest};
use header::Header;
use tables::Tables;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "VMDK",
    first_bytes: b"KC",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.vmdk!disk",
};

/// Whether an extent begins so: `SparseExtentHeader`, or `COWDisk_Header`, each with a version there is.
fn begins(head: &[u8]) -> bool {
    matches!(head, [b'K', b'D', b'M', b'V', 1..=3, 0, 0, 0, ..] | [b'C', b'O', b'W', b'D', 1, 0, 0, 0, ..])
}

/// Hands on the disk.
fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_random_access(
        body,
        container.budget,
        |file| {
            if let Err(refusal) = open_extent(container, file) {
                refuse(container, file, refusal);
            }
        },
        |head, rest| open_large(container, head, rest),
    );
}

fn open_extent(container: &OpenContainer<'_>, file: &mut RandomAccess<'_>) -> Result<(), Refusal> {
    let header = Header::read(file)?;
    let Some(directory) = header.directory else {
        if !header.is_stream {
            return Err(damaged("its footer is missing"));
        }
        // Cut off before its footer: what is there can be read forwards.
        let end = file.len()?;
        let mut all = BufReader::new(Part { file, at: 0, end });
        stream::open(container, &mut Input::reader(&mut all, container.budget), &header);
        return Ok(());
    };
    let parent = header.parent(file);
    let mut tables = Tables::new(&header, directory, file.len()?);
    hand_over_disk(container, file, &mut tables)?;
    if let Some(parent) = parent {
        container.report_unreadable(Region::Raw(0), elsewhere("the disk it is a snapshot of", &parent));
    }
    Ok(())
}

/// One that is nested and larger than what is gathered in memory.
fn open_large(container: &OpenContainer<'_>, head: &[u8], rest: &mut dyn Rest) {
    match Header::parse(head) {
        Ok(header) if header.is_stream => {
            let mut all = head.chain(BufReader::new(rest));
            stream::open(container, &mut Input::reader(&mut all, container.budget), &header);
        }
        _ => scan_too_large(container, head, rest),
    }
}
