//! A collector behind the unpacker, tokens for it to find, and bodies of every form.

use std::io::{Cursor, Read, Seek, SeekFrom};

use crate::blob::{Blob, Body, FaultKind, Forward, LocationKind, Origin, ReadSeek, Rest, Sink as _};
use crate::checksum::crc32_base62;
use crate::detect::Detector;
use crate::finding::Findings;
use crate::meter::Meter;
use crate::rule;
use crate::scan::Collector;
use crate::source::unpack::{Limits, Unpack};

/// A valid token, another for each `n`.
pub(super) fn token(n: u32) -> String {
    let body = format!("{:030}", u64::from(n) * 7_919 + 13);
    format!("ghp_{body}{}", String::from_utf8_lossy(&crc32_base62(body.as_bytes())))
}

/// A few lines with a token in the third, at [`OFFSET`].
pub(super) fn text(n: u32) -> Vec<u8> {
    format!("first line\nsecond line\ntoken={}\nlast line\n", token(n)).into_bytes()
}

pub(super) const OFFSET: u64 = 29;
pub(super) const LINE: u64 = 3;

/// Bytes that do not compress, of no meaning.
pub(super) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..len).map(|_| next()).collect()
}

/// One location of a token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) path: String,
    pub(super) offset: u64,
    pub(super) line: u64,
    pub(super) kind: LocationKind,
}

impl Found {
    pub(super) fn content(path: &str, offset: u64, line: u64) -> Self {
        Found { path: path.to_owned(), offset, line, kind: LocationKind::Content }
    }
}

/// What a run found, and every fault.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) found: Vec<Found>,
    pub(super) faults: Vec<(String, FaultKind, String)>,
    pub(super) bytes: u64,
}

impl Outcome {
    pub(super) fn paths(&self) -> Vec<&str> {
        self.found.iter().map(|found| found.path.as_str()).collect()
    }

    #[track_caller]
    pub(super) fn faultless(self) -> Self {
        assert_eq!(self.faults, [], "faults");
        self
    }
}

/// How a source hands a blob over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    /// A pipe: so many bytes at first, the rest behind.
    Pipe(usize),
    /// A file: so many bytes at first, the rest behind, and a way to go back.
    File(usize),
}

pub(super) const FORMS: [Form; 4] = [Form::Whole, Form::Pipe(1), Form::Pipe(1000), Form::File(700)];

/// A file whose reader and seekable view share a position, as those of an open file do.
struct Shared(Cursor<Vec<u8>>);

impl Read for Shared {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buf)
    }
}

impl Rest for Shared {
    fn seekable(&mut self) -> Option<&mut dyn ReadSeek> {
        Some(&mut self.0)
    }
}

pub(super) fn unpack_as(form: Form, name: &str, bytes: &[u8], limits: Limits) -> Outcome {
    let detector = Detector::new(rule::built_in());
    let (findings, meter) = (Findings::default(), Meter::default());
    let collector = Collector::new(&detector, &findings, &meter);
    let unpack = Unpack::new(&collector, limits);
    let origin = || Origin::file(name);
    match form {
        Form::Whole => unpack.blob(Blob { body: Body::Whole(bytes), origin: &origin }),
        Form::Pipe(head) => {
            let (head, rest) = bytes.split_at(head.min(bytes.len()));
            let body = Body::Stream { head, rest: &mut Forward(rest) };
            unpack.blob(Blob { body, origin: &origin });
        }
        Form::File(head) => {
            let head = head.min(bytes.len());
            let mut file = Shared(Cursor::new(bytes.to_vec()));
            file.0.seek(SeekFrom::Start(head as u64)).expect("memory");
            unpack
                .blob(Blob { body: Body::Stream { head: &bytes[..head], rest: &mut file }, origin: &origin });
        }
    }
    let (found, faults) = findings.finish();
    let mut found: Vec<Found> = found
        .into_iter()
        .flat_map(|finding| finding.locations)
        .map(|at| Found { path: at.path.to_string(), offset: at.offset, line: at.line, kind: at.kind })
        .collect();
    found.sort();
    let faults = faults.into_iter().map(|fault| (fault.path, fault.kind, fault.reason)).collect();
    Outcome { found, faults, bytes: meter.read().bytes }
}

/// Unpacks a whole blob within the limits there are by default.
pub(super) fn unpack(name: &str, bytes: &[u8]) -> Outcome {
    unpack_as(Form::Whole, name, bytes, Limits::default())
}
