//! The user's own configuration file: what flags default to, rules and allowlists of their own, and how they revoke.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use serde::Deserialize;

use super::connection_options::ConnectionOptions;
use super::revoke::RevokeOptions;
use super::schema::{BadConfig, ConfigText, NO_TEXT, USER};
use super::values;
use crate::finding::Confidence;
use crate::report::Format;
use crate::rule::{Bounds, CustomRule, RawCustomRule};
use crate::source::unpack::Limits;
use crate::suppress::{Allowlist, RawAllowlist};
use crate::text::unicode;

/// The user's configuration; a key that the file does not have is `None`.
#[derive(Debug, Default)]
pub struct UserConfig {
    /// `--format`.
    pub format: Option<Format>,
    /// `--threads`.
    pub threads: Option<usize>,
    /// Added to every `--exclude`.
    pub exclude: Vec<String>,
    /// `--min-confidence`.
    pub min_confidence: Option<Confidence>,
    /// `--max-file-size`, in bytes.
    pub max_file_size: Option<u64>,
    /// `--max-archive-depth`.
    pub max_archive_depth: Option<u32>,
    /// `--max-decode-depth`.
    pub max_decode_depth: Option<u32>,
    /// How far containers are opened.
    pub limits: Limits,
    /// Which host is spoken to, and how.
    pub connection: ConnectionOptions,
    /// Which tokens are revoked.
    pub revoke: RevokeOptions,
    /// Rules of the user's own.
    pub rules: Vec<CustomRule>,
    /// The user's allowlists.
    pub allowlists: Vec<Allowlist>,
}

/// The keys of the file that are not about revocation.
#[derive(Deserialize)]
struct Raw {
    #[serde(default, deserialize_with = "values::format")]
    format: Option<Format>,
    threads: Option<usize>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default, deserialize_with = "values::confidence")]
    min_confidence: Option<Confidence>,
    #[serde(default, deserialize_with = "values::size")]
    max_file_size: Option<u64>,
    max_archive_depth: Option<u32>,
    max_decode_depth: Option<u32>,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    rules: Vec<RawCustomRule>,
    #[serde(default)]
    allowlists: Vec<RawAllowlist>,
}

impl UserConfig {
    /// Reads the file that was named, or else the usual one, which need not exist. `redact` takes tokens out of what an
    /// error quotes.
    pub fn load(named: Option<&Path>, redact: &dyn Fn(&str) -> String) -> Result<Self, BadConfig> {
        let Some(file) = named.map(Path::to_owned).or_else(default_path) else {
            return Ok(UserConfig::default());
        };
        match fs::read(&file) {
            Ok(bytes) => match unicode(&bytes) {
                Some(text) => UserConfig::parse(&file, &text, redact),
                None => Err(BadConfig { file, line: None, problem: NO_TEXT.to_owned() }),
            },
            Err(error) if named.is_none() && is_absent(&file, &error) => Ok(UserConfig::default()),
            Err(error) => Err(BadConfig {
                file,
                line: None,
                problem: format!("the configuration cannot be read: {error}"),
            }),
        }
    }

    /// Parses the user's file. `redact` takes tokens out of what an error quotes.
    pub fn parse(file: &Path, text: &str, redact: &dyn Fn(&str) -> String) -> Result<Self, BadConfig> {
        let config = ConfigText { file, text, redact };
        let raw: Raw = config.parse(&USER)?;
        let connection: ConnectionOptions = config.parse(&USER)?;
        let revoke: RevokeOptions = config.parse(&USER)?;
        let rules = CustomRule::compile_all(raw.rules, None, &Bounds::USER)
            .map_err(|error| config.error_in_table("rules", &error.to_string()))?;
        let allowlists = Allowlist::compile_all(raw.allowlists, redact, &Bounds::USER)
            .map_err(|error| config.error_in_table("allowlists", &error.to_string()))?;
        let directory = file.parent().unwrap_or(Path::new(""));
        Ok(UserConfig {
            format: raw.format,
            threads: raw.threads,
            exclude: raw.exclude,
            min_confidence: raw.min_confidence,
            max_file_size: raw.max_file_size,
            max_archive_depth: raw.max_archive_depth,
            max_decode_depth: raw.max_decode_depth,
            limits: raw.limits,
            connection: connection.map_paths(&|path| resolve(directory, path)),
            revoke,
            rules,
            allowlists,
        })
    }
}

