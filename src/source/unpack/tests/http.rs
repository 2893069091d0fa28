//! HTTP messages: chunks, codings, and several of them one behind the other.

use std::io::Write as _;

use super::pack;
use super::support::*;
use crate::source::unpack::Limits;

/// Chunks of so many bytes.
fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in body.chunks(size) {
        out.extend(format!("{:x};a=b\r\n", chunk.len()).into_bytes());
        out.extend(chunk);
        out.extend(b"\r\n");
    }
    [&out[..], b"0\r\nTrailer: x\r\n\r\n"].concat()
}

fn response(fields: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\nServer: x\r\n{fields}\r\n").as_bytes(), body].concat()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

/// Bits, the lowest of each byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        for n in 0..count {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= u8::from(value >> n & 1 == 1) << (self.count % 8);
            }
            self.count += 1;
        }
    }
}

/// A body in Brotli that is stored: a window of 16 bits, blocks that are not compressed, and an empty last one (RFC 7932, 9.2).
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut out = Bits::default();
    out.put(0, 1);
    for chunk in bytes.chunks(60_000) {
        // Not the last one; four digits of length, which is its value and one more; not compressed; up to a whole byte.
        out.put(0, 3);
        out.put(u32::try_from(chunk.len() - 1).unwrap_or(0), 16);
        out.put(1, 1);
        out.put(0, u32::try_from((8 - out.count % 8) % 8).unwrap_or(0));
        out.bytes.extend(chunk);
        out.count += 8 * chunk.len();
    }
    out.put(3, 2);
    out.bytes
}

#[track_caller]
fn found_as(bytes: &[u8], expected: &[Found]) {
    for form in FORMS {
        let outcome = unpack_as(form, "a.http", bytes, Limits::default()).faultless();
        assert_eq!(outcome.found, expected, "{form:?}");
        let nested = pack::gzip(&pack::tar(&[("a.http", bytes)]));
        let outcome = unpack_as(form, "t.tgz", &nested, Limits::default()).faultless();
        assert_eq!(outcome.found.len(), expected.len(), "nested, {form:?}");
    }
}

#[test]
fn a_token_in_chunks_is_put_together() {
    let plain = [text(1), noise(100_000)].concat();
    for size in [1, 7, 40] {
        let bytes = response("Transfer-Encoding: chunked\r\n", &chunked(&plain[..3000], size));
        found_as(&bytes, &[Found::content("a.http!body 1", OFFSET, LINE)]);
    }
}

#[test]
fn what_a_body_was_compressed_with_is_undone() {
    let plain = [text(1), b"0123456789 and words ".repeat(9000)].concat();
    let codings: [(&str, Vec<u8>); 6] = [
        ("gzip", pack::gzip(&plain)),
        ("x-gzip", pack::gzip(&plain)),
        ("deflate", zlib(&plain)),
        ("deflate", pack::deflate(&plain)),
        ("zstd", pack::zstd(&plain)),
        ("gzip, zstd", pack::zstd(&pack::gzip(&plain))),
    ];
    for (coding, body) in codings {
        let found = [Found::content("a.http!body 1", OFFSET, LINE)];
        let fields = format!("content-encoding: {coding}\r\n");
        found_as(&response(&fields, &body), &found);
        found_as(&response(&format!("{fields}Content-Length: {}\r\n", body.len()), &body), &found);
        let in_chunks = response(&format!("{fields}Transfer-Encoding: chunked\r\n"), &chunked(&body, 1000));
        found_as(&in_chunks, &found);
    }
}

#[test]
fn brotli_is_undone() {
    let plain = [text(1), noise(100_000)].concat();
    let body = brotli(&plain);
    let bytes = response("Content-Encoding: br\r\nTransfer-Encoding: chunked\r\n", &chunked(&body, 33));
    for form in FORMS {
        let outcome = unpack_as(form, "a.http", &bytes, Limits::default()).faultless();
        assert!(outcome.found.contains(&Found::content("a.http!body 1", OFFSET, LINE)), "{form:?}");
    }
}

#[test]
fn messages_one_behind_the_other() {
    let request = |n: u32, body: &[u8]| {
        [
            format!("POST /{n} HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len())
                .as_bytes(),
            body,
        ]
        .concat()
    };
    let requests = [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        request(2, &pack::gzip(&text(1))),
        request(3, &pack::gzip(&text(2))),
    ];
    found_as(
        &requests.concat(),
        &["a.http!body 2", "a.http!body 3"].map(|path| Found::content(path, OFFSET, LINE)),
    );
    let responses = [
        b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(),
        response("Transfer-Encoding: chunked\r\n", &chunked(&text(1), 9)),
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n".to_vec(),
    ];
    found_as(&responses[..2].concat(), &[Found::content("a.http!body 2", OFFSET, LINE)]);
    let archive = response("Content-Type: application/zip\r\n", &pack::zip(&[("x/.env", &text(1))]));
    let outcome = unpack_as(Form::Pipe(1000), "a.http", &archive, Limits::default()).faultless();
    assert_eq!(outcome.paths(), ["a.http!body 1!x/.env"]);
    let archive = response("Content-Length: 9999\r\n", &pack::gzip(&pack::tar(&[("x/.env", &text(1))])));
    found_as(&archive, &[Found::content("a.http!body 1!x/.env", OFFSET, LINE)]);
}

#[test]
fn what_curl_prints_has_headers_above_a_body_that_was_undone() {
    for body in [text(1), [b"{}\n", &text(1)[..]].concat()] {
        let fields = "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n";
        let bytes = response(fields, &body);
        let at = (bytes.len() - text(1).len()) as u64 + OFFSET;
        for form in FORMS {
            let outcome = unpack_as(form, "a.txt", &bytes, Limits::default()).faultless();
            assert_eq!(
                outcome.found.iter().map(|at| (&*at.path, at.offset)).collect::<Vec<_>>(),
                [("a.txt", at)]
            );
        }
    }
    let text = b"HTTP/1.1 is a protocol.\n\nGET / HTTP/1.1\n";
    assert_eq!(unpack("a.txt", text).faultless().found, []);
}

#[test]
fn what_is_cut_or_changed_anywhere_ends_all_the_same() {
    let bytes = [
        response(
            "Content-Encoding: br, gzip\r\nTransfer-Encoding: chunked\r\n",
            &chunked(&pack::gzip(&text(1)), 30),
        ),
        response("Content-Encoding: br\r\nContent-Length: 300\r\n", &noise(300)),
        response("Transfer-Encoding: chunked\r\n", b"ffffffffffffffff\r\nabc"),
    ]
    .concat();
    for len in 0..bytes.len() {
        unpack_as(FORMS[len % 4], "a.http", &bytes[..len], Limits::default());
    }
    let random = noise(4 * bytes.len());
    for (n, change) in random.chunks(4).enumerate() {
        let mut changed = bytes.clone();
        let len = changed.len();
        changed[n % len] = change[0];
        changed[usize::from(change[1]) * 3 % len] ^= change[2];
        unpack_as(FORMS[n % 4], "a.http", &changed, Limits::default());
    }
}
