//! The last sink: runs the detector over every blob, in windows where it is large, and gathers what is found.

use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::blob::{Blob, Body, Fault, FaultKind, LocationKind, Origin, Prefilter, Rest, Sink};
use crate::detect::{ByteOrder, Custom, Detector, Hit, Window};
use crate::finding::{Apart, Confidence, Findings, Scope, Sighting, SuppressionContext, Suppressor};
use crate::meter::Meter;
use crate::scan::blob_start::BlobStart;
use crate::scan::git_data;
use crate::scan::line_ends::LineEnds;
use crate::scan::line_index::Position;
use crate::scan::lines::Lines;
use crate::scan::parts;
use crate::scan::windows::{Sizes, Windows};

/// Detector, findings and meter, as one sink.
pub struct Collector<'a> {
    detector: &'a Detector,
    findings: &'a Findings,
    meter: &'a Meter,
    custom: Option<&'a Custom>,
    suppressor: Option<&'a dyn Suppressor>,
    /// Where git's own data was seen.
    histories: Mutex<HashSet<String>>,
    /// How large blobs are cut.
    sizes: Sizes,
}

/// What was found in a window, and where in it.
struct Match<'c> {
    sighting: Sighting<'c>,
    span: &'c Range<usize>,
    decoded: &'c [&'static str],
    /// The inputs that the rule holds for, where it does not hold for all.
    scope: Option<&'c Scope>,
}

impl<'a> Collector<'a> {
    /// A collector that puts what `detector` finds into `findings`.
    pub fn new(detector: &'a Detector, findings: &'a Findings, meter: &'a Meter) -> Self {
        Collector {
            detector,
            findings,
            meter,
            custom: None,
            suppressor: None,
            histories: Mutex::default(),
            sizes: Sizes::default(),
        }
    }

    /// The same, with the configuration's own rules.
    #[must_use]
    pub fn with_custom(self, custom: &'a Custom) -> Self {
        Collector { custom: (!custom.is_empty()).then_some(custom), ..self }
    }

    /// The same, with the suppressions of `suppressor` recorded in the findings.
    #[must_use]
    pub fn with_suppressor(self, suppressor: &'a dyn Suppressor) -> Self {
        Collector { suppressor: Some(suppressor), ..self }
    }

    /// The same, with other sizes.
    #[cfg(test)]
    pub(super) fn with_sizes(self, sizes: Sizes) -> Self {
        Collector { sizes, ..self }
    }

    /// Scans one window, which begins at this offset and position of its blob.
    fn scan_window(
        &self,
        window: &Window<'_>,
        offset: u64,
        position: &mut Position<'_>,
        start: &BlobStart<'_>,
    ) {
        let mut lines = None;
        let mut record = |found: &Match<'_>| {
            let lines = lines.get_or_insert_with(|| Lines::new(window.bytes, position.at(offset)));
            let kind = LineEnds::of(found.decoded, offset + found.span.start as u64);
            let (line, column) = lines.locate(found.span.start, kind);
            let start = start.location(|origin| self.redact_origin(origin));
            let root = start.details().root.as_deref();
            if found.scope.is_some_and(|scope| !scope.contains(root, &start.path)) {
                return;
            }
            let mut location = start.within(offset + found.span.start as u64, line, column, found.decoded);
            if let Some(suppressor) = self.suppressor {
                let line = lines.around(found.span, kind);
                let token = found.sighting.text;
                let context = SuppressionContext { token, line, location: &location };
                if let Some(suppression) = suppressor.suppression(&context) {
                    location.details_mut().suppressed = Some(suppression);
                }
            }
            if found.sighting.confidence > Confidence::Lookalike {
                self.meter.hit();
            }
            self.findings.add(found.sighting, location);
        };
        self.detector.scan(window, &mut |hit: &Hit<'_>| {
            record(&Match { sighting: hit.sighting(), span: &hit.span, decoded: hit.decoded, scope: None });
        });
        if let Some(custom) = self.custom {
            custom.scan(window, &mut |hit| {
                let scope = hit.rule.scope.as_deref();
                record(&Match { sighting: hit.sighting(), span: &hit.span, decoded: &[], scope });
            });
        }
    }

    fn redact_origin(&self, origin: Origin) -> Origin {
        let root = origin.root.as_deref().map(|root| self.detector.redact(root));
        let url = origin.url.as_deref().map(|url| self.redact(url));
        Origin { root, url, path: self.redact(&origin.path), ..origin }
    }

    /// A path may hold a token itself, and no report prints one.
    fn redact(&self, path: &str) -> String {
        let path = self.detector.redact(path);
        self.custom.map_or_else(|| path.clone(), |custom| custom.redact(&path))
    }

    /// Scans a large blob: a file that can be read from anywhere in parts, anything else from its beginning to its end.
    fn scan_large(&self, head: &[u8], rest: &mut dyn Rest, origin: &dyn Fn() -> Origin) -> io::Result<()> {
        let read = head.len() as u64;
        if let Some(file) = rest.shared() {
            let origin = origin();
            return parts::visit(file, head, self.sizes, &|window, offset, position| {
                self.scan_window(window, offset, position, &BlobStart::new(&|| origin.clone()));
                self.goes_on(window, offset, read)
            });
        }
        let start = BlobStart::new(origin);
        let windows = Windows::of_blob(rest, ByteOrder::of_mark(head), self.sizes);
        windows.visit(head, &mut Position::counted(), &mut |window, offset, position| {
            self.scan_window(window, offset, position, &start);
            self.goes_on(window, offset, read)
        })
    }

    /// Counts what was scanned of a blob of which `read` bytes were counted before; whether to go on.
    fn goes_on(&self, window: &Window<'_>, offset: u64, read: u64) -> bool {
        let start = read.max(offset + window.emit.start as u64);
        self.meter.bytes((offset + window.emit.end as u64).saturating_sub(start));
        !self.stopped()
    }
}

