//! What stands behind a compressed stream, and is another one, or an archive.

use super::pack::{self, COMPRESSORS};
use super::pack_rare::RARE;
use super::support::*;
use crate::source::unpack::Limits;

#[test]
fn an_archive_behind_a_stream_is_opened() {
    let archives = [
        ("zip", pack::zip(&[("in/.env", &text(2))])),
        ("tar", pack::tar(&[("in/.env", &text(2))])),
        ("7z", pack::sevenz(&[("in/.env", &text(2))])),
    ];
    for (extension, compress) in COMPRESSORS.into_iter().chain(RARE) {
        // It has no end.
        if extension == "Z" {
            continue;
        }
        for (kind, archive) in &archives {
            let bytes = [compress(&text(1)), archive.clone()].concat();
            let name = format!("a.{extension}");
            for form in FORMS {
                let outcome = unpack_as(form, &name, &bytes, Limits::default()).faultless();
                let paths = [format!("{name}!a"), format!("{name}!in/.env")];
                assert_eq!(outcome.paths(), paths, "{extension} and {kind} as {form:?}");
            }
        }
    }
}

#[test]
fn a_stream_behind_one_of_another_kind_is_opened() {
    let streams = || COMPRESSORS.into_iter().chain(RARE);
    for (first, compress) in streams().filter(|(extension, _)| *extension != "Z") {
        // What has no signature is not seen there, and what has no end ends in nothing sound.
        for (second, compress_second) in
            streams().filter(|(extension, _)| !["br", "Z", first].contains(extension))
        {
            let tar = pack::tar(&[("in/.env", &text(2))]);
            let bytes = [compress(&text(1)), compress_second(&text(3)), compress_second(&tar)].concat();
            let outcome = unpack(&format!("a.{first}"), &bytes);
            assert!(outcome.found.len() >= 2, "{first} and {second}: {outcome:?}");
            assert!(outcome.found.iter().all(|found| found.path.starts_with(&format!("a.{first}!"))));
        }
    }
}

#[test]
fn many_kinds_of_streams_are_no_depth() {
    let mut bytes = Vec::new();
    for n in 0..30 {
        bytes.extend(pack::gzip(&text(3 * n)));
        bytes.extend(pack::xz(&text(3 * n + 1)));
        bytes.extend(pack::zstd(&text(3 * n + 2)));
    }
    let outcome = unpack("all.gz", &bytes).faultless();
    assert_eq!(outcome.found.len(), 90);
}

#[test]
fn a_zip_at_the_end_of_what_only_begins_like_a_stream_is_opened() {
    let zip = pack::zip(&[("in/.env", &text(1))]);
    for begin in
        [&b"\x1f\x8b\x08\0 is how gzip begins"[..], b"\x1f\x9d\x90 compress", b"\x28\xb5\x2f\xfd\xff\xff\xff"]
    {
        let bytes = [begin, &noise(3000), &zip].concat();
        for form in [Form::Whole, Form::File(700)] {
            let outcome = unpack_as(form, "a.bin", &bytes, Limits::default()).faultless();
            assert_eq!(outcome.paths(), ["a.bin!in/.env"], "{begin:?} as {form:?}");
        }
    }
}
