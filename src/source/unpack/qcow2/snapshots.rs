//! The snapshots within an image ("Snapshots"): their tables lead to what the disk held then, files that were deleted since included,
//! and to the memory of the machine.

use super::super::random_access::RandomAccess;
use super::super::table::{be16, be32, be64};
use super::header::{Header, L1};

/// The most of them that are read (`QCOW_MAX_SNAPSHOTS` in block/qcow2.h).
const MAX: u32 = 65536;
/// The fixed part of an entry, in bytes.
const FIXED: usize = 40;

/// What is read of a snapshot.
pub(super) struct Snapshot {
    /// Its name, or its id where it has none.
    pub(super) name: Vec<u8>,
    pub(super) l1: L1,
}

/// All snapshots of an image whose entries can be read, the oldest first.
pub(super) fn read(file: &mut RandomAccess<'_>, header: &Header) -> Vec<Snapshot> {
    let (mut snapshots, mut at) = (Vec::new(), header.snapshots_at);
    for _ in 0..header.snapshots.min(MAX) {
        let Some((snapshot, len)) = read_one(file, at) else { break };
        snapshots.push(snapshot);
        at = at.saturating_add(len);
    }
    snapshots
}

/// One snapshot, and how long its entry is.
fn read_one(file: &mut RandomAccess<'_>, at: u64) -> Option<(Snapshot, u64)> {
    let fixed = file.bytes_at(at, FIXED).ok()?;
    let (id_len, name_len) = (be16(&fixed, 12), be16(&fixed, 14));
    let extra = u64::from(be32(&fixed, 36));
    let names = usize::from(id_len) + usize::from(name_len);
    let names_at = at.checked_add(FIXED as u64)?.checked_add(extra)?;
    let bytes = file.bytes_at(names_at, names).ok()?;
    let (id, name) = bytes.split_at_checked(usize::from(id_len))?;
    let name = if name.is_empty() { id } else { name }.to_vec();
    let l1 = L1 { at: be64(&fixed, 0), entries: be32(&fixed, 8).into() };
    let len = (FIXED as u64).checked_add(extra)?.checked_add(names as u64)?.checked_next_multiple_of(8)?;
    Some((Snapshot { name, l1 }, len))
}
