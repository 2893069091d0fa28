//! Deltas that put an encoded token together from parts of their base and from what they insert, cut anywhere: where a search
//! of the object finds the token, its base or its new bytes must not be ruled out.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::support::token;
use crate::blob::Prefilter as _;
use crate::detect::{Detector, Window};
use crate::finding::Confidence;
use crate::rule;
use crate::source::git::delta::Delta;
use crate::source::git::object::Kind;
use crate::source::git::visitor::{bytes_may_match, delta_may_match};

/// How many ways there are to encode a token.
const ENCODINGS: usize = 32;

fn each_of(text: &str, encode: &dyn Fn(u8) -> String) -> String {
    text.bytes().map(encode).collect()
}

/// A token, encoded in the way of that number, of which some depend on how many bytes precede it.
fn encode(way: usize, token: &str, shift: usize) -> Vec<u8> {
    let each = |encode: &dyn Fn(u8) -> String| each_of(token, encode);
    let percent = |text: &str| each_of(text, &|byte| format!("%{byte:02x}"));
    let utf16 = |text: &str, big: bool| -> Vec<u8> {
        text.bytes().flat_map(|byte| if big { [0, byte] } else { [byte, 0] }).collect()
    };
    let shifted = |plain: &[u8]| STANDARD.encode([&b"key=="[..shift % 6], plain].concat());
    let wrapped = |width: usize, line_end: &str| {
        let long = format!("user:{}:{token}:{}", "x".repeat(40 + shift), "y".repeat(60));
        let encoded = STANDARD.encode(long);
        let lines: Vec<_> = encoded.as_bytes().chunks(width).map(String::from_utf8_lossy).collect();
        lines.join(line_end)
    };
    let gzip = |plain: &str| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packer.write_all(plain.as_bytes()).and_then(|()| packer.finish()).expect("writing to memory")
    };
    let text = match way {
        0 => token.to_owned(),
        1 => percent(token),
        2 => percent(&percent(token)),
        3 => token.replace('_', "%5F"),
        4 => each(&|byte| format!("\\u{byte:04x}")),
        5 => each(&|byte| format!("\\\\x{byte:02x}")),
        6 => each(&|byte| format!("\\{byte:03o}")),
        7 => each(&|byte| format!("&#{byte};")),
        8 => each(&|byte| format!("&#x{byte:02x};")),
        9 => each(&|byte| format!("{byte:02x}")),
        10 => each(&|byte| format!("{byte:02x}:")),
        11 => each(&|byte| format!("{byte:02x} ")),
        12 => return utf16(token, false),
        13 => return utf16(token, true),
        14 => shifted(token.as_bytes()),
        15 => shifted(&utf16(token, false)),
        16 => shifted(percent(token).as_bytes()),
        17 => STANDARD.encode(STANDARD.encode(token)),
        18 => wrapped(64, "\n"),
        19 => wrapped(60, "\\n"),
        20 => wrapped(56, "\" +\n        \""),
        21 => each(&|byte| format!("={byte:02X}")),
        22 => token.replace('_', "=5F=\r\n"),
        23 => token.replace('_', "+AF8-"),
        24 => token.chars().filter_map(|letter| char::from_u32(u32::from(letter) + 0xfee0)).collect(),
        25 => return token.chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect(),
        26 => return token.chars().flat_map(|letter| u32::from(letter).to_be_bytes()).collect(),
        27 => each_of(&shifted(token.as_bytes()), &|byte| format!("{byte:02x}")),
        28 => each(&|byte| match byte {
            b'a'..=b'm' | b'A'..=b'M' => char::from(byte + 13).to_string(),
            b'n'..=b'z' | b'N'..=b'Z' => char::from(byte - 13).to_string(),
            _ => char::from(byte).to_string(),
        }),
        29 => wrapped(64, "\n[INFO] "),
        30 => base32(&[&b"key=="[..shift % 6], token.as_bytes()].concat()),
        _ => STANDARD.encode(gzip(&format!("some text around a token {token} and more of it"))),
    };
    text.into_bytes()
}

fn base32(bytes: &[u8]) -> String {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |n| byte >> n & 1)).collect();
    let value =
        |bits: &[u8]| (0..5).fold(0, |value, n| value << 1 | usize::from(bits.get(n).copied().unwrap_or(0)));
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    bits.chunks(5).map(|bits| char::from(alphabet[value(bits)])).collect()
}

