//! What the targets of the containers share: a sink that reads everything, and limits that keep a run short.

#![allow(dead_code, reason = "no target needs all of it")]

use std::io::Read as _;
use std::sync::Mutex;

use stanch::blob::{Blob, Body, Fault, Forward, Origin, Sink};
use stanch::finding::{Apart, Findings};
use stanch::meter::Meter;
use stanch::source::unpack::{Limits, Unpack};

const MIB: u64 = 1024 * 1024;

/// Reads all it is given, and counts.
#[derive(Default)]
struct CountingSink {
    meter: Meter,
    read: Mutex<u64>,
    faults: Mutex<u64>,
    /// Whether it is given the objects of a repository, which have no paths of their own.
    is_apart: bool,
}

impl Sink for CountingSink {
    fn blob(&self, blob: Blob<'_>) {
        let path = (blob.origin)().path;
        assert!(self.is_apart || path.starts_with("fuzz"), "a path that does not begin at the file: {path}");
        let total = match blob.body {
            Body::Whole(bytes) => bytes.len() as u64,
            Body::Stream { head, rest } => {
                let mut buf = [0; 8192];
                let mut total = head.len() as u64;
                while let Ok(read @ 1..) = rest.read(&mut buf) {
                    total += read as u64;
                    rest.skip_hole();
                }
                total
            }
        };
        *self.read.lock().expect("one thread") += total;
    }

    fn fault(&self, fault: Fault) {
        assert!(!fault.reason.is_empty());
        *self.faults.lock().expect("one thread") += 1;
    }

    fn meter(&self) -> &Meter {
        &self.meter
    }
}

impl Apart for CountingSink {
    fn apart(&self, scan: &mut dyn FnMut(&dyn Apart), settle: &mut dyn FnMut(&mut Findings)) {
        let sink = CountingSink { is_apart: true, ..CountingSink::default() };
        scan(&sink);
        settle(&mut Findings::keeping_all());
        *self.read.lock().expect("one thread") += *sink.read.lock().expect("one thread");
    }
}

/// Opens `bytes` whole and through a pipe, and checks what came out against the limits.
pub fn open(bytes: &[u8]) {
    open_as("fuzz", bytes);
}

/// The same for a file of this name, which begins with `fuzz`.
pub fn open_as(name: &str, bytes: &[u8]) {
    let limits = Limits {
        max_expansion: 4 * MIB,
        ratio_after: 2 * MIB,
        max_entries: 500,
        max_seconds: 20,
        max_memory: 32 * MIB,
        ..Limits::default()
    };
    for piped in [false, true] {
        let sink = CountingSink::default();
        let unpack = Unpack::new(&sink, limits);
        let origin = || Origin::file(name);
        if piped {
            let (head, mut rest) = bytes.split_at(bytes.len().min(600));
            let body = Body::Stream { head, rest: &mut Forward(rest.by_ref()) };
            unpack.blob(Blob { body, origin: &origin });
        } else {
            unpack.blob(Blob { body: Body::Whole(bytes), origin: &origin });
        }
        // Decompressed bytes, names and metadata of at most 500 entries, and stored bytes once for each entry and level.
        let read = *sink.read.lock().expect("one thread");
        let stored = bytes.len() as u64 * 2000;
        assert!(read <= 8 * MIB * 4 + stored, "{read} bytes out of {}", bytes.len());
        assert!(*sink.faults.lock().expect("one thread") <= 102);
    }
}

/// `bytes` with `magic` in front of them.
pub fn with_magic(magic: &[u8], bytes: &[u8]) -> Vec<u8> {
    if bytes.starts_with(magic) { bytes.to_vec() } else { [magic, bytes].concat() }
}
