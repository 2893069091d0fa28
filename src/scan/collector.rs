//! The sink at the end: runs the detector over every blob, in windows where it is large, and gathers what is found.

use std::cell::RefCell;
use std::io;
use std::ops::Range;

use crate::blob::{Blob, Body, Fault, FaultKind, Origin, Prefilter, Rest, Sink, fill};
use crate::detect::{Custom, Detector, Hit, MAX_SPAN, Window};
use crate::finding::{Confidence, Findings, Location, Sighting, SuppressionContext, Suppressor};
use crate::meter::Meter;
use crate::scan::lines::{Lead, Lines, line_around};

/// How many new bytes a window of a large blob takes in: small enough to stay in a core's own cache.
const STEP: usize = 256 * 1024;

thread_local! {
    /// One window a thread, reused for every large blob it meets.
    static WINDOW: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Detector, findings and meter, as one sink.
pub struct Collector<'a> {
    detector: &'a Detector,
    findings: &'a Findings,
    meter: &'a Meter,
    custom: Option<&'a Custom>,
    silencer: Option<&'a dyn Suppressor>,
}

/// What was found in a window, and where in it.
struct Match<'c> {
    seen: Sighting<'c>,
    span: &'c Range<usize>,
    decoded: &'c [&'static str],
    /// The root that the rule belongs to, where it is not everybody's.
    only: Option<&'c str>,
}

impl<'a> Collector<'a> {
    /// A net that puts what `detector` finds into `findings`.
    pub fn new(detector: &'a Detector, findings: &'a Findings, meter: &'a Meter) -> Self {
        Collector { detector, findings, meter, custom: None, silencer: None }
    }

    /// The net, looking for what the configuration's own rules find, too.
    #[must_use]
    pub fn and_custom(self, custom: &'a Custom) -> Self {
        Collector { custom: (!custom.is_empty()).then_some(custom), ..self }
    }

    /// The net, asking `silencer` about everything it finds.
    #[must_use]
    pub fn silenced_by(self, silencer: &'a dyn Suppressor) -> Self {
        Collector { silencer: Some(silencer), ..self }
    }

    fn look(&self, window: &Window<'_>, offset: u64, lead: Lead, origin: &dyn Fn() -> Origin) {
        let mut lines = Lines::new(window.bytes, lead);
        let mut note = |caught: &Match<'_>| {
            let (line, column) = lines.locate(caught.span.start);
            let mut origin = origin();
            if caught.only.is_some() && caught.only != origin.root.as_deref() {
                return;
            }
            origin.path = self.redact(&origin.path);
            let at = offset + caught.span.start as u64;
            let mut place = Location::new(origin, at, line, column, caught.decoded.to_vec());
            if let Some(silencer) = self.silencer {
                let line = line_around(window.bytes, caught.span);
                place.suppressed = silencer.suppression(&SuppressionContext {
                    token: caught.seen.text,
                    line,
                    location: &place,
                });
            }
            if caught.seen.confidence > Confidence::Lookalike {
                self.meter.hit();
            }
            self.findings.add(caught.seen, place);
        };
        self.detector.scan(window, &mut |hit: &Hit<'_>| {
            note(&Match { seen: hit.sighting(), span: &hit.span, decoded: hit.decoded, only: None });
        });
        if let Some(custom) = self.custom {
            custom.scan(window, &mut |hit| {
                let only = hit.rule.root.as_deref();
                note(&Match { seen: hit.sighting(), span: &hit.span, decoded: &[], only });
            });
        }
    }

    /// A path may hold a token itself, and no report prints one.
    fn redact(&self, path: &str) -> String {
        let path = self.detector.redact(path);
        self.custom.map_or_else(|| path.clone(), |custom| custom.redact(&path))
    }

    /// Goes through a large blob: each window holds what the one before could not decide, and new bytes.
    fn windows(&self, head: &[u8], rest: &mut dyn Rest, origin: &dyn Fn() -> Origin) -> io::Result<()> {
        // Taken out rather than borrowed: a source may hand over a blob from within another one.
        let mut buffer = WINDOW.take();
        let room = head.len().max(2 * MAX_SPAN) + STEP;
        buffer.resize(room.max(buffer.len()), 0);
        buffer[..head.len()].copy_from_slice(head);
        let (mut offset, mut lead, mut decided, mut fresh) = (0_u64, Lead::default(), 0, head.len());
        let outcome = loop {
            let (read, outcome) = fill(rest, &mut buffer[fresh..fresh + STEP]);
            let bytes = &buffer[..fresh + read];
            let whole = !matches!(outcome, Ok(true));
            // What starts within the last MAX_SPAN bytes may end in the next window, and is decided there.
            let emit = if whole { bytes.len() } else { bytes.len().saturating_sub(MAX_SPAN).max(decided) };
            self.look(&Window { bytes, emit: decided..emit }, offset, lead, origin);
            self.meter.bytes(read as u64);
            if whole || self.stopped() {
                break outcome.map(drop);
            }
            let past = emit.saturating_sub(MAX_SPAN);
            lead = lead.past(&bytes[..past]);
            fresh = bytes.len() - past;
            buffer.copy_within(past..past + fresh, 0);
            offset += past as u64;
            decided = emit - past;
        };
        WINDOW.set(buffer);
        outcome
    }
}

