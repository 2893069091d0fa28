//! The columns of a record (2.1).

use super::btree::varint;

/// A value that is a text or a blob.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// Which column it is, from 1 on.
    pub(super) number: usize,
    /// Where it begins in the record, and how many bytes it has.
    pub(super) offset: u64,
    pub(super) len: u64,
    pub(super) is_text: bool,
}

/// Integers, as far as the names of tables need them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    Bytes(Column),
    /// Where it begins, and how many bytes it has.
    Integer(u64, u64),
    Other,
}

/// The values of the record that begins so, as far as its header is there.
pub(super) fn values(record: &[u8]) -> impl Iterator<Item = Value> + '_ {
    let (len, mut at) = varint(record).unwrap_or_default();
    let header = record.get(..usize::try_from(len).unwrap_or(usize::MAX)).unwrap_or(record);
    let (mut number, mut offset) = (0, len);
    std::iter::from_fn(move || {
        let (kind, width) = varint(header.get(at..)?)?;
        at += width;
        number += 1;
        let len = match kind {
            0 | 7..=11 => 0,
            1..=4 => kind,
            5 => 6,
            6 => 8,
            _ => (kind - 12) / 2,
        };
        let value = match kind {
            12.. => Value::Bytes(Column { number, offset, len, is_text: kind % 2 == 1 }),
            1..=6 => Value::Integer(offset, len),
            _ => Value::Other,
        };
        // A real number has eight bytes, too.
        offset = offset.saturating_add(if kind == 7 { 8 } else { len });
        Some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_follow_each_other() {
        // A header of five bytes: null, a byte, a text of two, a blob of one.
        let record = [5, 0, 1, 17, 14, 9, b'a', b'b', 0xff];
        let columns: Vec<Value> = values(&record).collect();
        assert_eq!(columns.len(), 4);
        assert_eq!(columns[1], Value::Integer(5, 1));
        assert_eq!(columns[2], Value::Bytes(Column { number: 3, offset: 6, len: 2, is_text: true }));
        assert_eq!(columns[3], Value::Bytes(Column { number: 4, offset: 8, len: 1, is_text: false }));
        assert_eq!(values(&[]).count(), 0);
        assert_eq!(values(&[200, 200, 200]).count(), 0);
    }
}
