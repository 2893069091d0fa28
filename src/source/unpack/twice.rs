//! For what is scanned as it is, and then read once more for what stands in it in another way.

use std::io::{BufReader, Cursor, Read as _};

use super::bounded_reader::StreamError;
use super::input::Input;
use super::limits::Limit;
use super::open_container::{Content, OpenContainer, Region};
use super::spool::{Spooled, with_seekable};
use super::zip;
use crate::blob::Body;

/// Scans a body as it is, then calls `read` with it, which says whether all of it was what it began like, and a container in which neither bytes between members nor damage are told of:
/// the bytes were scanned, and what begins like a message may be a text about messages.
pub(super) fn scan_and_read(
    container: &OpenContainer<'_>,
    body: Body<'_>,
    read: impl FnOnce(&OpenContainer<'_>, &mut Input<'_>) -> bool,
) {
    let (quiet, budget) = (container.carved(), container.budget);
    with_seekable(body, budget, |spooled| match spooled {
        Spooled::Memory(bytes) => {
            container.scan_raw(0, bytes);
            let mut input = Input::memory(bytes, budget);
            if !read(&quiet, &mut input) || is_left(&mut input) {
                zip::open_at_end(&quiet, &mut Cursor::new(bytes));
            }
        }
        Spooled::File(file) => {
            if file.rewind().is_ok() {
                container.hand_over(Region::Raw(0), Content::Stored(&mut &mut *file));
            }
            if file.rewind().is_ok() {
                let mut reader = BufReader::with_capacity(64 * 1024, &mut *file);
                let mut input = Input::reader(&mut reader, budget);
                if !read(&quiet, &mut input) || is_left(&mut input) {
                    zip::open_at_end(&quiet, file);
                }
            }
        }
        Spooled::TooLarge(bytes, rest) => {
            container.hand_over(Region::Raw(0), Content::Stored(&mut bytes.chain(rest)));
            container.report(Region::Raw(0), StreamError::LimitReached(Limit::Memory), None);
        }
    });
}

/// Whether something was not read: an archive may have been put there.
fn is_left(input: &mut Input<'_>) -> bool {
    input.peek(1).is_ok_and(|bytes| !bytes.is_empty())
}
