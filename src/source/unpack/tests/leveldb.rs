//! Tables and logs of `LevelDB` and `RocksDB`, written here as they write them.

use super::pack;
use super::support::*;
use crate::source::unpack::Limits;

fn varint(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).expect("seven bits");
        value >>= 7;
        out.push(if value > 0 { low | 0x80 } else { low });
        if value == 0 {
            return out;
        }
    }
}

/// The masked CRC-32C, a bit at a time.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 },
        )
    });
    (!sum).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// A block of entries: each key leaves out what it shares with the one before.
fn block(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut last) = (Vec::new(), &[][..]);
    for (key, value) in entries {
        let shared = key.iter().zip(last).take_while(|(a, b)| a == b).count();
        out.extend([varint(shared), varint(key.len() - shared), varint(value.len())].concat());
        out.extend([&key[shared..], value].concat());
        last = key;
    }
    out.extend([0, 0, 0, 0, 1, 0, 0, 0]);
    out
}

fn handle(offset: usize, size: usize) -> Vec<u8> {
    [varint(offset), varint(size)].concat()
}

const LEVELDB: [u8; 8] = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
const ROCKSDB: [u8; 8] = [0xf7, 0xcf, 0xf4, 0x85, 0xb7, 0x41, 0xe2, 0x88];

/// A table whose blocks are packed so: the number of the codec, and what packs.
fn table(entries: &[(Vec<u8>, Vec<u8>)], kind: u8, pack: pack::Packer, rocks: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut add = |bytes: &[u8], kind: u8| {
        let place = handle(out.len(), bytes.len());
        let start = out.len();
        out.extend([bytes, &[kind]].concat());
        let sum = checksum(&out[start..]);
        out.extend(sum);
        place
    };
    let places: Vec<_> =
        entries.chunks(10).map(|entries| (entries[0].0.clone(), add(&pack(&block(entries)), kind))).collect();
    let meta = add(&block(&[]), 0);
    let index = if rocks {
        // The places are told from one another: but for the first one, only the difference of the size is written.
        let mut sizes = entries.chunks(10).map(|entries| pack(&block(entries)).len());
        let (mut index, mut last) =
            ([varint(0), varint(1), b"k".to_vec(), places[0].1.clone()].concat(), sizes.next().expect("one"));
        for size in sizes {
            // The sign is in the lowest bit.
            let delta = if size < last { 2 * (last - size) - 1 } else { 2 * (size - last) };
            index.extend([varint(1), varint(0), varint(delta)].concat());
            last = size;
        }
        index.extend([0, 0, 0, 0, 1, 0, 0, 0]);
        index
    } else {
        block(&places)
    };
    let index = add(&index, 0);
    let mut footer = [meta, index].concat();
    footer.resize(40, 0);
    if rocks {
        out.push(1);
        out.extend([&footer[..], &5_u32.to_le_bytes(), &ROCKSDB].concat());
    } else {
        out.extend([&footer[..], &LEVELDB].concat());
    }
    out
}

fn snappy(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(bytes).expect("memory")
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    [varint(bytes.len()), lz4_flex::block::compress(bytes)].concat()
}

fn entries() -> Vec<(Vec<u8>, Vec<u8>)> {
    let entry = |n: u32| {
        (format!("_https://example.org/ key {n:04}").into_bytes(), format!("a value, {n}").into_bytes())
    };
    let mut all: Vec<_> = (0..95).map(entry).collect();
    all[25].1 = text(1);
    // A key that shares most of a token with the one before.
    all[36].0 = format!("_https://example.org/ {}", &token(2)[..30]).into_bytes();
    all[37].0 = format!("_https://example.org/ {}", token(2)).into_bytes();
    all[47].1 = pack::zip(&[("inner/.env", &text(3))]);
    all[58].1 =
        [&b"\x05\xff\x11\x02"[..], &snappy(&[&b"repeated ".repeat(9)[..], &text(4)].concat())].concat();
    all
}

