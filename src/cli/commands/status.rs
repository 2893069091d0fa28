//! `stanch status`: the queue, the quota, the next slot.

use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::args::{StatusArgs, StatusFormat};
use crate::cli::connection::{self, host_name};
use crate::cli::console::{count, human_count, human_duration};
use crate::cli::exit::Exit;
use crate::cli::host_summary::round_up_to_second;
use crate::cli::spool;
use crate::cli::stdout::stdout;
use crate::ledger::{self, HostEntry, HostStatus, Ledger, LedgerError, StatusRequest};
use crate::provider;
use crate::provider::github::host::Flavour;
use crate::provider::github::identity;
use crate::provider::github::kill_switch::IDENTITY_PREFIX;
use crate::revocation::State;
use crate::settings::{ConnectionOptions, ConnectionSettings, Env};
use crate::text::printable;

/// The whole ledger: the tokens of all hosts together, the quota of one of them, and then each host by itself.
///
/// Its serialized form is the output of `stanch status -f json`.
#[derive(Serialize)]
struct Status {
    #[serde(flatten)]
    total: HostStatus,
    /// That of `total`'s host by itself.
    #[serde(skip)]
    chosen: HostStatus,
    hosts: Vec<HostStatus>,
}

pub(super) fn run(args: &StatusArgs, env: &Env) -> anyhow::Result<Exit> {
    let user = args.user.load_redacted(env)?;
    let flags = ConnectionOptions { egress: args.egress.clone(), ..args.connection.options() };
    let settings = ConnectionSettings::resolve(&flags, env, &user.connection)?;
    if settings.ledger.is_intake() {
        return spool::status(&settings.ledger, args.format);
    }
    let status = if let Some(ledger) = ledger::open_existing(&settings.ledger)? {
        // A trail that lost its end is a ledger that lost something.
        ledger.head()?;
        read(ledger.as_ref(), &settings, env)?
    } else {
        let (ledger, host) = (settings.ledger.to_string(), settings.host.label());
        let chosen = HostStatus::empty(ledger, host, provider::with_host_flags().per_hour);
        Status { total: chosen.clone(), chosen, hosts: Vec::new() }
    };
    let mut out = stdout();
    match args.format {
        StatusFormat::Json => {
            serde_json::to_writer(&mut out, &status)?;
            writeln!(out)?;
        }
        // Whoever names a host on the command line asks for that one.
        StatusFormat::Pretty if args.connection.host.is_some() || args.connection.api_url.is_some() => {
            write_host(&mut out, &status.chosen)?;
            write_time_left(&mut out, "time left    ", &status.chosen)?;
            let others = status.total.waiting() - status.chosen.waiting();
            if others > 0 {
                writeln!(
                    out,
                    "{} for other hosts: `stanch status` without a host tells of all",
                    count(others, "token")
                )?;
            }
        }
        StatusFormat::Pretty => write(&mut out, &status)?,
    }
    Ok(Exit::Clean)
}

/// The status of every host, and of the one that was named; else of the default one, or the last in the ledger.
fn read(ledger: &dyn Ledger, settings: &ConnectionSettings, env: &Env) -> anyhow::Result<Status> {
    let hosts = ledger.hosts()?;
    let named = HostEntry { host: settings.host.api_base(), identities: Vec::new() };
    let mut chosen = hosts.iter().find(|entry| entry.host == named.host);
    if chosen.is_none() && !settings.host_is_named {
        chosen = hosts.last();
    }
    let credential = connection::find_credential(settings, env)?;
    let (flavour, egress) = (settings.host.flavour(), settings.egress.as_ref());
    let own = Own {
        signed: credential.map(|credential| identity(flavour, Some(&credential.token), egress)),
        of_egress: egress.map(|_| identity(Flavour::GitHubCom, None, egress)),
    };
    let chosen = chosen.unwrap_or(&named);
    let mut each = Vec::new();
    for entry in &hosts {
        let status = status_of(ledger, entry, &own)?;
        each.push(HostStatus { host: host_name(&entry.host), ..status });
    }
    let of_chosen = hosts.iter().zip(&each).find(|(entry, _)| entry.host == chosen.host);
    let quota = match of_chosen {
        Some((_, status)) => status.clone(),
        None => status_of(ledger, chosen, &own)?,
    };
    let (named, api_base) = (chosen.host == named.host, chosen.host.clone());
    let host = if named { settings.host.label().to_owned() } else { host_name(&chosen.host) };
    let chosen = HostStatus { host, ..quota };
    // The tokens of all hosts, and the quota of one.
    let mut total = chosen.clone();
    for (_, other) in hosts.iter().zip(&each).filter(|(entry, _)| entry.host != api_base) {
        total.add_tokens(other);
    }
    Ok(Status { total, chosen, hosts: each })
}