impl Sink for Collector<'_> {
    fn blob(&self, blob: Blob<'_>) {
        match blob.body {
            Body::Whole(bytes) => self.look(&Window::whole(bytes), 0, Lead::default(), blob.origin),
            Body::Stream { head, rest } => {
                if let Err(error) = self.windows(head, rest, blob.origin) {
                    let path = (blob.origin)().place();
                    let reason = format!("what could be read was scanned: {error}");
                    self.fault(Fault { path, kind: FaultKind::Unreadable, reason });
                }
            }
        }
    }

    fn fault(&self, mut fault: Fault) {
        fault.path = self.redact(&fault.path);
        self.findings.fault(fault);
    }

    fn meter(&self) -> &Meter {
        self.meter
    }

    fn prefilter(&self) -> Option<&dyn Prefilter> {
        // The configuration's own rules find what this prefilter knows nothing of.
        self.custom.is_none().then_some(self.detector as &dyn Prefilter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::Forward;
    use crate::checksum::crc32_base62;
    use crate::rule::Rules;

    fn token(n: u32) -> String {
        let body = format!("{n:030}");
        format!("ghp_{body}{}", String::from_utf8_lossy(&crc32_base62(body.as_bytes())))
    }

    /// A reader that hands out at most `.1` bytes at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl io::Read for Drip<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let n = self.0.len().min(self.1).min(buf.len());
            buf[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn stream(bytes: &[u8], head: usize, drip: usize) -> Vec<(u64, u64, u64)> {
        let detector = Detector::new(Rules::built_in().expect("built in"));
        let (findings, meter) = (Findings::default(), Meter::default());
        let mut rest = Forward(Drip(&bytes[head..], drip));
        Collector::new(&detector, &findings, &meter).blob(Blob {
            body: Body::Stream { head: &bytes[..head], rest: &mut rest },
            origin: &|| Origin::file("big"),
        });
        let (found, faults) = findings.finish();
        assert!(faults.is_empty());
        let mut places: Vec<_> =
            found.iter().flat_map(|f| &f.locations).map(|at| (at.offset, at.line, at.column)).collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn no_window_edge_loses_a_token_or_its_place() {
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
        for (head, drip) in [(1, usize::MAX), (1000, 65_536), (STEP, 4096), (STEP - 20, 7919)] {
            assert_eq!(stream(&bytes, head, drip), expected, "head {head}, drip {drip}");
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
        let detector = Detector::new(Rules::built_in().expect("built in"));
        let (findings, meter) = (Findings::default(), Meter::default());
        Collector::new(&detector, &findings, &meter).blob(Blob {
            body: Body::Stream { head: token(1).as_bytes(), rest: &mut Forward(Broken) },
            origin: &|| Origin::file("f"),
        });
        let (found, faults) = findings.finish();
        assert_eq!((found.len(), faults.len()), (1, 1));
    }
}