#[test]
fn tables_are_unpacked() {
    let tables = [
        ("Snappy", table(&entries(), 1, snappy, false)),
        ("Zstandard", table(&entries(), 2, pack::zstd, false)),
        ("none", table(&entries(), 0, <[u8]>::to_vec, false)),
        ("RocksDB", table(&entries(), 1, snappy, true)),
        ("RocksDB with LZ4", table(&entries(), 4, lz4, true)),
    ];
    for (name, bytes) in tables {
        for form in [Form::Whole, Form::File(100)] {
            let outcome = unpack_as(form, "1.ldb", &bytes, Limits::default()).faultless();
            for path in ["block 3", "block 4", "block 5/entry 8!inner/.env", "block 6/entry 9"] {
                let path = format!("1.ldb!{path}");
                assert!(
                    outcome.paths().contains(&&path[..]),
                    "{path} of {name} as {form:?}: {:?}",
                    outcome.paths()
                );
            }
        }
    }
}

#[test]
fn a_table_of_snappy_is_known_by_its_first_block() {
    let bytes = table(&entries(), 1, snappy, false);
    let tar = pack::tar(&[("Local Storage/1.ldb", &[&bytes[..]].concat())]);
    for form in FORMS {
        let paths = unpack_as(form, "1.ldb", &bytes, Limits::default()).faultless();
        assert!(paths.paths().contains(&"1.ldb!block 4"), "{form:?}");
        let outcome = unpack_as(form, "a.tar", &tar, Limits::default()).faultless();
        assert!(outcome.paths().contains(&"a.tar!Local Storage/1.ldb!block 4"), "{form:?}");
    }
}

/// A log of these records, cut where blocks end.
fn log(records: &[Vec<u8>]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for record in records {
        let (mut rest, mut is_first) = (&record[..], true);
        loop {
            let left = 32768 - out.len() % 32768;
            if left < 7 {
                out.resize(out.len() + left, 0);
                continue;
            }
            let (piece, behind) = rest.split_at(rest.len().min(left - 7));
            let kind = match (is_first, behind.is_empty()) {
                (true, true) => 1,
                (true, false) => 2,
                (false, false) => 3,
                (false, true) => 4,
            };
            let body = [&[kind][..], piece].concat();
            out.extend(checksum(&body));
            out.extend(u16::try_from(piece.len()).expect("short").to_le_bytes());
            out.extend(body);
            (rest, is_first) = (behind, false);
            if rest.is_empty() {
                break;
            }
        }
    }
    out
}

fn change(key: &[u8], value: &[u8]) -> Vec<u8> {
    [&[7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1][..], &varint(key.len()), key, &varint(value.len()), value]
        .concat()
}

#[test]
fn records_over_blocks_are_put_together() {
    for at in [0, 7, 20, 39] {
        // The token stands across the end of a block.
        let before = "x".repeat(32768 - 7 - 13 - 7 - at);
        let value = format!("{before} {} {}", token(1), "y".repeat(70_000));
        let records =
            [change(b"key", value.as_bytes()), change(b"k", &pack::zip(&[("inner/.env", &text(2))]))];
        let bytes = log(&records);
        for form in FORMS {
            let outcome = unpack_as(form, "1.log", &bytes, Limits::default()).faultless();
            assert!(outcome.paths().contains(&"1.log!record 1"), "{at} as {form:?}: {:?}", outcome.paths());
            assert!(outcome.paths().contains(&"1.log!record 2/entry 1!inner/.env"), "{at} as {form:?}");
        }
    }
}

#[test]
fn what_is_cut_or_garbled_ends() {
    let all = [
        table(&entries(), 1, snappy, false),
        table(&entries(), 1, snappy, true),
        log(&[change(b"k", &noise(90_000))]),
    ];
    let mut state = 1_u32;
    for bytes in all {
        for len in (0..bytes.len()).step_by(bytes.len() / 300) {
            unpack("a", &bytes[..len]);
        }
        for _ in 0..300 {
            let mut garbled = bytes.clone();
            for _ in 0..4 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (state >> 3) as usize % garbled.len();
                garbled[at] = state.to_be_bytes()[1];
            }
            unpack("a", &garbled);
        }
    }
}

#[test]
fn what_only_looks_like_one_is_plain() {
    let wrong_sum = [&[1, 2, 3, 4, 60, 0, 1][..], &text(1)].concat();
    for bytes in
        [&wrong_sum, &[&[5, 0x10, b'a', b'b', b'c', b'd', b'e', 1, 0, 0, 0, 0][..], &text(1)].concat()]
    {
        for form in FORMS {
            assert_eq!(unpack_as(form, "a", bytes, Limits::default()).faultless().paths(), ["a"], "{form:?}");
        }
    }
}
