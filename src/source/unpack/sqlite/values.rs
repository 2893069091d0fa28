//! What is handed on of a record: all of it where it goes on in other pages, and values that are packed.

use std::io::{self, ErrorKind, Read as _};

use zeroize::Zeroizing;

use super::btree::Cell;
use super::pages::Pages;
use super::payload::Payload;
use super::record::{Column, Value, values};
use super::tables::Tables;
use crate::source::unpack::bounded_reader::{ExactReader, StreamError};
use crate::source::unpack::chunk::Chunk;
use crate::source::unpack::limits::Limit;
use crate::source::unpack::open_container::{Content, MemberName, OpenContainer, Region};
use crate::source::unpack::packed_value;

/// How much of a value decides what it is, in bytes.
const HEAD: usize = 512;
/// No packed value that is shorter holds a token, in bytes.
const MIN_PACKED: u64 = 20;
/// How often all of a database may be read for its records: in a sound one, each overflow page belongs to one of them.
const MAX_READS: u64 = 8;

/// Reads the records of a database.
pub(super) struct Values<'v> {
    container: &'v OpenContainer<'v>,
    tables: &'v Tables,
    /// How many bytes may still be read for records that go on in other pages.
    left: u64,
    is_cut: bool,
}

/// A record, and where it is.
struct Record<'r> {
    slot: u32,
    number: u32,
    local: &'r [u8],
    cell: &'r Cell,
}

impl<'v> Values<'v> {
    pub(super) fn new(container: &'v OpenContainer<'v>, tables: &'v Tables, pages: &Pages<'_>) -> Self {
        let all = u64::from(pages.slots()) * pages.size() as u64;
        Values { container, tables, left: all.saturating_mul(MAX_READS), is_cut: false }
    }

    /// Hands on what is to be of the record in a cell of a page; whether to go on.
    pub(super) fn read(
        &mut self,
        pages: &mut Pages<'_>,
        (slot, number): (u32, u32),
        page: &[u8],
        cell: &Cell,
    ) -> bool {
        let local = page.get(cell.local.clone()).unwrap_or_default();
        let record = Record { slot, number, local, cell };
        if cell.overflow.is_some() {
            if !self.may_read(cell.len) {
                return true;
            }
            if !self.container.begin_part() {
                return false;
            }
            let name = self.name(&record, None);
            let mut payload = self.payload(pages, &record);
            self.container.hand_over(Region::MemberPart(&name, 0), Content::Stored(&mut payload));
        }
        let columns = values(local).filter_map(|value| match value {
            Value::Bytes(column) if column.len >= MIN_PACKED => Some(column),
            _ => None,
        });
        if cell.overflow.is_none() {
            return columns.into_iter().all(|column| self.read_local(&record, &column));
        }
        let columns: Vec<Column> = columns.collect();
        if columns.is_empty() || !self.may_read(cell.len) {
            return true;
        }
        let packed = self.packed_columns(pages, &record, columns);
        packed.iter().all(|column| self.read_column(pages, &record, column).unwrap_or(true))
    }

    /// Reports what was left out.
    pub(super) fn finish(&self) {
        if self.is_cut {
            let reason = "its records have more pages than there are".to_owned();
            self.container.report(Region::Raw(0), StreamError::Damaged(reason), None);
        }
    }

    fn may_read(&mut self, bytes: u64) -> bool {
        let left = self.left.checked_sub(bytes);
        self.is_cut |= left.is_none();
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }

    fn payload<'p, 'f>(&self, pages: &'p mut Pages<'f>, record: &Record<'_>) -> Payload<'p, 'f> {
        let is_partial = self.tables.owner(record.slot).is_none();
        let left = record.cell.len.saturating_sub(record.local.len() as u64);
        Payload::new(pages, record.slot, record.local, (record.cell.overflow, left)).partial(is_partial)
    }

    /// Hands on a value that is whole in the page, if it is packed; whether to go on.
    fn read_local(&self, record: &Record<'_>, column: &Column) -> bool {
        let range = usize::try_from(column.offset).ok().zip(usize::try_from(column.len).ok());
        let value = range.and_then(|(from, len)| record.local.get(from..from.checked_add(len)?));
        value.is_none_or(|value| self.read_value(record, column, value))
    }

    /// Those columns of a record that are containers, or may be compressed: all of it is read once.
    fn packed_columns(
        &self,
        pages: &mut Pages<'_>,
        record: &Record<'_>,
        mut columns: Vec<Column>,
    ) -> Vec<Column> {
        let (mut payload, mut at) = (self.payload(pages, record), 0);
        let mut head = Zeroizing::new(Vec::with_capacity(HEAD));
        columns.retain(|column| {
            head.clear();
            let skipped = column.offset.checked_sub(at).map(|between| payload.skip(between));
            let read = (&mut payload).take(column.len.min(HEAD as u64)).read_to_end(&mut head);
            at = column.offset + head.len() as u64;
            // What is wrong with the record was reported.
            matches!((skipped, read), (Some(Ok(())), Ok(_)))
                && (self.container.is_container(&head) || Self::may_be_packed(column, &head))
        });
        columns
    }

    fn may_be_packed(column: &Column, head: &[u8]) -> bool {
        !column.is_text && packed_value::may_be(head, column.len)
    }

    /// Hands on a value of a record that goes on in other pages; whether to go on.
    fn read_column(
        &mut self,
        pages: &mut Pages<'_>,
        record: &Record<'_>,
        column: &Column,
    ) -> io::Result<bool> {
        if !self.may_read(column.offset.saturating_add(column.len)) {
            return Ok(true);
        }
        let mut payload = self.payload(pages, record);
        payload.skip(column.offset)?;
        let mut value = ExactReader { reader: &mut payload, left: column.len };
        if column.len <= packed_value::MAX_LEN as u64 {
            let value = Chunk::read_all(&mut value, packed_value::MAX_LEN, self.container.budget);
            if value.as_ref().is_err_and(|error| error.kind() == ErrorKind::OutOfMemory) {
                let name = self.name(record, Some(column));
                let error = StreamError::LimitReached(Limit::Memory);
                self.container.report(Region::MemberPart(&name, 0), error, Some(0));
            }
            return Ok(self.read_value(record, column, &value?));
        }
        if !self.container.begin_part() {
            return Ok(false);
        }
        let name = self.name(record, Some(column));
        self.container.hand_over(Region::Member(&name), Content::Stored(&mut value));
        Ok(true)
    }

    fn read_value(&self, record: &Record<'_>, column: &Column, value: &[u8]) -> bool {
        let container = self.container;
        if container.is_container(value) {
            if !container.begin_part() {
                return false;
            }
            container.hand_over(Region::Member(&self.name(record, Some(column))), Content::Memory(value));
        } else if Self::may_be_packed(column, value) {
            return packed_value::hand_over(container, value, || self.name(record, Some(column)));
        }
        true
    }

    fn name(&self, record: &Record<'_>, column: Option<&Column>) -> MemberName {
        let page = format!("page {}", record.number);
        let mut name = match (self.tables.owner(record.slot), record.cell.row) {
            (Some(table), Some(row)) => format!("{table}/row {row}"),
            (Some(index), None) => format!("{index}/{page}"),
            (None, Some(row)) => format!("{page}/row {row}"),
            (None, None) => page,
        };
        if let Some(column) = column {
            name = format!("{name}/column {}", column.number);
        }
        MemberName::from_text(name)
    }
}
