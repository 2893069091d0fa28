//! `SquashFS`, of snaps, `AppImage`s, firmware and live systems: files in compressed blocks, found from the root down.
//!
//! The format is Linux' `fs/squashfs/squashfs_fs.h`, described in <https://dr-emann.github.io/squashfs/>, whose sections are cited.

mod directory;
mod file;
mod inode;
mod metadata;
mod prefix;
mod superblock;
mod walk;

use super::covered::Covered;
use super::disk::{Refusal, with_image};
use super::format::{Format, Reader, Signature};
use super::open_container::OpenContainer;
use super::random_access::{Part, RandomAccess};
use crate::blob::Body;
use superblock::Superblock;

pub(super) use prefix::is_behind;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "squashfs",
    first_bytes: b"hs",
    begins: prefix::begins,
    signature: Signature::Strong,
    at_end: Some(|_, body| prefix::is_app_image(body)),
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.squashfs!inner/path",
};

/// Hands on the files, then all that is in the image besides, before it and behind it.
fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_image(container, body, open_image);
}

fn open_image(container: &OpenContainer<'_>, file: &mut RandomAccess<'_>) -> Result<(), Refusal> {
    let base = prefix::len(file)?;
    let superblock = Superblock::read(file, base)?;
    let mut covered = Covered::new(file.len()?, container.budget)?;
    let (before, _) = container.budget.read();
    walk::walk(container, file, &superblock, &mut covered);
    if container.budget.read().0 == before {
        // Its tables stand at its end, and a cut one has lost them: its blocks are found where they are.
        let end = file.len()?;
        container.carve(&mut Part { file, at: 0, end });
    } else {
        covered.scan_gaps(container, file);
    }
    Ok(())
}
