//! From an address to what a connection needs: hosts, user, password, TLS, and how long to wait for whom.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use postgres::Config;
use postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::passfile;
use crate::ledger::address::PostgresAddress;
use crate::ledger::error::LedgerError;

/// How long to wait for a server to take a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// How long data may stay unacknowledged until a connection counts as dead: the server's host is gone, or the way to it.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

/// What a connection needs.
pub(super) struct Settings {
    /// For the client.
    pub(super) config: Config,
    /// Certificates to trust besides the system's.
    pub(super) ca_cert: Option<PathBuf>,
}

/// Reads an address: a URL as libpq has it
/// (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>).
pub(super) fn settings(address: &PostgresAddress) -> Result<Settings, LedgerError> {
    let bad = |detail: String| LedgerError::Backend { ledger: address.url.clone(), detail };
    let (url, tls) = split_tls(&address.url);
    let mut config = Config::from_str(&url).map_err(|error| bad(super::error::text_of(&error)))?;
    // In whatever way it is written.
    if config.get_password().is_some() {
        return Err(LedgerError::PasswordInAddress { scheme: "postgres".to_owned() });
    }
    if config.get_user().is_none() {
        return Err(bad("the address names no user; say postgres://USER@HOST/DB".to_owned()));
    }
    if config.get_hosts().is_empty() {
        return Err(bad("the address names no host; say postgres://USER@HOST/DB".to_owned()));
    }
    let local = config.get_hosts().iter().all(is_local);
    config.ssl_mode(match tls.mode.as_deref() {
        Some("disable") => SslMode::Disable,
        // What is encrypted is verified, too: there is no mode that encrypts for whoever listens.
        Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
        Some("allow" | "prefer") => SslMode::Prefer,
        Some(other) => return Err(bad(format!("sslmode={other} is not known"))),
        None if local => SslMode::Disable,
        None => SslMode::Require,
    });
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(address.access.patience.map_or(CONNECT, |patience| CONNECT.min(patience)));
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(TCP_USER_TIMEOUT);
    }
    config
        .keepalives_idle(Duration::from_secs(5))
        .keepalives_interval(Duration::from_secs(2))
        .keepalives_retries(3);
    if !url.contains("target_session_attrs=") && config.get_hosts().len() > 1 {
        // Of several hosts, the one that takes writes: a standby that was promoted, after its primary is gone.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    if config.get_application_name().is_none() {
        config.application_name("stanch");
    }
    set_password(&mut config, address)?;
    Ok(Settings { config, ca_cert: tls.root.or_else(|| address.access.ca_cert.clone()) })
}

/// What an address says of TLS, which the client does not read itself.
#[derive(Default)]
struct Tls {
    mode: Option<String>,
    root: Option<PathBuf>,
}

fn split_tls(url: &str) -> (String, Tls) {
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), Tls::default()) };
    let (mut tls, mut rest) = (Tls::default(), Vec::new());
    for parameter in query.split('&') {
        match parameter.split_once('=') {
            Some(("sslmode", mode)) => tls.mode = Some(mode.to_owned()),
            Some(("sslrootcert", path)) => tls.root = Some(PathBuf::from(path.replace("%2F", "/"))),
            _ => rest.push(parameter),
        }
    }
    let query = rest.join("&");
    (if query.is_empty() { base.to_owned() } else { format!("{base}?{query}") }, tls)
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// The password that was given for it, else that of the passfile.
fn set_password(config: &mut Config, address: &PostgresAddress) -> Result<(), LedgerError> {
    if let Some(secret) = &address.access.secret {
        config.password(secret.text());
        return Ok(());
    }
    let Some(path) = &address.access.passfile else { return Ok(()) };
    let user = config.get_user().unwrap_or_default().to_owned();
    let database = config.get_dbname().unwrap_or(&user).to_owned();
    let names: Vec<String> = config.get_hosts().iter().map(host_name).collect();
    let ports = config.get_ports().to_vec();
    for (index, host) in names.iter().enumerate() {
        let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
        let wanted = passfile::Wanted { host, port, database: &database, user: &user };
        if let Some(password) = passfile::find(Path::new(path), &wanted)? {
            config.password(password.as_bytes());
            return Ok(());
        }
    }
    Ok(())
}

/// As a passfile names it.
fn host_name(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        // "localhost" stands for the sockets, too (<https://www.postgresql.org/docs/current/libpq-pgpass.html>).
        #[cfg(unix)]
        Host::Unix(_) => "localhost".to_owned(),
    }
}
