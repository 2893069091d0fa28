//! The address of a ledger: which backend keeps it, and where.

use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;

use etcetera::BaseStrategy as _;

use super::error::LedgerError;
use crate::text::redacted;

/// Where a ledger is kept. A path, or `sqlite:PATH`, is a file; `SCHEME://…` is reserved for other backends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LedgerAddress {
    /// An SQLite file.
    Sqlite(PathBuf),
}

impl LedgerAddress {
    /// The address given by the user, else the default one.
    ///
    /// # Errors
    /// [`LedgerError::UnknownScheme`] for a URL, [`LedgerError::NoHome`] where the default has no home directory.
    pub fn choose(given: Option<impl AsRef<OsStr>>) -> Result<Self, LedgerError> {
        given.map_or_else(Self::default_file, |given| Self::parse(given.as_ref()))
    }

    /// Reads an address as it stands on the command line.
    ///
    /// # Errors
    /// [`LedgerError::UnknownScheme`] for a URL. The message names the scheme only: the rest may hold a password.
    pub fn parse(address: &OsStr) -> Result<Self, LedgerError> {
        let Some(text) = address.to_str() else { return Ok(Self::Sqlite(address.into())) };
        if let Some(path) = text.strip_prefix("sqlite:") {
            return Ok(Self::Sqlite(path.into()));
        }
        match text.split_once("://") {
            Some((scheme, _)) if is_scheme(scheme) => {
                Err(LedgerError::UnknownScheme { scheme: scheme.to_owned() })
            }
            _ => Ok(Self::Sqlite(text.into())),
        }
    }

    /// Whether it is the usual file of a home that this user may not enter, as after `su` or in a container whose image sets
    /// HOME: that home is somebody else's, and so is what is in it.
    pub(super) fn is_in_anothers_home(&self) -> bool {
        let Self::Sqlite(path) = self;
        let denied = |error: std::io::Error| error.kind() == std::io::ErrorKind::PermissionDenied;
        Self::default_file().is_ok_and(|usual| usual == *self)
            && std::fs::symlink_metadata(path).is_err_and(denied)
    }

    /// `stanch/ledger.db` in the user's state directory (`$XDG_STATE_HOME`, by default `~/.local/state`).
    ///
    /// <https://specifications.freedesktop.org/basedir-spec/latest/>
    fn default_file() -> Result<Self, LedgerError> {
        let home = etcetera::choose_base_strategy().map_err(|_| LedgerError::NoHome)?;
        let state = home.state_dir().unwrap_or_else(|| home.data_dir());
        Ok(Self::Sqlite(state.join("stanch").join("ledger.db")))
    }
}

/// The address as messages name it.
impl fmt::Display for LedgerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A path may hold whatever was typed by mistake.
            Self::Sqlite(path) => redacted(&path.display().to_string(), usize::MAX).fmt(f),
        }
    }
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
    fn an_unknown_scheme_is_refused_without_its_password() {
        let refused = parse("postgres://stanch:hunter2@db.example.test/ledger");
        let message = refused.expect_err("this version has no such backend");
        assert!(message.contains("postgres") && message.contains("ledgers in files only"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }

    #[test]
    fn the_address_given_is_the_one_displayed() -> Result<(), LedgerError> {
        assert_eq!(LedgerAddress::choose(Some("a/ledger.db"))?.to_string(), "a/ledger.db");
        Ok(())
    }
}
