//! Standard input as one blob of any length.

use std::io::{self, Read};

use crate::blob::{Blob, Body, Fault, FaultKind, Forward, Origin, STDIN, Sink, Source, fill};

/// How many bytes are read before it is decided whether there are more.
const HEAD: usize = 256 * 1024;

/// Standard input.
pub struct Stdin;

impl Source for Stdin {
    fn drain(&self, sink: &dyn Sink) {
        drain(&mut io::stdin().lock(), STDIN, sink);
    }
}

/// Hands over all that `reader` returns, as the blob `name`.
pub(crate) fn drain(reader: &mut dyn Read, name: &str, sink: &dyn Sink) {
    let origin = || Origin::file(name);
    let mut head = vec![0; HEAD];
    let (read, outcome) = fill(reader, &mut head);
    if let Err(error) = &outcome {
        sink.fault(Fault { path: name.into(), kind: FaultKind::Unreadable, reason: error.to_string() });
    }
    sink.meter().file(read as u64);
    let head = &head[..read];
    let mut rest = Forward(reader);
    let body =
        if let Ok(true) = outcome { Body::Stream { head, rest: &mut rest } } else { Body::Whole(head) };
    sink.blob(Blob { body, origin: &origin });
}
