//! Which host a run speaks to, how it gets there, and where its ledger is: flags over environment over the user's file.

use std::path::PathBuf;
use std::time::Duration;

use super::connection_options::ConnectionOptions;
use super::env::{self, Env};
use super::ledger::{self, BadLedgerAccess};
use crate::ledger::LedgerAddress;
use crate::provider::github::host::{Host, HostChoice, HostError};
use crate::provider::{BadEgress, DEFAULT_TIMEOUT, Egress};
use crate::revoke;

/// A host, the way to it, and a ledger.
#[derive(Clone, Debug)]
pub struct ConnectionSettings {
    /// The host.
    pub host: Host,
    /// Whether somebody named the host: a flag, the environment or the user's file.
    pub host_is_named: bool,
    /// The ledger's address.
    pub ledger: LedgerAddress,
    /// Which of several addresses requests without a credential leave from.
    pub egress: Option<Egress>,
    /// The file with the user's own credential; without one, the environment is searched.
    pub auth_token_file: Option<PathBuf>,
    /// Certificates to trust besides the system's.
    pub ca_cert: Option<PathBuf>,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// The pause between the beginnings of two requests.
    pub min_interval: Duration,
}

/// Connection settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadConnection {
    /// The host's name, or its URL.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The ledger's address, or the way into it.
    #[error(transparent)]
    Ledger(#[from] BadLedgerAccess),
    /// The name of an egress in the environment.
    #[error("{variable} cannot be used: {problem}")]
    Egress {
        /// The variable.
        variable: &'static str,
        /// What is wrong with it.
        problem: BadEgress,
    },
}

impl ConnectionSettings {
    /// Merges flags, environment and the user's file. A host and its address belong together: where a flag or the
    /// environment sets either, the user's file sets neither.
    pub fn resolve(
        flags: &ConnectionOptions,
        env: &Env,
        user: &ConnectionOptions,
    ) -> Result<Self, BadConnection> {
        let host_is_overridden = flags.host.is_some()
            || flags.api_url.is_some()
            || env.is_set(env::GH_HOST)
            || env.is_set(env::GITHUB_SERVER_URL);
        let choice = HostChoice {
            host: flags.host.clone().or_else(|| user.host.clone().filter(|_| !host_is_overridden)),
            api_url: flags.api_url.clone().or_else(|| user.api_url.clone().filter(|_| !host_is_overridden)),
            gh_host: env.text(env::GH_HOST),
            server_url: env.text(env::GITHUB_SERVER_URL),
        };
        let host_is_named = [&choice.host, &choice.api_url, &choice.gh_host, &choice.server_url]
            .into_iter()
            .any(Option::is_some);
        let host = Host::choose(&choice)?;
        let user_token_file = || user.auth_token_file.clone().filter(|_| !env.is_set(env::AUTH_TOKEN));
        Ok(ConnectionSettings {
            host,
            host_is_named,
            ledger: ledger::address(flags, env, user)?,
            egress: egress(flags, env, user)?,
            auth_token_file: flags.auth_token_file.clone().or_else(user_token_file),
            ca_cert: flags.ca_cert.clone().or_else(|| user.ca_cert.clone()),
            timeout: flags.timeout.or(user.timeout).unwrap_or(DEFAULT_TIMEOUT),
            min_interval: flags
                .min_interval
                .or(user.min_interval)
                .unwrap_or(revoke::Options::default().min_interval),
        })
    }
}

fn egress(
    flags: &ConnectionOptions,
    env: &Env,
    user: &ConnectionOptions,
) -> Result<Option<Egress>, BadConnection> {
    let variable = || env.text(env::EGRESS).map(|name| name.parse()).transpose();
    let named = match &flags.egress {
        Some(egress) => Some(egress.clone()),
        None => {
            variable().map_err(|problem| BadConnection::Egress { variable: env::EGRESS.name, problem })?
        }
    };
    Ok(named.or_else(|| user.egress.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(flags: &ConnectionOptions, env: &[(&str, &str)], user: &ConnectionOptions) -> (String, bool) {
        let env: Env = env.iter().copied().collect();
        let settings = ConnectionSettings::resolve(flags, &env, user).expect("good settings");
        (settings.host.label().to_owned(), settings.host_is_named)
    }

    #[test]
    fn flags_go_before_the_environment_before_the_users_file() {
        let named = |name: &str| ConnectionOptions {
            host: Some(name.to_owned()),
            ledger: Some(format!("{name}.db").into()),
            ..ConnectionOptions::default()
        };
        let (nothing, user) = (ConnectionOptions::default(), named("user.example"));
        let env = [("GH_HOST", "env.example"), ("STANCH_LEDGER", "env.db")];
        assert_eq!(host(&named("flag.example"), &env, &user).0, "flag.example");
        assert_eq!(host(&nothing, &env, &user).0, "env.example");
        assert_eq!(host(&nothing, &[("GH_HOST", "")], &user).0, "user.example");
        assert_eq!(host(&nothing, &[], &nothing), ("github.com".to_owned(), false));
        let env: Env = env.into_iter().collect();
        let path = |flag: Option<&str>, env: &Env| {
            let flags = ConnectionOptions { ledger: flag.map(Into::into), ..ConnectionOptions::default() };
            ledger::address(&flags, env, &user).expect("an address").to_string()
        };
        assert_eq!(path(Some("flag.db"), &env), "flag.db");
        assert_eq!(path(None, &env), "env.db");
        assert_eq!(path(None, &Env::default()), "user.example.db");
    }

    #[test]
    fn a_credential_in_the_environment_goes_before_the_users_file() {
        let user = ConnectionOptions { auth_token_file: Some("t".into()), ..ConnectionOptions::default() };
        let file = |env: Env| {
            let settings = ConnectionSettings::resolve(&ConnectionOptions::default(), &env, &user);
            settings.expect("good settings").auth_token_file
        };
        assert_eq!(file(Env::default()), Some("t".into()));
        assert_eq!(file(Env::from_iter([("STANCH_AUTH_TOKEN", "x")])), None);
    }
}
