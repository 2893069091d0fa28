//! `stanch status`: the queue, the quota, the next slot.

use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::args::{StatusArgs, StatusFormat};
use crate::cli::connection;
use crate::cli::exit::Exit;
use crate::cli::revoke_summary::round_up_to_second;
use crate::ledger::{self, BatchRequest, HostEntry, HostStatus, Ledger, LedgerAddress, LedgerError, Payload};
use crate::provider::{self, github::identity};
use crate::revoke::Options;
use crate::settings::{ConnectionSettings, Env};
use crate::text::printable;

pub(super) fn run(args: &StatusArgs, env: &Env) -> anyhow::Result<Exit> {
    let user = args.user.load_redacted(env)?;
    let settings = ConnectionSettings::resolve(&args.connection.options(), env, &user.connection)?;
    let (status, others) = match ledger::open_existing(&settings.ledger)? {
        Some(ledger) => read(ledger.as_ref(), &settings, env)?,
        None => (empty(&settings.ledger, settings.host.label()), Vec::new()),
    };
    let mut out = io::stdout().lock();
    match args.format {
        StatusFormat::Json => {
            serde_json::to_writer(&mut out, &status)?;
            writeln!(out)?;
        }
        StatusFormat::Pretty => {
            write(&mut out, &status)?;
            for other in &others {
                writeln!(out)?;
                write(&mut out, other)?;
            }
        }
    }
    Ok(Exit::Clean)
}

fn empty(ledger: &LedgerAddress, host: &str) -> HostStatus {
    HostStatus::empty(ledger.to_string(), host, provider::with_host_flags().per_hour)
}

/// The status of the host that was named; else of the default one, or the one in the ledger. Then that of the others.
fn read(
    ledger: &dyn Ledger,
    settings: &ConnectionSettings,
    env: &Env,
) -> anyhow::Result<(HostStatus, Vec<HostStatus>)> {
    let hosts = ledger.hosts()?;
    let named = HostEntry { host: settings.host.api_base(), identities: Vec::new() };
    let mut chosen = hosts.iter().find(|entry| entry.host == named.host);
    if chosen.is_none() && !settings.host_is_named {
        chosen = hosts.last();
    }
    let credential = connection::find_credential(settings, env)?;
    let identity = credential.map(|credential| identity(settings.host.flavour(), Some(&credential.token)));
    let chosen = chosen.unwrap_or(&named);
    let status = status_of(ledger, chosen, identity.as_deref())?;
    let label =
        if chosen.host == named.host { settings.host.label().to_owned() } else { chosen.host.clone() };
    let status = HostStatus { host: label, ..status };
    if settings.host_is_named {
        return Ok((status, Vec::new()));
    }
    let others = hosts.iter().filter(|entry| entry.host != chosen.host);
    let others = others.map(|entry| status_of(ledger, entry, None)).collect::<Result<_, _>>()?;
    Ok((status, others))
}

/// The status of a host, for an identity that has sent there; without one, for the last that has.
fn status_of(
    ledger: &dyn Ledger,
    entry: &HostEntry,
    identity: Option<&str>,
) -> Result<HostStatus, LedgerError> {
    let known = identity.filter(|identity| entry.identities.iter().any(|known| known == identity));
    let last = entry.identities.last().map(String::as_str);
    let provider = provider::with_host_flags();
    let request = BatchRequest {
        host: &entry.host,
        identity: known.or(last).unwrap_or("anonymous"),
        max_batch: provider.max_batch,
        per_hour: provider.per_hour,
        // The pause between two requests is over before anybody has read this.
        min_interval: Duration::ZERO,
        lease: Options::default().timeout,
        payload: Payload::Batch(&[]),
    };
    ledger.host_status(&request, &Timestamp::now)
}

fn write(out: &mut impl Write, status: &HostStatus) -> io::Result<()> {
    let HostStatus { queued, sent, accepted, confirmed, refused, limit, requests_last_hour: used, .. } =
        status;
    writeln!(out, "host       {}", printable(&status.host))?;
    writeln!(out, "ledger     {}", printable(&status.ledger))?;
    writeln!(out, "queued     {queued}")?;
    writeln!(out, "sent       {sent}  (no answer known yet: they are sent again)")?;
    writeln!(out, "accepted   {accepted}")?;
    writeln!(out, "confirmed  {confirmed}")?;
    writeln!(out, "refused    {refused}")?;
    writeln!(out, "quota      {used} of {limit} requests in the last hour")?;
    match status.next_slot {
        Some(at) => writeln!(out, "next slot  {}", round_up_to_second(at)),
        None => writeln!(out, "next slot  now"),
    }
}
