//! Writing much to standard output: what may end it, and what that means.

use std::io;

use crate::cli::exit::Exit;
use crate::ledger::LedgerError;

/// Why an export ended early.
pub(super) enum ExportError {
    Ledger(LedgerError),
    Output(io::Error),
}

impl From<LedgerError> for ExportError {
    fn from(error: LedgerError) -> Self {
        ExportError::Ledger(error)
    }
}

impl From<io::Error> for ExportError {
    fn from(error: io::Error) -> Self {
        ExportError::Output(error)
    }
}

/// How a command ends that does nothing but write.
pub(super) fn finish(written: Result<(), ExportError>) -> anyhow::Result<Exit> {
    match written {
        Ok(()) => Ok(Exit::Clean),
        // The reader has closed the pipe, as `head` does.
        Err(ExportError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Clean),
        Err(ExportError::Output(error)) => Err(error.into()),
        Err(ExportError::Ledger(error)) => Err(error.into()),
    }
}
