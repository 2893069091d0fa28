//! The user's own configuration: what flags default to, rules and allowlists of their own, and how they revoke.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::BaseStrategy as _;
use serde::{Deserialize, Deserializer};

use super::strict::{BadConfig, Shape, Source};
use super::{parse_duration, parse_size};
use crate::finding::Confidence;
use crate::report::Format;
use crate::rule::{CustomRule, RawCustomRule};
use crate::source::unpack::Limits;
use crate::suppress::{Allowlist, RawAllowlist};

/// The keys of one `[[rules]]`.
pub(super) const RULE: Shape = Shape {
    keys: &[
        ("id", None),
        ("description", None),
        ("regex", None),
        ("keywords", None),
        ("entropy", None),
        ("secret_group", None),
        ("positive", None),
        ("negative", None),
    ],
    elsewhere: None,
};

/// The keys of one `[[allowlists]]`.
pub(super) const ALLOWLIST: Shape = Shape {
    keys: &[("description", None), ("paths", None), ("regexes", None), ("sha256", None), ("commits", None)],
    elsewhere: None,
};

/// The keys of `[limits]`: how far containers are opened.
const LIMITS: Shape = Shape {
    keys: &[
        ("max_expansion", None),
        ("max_ratio", None),
        ("ratio_after", None),
        ("max_entries", None),
        ("max_seconds", None),
        ("max_memory", None),
    ],
    elsewhere: None,
};

/// The keys of the user's file: the long names of the flags whose defaults they are, and the tables of a project's file.
pub(super) const USER: Shape = Shape {
    keys: &[
        ("format", None),
        ("threads", None),
        ("exclude", None),
        ("min_confidence", None),
        ("max_file_size", None),
        ("max_archive_depth", None),
        ("max_decode_depth", None),
        ("host", None),
        ("api_url", None),
        ("ca_cert", None),
        ("ledger", None),
        ("auth_token_file", None),
        ("timeout", None),
        ("min_interval", None),
        ("revoke_confidence", None),
        ("max_revoke", None),
        ("limits", Some(&LIMITS)),
        ("rules", Some(&RULE)),
        ("allowlists", Some(&ALLOWLIST)),
    ],
    elsewhere: None,
};

/// The user's configuration; what it does not say is `None`.
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
    /// Where and how tokens are revoked.
    pub revoke: RevokeConfig,
    /// Rules of the user's own.
    pub rules: Vec<CustomRule>,
    /// The user's allowlists.
    pub allowlists: Vec<Allowlist>,
}

/// What the flags of revocation default to. Only the user's own file may say any of this.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RevokeConfig {
    /// `--host`.
    pub host: Option<String>,
    /// `--api-url`.
    pub api_url: Option<String>,
    /// `--ca-cert`; a relative path starts at the file's folder.
    pub ca_cert: Option<PathBuf>,
    /// `--ledger`; likewise.
    pub ledger: Option<PathBuf>,
    /// `--auth-token-file`; likewise.
    pub auth_token_file: Option<PathBuf>,
    /// `--timeout`.
    #[serde(default, deserialize_with = "seconds")]
    pub timeout: Option<Duration>,
    /// `--min-interval`.
    #[serde(default, deserialize_with = "duration")]
    pub min_interval: Option<Duration>,
    /// `--revoke-confidence`.
    #[serde(default, deserialize_with = "confidence")]
    pub revoke_confidence: Option<Confidence>,
    /// `--max-revoke`.
    pub max_revoke: Option<u64>,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default, deserialize_with = "format")]
    format: Option<Format>,
    threads: Option<usize>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default, deserialize_with = "confidence")]
    min_confidence: Option<Confidence>,
    #[serde(default, deserialize_with = "size")]
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
    /// Reads the file that was named, or else the one that is looked for. `redact` takes tokens out of what an error
    /// quotes.
    pub fn load(named: Option<&Path>, redact: &dyn Fn(&str) -> String) -> Result<Self, BadConfig> {
        let Some(file) = named.map(Path::to_owned).or_else(default_path) else {
            return Ok(UserConfig::default());
        };
        match fs::read_to_string(&file) {
            Ok(text) => UserConfig::parse(&file, &text, redact),
            Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => {
                Ok(UserConfig::default())
            }
            Err(error) => Err(BadConfig {
                file,
                line: None,
                problem: format!("the configuration cannot be read: {error}"),
            }),
        }
    }

    /// Reads the user's file. `redact` takes tokens out of what an error quotes.
    pub fn parse(file: &Path, text: &str, redact: &dyn Fn(&str) -> String) -> Result<Self, BadConfig> {
        let source = Source { file, text, redact };
        let raw: Raw = source.read(&USER)?;
        let mut revoke: RevokeConfig = source.read(&USER)?;
        let table = |name| super::project::table_start(text, name);
        let rules = CustomRule::compile_all(raw.rules, None)
            .map_err(|error| source.bad(table("rules"), &error.to_string()))?;
        let allowlists = Allowlist::compile_all(raw.allowlists, redact)
            .map_err(|error| source.bad(table("allowlists"), &error.to_string()))?;
        let folder = file.parent().unwrap_or(Path::new(""));
        for path in
            [&mut revoke.ca_cert, &mut revoke.ledger, &mut revoke.auth_token_file].into_iter().flatten()
        {
            *path = resolve(folder, path);
        }
        Ok(UserConfig {
            format: raw.format,
            threads: raw.threads,
            exclude: raw.exclude,
            min_confidence: raw.min_confidence,
            max_file_size: raw.max_file_size,
            max_archive_depth: raw.max_archive_depth,
            max_decode_depth: raw.max_decode_depth,
            limits: raw.limits,
            revoke,
            rules,
            allowlists,
        })
    }
}

