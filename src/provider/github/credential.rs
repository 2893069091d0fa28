//! The user's own credential: where it is looked for, and whether the host takes it. Never from the command line, which
//! other users of the machine can read.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::host::{Flavour, Host};
use super::kinds;
use crate::rule;
use crate::text::unicode;
use crate::token::Token;

/// The variable that holds a credential for any host.
pub const AUTH_TOKEN: &str = "STANCH_AUTH_TOKEN";
/// The variables that hold one for github.com and GHE.com, and those that hold one for a server, in the order in which
/// `gh` reads them. <https://cli.github.com/manual/gh_help_environment>
pub const GH_TOKEN: &str = "GH_TOKEN";
/// See [`GH_TOKEN`].
pub const GITHUB_TOKEN: &str = "GITHUB_TOKEN";
/// See [`GH_TOKEN`].
pub const GH_ENTERPRISE_TOKEN: &str = "GH_ENTERPRISE_TOKEN";
/// See [`GH_TOKEN`].
pub const GITHUB_ENTERPRISE_TOKEN: &str = "GITHUB_ENTERPRISE_TOKEN";

/// More than any credential is long.
const LONGEST: u64 = 64 * 1024;

/// Why there is no usable credential.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The file could not be read.
    #[error("cannot read the credential in {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// What was found is not one run of printable ASCII.
    #[error(
        "{location} does not hold a credential: one line of printable characters without spaces is wanted"
    )]
    Malformed {
        /// Where it was found.
        location: String,
    },
    /// None was found where one is needed.
    #[error(
        "{host} needs a credential: set {variables} or STANCH_AUTH_TOKEN, or name a file with --auth-token-file"
    )]
    Missing {
        /// The host.
        host: String,
        /// The variables that were looked at.
        variables: &'static str,
    },
    /// The server would not take it for this call.
    #[error(
        "{host} does not let {kind} revoke credentials; use a classic personal access token (ghp_) or an OAuth token (gho_)"
    )]
    WrongKind {
        /// The host.
        host: String,
        /// The kind of credential that was found.
        kind: &'static str,
    },
}

/// A credential, and where it was found.
#[derive(Debug)]
pub struct Credential {
    /// The credential.
    pub token: Token,
    /// Where it was found: the variable's name or the file's path.
    pub location: String,
    /// A warning for the user: others can read the file.
    pub warning: Option<String>,
}

/// The variables that hold a credential for this flavour, in the order in which `gh` reads them.
const fn variables(flavour: Flavour) -> [&'static str; 2] {
    match flavour {
        Flavour::Server => [GH_ENTERPRISE_TOKEN, GITHUB_ENTERPRISE_TOKEN],
        Flavour::GitHubCom | Flavour::GheCom => [GH_TOKEN, GITHUB_TOKEN],
    }
}

