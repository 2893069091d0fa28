//! Files of tables (Parquet, ORC, Arrow, Avro), recordings of pages (HAR) and sessions of Firefox, written here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::pack;
use super::support::*;
use crate::blob::FaultKind;
use crate::source::unpack::Limits;

/// A number in groups of seven bits.
fn varint(mut value: u64) -> Vec<u8> {
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

fn zigzag(value: usize) -> Vec<u8> {
    varint(value as u64 * 2)
}

fn snappy(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(bytes).expect("memory")
}

/// A table of one column with one page.
fn parquet(packed: &[u8], unpacked: usize, codec: u8, encoding: u8) -> Vec<u8> {
    // A page's kind, its sizes, and how many values there are, how written.
    let mut out = b"PAR1".to_vec();
    let header = [
        &[0x15, 0, 0x15][..],
        &zigzag(unpacked),
        &[0x15],
        &zigzag(packed.len()),
        &[0x2c, 0x15, 2, 0x15, encoding * 2, 0x15, 6, 0x15, 6, 0, 0],
    ]
    .concat();
    out.extend([&header, packed].concat());
    let len = header.len() + packed.len();
    let column = [
        &[0x3c, 0x15, 12, 0x19, 0x15, 0, 0x19, 0x18, 4][..],
        b"text",
        &[0x15, codec * 2, 0x16, 2, 0x16],
        &zigzag(len),
        &[0x16],
        &zigzag(len),
        &[0x26, 8, 0, 0],
    ]
    .concat();
    // A version, no schema, rows, and one row group of one column.
    let footer =
        [&[0x15, 2, 0x19, 0x0c, 0x16, 2, 0x19, 0x1c, 0x19, 0x1c][..], &column, &[0x16, 2, 0x16, 2, 0, 0]]
            .concat();
    out.extend(&footer);
    out.extend(u32::try_from(footer.len()).expect("small").to_le_bytes());
    out.extend(b"PAR1");
    out
}

/// Many words, and a token among them.
fn words(n: u32) -> Vec<u8> {
    [&b"some words that repeat themselves ".repeat(40)[..], &text(n)].concat()
}

#[test]
fn pages_of_parquet_are_unpacked() {
    let plain = words(1);
    let mut brotli = Vec::new();
    // No more than a block that is not compressed (RFC 7932, 9.2): a window, a length of up to 64 KiB, and an empty last block.
    let len = u32::try_from(plain.len() - 1).expect("short");
    let bits = u32::from(true) << 20 | len << 4;
    brotli.extend(&bits.to_le_bytes()[..3]);
    brotli.extend(&plain);
    brotli.push(3);
    let hadoop = |bytes: &[u8]| {
        let block = lz4_flex::block::compress(bytes);
        let be = |len: usize| u32::try_from(len).expect("short").to_be_bytes();
        [&be(bytes.len())[..], &be(block.len()), &block].concat()
    };
    let packed = [
        (1, snappy(&plain)),
        (2, pack::gzip(&plain)),
        (4, brotli),
        (5, hadoop(&plain)),
        (5, pack::lz4(&plain)),
        (6, pack::zstd(&plain)),
        (7, lz4_flex::block::compress(&plain)),
    ];
    for (codec, packed) in packed {
        let bytes = parquet(&packed, plain.len(), codec, 0);
        for form in FORMS {
            let outcome = unpack_as(form, "a.parquet", &bytes, Limits::default()).faultless();
            assert!(
                outcome.paths().contains(&"a.parquet!column text"),
                "{codec} as {form:?}: {:?}",
                outcome.paths()
            );
        }
    }
}

#[test]
fn values_told_from_the_one_before_are_put_together() {
    let (token, start) = (token(1), 3);
    let first = format!("{}#", &token[..start]);
    // Two integers, in one miniblock of eight bits each.
    let packed = |first: usize, second: usize| {
        let delta = u8::try_from(second + 100 - first).expect("small");
        let mut block =
            [varint(128), varint(4), varint(2), zigzag(first), varint(199), vec![8, 0, 0, 0], vec![delta]]
                .concat();
        block.resize(block.len() + 31, 0);
        block
    };
    let levels = [&4_u32.to_le_bytes()[..], &[4, 1, 4, 1]].concat();
    let page = [
        packed(0, start),
        packed(first.len(), token.len() - start),
        first.into_bytes(),
        token.as_bytes()[start..].to_vec(),
    ]
    .concat();
    for page in [page.clone(), [levels, page].concat()] {
        let bytes = parquet(&page, page.len(), 0, 7);
        let outcome = unpack("a.parquet", &bytes).faultless();
        assert_eq!(outcome.found, [Found::content("a.parquet!column text", 5, 2)]);
    }
}

#[test]
fn what_is_encrypted_is_said() {
    let bytes = [b"PARE\x1c\0\0\0", &noise(100)[..], &[50, 0, 0, 0], b"PARE"].concat();
    let outcome = unpack("a.parquet", &bytes);
    assert!(matches!(&outcome.faults[..], [(_, FaultKind::AsBytes("encrypted"), _)]), "{outcome:?}");
}

/// A field of a message: a number, or bytes.
fn number(field: u64, value: usize) -> Vec<u8> {
    [varint(field << 3), varint(value as u64)].concat()
}

fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(value.len() as u64), value.to_vec()].concat()
}

