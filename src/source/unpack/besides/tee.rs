//! A stream that is read once, for two who each read at their own pace: one scans it in a thread of its own.

use std::io::{self, ErrorKind, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use zeroize::Zeroizing;

use crate::blob::{Blob, Body, Forward, Rest, fill};
use crate::source::unpack::buffers::Buffer;
use crate::source::unpack::open_container::OpenContainer;

/// How many parts of the stream one may be ahead of the other.
const AHEAD: usize = 16;

/// What was read at a time, or why no more can be.
type Part = io::Result<Zeroizing<Vec<u8>>>;

/// Scans a stream, of which the first bytes are there, and has it read.
pub(super) fn tee(
    container: &OpenContainer<'_>,
    head: &[u8],
    rest: &mut dyn Rest,
    read: fn(&OpenContainer<'_>, &mut dyn Read),
) {
    let (sink, origin) = (container.unpack.inner, (container.origin)());
    if container.depth > 1 {
        // What is nested is not counted by the source.
        sink.meter().bytes(head.len() as u64);
    }
    let (sender, receiver) = sync_channel(AHEAD);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut rest = Forward(Received { receiver, part: Zeroizing::default(), at: 0 });
            sink.blob(Blob { body: Body::Stream { head, rest: &mut rest }, origin: &|| origin.clone() });
        });
        let mut sent = Sent { head, rest, sender };
        read(container, &mut sent);
        // What is left is scanned all the same.
        let mut buffer = Buffer::take();
        while matches!(fill(&mut sent, &mut buffer), (_, Ok(true))) {}
    });
}

/// Reads the stream, and sends on what it read.
struct Sent<'s> {
    /// What of the head is left, which the other one has.
    head: &'s [u8],
    rest: &'s mut dyn Rest,
    sender: SyncSender<Part>,
}

impl Read for Sent<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if !self.head.is_empty() {
            return self.head.read(buf);
        }
        let read = self.rest.read(buf);
        let part = match &read {
            Ok(read) => Ok(Zeroizing::new(buf.get(..*read).unwrap_or_default().to_vec())),
            Err(error) if error.kind() == ErrorKind::Interrupted => return read,
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        // Who was asked to end takes no more.
        let _ = self.sender.send(part);
        read
    }
}

/// Reads what is sent.
struct Received {
    receiver: Receiver<Part>,
    part: Zeroizing<Vec<u8>>,
    at: usize,
}

impl Read for Received {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.at == self.part.len() {
            let Ok(part) = self.receiver.recv() else { return Ok(0) };
            (self.part, self.at) = (part?, 0);
        }
        let read = self.part.get(self.at..).unwrap_or_default().read(buf)?;
        self.at += read;
        Ok(read)
    }
}
