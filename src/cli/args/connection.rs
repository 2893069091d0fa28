//! Which GitHub and which ledger, and how to get there.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::provider::Egress;
use crate::settings::{ConnectionOptions, env, parse_duration};

fn host_help() -> String {
    let env = env::help(&[env::GH_HOST, env::GITHUB_SERVER_URL]);
    format!("github.com, SUBDOMAIN.ghe.com or a server's name {env} [default: github.com]")
}

pub(super) fn ledger_help() -> String {
    format!("The ledger {} [default: $XDG_STATE_HOME/stanch/ledger.db]", env::help(&[env::LEDGER]))
}

pub(super) fn key_help() -> String {
    let env = env::help(&[env::LEDGER_KEY_FILE]);
    format!("A private key that opens what waits in a shared ledger; may be repeated {env}")
}

pub(super) fn egress_help() -> String {
    let env = env::help(&[env::EGRESS]);
    format!("The NAT that requests leave through, where a shared ledger has runners behind several {env}")
}

fn credential_help() -> String {
    let any = env::names(&[env::AUTH_TOKEN, env::GH_TOKEN, env::GITHUB_TOKEN]);
    let servers = env::names(&[env::GH_ENTERPRISE_TOKEN, env::GITHUB_ENTERPRISE_TOKEN]);
    format!(
        "A file with your own credential, for `github`, servers and kill switches [env: {any}; servers: {servers}]"
    )
}

// Which GitHub, and which ledger.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ConnectionArgs {
    #[arg(long, value_name = "HOST", help_heading = "Where to", help = host_help())]
    pub(crate) host: Option<String>,

    /// The root of its API, where that is not the usual one
    #[arg(long, value_name = "URL", help_heading = "Where to")]
    pub(crate) api_url: Option<String>,

    #[arg(long, value_name = "PATH|URL", help_heading = "Where to", help = ledger_help())]
    pub(crate) ledger: Option<PathBuf>,

    #[arg(long, value_name = "FILE", help_heading = "Where to", help = credential_help())]
    pub(crate) auth_token_file: Option<PathBuf>,

    /// Certificates to trust besides the system's
    #[arg(long, value_name = "PEM", help_heading = "Where to")]
    pub(crate) ca_cert: Option<PathBuf>,
}

// How long to wait for what.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct PaceArgs {
    /// How long a whole attempt may take [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = parse_timeout, help_heading = "Where to")]
    pub(crate) timeout: Option<Duration>,

    /// The pause between two requests that revoke, check or change something [default: 1s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, help_heading = "Where to")]
    pub(crate) min_interval: Option<Duration>,
}

// What a ledger that machines share needs besides.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SharedLedgerArgs {
    #[arg(long = "key", value_name = "FILE", help_heading = "Where to", help = key_help())]
    pub(crate) key_files: Vec<PathBuf>,

    /// The public key to seal to, and no other: where the ledger names another one, nothing is queued
    #[arg(long, value_name = "FILE.pub", help_heading = "Where to")]
    pub(crate) seal_to: Option<PathBuf>,

    #[arg(long, value_name = "NAME", help_heading = "Where to", help = egress_help())]
    pub(crate) egress: Option<Egress>,
}

// How to get there.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct TransportArgs {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,

    #[command(flatten)]
    pub(crate) pace: PaceArgs,

    #[command(flatten)]
    pub(crate) shared: SharedLedgerArgs,
}

impl ConnectionArgs {
    /// These flags as an input of the settings.
    pub(crate) fn options(&self) -> ConnectionOptions {
        ConnectionOptions {
            host: self.host.clone(),
            api_url: self.api_url.clone(),
            ledger: self.ledger.clone(),
            auth_token_file: self.auth_token_file.clone(),
            ca_cert: self.ca_cert.clone(),
            ..ConnectionOptions::default()
        }
    }
}

impl PaceArgs {
    /// These flags, and others, as an input of the settings.
    pub(crate) fn with(&self, others: ConnectionOptions) -> ConnectionOptions {
        ConnectionOptions { timeout: self.timeout, min_interval: self.min_interval, ..others }
    }
}

impl TransportArgs {
    /// These flags as an input of the settings.
    pub(crate) fn options(&self) -> ConnectionOptions {
        let SharedLedgerArgs { key_files, seal_to, egress } = &self.shared;
        ConnectionOptions {
            key_files: key_files.clone(),
            seal_to: seal_to.clone(),
            egress: egress.clone(),
            ..self.pace.with(self.connection.options())
        }
    }
}

/// No request can be answered in no time.
fn parse_timeout(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(timeout) if timeout.is_zero() => Err("no answer comes in no time at all".to_owned()),
        Ok(timeout) => Ok(timeout),
        Err(error) => Err(error.to_string()),
    }
}
