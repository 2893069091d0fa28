//! `stanch audit`: the audit trail as JSON lines or CSV, or a check that it is unbroken.

mod table;

use std::io::{self, BufWriter, Write as _};

use anyhow::bail;

use super::export::{ExportError, finish};
use super::ledger::end;
use crate::cli::args::{AuditArgs, TrailFormat};
use crate::cli::console::{Console, count};
use crate::cli::exit::Exit;
use crate::cli::stdout::stdout;
use crate::ledger;
use crate::settings::{self, Env};
use crate::text::printable;

pub(super) fn run(args: &AuditArgs, env: &Env) -> anyhow::Result<Exit> {
    let user = args.ledger.user.load_redacted(env)?;
    let address = settings::ledger(&args.ledger.options(), env, &user.connection)?;
    let Some(ledger) = ledger::open_existing(&address)? else {
        let address = printable(&address.to_string());
        if let Some(expected) = &args.expect {
            bail!(
                "there is no ledger at {address}, and so no trail that holds record {expected}: look for a copy of it, or for \
                 the right path"
            );
        }
        Console::plain().info(&format!("there is no ledger at {address}, and so no trail"));
        return Ok(Exit::Clean);
    };
    if args.verify {
        let mut out = stdout();
        let verified = ledger::verify_with(ledger.as_ref(), args.expect.as_ref())?;
        let records = count(verified.records, "record");
        writeln!(
            out,
            "the audit trail holds: {records}, {}",
            end(verified.heads.len() as u64, &verified.last)
        )?;
        if let Some(expected) = &args.expect {
            writeln!(out, "record {expected} is in it")?;
        }
        return Ok(Exit::Clean);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match args.format {
        TrailFormat::Jsonl => ledger::export_since(ledger.as_ref(), args.since, |line| {
            writeln!(out, "{line}").map_err(ExportError::Output)
        }),
        TrailFormat::Csv => table::write(ledger.as_ref(), args.since, &mut out),
    };
    let exit = finish(written.and_then(|()| Ok(out.flush()?)))?;
    // Where its end is lost, what was written is not all.
    ledger.chains()?;
    Ok(exit)
}
