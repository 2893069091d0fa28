//! Questions at the terminal.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::Console;
use crate::meter::CancelFlag;

/// How soon a question notices that the run was asked to stop.
const NOTICE: Duration = Duration::from_millis(50);

/// Whether there is somebody to ask: who reads the question must be the one whose answer is read.
pub(crate) fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

impl Console {
    /// Says `lines`, asks `question`, and gives the answer; none where the run was asked to stop meanwhile. Shown even when
    /// quiet.
    pub(crate) fn ask(&self, lines: &[String], question: &str, cancel: &CancelFlag) -> Option<String> {
        let mut err = anstream::AutoStream::new(io::stderr(), self.colour).lock();
        for line in lines {
            // Nobody is left to ask when standard error is gone: the answer will be no.
            let _ = writeln!(err, "{line}");
        }
        let _ = write!(err, "{question} ");
        let _ = err.flush();
        drop(err);
        // A read cannot be taken back; who stops waiting for it leaves it behind.
        let (tell, hear) = mpsc::channel();
        thread::spawn(move || {
            let mut answer = String::new();
            let read = io::stdin().read_line(&mut answer).map(|_| answer);
            let _ = tell.send(read.unwrap_or_default());
        });
        while !cancel.is_cancelled() {
            match hear.recv_timeout(NOTICE) {
                Ok(answer) => return Some(answer.trim().to_owned()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        let _ = writeln!(io::stderr());
        None
    }
}
