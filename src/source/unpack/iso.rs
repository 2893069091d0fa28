//! Images of CDs and DVDs: ISO 9660, which ECMA-119 describes
//! (<https://ecma-international.org/publications-and-standards/standards/ecma-119/>, whose sections are cited), with the names of Rock
//! Ridge (IEEE P1281 and P1282) or of Joliet, and files compressed as zisofs.
//!
//! What no file covers is scanned as it is: boot images, UDF's directories beside these, what was deleted from a rewritable disc.

mod directory;
mod record;
mod rock_ridge;
mod volume;

use std::io::{self, BufReader, SeekFrom};
use std::rc::Rc;

use super::bounded_reader::StreamError;
use super::decoder::DecodeReader;
use super::extents::{Covered, ExtentReader, read_at, with_file};
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::open_container::{Content, MemberName, OpenContainer, Region};
use super::share::Claim;
use super::zisofs;
use crate::blob::{Body, ReadSeek};
use directory::{Entry, Records, Tree};
use volume::Volume;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "ISO 9660",
    // The first sixteen sectors are the system's.
    first_bytes: &[],
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.iso!inner/path",
};

/// Where the descriptors of volumes begin: behind sixteen sectors (7.2.1).
const DESCRIPTORS: usize = 16 * volume::SECTOR;

/// How many first bytes show what an image is.
pub(super) const HEAD: usize = DESCRIPTORS + 6;

/// Whether an image begins so: its first descriptor has the identifier (9.1.2).
pub(super) fn begins(head: &[u8]) -> bool {
    head.get(DESCRIPTORS..HEAD)
        .is_some_and(|descriptor| matches!(descriptor, [0..=3, b'C', b'D', b'0', b'0', b'1']))
}

/// Whether the first block may be that of an image: nothing but zeros, or the boot record of a disk.
pub(super) fn may_begin(head: &[u8]) -> bool {
    let Some(block) = head.first_chunk::<512>() else { return false };
    block.ends_with(&[0x55, 0xaa]) || block.first() == Some(&0) && block.iter().all(|byte| *byte == 0)
}

/// Hands on the files, then what belongs to none.
pub(super) fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_file(container, body, |file| {
        let mut covered = Covered::default();
        let outcome = read_tree(container, file, &mut covered);
        let scanned = covered.scan_rest(container, file);
        if let Err(error) = outcome.and(scanned) {
            container.report_read_error(&error);
        }
    });
}

fn read_tree(
    container: &OpenContainer<'_>,
    file: &mut dyn ReadSeek,
    covered: &mut Covered,
) -> io::Result<()> {
    let len = file.seek(SeekFrom::End(0))?;
    let volume = Volume::find(file)?;
    let mut tree = Tree::new(volume);
    while let Some(directory) = tree.next_directory() {
        let _reservation = container.budget.reserve(2 * u64::from(directory.size))?;
        let records = read_at(file, directory.offset, u64::from(directory.size))?;
        if records.len() < directory.size as usize {
            tree.is_sound = false;
        }
        let mut records = Records::new(&records);
        while let Some(entry) = tree.next_entry(file, &directory, &mut records)? {
            let name = MemberName::new(&entry.path);
            if !container.begin_member(&name) {
                return Ok(());
            }
            if let Some(target) = &entry.target {
                container.scan_link_target(&name, target);
            }
            if entry.size > 0 {
                read_file(container, (&mut *file, len), (&entry, &name), covered)?;
            }
        }
    }
    if tree.is_sound { Ok(()) } else { Err(io::Error::other("its directories are damaged")) }
}

fn read_file(
    container: &OpenContainer<'_>,
    (file, len): (&mut dyn ReadSeek, u64),
    (entry, name): (&Entry, &MemberName),
    covered: &mut Covered,
) -> io::Result<()> {
    if entry.is_interleaved {
        let reason =
            "interleaved with another file, which is not supported: copy it and scan that".to_owned();
        container.report_unreadable(Region::Member(name), reason);
        return Ok(());
    }
    let first = entry.extents.first().map_or(len, |(offset, _)| *offset);
    let is_packed = entry.is_packed && zisofs::begins(&read_at(file, first, 24)?);
    let mut extents = ExtentReader::new(file, &entry.extents, entry.size);
    let error = if is_packed {
        let mut reader = BufReader::with_capacity(64 * 1024, extents);
        let mut input = Input::reader(&mut reader, container.budget);
        let bytes_in = input.counter();
        let decoder = zisofs::open(&mut input, &mut Vec::new());
        match decoder {
            Ok(decoder) => {
                let mut reader = DecodeReader::single(input, decoder);
                let content = Content::Compressed {
                    reader: &mut reader,
                    bytes_in: Rc::clone(&bytes_in),
                    out_before: 0,
                    claim: Claim::Size(0),
                };
                container.hand_over(Region::Member(name), content).1
            }
            Err(error) => {
                let error = StreamError::Damaged(error.to_string());
                container.report(Region::Member(name), error.clone(), Some(0));
                Some(error)
            }
        }
    } else {
        container.hand_over(Region::Member(name), Content::Stored(&mut extents)).1
    };
    if error.is_none() {
        covered.add(&entry.extents, entry.size);
    }
    Ok(())
}
