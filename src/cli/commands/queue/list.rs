//! `stanch queue list`.

use std::io::{self, BufWriter, Write};

use serde_json::json;

use super::selection::{self, each};
use crate::cli::args::{ListFormat, QueueListArgs};
use crate::cli::commands::export::{ExportError, finish};
use crate::cli::connection::host_name;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::host_summary::round_up_to_second;
use crate::cli::stdout::stdout;
use crate::ledger::{Ledger, ListedToken, TokenFilter};
use crate::report::CsvTable;
use crate::revocation::Grants;
use crate::settings::Env;
use crate::text::printable;

/// The columns of every format, and two for which a table has no room: what `--verify` learned.
const COLUMNS: [&str; 9] =
    ["sha256", "kind", "state", "since", "host", "location", "decided_by", "scopes", "expires_at"];

/// How many digits of a hash the table shows: enough for `queue withdraw`.
const SHORT: usize = 16;

pub(super) fn run(args: &QueueListArgs, env: &Env) -> anyhow::Result<Exit> {
    let (address, ledger) = selection::open(&args.ledger, env)?;
    let Some(ledger) = ledger else {
        let address = printable(&address.to_string());
        Console::plain().info(&format!("nothing waits: there is no ledger at {address}"));
        if args.format == ListFormat::Json {
            writeln!(stdout(), "[]")?;
        }
        return Ok(Exit::Clean);
    };
    let host =
        args.filter.host.as_deref().map(|named| selection::api_base(ledger.as_ref(), named)).transpose()?;
    let filter = selection::filter(&args.filter, host.as_deref());
    let limit = args.limit.unwrap_or(usize::MAX);
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match args.format {
        ListFormat::Table => table(ledger.as_ref(), &filter, limit, &mut out),
        ListFormat::Json => json(ledger.as_ref(), &filter, limit, &mut out),
        ListFormat::Csv => csv(ledger.as_ref(), &filter, limit, &mut out),
    };
    finish(written.and_then(|()| Ok(out.flush()?)))
}

/// A row for each token, the columns as wide as they ever are but for the last ones.
fn table(
    ledger: &dyn Ledger,
    filter: &TokenFilter<'_>,
    limit: usize,
    out: &mut impl Write,
) -> Result<(), ExportError> {
    let hosts = ledger.hosts()?;
    let width = hosts.iter().map(|entry| host_name(&entry.host).len()).max().unwrap_or_default().max(4);
    let mut any = false;
    each(ledger, filter, limit, |token| {
        if !any {
            let [sha256, kind, state, since, host, location, by, ..] = COLUMNS;
            writeln!(
                out,
                "{sha256:<16}  {kind:<29}  {state:<11}  {since:<20}  {host:<width$}  {by:<16}  {location}"
            )?;
            any = true;
        }
        let [sha256, kind, state, _, host, location, by, ..] = cells(token);
        let (sha256, since) = (&sha256[..SHORT], round_up_to_second(token.at));
        let (host, by, location) = (printable(&host), printable(&by), printable(&location));
        writeln!(
            out,
            "{sha256}  {kind:<29}  {state:<11}  {since:<20}  {host:<width$}  {by:<16}  {location}"
        )?;
        Ok::<(), ExportError>(())
    })?;
    if !any {
        Console::plain().info("no token of the ledger is one of these");
    }
    Ok(())
}

/// An array with an object for each token, written as it is read.
fn json(
    ledger: &dyn Ledger,
    filter: &TokenFilter<'_>,
    limit: usize,
    out: &mut impl Write,
) -> Result<(), ExportError> {
    let mut before = "[";
    each(ledger, filter, limit, |token| {
        let [sha256, kind, state, since, host, location, decided_by, ..] = cells(token);
        let Grants { scopes, expires_at } = token.grants.clone().unwrap_or_default();
        let object = json!({
            "sha256": sha256, "kind": kind, "state": state, "since": since, "host": host, "location": location,
            "decided_by": decided_by, "scopes": scopes, "expires_at": expires_at,
        });
        write!(out, "{before}\n{object}")?;
        before = ",";
        Ok::<(), ExportError>(())
    })?;
    let end = if before == "[" { "[]" } else { "\n]" };
    Ok(writeln!(out, "{end}")?)
}

fn csv(
    ledger: &dyn Ledger,
    filter: &TokenFilter<'_>,
    limit: usize,
    out: &mut impl Write,
) -> Result<(), ExportError> {
    let mut table = CsvTable::new(out, &COLUMNS)?;
    each(ledger, filter, limit, |token| Ok::<(), ExportError>(table.row(&cells(token))?))?;
    Ok(table.finish()?)
}

/// In the order of the columns.
fn cells(token: &ListedToken) -> [String; 9] {
    let grants = token.grants.clone().unwrap_or_default();
    [
        token.fingerprint.hex(),
        token.kind.rule_id().to_owned(),
        token.state.to_string(),
        token.at.to_string(),
        host_name(&token.host),
        token.location.clone(),
        token.decided_by.clone(),
        grants.scopes_text().unwrap_or_default(),
        grants.expires_at.map(|at| at.to_string()).unwrap_or_default(),
    ]
}