/// Whose requests are counted together with those that this run would send.
struct Own {
    /// With the credential that was found.
    signed: Option<String>,
    /// Without one, through the NAT that was named.
    of_egress: Option<String>,
}

/// The status of a host, for the identity that this run would have there; where that is not known, for the last that has sent.
fn status_of(ledger: &dyn Ledger, entry: &HostEntry, own: &Own) -> Result<HostStatus, LedgerError> {
    let is_known = |identity: &&str| entry.identities.iter().any(|known| known == identity);
    // A name is a question about that one, also before its first request; a server counts by credentials.
    let by_credential = entry.identities.iter().any(|identity| identity.starts_with("sha256:"));
    let of_egress = own.of_egress.as_deref().filter(|_| !by_credential);
    let known = own.signed.as_deref().filter(is_known).or(of_egress);
    // What the kill switches were told does not concern the queue.
    let mut queue = entry.identities.iter().rev().filter(|identity| !identity.starts_with(IDENTITY_PREFIX));
    let last = queue.next().map(String::as_str);
    let provider = provider::with_host_flags();
    let request = StatusRequest {
        host: &entry.host,
        identity: known.or(last).unwrap_or("anonymous"),
        per_hour: provider.per_hour,
    };
    ledger.host_status(&request, &Timestamp::now)
}

/// The host that the numbers of a quota are about, the tokens of all, and a line for each host where there are several.
fn write(out: &mut impl Write, status: &Status) -> io::Result<()> {
    write_host(out, &status.total)?;
    if let [one] = &status.hosts[..] {
        return write_time_left(out, "time left    ", one);
    }
    for host in &status.hosts {
        writeln!(out)?;
        let known = State::ALL.into_iter().filter(|state| host.count(*state) > 0);
        let counts: Vec<String> =
            known.map(|state| format!("{} {state}", human_count(host.count(state)))).collect();
        writeln!(out, "{}: {}", printable(&host.host), counts.join(", "))?;
        write_time_left(out, "  ", host)?;
    }
    Ok(())
}

/// A host, its quota, and a line for each state.
fn write_host(out: &mut impl Write, total: &HostStatus) -> io::Result<()> {
    writeln!(out, "host         {}", printable(&total.host))?;
    writeln!(out, "ledger       {}", printable(&total.ledger))?;
    for state in State::ALL {
        let note = if state == State::Sent { "  (no answer known yet: they are sent again)" } else { "" };
        writeln!(out, "{:<11}  {}{note}", state.as_str(), human_count(total.count(state)))?;
    }
    if let Some(oldest) = total.oldest {
        let age = Duration::try_from(Timestamp::now().duration_since(oldest)).unwrap_or_default();
        writeln!(
            out,
            "oldest       waits since {}, for {}",
            round_up_to_second(oldest),
            human_duration(age)
        )?;
    }
    let (used, limit) = (human_count(total.requests_last_hour.into()), human_count(total.limit.into()));
    writeln!(out, "quota        {used} of {limit} requests in the last hour")?;
    match total.next_slot {
        Some(at) => writeln!(out, "next slot    {}", round_up_to_second(at))?,
        None => writeln!(out, "next slot    now")?,
    }
    Ok(())
}

/// How long it takes to send what waits at a host, where that is known.
fn write_time_left(out: &mut impl Write, label: &str, status: &HostStatus) -> io::Result<()> {
    let requests = status.waiting().div_ceil(provider::with_host_flags().max_batch as u64);
    if requests == 0 {
        return Ok(());
    }
    let free = u64::from(status.limit.saturating_sub(status.requests_last_hour));
    let hours = requests.saturating_sub(free).div_ceil(u64::from(status.limit.max(1)));
    let takes =
        if hours == 0 { "less than an hour".to_owned() } else { format!("about {}", count(hours, "hour")) };
    let from = status.next_slot.map(|at| format!(" from {} on", round_up_to_second(at))).unwrap_or_default();
    writeln!(
        out,
        "{label}{takes}{from}: {} of up to {} tokens",
        count(requests, "request"),
        human_count(provider::with_host_flags().max_batch as u64)
    )
}
