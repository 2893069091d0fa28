//! The tables of chunks as they are kept beside the data: in a property list, or in the resource fork of old images.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;

use super::super::budget::Budget;
use super::super::disk::{Refusal, damaged};
use super::super::random_access::RandomAccess;
use super::super::table::{be16, be32};
use super::trailer::Trailer;

/// More than the property list of a disk of a terabyte takes, in bytes.
const MAX_PLIST: u64 = 64 * 1024 * 1024;

/// The tables of chunks (`blkx`), one a partition.
pub(super) fn read(
    file: &mut RandomAccess<'_>,
    trailer: &Trailer,
    budget: &Budget,
) -> Result<Vec<Vec<u8>>, Refusal> {
    let is_plist = trailer.plist.1 > 0;
    let (at, len) = if is_plist { trailer.plist } else { trailer.resources };
    if len == 0 || len > MAX_PLIST || at.saturating_add(len) > file.len()? {
        return Err(damaged("its list of chunks is missing"));
    }
    // The list, and what it holds in base64.
    let _reservation = budget.reserve(2 * len)?;
    let bytes = file.bytes_at(at, usize::try_from(len).unwrap_or(0))?;
    Ok(if is_plist { in_plist(&bytes) } else { in_resource_fork(&bytes).unwrap_or_default() })
}

/// All `<data>` of the array behind the key `blkx`.
fn in_plist(xml: &[u8]) -> Vec<Vec<u8>> {
    let key = b"<key>blkx</key>";
    let array = memmem::find(xml, key).and_then(|at| xml.get(at + key.len()..)).unwrap_or_default();
    let array = memmem::find(array, b"</array>").map_or(array, |end| &array[..end]);
    let (mut tables, mut rest) = (Vec::new(), array);
    while let Some(data) = memmem::find(rest, b"<data>").and_then(|at| rest.get(at + 6..)) {
        let end = memmem::find(data, b"</data>").unwrap_or(data.len());
        let (text, behind) = data.split_at(end);
        let text: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        // One that is damaged is missing; what it leads to is scanned as it is.
        tables.extend(STANDARD.decode(text));
        rest = behind;
    }
    tables
}

/// All resources of the type `blkx` ("Resource File Format" in Inside Macintosh: More Macintosh Toolbox, 1-121).
fn in_resource_fork(fork: &[u8]) -> Option<Vec<Vec<u8>>> {
    let data = fork.get(be32(fork, 0) as usize..)?;
    let map = fork.get(be32(fork, 4) as usize..)?;
    let types = map.get(usize::from(be16(map, 24))..)?;
    // Each count is one less than there are.
    let count = usize::from(be16(types, 0).wrapping_add(1));
    let wanted = types.get(2..)?.chunks_exact(8).take(count).find(|kind| kind.starts_with(b"blkx"))?;
    let references = types.get(usize::from(be16(wanted, 6))..)?;
    let count = usize::from(be16(wanted, 4)) + 1;
    let table = |reference: &[u8]| {
        let at = (be32(reference, 4) & 0x00ff_ffff) as usize;
        let len = be32(data, at) as usize;
        Some(data.get(at.checked_add(4)?..)?.get(..len)?.to_vec())
    };
    Some(references.chunks_exact(12).take(count).filter_map(table).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_chunks_of_the_property_list_are_read() {
        let xml = b"<dict><key>resource-fork</key><dict><key>blkx</key><array><dict><key>Data</key>\n<data>\n\tAA\n\tEC\n</data>\
            <key>Name</key><string>x</string></dict><dict><key>Data</key><data>AwQ=</data></dict><dict><data>!</data></dict>\
            </array><key>plst</key><array><dict><data>BQYH</data></dict></array>";
        assert_eq!(in_plist(xml), [vec![0, 1, 2], vec![3, 4]]);
        for end in 0..xml.len() {
            in_plist(&xml[..end]);
        }
    }

    #[test]
    fn a_resource_fork_is_read() {
        let mut fork = vec![0; 16];
        fork.extend_from_slice(&[0, 0, 0, 3, b'a', b'b', b'c', 0, 0, 0, 1, b'd']);
        let map = fork.len();
        fork.extend_from_slice(&[0; 24]);
        fork.extend_from_slice(&[0, 28, 0, 0]);
        // Two types, of which the second is the one, with two resources.
        fork.extend_from_slice(b"\0\x01STR \0\0\0\0blkx\0\x01\0\x12");
        fork.extend_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
        fork.extend_from_slice(&[0, 1, 0xff, 0xff, 7, 0, 0, 7, 0, 0, 0, 0]);
        fork[3] = 16;
        fork[7] = u8::try_from(map).expect("small");
        assert_eq!(in_resource_fork(&fork), Some(vec![b"abc".to_vec(), b"d".to_vec()]));
        for end in 0..fork.len() {
            in_resource_fork(&fork[..end]);
        }
    }
}