/// Whether there is no such file for this user, as far as can be seen: a home that is no directory, or that is somebody
/// else's and may not be entered (`su`, a container whose image sets HOME), holds no configuration. A file that is there and
/// cannot be read does.
fn is_absent(file: &Path, error: &io::Error) -> bool {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => true,
        io::ErrorKind::PermissionDenied => fs::symlink_metadata(file).is_err(),
        _ => false,
    }
}

/// `$XDG_CONFIG_HOME/stanch`; none where the user has no home.
pub fn user_config_dir() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.config_dir().join("stanch"))
}

fn default_path() -> Option<PathBuf> {
    Some(user_config_dir()?.join("config.toml"))
}

/// A path in a configuration file: `~/` is the home directory, and a relative path starts at the file's directory.
fn resolve(directory: &Path, path: &Path) -> PathBuf {
    let home = path.strip_prefix("~").ok().zip(etcetera::home_dir().ok());
    match home {
        Some((rest, home)) => home.join(rest),
        None => directory.join(path),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn parse(text: &str) -> Result<UserConfig, String> {
        UserConfig::parse(Path::new("/etc/stanch/config.toml"), text, &str::to_owned)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_key_is_read() {
        let config = parse(
            "format = 'sarif'\nthreads = 2\nexclude = ['a']\nmin_confidence = 'certain'\nmax_file_size = '10M'\n\
             max_archive_depth = 1\nmax_decode_depth = 0\nhost = 'ghe.example'\napi_url = 'http://127.0.0.1:1'\n\
             ca_cert = 'ca.pem'\nledger = '/var/ledger.db'\ntimeout = 5\nmin_interval = '250ms'\n\
             auth_token_file = 'token'\nkey = ['old.key']\nseal_to = 'new.pub'\n\
             ledger_password_file = 'pw'\nintake_token_file = 'intake'\negress = 'nat-1'\nrevoke_confidence = 'likely'\nmax_revoke = 7\nenqueue_only = true\n[limits]\nmax_entries = 9\n\
             [[allowlists]]\npaths = ['x']\n[[rules]]\nid = 'r'\nregex = 'k_x'\nkeywords = ['k_']\npositive = ['k_x']\n",
        )
        .expect("a good file");
        assert_eq!(
            (config.format, config.threads, config.max_file_size),
            (Some(Format::Sarif), Some(2), Some(10 << 20))
        );
        assert_eq!((config.min_confidence, config.max_archive_depth), (Some(Confidence::Certain), Some(1)));
        assert_eq!((config.rules.len(), config.allowlists.len(), config.exclude.len()), (1, 1, 1));
        let (connection, revoke) = (config.connection, config.revoke);
        assert_eq!(connection.ca_cert.as_deref(), Some(Path::new("/etc/stanch/ca.pem")));
        assert_eq!(connection.ledger.as_deref(), Some(Path::new("/var/ledger.db")));
        let beside = |name: &str| Some(Path::new("/etc/stanch").join(name));
        assert_eq!(connection.key_files.first().cloned(), beside("old.key"));
        assert_eq!(
            (&connection.seal_to, &connection.ledger_password_file),
            (&beside("new.pub"), &beside("pw"))
        );
        assert_eq!(connection.intake_token_file, beside("intake"));
        assert_eq!(connection.egress.map(|egress| egress.to_string()).as_deref(), Some("nat-1"));
        assert_eq!((connection.timeout, revoke.max_revoke), (Some(Duration::from_secs(5)), Some(7)));
        assert_eq!(revoke.enqueue_only, Some(true));
        assert_eq!(connection.min_interval, Some(Duration::from_millis(250)));
        assert_eq!(config.limits, Limits { max_entries: 9, ..Limits::default() });
        let every_key = USER.keys.len();
        assert_eq!(every_key, 25, "a new key belongs into this test");
    }

    #[test]
    fn a_bad_value_is_reported_with_its_line() {
        for (text, expected) in [
            ("threads = 'two'", ":1: invalid type"),
            ("\nformat = 'xml'", ":2: `xml` is none of pretty"),
            ("min_confidence = 'sure'", "none of certain, likely, lookalike"),
            ("max_file_size = '10x'", "is not a size"),
            ("egress = 'a b'", ":1: the name of an egress"),
            ("min_interval = '-1s'", "is not a length of time"),
            ("max-file-size = 1", "did you mean `max_file_size`?"),
            ("[[rules]]\nid = 'r'\nregx = ''", ":3: unknown key `regx`: did you mean `regex`?"),
            ("threads = 1\n[[allowlists]]\n", ":2: allowlist number 1"),
            ("threads = 1\n[[rules]]\nid = 'a b'\nregex = 'x'", ":2: rule `a b`"),
        ] {
            let error = parse(text).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        }
    }
}
