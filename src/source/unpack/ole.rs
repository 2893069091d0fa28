//! Compound files, which OLE2 calls structured storage: documents of Office before 2007, mails of Outlook, installers of Windows
//! (MSI), projects of Visual Basic in newer documents. A file system in a file, whose streams lie in sectors anywhere in it.
//!
//! The format is [MS-CFB] (<https://learn.microsoft.com/openspecs/windows_protocols/ms-cfb>), whose sections are cited.
//!
//! Read here rather than by the `cfb` crate, which refuses a file for one bad entry, and gives no access to the sectors that
//! belong to no stream: what was deleted from a document is there.

mod cipher;
mod decoded;
mod directory;
mod native;
mod rich_text;
mod sectors;
mod vba;

use std::io::{self, Read as _};

use zeroize::Zeroize as _;

use super::extents::{Covered, Extent, ExtentReader, with_file};
use super::format::{Format, Reader, Signature};
use super::open_container::{Content, MemberName, OpenContainer, Region};
use crate::blob::{Body, ReadSeek};
use directory::{Directory, Stream};
use native::Package;
use sectors::Sectors;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "OLE2",
    first_bytes: &[0xd0],
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.doc!Storage/Stream",
};

/// Whether a file begins so: signature, byte order, and one of the two sizes of sectors (2.2).
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
        && head.get(28..32).is_some_and(|fields| matches!(fields, [0xfe, 0xff, 9 | 12, 0]))
}

/// Hands on the streams, then what belongs to none.
pub(super) fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_file(container, body, |file| {
        let mut covered = Covered::default();
        let outcome = match Sectors::read(file, container.budget) {
            Ok(mut sectors) => read_streams(container, file, &mut sectors, &mut covered),
            Err(error) => Err(error),
        };
        let scanned = covered.scan_rest(container, file);
        if let Err(error) = outcome.and(scanned) {
            container.report_read_error(&error);
        }
    });
}

fn read_streams(
    container: &OpenContainer<'_>,
    file: &mut dyn ReadSeek,
    sectors: &mut Sectors,
    covered: &mut Covered,
) -> io::Result<()> {
    let directory = Directory::read(file, sectors, container.budget)?;
    for stream in directory.streams() {
        let name = MemberName::new(stream.path.as_bytes());
        if !container.begin_member(&name) {
            break;
        }
        if stream.size > 0 {
            read_stream(container, (&mut *file, &mut *sectors), (&directory, &stream, &name), covered)?;
        }
    }
    // Few streams can be the only ones: an entry of the directory that cannot be one is damage.
    if directory.is_sound { Ok(()) } else { Err(io::Error::other("its directory is damaged")) }
}

fn read_stream(
    container: &OpenContainer<'_>,
    (file, sectors): (&mut dyn ReadSeek, &mut Sectors),
    (directory, stream, name): (&Directory, &Stream, &MemberName),
    covered: &mut Covered,
) -> io::Result<()> {
    let extents = directory.extents(stream, sectors);
    let mut head = Vec::new();
    // What is missing is reported below.
    let _ = ExtentReader::new(file, &extents, stream.size).take(native::HEAD).read_to_end(&mut head);
    let (own_name, _) = stream.name_and_storage();
    let is_whole = if let Some(package) = native::find(own_name, stream.size, &head) {
        read_package(container, file, (stream, name, &package), &extents)
    } else {
        let mut reader = ExtentReader::new(file, &extents, stream.size);
        container.hand_over(Region::Member(name), Content::Stored(&mut reader)).1.is_none()
    };
    if is_whole {
        covered.add(&extents, stream.size);
    }
    if cipher::is_encrypted(own_name, &head) {
        container.report_encrypted(Region::Member(name));
    }
    head.zeroize();
    decoded::read(container, ExtentReader::new(file, &extents, stream.size), stream)
}

/// Hands on a file that a stream holds, and what stands around it; whether all of it was there.
fn read_package(
    container: &OpenContainer<'_>,
    file: &mut dyn ReadSeek,
    (stream, name, package): (&Stream, &MemberName, &Package),
    extents: &[Extent],
) -> bool {
    let inner_name = MemberName::new(&[stream.path.as_bytes(), b"!", &package.name].concat());
    let end = package.begin + package.len;
    let mut is_whole = container.begin_member(&inner_name);
    for (region, begin, len) in [
        (Region::MemberPart(name, 0), 0, package.begin),
        (Region::Member(&inner_name), package.begin, package.len),
        (Region::MemberPart(name, end), end, stream.size - end),
    ] {
        let part = native::part(extents, begin, len);
        let mut reader = ExtentReader::new(file, &part, len);
        is_whole &= container.hand_over(region, Content::Stored(&mut reader)).1.is_none();
    }
    is_whole
}
