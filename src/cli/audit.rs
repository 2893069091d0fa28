//! `stanch audit`: the trail as JSON lines, and whether it holds.

use std::io::{self, BufWriter, Write as _};

use super::console::{Console, count};
use super::exit::Exit;
use super::flags::AuditVerb;
use crate::ledger::{self, LedgerError, SqliteLedger};
use crate::report::sanitise;

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

pub(super) fn run(verb: &AuditVerb) -> anyhow::Result<Exit> {
    let path = verb.place().or(&verb.user.revocation()?).ledger()?;
    let Some(ledger) = SqliteLedger::open_existing(&path)? else {
        let path = sanitise(&path.display().to_string());
        Console::plain().say(&format!("there is no ledger at {path}, and so no trail"));
        return Ok(Exit::Clean);
    };
    let mut out = BufWriter::new(io::stdout().lock());
    if verb.verify {
        let head = ledger::verify(&ledger)?;
        writeln!(out, "the audit trail holds: {}, the last one {}", count(head.seq, "record"), head.hash)?;
        out.flush()?;
        return Ok(Exit::Clean);
    }
    let written = ledger::export(&ledger, |line| writeln!(out, "{line}").map_err(Cut::Out));
    match written.and_then(|()| out.flush().map_err(Cut::Out)) {
        Ok(()) => Ok(Exit::Clean),
        // Whoever reads has seen enough.
        Err(Cut::Out(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Clean),
        Err(Cut::Out(error)) => Err(error.into()),
        Err(Cut::Ledger(error)) => Err(error.into()),
    }
}
