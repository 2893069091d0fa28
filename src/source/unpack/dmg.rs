//! Disk images of macOS (UDIF): the disk in chunks, each compressed by itself, listed in a property list or a resource fork.
//!
//! There is no specification; "Demystifying the DMG File Format" (<https://newosxbook.com/DMG.html>) and 7-Zip's
//! `CPP/7zip/Archive/DmgHandler.cpp` describe it.

mod chunks;
mod resources;
mod trailer;

use super::disk::{Refusal, damaged, elsewhere, hand_over_disk, with_image};
use super::format::{Format, Reader, Signature};
use super::open_container::{OpenContainer, Region};
use super::random_access::RandomAccess;
use crate::blob::Body;
use chunks::Chunks;
use trailer::Trailer;

pub(super) use trailer::{KOLY, is_at_end};

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "DMG",
    first_bytes: b"e",
    begins: trailer::is_encrypted,
    signature: Signature::Strong,
    at_end: Some(|last, _| is_at_end(last)),
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.dmg!disk",
};

/// Hands on the disk.
fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_image(container, body, open_image);
}

fn open_image(container: &OpenContainer<'_>, file: &mut RandomAccess<'_>) -> Result<(), Refusal> {
    if file.bytes_at(0, 16).is_ok_and(|head| trailer::is_encrypted(&head)) {
        return Err(Refusal::Encrypted);
    }
    let trailer = Trailer::read(file)?;
    let tables = resources::read(file, &trailer, container.budget)?;
    let (mut chunks, _reservation) = Chunks::of(&tables, &trailer, container.budget)?;
    if chunks.is_empty() {
        return Err(damaged("its tables of chunks are missing or wrong"));
    }
    hand_over_disk(container, file, &mut chunks)?;
    if trailer.segments > 1 {
        let what = format!("segment {} of {}: the disk's other segments", trailer.segment, trailer.segments);
        container.report_unreadable(Region::Raw(0), elsewhere(&what, b""));
    }
    Ok(())
}
