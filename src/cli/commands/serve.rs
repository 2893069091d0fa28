//! `stanch serve`: drains a shared ledger, takes tokens in.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::cli::args::ServeArgs;
use crate::cli::connection::{HostConnection, host_name};
use crate::cli::console::Console;
use crate::cli::decision::run_id;
use crate::cli::exit::Exit;
use crate::cli::host_way::{HostWay, HostWays};
use crate::cli::own_credentials::own_credentials;
use crate::cli::run_record::RunRecord;
use crate::cli::signal;
use crate::ledger::{self, HostEntry, Ledger, LedgerAddress};
use crate::provider::github::host::{Flavour, Host, HostChoice};
use crate::revoke;
use crate::serve::{
    self, Config, Destination, Destinations, DrainConfig, IntakeConfig, Kept, Level, Log, Stop, TlsFiles,
};
use crate::settings::{ConnectionOptions, ConnectionSettings, Env};
use crate::suppress::Suppressions;
use crate::text::printable;

/// Needs no `--yes`: what it sends was decided when it was queued.
pub(super) fn run(args: &ServeArgs, env: &Env) -> anyhow::Result<Exit> {
    signal::hear_hangup();
    let console = args.console.console();
    let user = args.user.load_redacted(env)?;
    let (connection, key_files) = connection(args, env, &user.connection)?;
    if let LedgerAddress::Intake(_) = connection.ledger {
        bail!(
            "{} is an intake, which has a server already: name the ledger itself with --ledger",
            printable(&connection.ledger.to_string())
        );
    }
    let listen = listen(args)?;
    let mut hosts = vec![connection.host.clone()];
    for name in &args.also_host {
        let choice = HostChoice { host: Some(name.clone()), ..HostChoice::default() };
        hosts.push(Host::choose(&choice).with_context(|| "--also-host")?);
    }
    let flags = &args.transport.connection;
    let is_named = flags.host.is_some() || flags.api_url.is_some() || !args.also_host.is_empty();
    let stop = Stop::default();
    let ways = Ways { connection: &connection, hosts: &hosts, is_named, env, console: &console, stop: &stop };
    let suppressions = Suppressions { allowlists: user.allowlists, ..Suppressions::default() };
    let kept = Kept { suppressions, own: own_credentials(env, &[], None, &console) };
    let options = revoke::Options {
        min_interval: connection.min_interval,
        timeout: connection.timeout,
        ..revoke::Options::default()
    };
    let host = connection.host.api_base();
    let drain = DrainConfig { host, destinations: &ways, kept: &kept, options, coalesce: args.coalesce };
    let hosts = hosts.iter().map(Host::api_base).collect();
    let intake =
        listen.map(|(listen, bearers)| IntakeConfig { listen, tls: tls(args), bearers, key_files, hosts });
    let mut ledger = open(&connection, &console)?;
    let record = ledger.as_mut().map(|ledger| RunRecord::start(ledger.as_mut(), Vec::new())).transpose()?;
    say_what_it_does(args, &connection, &console);
    let config = Config {
        ledger: connection.ledger.clone(),
        run: record.as_ref().map_or_else(run_id, |record| record.id().to_owned()),
        drain: if args.no_drain { None } else { Some(drain) },
        intake,
        stop: stop.clone(),
        log: log(console),
    };
    let ended = serve::run(&config);
    if let (Some(record), Some(mut ledger)) = (record, ledger) {
        let exit = if ended.is_ok() { Exit::Clean } else { Exit::Trouble };
        record.finish_or_warn(ledger.as_mut(), exit, &console);
    }
    ended?;
    console.info("ended");
    Ok(Exit::Clean)
}

/// The ledger, for the record of this run. Where it is away for the moment, the server waits for it.
fn open(
    connection: &ConnectionSettings,
    console: &Console,
) -> Result<Option<Box<dyn Ledger>>, ledger::LedgerError> {
    match ledger::open(&connection.ledger) {
        Err(error) if error.may_pass() => {
            console.warn(&format!("the beginning of this run is not in the audit trail: {error}"));
            Ok(None)
        }
        opened => opened.map(Some),
    }
}

