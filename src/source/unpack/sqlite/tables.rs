//! The names of tables and indexes, and which pages are theirs (2.6, `sqlite_schema`).

use std::collections::BTreeMap;
use std::io;

use super::btree::{cells, children};
use super::pages::{Pages, be32};
use super::record::{Value, values};
use crate::source::unpack::budget::Budget;
use crate::source::unpack::chunk::Chunk;
use crate::source::unpack::memory::Reservation;
use crate::text::path_text;

/// No schema is larger in practice, in tables and indexes.
const MAX_TABLES: usize = 10_000;
/// The most bytes of a name that are shown.
const MAX_NAME: usize = 128;
/// How many bytes each page costs.
const PER_PAGE: u64 = size_of::<u16>() as u64;

/// What is known of the pages.
#[derive(Default)]
pub(super) struct Tables {
    /// `table NAME`, `index NAME`.
    names: Vec<String>,
    /// Of each slot, one more than the index of its name; 0 where none is known.
    owners: Vec<u16>,
    _reservation: Option<Reservation>,
}

impl Tables {
    /// Those of a database; none of a journal.
    pub(super) fn read(pages: &mut Pages<'_>, budget: &Budget) -> io::Result<Self> {
        if !pages.is_database() {
            return Ok(Tables::default());
        }
        let reservation = budget.reserve(u64::from(pages.slots()) * PER_PAGE)?;
        let mut tables = Tables {
            names: vec!["table sqlite_schema".to_owned()],
            owners: vec![0; pages.slots() as usize],
            _reservation: Some(reservation),
        };
        let mut page = Chunk::zeros(pages.size(), budget)?;
        // Text is in one of three encodings (1.3.13).
        let encoding =
            if pages.read_slot(0, page.as_mut_slice()).is_ok() { be32(&page, 56).unwrap_or(1) } else { 1 };
        let leaves = tables.claim(pages, 1, 1, page.as_mut_slice());
        let mut roots = BTreeMap::new();
        for number in leaves {
            if pages.read(number, 0, page.as_mut_slice()).is_err() {
                continue;
            }
            for cell in cells(&page, number, pages.usable()) {
                let record = page.get(cell.local).unwrap_or_default();
                if let Some((root, name)) = entry(record, encoding).filter(|_| roots.len() < MAX_TABLES) {
                    roots.insert(root, name);
                }
            }
        }
        for (root, name) in roots {
            tables.names.push(name);
            let owner = u16::try_from(tables.names.len()).unwrap_or(0);
            tables.claim(pages, root, owner, page.as_mut_slice());
        }
        Ok(tables)
    }

    /// What the page in this slot belongs to.
    pub(super) fn owner(&self, slot: u32) -> Option<&str> {
        let owner = usize::from(*self.owners.get(slot as usize)?);
        self.names.get(owner.checked_sub(1)?).map(String::as_str)
    }

    /// Notes whose the pages of a b-tree are; its leaves. A page is one's only, so that a circle ends.
    fn claim(&mut self, pages: &mut Pages<'_>, root: u32, owner: u16, page: &mut [u8]) -> Vec<u32> {
        let (mut level, mut leaves) = (vec![root], Vec::new());
        while !level.is_empty() {
            level.retain(|number| {
                let slot = number.checked_sub(1).and_then(|slot| self.owners.get_mut(slot as usize));
                slot.filter(|slot| **slot == 0).map(|slot| *slot = owner).is_some()
            });
            // All of a level are of one kind: where the first is a leaf, none of them is read.
            let mut next = Vec::new();
            let mut is_leaf = true;
            for number in &level {
                if pages.read(*number, 0, page).is_err() {
                    continue;
                }
                let Some(children) = children(page, *number) else { break };
                is_leaf = false;
                next.extend(children);
            }
            if is_leaf {
                leaves = level;
            }
            level = next;
        }
        leaves
    }
}

/// The root page and the name of a row of the schema: type, name, table, root page, SQL.
fn entry(record: &[u8], encoding: u32) -> Option<(u32, String)> {
    let mut values = values(record);
    let (Value::Bytes(kind), Value::Bytes(name)) = (values.next()?, values.next()?) else { return None };
    let (_, Value::Integer(offset, len)) = (values.next()?, values.next()?) else { return None };
    let bytes = |offset: u64, len: u64| {
        let from = usize::try_from(offset).ok()?;
        record.get(from..from.checked_add(usize::try_from(len).ok()?)?)
    };
    let text = |bytes: &[u8]| match encoding {
        2 | 3 => utf16(bytes, encoding == 3),
        _ => path_text(bytes),
    };
    let root = bytes(offset, len)?.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    let root = u32::try_from(root).ok().filter(|root| *root != 0)?;
    let kind = text(bytes(kind.offset, kind.len)?);
    let mut name = text(bytes(name.offset, name.len)?);
    name.truncate(name.floor_char_boundary(MAX_NAME));
    matches!(&kind[..], "table" | "index").then(|| (root, format!("{kind} {name}")))
}

fn utf16(bytes: &[u8], is_big_endian: bool) -> String {
    let units = bytes.chunks_exact(2).filter_map(|unit| unit.first_chunk().copied());
    let units =
        units.map(|unit| if is_big_endian { u16::from_be_bytes(unit) } else { u16::from_le_bytes(unit) });
    path_text(String::from_utf16_lossy(&units.collect::<Vec<u16>>()).as_bytes())
}
