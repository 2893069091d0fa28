//! Reads of what may keep a reader waiting, a pipe or a terminal: they end once the run is asked to end.

use std::io::{self, Read};

use crate::blob::{Rest, Sink};

/// A reader that looks up from waiting: once the run is asked to end, it ends, too, and what came before is scanned.
pub(super) struct Interruptible<'s, R> {
    reader: R,
    sink: &'s dyn Sink,
}

impl<'s, R: Descriptor> Interruptible<'s, R> {
    pub(super) fn new(reader: R, sink: &'s dyn Sink) -> Self {
        Interruptible { reader, sink }
    }
}

#[cfg(unix)]
pub(super) use std::os::fd::AsFd as Descriptor;

/// What can be waited for: here every read has to be waited for itself.
#[cfg(not(unix))]
pub(super) trait Descriptor {}
#[cfg(not(unix))]
impl<R> Descriptor for R {}

/// How long one look takes: nobody notices so much between Ctrl-C and the report, and ten looks a second cost nothing.
#[cfg(unix)]
const LOOK_MILLIS: u8 = 100;

/// Whether a read would return at once, with bytes, the end or an error. Waits a moment for that.
#[cfg(unix)]
fn is_ready(reader: &impl Descriptor) -> bool {
    use nix::errno::Errno;
    use nix::poll::{PollFd, PollFlags, poll};

    let mut descriptors = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
    match poll(&mut descriptors, LOOK_MILLIS) {
        Ok(ready) => ready > 0,
        // What cannot be polled, as terminals on some systems, is read.
        Err(error) => error != Errno::EINTR,
    }
}

#[cfg(not(unix))]
fn is_ready<R>(_: &R) -> bool {
    true
}

impl<R: Read + Descriptor> Read for Interruptible<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !self.sink.stopped() {
            if !is_ready(&self.reader) {
                continue;
            }
            match self.reader.read(buf) {
                // Somebody else was quicker, on a pipe that does not block.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    std::thread::sleep(std::time::Duration::from_millis(10));
                }
                outcome => return outcome,
            }
        }
        Ok(0)
    }
}

impl<R: Read + Descriptor> Rest for Interruptible<'_, R> {}
