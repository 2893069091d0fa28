//! Each container as it is in daily life.

use sevenz_rust2::EncoderMethod;

use super::pack::{self, COMPRESSORS, Member};
use super::support::*;
use crate::blob::LocationKind;
use crate::source::unpack::Limits;

/// A token at the known offset of `path`, and nothing else, however the source hands the bytes over.
#[track_caller]
fn found_in_every_form(name: &str, bytes: &[u8], path: &str) {
    for form in FORMS {
        let outcome = unpack_as(form, name, bytes, Limits::default()).faultless();
        assert_eq!(outcome.found, [Found::content(path, OFFSET, LINE)], "{name} as {form:?}");
    }
}

/// Text with a token at its known offset, and 300 kB behind it.
fn long() -> Vec<u8> {
    [text(1), noise(300_000)].concat()
}

#[test]
fn compressed_files() {
    for (extension, compress) in COMPRESSORS {
        for plain in [text(1), long()] {
            let name = format!("logs/app.log.{extension}");
            found_in_every_form(&name, &compress(&plain), &format!("{name}!app.log"));
        }
    }
}

#[test]
fn what_a_compressor_packed_is_named_by_its_header_or_by_the_file() {
    let header = |name: &str| {
        let mut out = flate2::GzBuilder::new().filename(name).write(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut out, &text(1)).expect("memory");
        out.finish().expect("memory")
    };
    assert_eq!(unpack("a.gz", &header("debug.log")).paths(), ["a.gz!debug.log"]);
    assert_eq!(unpack("a/b/DUMP.SQL.GZ", &pack::gzip(&text(1))).paths(), ["a/b/DUMP.SQL.GZ!DUMP.SQL"]);
    assert_eq!(unpack("blobs/abc", &pack::gzip(&text(1))).paths(), ["blobs/abc!content"]);
    assert_eq!(unpack(".gz", &pack::gzip(&text(1))).paths(), [".gz!content"]);
}

#[test]
fn a_tar_in_a_compressor_is_no_step_of_its_own() {
    let noise = noise(200_000);
    let tar = pack::tar(&[("big", &noise), ("etc/.env", &text(1)), ("after", &noise)]);
    for (extension, compress) in COMPRESSORS {
        let name = format!("x.tar.{extension}");
        found_in_every_form(&name, &compress(&tar), &format!("{name}!etc/.env"));
    }
}

#[test]
fn streams_one_behind_the_other_are_one_text() {
    let plain = text(1);
    for (extension, compress) in COMPRESSORS.into_iter().filter(|(extension, _)| *extension != "lzma") {
        // The token itself is torn in two.
        let (first, second) = plain.split_at(40);
        for padding in [0, 4, 1024] {
            let bytes = [compress(first), vec![0; padding], compress(second), vec![0; padding]].concat();
            found_in_every_form(&format!("t.{extension}"), &bytes, &format!("t.{extension}!t"));
        }
    }
}

#[test]
fn what_follows_a_stream_is_scanned() {
    for (extension, compress) in COMPRESSORS {
        let packed = compress(&text(1));
        let name = format!("t.{extension}");
        for form in FORMS {
            let outcome =
                unpack_as(form, &name, &[&packed[..], b"trailer ", &text(2)].concat(), Limits::default());
            let behind = packed.len() as u64 + 8 + OFFSET;
            let expected =
                [Found::content(&name, behind, 3), Found::content(&format!("{name}!t"), OFFSET, LINE)];
            assert_eq!(outcome.faultless().found, expected, "{extension} as {form:?}");
        }
    }
}

#[test]
fn texts_of_a_gzip_header_are_scanned() {
    let mut out = flate2::GzBuilder::new()
        .filename(format!("{}.log", token(1)))
        .comment(format!("made with {}", token(2)))
        .extra(format!("XX..{}", token(3)))
        .write(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut out, b"nothing").expect("memory");
    let bytes = out.finish().expect("memory");
    let at = |n| memchr::memmem::find(&bytes, token(n).as_bytes()).expect("not packed") as u64;
    let outcome = unpack("a.gz", &bytes).faultless();
    let mut kinds: Vec<_> = outcome.found.iter().map(|found| (found.offset, found.kind)).collect();
    kinds.sort_unstable();
    let mut expected =
        [(5, LocationKind::FileName), (at(2), LocationKind::Content), (at(3), LocationKind::Content)];
    expected.sort_unstable();
    assert_eq!(kinds, expected);
}