/// `$XDG_CONFIG_HOME/stanch`; none where the user has no home.
pub fn user_folder() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.config_dir().join("stanch"))
}

fn default_path() -> Option<PathBuf> {
    Some(user_folder()?.join("config.toml"))
}

/// A path as a configuration file means it: `~/` is home, and a relative one starts at the file's folder.
fn resolve(folder: &Path, path: &Path) -> PathBuf {
    let home = path.strip_prefix("~").ok().zip(etcetera::home_dir().ok());
    match home {
        Some((rest, home)) => home.join(rest),
        None => folder.join(path),
    }
}

fn format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Format>, D::Error> {
    word(deserializer, &|text| Format::from_name(text).ok_or_else(Format::names))
}

fn confidence<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Confidence>, D::Error> {
    let all = [Confidence::Certain, Confidence::Likely, Confidence::Lookalike];
    word(deserializer, &|text| {
        all.into_iter()
            .find(|level| level.as_str() == text)
            .ok_or_else(|| all.map(Confidence::as_str).join(", "))
    })
}

/// One of some words; `read` gives those to choose from where it is none.
fn word<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    read: &dyn Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let read = read(&text).map_err(|known| format!("`{text}` is none of {known}"));
    read.map(Some).map_err(serde::de::Error::custom)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Amount {
    Number(u64),
    Text(String),
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match Amount::deserialize(deserializer)? {
        Amount::Number(bytes) => Ok(Some(bytes)),
        Amount::Text(text) => parse_size(&text).map(Some).map_err(serde::de::Error::custom),
    }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    match Amount::deserialize(deserializer)? {
        Amount::Number(seconds) => Ok(Some(Duration::from_secs(seconds))),
        Amount::Text(text) => parse_duration(&text).map(Some).map_err(serde::de::Error::custom),
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    parse_duration(&String::deserialize(deserializer)?).map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<UserConfig, String> {
        UserConfig::parse(Path::new("/etc/stanch/config.toml"), text, &str::to_owned)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn everything_it_may_say() {
        let config = parse(
            "format = 'sarif'\nthreads = 2\nexclude = ['a']\nmin_confidence = 'certain'\nmax_file_size = '10M'\n\
             max_archive_depth = 1\nmax_decode_depth = 0\nhost = 'ghe.example'\napi_url = 'http://127.0.0.1:1'\n\
             ca_cert = 'ca.pem'\nledger = '/var/ledger.db'\ntimeout = 5\nmin_interval = '250ms'\n\
             auth_token_file = 'token'\nrevoke_confidence = 'likely'\nmax_revoke = 7\n[limits]\nmax_entries = 9\n\
             [[allowlists]]\npaths = ['x']\n[[rules]]\nid = 'r'\nregex = 'k_x'\nkeywords = ['k_']\npositive = ['k_x']\n",
        )
        .expect("a good file");
        assert_eq!(
            (config.format, config.threads, config.max_file_size),
            (Some(Format::Sarif), Some(2), Some(10 << 20))
        );
        assert_eq!((config.min_confidence, config.max_archive_depth), (Some(Confidence::Certain), Some(1)));
        assert_eq!((config.rules.len(), config.allowlists.len(), config.exclude.len()), (1, 1, 1));
        let revoke = config.revoke;
        assert_eq!(revoke.ca_cert.as_deref(), Some(Path::new("/etc/stanch/ca.pem")));
        assert_eq!(revoke.ledger.as_deref(), Some(Path::new("/var/ledger.db")));
        assert_eq!((revoke.timeout, revoke.max_revoke), (Some(Duration::from_secs(5)), Some(7)));
        assert_eq!(revoke.min_interval, Some(Duration::from_millis(250)));
        assert_eq!(config.limits, Limits { max_entries: 9, ..Limits::default() });
        let every_key = USER.keys.len();
        assert_eq!(every_key, 19, "a new key belongs into this test");
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_line() {
        for (text, told) in [
            ("threads = 'two'", ":1: invalid type"),
            ("\nformat = 'xml'", ":2: `xml` is none of pretty"),
            ("min_confidence = 'sure'", "none of certain, likely, lookalike"),
            ("max_file_size = '10x'", "is not a size"),
            ("min_interval = '-1s'", "is not a length of time"),
            ("max-file-size = 1", "did you mean `max_file_size`?"),
            ("[[rules]]\nid = 'r'\nregx = ''", ":3: unknown key `regx`: did you mean `regex`?"),
            ("threads = 1\n[[allowlists]]\n", ":2: allowlist number 1"),
            ("threads = 1\n[[rules]]\nid = 'a b'\nregex = 'x'", ":2: rule `a b`"),
        ] {
            let error = parse(text).expect_err(told);
            assert!(error.contains(told), "{error} says {told}");
        }
    }
}
