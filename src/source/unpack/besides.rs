//! Files that are scanned as they are, and read as what they are besides: a database, whose rows go on elsewhere in it, or a
//! mail, whose attachments are encoded.

mod tee;

use std::io::{Cursor, Read};

use super::bounded_reader::StreamError;
use super::limits::Limit;
use super::open_container::{OpenContainer, Region};
use super::spool::{Spooled, with_seekable};
use crate::blob::{Body, ReadSeek};
use tee::tee;

/// How what looking at the bytes does not show is handed on, from the beginning on.
#[derive(Clone, Copy)]
pub(super) enum ReadBesides {
    /// By reading here and there.
    Anywhere(fn(&OpenContainer<'_>, &mut dyn ReadSeek)),
    /// By reading forwards.
    Forwards(fn(&OpenContainer<'_>, &mut dyn Read)),
}

impl ReadBesides {
    fn read(self, container: &OpenContainer<'_>, file: &mut dyn ReadSeek) {
        if !container.may_continue() {
            return;
        }
        match self {
            ReadBesides::Anywhere(read) => read(container, file),
            ReadBesides::Forwards(read) => read(container, &mut &mut *file),
        }
    }
}

/// Scans a body as it is, and has it read. One that can neither be read twice nor be held in memory is read once for both; where that
/// cannot be, it is only scanned, and that is said.
pub(super) fn open(container: &OpenContainer<'_>, body: Body<'_>, how: ReadBesides) {
    let (head, rest) = match body {
        Body::Whole(bytes) => return open_whole(container, bytes, how),
        Body::Stream { head, rest } => (head, rest),
    };
    if rest.seekable().is_some() {
        container.scan_as_is(Body::Stream { head, rest: &mut *rest });
        if let Some(file) = rest.seekable()
            && file.rewind().is_ok()
        {
            how.read(container, file);
        }
        return;
    }
    with_seekable(Body::Stream { head, rest }, container.budget, |spooled| match (spooled, how) {
        (Spooled::Memory(bytes), _) => open_whole(container, bytes, how),
        (Spooled::File(file), _) => how.read(container, file),
        (Spooled::TooLarge(head, rest), ReadBesides::Forwards(read)) => tee(container, head, rest, read),
        (Spooled::TooLarge(head, rest), ReadBesides::Anywhere(_)) => {
            container.scan_as_is(Body::Stream { head, rest });
            container.report(Region::Raw(0), StreamError::LimitReached(Limit::Memory), None);
        }
    });
}

fn open_whole(container: &OpenContainer<'_>, bytes: &[u8], how: ReadBesides) {
    container.scan_as_is(Body::Whole(bytes));
    how.read(container, &mut Cursor::new(bytes));
}
