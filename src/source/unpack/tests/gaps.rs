//! Opening a container never finds less than looking at its bytes does, wherever in it a token stands.

use super::pack::{self, COMPRESSORS, Member, zip_of};
use super::support::*;
use super::{asars, cabs, compound, cpios};
use crate::source::unpack::Limits;

/// Small containers of every format, with every part that has one.
fn containers() -> Vec<(String, Vec<u8>)> {
    let (plain, other) = (b"nothing in it, but a few words\n".repeat(9), noise(300));
    let members: [(&str, &[u8]); 2] = [("first/file.txt", &plain), ("b", &other)];
    let mut commented = Member::deflated("first/file.txt", &plain);
    commented.comment = b"a comment of a member, as long as a token is".to_vec();
    commented.extra = [b"zz", &[50, 0][..], &[b'.'; 50]].concat();
    commented.before = b"something before the member, as long as a token is\n".to_vec();
    let stored = Member::stored("b", &other);
    let directory = zip_of(&[commented, stored], b"a comment of the archive, as long as a token");
    let at = memchr::memmem::find(&directory, b"PK\x01\x02").expect("a directory");
    let mut all = vec![
        ("tar".to_owned(), pack::tar(&members)),
        ("ar".to_owned(), pack::ar(&members)),
        ("7z".to_owned(), pack::sevenz(&members)),
        ("zip".to_owned(), directory.clone()),
        ("zip that lost its directory".to_owned(), directory[..at].to_vec()),
        ("tgz".to_owned(), pack::gzip(&pack::tar(&members))),
    ];
    let described = [Member::deflated("first/file.txt", &plain), Member::stored("b", &other)].map(|member| {
        let flags = 8;
        Member { flags, ..member }
    });
    let described = zip_of(&described, b"");
    let at = memchr::memmem::find(&described, b"PK\x01\x02").expect("a directory");
    all.push(("zip with data descriptors".to_owned(), described.clone()));
    all.push(("zip with data descriptors that lost its directory".to_owned(), described[..at].to_vec()));
    let named = [b"\x1f\x8b\x08\x1c\0\0\0\0\0\x03", &[44, 0, b'x', b'y', 40, 0][..], &[b'.'; 40]].concat();
    let plain_gzip = pack::gzip(&plain);
    let named = [
        &named,
        &b"a name that is as long as a token is: forty\0a comment, as long as a token is: forty bytes\0"[..],
        &plain_gzip[10..],
    ];
    all.push(("gz with all fields".to_owned(), named.concat()));
    for (extension, pack) in COMPRESSORS {
        all.push((extension.to_owned(), pack(&plain)));
        all.push((format!("{extension} of what does not pack"), pack(&other)));
        all.push((format!("two streams of {extension}"), [pack(&plain), pack(&other)].concat()));
    }
    all.extend(archives(&plain, &other));
    let frame = [&b"\x51\x2a\x4d\x18\x46\0\0\0"[..], &[b'.'; 70]].concat();
    for (name, pack) in [("zst", pack::zstd as pack::Packer), ("lz4", pack::lz4)] {
        all.push((
            format!("{name} with a skippable frame"),
            [&pack(&plain), &frame[..], &pack(&other)].concat(),
        ));
    }
    all
}

/// Those that only these tests can write.
fn archives(plain: &[u8], other: &[u8]) -> Vec<(String, Vec<u8>)> {
    let members = [("first/file.txt", 0o100_644, plain), ("link", 0o120_777, b"b"), ("b", 0o100_644, other)];
    let mut all: Vec<(String, Vec<u8>)> =
        cpios::forms(&members).into_iter().map(|(form, bytes)| (format!("cpio, {form}"), bytes)).collect();
    let tags = [(1024, 6, 1, b"a script that is as long as a token, or a little longer\0".to_vec())];
    all.push(("rpm".to_owned(), cpios::rpm(&tags, &all[0].1)));
    all.push(("packed rpm".to_owned(), cpios::rpm(&tags, &pack::gzip(&all[0].1))));
    for method in [cabs::STORED, cabs::MSZIP, cabs::LZX] {
        let files = [("first/file.txt", plain), ("b", other)];
        let bytes = cabs::cab(&[(method, &files)], b"reserved, as long as a token is, or longer");
        all.push((format!("cab {method:#x}"), bytes));
    }
    let json = format!(
        r#"{{"files":{{"a.txt":{{"offset":"0","size":{}}},"b":{{"offset":"{}","size":{}}}}}}}"#,
        plain.len(),
        plain.len() + 50,
        other.len()
    );
    all.push(("asar".to_owned(), asars::asar(&json, &[plain, &[b'.'; 50], other, &[b'.'; 50]].concat())));
    let streams = [("first/file.txt", plain), ("b", other), ("long", &noise(5000)[..])];
    all.push(("OLE2".to_owned(), compound::compound(cfb::Version::V3, &streams)));
    all
}

fn finds(form: Form, name: &str, bytes: &[u8], limits: Limits) -> bool {
    !unpack_as(form, name, bytes, limits).found.is_empty()
}

#[test]
fn opening_finds_what_the_bytes_hold() {
    let token = token(1);
    let closed = Limits { max_archive_depth: 0, ..Limits::default() };
    let mut missed: Vec<String> = Vec::new();
    for (name, bytes) in containers() {
        // A number of offsets that changes what is hit in each format, and all near both ends.
        let stride = (bytes.len() / 150).max(1) | 1;
        for at in (0..=bytes.len()).step_by(stride).chain(bytes.len().saturating_sub(60)..=bytes.len()) {
            let inserted = [&bytes[..at], token.as_bytes(), &bytes[at..]].concat();
            let mut over = bytes.clone();
            over.truncate(over.len().max(at));
            let end = (at + token.len()).min(over.len());
            over.splice(at..end, token.bytes());
            for (how, planted) in [("inserted", inserted), ("written over", over)] {
                for form in [Form::Whole, Form::Pipe(100)] {
                    if finds(form, &name, &planted, closed)
                        && !finds(form, &name, &planted, Limits::default())
                    {
                        missed.push(format!("{name}: {how} at {at} of {} as {form:?}", bytes.len()));
                    }
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}