#[test]
fn zips_of_every_method() {
    use ::zip::CompressionMethod as Method;
    let noise = noise(300_000);
    for method in [Method::Stored, Method::Deflated, Method::Bzip2, Method::Zstd] {
        let bytes = pack::zip_as(&[("big", &noise), ("dir/.env", &text(1)), ("after", b"x")], method);
        found_in_every_form("a.zip", &bytes, "a.zip!dir/.env");
    }
    let plain = long();
    let lzma = |marked: bool| {
        let options = lzma_rust2::LzmaOptions::with_preset(1);
        let mut out = lzma_rust2::LzmaWriter::new_no_header(Vec::new(), &options, marked).expect("memory");
        std::io::Write::write_all(&mut out, &plain).expect("memory");
        let head = [&[9, 20, 5, 0, out.props()][..], &options.dict_size.to_le_bytes()].concat();
        let mut member = Member::new("x", 14, [head, out.finish().expect("memory")].concat(), &plain);
        member.flags = if marked { 2 } else { 0 };
        member
    };
    // Deflate without its longest matches is Deflate64, too.
    let deflate64 = Member::new("x", 9, pack::deflate(&plain), &plain);
    let xz = Member::new("x", 95, pack::xz(&plain), &plain);
    let ppmd = |marked| Member::new("x", 98, pack::ppmd_in_zip(&plain, marked), &plain);
    for member in [lzma(true), lzma(false), deflate64, xz, ppmd(true), ppmd(false)] {
        found_in_every_form("a.zip", &pack::zip_of(&[member], b""), "a.zip!x");
    }
}

#[test]
fn sevenz_of_every_method() {
    let noise = noise(300_000);
    let members = [("big", &noise[..]), ("dir/.env", &text(1)), ("after", b"x")];
    for method in [
        EncoderMethod::COPY,
        EncoderMethod::LZMA,
        EncoderMethod::LZMA2,
        EncoderMethod::BZIP2,
        EncoderMethod::PPMD,
        EncoderMethod::ZSTD,
    ] {
        found_in_every_form("a.7z", &pack::sevenz_as(&members, method), "a.7z!dir/.env");
    }
}

#[test]
fn sevenz_of_methods_that_the_library_does_not_know() {
    // Deflate without its longest matches is Deflate64, too.
    let noise = noise(300_000);
    let members = [("big", &noise[..]), ("dir/.env", &text(1)), ("after", b"x")];
    for count in 1..=members.len() {
        let mut bytes = pack::sevenz_as(&members[..count], EncoderMethod::DEFLATE);
        while bytes.windows(3).any(|id| id == [4, 1, 8]) {
            pack::set_method(&mut bytes, 9);
        }
        if count > 1 {
            found_in_every_form("a.7z", &bytes, "a.7z!dir/.env");
        }
    }
}

#[test]
fn sevenz_packed_as_one() {
    use sevenz_rust2::{ArchiveEntry, ArchiveWriter, SourceReader};
    let mut out = ArchiveWriter::new(std::io::Cursor::new(Vec::new())).expect("memory");
    let contents = [noise(200_000), text(1), noise(100)];
    let entries = ["a", "b/.env", "c"].map(ArchiveEntry::new_file).to_vec();
    let readers = contents.iter().map(|bytes| SourceReader::from(&bytes[..])).collect();
    out.push_archive_entries(entries, readers).expect("memory");
    let empty = ArchiveEntry::new_file(&format!("empty-{}", token(7)));
    out.push_archive_entry::<&[u8]>(empty, None).expect("memory");
    let bytes = out.finish().expect("memory").into_inner();
    let outcome = unpack("s.7z", &bytes).faultless();
    assert_eq!(outcome.found.len(), 2);
    assert!(outcome.found.contains(&Found::content("s.7z!b/.env", OFFSET, LINE)));
    assert!(outcome.found.iter().any(|found| found.kind == LocationKind::FileName && found.offset == 11));
}

