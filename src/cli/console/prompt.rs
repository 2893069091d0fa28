//! Questions at the terminal.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::Terminal;
use crate::cli::error::redact;

/// How often a prompt checks whether the run was asked to end.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Whether somebody can be asked: the question is read from standard error and answered on standard input, so both have
/// to be terminals.
pub(crate) fn can_prompt() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

impl Terminal<'_> {
    /// Prints `lines` and `question`, even when quiet, and returns the answer; none where the run was asked to end
    /// meanwhile.
    pub(crate) fn ask(&self, lines: &[String], question: &str) -> Option<String> {
        let mut err = anstream::AutoStream::new(io::stderr(), self.console.colour).lock();
        for line in lines {
            // Where standard error is closed, nobody has read the question, and the answer will not be yes.
            let _ = writeln!(err, "{}", redact(line));
        }
        let _ = write!(err, "{question} ");
        let _ = err.flush();
        drop(err);
        // A blocking read cannot be cancelled: it gets a thread of its own, which is left behind after Ctrl-C.
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut answer = String::new();
            let read = io::stdin().read_line(&mut answer).map(|_| answer);
            let _ = sender.send(read.unwrap_or_default());
        });
        while !self.cancel.is_cancelled() {
            match receiver.recv_timeout(POLL_INTERVAL) {
                Ok(answer) => return Some(answer.trim().to_owned()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        let _ = writeln!(io::stderr());
        None
    }

    /// Prints `lines` and `question`, a question of yes or no, and returns whether the answer is yes.
    pub(crate) fn agrees(&self, lines: &[String], question: &str) -> bool {
        let answer = self.ask(lines, question);
        answer.is_some_and(|answer| ["y", "yes"].contains(&answer.to_ascii_lowercase().as_str()))
    }
}
