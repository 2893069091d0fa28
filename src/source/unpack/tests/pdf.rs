//! PDF: streams through every filter, and texts in pieces.

use std::fmt::Write as _;
use std::io::Write as _;

use super::pack;
use super::support::*;
use crate::blob::FaultKind;
use crate::source::unpack::Limits;

pub(super) fn flate(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

fn lzw(bytes: &[u8]) -> Vec<u8> {
    weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8).encode(bytes).expect("memory")
}

fn ascii85(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (n, group) in bytes.chunks(4).enumerate() {
        let mut four = [0; 4];
        four[..group.len()].copy_from_slice(group);
        let value = u32::from_be_bytes(four);
        if value == 0 && group.len() == 4 {
            out.push(b'z');
        } else {
            let digits = (0..5).rev().map(|n| u8::try_from(value / 85_u32.pow(n) % 85).unwrap_or(0) + b'!');
            out.extend(digits.take(group.len() + 1));
        }
        if n % 15 == 0 {
            out.push(b'\n');
        }
    }
    [&out[..], b"~>"].concat()
}

fn ascii_hex(bytes: &[u8]) -> Vec<u8> {
    let mut out = String::new();
    for (n, byte) in bytes.iter().enumerate() {
        let _ = write!(out, "{byte:02X}{}", if n % 30 == 0 { "\n" } else { "" });
    }
    (out + ">").into_bytes()
}

fn run_length(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in bytes.chunks(100) {
        let same = part.iter().all(|byte| *byte == part[0]) && part.len() > 1;
        if same {
            out.extend([u8::try_from(257 - part.len()).unwrap_or(0), part[0]]);
        } else {
            out.push(u8::try_from(part.len() - 1).unwrap_or(0));
            out.extend(part);
        }
    }
    out.push(128);
    out
}

/// Rows of 16 bytes, each predicted in another of PNG's ways.
fn png_rows(bytes: &[u8]) -> Vec<u8> {
    let mut above = [0_u8; 16];
    let mut out = Vec::new();
    for (n, part) in bytes.chunks(16).enumerate() {
        let mut row = [b' '; 16];
        row[..part.len()].copy_from_slice(part);
        let kind = n % 5;
        out.push(u8::try_from(kind).unwrap_or(0));
        for at in 0..16 {
            let (a, b) = (if at > 0 { row[at - 1] } else { 0 }, above[at]);
            let c = if at > 0 { above[at - 1] } else { 0 };
            let sum = i32::from(a) + i32::from(b) - i32::from(c);
            let [to_a, to_b, to_c] = [a, b, c].map(|byte| (sum - i32::from(byte)).abs());
            let paeth = if to_a <= to_b && to_a <= to_c {
                a
            } else if to_b <= to_c {
                b
            } else {
                c
            };
            let average = u8::try_from(u16::midpoint(a.into(), b.into())).unwrap_or(0);
            out.push(row[at].wrapping_sub([0, a, b, average, paeth][kind]));
        }
        above = row;
    }
    out
}

