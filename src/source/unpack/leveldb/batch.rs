//! Values: those of a table, and those in the records of a log (`db/write_batch.cc`).

use super::block::varint;
use crate::source::unpack::open_container::{Content, MemberName, OpenContainer, Region};
use crate::source::unpack::packed_value;

/// The number of the first change, and how many there are.
const HEADER: usize = 12;
/// Kinds of changes.
const DELETION: u8 = 0;
const VALUE: u8 = 1;
/// No packed value that is shorter holds a token, in bytes.
const MIN_PACKED: usize = 20;
/// A `LevelDB` of Chromium keeps a few bytes in front of what it stores.
const MAX_PREFIX: usize = 2;

/// Hands on a value that is a container, or compressed; whether to go on.
pub(super) fn hand_over_value(
    container: &OpenContainer<'_>,
    value: &[u8],
    name: impl Fn() -> String,
) -> bool {
    if value.len() < MIN_PACKED {
        return true;
    }
    let within = (0..=MAX_PREFIX).filter_map(|prefix| value.get(prefix..));
    if let Some(value) = within.clone().find(|value| container.is_container(value)) {
        if !container.begin_part() {
            return false;
        }
        let name = MemberName::from_text(name());
        container.hand_over(Region::Member(&name), Content::Memory(value));
    } else if packed_value::may_be(value, value.len() as u64) {
        return packed_value::hand_over(container, value, || MemberName::from_text(name()));
    }
    container.may_continue()
}

/// Calls `each` with the values that are set in a record of a log, as far as it is one.
pub(super) fn values(record: &[u8], mut each: impl FnMut(&[u8]) -> bool) {
    let mut rest = record.get(HEADER..).unwrap_or_default();
    while let Some((kind, behind)) = rest.split_first() {
        rest = behind;
        let mut next = || {
            let (len, width) = varint(rest)?;
            let end = width.checked_add(usize::try_from(len).ok()?)?;
            let bytes = rest.get(width..end)?;
            rest = rest.get(end..)?;
            Some(bytes)
        };
        let value = match *kind {
            DELETION => next().map(|_| &[][..]),
            VALUE => next().and_then(|_| next()),
            _ => None,
        };
        let Some(value) = value else { return };
        if !each(value) {
            return;
        }
    }
}
