//! A git pack by itself: objects end to end, many of them told as differences from others (gitformat-pack(5)).

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};

use super::super::bounded_reader::StreamError;
use super::super::format::{Format, Reader, Signature};
use super::super::limits::Limit;
use super::super::open_container::{Content, OpenContainer, Region};
use super::dirs::GitDirs;
use super::in_memory::{self, HEADER};
use super::read::{Outcome, read};
use super::temporary::{Unwritten, copy, lend, whole_again};
use crate::blob::{Body, Forward};
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
            report_unwritten(container, &error);
            return in_memory::read_pack(container, 0, body);
        }
    };
    match copy(container, &mut body, &mut file) {
        Err(Unwritten::Write { error, written, next }) => {
            report_unwritten(container, &error);
            whole_again((&mut file, written, &next), &mut body, |body| {
                in_memory::read_pack(container, 0, body);
            });
        }
        written => read_written(container, &mut gathered, (file, 0), written),
    }
}

/// Reports that a pack or a bundle is read in memory, unless this was said of the git directory that it is in.
pub(super) fn report_unwritten(container: &OpenContainer<'_>, error: &io::Error) {
    if !container.budget.git_dirs.borrow().iter().any(GitDirs::are_any_unwritten) {
        in_memory::report(container, Region::Raw(0), error);
    }
}

/// Reads the one pack that was written, and scans as it is what in it is no object. It begins at this offset of the container.
pub(super) fn read_written(
    container: &OpenContainer<'_>,
    gathered: &mut Gathered,
    (mut file, begin): (File, u64),
    written: Result<u64, Unwritten>,
) {
    match written {
        Ok(bytes) => gathered.count(bytes),
        Err(Unwritten::Limit) => {
            container.report(Region::Raw(0), StreamError::LimitReached(Limit::Expansion), None);
        }
        Err(Unwritten::Read(error) | Unwritten::Write { error, .. }) => container.report_read_error(&error),
    }
    let is_odd = match read(container, None, gathered, 1) {
        Outcome::Read(odd_packs) => !odd_packs.is_empty(),
        Outcome::LimitReached => true,
        Outcome::Unwritten => {
            if file.rewind().is_ok() {
                lend(&mut Forward(&mut file), |body| in_memory::read_pack(container, begin, body));
            }
            false
        }
    };
    if is_odd && file.seek(SeekFrom::Start(HEADER)).is_ok() {
        container.hand_over(Region::Raw(begin + HEADER), Content::Stored(&mut file));
    }
}