/// A document of these objects, numbered from 1.
pub(super) fn document(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    for (n, object) in (1..).zip(objects) {
        out.extend(format!("{n} 0 obj\n").into_bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    out.extend(b"trailer\n<</Root 1 0 R>>\nstartxref\n0\n%%EOF\n");
    out
}

pub(super) fn stream(entries: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("<< /Length {} {entries} >>\nstream\n", data.len());
    [head.as_bytes(), data, b"\nendstream"].concat()
}

#[track_caller]
pub(super) fn found_as(bytes: &[u8], expected: &[Found]) {
    for form in FORMS {
        let outcome = unpack_as(form, "a.pdf", bytes, Limits::default()).faultless();
        assert_eq!(outcome.found, expected, "{form:?}");
        let nested = pack::gzip(&pack::tar(&[("b/a.pdf", bytes)]));
        let outcome = unpack_as(form, "t.tgz", &nested, Limits::default()).faultless();
        assert_eq!(outcome.found.len(), expected.len(), "nested, {form:?}");
    }
}

#[test]
fn streams_of_every_filter() {
    let long = [text(1), vec![b'\n'; 500], b"words ".repeat(50_000)].concat();
    for plain in [text(1), long] {
        let cases = [
            ("/Filter /FlateDecode", flate(&plain)),
            ("/Filter /Fl", flate(&plain)),
            ("/Filter /LZWDecode", lzw(&plain)),
            ("/Filter[/ASCII85Decode /LZWDecode]", ascii85(&lzw(&plain))),
            ("/Filter /ASCII85Decode", ascii85(&plain)),
            ("/Filter /ASCIIHexDecode", ascii_hex(&plain)),
            ("/Filter [/RunLengthDecode /Fl /RL]", run_length(&flate(&run_length(&plain)))),
            ("/Filter [ /A85 /AHx /Fl ]", ascii85(&ascii_hex(&flate(&plain)))),
            ("/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 16 >>", flate(&png_rows(&plain))),
            (
                "/Filter [/AHx /FlateDecode]/DecodeParms [null <</Predictor 12/Columns 16>>]",
                ascii_hex(&flate(&png_rows(&plain))),
            ),
        ];
        for (entries, data) in cases {
            let bytes = document(&[b"<</Type /Catalog>>".to_vec(), stream(entries, &data)]);
            let mut found = vec![Found::content("a.pdf!object 2", OFFSET, LINE)];
            // Hexadecimal digits are decoded wherever they stand, and what runs are made of stands there as it is.
            let outcome = unpack("a.pdf", &bytes).faultless();
            found.extend(outcome.found.iter().filter(|at| at.path == "a.pdf").cloned());
            found.sort();
            found_as(&bytes, &found);
        }
    }
}

#[test]
fn tiff_predictors_and_streams_of_wrong_length() {
    let plain = text(1);
    let mut before = 0;
    let tiff: Vec<u8> = plain
        .chunks(8)
        .flat_map(|row| {
            before = 0;
            row.iter()
                .map(|byte| byte.wrapping_sub(std::mem::replace(&mut before, *byte)))
                .collect::<Vec<_>>()
        })
        .collect();
    let bytes =
        document(&[stream("/Filter /FlateDecode /DecodeParms <</Predictor 2 /Columns 8>>", &flate(&tiff))]);
    found_as(&bytes, &[Found::content("a.pdf!object 1", OFFSET, LINE)]);
    for len in ["0", "7", "999999", "9 0 R", "(x)"] {
        let data = flate(&plain);
        let head = format!("<</Filter/FlateDecode/Length {len}>>stream\r\n");
        let object = [head.as_bytes(), &data, b"\r\nendstream"];
        let bytes = document(&[object.concat(), stream("/Filter /FlateDecode", &flate(&text(2)))]);
        let found = [("a.pdf!object 1", OFFSET), ("a.pdf!object 2", OFFSET)];
        found_as(&bytes, &found.map(|(path, offset)| Found::content(path, offset, LINE)));
    }
}

#[test]
fn text_that_is_shown_in_pieces() {
    let token = token(1);
    let (first, rest) = token.split_at(7);
    let (second, third) = rest.split_at(11);
    let hex: String = third.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let octal: String = second.bytes().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "\\{byte:o}");
        text
    });
    let contents = [
        format!("BT /F1 12 Tf 70 700 Td [(token: {first}) -12 ({second}) 30.5 ({third})] TJ ET"),
        format!("BT /F1 12 Tf ({first}) Tj ({second}) Tj T* ({third}) ' ET"),
        format!("BT /F1 12 Tf ({first}\\\n{octal}) Tj <{hex}> Tj ET"),
        format!("BT /F1 12 Tf 1 2 ({first}) \" 3 0 Td /F1 12 Tf ({rest}) Tj (\\(x\\)) Tj ET"),
    ];
    for content in contents {
        for (entries, data) in
            [("", content.clone().into_bytes()), ("/Filter /FlateDecode", flate(content.as_bytes()))]
        {
            let bytes = document(&[b"<</Type/Page>>".to_vec(), stream(entries, &data)]);
            let at = if content.contains("token: ") { 7 } else { 0 };
            found_as(&bytes, &[Found::content("a.pdf!object 2 text", at, 1)]);
        }
    }
    // What only looks like a token is no finding where it was put together.
    let wrong = format!("BT ({first}) Tj ({second}) Tj ({}) Tj ET", "A".repeat(third.len()));
    found_as(&document(&[stream("", wrong.as_bytes())]), &[]);
}

