//! The arguments of `stanch serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{ConsoleArgs, TransportArgs, UserConfigArgs};
use crate::settings::parse_duration;

/// How long the first token of a batch waits for others.
const COALESCE: &str = "5s";

#[derive(Args)]
#[command(after_long_help = "\
Examples:
  stanch serve                                   drain the usual ledger for as long as it runs
  stanch serve --ledger postgres://stanch@db.example.com/stanch --key /etc/stanch/ledger.key
  stanch serve --listen 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem --intake-tokens tokens
                                                 and take tokens in

The file of --intake-tokens has a bearer token, its role (enqueue, read, or enqueue,read) and, where the
trail is to have one, a name on each line. Only its owner may be able to read it. SIGHUP has it read
again, and the certificate with it.

POST /v1/tokens               a JSON object a line: {\"token\": \"…\"}, with \"confidence\", \"place\", \"host\", \"by\";
                              202 once they are committed
GET  /v1/tokens/SHA256        what became of one
GET  /v1/key                  the key that runners seal to
GET  /healthz, /readyz        need no token
GET  /metrics                 for Prometheus
GET  /v1/revocable_token_types, POST /v1/revoke_tokens      GitLab's token revocation API

Exit codes:
  0    ended by SIGTERM or SIGINT; what was acknowledged is in the ledger
  2    could not begin, or go on
  130  ended at once by a second signal")]
pub(crate) struct ServeArgs {
    /// Take tokens in at this address, as in 127.0.0.1:8440
    #[arg(long, value_name = "ADDR", requires = "intake_tokens", help_heading = "Intake")]
    pub(crate) listen: Option<SocketAddr>,

    /// Who may: a bearer token and its role a line
    #[arg(long, value_name = "FILE", requires = "listen", help_heading = "Intake")]
    pub(crate) intake_tokens: Option<PathBuf>,

    /// The certificate to show, with those that vouch for it
    #[arg(long, value_name = "PEM", requires_all = ["listen", "tls_key"], help_heading = "Intake")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// Its private key
    #[arg(long, value_name = "PEM", requires = "tls_cert", help_heading = "Intake")]
    pub(crate) tls_key: Option<PathBuf>,

    /// A proxy in front of it speaks TLS, and nobody else reaches it
    #[arg(long, requires = "listen", conflicts_with = "tls_cert", help_heading = "Intake")]
    pub(crate) behind_proxy: bool,

    /// Another host to take tokens for, and to send them to; may be given more than once
    #[arg(long, value_name = "HOST", help_heading = "Where to")]
    pub(crate) also_host: Vec<String>,

    /// Send nothing; only take tokens in
    #[arg(long, requires = "listen", help_heading = "Draining")]
    pub(crate) no_drain: bool,

    /// How long the first token of a batch waits for others while there are plenty of requests left in the hour
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = COALESCE,
        help_heading = "Draining")]
    pub(crate) coalesce: Duration,

    #[command(flatten)]
    pub(crate) transport: TransportArgs,

    #[command(flatten)]
    pub(crate) user: UserConfigArgs,

    #[command(flatten)]
    pub(crate) console: ConsoleArgs,
}
