//! `stanch audit`: the trail as JSON lines, and whether it holds.

use std::io::{self, BufWriter, Write as _};

use crate::cli::args::AuditArgs;
use crate::cli::console::{Console, count};
use crate::cli::exit::Exit;
use crate::ledger::{self, LedgerError};
use crate::text::printable;

/// Why an export ended early.
enum Cut {
    Ledger(LedgerError),
    Out(io::Error),
}

impl From<LedgerError> for Cut {
    fn from(error: LedgerError) -> Self {
        Cut::Ledger(error)
    }
}

pub(super) fn run(args: &AuditArgs) -> anyhow::Result<Exit> {
    let address = args.place().or(&args.user.revocation()?).ledger()?;
    let Some(ledger) = ledger::open_existing(&address)? else {
        let address = printable(&address.to_string());
        Console::plain().say(&format!("there is no ledger at {address}, and so no trail"));
        return Ok(Exit::Clean);
    };
    let mut out = BufWriter::new(io::stdout().lock());
    if args.verify {
        let head = ledger::verify(ledger.as_ref())?;
        writeln!(out, "the audit trail holds: {}, the last one {}", count(head.seq, "record"), head.hash)?;
        out.flush()?;
        return Ok(Exit::Clean);
    }
    let written = ledger::export(ledger.as_ref(), |line| writeln!(out, "{line}").map_err(Cut::Out));
    match written.and_then(|()| out.flush().map_err(Cut::Out)) {
        Ok(()) => Ok(Exit::Clean),
        // Whoever reads has seen enough.
        Err(Cut::Out(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Clean),
        Err(Cut::Out(error)) => Err(error.into()),
        Err(Cut::Ledger(error)) => Err(error.into()),
    }
}
