//! asar: programs of Electron.

use super::pack;
use super::support::*;
use crate::blob::{FaultKind, LocationKind};
use crate::source::unpack::Limits;

/// An archive with this header, and what stands behind it.
pub(super) fn asar(json: &str, data: &[u8]) -> Vec<u8> {
    let padded = json.len().next_multiple_of(4);
    let number = |number: usize| u32::try_from(number).expect("small").to_le_bytes();
    let mut out = [number(4), number(padded + 8), number(padded + 4), number(json.len())].concat();
    out.extend_from_slice(json.as_bytes());
    out.resize(16 + padded, 0);
    out.extend_from_slice(data);
    out
}

fn program() -> Vec<u8> {
    let (first, second, packed) = (noise(200_000), text(1), pack::gzip(&text(2)));
    let json = format!(
        r#"{{"files":{{"b":{{"files":{{"config.js":{{"offset":"{}","size":{}}},"copy.js":{{"size":{},"offset":"{}"}}}}}},
        "a.bin":{{"size":{},"offset":"0","integrity":{{"algorithm":"SHA256","hash":"00"}}}},"empty":{{"size":0,"offset":"0"}},
        "beside.node":{{"size":5,"unpacked":true}},"link":{{"link":"b/{}"}},"log.gz":{{"offset":"{}","size":{}}}}}}}"#,
        first.len(),
        second.len(),
        second.len(),
        first.len(),
        first.len(),
        token(3),
        first.len() + second.len(),
        packed.len(),
    );
    asar(&json, &[first, second, packed].concat())
}

#[test]
fn files_links_and_nested_containers() {
    let bytes = program();
    for body in FORMS {
        let outcome = unpack_as(body, "app.asar", &bytes, Limits::default()).faultless();
        let inner: Vec<_> = outcome.found.iter().filter(|found| found.path != "app.asar").cloned().collect();
        let due = [
            Found::content("app.asar!b/config.js", OFFSET, LINE),
            Found { kind: LocationKind::SymlinkTarget, ..Found::content("app.asar!link", 2, 1) },
            Found::content("app.asar!log.gz!log", OFFSET, LINE),
        ];
        let renamed: Vec<_> = inner
            .iter()
            .map(|found| Found { path: found.path.replace("copy", "config"), ..found.clone() })
            .collect();
        assert_eq!(renamed, due, "{body:?}");
    }
    let nested = unpack("a.tar", &pack::tar(&[("r/app.asar", &bytes)])).faultless();
    assert!(nested.paths().contains(&"a.tar!r/app.asar!log.gz!log"));
}

#[test]
fn cut_or_garbled_anywhere_nothing_hangs_or_is_hidden() {
    let closed = Limits { max_archive_depth: 0, ..Limits::default() };
    let json = r#"{"files":{"a":{"offset":"0","size":80},"b":{"offset":"80","size":80},"c":{"offset":"160","size":9}}}"#;
    let bytes = asar(json, &[text(1), text(2), b"no token.".to_vec(), text(3)].concat());
    let check = |bytes: &[u8], body: Form| {
        let plain = unpack_as(Form::Whole, "a.asar", bytes, closed).found.len();
        let outcome = unpack_as(body, "a.asar", bytes, Limits::default());
        assert!(outcome.found.len() >= plain, "{:?} of {plain}", outcome.found);
        outcome
    };
    for cut in 0..bytes.len() {
        check(&bytes[..cut], FORMS[cut % 4]);
    }
    assert_eq!(check(&bytes, Form::Whole).paths(), ["a.asar", "a.asar!a", "a.asar!b"], "{}", text(1).len());
    let mut state = 3_u32;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    for _ in 0..500 {
        let mut bytes = bytes.clone();
        for _ in 0..=random(3) {
            let at = random(140);
            bytes[at] = random(256).to_le_bytes()[0];
        }
        check(&bytes, FORMS[random(4)]);
    }
}

#[test]
fn headers_that_lie() {
    for (json, kind) in [
        (r#"{"files":{"a":{"offset":"0","size":99999}}}"#, FaultKind::Damaged),
        (r#"{"files":{"a":{"offset":"0","size":20},"b":{"offset":"10","size":30}}}"#, FaultKind::Damaged),
        (r#"{"files":{"a":"#, FaultKind::Damaged),
    ] {
        let outcome = unpack("a.asar", &asar(json, &text(1)));
        assert!(!outcome.found.is_empty(), "{json}");
        assert_eq!(outcome.faults.len(), 1, "{json}: {:?}", outcome.faults);
        assert_eq!(outcome.faults[0].1, kind, "{json}");
    }
}

#[test]
fn what_only_begins_like_one_is_plain() {
    for begin in [&b"\x04\0\0\0"[..], b"\x04\0\0\0\x10\0\0\0\x0c\0\0\0\x08\0\0\0[1,2,3]", b"\x04 and words"] {
        let bytes = [begin, b"\n", &text(1)].concat();
        for body in FORMS {
            let outcome = unpack_as(body, "f", &bytes, Limits::default()).faultless();
            assert_eq!(outcome.paths(), ["f"], "{begin:?} as {body:?}");
        }
    }
}
