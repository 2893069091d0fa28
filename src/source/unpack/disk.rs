//! What the formats of virtual disks have in common: the disk of the machine is the one member, `disk`, in which offsets are the
//! machine's own. Partitions and file systems are not taken apart: files stand in them in the clear.

use std::io;

use super::bounded_reader::StreamError;
use super::covered::Covered;
use super::limits::Limit;
use super::open_container::{Content, MemberName, OpenContainer, Region};
use super::pieces::{self, Cache, Context, Layout};
use super::random_access::{Part, RandomAccess, with_random_access};
use super::share::Claim;
use crate::blob::{Body, Rest};
use crate::text::path_text;

/// What the disk of an image is called.
pub(super) const DISK: &str = "disk";

/// Why an image is not read.
#[derive(Debug)]
pub(super) enum Refusal {
    Encrypted,
    /// It needs what this program does not know: what, and what to do.
    Unsupported(String),
    /// What is in it stands elsewhere: where.
    Elsewhere(String),
    Io(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Refusal::Io(error)
    }
}

/// An image whose tables make no sense.
pub(super) fn damaged(message: &'static str) -> Refusal {
    Refusal::Io(io::Error::new(io::ErrorKind::InvalidData, message))
}

/// Lends an image to its reader, which says why it cannot be read, if so.
pub(super) fn with_image(
    container: &OpenContainer<'_>,
    body: Body<'_>,
    read: fn(&OpenContainer<'_>, &mut RandomAccess<'_>) -> Result<(), Refusal>,
) {
    with_random_access(
        body,
        container.budget,
        |file| {
            if let Err(refusal) = read(container, file) {
                refuse(container, file, refusal);
            }
        },
        |head, rest| scan_too_large(container, head, rest),
    );
}

/// Hands on the disk, then all that is in the image besides.
pub(super) fn hand_over_disk(
    container: &OpenContainer<'_>,
    file: &mut RandomAccess<'_>,
    layout: &mut dyn Layout,
) -> io::Result<()> {
    let mut covered = Covered::new(file.len()?, container.budget)?;
    let name = MemberName::from_text(DISK.to_owned());
    if container.begin_member(&name) {
        let mut cache = Cache::default();
        let context = Context { file: &mut *file, cache: &mut cache, covered: &mut covered };
        pieces::hand_over(container, context, layout, &name, Claim::Rest);
    }
    covered.scan_gaps(container, file);
    Ok(())
}

/// Scans an image that was not opened as it is, and what is found in it where it is not encrypted, and reports why.
pub(super) fn refuse(container: &OpenContainer<'_>, file: &mut RandomAccess<'_>, refusal: Refusal) {
    let end = file.len().unwrap_or(0);
    let mut all = Part { file, at: 0, end };
    match refusal {
        Refusal::Encrypted => drop(container.hand_over(Region::Raw(0), Content::pieces(&mut all))),
        _ => container.carve(&mut all),
    }
    match refusal {
        Refusal::Encrypted => container.report_encrypted(Region::Raw(0)),
        Refusal::Unsupported(why) => container.report(Region::Raw(0), StreamError::Unsupported(why), None),
        Refusal::Elsewhere(reason) => container.report_unreadable(Region::Raw(0), reason),
        Refusal::Io(error) => container.report_read_error(&error),
    }
}

/// Scans an image that is nested and too large to be read wherever its tables point as it is, and reports that.
pub(super) fn scan_too_large(container: &OpenContainer<'_>, head: &[u8], rest: &mut dyn Rest) {
    let mut all = io::Read::chain(head, rest);
    container.hand_over(Region::Raw(0), Content::Stored(&mut all));
    container.report(Region::Raw(0), StreamError::LimitReached(Limit::Memory), None);
}

/// Why what stands in another file was not read.
pub(super) fn elsewhere(what: &str, name: &[u8]) -> String {
    let name = path_text(name);
    let blank = if name.is_empty() { "" } else { " " };
    format!("{what}{blank}{name} was not looked into: scan that, too")
}