/// A table of one stripe with one column, its chunks packed so.
fn orc(content: &[u8], compression: usize, pack: pack::Packer) -> Vec<u8> {
    let chunks = |bytes: &[u8]| {
        bytes.chunks(1000).fold(Vec::new(), |mut out, chunk| {
            let packed = pack(chunk);
            let (packed, is_original) =
                if packed.len() < chunk.len() { (&packed[..], 0) } else { (chunk, 1) };
            out.extend(&u32::try_from(packed.len() << 1 | is_original).expect("small").to_le_bytes()[..3]);
            out.extend(packed);
            out
        })
    };
    let data = chunks(content);
    let streams = bytes(1, &[number(1, 1), number(2, 1), number(3, data.len())].concat());
    let stripe_footer = chunks(&streams);
    let stripe = [number(1, 3), number(2, 0), number(3, data.len()), number(4, stripe_footer.len())].concat();
    let root = [number(1, 12), bytes(2, &[1]), bytes(3, b"text")].concat();
    let footer = chunks(&[bytes(3, &stripe), bytes(4, &root), bytes(4, &number(1, 7))].concat());
    let postscript =
        [number(1, footer.len()), number(2, compression), number(3, 1000), bytes(8000, b"ORC")].concat();
    let len = u8::try_from(postscript.len()).expect("short");
    [b"ORC", &data[..], &stripe_footer, &footer, &postscript, &[len]].concat()
}

#[test]
fn streams_of_orc_are_unpacked() {
    let content = [words(1), noise(3000), words(2)].concat();
    let all: [(usize, pack::Packer); 4] =
        [(1, pack::deflate), (2, snappy), (4, |bytes| lz4_flex::block::compress(bytes)), (5, pack::zstd)];
    for (compression, pack) in all {
        let file = orc(&content, compression, pack);
        for form in FORMS {
            let outcome = unpack_as(form, "a.orc", &file, Limits::default()).faultless();
            let paths = outcome.paths();
            assert_eq!(
                paths.iter().filter(|path| **path == "a.orc!stripe 1/column text").count(),
                2,
                "{compression} as {form:?}"
            );
        }
    }
}

#[test]
fn buffers_of_arrow_are_unpacked() {
    for (pack, magic) in [
        (pack::lz4 as pack::Packer, &b"ARROW1\0\0"[..]),
        (pack::zstd, b"\xff\xff\xff\xff\x10\0\0\0\x10\0\0\0\0\0\0\0"),
    ] {
        let mut file = magic.to_vec();
        for n in [1, 2] {
            file.extend((words(n).len() as u64).to_le_bytes());
            file.extend(pack(&words(n)));
            file.resize(file.len().next_multiple_of(8), 0);
        }
        for form in FORMS {
            let outcome = unpack_as(form, "a.arrow", &file, Limits::default()).faultless();
            assert_eq!(outcome.paths(), ["a.arrow!buffer 1", "a.arrow!buffer 2"], "{form:?}");
        }
    }
}