#[test]
fn strings_and_object_streams_and_embedded_files() {
    let wide: String = token(1).bytes().fold("FEFF".to_owned(), |mut hex, byte| {
        let _ = write!(hex, "00{byte:02x}");
        hex
    });
    let title = format!("<< /Title ({}\\\n{}) >>", &token(2)[..9], &token(2)[9..]);
    let packed = format!(
        "5 0 6 9 <</A /B>> << /Title ({}\\\n{}) /B ({}) >>",
        &token(3)[..9],
        &token(3)[9..],
        token(4)
    );
    let bytes = document(&[
        format!("<< /Author <{}> >>", wide.replace("0067", "00 67\n")).into_bytes(),
        title.into_bytes(),
        stream("/Type /ObjStm /N 2 /First 8 /Filter /FlateDecode", &flate(packed.as_bytes())),
        stream("/Type /EmbeddedFile", &pack::zip(&[("x/.env", &text(5))])),
        stream("/Type /EmbeddedFile /Filter /FlateDecode", &flate(&pack::gzip(&text(6)))),
    ]);
    for form in FORMS {
        let outcome = unpack_as(form, "a.pdf", &bytes, Limits::default()).faultless();
        let mut paths = outcome.paths();
        paths.retain(|path| path.contains('!'));
        paths.dedup();
        let expected = [
            "a.pdf!object 1 text",
            "a.pdf!object 2 text",
            "a.pdf!object 3",
            "a.pdf!object 3 text",
            "a.pdf!object 4!x/.env",
            "a.pdf!object 5!content",
        ];
        assert_eq!(paths, expected, "{form:?}");
    }
}

#[test]
fn pictures_and_encrypted_documents() {
    let bytes = document(&[
        stream("/Subtype /Image /Filter /FlateDecode", &flate(&text(1))),
        stream("/Filter [/FlateDecode /DCTDecode]", &flate(&text(2))),
    ]);
    found_as(&bytes, &[]);
    let encrypted = [
        &document(&[stream("/Filter /FlateDecode", &noise(300))])[..],
        b"trailer <</Encrypt 9 0 R>>",
        &text(3),
    ];
    for form in FORMS {
        let outcome = unpack_as(form, "a.pdf", &encrypted.concat(), Limits::default());
        assert_eq!(outcome.paths(), ["a.pdf"], "{form:?}");
        let [(_, FaultKind::AsBytes("encrypted"), reason)] = &outcome.faults[..] else {
            panic!("{:?}", outcome.faults)
        };
        assert!(reason.contains("encrypted"));
    }
}

#[test]
fn what_is_cut_or_changed_anywhere_ends_all_the_same() {
    let bytes = document(&[
        stream(
            "/Filter [/A85 /FlateDecode] /DecodeParms [null <</Predictor 12 /Columns 9>>]",
            &ascii85(&flate(&text(1))),
        ),
        stream("/Filter /LZWDecode", &lzw(&text(2))),
        format!("[ << /A ({}) >> [[[(\\", token(3)).into_bytes(),
        stream("", b"BT /F1 1 Tf [(a) 1 <00>] TJ ID EI ET"),
    ]);
    for len in 0..bytes.len() {
        unpack_as(FORMS[len % 4], "a.pdf", &bytes[..len], Limits::default());
    }
    let random = noise(4 * bytes.len());
    for (n, change) in random.chunks(4).enumerate() {
        let mut changed = bytes.clone();
        let len = changed.len();
        changed[n % len] = change[0];
        changed[usize::from(change[1]) * 5 % len] ^= change[2];
        unpack_as(FORMS[n % 4], "a.pdf", &changed, Limits::default());
    }
    let deep = format!("1 0 obj {} {}", "[<</A".repeat(100_000), "(".repeat(100_000));
    unpack("a.pdf", format!("%PDF-1.4\n{deep}").as_bytes());
}

#[test]
fn a_bomb_is_cut_and_what_is_behind_it_is_read() {
    let limits = Limits { max_expansion: 8 << 20, ratio_after: 1 << 20, ..Limits::default() };
    let bytes = document(&[
        stream("/Filter /FlateDecode", &flate(&vec![b' '; 50_000_000])),
        stream("/Filter /FlateDecode", &flate(&text(1))),
    ]);
    let outcome = unpack_as(Form::Whole, "a.pdf", &bytes, limits);
    assert_eq!(outcome.paths(), ["a.pdf!object 2"]);
    assert!(outcome.faults.iter().all(|(_, kind, _)| *kind == FaultKind::CutShort));
}
