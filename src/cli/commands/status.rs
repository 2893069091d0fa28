//! `stanch status`: the queue, the quota, the next slot.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::args::{ConnectionArgs, StatusArgs, StatusFormat};
use crate::cli::exit::Exit;
use crate::cli::revoke_summary::to_the_second;
use crate::ledger::{BatchRequest, HostEntry, HostStatus, Ledger as _, LedgerError, Payload, SqliteLedger};
use crate::provider::github::host::Host;
use crate::provider::github::{PROVIDER, identity};
use crate::revoke::Options;
use crate::text::printable;

pub(super) fn run(args: &StatusArgs) -> anyhow::Result<Exit> {
    let place = &args.place.clone().or(&args.user.revocation()?);
    let host = place.host()?;
    let path = place.ledger()?;
    let (standing, others) = match SqliteLedger::open_existing(&path)? {
        Some(ledger) => look(&ledger, place, &host)?,
        None => (empty(&path, host.label()), Vec::new()),
    };
    let mut out = io::stdout().lock();
    match args.format {
        StatusFormat::Json => {
            serde_json::to_writer(&mut out, &standing)?;
            writeln!(out)?;
        }
        StatusFormat::Pretty => {
            write(&mut out, &standing)?;
            for other in &others {
                writeln!(out)?;
                write(&mut out, other)?;
            }
        }
    }
    Ok(Exit::Clean)
}

fn empty(path: &Path, host: &str) -> HostStatus {
    HostStatus::empty(path.display().to_string(), host, PROVIDER.per_hour)
}

/// Where the host stands that was named; else the usual one, or the only one there is. Then the others.
fn look(
    ledger: &SqliteLedger,
    place: &ConnectionArgs,
    host: &Host,
) -> anyhow::Result<(HostStatus, Vec<HostStatus>)> {
    let parties = ledger.hosts()?;
    let named = HostEntry { host: host.api_host(), identities: Vec::new() };
    let mut chosen = parties.iter().find(|party| party.host == named.host);
    if chosen.is_none() && !place.host_said() {
        chosen = parties.last();
    }
    // Without a credential at hand, whoever sent there before is meant.
    let mine = place.credential(host)?.map(|credential| identity(host.flavour(), Some(&credential.token)));
    let chosen = chosen.unwrap_or(&named);
    let standing = standing(ledger, chosen, mine.as_deref())?;
    let label = if chosen.host == named.host { host.label().to_owned() } else { chosen.host.clone() };
    if place.host_said() {
        return Ok((HostStatus { host: label, ..standing }, Vec::new()));
    }
    let others = parties.iter().filter(|party| party.host != chosen.host);
    let others = others.map(|party| self::standing(ledger, party, None)).collect::<Result<_, _>>()?;
    Ok((HostStatus { host: label, ..standing }, others))
}

fn standing(ledger: &SqliteLedger, party: &HostEntry, mine: Option<&str>) -> Result<HostStatus, LedgerError> {
    let known = mine.filter(|mine| party.identities.iter().any(|identity| identity == mine));
    let last = party.identities.last().map(String::as_str);
    let ask = BatchRequest {
        host: &party.host,
        identity: known.or(last).unwrap_or("anonymous"),
        max_batch: PROVIDER.max_batch,
        per_hour: PROVIDER.per_hour,
        // The pause between two requests is over before anybody has read this.
        min_interval: Duration::ZERO,
        lease: Options::default().timeout,
        what: Payload::Batch(&[]),
    };
    ledger.standing(&ask, &Timestamp::now)
}

fn write(out: &mut impl Write, standing: &HostStatus) -> io::Result<()> {
    let HostStatus { queued, sent, accepted, confirmed, refused, limit, requests_last_hour: used, .. } =
        standing;
    writeln!(out, "host       {}", printable(&standing.host))?;
    writeln!(out, "ledger     {}", printable(&standing.ledger))?;
    writeln!(out, "queued     {queued}")?;
    writeln!(out, "sent       {sent}  (no answer known yet: they are sent again)")?;
    writeln!(out, "accepted   {accepted}")?;
    writeln!(out, "confirmed  {confirmed}")?;
    writeln!(out, "refused    {refused}")?;
    writeln!(out, "quota      {used} of {limit} requests in the last hour")?;
    match standing.next_slot {
        Some(at) => writeln!(out, "next slot  {}", to_the_second(at)),
        None => writeln!(out, "next slot  now"),
    }
}
