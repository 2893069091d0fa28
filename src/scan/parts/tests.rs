use std::sync::atomic::AtomicU64;
use std::thread;

use proptest::prelude::*;

use super::*;
use crate::blob::{Blob, Body, Origin, Sink as _};
use crate::checksum::crc32_base62;
use crate::detect::Detector;
use crate::finding::Findings;
use crate::meter::Meter;
use crate::rule;
use crate::scan::Collector;

/// A file in memory, with two threads that have time. What has so many zeros is a hole.
struct Memory {
    bytes: Vec<u8>,
    hole: usize,
    read: AtomicU64,
    /// Where reading fails.
    broken_at: usize,
}

impl Memory {
    fn new(bytes: Vec<u8>, hole: usize) -> Self {
        Memory { bytes, hole, read: AtomicU64::new(0), broken_at: usize::MAX }
    }

    fn scan(&self, sizes: Sizes) -> (Vec<Place>, usize, u64) {
        let head = &self.bytes[..self.bytes.len().min(100)];
        let mut rest = ReadFrom { file: self, offset: head.len() as u64 };
        scan(Body::Stream { head, rest: &mut Shared(&mut rest, self) }, sizes)
    }
}

impl SharedFile for Memory {
    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let offset = index(offset);
        if offset >= self.broken_at {
            return Err(io::Error::other("the disk is gone"));
        }
        let end = self.bytes.len().min(self.broken_at);
        let bytes = &self.bytes[offset.min(end)..end];
        // Readers return less than they are asked for.
        let read = bytes.len().min(buffer.len()).min(7919);
        buffer[..read].copy_from_slice(&bytes[..read]);
        self.read.fetch_add(read as u64, Relaxed);
        Ok(read)
    }

    fn hole_at(&self, offset: u64) -> u64 {
        let zeros = self.bytes.iter().skip(index(offset)).take_while(|byte| **byte == 0).count();
        if zeros < self.hole { 0 } else { zeros as u64 & !1 }
    }

    fn work(&self, work: &(dyn Fn() -> bool + Sync)) {
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| while work() {});
            }
        });
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

struct Shared<'f>(&'f mut ReadFrom<'f>, &'f Memory);

impl io::Read for Shared<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Rest for Shared<'_> {
    fn shared(&self) -> Option<&dyn SharedFile> {
        Some(self.1)
    }
}

/// Offset, line, column, encodings, fingerprint.
type Place = (u64, u64, u64, Vec<&'static str>, String);

/// Where something was found, how many faults there were, and how many bytes were counted.
fn scan(body: Body<'_>, sizes: Sizes) -> (Vec<Place>, usize, u64) {
    let detector = Detector::new(rule::built_in());
    let (findings, meter) = (Findings::default(), Meter::default());
    let collector = Collector::new(&detector, &findings, &meter).with_sizes(sizes);
    collector.blob(Blob { body, origin: &|| Origin::file("big") });
    let (found, faults) = findings.finish();
    let mut places: Vec<Place> = Vec::new();
    for finding in &found {
        let token = format!("{:?}", finding.token.fingerprint());
        places.extend(
            finding
                .locations
                .iter()
                .map(|at| (at.offset, at.line, at.column, at.details().decoded.clone(), token.clone())),
        );
    }
    places.sort();
    (places, faults.len(), meter.read().bytes)
}

fn token(n: u32) -> String {
    let body = format!("{n:030}");
    format!("ghp_{body}{}", String::from_utf8_lossy(&crc32_base62(body.as_bytes())))
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// Something that a file may hold.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => (any::<u32>(), 0..30_usize).prop_map(|(n, more)| format!("{}{}\n", " ".repeat(more), token(n)).into_bytes()),
        3 => (0..3000_usize).prop_map(|n| "a line\nand one\r\n\nmore ".bytes().cycle().take(n).collect()),
        1 => any::<u32>().prop_map(|n| utf16(&format!("a\nline\n{}\n", token(n)))),
        1 => any::<u32>().prop_map(|n| base64(&format!("user:{}", token(n))).into_bytes()),
        1 => (0..3_usize).prop_map(|n| vec![0; n * MAX_SPAN + n]),
        1 => prop::collection::vec(any::<u8>(), 0..300),
        1 => Just(vec![b'\n']),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_is_found_however_a_file_is_cut(
        mark in prop_oneof![3 => Just(&b""[..]), 1 => Just(&b"\xff\xfe"[..])],
        pieces in prop::collection::vec(piece(), 1..60),
        (read, window, part) in (1..20_usize, 1..20_usize, 32..80_u64),
        hole in prop_oneof![Just(usize::MAX), Just(MAX_SPAN), Just(64)],
    ) {
        let bytes = [mark.to_vec(), pieces.concat()].concat();
        let (expected, ..) = scan(Body::Whole(&bytes), Sizes::default());
        let sizes = Sizes { read: read * 1024, window: window * 1024, wide: 4 * window * 1024, part: part * 1024 };
        let (found, faults, counted) = Memory::new(bytes.clone(), hole).scan(sizes);
        prop_assert_eq!(found, expected);
        prop_assert_eq!(faults, 0);
        prop_assert!(counted <= bytes.len() as u64);
        if hole == usize::MAX {
            prop_assert_eq!(counted, (bytes.len() - bytes.len().min(100)) as u64, "each byte once");
        }
    }
}

const SMALL: Sizes = Sizes { read: 8192, window: 4096, wide: 16 * 1024, part: 64 * 1024 };

#[test]
fn holes_are_not_read() {
    let mut bytes = vec![0; 2 << 20];
    let at = (1 << 20) + 17;
    bytes[at..at + 40].copy_from_slice(token(1).as_bytes());
    let file = Memory::new(bytes, 64 << 10);
    let (found, ..) = file.scan(SMALL);
    assert_eq!(found.iter().map(|place| place.0).collect::<Vec<_>>(), [at as u64]);
    let read = file.read.load(Relaxed);
    assert!(read < 512 << 10, "{read} bytes were read");
}

#[test]
fn what_stands_in_front_of_an_error_is_found_and_the_error_reported_once() {
    let mut bytes = vec![b' '; 1 << 20];
    for (n, at) in (0..).zip((100..bytes.len()).step_by(64 << 10)) {
        bytes[at..at + 40].copy_from_slice(token(n).as_bytes());
    }
    let file = Memory { broken_at: (8 << 16) + 50_000, ..Memory::new(bytes, usize::MAX) };
    let (found, faults, _) = file.scan(SMALL);
    assert_eq!((found.len(), faults), (9, 1));
}

#[test]
fn nothing_is_counted_where_nothing_is_found() {
    let file = Memory::new("a line\n".repeat(100_000).into_bytes(), usize::MAX);
    file.scan(SMALL);
    let read = file.read.load(Relaxed);
    assert!(read < 2 * file.bytes.len() as u64, "{read} of {} bytes", file.bytes.len());
}
