//! The address of a ledger: which backend keeps it, and where.

use std::ffi::OsStr;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use etcetera::BaseStrategy as _;
use zeroize::Zeroizing;

use super::error::LedgerError;
use crate::text::redacted;

/// Where a ledger is kept. A path, or `sqlite:PATH`, is a file; `postgres://…` is a database, `https://…` a `stanch serve`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LedgerAddress {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database that machines share.
    Postgres(Box<PostgresAddress>),
    /// The intake of a `stanch serve`: takes tokens and tells of them, and sends nothing.
    Intake(Box<IntakeAddress>),
}

/// A database: where it is, and how to get in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresAddress {
    /// As it was given, which is without a password.
    pub(super) url: String,
    /// What else is needed.
    pub access: LedgerAccess,
}

/// A `stanch serve`: where it is, and how to get in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntakeAddress {
    /// Its root, without a slash at the end.
    pub(super) url: String,
    /// What else is needed.
    pub access: LedgerAccess,
}

/// How to get into a ledger that is no file, and which keys to use: from flags, environment and the user's configuration,
/// never from the address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerAccess {
    /// The password of a database, or the bearer token of an intake.
    pub secret: Option<Secret>,
    /// A file of passwords as libpq reads it (`PGPASSFILE`).
    pub passfile: Option<PathBuf>,
    /// The private halves of the keys that tokens are sealed to: who drains has them. One, or two during a change of keys.
    pub key_files: Vec<PathBuf>,
    /// The public half that tokens may be sealed to, and no other: a runner that does not want to take the ledger's word.
    pub seal_to: Option<PathBuf>,
    /// The public half of the key that is to be the next one.
    pub new_key: Option<PathBuf>,
    /// Certificates to trust besides the system's.
    pub ca_cert: Option<PathBuf>,
    /// Where this machine keeps what it has to remember of ledgers elsewhere; the usual directory where there is none.
    pub state_dir: Option<PathBuf>,
    /// How long a server that is away is waited for when the ledger is opened; the usual time where there is none.
    pub patience: Option<Duration>,
}

/// A password, or a bearer token. Not shown, and wiped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A secret of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(Zeroizing::new(text.into()))
    }

    /// The text, for the connection alone.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl LedgerAddress {
    /// The address given by the user, else the default one.
    ///
    /// # Errors
    /// [`LedgerError::UnknownScheme`] for a URL of another kind, [`LedgerError::PasswordInAddress`] for one with a password,
    /// [`LedgerError::NoHome`] where the default has no home directory.
    pub fn choose(given: Option<impl AsRef<OsStr>>) -> Result<Self, LedgerError> {
        given.map_or_else(Self::default_file, |given| Self::parse(given.as_ref()))
    }

    /// Reads an address as it stands on the command line.
    ///
    /// # Errors
    /// [`LedgerError::UnknownScheme`] for a URL of another kind: the message names the scheme only, for the rest may hold a
    /// password. [`LedgerError::PasswordInAddress`] for one that does hold one.
    pub fn parse(address: &OsStr) -> Result<Self, LedgerError> {
        let Some(text) = address.to_str() else { return Ok(Self::Sqlite(address.into())) };
        if is_mistyped(text) {
            return Err(LedgerError::UnknownScheme { scheme: "postgres".to_owned() });
        }
        if let Some(path) = text.strip_prefix("sqlite:") {
            return Ok(Self::Sqlite(path.into()));
        }
        let Some((scheme, rest)) = text.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) else {
            return Ok(Self::Sqlite(text.into()));
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let is_database = ["postgres", "postgresql"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        // Of an intake, what stands before an `@` is a secret as far as anybody knows.
        let has_password = if is_database { has_password(rest) } else { rest.contains('@') };
        let access = LedgerAccess::default();
        match scheme.to_ascii_lowercase().as_str() {
            "postgres" | "postgresql" | "https" | "http" if has_password => {
                Err(LedgerError::PasswordInAddress { scheme: scheme.to_owned() })
            }
            "postgres" | "postgresql" => {
                Ok(Self::Postgres(Box::new(PostgresAddress { url: text.to_owned(), access })))
            }
            // Without TLS only to this machine, where a proxy or a `stanch serve` listens.
            "https" | "http" if scheme.eq_ignore_ascii_case("https") || is_loopback(authority) => {
                let url = text.trim_end_matches('/').to_owned();
                Ok(Self::Intake(Box::new(IntakeAddress { url, access })))
            }
            "http" => Err(LedgerError::PlainHttp { host: redacted(authority, usize::MAX) }),
            _ => Err(LedgerError::UnknownScheme { scheme: scheme.to_owned() }),
        }
    }

    /// The same ledger, entered in this way.
    #[must_use]
    pub fn with_access(mut self, access: LedgerAccess) -> Self {
        match &mut self {
            Self::Sqlite(_) => {}
            Self::Postgres(address) => address.access = access,
            Self::Intake(address) => address.access = access,
        }
        self
    }

    /// The same ledger, which is waited for no longer than this where it is away.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        if let Self::Postgres(address) = &mut self {
            address.access.patience = Some(patience);
        }
        self
    }

    /// Whether it is an intake, which a runner hands tokens to and which sends them.
    pub fn is_intake(&self) -> bool {
        matches!(self, Self::Intake(_))
    }

    /// Whether others have their tokens in it, too: what waits there is no single machine's.
    pub fn is_shared(&self) -> bool {
        !matches!(self, Self::Sqlite(_))
    }

    /// Whether it is the usual file of a home that this user may not enter, as after `su` or in a container whose image sets
    /// HOME: that home is somebody else's, and so is what is in it.
    pub(super) fn is_in_anothers_home(&self) -> bool {
        let Self::Sqlite(path) = self else { return false };
        let denied = |error: std::io::Error| error.kind() == std::io::ErrorKind::PermissionDenied;
        Self::default_file().is_ok_and(|usual| usual == *self)
            && std::fs::symlink_metadata(path).is_err_and(denied)
    }

    /// `stanch/ledger.db` in the user's state directory (`$XDG_STATE_HOME`, by default `~/.local/state`).
    fn default_file() -> Result<Self, LedgerError> {
        Ok(Self::Sqlite(state_dir()?.join("ledger.db")))
    }
}