/// Where it listens, and the file of those it lets in. Tokens in the clear must not cross a network.
fn listen(args: &ServeArgs) -> anyhow::Result<Option<(SocketAddr, PathBuf)>> {
    let (Some(listen), Some(bearers)) = (args.listen, &args.intake_tokens) else { return Ok(None) };
    if args.tls_cert.is_none() && !args.behind_proxy && !listen.ip().is_loopback() {
        bail!(
            "tokens would cross a network in the clear at {listen}: give --tls-cert and --tls-key, listen at a loopback address, \
             or say --behind-proxy where a proxy in front of it speaks TLS"
        );
    }
    Ok(Some((listen, bearers.clone())))
}

fn tls(args: &ServeArgs) -> Option<TlsFiles> {
    let (cert, key) = (args.tls_cert.clone()?, args.tls_key.clone()?);
    Some(TlsFiles { cert, key })
}

/// The settings of the connection, and the private keys at hand. A ledger in a file has a key of its own: there, those that are
/// named open what runners seal for the intake.
fn connection(
    args: &ServeArgs,
    env: &Env,
    user: &ConnectionOptions,
) -> anyhow::Result<(ConnectionSettings, Vec<PathBuf>)> {
    let flags = args.transport.options();
    let without = ConnectionOptions { key_files: Vec::new(), ..flags.clone() };
    let connection = ConnectionSettings::resolve(&without, env, user)?;
    if let LedgerAddress::Sqlite(_) = connection.ledger {
        return Ok((connection, flags.key_files));
    }
    let connection = ConnectionSettings::resolve(&flags, env, user)?;
    let key_files = match &connection.ledger {
        LedgerAddress::Postgres(address) => address.access.key_files.clone(),
        _ => Vec::new(),
    };
    Ok((connection, key_files))
}

fn log(console: Console) -> Log {
    Log::new(move |level, text| match level {
        Level::Info => console.info(text),
        Level::Warning => console.warn(text),
    })
}

fn say_what_it_does(args: &ServeArgs, connection: &ConnectionSettings, console: &Console) {
    let ledger = printable(&connection.ledger.to_string());
    let does = match (args.no_drain, args.listen) {
        (false, None) => "draining",
        (false, Some(_)) => "draining, and taking tokens into,",
        (true, _) => "taking tokens into",
    };
    console.info(&format!("stanch {}: {does} {ledger}", env!("CARGO_PKG_VERSION")));
}

/// The hosts that the user of the server allows.
struct Ways<'a> {
    connection: &'a ConnectionSettings,
    /// Those that are named, the usual one first.
    hosts: &'a [Host],
    /// Whether flags name them: then they are the only ones.
    is_named: bool,
    env: &'a Env,
    console: &'a Console,
    stop: &'a Stop,
}

impl Destinations for Ways<'_> {
    fn open(&self, entry: &HostEntry, known: &[HostEntry]) -> Result<Destination, String> {
        let named = self.hosts.iter().find(|host| host.api_base() == entry.host);
        if named.is_none() && self.is_named {
            return Err("it is none of the hosts that were named; --also-host names another one".to_owned());
        }
        let host = named.unwrap_or(&self.connection.host).clone();
        let settings = ConnectionSettings { host, ..self.connection.clone() };
        let ways =
            HostWays { settings: &settings, env: self.env, console: self.console, cancel: &self.stop.abort };
        if named.is_none() && !ways.host(entry).is_some_and(|host| needs_no_name(&host, entry)) {
            return Err(
                "nobody has named it, and it is no host of GitHub; --host or --api-url names it".to_owned()
            );
        }
        let way = ways.to(entry, known).map_err(|error| error.to_string())?;
        let HostWay { provider, connection, credential } = way.map_err(str::to_owned)?;
        let fingerprint = credential.as_ref().map(|credential| credential.token.fingerprint());
        let open = HostConnection::open(provider, &connection, credential, &self.stop.abort);
        let revoker = open.map_err(|error| error.to_string())?.into_revoker();
        Ok(Destination { label: printable(&host_name(&entry.host)), revoker, credential: fingerprint })
    }
}

/// Whether a host needs nobody to name it: one of GitHub's own, or a server that requests were sent to before. Whoever may queue
/// can invent a server, and its credential is shown to none of those.
fn needs_no_name(host: &Host, entry: &HostEntry) -> bool {
    match host.flavour() {
        Flavour::GitHubCom => *host == Host::github_com(),
        Flavour::GheCom => true,
        Flavour::Server => !entry.identities.is_empty(),
    }
}
