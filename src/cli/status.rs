//! `stanch status`: the queue, the quota, the next slot.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::aftermath::to_the_second;
use super::exit::Exit;
use super::flags::{PlaceFlags, StatusFormat, StatusVerb};
use crate::ledger::{Ask, Ledger as _, LedgerError, Party, SqliteLedger, Standing, What};
use crate::provider::host::Host;
use crate::provider::{PER_HOUR, identity};
use crate::report::sanitise;
use crate::revoke::Options;

pub(super) fn run(verb: &StatusVerb) -> anyhow::Result<Exit> {
    let place = &verb.place.clone().or(&verb.user.revocation()?);
    let host = place.host()?;
    let path = place.ledger()?;
    let (standing, others) = match SqliteLedger::open_existing(&path)? {
        Some(ledger) => look(&ledger, place, &host)?,
        None => (empty(&path, host.label()), Vec::new()),
    };
    let mut out = io::stdout().lock();
    match verb.format {
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

fn empty(path: &Path, host: &str) -> Standing {
    Standing::empty(path.display().to_string(), host, PER_HOUR)
}

/// Where the host stands that was named; else the usual one, or the only one there is. Then the others.
fn look(ledger: &SqliteLedger, place: &PlaceFlags, host: &Host) -> anyhow::Result<(Standing, Vec<Standing>)> {
    let parties = ledger.hosts()?;
    let named = Party { host: host.api_host(), identities: Vec::new() };
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
        return Ok((Standing { host: label, ..standing }, Vec::new()));
    }
    let others = parties.iter().filter(|party| party.host != chosen.host);
    let others = others.map(|party| self::standing(ledger, party, None)).collect::<Result<_, _>>()?;
    Ok((Standing { host: label, ..standing }, others))
}

fn standing(ledger: &SqliteLedger, party: &Party, mine: Option<&str>) -> Result<Standing, LedgerError> {
    let known = mine.filter(|mine| party.identities.iter().any(|identity| identity == mine));
    let last = party.identities.last().map(String::as_str);
    let ask = Ask {
        host: &party.host,
        identity: known.or(last).unwrap_or("anonymous"),
        per_hour: PER_HOUR,
        // The pause between two requests is over before anybody has read this.
        min_interval: Duration::ZERO,
        lease: Options::default().timeout,
        what: What::Batch(&[]),
    };
    ledger.standing(&ask, &Timestamp::now)
}

fn write(out: &mut impl Write, standing: &Standing) -> io::Result<()> {
    let Standing { queued, sent, accepted, confirmed, refused, limit, requests_last_hour: used, .. } =
        standing;
    writeln!(out, "host       {}", sanitise(&standing.host))?;
    writeln!(out, "ledger     {}", sanitise(&standing.ledger))?;
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