/// Looks for a credential: in `file`, in `STANCH_AUTH_TOKEN`, then in the variables `gh` reads for this flavour.
/// An empty variable counts as unset; a file that is named has to hold one.
pub fn find(
    flavour: Flavour,
    file: Option<&Path>,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Option<Credential>, CredentialError> {
    if let Some(path) = file {
        return from_file(path).map(Some);
    }
    let [first, second] = variables(flavour);
    for name in [AUTH_TOKEN, first, second] {
        let Some(value) = variable(name) else { continue };
        let text = trimmed(&value);
        if text.is_empty() {
            continue;
        }
        let token = checked(text).ok_or_else(|| CredentialError::Malformed { location: name.to_owned() })?;
        return Ok(Some(Credential { token, location: name.to_owned(), warning: None }));
    }
    Ok(None)
}

/// As [`find`], where none is an error.
pub fn require(
    host: &Host,
    file: Option<&Path>,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Credential, CredentialError> {
    find(host.flavour(), file, variable)?.ok_or_else(|| missing(host))
}

/// Whether a server takes this credential for revocation. GitHub documents that three kinds do not work:
/// <https://docs.github.com/en/enterprise-server@3.18/rest/credentials/revoke>. A refresh token is no credential at all.
pub(super) fn may_revoke(host: &Host, credential: Option<&Token>) -> Result<(), CredentialError> {
    let Some(credential) = credential else { return Err(missing(host)) };
    let kind = match credential.kind().rule_id() {
        kinds::FINE_GRAINED_PAT => "a fine-grained personal access token (github_pat_)",
        kinds::APP_USER => "a GitHub App's user token (ghu_)",
        kinds::APP_INSTALLATION => "a GitHub App's installation token (ghs_)",
        kinds::REFRESH => "a refresh token (ghr_)",
        _ => return Ok(()),
    };
    Err(CredentialError::WrongKind { host: host.label().to_owned(), kind })
}

pub(super) fn missing(host: &Host) -> CredentialError {
    let [variables, _] = variables(host.flavour());
    CredentialError::Missing { host: host.label().to_owned(), variables }
}

/// The file may be a pipe or a mounted secret, whose permissions the user does not choose: others who can read it
/// are a warning, not a refusal.
fn from_file(path: &Path) -> Result<Credential, CredentialError> {
    let unreadable = |source| CredentialError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let warning = exposed(&file.metadata().map_err(unreadable)?).then(|| {
        format!("others can read the credential in {}; chmod 600 would keep it yours", path.display())
    });
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(LONGEST).unwrap_or_default() + 1));
    file.take(LONGEST + 1).read_to_end(&mut text).map_err(unreadable)?;
    let location = path.display().to_string();
    // The beginning of something longer is not what the user meant to show.
    let whole = u64::try_from(text.len()).is_ok_and(|length| length <= LONGEST);
    let token = match unicode(&text) {
        Some(Cow::Borrowed(text)) => checked(text.trim().as_bytes()),
        // As PowerShell writes it.
        Some(Cow::Owned(text)) => checked(Zeroizing::new(text).trim().as_bytes()),
        None => None,
    };
    match token.filter(|_| whole) {
        Some(token) => Ok(Credential { token, location, warning }),
        None => Err(CredentialError::Malformed { location }),
    }
}

