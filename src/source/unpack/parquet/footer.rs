//! The footer: which columns there are, and where their pages (`FileMetaData` in
//! <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>, whose numbers of fields are used here).

use super::thrift::{BINARY, Compact, I32, I64, LIST, STRUCT};
use crate::text::path_text;

/// The most bytes of a name that are shown.
const MAX_NAME: usize = 128;

/// The pages of a column in one row group (`ColumnMetaData`).
#[derive(Default)]
pub(super) struct Column {
    pub(super) name: String,
    /// Which row group it is in, from 1 on.
    pub(super) row_group: u64,
    /// `CompressionCodec`.
    pub(super) codec: u64,
    pub(super) len: u64,
    data: u64,
    dictionary: Option<u64>,
    pub(super) is_encrypted: bool,
}

impl Column {
    /// Where its first page is.
    pub(super) fn offset(&self) -> u64 {
        // Some writers set 0 where there is no dictionary.
        self.dictionary.filter(|dictionary| *dictionary > 0).map_or(self.data, |offset| offset.min(self.data))
    }
}

/// Calls `each` with the columns of a footer until it says no; none where the footer is wrong.
pub(super) fn columns(footer: &[u8], each: &mut dyn FnMut(&Column) -> bool) -> Option<()> {
    let (mut row_group, mut stopped) = (0, false);
    Compact::new(footer).structure(&mut |file, id, kind| {
        if (id, kind) != (4, LIST) {
            return Some(false);
        }
        list(file, &mut |groups| {
            row_group += 1;
            groups.structure(&mut |group, id, kind| {
                if (id, kind) != (1, LIST) {
                    return Some(false);
                }
                list(group, &mut |columns| {
                    let mut column = Column { row_group, ..Column::default() };
                    column_chunk(columns, &mut column)?;
                    stopped = stopped || !each(&column);
                    Some(())
                })
            })
        })
    })
}

/// Reads a list of structures.
fn list<'b>(compact: &mut Compact<'b>, each: &mut dyn FnMut(&mut Compact<'b>) -> Option<()>) -> Option<bool> {
    let (kind, count) = compact.list()?;
    if kind != STRUCT {
        return None;
    }
    for _ in 0..count {
        each(compact)?;
    }
    Some(true)
}

fn column_chunk(compact: &mut Compact<'_>, column: &mut Column) -> Option<()> {
    let mut is_encrypted = false;
    compact.structure(&mut |chunk, id, kind| {
        if (id, kind) == (3, STRUCT) {
            chunk.structure(&mut |meta, id, kind| metadata(meta, (id, kind), column))?;
            return Some(true);
        }
        // `crypto_metadata`.
        is_encrypted |= id == 8;
        Some(false)
    })?;
    column.is_encrypted = is_encrypted;
    Some(())
}

fn metadata(meta: &mut Compact<'_>, field: (u64, u8), column: &mut Column) -> Option<bool> {
    match field {
        (3, LIST) => {
            let (kind, count) = meta.list()?;
            let mut parts = Vec::new();
            for _ in 0..count {
                if kind != BINARY {
                    return None;
                }
                parts.push(path_text(meta.binary()?));
            }
            column.name = parts.join(".");
            column.name.truncate(column.name.floor_char_boundary(MAX_NAME));
        }
        (4, I32) => column.codec = meta.length()?,
        (7, I64) => column.len = meta.length()?,
        (9, I64) => column.data = meta.length()?,
        (11, I64) => column.dictionary = Some(meta.length()?),
        _ => return Some(false),
    }
    Some(true)
}
