//! Cabinets of Windows: folders of files compressed together, in blocks ([MS-CAB],
//! <https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-cab>, whose sections are cited).

mod blocks;
mod header;

use std::io::{self, Read};

use super::bounded_reader::{ExactReader, StreamError};
use super::extents::scan_until;
use super::format::{Format, Reader, Signature};
use super::input::{Input, with_input};
use super::limits::Limit;
use super::open_container::{Content, MemberName, OpenContainer, Region};
use super::share::Claim;
use crate::blob::Body;
use blocks::{Blocks, Refusal};
use header::{Cabinet, File, Folder, Part, scan_names};

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "cab",
    first_bytes: b"M",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.cab!inner/path",
};

/// Whether a cabinet begins so: signature, the reserved fields, and the version, which is 1.3 (2.1).
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(b"MSCF\0\0\0\0")
        && head.get(12..16) == Some(&[0; 4])
        && head.get(24..26) == Some(&[3, 1])
}

/// Hands on the files.
pub(super) fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_input(body, container.budget, |input| {
        if let Err(error) = read_cabinet(container, input) {
            container.report(Region::Raw(0), StreamError::Damaged(error.to_string()), None);
        }
        scan_until(container, input, None);
    });
}

fn read_cabinet(container: &OpenContainer<'_>, input: &mut Input<'_>) -> io::Result<()> {
    let mut cabinet = Cabinet::read(container, input)?;
    cabinet.files.sort_by_key(|file| (file.folder, file.offset));
    let outcome = read_folders(container, input, &cabinet);
    if outcome.is_err() || !container.may_continue() {
        scan_names(container, &cabinet.files);
    }
    outcome
}

fn read_folders(container: &OpenContainer<'_>, input: &mut Input<'_>, cabinet: &Cabinet) -> io::Result<()> {
    let mut order: Vec<usize> = (0..cabinet.folders.len()).collect();
    order.sort_by_key(|index| cabinet.folders.get(*index).map(|folder| folder.offset));
    for index in order {
        let Some(folder) = cabinet.folders.get(index) else { continue };
        let begin = cabinet.files.partition_point(|file| file.folder < index);
        let end = cabinet.files.partition_point(|file| file.folder <= index);
        let files = cabinet.files.get(begin..end).unwrap_or_default();
        if folder.offset < input.offset() {
            return Err(io::Error::other("its folders lie within one another"));
        }
        scan_until(container, input, Some(folder.offset));
        if !container.may_continue() {
            return Ok(());
        }
        read_folder(container, input, (cabinet, folder), files)?;
    }
    Ok(())
}

/// Hands on the files of one folder. Blocks that are not read stay for whoever scans what is left.
fn read_folder(
    container: &OpenContainer<'_>,
    input: &mut Input<'_>,
    (cabinet, folder): (&Cabinet, &Folder),
    files: &[File],
) -> io::Result<()> {
    if files.iter().any(|file| file.part == Part::Rest) {
        for file in files {
            let name = MemberName::new(&file.name);
            let reason =
                format!("begins in the cabinet before this one{}: unpack them together", cabinet.before);
            container.report_unreadable(Region::Member(&name), reason);
        }
        scan_names(container, files);
        return Ok(());
    }
    let first = MemberName::new(files.first().map_or(b"", |file| &file.name));
    let mut blocks = match Blocks::open(input, folder, cabinet.block_reserve, container.budget) {
        Ok(blocks) => blocks,
        Err(Refusal::Method(method)) => {
            let reason = format!("packed by {method}, which is not supported: unpack it and scan that");
            container.report_unknown_method(Region::Member(&first), &reason);
            scan_names(container, files);
            return Ok(());
        }
        Err(Refusal::Memory) => {
            container.report(Region::Member(&first), StreamError::LimitReached(Limit::Memory), Some(0));
            scan_names(container, files);
            return Ok(());
        }
    };
    let outcome = read_files(container, &mut blocks, cabinet, files);
    if let Some((offset, bytes)) = blocks.take_broken() {
        container.scan_raw(offset, &bytes);
    }
    outcome
}

/// Hands on files in the order in which they come out of their blocks.
fn read_files(
    container: &OpenContainer<'_>,
    blocks: &mut Blocks<'_, '_>,
    cabinet: &Cabinet,
    files: &[File],
) -> io::Result<()> {
    let (mut at, mut out_before, mut last) = (0, 0, None);
    for (left, file) in (0..files.len()).rev().zip(files) {
        let name = MemberName::new(&file.name);
        if !container.begin_member(&name) {
            return Ok(());
        }
        // Files that are alike may be stored once.
        if file.size == 0 || last == Some((file.offset, file.size)) {
            continue;
        }
        if file.offset < at {
            return Err(io::Error::other("its files lie within one another"));
        }
        let (between, mut end) = (file.offset - at, End::Whole);
        if between > 0 {
            // No file has what lies there.
            end = read_file(container, blocks, (Region::Raw(0), between), (out_before, Claim::Size(0)));
        }
        if matches!(end, End::Whole) {
            let claim = if left == 0 { Claim::Rest } else { Claim::Size(file.size) };
            // Of one that goes on elsewhere, there is what there is. Those behind it have nothing here, and each says so.
            let size = if file.part == Part::Begin { u64::MAX } else { file.size };
            end = read_file(container, blocks, (Region::Member(&name), size), (out_before, claim));
        }
        if file.part == Part::Begin {
            let reason =
                format!("goes on in the cabinet behind this one{}: unpack them together", cabinet.behind);
            container.report_unreadable(Region::Member(&name), reason);
        }
        last = Some((file.offset, file.size));
        at = file.offset.saturating_add(file.size);
        match end {
            End::Whole => out_before = at,
            // What was packed together with a bomb comes out behind it only, and is not to blame for its ratio.
            End::PassedOver => out_before = 0,
            End::Broken if left > 0 && container.may_continue() => {
                let reason =
                    format!("{left} files packed together with one that broke off could not be read");
                container.report_unreadable(Region::Raw(0), reason);
                scan_names(container, files.get(files.len() - left..).unwrap_or_default());
                return Ok(());
            }
            End::Broken => return Ok(()),
        }
    }
    // What the blocks have behind the last file.
    read_file(container, blocks, (Region::Raw(0), u64::MAX), (out_before, Claim::Size(0)));
    Ok(())
}

/// How the reading of a file ended.
enum End {
    Whole,
    /// A limit cut it short, and what is behind it can still be read.
    PassedOver,
    Broken,
}

/// Hands on the next `size` bytes that come out of the blocks; all that there are, where that is more than there can be.
fn read_file(
    container: &OpenContainer<'_>,
    blocks: &mut Blocks<'_, '_>,
    (region, size): (Region<'_>, u64),
    (out_before, claim): (u64, Claim),
) -> End {
    let (is_stored, bytes_in) = (blocks.is_stored(), blocks.bytes_in());
    let (mut exact, mut all);
    let reader: &mut dyn Read = if size == u64::MAX {
        all = blocks.take(size);
        &mut all
    } else {
        exact = ExactReader { reader: blocks, left: size };
        &mut exact
    };
    let content = if is_stored {
        Content::Stored(&mut *reader)
    } else {
        Content::Compressed { reader: &mut *reader, bytes_in, out_before, claim }
    };
    match container.hand_over(region, content).1 {
        None => End::Whole,
        Some(StreamError::LimitReached(_)) if container.pass_over(reader) => End::PassedOver,
        Some(_) => End::Broken,
    }
}
