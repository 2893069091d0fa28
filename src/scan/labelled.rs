//! One root of several, walked by itself.

use crate::blob::{Blob, Body, Fault, Origin, Sink};
use crate::scan::Meter;

/// A sink that puts the root's name to everything, as a walk of several roots at once does.
pub struct Labelled<'a> {
    sink: &'a dyn Sink,
    root: &'a str,
}

impl<'a> Labelled<'a> {
    /// Hands on to `sink` what is found below `root`.
    pub fn new(sink: &'a dyn Sink, root: &'a str) -> Self {
        Labelled { sink, root }
    }
}

impl Sink for Labelled<'_> {
    fn blob(&self, blob: Blob<'_>) {
        let origin = || Origin { root: Some(self.root.to_owned()), ..(blob.origin)() };
        // Taken apart, because the new origin lives shorter than the reader in the body.
        let body = match blob.body {
            Body::Whole(bytes) => Body::Whole(bytes),
            Body::Stream { head, rest } => Body::Stream { head, rest },
        };
        self.sink.blob(Blob { body, origin: &origin });
    }

    fn fault(&self, mut fault: Fault) {
        if !fault.path.starts_with(self.root) {
            fault.path = format!("{}/{}", self.root.trim_end_matches('/'), fault.path);
        }
        self.sink.fault(fault);
    }

    fn meter(&self) -> &Meter {
        self.sink.meter()
    }
}