#[test]
fn blocks_of_avro_are_unpacked() {
    let sum = |bytes: &[u8]| [&snappy(bytes)[..], &[0; 4]].concat();
    let all: [(&str, pack::Packer); 5] = [
        ("deflate", pack::deflate),
        ("snappy", sum),
        ("bzip2", pack::bzip2),
        ("xz", pack::xz),
        ("zstandard", pack::zstd),
    ];
    for (codec, pack) in all {
        let entry =
            |key: &[u8], value: &[u8]| [&zigzag(key.len())[..], key, &zigzag(value.len()), value].concat();
        let mut file = [
            b"Obj\x01",
            &zigzag(2)[..],
            &entry(b"avro.codec", codec.as_bytes()),
            &entry(b"avro.schema", b"\"string\""),
            &[0],
        ]
        .concat();
        file.extend([7; 16]);
        for n in [1, 2] {
            let packed = pack(&words(n));
            file.extend([&zigzag(1)[..], &zigzag(packed.len()), &packed, &[7; 16]].concat());
        }
        for form in FORMS {
            let outcome = unpack_as(form, "a.avro", &file, Limits::default()).faultless();
            assert_eq!(outcome.paths(), ["a.avro!blocks"; 2], "{codec} as {form:?}");
        }
    }
}

#[test]
fn bodies_in_recordings_are_opened() {
    let zip = pack::zip(&[("noise", &noise(90_000)), ("inner/.env", &text(1))]);
    let body = STANDARD.encode(&zip).replace('/', "\\/");
    let small = STANDARD.encode(pack::zip(&[("inner/.env", &text(2))]));
    let har = format!(
        "\u{feff}{{ \"log\" : {{\"version\": \"1.2\", \"entries\": [\n{{\"request\": {{\"url\": \"a\\\"b\"}}, \
         \"response\": {{\"content\": {{\"text\": \"{body}\", \"encoding\": \"base64\"}}}}}},\n{{\"request\": {{}}, \
         \"response\": {{\"content\": {{\"text\" : \"short\", \"data\":\"{small}\"}}}}}}]}}}}"
    );
    for form in FORMS {
        let outcome = unpack_as(form, "a.har", har.as_bytes(), Limits::default()).faultless();
        assert_eq!(outcome.paths(), ["a.har!entry 1!inner/.env", "a.har!entry 2!inner/.env"], "{form:?}");
    }
    let other = har.replace("\"log\"", "\"logs\"");
    assert_eq!(unpack("a.json", other.as_bytes()).faultless().paths(), [""; 0]);
}

#[test]
fn sessions_of_firefox_are_unpacked() {
    let plain = words(1);
    let len = u32::try_from(plain.len()).expect("short").to_le_bytes();
    let file = [b"mozLz40\0", &len[..], &lz4_flex::block::compress(&plain)].concat();
    for form in FORMS {
        let outcome = unpack_as(form, "previous.jsonlz4", &file, Limits::default()).faultless();
        assert_eq!(outcome.paths(), ["previous.jsonlz4!content"], "{form:?}");
    }
    let outcome = unpack("a", &file[..file.len() - 20]);
    assert_eq!(outcome.faults.len(), 1, "{:?}", outcome.faults);
}

#[test]
fn what_is_cut_or_garbled_ends() {
    let files = [
        parquet(&snappy(&words(1)), words(1).len(), 1, 0),
        parquet(&words(1), words(1).len(), 0, 7),
        orc(&words(1), 1, pack::deflate),
        [b"ARROW1\0\0", &100_u64.to_le_bytes()[..], &pack::lz4(&words(1))].concat(),
        [&b"Obj\x01\x02\x14avro.codec\x0edeflate\0"[..], &[7; 16], &[2, 40], &pack::deflate(&words(1))]
            .concat(),
        [&b"{\"log\":{\"text\":\""[..], STANDARD.encode(pack::zip(&[("a", &text(1))])).as_bytes(), b"\"}}"]
            .concat(),
        [b"mozLz40\0", &2000_u32.to_le_bytes()[..], &lz4_flex::block::compress(&words(1))].concat(),
    ];
    let mut state = 1_u32;
    for file in files {
        for len in 0..file.len() {
            unpack("a", &file[..len]);
        }
        for _ in 0..200 {
            let mut garbled = file.clone();
            for _ in 0..3 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (state >> 3) as usize % garbled.len();
                garbled[at] = state.to_be_bytes()[1];
            }
            unpack("a", &garbled);
        }
    }
}

#[test]
fn texts_that_begin_alike_are_plain() {
    for head in ["ORC is a format\n", "{\"log\": 1}\n", "ARROW10\n", "Object\n", "m\n", "{\"logs\": {}}\n"] {
        let file = [head.as_bytes(), &text(1)].concat();
        for form in FORMS {
            assert_eq!(unpack_as(form, "a", &file, Limits::default()).faultless().paths(), ["a"], "{head}");
        }
    }
}
