//! What the audit trail tells of each run: who ran what, on which machine, and how it ended.

use jiff::Timestamp;

use super::console::Console;
use super::decision::{run_id, user_at_host};
use super::error::redact;
use super::exit::Exit;
use crate::ledger::{Event, Head, Ledger, LedgerError};
use crate::text::{one_line, printable};

/// A command line longer than this is cut in the record.
const LONGEST_COMMAND: usize = 2000;

/// A run that is under way, and written down. One that is killed leaves a beginning without an end.
pub(super) struct RunRecord {
    id: String,
}

impl RunRecord {
    /// Writes down that a run begins: nothing that it does comes before this.
    pub(super) fn start(ledger: &mut dyn Ledger, roots: Vec<String>) -> Result<RunRecord, LedgerError> {
        let id = run_id();
        let event = Event::RunStart {
            run: id.clone(),
            by: user_at_host(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: command_line(),
            roots,
        };
        ledger.record(&event, &Timestamp::now)?;
        Ok(RunRecord { id })
    }

    /// The id that all its records share.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Writes down how it ended, and returns the trail's head: noted elsewhere, it proves later that nothing was cut off.
    pub(super) fn finish(self, ledger: &mut dyn Ledger, exit: Exit) -> Result<Head, LedgerError> {
        let ended = match exit {
            Exit::Interrupted => "interrupted",
            Exit::Trouble => "failed",
            Exit::Clean | Exit::Found(_) | Exit::Remaining => "done",
        };
        let event = Event::RunEnd { run: self.id, ended: ended.to_owned(), exit: exit.code() };
        ledger.record(&event, &Timestamp::now)?;
        ledger.head()
    }

    /// The same. That it could not be written down changes nothing of what was done, and is only warned of.
    pub(super) fn finish_or_warn(
        self,
        ledger: &mut dyn Ledger,
        exit: Exit,
        console: &Console,
    ) -> Option<Head> {
        let warn = |error| console.warn(&format!("the end of this run is not in the audit trail: {error}"));
        self.finish(ledger, exit).map_err(warn).ok()
    }

    /// The same; prints the head. Returns `result`, or why that could not be written down.
    pub(super) fn end(
        self,
        ledger: &mut dyn Ledger,
        result: anyhow::Result<Exit>,
        console: &Console,
    ) -> anyhow::Result<Exit> {
        let exit = result.as_ref().copied().unwrap_or(Exit::Trouble);
        let recorded = self.finish(ledger, exit);
        let exit = result?;
        console.info(&format!("audit trail: {}, {}", printable(&ledger.description()), recorded?));
        Ok(exit)
    }
}

/// The command as it was typed. Paths and mistyped flags may hold tokens, which are redacted.
fn command_line() -> String {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    one_line(&redact(&words.join(" ")), LONGEST_COMMAND)
}