impl Collector<'_> {
    /// Reports git's own data, once for all that is in one place: as bytes it is compressed.
    fn note_history(&self, origin: &Origin, head: &[u8]) {
        if origin.kind != LocationKind::Content || origin.object.is_some() {
            return;
        }
        let Some(place) = git_data::belongs_to(head, &origin.path) else { return };
        let path = origin.root.as_ref().map_or_else(|| place.clone(), |root| format!("{root}/{place}"));
        if self.histories.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone()) {
            let reason =
                "a git history that was not looked into: clone or unpack it, and scan that".to_owned();
            self.fault(Fault { path, kind: FaultKind::History, reason });
        }
    }
}

impl Sink for Collector<'_> {
    fn blob(&self, blob: Blob<'_>) {
        if git_data::may_be(blob.body.head()) {
            self.note_history(&(blob.origin)(), blob.body.head());
        }
        match blob.body {
            Body::Whole(bytes) => {
                let start = BlobStart::new(blob.origin);
                self.scan_window(&Window::whole(bytes), 0, &mut Position::counted(), &start);
            }
            Body::Stream { head, rest } => {
                if let Err(error) = self.scan_large(head, rest, blob.origin) {
                    let path = (blob.origin)().display_path();
                    let reason = format!("what could be read was scanned: {error}");
                    self.fault(Fault { path, kind: FaultKind::Unreadable, reason });
                }
            }
        }
    }

    fn fault(&self, mut fault: Fault) {
        fault.path = self.redact(&fault.path);
        fault.reason = self.redact(&fault.reason);
        self.findings.fault(fault);
    }

    fn meter(&self) -> &Meter {
        self.meter
    }

    fn prefilter(&self) -> Option<&dyn Prefilter> {
        // The configuration's own rules find what the detector's prefilter does not test for.
        self.custom.is_none().then_some(self.detector as &dyn Prefilter)
    }
}

impl Apart for Collector<'_> {
    fn apart(&self, scan: &mut dyn FnMut(&dyn Apart), settle: &mut dyn FnMut(&mut Findings)) {
        let mut findings = Findings::keeping_all();
        let Collector { detector, meter, custom, suppressor, sizes, .. } = *self;
        scan(&Collector {
            detector,
            findings: &findings,
            meter,
            custom,
            suppressor,
            histories: Mutex::default(),
            sizes,
        });
        settle(&mut findings);
        self.findings.take_in(findings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::Forward;
    use crate::checksum::crc32_base62;
    use crate::detect::MAX_SPAN;
    use crate::rule;

    /// How many new bytes a window adds.
    const STEP: usize = 256 * 1024;

    fn token(n: u32) -> String {
        let body = format!("{n:030}");
        format!("ghp_{body}{}", String::from_utf8_lossy(&crc32_base62(body.as_bytes())))
    }

    /// A reader that returns at most `.1` bytes at a time.
    struct ShortReads<'a>(&'a [u8], usize);

    impl io::Read for ShortReads<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let n = self.0.len().min(self.1).min(buf.len());
            buf[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn stream(bytes: &[u8], head: usize, step: usize) -> Vec<(u64, u64, u64)> {
        let detector = Detector::new(rule::built_in());
        let (findings, meter) = (Findings::default(), Meter::default());
        let mut rest = Forward(ShortReads(&bytes[head..], step));
        Collector::new(&detector, &findings, &meter).blob(Blob {
            body: Body::Stream { head: &bytes[..head], rest: &mut rest },
            origin: &|| Origin::file("big"),
        });
        let (found, faults) = findings.finish();
        assert!(faults.is_empty());
        let mut locations: Vec<_> =
            found.iter().flat_map(|f| &f.locations).map(|at| (at.offset, at.line, at.column)).collect();
        locations.sort_unstable();
        locations
    }

    #[test]
    fn no_window_edge_loses_a_token_or_its_position() {
        let mut bytes = vec![b' '; 3 * STEP + 5000];
        for at in (997..bytes.len()).step_by(997) {
            bytes[at] = b'\n';
        }
        // Around every edge a window could have, tokens at all offsets within a token's length.
        let mut starts = Vec::new();
        let edges = (1..=3).flat_map(|n| [n * STEP, n * STEP - MAX_SPAN, n * STEP + 1000]);
        for (n, edge) in edges.enumerate() {
            let at = edge - 45 + n * 4;
            let text = token(u32::try_from(n).unwrap_or(0));
            bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
            starts.push(at);
        }
        starts.sort_unstable();
        let expected: Vec<_> = starts
            .into_iter()
            .map(|at| {
                let before = &bytes[..at];
                let line = memchr::memchr_iter(b'\n', before).count() as u64 + 1;
                let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() as u64 + 1;
                (at as u64, line, column)
            })
            .collect();
        for (head, step) in [(1, usize::MAX), (1000, 65_536), (STEP, 4096), (STEP - 20, 7919)] {
            assert_eq!(stream(&bytes, head, step), expected, "head {head}, step {step}");
        }
    }

    #[test]
    fn an_error_in_the_middle_keeps_what_was_found() {
        struct Broken;
        impl io::Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is gone"))
            }
        }
        let detector = Detector::new(rule::built_in());
        let (findings, meter) = (Findings::default(), Meter::default());
        Collector::new(&detector, &findings, &meter).blob(Blob {
            body: Body::Stream { head: token(1).as_bytes(), rest: &mut Forward(Broken) },
            origin: &|| Origin::file("f"),
        });
        let (found, faults) = findings.finish();
        assert_eq!((found.len(), faults.len()), (1, 1));
    }
}
