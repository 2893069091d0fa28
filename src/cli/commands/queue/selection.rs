//! Which ledger, which host in it, and which tokens, as the command line has them.

use anyhow::bail;
use jiff::{SignedDuration, Timestamp};

use crate::cli::args::{FilterArgs, LedgerArgs};
use crate::cli::connection::host_name;
use crate::ledger::{self, Ledger, LedgerAddress, LedgerError, TokenFilter};
use crate::provider::github::host::Host;
use crate::settings::{self, Env};
use crate::text::printable;

/// The ledger's address, and the ledger where there is one.
pub(super) fn open(args: &LedgerArgs, env: &Env) -> anyhow::Result<(LedgerAddress, Option<Box<dyn Ledger>>)> {
    let user = args.user.load_redacted(env)?;
    let address = settings::ledger(&args.options(), env, &user.connection)?;
    let ledger = ledger::open_existing(&address)?;
    Ok((address, ledger))
}

/// The API base of the host that was named, which has to have a queue in the ledger.
pub(super) fn api_base(ledger: &dyn Ledger, named: &str) -> anyhow::Result<String> {
    let bases: Vec<String> = ledger.hosts()?.into_iter().map(|entry| entry.host).collect();
    let wanted = Host::parse(named)?.api_base();
    if bases.contains(&wanted) {
        return Ok(wanted);
    }
    // A name without scheme and path, where that leaves only one.
    let alike: Vec<&String> = bases.iter().filter(|base| authority(base) == named).collect();
    if let [only] = alike[..] {
        return Ok(only.clone());
    }
    let known: Vec<String> = bases.iter().map(|base| host_name(base)).collect();
    let known = if known.is_empty() { "none".to_owned() } else { printable(&known.join(", ")) };
    bail!("{} has no queue in the ledger, which knows these hosts: {known}", printable(named))
}

fn authority(base: &str) -> &str {
    base.split_once("://").map_or(base, |(_, rest)| rest).split('/').next().unwrap_or_default()
}

/// The filter of these flags; `host` is the API base of the host they name.
pub(super) fn filter<'a>(args: &'a FilterArgs, host: Option<&'a str>) -> TokenFilter<'a> {
    let ago =
        |age| Timestamp::now().checked_sub(SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX));
    TokenFilter {
        host,
        states: &args.states,
        kinds: &args.kinds,
        until: args.older_than.map(|age| ago(age).unwrap_or(Timestamp::MIN)),
        hashes: &[],
    }
}

/// How many tokens are read at a time: a long list must not lock out those who write.
const PAGE: usize = 5000;

/// Calls `visit` with every token asked for, at most `limit`.
pub(super) fn each<E: From<LedgerError>>(
    ledger: &dyn Ledger,
    filter: &TokenFilter<'_>,
    limit: usize,
    mut visit: impl FnMut(&ledger::ListedToken) -> Result<(), E>,
) -> Result<(), E> {
    let (mut after, mut left) = (0, limit);
    loop {
        let wanted = PAGE.min(left);
        let page = ledger.list(filter, after, wanted)?;
        page.iter().try_for_each(&mut visit)?;
        left -= page.len();
        match page.last() {
            Some(last) if page.len() == wanted && left > 0 => after = last.number,
            _ => return Ok(()),
        }
    }
}