#[cfg(unix)]
fn exposed(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.is_file() && metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn exposed(_: &std::fs::Metadata) -> bool {
    false
}

fn trimmed(value: &OsStr) -> &[u8] {
    value.as_encoded_bytes().trim_ascii()
}

/// A token, if the text can stand in a header.
fn checked(text: &[u8]) -> Option<Token> {
    let text = std::str::from_utf8(text).ok()?;
    let whole = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    whole.then(|| Token::new(rule::kind_of(text), text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::provider::github::host::HostChoice;
    use crate::token::{Fingerprint, Kind};

    fn found(flavour: Flavour, env: &[(&'static str, &str)]) -> Option<(String, Fingerprint)> {
        let env: HashMap<&str, OsString> =
            env.iter().map(|(name, value)| (*name, OsString::from(value))).collect();
        find(flavour, None, &|name| env.get(name).cloned())
            .unwrap()
            .map(|found| (found.location, found.token.fingerprint()))
    }

    fn server() -> Host {
        let choice = HostChoice { host: Some("ghes.example".to_owned()), ..HostChoice::default() };
        Host::choose(&choice).unwrap()
    }

    #[test]
    fn variables_are_asked_in_order_and_only_those_of_the_flavour() {
        let all = [
            ("STANCH_AUTH_TOKEN", "one"),
            ("GH_ENTERPRISE_TOKEN", "two"),
            ("GITHUB_ENTERPRISE_TOKEN", "three"),
            ("GH_TOKEN", "four"),
            ("GITHUB_TOKEN", "five"),
        ];
        let location = |flavour, from: usize| found(flavour, &all[from..]).map(|(location, _)| location);
        for flavour in [Flavour::Server, Flavour::GitHubCom, Flavour::GheCom] {
            assert_eq!(location(flavour, 0).as_deref(), Some("STANCH_AUTH_TOKEN"));
        }
        assert_eq!(location(Flavour::Server, 1).as_deref(), Some("GH_ENTERPRISE_TOKEN"));
        assert_eq!(location(Flavour::Server, 2).as_deref(), Some("GITHUB_ENTERPRISE_TOKEN"));
        assert_eq!(location(Flavour::Server, 3), None);
        assert_eq!(location(Flavour::GitHubCom, 1).as_deref(), Some("GH_TOKEN"));
        assert_eq!(location(Flavour::GheCom, 4).as_deref(), Some("GITHUB_TOKEN"));
    }

    #[test]
    fn an_empty_variable_is_unset_and_spaces_around_are_no_part() {
        let env = [("STANCH_AUTH_TOKEN", " "), ("GH_TOKEN", ""), ("GITHUB_TOKEN", " secret\n")];
        let (location, fingerprint) = found(Flavour::GitHubCom, &env).unwrap();
        assert_eq!((location.as_str(), fingerprint), ("GITHUB_TOKEN", Fingerprint::of(b"secret")));
    }

    #[test]
    fn what_cannot_stand_in_a_header_is_refused_without_being_repeated() {
        for value in ["two words", "line\nbreak", "caf\u{e9}", "bell\u{7}"] {
            let error =
                find(Flavour::GitHubCom, None, &|_| Some(OsString::from(value))).unwrap_err().to_string();
            assert!(error.contains("STANCH_AUTH_TOKEN") && !error.contains(value), "{error}");
        }
    }

    #[test]
    fn a_file_goes_first_and_loses_its_line_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        for text in ["secret", "secret\n", "secret\r\n"] {
            std::fs::write(&path, text).unwrap();
            let found = find(Flavour::Server, Some(&path), &|_| Some("other".into())).unwrap().unwrap();
            assert_eq!(found.token.fingerprint(), Fingerprint::of(b"secret"));
            assert_eq!(found.location, path.display().to_string());
        }
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        std::fs::write(&path, utf16("\u{feff}secret\r\n")).unwrap();
        let found = find(Flavour::Server, Some(&path), &|_| None).unwrap().unwrap();
        assert_eq!(found.token.fingerprint(), Fingerprint::of(b"secret"), "as PowerShell writes it");
        for text in ["", "\n", "one\ntwo\n"] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(
                find(Flavour::Server, Some(&path), &|_| Some("other".into())),
                Err(CredentialError::Malformed { .. })
            ));
        }
        let longest = "a".repeat(64 * 1024);
        for (text, taken) in [(longest.clone(), true), (format!("{longest}a"), false)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(find(Flavour::Server, Some(&path), &|_| None).is_ok(), taken);
        }
        let missing = directory.path().join("none");
        assert!(matches!(
            find(Flavour::Server, Some(&missing), &|_| None),
            Err(CredentialError::Unreadable { .. })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_others_can_read_is_warned_about() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        std::fs::write(&path, "secret").unwrap();
        for (mode, warned) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let found = find(Flavour::Server, Some(&path), &|_| None).unwrap().unwrap();
            assert_eq!(found.warning.is_some(), warned, "{mode:o}");
        }
    }

    #[test]
    fn a_server_wants_a_classic_or_oauth_token() {
        let host = server();
        for (kind, taken) in [
            (Kind::pat(), true),
            (Kind::oauth(), true),
            (Kind::OTHER, true),
            (Kind::fine_grained_pat(), false),
            (Kind::app_user(), false),
            (Kind::app_installation(), false),
            (Kind::refresh(), false),
        ] {
            let token = Token::new(kind, format!("{}x", kind.prefix()).as_bytes());
            let result = may_revoke(&host, Some(&token));
            assert_eq!(result.is_ok(), taken, "{kind:?}");
            if let Err(error) = result {
                assert!(error.to_string().contains(kind.prefix()), "{error}");
            }
        }
        let error = may_revoke(&host, None).unwrap_err().to_string();
        assert!(error.contains("GH_ENTERPRISE_TOKEN") && error.contains("--auth-token-file"), "{error}");
        let error = require(&Host::github_com(), None, &|_| None).unwrap_err().to_string();
        assert!(error.contains("GH_TOKEN"), "{error}");
    }
}
