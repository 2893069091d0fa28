//! `stanch audit`: the audit trail as JSON lines, or a check that it is unbroken.

use std::io::{self, BufWriter, Write as _};

use crate::cli::args::AuditArgs;
use crate::cli::console::{Console, count};
use crate::cli::exit::Exit;
use crate::ledger::{self, LedgerError};
use crate::settings::{self, Env};
use crate::text::printable;

/// Why an export ended early.
enum ExportError {
    Ledger(LedgerError),
    Output(io::Error),
}

impl From<LedgerError> for ExportError {
    fn from(error: LedgerError) -> Self {
        ExportError::Ledger(error)
    }
}

pub(super) fn run(args: &AuditArgs, env: &Env) -> anyhow::Result<Exit> {
    let user = args.user.load_redacted(env)?;
    let address = settings::ledger(args.ledger.as_deref(), env, &user.connection)?;
    let Some(ledger) = ledger::open_existing(&address)? else {
        let address = printable(&address.to_string());
        Console::plain().info(&format!("there is no ledger at {address}, and so no trail"));
        return Ok(Exit::Clean);
    };
    let mut out = BufWriter::new(io::stdout().lock());
    if args.verify {
        let head = ledger::verify(ledger.as_ref())?;
        writeln!(out, "the audit trail holds: {}, the last one {}", count(head.seq, "record"), head.hash)?;
        out.flush()?;
        return Ok(Exit::Clean);
    }
    let written =
        ledger::export(ledger.as_ref(), |line| writeln!(out, "{line}").map_err(ExportError::Output));
    match written.and_then(|()| out.flush().map_err(ExportError::Output)) {
        Ok(()) => Ok(Exit::Clean),
        // The reader has closed the pipe, as `head` does.
        Err(ExportError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Clean),
        Err(ExportError::Output(error)) => Err(error.into()),
        Err(ExportError::Ledger(error)) => Err(error.into()),
    }
}
