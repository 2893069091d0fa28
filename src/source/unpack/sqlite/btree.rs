//! The cells of b-tree pages (1.6).

use std::ops::Range;

use super::pages::{be16, be32};

/// The kinds of pages that hold records or lead to those that do.
const INTERIOR_INDEX: u8 = 2;
const INTERIOR_TABLE: u8 = 5;
const LEAF_INDEX: u8 = 10;
const LEAF_TABLE: u8 = 13;

/// A cell with a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cell {
    /// Of a table's row.
    pub(super) row: Option<i64>,
    /// What of the record is in the page.
    pub(super) local: Range<usize>,
    /// How long all of it is, in bytes.
    pub(super) len: u64,
    /// The page that it goes on in.
    pub(super) overflow: Option<u32>,
}

/// Where the header of a page is: page 1 begins with that of the database.
fn header(number: u32) -> usize {
    if number == 1 { super::pages::HEADER } else { 0 }
}

/// A variable-length integer (1.6), and how many bytes it has.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        if at == 8 {
            return Some((value << 8 | u64::from(*byte), 9));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

/// The cells of a page that hold records; none where it is another kind of page.
pub(super) fn cells(page: &[u8], number: u32, usable: usize) -> Vec<Cell> {
    let kind = page.get(header(number)).copied().unwrap_or(0);
    if !matches!(kind, INTERIOR_INDEX | LEAF_INDEX | LEAF_TABLE) {
        return Vec::new();
    }
    pointers(page, number).filter_map(|at| cell(page, kind, at, usable)).collect()
}

/// Where the cells of a page are.
fn pointers(page: &[u8], number: u32) -> impl Iterator<Item = usize> + '_ {
    let at = header(number);
    let is_interior = matches!(page.get(at), Some(&(INTERIOR_INDEX | INTERIOR_TABLE)));
    let array = at + if is_interior { 12 } else { 8 };
    let count = usize::from(be16(page, at + 3).unwrap_or(0));
    (0..count).map_while(move |index| be16(page, array + 2 * index)).map(usize::from)
}

fn cell(page: &[u8], kind: u8, at: usize, usable: usize) -> Option<Cell> {
    let page = page.get(..usable)?;
    let mut from = at + if kind == INTERIOR_INDEX { 4 } else { 0 };
    let (len, width) = varint(page.get(from..)?)?;
    from += width;
    let mut row = None;
    if kind == LEAF_TABLE {
        let (value, width) = varint(page.get(from..)?)?;
        row = Some(value.cast_signed());
        from += width;
    }
    let local = local_len(len, usable, kind == LEAF_TABLE)?;
    let end = from + local;
    let overflow = if local as u64 == len { None } else { Some(be32(page, end)?) };
    page.get(from..end)?;
    Some(Cell { row, local: from..end, len, overflow })
}

/// How much of a record of `len` bytes is in the page itself ("the amount of payload that spills", 1.6).
fn local_len(len: u64, usable: usize, is_table: bool) -> Option<usize> {
    let usable = usable as u64;
    let most = if is_table {
        usable.checked_sub(35)?
    } else {
        (usable.checked_sub(12)? * 64 / 255).checked_sub(23)?
    };
    if len <= most {
        return usize::try_from(len).ok();
    }
    let least = (usable.checked_sub(12)? * 32 / 255).checked_sub(23)?;
    let local = least + len.checked_sub(least)? % (usable - 4);
    usize::try_from(if local <= most { local } else { least }).ok()
}

/// The pages that an interior page leads to, and whether it is one.
pub(super) fn children(page: &[u8], number: u32) -> Option<Vec<u32>> {
    let at = header(number);
    if !matches!(page.get(at), Some(&(INTERIOR_INDEX | INTERIOR_TABLE))) {
        return None;
    }
    let mut children: Vec<u32> = pointers(page, number).filter_map(|cell| be32(page, cell)).collect();
    children.extend(be32(page, at + 8));
    Some(children)
}

/// The free blocks of a leaf of a table, each behind the one before.
pub(super) fn free_blocks(page: &[u8], number: u32) -> impl Iterator<Item = Range<usize>> + '_ {
    let at = header(number);
    let is_leaf = page.get(at) == Some(&LEAF_TABLE);
    let mut next = be16(page, at + 1).filter(|_| is_leaf).map_or(0, usize::from);
    std::iter::from_fn(move || {
        let start = next;
        let (following, len) = (be16(page, start)?, be16(page, start + 2)?);
        next = usize::from(following);
        if next != 0 && next <= start {
            next = 0;
        }
        (start != 0).then(|| start..start + usize::from(len))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_up_to_nine_bytes() {
        assert_eq!(varint(&[0x7f, 1]), Some((127, 1)));
        assert_eq!(varint(&[0x81, 0]), Some((128, 2)));
        assert_eq!(varint(&[0xff; 9]), Some((u64::MAX, 9)));
        assert_eq!(varint(&[0x80, 0x80]), None);
        assert_eq!(varint(&[]), None);
    }

    #[test]
    fn what_stays_in_the_page_is_what_the_format_says() {
        // With pages of 4096 bytes: 4061 in a table's leaf, 1002 in an index, and 489 at least.
        assert_eq!(local_len(4061, 4096, true), Some(4061));
        assert_eq!(local_len(4062, 4096, true), Some(489));
        assert_eq!(local_len(489 + 4092 + 100, 4096, true), Some(589));
        assert_eq!(local_len(1002, 4096, false), Some(1002));
        assert_eq!(local_len(1003, 4096, false), Some(1003 - 489).map(|_| 489));
    }
}
