//! What the audit trail tells of each run: who ran what, on which machine, and how it ended.

use jiff::Timestamp;

use super::console::Console;
use super::decision::{run_id, user_at_host};
use super::exit::Exit;
use crate::detect::Detector;
use crate::ledger::{Event, Ledger, LedgerError};
use crate::rule;
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

    /// Writes down how it ended, and prints the trail's head: noted elsewhere, it proves later that nothing was cut off.
    /// Returns `result`, or why that could not be written down.
    pub(super) fn end(
        self,
        ledger: &mut dyn Ledger,
        result: anyhow::Result<Exit>,
        console: &Console,
    ) -> anyhow::Result<Exit> {
        let exit = result.as_ref().copied().unwrap_or(Exit::Trouble);
        let ended = match exit {
            Exit::Interrupted => "interrupted",
            Exit::Trouble => "failed",
            Exit::Clean | Exit::Found(_) | Exit::Remaining => "done",
        };
        let event = Event::RunEnd { run: self.id, ended: ended.to_owned(), exit: exit.code() };
        let recorded = ledger.record(&event, &Timestamp::now).and_then(|()| ledger.head());
        let exit = result?;
        console.info(&format!("audit trail: {}, {}", printable(&ledger.description()), recorded?));
        Ok(exit)
    }
}

/// The command as it was typed. Paths and mistyped flags may hold tokens, which are redacted.
fn command_line() -> String {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    one_line(&Detector::new(rule::built_in()).redact(&words.join(" ")), LONGEST_COMMAND)
}
