//! One root of several, or one repository below a root, scanned by itself.

use crate::blob::{Blob, Body, Fault, Origin, Prefilter, Sink};
use crate::meter::Meter;

/// A sink that adds the root's name to everything, as a walk of several roots at once does.
pub struct WithRoot<'a> {
    sink: &'a dyn Sink,
    root: Option<&'a str>,
}

impl<'a> WithRoot<'a> {
    /// Hands on to `sink` what is found below `root`, which has a name where a run has more than one.
    pub fn new(sink: &'a dyn Sink, root: Option<&'a str>) -> Self {
        WithRoot { sink, root }
    }
}

impl Sink for WithRoot<'_> {
    fn blob(&self, blob: Blob<'_>) {
        let origin = || Origin { root: self.root.map(str::to_owned), ..(blob.origin)() };
        // Taken apart, because the new origin lives shorter than the reader in the body.
        let body = match blob.body {
            Body::Whole(bytes) => Body::Whole(bytes),
            Body::Stream { head, rest } => Body::Stream { head, rest },
        };
        self.sink.blob(Blob { body, origin: &origin });
    }

    fn fault(&self, mut fault: Fault) {
        // The path of a root that could not be read itself is the root.
        if let Some(root) = self.root.filter(|root| fault.path != *root) {
            fault.path = format!("{}/{}", root.trim_end_matches('/'), fault.path);
        }
        self.sink.fault(fault);
    }

    fn meter(&self) -> &Meter {
        self.sink.meter()
    }

    fn prefilter(&self) -> Option<&dyn Prefilter> {
        self.sink.prefilter()
    }
}
