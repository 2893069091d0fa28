//! Opens what was found at an offset.

use std::cell::Cell;
use std::io::{ErrorKind, Read};

use super::part::Part;
use super::signatures::{Opening, Signature};
use crate::blob::{Body, Forward, MIN_TOKEN_LEN, Origin};
use crate::source::unpack::bounded_reader::{StreamError, read_catching_panics};
use crate::source::unpack::decoder::{DecodeReader, StreamFormat};
use crate::source::unpack::inflate::Inflate;
use crate::source::unpack::input::{Input, with_input};
use crate::source::unpack::limits::Limit;
use crate::source::unpack::open_container::{Content, MemberName, OpenContainer, Region};
use crate::source::unpack::share::Claim;
use crate::source::unpack::zip;

/// Opens what is found in one blob.
pub(super) struct Carver<'c> {
    /// The blob, as the container of what is found in it.
    pub(super) container: OpenContainer<'c>,
    /// Whether it was reported that nothing is opened so deep.
    reported_depth: Cell<bool>,
    /// Where the first may begin.
    from: Cell<u64>,
}

/// A stream that broke off after so many bytes was none, and another one may begin in it.
const REAL: u64 = 4096;

impl<'c> Carver<'c> {
    pub(super) fn new(container: OpenContainer<'c>) -> Self {
        Carver { container, reported_depth: Cell::new(false), from: Cell::new(0) }
    }

    /// Opens nothing that begins before this offset.
    pub(super) fn pass_over(&self, bytes: u64) {
        self.from.set(bytes);
    }

    /// Opens what begins at this offset: how many bytes it took, 0 where it is none. None where nothing more is to be opened.
    pub(super) fn open(&self, at: u64, signature: &Signature, body: Body<'_>) -> Option<u64> {
        if at < self.from.get() {
            return Some(0);
        }
        if !self.container.may_continue() || self.reported_depth.get() {
            return None;
        }
        match &signature.opening {
            Opening::Stream(format, least) => {
                let least = least(body.head()).max(MIN_TOKEN_LEN);
                with_input(body, self.container.budget, |input| self.stream(at, input, Some(format), least))
            }
            Opening::Zlib => {
                with_input(body, self.container.budget, |input| self.stream(at, input, None, MIN_TOKEN_LEN))
            }
            Opening::Zip => {
                let origin = || self.origin_at(at);
                let container = self.begin(at, &origin)?;
                Some(with_input(body, container.budget, |input| zip::read_forwards(&container, input)))
            }
            Opening::Archive(len) => self.archive(at, *len, body),
        }
    }

    /// A compressed stream, of which so many bytes must come out: fewer are none.
    fn stream(
        &self,
        at: u64,
        input: &mut Input<'_>,
        format: Option<&'static StreamFormat>,
        least: usize,
    ) -> Option<u64> {
        let container = &self.container;
        let mut input = Input::reader(input, container.budget);
        let mut reader = if let Some(format) = format {
            DecodeReader::joined(input, format)
        } else {
            // Its header was compared (RFC 1950, 2.2).
            if !input.skip(2).unwrap_or(false) {
                return Some(0);
            }
            DecodeReader::single(input, Box::new(Inflate::default()))
        };
        let bytes_in = reader.bytes_in();
        let mut first = [0; 1024];
        let read = read_first(&mut reader, &mut first, least);
        if read < least {
            return Some(0);
        }
        if !self.may_open(at) {
            return None;
        }
        let name = MemberName::new(format!("@{at}").as_bytes());
        if !container.begin_member(&name) {
            return None;
        }
        let mut joined = (&first[..read]).chain(&mut reader);
        let content = Content::Compressed {
            reader: &mut joined,
            bytes_in: std::rc::Rc::clone(&bytes_in),
            out_before: 0,
            claim: Claim::Size(0),
        };
        let (out, error) = container.hand_over(Region::Member(&name), content);
        first.fill(0);
        let was_real = error.is_none() || out >= REAL;
        Some(if was_real { bytes_in.get() } else { 0 })
    }

    /// An archive that states its own length.
    fn archive(&self, at: u64, len: fn(&[u8]) -> Option<u64>, body: Body<'_>) -> Option<u64> {
        let unpack = self.container.unpack;
        let Some(len) = len(body.head()).filter(|_| unpack.detects(body.head())) else { return Some(0) };
        let origin = || self.origin_at(at);
        let container = self.begin(at, &origin)?;
        let most = usize::try_from(len).unwrap_or(usize::MAX);
        let head = body.head();
        let head = head.get(..most).unwrap_or(head);
        let opened = match body {
            Body::Stream { head: all, rest } if head.len() < most => {
                if let Some(file) = rest.seekable() {
                    let mut part = Part { file, begin: 0, end: len, at: all.len() as u64 };
                    unpack.open_detected(&container, Body::Stream { head: all, rest: &mut part })
                } else {
                    let mut rest = Forward(rest.take(len - all.len() as u64));
                    unpack.open_detected(&container, Body::Stream { head: all, rest: &mut rest })
                }
            }
            Body::Whole(bytes) | Body::Stream { head: bytes, .. } => {
                unpack.open_detected(&container, Body::Whole(bytes.get(..most).unwrap_or(bytes)))
            }
        };
        Some(if opened { len } else { 0 })
    }

    /// What is at an offset, as a container of its own.
    fn begin<'s>(&'s self, at: u64, origin: &'s dyn Fn() -> Origin) -> Option<OpenContainer<'s>> {
        let OpenContainer { unpack, budget, depth, .. } = self.container;
        self.may_open(at).then_some(OpenContainer { unpack, budget, origin, depth, carved: true })
    }

    fn origin_at(&self, at: u64) -> Origin {
        let origin = (self.container.origin)();
        let path = format!("{}!@{at}", origin.path);
        Origin { path, base: 0, ..origin }
    }

    /// Whether anything is opened so deep; that it is not is reported once.
    fn may_open(&self, at: u64) -> bool {
        let OpenContainer { unpack, depth, .. } = self.container;
        if depth <= unpack.limits.max_archive_depth {
            return true;
        }
        self.reported_depth.set(true);
        self.container.report(Region::Raw(at), StreamError::LimitReached(Limit::Depth), None);
        false
    }
}

/// Reads until so many bytes came out, or none more do.
fn read_first(reader: &mut dyn Read, first: &mut [u8], least: usize) -> usize {
    let mut read = 0;
    while read < least.min(first.len()) {
        match read_catching_panics(reader, &mut first[read..]) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    read
}
