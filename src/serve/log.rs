//! Where the server says what it lives through: a line an event, no token and no bearer in any of them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// How grave an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Info,
    /// Somebody should know.
    Warning,
}

/// Writes the lines. A clone writes to the same place.
#[derive(Clone)]
pub struct Log(Arc<Write>);

type Write = dyn Fn(Level, &str) + Send + Sync;

impl Log {
    /// Writes each line with `write`.
    pub fn new(write: impl Fn(Level, &str) + Send + Sync + 'static) -> Self {
        Log(Arc::new(write))
    }

    pub(super) fn info(&self, text: &str) {
        (self.0)(Level::Info, text);
    }

    pub(super) fn warn(&self, text: &str) {
        (self.0)(Level::Warning, text);
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}

/// Trouble that may last: it is told once for each of its messages, and when it is over.
#[derive(Debug, Default)]
pub(super) struct Trouble(Mutex<Option<String>>);

impl Trouble {
    /// Tells of it, unless that is what was told last.
    pub(super) fn tell(&self, log: &Log, text: &str) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.as_deref() != Some(text) {
            log.warn(text);
            *told = Some(text.to_owned());
        }
    }

    /// Tells that it is over, if there was any.
    pub(super) fn is_over(&self, log: &Log, text: &str) {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            log.info(text);
        }
    }
}

#[cfg(test)]
pub(super) mod testing {
    use std::sync::{Arc, Mutex};

    use super::Log;

    /// A log, and what was written there.
    pub(in crate::serve) fn log() -> (Log, Arc<Mutex<Vec<String>>>) {
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let into = Arc::clone(&lines);
        (Log::new(move |_, text| into.lock().expect("nobody panicked").push(text.to_owned())), lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lasting_trouble_is_told_once_and_when_it_is_over() {
        let (log, lines) = testing::log();
        let trouble = Trouble::default();
        trouble.is_over(&log, "over");
        for text in ["away", "away", "full", "full"] {
            trouble.tell(&log, text);
        }
        trouble.is_over(&log, "over");
        trouble.is_over(&log, "over");
        trouble.tell(&log, "away");
        assert_eq!(*lines.lock().expect("lines"), ["away", "full", "over", "away"]);
    }
}
