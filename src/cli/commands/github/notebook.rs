//! Where a sweep is noted down: beside kept mirrors, with the ledger, or nowhere that lasts.

use std::path::PathBuf;

use anyhow::Context as _;
use tempfile::TempDir;

use crate::cli::args::GithubArgs;
use crate::cli::console::Console;
use crate::journal::{Journal, JournalError};
use crate::ledger;

/// The directory of a cache that is no mirror's.
const OF_CACHE: &str = ".stanch";

/// The journal of a sweep, and the directory that goes with the run where there is no other for it.
pub(super) struct Notebook {
    pub(super) journal: Journal,
    temporary: Option<TempDir>,
}

impl Notebook {
    /// Opens the journal of the sweep with this identity. A machine without a home can be swept from, too: such a run begins
    /// anew where it is interrupted, and says so.
    pub(super) fn open(args: &GithubArgs, identity: &str, console: &Console) -> anyhow::Result<Notebook> {
        if let Some(cache) = &args.cache {
            let journal = Journal::open(&cache.join(OF_CACHE), identity)?;
            return Ok(Notebook { journal, temporary: None });
        }
        let reason = match ledger::state_dir() {
            Ok(state) => match Journal::open(&state.join("github"), identity) {
                Ok(journal) => return Ok(Notebook { journal, temporary: None }),
                Err(error @ JournalError::Busy { .. }) => return Err(error.into()),
                Err(error) => error.to_string(),
            },
            Err(error) => error.to_string(),
        };
        console.warn(&format!("{reason}: if this run is interrupted, the next one begins anew"));
        let temporary = tempfile::Builder::new().prefix("stanch-github-").tempdir();
        let temporary = temporary.context("cannot make a temporary directory: set TMPDIR to another one")?;
        let journal = Journal::open(temporary.path(), identity)?;
        Ok(Notebook { journal, temporary: Some(temporary) })
    }

    /// Where the API's answers are kept: for the next sweep where mirrors are, else for the next attempt at this one.
    pub(super) fn pages_dir(&self, args: &GithubArgs) -> PathBuf {
        match &args.cache {
            Some(cache) => cache.join(OF_CACHE).join("pages"),
            None => self.journal.pages_dir(),
        }
    }

    /// The run ends. What was noted is of use to the next one, unless the sweep is `over`.
    pub(super) fn close(self, over: bool) {
        if over || self.temporary.is_some() {
            self.journal.finish();
        }
    }
}
