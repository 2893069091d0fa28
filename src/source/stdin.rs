//! Standard input as one blob of any length.

use std::io::{self, Read};

use super::interruptible::Interruptible;
use crate::blob::{Blob, Body, Fault, FaultKind, Forward, Origin, STDIN, Sink, Source, fill};

/// How many bytes are read before it is decided whether there are more.
const HEAD: usize = 256 * 1024;

/// Standard input.
pub struct Stdin;

impl Source for Stdin {
    fn drain(&self, sink: &dyn Sink) {
        match unbuffered() {
            Ok(file) => drain(&mut Interruptible::new(file, sink), STDIN, sink),
            Err(error) => sink.fault(unreadable(STDIN, &error)),
        }
    }
}

/// Standard input without the buffer of [`io::Stdin`]: whether something is in that cannot be asked without waiting.
#[cfg(unix)]
fn unbuffered() -> io::Result<std::fs::File> {
    use std::os::fd::AsFd as _;

    Ok(std::fs::File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

#[cfg(not(unix))]
fn unbuffered() -> io::Result<io::StdinLock<'static>> {
    Ok(io::stdin().lock())
}

fn unreadable(name: &str, error: &io::Error) -> Fault {
    Fault { path: name.into(), kind: FaultKind::Unreadable, reason: error.to_string() }
}

/// Hands over all that `reader` returns, as the blob `name`.
pub(crate) fn drain(reader: &mut dyn Read, name: &str, sink: &dyn Sink) {
    let origin = || Origin::file(name);
    let mut head = vec![0; HEAD];
    let (read, outcome) = fill(reader, &mut head);
    if let Err(error) = &outcome {
        sink.fault(unreadable(name, error));
    }
    sink.meter().file(read as u64);
    let head = &head[..read];
    let mut rest = Forward(reader);
    let body =
        if let Ok(true) = outcome { Body::Stream { head, rest: &mut rest } } else { Body::Whole(head) };
    sink.blob(Blob { body, origin: &origin });
}