impl LedgerAccess {
    /// Where this machine keeps what it has to remember of ledgers elsewhere.
    pub(super) fn state_dir(&self) -> Result<PathBuf, LedgerError> {
        self.state_dir.clone().map_or_else(state_dir, Ok)
    }
}

/// `stanch` in the user's state directory.
///
/// <https://specifications.freedesktop.org/basedir-spec/latest/>
pub fn state_dir() -> Result<PathBuf, LedgerError> {
    let home = etcetera::choose_base_strategy().map_err(|_| LedgerError::NoHome)?;
    Ok(home.state_dir().unwrap_or_else(|| home.data_dir()).join("stanch"))
}

/// The address as messages name it.
impl fmt::Display for LedgerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A path may hold whatever was typed by mistake.
            Self::Sqlite(path) => redacted(&path.display().to_string(), usize::MAX).fmt(f),
            Self::Postgres(address) => redacted(&address.url, usize::MAX).fmt(f),
            Self::Intake(address) => redacted(&address.url, usize::MAX).fmt(f),
        }
    }
}

/// Whether what follows the scheme of a database's address holds a password, which may have any character in it. The name of a
/// parameter that is written in another way than usual counts as one.
fn has_password(rest: &str) -> bool {
    let (head, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let in_user = match head.rsplit_once('@') {
        Some((user, _)) => user.contains(':'),
        None => head.contains(':') && parameters.contains('@'),
    };
    let is_password = |parameter: &str| {
        let name = parameter.split('=').next().unwrap_or_default();
        name.eq_ignore_ascii_case("password") || name.contains('%')
    };
    in_user || parameters.split('&').any(is_password)
}

/// Whether a text is meant as the address of a database and is none: taken for a path, it would be shown with its password.
fn is_mistyped(text: &str) -> bool {
    let begins = |text: &str, start: &str| {
        text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    };
    let is_url = ["postgres://", "postgresql://"].iter().any(|scheme| begins(text, scheme));
    let meant = ["postgres:", "postgresql:", "host=", "user=", "dbname="];
    !is_url && (meant.iter().any(|start| begins(text.trim_start(), start)) || text.contains("password="))
}

/// Whether the host of an authority is this machine.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => host,
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a text is a URI scheme (RFC 3986, section 3.1) of more than one letter, which is a Windows drive.
fn is_scheme(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<LedgerAddress, String> {
        LedgerAddress::parse(OsStr::new(text)).map_err(|error| error.to_string())
    }

    #[test]
    fn paths_are_files() {
        for path in
            ["ledger.db", "/var/lib/stanch/ledger.db", "a:b", "./odd://name", "c:\\ledger.db", "1://x"]
        {
            assert_eq!(parse(path), Ok(LedgerAddress::Sqlite(path.into())), "{path}");
        }
        assert_eq!(parse("sqlite:/a/b.db"), Ok(LedgerAddress::Sqlite("/a/b.db".into())));
    }

    #[test]
    fn a_url_is_a_ledger_that_machines_share() {
        for url in [
            "postgres://stanch@db.example.test/ledger",
            "https://intake.example.test",
            "http://127.0.0.1:8443",
            "http://[::1]:1",
        ] {
            let address = parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(address.to_string(), url);
            assert!(!matches!(address, LedgerAddress::Sqlite(_)), "{url}");
        }
    }

    #[test]
    fn what_may_hold_a_password_is_refused_without_it() {
        for (url, told) in [
            ("postgres://stanch:hunter2@db.example.test/ledger", "PGPASSWORD"),
            ("postgres://db.example.test/ledger?user=x&password=hunter2", "PGPASSWORD"),
            ("https://me:hunter2@intake.example.test", "STANCH_INTAKE_TOKEN"),
            ("https://hunter2@intake.example.test", "STANCH_INTAKE_TOKEN"),
            ("http://intake.example.test/hunter2", "http://intake.example.test is not this machine"),
            ("redis://:hunter2@db.example.test", "redis"),
            ("postgres://stanch:pa/hunter2@db.example.test/ledger", "PGPASSWORD"),
            ("postgres://stanch:pa?hunter2@db.example.test/ledger", "PGPASSWORD"),
            ("postgres://stanch:pa#hunter2@db.example.test/ledger", "PGPASSWORD"),
            ("postgres://db.example.test/ledger?user=x&p%61ssword=hunter2", "PGPASSWORD"),
            ("https://me:pa/hunter2@intake.example.test", "STANCH_INTAKE_TOKEN"),
            ("postgres:/stanch:hunter2@db.example.test/ledger", "postgres://USER@HOST/DB"),
            (" postgres://stanch:hunter2@db.example.test/ledger", "postgres://USER@HOST/DB"),
            ("host=db.example.test password=hunter2", "postgres://USER@HOST/DB"),
        ] {
            let message = parse(url).expect_err("no such ledger");
            assert!(message.contains(told) && !message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn the_address_given_is_the_one_displayed() -> Result<(), LedgerError> {
        assert_eq!(LedgerAddress::choose(Some("a/ledger.db"))?.to_string(), "a/ledger.db");
        Ok(())
    }
}
