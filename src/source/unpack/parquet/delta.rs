//! Values that leave out what they share with the one before (`DELTA_BYTE_ARRAY` in
//! <https://github.com/apache/parquet-format/blob/master/Encodings.md>).

use std::io;

use zeroize::Zeroizing;

use crate::source::unpack::budget::Budget;
use crate::source::unpack::chunk::Chunk;
use crate::source::unpack::packed_block::MAX_LEN;

/// No page has more values, as each takes some of its bits.
const MAX_VALUES: u64 = 16 * 1024 * 1024;

/// The values of a page, a line each; none where they make no sense. Where the levels in front of them end is told by their own
/// lengths in pages of version 1, if there are any.
pub(super) fn values(page: &[u8], levels: Option<u64>, budget: &Budget) -> io::Result<Option<Chunk>> {
    if let Some(levels) = levels {
        let levels = usize::try_from(levels).unwrap_or(usize::MAX);
        return put_together(page.get(levels..).unwrap_or_default(), budget);
    }
    let mut rest = page;
    // None, those of optional values, and those of repeated ones.
    for _ in 0..3 {
        if let Some(values) = put_together(rest, budget)? {
            return Ok(Some(values));
        }
        let len = rest.first_chunk().and_then(|len| usize::try_from(u32::from_le_bytes(*len)).ok());
        let Some(behind) = len.and_then(|len| rest.get(4..)?.get(len..)) else { break };
        rest = behind;
    }
    Ok(None)
}

fn put_together(bytes: &[u8], budget: &Budget) -> io::Result<Option<Chunk>> {
    let parsed = || {
        let (shared, behind) = integers(bytes, budget)?;
        let (own, behind) = integers(bytes.get(behind..)?, budget).map(|(own, end)| (own, behind + end))?;
        (shared.len() == own.len() && !own.is_empty()).then_some((shared, own, behind))
    };
    let Some((shared, own, mut at)) = parsed() else { return Ok(None) };
    let (mut value, mut out) = (Zeroizing::new(Vec::new()), Chunk::default());
    for (shared, own) in shared.into_iter().zip(own) {
        let suffix = usize::try_from(own).ok().and_then(|own| bytes.get(at..at.checked_add(own)?));
        let shared = usize::try_from(shared).ok().filter(|shared| *shared <= value.len());
        let (Some(suffix), Some(shared)) = (suffix, shared) else { return Ok(None) };
        at += suffix.len();
        value.truncate(shared);
        value.extend_from_slice(suffix);
        if out.len() + value.len() >= MAX_LEN {
            return Err(io::Error::new(io::ErrorKind::OutOfMemory, "a page that is larger than it may be"));
        }
        out.push(&value, budget)?;
        out.push(b"\n", budget)?;
    }
    Ok(Some(out))
}

/// Integers, each told from the one before, in miniblocks of as many bits as they need (`DELTA_BINARY_PACKED`); and where they end.
fn integers(bytes: &[u8], budget: &Budget) -> Option<(Vec<i64>, usize)> {
    let mut at = 0;
    let varint = |at: &mut usize| {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *bytes.get(*at)?;
            *at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    };
    let signed = |value: u64| (value >> 1).cast_signed() ^ -((value & 1).cast_signed());
    let (block, miniblocks, count) = (varint(&mut at)?, varint(&mut at)?, varint(&mut at)?);
    let mut last = signed(varint(&mut at)?);
    let per_miniblock = usize::try_from(block.checked_div(miniblocks)?).ok()?;
    let sound =
        block % 128 == 0 && (1..=1 << 20).contains(&block) && per_miniblock % 32 == 0 && per_miniblock > 0;
    if !sound || count > MAX_VALUES {
        return None;
    }
    let count = usize::try_from(count).ok()?;
    let _reservation = budget.reserve((count * size_of::<i64>()) as u64).ok()?;
    let mut values = Vec::with_capacity(count);
    if count > 0 {
        values.push(last);
    }
    while values.len() < count {
        let minimum = signed(varint(&mut at)?);
        let widths = bytes.get(at..at.checked_add(usize::try_from(miniblocks).ok()?)?)?;
        at += widths.len();
        for width in widths {
            if values.len() >= count {
                break;
            }
            let packed = bytes.get(at..at.checked_add(per_miniblock * usize::from(*width) / 8)?)?;
            at += packed.len();
            for index in 0..per_miniblock.min(count - values.len()) {
                let delta = bits(packed, index * usize::from(*width), *width)?;
                last = last.wrapping_add(minimum).wrapping_add(delta.cast_signed());
                values.push(last);
            }
        }
    }
    Some((values, at))
}

/// So many bits, the lowest first.
fn bits(bytes: &[u8], from: usize, width: u8) -> Option<u64> {
    if width > 64 {
        return None;
    }
    let mut value = 0;
    for bit in 0..usize::from(width) {
        let byte = bytes.get((from + bit) / 8)?;
        value |= u64::from(byte >> ((from + bit) % 8) & 1) << bit;
    }
    Some(value)
}
