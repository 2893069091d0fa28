//! Standard output for commands that print what they did or what there is.

use std::io::{self, ErrorKind, Write};

/// Standard output. What is written after its reader has gone, as `head` goes when it has seen enough, is dropped: the
/// command does what it is there for, and ends as it would have ended.
pub(super) fn stdout() -> impl Write {
    UntilClosed { out: io::stdout().lock(), closed: false }
}

/// A writer whose reader may go.
struct UntilClosed<W> {
    out: W,
    closed: bool,
}

impl<W: Write> UntilClosed<W> {
    /// What `write` comes to; `dropped` once there is nobody to read it.
    fn unless_closed<T>(&mut self, dropped: T, write: impl FnOnce(&mut W) -> io::Result<T>) -> io::Result<T> {
        if self.closed {
            return Ok(dropped);
        }
        match write(&mut self.out) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(dropped)
            }
            done => done,
        }
    }
}

impl<W: Write> Write for UntilClosed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_closed(bytes.len(), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_closed((), Write::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails with `.0`, and counts in `.1` how often it was asked.
    struct Failing(ErrorKind, u32);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            self.1 += 1;
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_closed_pipe_takes_everything_and_is_not_asked_again() {
        let mut out = UntilClosed { out: Failing(ErrorKind::BrokenPipe, 0), closed: false };
        assert!(writeln!(out, "one").is_ok() && writeln!(out, "two").is_ok() && out.flush().is_ok());
        assert_eq!(out.out.1, 1);
    }

    #[test]
    fn a_full_disk_is_an_error_still() {
        let mut out = UntilClosed { out: Failing(ErrorKind::StorageFull, 0), closed: false };
        assert!(out.write(b"x").is_err() && out.flush().is_err());
    }
}
