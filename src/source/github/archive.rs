//! One download, from the API to the sink: whole where it fits on disk, so that a connection that breaks is tried again
//! before anything of it is looked at, and so that an archive is read by its directory, which is at its end.

mod spool;

use std::fs::File;
use std::io::{self, Read};

use zeroize::Zeroizing;

use super::api::{Api, ApiError, Refusal};
use crate::blob::{Blob, Body, Forward, Origin, ReadSeek, Rest, Sink, fill};

pub use spool::Spool;
use spool::{Copied, HEAD, NoCopy};

/// How often a download is begun. Its address is good for a minute, so each time it is asked for anew.
const ATTEMPTS: u32 = 3;

/// Something to download.
pub(super) struct Archive<'a> {
    /// Where the API has it.
    pub(super) path: String,
    /// What it is called in reports.
    pub(super) name: &'a str,
    /// Whether it surely is a zip.
    pub(super) is_zip: bool,
}

/// What became of a download.
pub(super) enum Fetched {
    /// The sink has all of it.
    Read,
    /// The server does not keep it any more.
    Gone,
    /// It could not be read, or not wholly.
    Failed(String),
    /// The run was asked to end.
    Interrupted,
}

/// Downloads something, and hands it to the sink.
pub(super) fn fetch(api: &Api, spool: &Spool, archive: &Archive<'_>, sink: &dyn Sink) -> Fetched {
    let mut broken = String::new();
    let mut longest: Option<Copied> = None;
    for _ in 0..ATTEMPTS {
        if sink.stopped() {
            return Fetched::Interrupted;
        }
        let mut body = match api.download(&archive.path) {
            Ok(download) => download.body,
            Err(ApiError::Interrupted) => return Fetched::Interrupted,
            Err(error) => {
                let gone = matches!(error.refusal(), Some(Refusal::NotFound | Refusal::Gone));
                return match longest {
                    Some(copied) => {
                        let reason = format!("its download broke off ({broken}), and then: {error}");
                        hand_over_beginning(copied, reason, archive, sink)
                    }
                    None if gone => Fetched::Gone,
                    None => Fetched::Failed(error.to_string()),
                };
            }
        };
        match spool.copy(&mut *body) {
            Ok(copied) => return hand_over(copied, archive, sink),
            Err(NoCopy::Broken(error, copied)) => {
                broken = error.to_string();
                if longest.as_ref().is_none_or(|known| known.len() < copied.len()) {
                    longest = Some(copied);
                }
            }
            Err(NoCopy::NoRoom(beginning)) => return stream(beginning.chain(body), archive, sink),
        }
    }
    let reason = format!("its download broke off {ATTEMPTS} times, the last time so: {broken}");
    match longest {
        Some(copied) => hand_over_beginning(copied, reason, archive, sink),
        None => Fetched::Failed(reason),
    }
}

/// What came of a download that breaks off each time: the most there was. It is no whole one, whatever is found in it.
fn hand_over_beginning(copied: Copied, reason: String, archive: &Archive<'_>, sink: &dyn Sink) -> Fetched {
    let len = copied.len();
    if sink.stopped() || (len > 0 && matches!(hand_over(copied, archive, sink), Fetched::Interrupted)) {
        return Fetched::Interrupted;
    }
    Fetched::Failed(match len {
        0 => reason,
        _ => format!("{reason}; the {len} bytes of it that came were scanned"),
    })
}

/// A whole download.
fn hand_over(copied: Copied, archive: &Archive<'_>, sink: &dyn Sink) -> Fetched {
    let Copied { head, file } = copied;
    sink.meter().file(head.len() as u64);
    match file {
        None => blob(Body::Whole(&head), archive, sink),
        Some(file) => blob(Body::Stream { head: &head, rest: &mut OnDisk(file) }, archive, sink),
    }
    if sink.stopped() {
        Fetched::Interrupted
    } else if archive.is_zip && !head.starts_with(b"PK") {
        Fetched::Failed("what the server gave is no zip: it was scanned as it is".to_owned())
    } else {
        Fetched::Read
    }
}

/// One that has no room on disk: read as it arrives, and only once, for what was found is not taken back.
fn stream(body: impl Read, archive: &Archive<'_>, sink: &dyn Sink) -> Fetched {
    let mut broken = None;
    let mut body = Watched { reader: body, broken: &mut broken };
    let mut head = Zeroizing::new(vec![0; HEAD]);
    let (read, outcome) = fill(&mut body, &mut head);
    sink.meter().file(read as u64);
    match outcome {
        Ok(true) => {
            blob(Body::Stream { head: &head, rest: &mut Forward(&mut body) }, archive, sink);
        }
        _ => blob(Body::Whole(&head[..read]), archive, sink),
    }
    match broken {
        _ if sink.stopped() => Fetched::Interrupted,
        Some(error) => Fetched::Failed(format!("its download broke off: {error}")),
        None => Fetched::Read,
    }
}

fn blob(body: Body<'_>, archive: &Archive<'_>, sink: &dyn Sink) {
    let origin = || Origin::file(archive.name);
    // Taken apart, because the origin lives shorter than the reader in the body.
    let body = match body {
        Body::Whole(bytes) => Body::Whole(bytes),
        Body::Stream { head, rest } => Body::Stream { head, rest },
    };
    sink.blob(Blob { body, origin: &origin });
}

/// What is behind the head of a download that is on disk.
struct OnDisk(File);

impl Read for OnDisk {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Rest for OnDisk {
    fn seekable(&mut self) -> Option<&mut dyn ReadSeek> {
        Some(&mut self.0)
    }
}

/// A reader that remembers how it broke.
struct Watched<'b, R> {
    reader: R,
    broken: &'b mut Option<String>,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buf).inspect_err(|error| *self.broken = Some(error.to_string()))
    }
}
