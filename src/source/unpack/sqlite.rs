//! SQLite databases, and the journals beside them (<https://www.sqlite.org/fileformat2.html>, whose sections are cited).
//!
//! All of a database is scanned as it stands. Handed on besides are the records that go on in overflow pages, put together, and
//! values that are containers or compressed themselves. The schema is read for the names of tables only.

mod btree;
mod free;
mod pages;
mod payload;
mod record;
mod tables;
mod values;

use super::besides::ReadBesides;
use super::chunk::Chunk;
use super::format::{Format, Reader, Signature};
use super::open_container::OpenContainer;
use super::random_access::RandomAccess;
use crate::blob::ReadSeek;
use pages::Pages;
use tables::Tables;
use values::Values;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "SQLite",
    first_bytes: &[b'S', 0x37, 0xd9],
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Besides(ReadBesides::Anywhere(open)),
    merges_with_compressor: false,
    member_path: "a.db!table NAME/row 17",
};

/// Whether a database begins so (1.3), a write-ahead log (4.1) or a rollback journal (3), as far as its header makes sense.
fn begins(head: &[u8]) -> bool {
    pages::Header::parse(head).is_some()
}

fn open(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) {
    if let Err(error) = read(container, file) {
        container.report_read_error(&error);
    }
}

fn read(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) -> std::io::Result<()> {
    let mut file = RandomAccess::File(file);
    let mut head = [0; pages::HEADER];
    let len = usize::try_from(file.len()?).map_or(head.len(), |len| len.min(head.len()));
    file.read_exact_at(head.get_mut(..len).unwrap_or_default(), 0)?;
    let Some(header) = pages::Header::parse(head.get(..len).unwrap_or_default()) else { return Ok(()) };
    let mut pages = Pages::new(file, &header, container.budget)?;
    let mut page = Chunk::zeros(pages.size(), container.budget)?;
    let tables = Tables::read(&mut pages, container.budget)?;
    let mut values = Values::new(container, &tables, &pages);
    for slot in 0..pages.slots() {
        if !container.may_continue() {
            break;
        }
        // The last page of a file that was cut off is not whole.
        let Ok(number) = pages.read_slot(slot, page.as_mut_slice()) else { continue };
        free::hand_over_blocks(container, &mut pages, &tables, (number, &page));
        for cell in btree::cells(&page, number, pages.usable()) {
            if !values.read(&mut pages, (slot, number), &page, &cell) {
                return Ok(());
            }
        }
    }
    values.finish();
    if container.may_continue() {
        // The list may be wrong where everything else is right.
        let _ = free::hand_over_pages(container, &mut pages);
    }
    Ok(())
}
