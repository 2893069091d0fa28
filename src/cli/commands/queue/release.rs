//! `stanch queue release`: lifts what a server asked for.

use anyhow::bail;
use jiff::Timestamp;

use super::selection;
use crate::cli::args::QueueReleaseArgs;
use crate::cli::connection::host_name;
use crate::cli::console::{Terminal, can_prompt};
use crate::cli::decision::user_at_host;
use crate::cli::exit::Exit;
use crate::cli::host_summary::round_up_to_second;
use crate::cli::run_record::RunRecord;
use crate::cli::signal;
use crate::ledger::{Ledger, LedgerError, StatusRequest, WaitReason};
use crate::settings::Env;
use crate::text::printable;

pub(super) fn run(args: &QueueReleaseArgs, env: &Env) -> anyhow::Result<Exit> {
    let console = args.console.console();
    if !args.consent.yes && !can_prompt() {
        bail!(
            "nobody can be asked here, and nothing was changed: --yes lifts the hold, `stanch status` shows it"
        );
    }
    let (address, ledger) = selection::open(&args.ledger, env)?;
    let Some(mut ledger) = ledger else {
        bail!("there is no ledger at {}: nothing is held", printable(&address.to_string()));
    };
    let host = match &args.host {
        Some(named) => selection::api_base(ledger.as_ref(), named)?,
        None => only_host(ledger.as_ref())?,
    };
    let name = printable(&host_name(&host));
    let held = held_until(ledger.as_ref(), &host)?;
    let cancel = signal::listen()?;
    let terminal = Terminal { console: &console, cancel: &cancel };
    if !args.consent.yes {
        let until = held.map(|at| format!(" until {}", round_up_to_second(at))).unwrap_or_default();
        let lines = [
            format!("{name} asked for patience{until}."),
            "Where GitHub itself asked, calling earlier makes it ask for more.".to_owned(),
        ];
        if !terminal.agrees(&lines, "Lift the hold? [y/N]") {
            console.warn("declined: nothing was changed");
            return Ok(if cancel.is_cancelled() { Exit::Interrupted } else { Exit::Clean });
        }
    }
    let record = signal::at_once(|| RunRecord::start(ledger.as_mut(), vec![host.clone()]))?;
    let released = ledger.release(&host, &user_at_host(), &Timestamp::now).map(|identities| {
        console.info(&match identities {
            0 => format!("nothing is held at {name}"),
            _ => {
                format!("lifted: the next run may send to {name}; the requests of the last hour still count")
            }
        });
        Exit::Clean
    });
    record.end(ledger.as_mut(), released.map_err(anyhow::Error::from), &console)
}

fn only_host(ledger: &dyn Ledger) -> anyhow::Result<String> {
    let mut hosts = ledger.hosts()?;
    match hosts.len() {
        0 => bail!("the ledger knows no host: nothing is held"),
        1 => Ok(hosts.remove(0).host),
        _ => {
            let names: Vec<String> = hosts.iter().map(|entry| host_name(&entry.host)).collect();
            bail!(
                "the ledger has several hosts, and nothing was changed: name one with --host: {}",
                names.join(", ")
            )
        }
    }
}

/// Until when the server asked for patience, for any identity.
fn held_until(ledger: &dyn Ledger, host: &str) -> Result<Option<Timestamp>, LedgerError> {
    let entry = ledger.hosts()?.into_iter().find(|entry| entry.host == host);
    let mut latest = None;
    for identity in entry.map(|entry| entry.identities).unwrap_or_default() {
        let request = StatusRequest { host, identity: &identity, per_hour: u32::MAX };
        let status = ledger.host_status(&request, &Timestamp::now)?;
        let asked = status.next_slot.filter(|_| status.wait_reason == Some(WaitReason::Server));
        latest = latest.max(asked);
    }
    Ok(latest)
}
