//! A store of Outlook, written here: a header, one page of the tree of blocks, and blocks.

use super::pack;
use super::support::*;
use crate::source::unpack::Limits;

/// A store of blocks by their numbers; what is in them is not encoded.
fn store(blocks: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut out = b"!BDN".to_vec();
    out.resize(1536, 0);
    out[10] = 23;
    out[240..248].copy_from_slice(&1024_u64.to_le_bytes());
    for (index, (id, data)) in blocks.iter().enumerate() {
        let len = u16::try_from(data.len()).expect("short").to_le_bytes();
        let entry = [&id.to_le_bytes()[..], &(out.len() as u64).to_le_bytes(), &len, &[1, 0]].concat();
        let at = 1024 + 24 * index;
        out[at..at + entry.len()].copy_from_slice(&entry);
        out.extend(data);
        out.resize(out.len().next_multiple_of(64), 0);
    }
    let count = u8::try_from(blocks.len()).expect("few");
    out[1024 + 488..1024 + 492].copy_from_slice(&[count, 20, 24, 0]);
    out[1024 + 496..1024 + 498].copy_from_slice(&[0x80, 0x80]);
    out
}

/// A block that leads to others.
fn tree(level: u8, ids: &[u64]) -> Vec<u8> {
    let count = u16::try_from(ids.len()).expect("few").to_le_bytes();
    let ids: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    [&[1, level], &count[..], &[0; 4], &ids].concat()
}

/// A heap of these items.
fn heap(items: &[&[u8]]) -> Vec<u8> {
    let (mut out, mut map) = (vec![0, 0, 0xec, 0xbc, 0, 0, 0, 0, 0, 0, 0, 0], Vec::new());
    for item in items {
        map.extend(u16::try_from(out.len()).expect("short").to_le_bytes());
        out.extend(*item);
    }
    map.extend(u16::try_from(out.len()).expect("short").to_le_bytes());
    let at = u16::try_from(out.len()).expect("short").to_le_bytes();
    out[..2].copy_from_slice(&at);
    out.extend(u16::try_from(items.len()).expect("few").to_le_bytes());
    out.extend([&[0, 0][..], &map].concat());
    out
}

fn example() -> Vec<u8> {
    let (token, zip) = (token(1), pack::zip(&[("inner/.env", &text(3)), ("noise", &noise(9000))]));
    let split = [&b"a text, "[..], &token.as_bytes()[..17]].concat();
    store(&[
        (4, heap(&[b"some text", &pack::zip(&[("inner/.env", &text(2))])])),
        (8, split),
        (12, token.as_bytes()[17..].to_vec()),
        (18, tree(1, &[8, 12])),
        (20, zip[..4000].to_vec()),
        (24, zip[4000..].to_vec()),
        (30, tree(1, &[20])),
        (34, tree(1, &[24])),
        (38, tree(2, &[30, 34])),
    ])
}

#[test]
fn blocks_are_joined_and_what_is_packed_is_opened() {
    let bytes = example();
    for form in FORMS {
        let outcome = unpack_as(form, "a.pst", &bytes, Limits::default()).faultless();
        let paths = ["a.pst!block 0x12", "a.pst!block 0x26!inner/.env", "a.pst!block 0x4/item 2!inner/.env"];
        let found: Vec<_> = outcome.paths().into_iter().filter(|path| path.contains('!')).collect();
        assert_eq!(found, paths, "{form:?}");
    }
}

#[test]
fn a_circle_of_blocks_ends() {
    let bytes =
        store(&[(4, text(1)), (10, tree(2, &[14])), (14, tree(2, &[10, 18])), (18, tree(1, &[18, 4]))]);
    assert!(!unpack("a.pst", &bytes).found.is_empty());
}

#[test]
fn a_store_cut_anywhere_or_garbled_ends() {
    let bytes = example();
    for len in (0..bytes.len()).step_by(61) {
        unpack("a.pst", &bytes[..len]);
    }
    let mut state = 1_u32;
    for _ in 0..300 {
        let mut garbled = bytes.clone();
        for _ in 0..3 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (state >> 3) as usize % garbled.len();
            garbled[at] = state.to_be_bytes()[1];
        }
        unpack("a.pst", &garbled);
    }
}

#[test]
fn an_unknown_version_is_said() {
    let mut bytes = example();
    bytes[10] = 9;
    assert_eq!(unpack("a.pst", &bytes).faults.len(), 1);
}
