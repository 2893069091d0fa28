//! What was deleted and not written over: free pages keep where they went on (1.5, "The Freelist"), and so do free blocks within a
//! page (1.6). Their bytes are scanned where they stand; here the ends of pages are joined to what followed them.

use std::io;

use zeroize::Zeroizing;

use super::btree::free_blocks;
use super::pages::{Pages, be32};
use super::tables::Tables;
use crate::source::unpack::chunk::Chunk;
use crate::source::unpack::input::SEAM;
use crate::source::unpack::open_container::{Content, MemberName, OpenContainer, Region};

/// Where the header says which is the first page that lists free ones.
const FIRST_TRUNK: usize = 32;

/// Hands on the ends of free pages with the beginnings of those they led to.
pub(super) fn hand_over_pages(container: &OpenContainer<'_>, pages: &mut Pages<'_>) -> io::Result<()> {
    if !pages.is_database() {
        return Ok(());
    }
    let (mut trunk, mut page) =
        (Chunk::zeros(pages.size(), container.budget)?, Chunk::zeros(pages.size(), container.budget)?);
    pages.read_slot(0, trunk.as_mut_slice())?;
    let mut next = be32(&trunk, FIRST_TRUNK).unwrap_or(0);
    // A list that is longer than there are pages is a circle.
    let mut left = pages.slots();
    while next != 0 && left > 0 && pages.read(next, 0, trunk.as_mut_slice()).is_ok() {
        let count = be32(&trunk, 4).unwrap_or(0) as usize;
        for index in 0..count.min(pages.usable() / 4 - 2) {
            left = left.saturating_sub(1);
            let number = be32(&trunk, 8 + 4 * index).unwrap_or(0);
            if left == 0 || !container.may_continue() {
                return Ok(());
            }
            if pages.read(number, 0, page.as_mut_slice()).is_ok() {
                let (to, end) = (be32(&page, 0).unwrap_or(0), pages.usable());
                hand_over(container, pages, (number, &page, end), to);
            }
        }
        next = be32(&trunk, 0).unwrap_or(0);
        left = left.saturating_sub(1);
    }
    Ok(())
}

/// The same for free blocks in a page: what stood there last ended with the number of the page it went on in.
pub(super) fn hand_over_blocks(
    container: &OpenContainer<'_>,
    pages: &mut Pages<'_>,
    tables: &Tables,
    (number, page): (u32, &[u8]),
) {
    if !pages.is_database() {
        return;
    }
    for block in free_blocks(page, number) {
        let Some(end) = block.end.checked_sub(4).filter(|end| *end > block.start) else { continue };
        let to = be32(page, end).unwrap_or(0);
        // Where that is a page of a table now, it never was one.
        if to.checked_sub(1).is_some_and(|slot| tables.owner(slot).is_none()) {
            hand_over(container, pages, (number, page, end), to);
        }
    }
}

fn hand_over(
    container: &OpenContainer<'_>,
    pages: &mut Pages<'_>,
    (number, page, end): (u32, &[u8], usize),
    to: u32,
) {
    let mut behind = Zeroizing::new(vec![0; pages.size()]);
    if to == number || pages.read(to, 0, &mut behind).is_err() {
        return;
    }
    let from = end.saturating_sub(SEAM);
    let seam = [page.get(from..end).unwrap_or_default(), behind.get(4..4 + SEAM).unwrap_or_default()];
    let seam = Zeroizing::new(seam.concat());
    let name = MemberName::from_text(format!("page {number}"));
    container.hand_over(Region::MemberPart(&name, from as u64), Content::Memory(&seam));
}
