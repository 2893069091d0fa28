//! What flags, or the user's file, say of a host, the way to it, and a ledger.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::values;
use crate::ledger::LedgerAddress;
use crate::provider::Egress;

/// The options of the command line, or those of the user's file: the same ones, all of them optional.
///
/// A scanned tree's file has none of them.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ConnectionOptions {
    /// `--host`.
    pub host: Option<String>,
    /// `--api-url`.
    pub api_url: Option<String>,
    /// `--ledger`.
    pub ledger: Option<PathBuf>,
    /// `--key`.
    #[serde(default, rename = "key")]
    pub key_files: Vec<PathBuf>,
    /// `--seal-to`.
    pub seal_to: Option<PathBuf>,
    /// The password of a ledger in a database; no flag has it.
    pub ledger_password_file: Option<PathBuf>,
    /// The bearer token for an intake; no flag has it.
    pub intake_token_file: Option<PathBuf>,
    /// `--egress`.
    #[serde(default, deserialize_with = "values::egress")]
    pub egress: Option<Egress>,
    /// `--auth-token-file`.
    pub auth_token_file: Option<PathBuf>,
    /// `--ca-cert`.
    pub ca_cert: Option<PathBuf>,
    /// `--timeout`.
    #[serde(default, deserialize_with = "values::seconds")]
    pub timeout: Option<Duration>,
    /// `--min-interval`.
    #[serde(default, deserialize_with = "values::duration")]
    pub min_interval: Option<Duration>,
}

impl ConnectionOptions {
    /// The same, with every path mapped by `map`.
    #[must_use]
    pub(super) fn map_paths(self, map: &dyn Fn(&Path) -> PathBuf) -> Self {
        let each = |paths: Vec<PathBuf>| paths.iter().map(|path| map(path)).collect();
        let ledger = self.ledger.map(|given| match LedgerAddress::parse(given.as_os_str()) {
            Ok(LedgerAddress::Sqlite(path)) => map(&path),
            // A URL is no path; one that cannot be used says so itself.
            _ => given,
        });
        let map = |path: Option<PathBuf>| path.as_deref().map(map);
        ConnectionOptions {
            ledger,
            key_files: each(self.key_files),
            seal_to: map(self.seal_to),
            ledger_password_file: map(self.ledger_password_file),
            intake_token_file: map(self.intake_token_file),
            auth_token_file: map(self.auth_token_file),
            ca_cert: map(self.ca_cert),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_no_path() {
        let mapped = |ledger: &str| {
            let options = ConnectionOptions { ledger: Some(ledger.into()), ..ConnectionOptions::default() };
            options.map_paths(&|path| Path::new("/etc/stanch").join(path)).ledger.expect("it was named")
        };
        assert_eq!(mapped("ledger.db"), PathBuf::from("/etc/stanch/ledger.db"));
        assert_eq!(mapped("sqlite:ledger.db"), PathBuf::from("/etc/stanch/ledger.db"));
        for url in ["postgres://stanch@db.example.test/l", "https://intake.example.test", "redis://odd"] {
            assert_eq!(mapped(url), PathBuf::from(url));
        }
    }
}