/// A delta that makes an object of these parts, which it copies from where they are in the base, or inserts.
fn delta(base_len: usize, parts: &[(&[u8], Option<usize>)]) -> Vec<u8> {
    let size_of = |mut size: usize| {
        let mut bytes = Vec::new();
        while size > 0x7f {
            bytes.push(u8::try_from(size & 0x7f).expect("seven bits") | 0x80);
            size >>= 7;
        }
        bytes.push(u8::try_from(size).expect("seven bits"));
        bytes
    };
    let mut delta = [size_of(base_len), size_of(parts.iter().map(|(part, _)| part.len()).sum())].concat();
    for (part, copied_from) in parts.iter().filter(|(part, _)| !part.is_empty()) {
        match copied_from {
            Some(offset) => {
                delta.push(0xff);
                delta.extend(u32::try_from(*offset).expect("small").to_le_bytes());
                delta.extend(&u32::try_from(part.len()).expect("small").to_le_bytes()[..3]);
            }
            None => part.chunks(127).for_each(|part| {
                delta.push(u8::try_from(part.len()).expect("small"));
                delta.extend(part);
            }),
        }
    }
    delta
}

/// Text without a token, in which the others stand.
fn filler(n: usize, len: usize) -> Vec<u8> {
    let words = format!("line {n}: \"nothing\" to see (here), or there;\n");
    words.bytes().cycle().take(len).collect()
}

fn is_found(detector: &Detector, text: &[u8]) -> bool {
    let mut is_found = false;
    detector.scan(&Window::whole(text), &mut |hit| is_found |= hit.confidence == Confidence::Certain);
    is_found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_token_is_ruled_out_however_it_is_put_together(
        way in 0..ENCODINGS,
        shift in 0_usize..20,
        around in (0_usize..700, 0_usize..700),
        cuts in prop::collection::vec((0.0_f64..1.0, any::<bool>()), 1..6),
        in_token in any::<bool>(),
        gap in 1_usize..60,
    ) {
        let detector = Detector::new(rule::built_in());
        let encoded = encode(way, &token(7), shift);
        let text = [&filler(1, around.0)[..], b"\n", &encoded, b"\n", &filler(2, around.1)].concat();
        // Where the parts begin: anywhere, or only within what is encoded.
        let (start, len) = if in_token { (around.0 + 1, encoded.len()) } else { (0, text.len()) };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a few hundred")]
        let mut cuts: Vec<(usize, bool)> =
            cuts.into_iter().map(|(cut, copies)| (start + (cut * len as f64) as usize, copies)).collect();
        cuts.sort_unstable();
        let mut base = filler(3, gap);
        let (mut parts, mut from, mut copies) = (Vec::new(), 0, true);
        for (cut, next) in cuts.into_iter().chain([(text.len(), true)]) {
            let part = &text[from..cut];
            parts.push((part, copies.then_some(base.len())));
            if copies {
                base.extend_from_slice(part);
                base.extend(filler(4, gap));
            }
            (from, copies) = (cut, next);
        }
        let delta = delta(base.len(), &parts);
        let delta = Delta::parse(&delta).expect("well formed");
        let mut object = Vec::new();
        prop_assert_eq!(delta.apply(&base, &mut object), Ok(()));
        prop_assert_eq!(&object, &text);
        if is_found(&detector, &text) {
            let may_match = delta_may_match(&detector, Kind::Blob, (&delta, &base), &mut Vec::new());
            prop_assert!(detector.may_match(&base) || may_match == Ok(true));
        }
    }
}

#[test]
fn every_way_to_encode_a_token_is_one_that_is_found() {
    let detector = Detector::new(rule::built_in());
    for way in 0..ENCODINGS {
        let text = [b"\n", &encode(way, &token(7), 4)[..], b"\n"].concat();
        assert!(is_found(&detector, &text), "{way}: {}", String::from_utf8_lossy(&text));
        assert!(detector.may_match(&text), "{way}");
    }
    assert!(!detector.may_match(&filler(1, 2000)));
}

#[test]
fn what_follows_a_name_in_a_tree_is_no_part_of_it() {
    let detector = Detector::new(rule::built_in());
    let tree = |name: &str, id: &[u8; 20]| [b"40000 ", name.as_bytes(), b"\0", &id[..]].concat();
    let may_match = |bytes: &[u8]| bytes_may_match(&detector, Kind::Tree, bytes);
    for id in [b"{_pat_11AAAAAAAAAAAA", b"_pat_11AAAAAAAAAAAAA", b"\n*/\\\"AAAAAAAAAAAAAAA"] {
        assert!(!may_match(&tree(".github", id)));
        assert!(detector.may_match(&tree(".github", id)), "as a text, it may go on");
    }
    assert!(may_match(&tree(&token(5), &[7; 20])));
}
