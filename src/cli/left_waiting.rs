//! What waits in a ledger after a run, at any host, and the command that sends it.

use std::collections::{BTreeMap, HashMap};

use super::connection::host_name;
use super::console::{Console, count};
use super::error::StillWaiting;
use crate::ledger::{self, Ledger, LedgerAddress, LedgerError};
use crate::provider::github::host::Host;
use crate::settings::ConnectionSettings;
use crate::text::printable;
use crate::token::Kind;

/// Tokens that wait at one host.
#[derive(Clone, Debug)]
pub(super) struct LeftWaiting {
    /// The base of its API.
    pub(super) host: String,
    pub(super) tokens: u64,
    /// How many of each kind.
    pub(super) kinds: BTreeMap<Kind, u64>,
    /// What sends them.
    command: String,
}

impl LeftWaiting {
    /// What waits at each host of a ledger.
    pub(super) fn read(
        ledger: &dyn Ledger,
        connection: &ConnectionSettings,
    ) -> Result<Vec<Self>, LedgerError> {
        let mut left = Vec::new();
        for entry in ledger.hosts()? {
            let kinds = ledger.waiting(&entry.host)?;
            let tokens = kinds.values().sum();
            if tokens > 0 {
                let command = resume_command(connection, &entry.host);
                left.push(LeftWaiting { host: entry.host, tokens, kinds, command });
            }
        }
        Ok(left)
    }

    /// The same, but for so many at each host that a run which is not dry would take out of the queue.
    pub(super) fn without(mut left: Vec<Self>, kept_back: &HashMap<String, u64>) -> Vec<Self> {
        for waiting in &mut left {
            let kept_back = kept_back.get(&waiting.host).copied().unwrap_or_default();
            waiting.tokens = waiting.tokens.saturating_sub(kept_back);
        }
        left.retain(|waiting| waiting.tokens > 0);
        left
    }

    /// Says how many wait, where, and what sends them.
    pub(super) fn print(&self, console: &Console) {
        let (host, wait) =
            (printable(&host_name(&self.host)), if self.tokens == 1 { "waits" } else { "wait" });
        let LeftWaiting { tokens, command, .. } = self;
        console.warn(&format!(
            "{} {wait} for {host}: `{command}` sends what waits there",
            count(*tokens, "token")
        ));
    }
}

/// The error of a run that was refused before it looked at anything; where it can still be read that tokens wait in the
/// ledger, with their number.
pub(super) fn refused(error: anyhow::Error, connection: &ConnectionSettings) -> anyhow::Error {
    let left = ledger::open_existing(&connection.ledger).ok().flatten();
    let left = left.and_then(|ledger| LeftWaiting::read(ledger.as_ref(), connection).ok());
    match left.iter().flatten().map(|left| left.tokens).sum() {
        0 => error,
        tokens => StillWaiting { tokens, source: error }.into(),
    }
}

/// The whole command that goes on with what waits at the API base `base`: for the same ledger, and with the files that the
/// connection names.
pub(super) fn resume_command(connection: &ConnectionSettings, base: &str) -> String {
    let mut command = String::from("stanch resume");
    let mut add = |flag: &str, value: &str| command = format!("{command} {flag} {}", quoted(value));
    let same = connection.host.api_base() == base;
    let host = if same { Some(connection.host.clone()) } else { Host::parse(base).ok() };
    match host.as_ref().map(|host| (host, host.given())) {
        // What needs no name: a run without one goes to every host.
        Some((host, _)) if *host == Host::github_com() => {}
        Some((_, name)) if !name.contains("://") => add("--host", &name),
        _ => {
            if let Some(host) = host.filter(|host| Host::parse(base).as_ref() != Ok(host)) {
                add("--host", host.label());
            }
            add("--api-url", base);
        }
    }
    if LedgerAddress::choose(None::<&str>).ok().as_ref() != Some(&connection.ledger) {
        add("--ledger", &connection.ledger.to_string());
    }
    if let LedgerAddress::Postgres(address) = &connection.ledger {
        address.access.key_files.iter().for_each(|key| add("--key", &key.display().to_string()));
    }
    if let Some(egress) = &connection.egress {
        add("--egress", egress.as_str());
    }
    let files = [("--ca-cert", &connection.ca_cert), ("--auth-token-file", &connection.auth_token_file)];
    for (flag, file) in files {
        if let Some(file) = file {
            add(flag, &file.display().to_string());
        }
    }
    command
}

/// A word as a shell takes it (POSIX, section 2.2.2: nothing is special within single quotes).
fn quoted(word: &str) -> String {
    let word = printable(word);
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{ConnectionOptions, Env};

    fn connection(options: &ConnectionOptions) -> ConnectionSettings {
        let nothing = ConnectionOptions::default();
        ConnectionSettings::resolve(options, &Env::default(), &nothing).expect("good settings")
    }

    #[test]
    fn the_command_names_what_it_needs() {
        let bare = connection(&ConnectionOptions::default());
        for (base, command) in [
            ("https://api.github.com", "stanch resume"),
            ("https://api.octo.ghe.com", "stanch resume --host octo.ghe.com"),
            ("https://ghes.example/api/v3", "stanch resume --host ghes.example"),
            ("http://127.0.0.1:8080", "stanch resume --api-url http://127.0.0.1:8080"),
            ("https://gw.example/a/api/v3", "stanch resume --api-url https://gw.example/a/api/v3"),
        ] {
            assert_eq!(resume_command(&bare, base), command, "{base}");
        }
        let full = connection(&ConnectionOptions {
            host: Some("ghes.example".to_owned()),
            api_url: Some("https://gw.example/x".to_owned()),
            ledger: Some("my ledger.db".into()),
            ca_cert: Some("ca.pem".into()),
            ..ConnectionOptions::default()
        });
        assert_eq!(
            resume_command(&full, "https://gw.example/x"),
            "stanch resume --host ghes.example --api-url https://gw.example/x --ledger 'my ledger.db' --ca-cert ca.pem"
        );
        let shared = connection(&ConnectionOptions {
            ledger: Some("postgres://stanch@db.example/l".into()),
            key_files: vec!["fleet.key".into()],
            egress: "nat-1".parse().ok(),
            ..ConnectionOptions::default()
        });
        assert_eq!(
            resume_command(&shared, "https://api.github.com"),
            "stanch resume --ledger postgres://stanch@db.example/l --key fleet.key --egress nat-1"
        );
    }

    #[test]
    fn a_word_survives_the_shell() {
        assert_eq!(quoted("/a/b.db"), "/a/b.db");
        assert_eq!(quoted("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