#[test]
fn tars_and_libraries() {
    let noise = noise(300_001);
    let long_name = format!("{}/.env", "deep/".repeat(40));
    let members = [("big", &noise[..]), (&long_name, &text(1)), ("after", b"x")];
    found_in_every_form("a.tar", &pack::tar(&members), &format!("a.tar!{long_name}"));
    found_in_every_form("a.a", &pack::ar(&members), &format!("a.a!{long_name}"));
    let table = b"a-name-that-is-long.o/\nanother-long-name-of-a-member.o/\n";
    let mut ar = pack::ar(&[("odd", b"xyz")]);
    ar.extend(format!("{:<16}{:<32}{:<10}`\n", "//", "", table.len()).into_bytes());
    ar.extend(table);
    ar.extend(format!("{:<16}{:<32}{:<10}`\n", "/23", "", text(1).len()).into_bytes());
    ar.extend(text(1));
    found_in_every_form("l.a", &ar, "l.a!another-long-name-of-a-member.o");
}

#[test]
fn a_debian_package_and_an_image() {
    let data = pack::xz(&pack::tar(&[("usr/bin/tool", &text(1))]));
    let control = pack::gzip(&pack::tar(&[("control", b"Package: tool\n")]));
    let deb = pack::ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &control), ("data.tar.xz", &data)]);
    found_in_every_form("tool.deb", &deb, "tool.deb!data.tar.xz!usr/bin/tool");

    let layer = pack::tar(&[("app/.env", &text(1))]);
    let image = pack::tar(&[("manifest.json", b"[]"), ("blobs/sha256/00ff", &pack::gzip(&layer))]);
    found_in_every_form("image.tar", &image, "image.tar!blobs/sha256/00ff!app/.env");
    found_in_every_form("image.tar.gz", &pack::gzip(&image), "image.tar.gz!blobs/sha256/00ff!app/.env");
    let plain = pack::tar(&[("0abc/layer.tar", &layer)]);
    found_in_every_form("image.tar", &plain, "image.tar!0abc/layer.tar!app/.env");
}

#[test]
fn names_are_scanned() {
    let name = format!("conf/{}.txt", token(5));
    for (archive, bytes) in [
        ("a.zip", pack::zip(&[(&name, b"x")])),
        ("a.tar", pack::tar(&[(&name, b"x")])),
        ("a.ar", pack::ar(&[(&name, b"x")])),
        ("a.7z", pack::sevenz(&[(&name, b"x")])),
    ] {
        let outcome = unpack(archive, &bytes).faultless();
        let [found] = &outcome.found[..] else { panic!("{archive}: {:?}", outcome.found.len()) };
        let offset = archive.len() as u64 + 1 + 5;
        assert_eq!((found.kind, found.offset, found.line), (LocationKind::FileName, offset, 1), "{archive}");
        assert!(!found.path.contains(&token(5)), "redacted");
    }
}

#[test]
fn bytes_are_counted_where_they_come_out() {
    let plain = long();
    let outcome = unpack("a.gz", &pack::gzip(&plain));
    let named = "content".len() as u64;
    assert!((plain.len() as u64..=plain.len() as u64 + named).contains(&outcome.bytes), "{}", outcome.bytes);
    let off = Limits { max_archive_depth: 0, ..Limits::default() };
    assert_eq!(
        unpack_as(Form::Whole, "a.gz", &pack::gzip(&plain), off).bytes,
        0,
        "the source counts its own"
    );
}

#[test]
fn the_name_of_a_second_member_is_not_the_name_of_the_first() {
    let mut named = flate2::GzBuilder::new()
        .filename(format!("{}.txt", token(9)))
        .write(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut named, b"more").expect("memory");
    let packed = [pack::gzip(&text(1)), named.finish().expect("memory")].concat();
    let outcome = unpack("log.gz", &packed).faultless();
    assert!(outcome.found.contains(&Found::content("log.gz!log", OFFSET, LINE)), "{:?}", outcome.found);
    assert_eq!(outcome.found.len(), 2, "{:?}", outcome.found);
}
