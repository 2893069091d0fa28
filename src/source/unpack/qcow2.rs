//! qcow2, the disks of QEMU, and the older qcow: the disk of the machine in clusters, found by tables of two levels.
//!
//! The format is `docs/interop/qcow2.rst` in QEMU's repository (<https://www.qemu.org/docs/master/interop/qcow2.html>), whose sections
//! are cited; that of version 1 is <https://people.gnome.org/~markmc/qcow-image-format-version-1.html>.

mod changed;
mod header;
mod snapshots;
mod tables;

use super::covered::Covered;
use super::disk::{DISK, Refusal, elsewhere, refuse, scan_too_large};
use super::format::{Format, Reader, Signature};
use super::open_container::{MemberName, OpenContainer, Region};
use super::pieces::{self, Cache, Context};
use super::random_access::{RandomAccess, with_random_access};
use super::share::Claim;
use crate::blob::Body;
use changed::Changed;
use header::Header;
use snapshots::Snapshot;
use tables::Tables;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "qcow2",
    first_bytes: b"Q",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.qcow2!disk",
};

/// Whether an image begins so: the magic number and a version there is ("Header").
fn begins(head: &[u8]) -> bool {
    matches!(head, [b'Q', b'F', b'I', 0xfb, 0, 0, 0, 1..=3, ..])
}

/// Hands on the disk, and those of the snapshots.
fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_random_access(
        body,
        container.budget,
        |file| match read_header(container, file) {
            Ok((header, covered)) => read_disks(container, file, &header, covered),
            Err(refusal) => refuse(container, file, refusal),
        },
        |head, rest| scan_too_large(container, head, rest),
    );
}

fn read_header(
    container: &OpenContainer<'_>,
    file: &mut RandomAccess<'_>,
) -> Result<(Header, Covered), Refusal> {
    let header = Header::read(file)?;
    if header.encrypted {
        return Err(Refusal::Encrypted);
    }
    if let Some(name) = &header.data_file {
        return Err(Refusal::Elsewhere(elsewhere("its data file", name)));
    }
    let covered = Covered::new(file.len()?, container.budget)?;
    Ok((header, covered))
}

/// The disk as it is now comes first, then what only the snapshots have, then all that is in the image besides.
fn read_disks(
    container: &OpenContainer<'_>,
    file: &mut RandomAccess<'_>,
    header: &Header,
    mut covered: Covered,
) {
    let snapshots = snapshots::read(file, header);
    let mut cache = Cache::default();
    let mut hand_over = |file: &mut RandomAccess<'_>, layout: &mut dyn pieces::Layout, name, claim| {
        if container.begin_member(&name) {
            let context = Context { file, cache: &mut cache, covered: &mut covered };
            pieces::hand_over(container, context, layout, &name, claim);
        }
    };
    let claim = if snapshots.is_empty() { Claim::Rest } else { Claim::Size(header.size) };
    let disk = MemberName::from_text(DISK.to_owned());
    hand_over(file, &mut Tables::new(header, header.l1, header.size), disk, claim);
    let mut before = header.l1;
    for Snapshot { name, l1 } in snapshots {
        let size = header.covered_by(l1);
        let tables = [l1, header.l1, before].map(|l1| Tables::new(header, l1, size));
        let name = MemberName::new(&[b"snapshot ", name.as_slice()].concat());
        hand_over(file, &mut Changed::new(tables), name, Claim::Size(0));
        before = l1;
    }
    covered.scan_gaps(container, file);
    if let Some(name) = &header.backing_file {
        container.report_unreadable(Region::Raw(0), elsewhere("its backing file", name));
    }
}
