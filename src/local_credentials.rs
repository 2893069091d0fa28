//! This machine's own credentials: what its user works with, and must not revoke by accident.
//!
//! Read are the environment, `gh`'s hosts file, git's credential files and configuration, `.netrc`, `.npmrc` and
//! Docker's `config.json`. Not read are keychains and credential helpers (the macOS keychain, the Windows
//! credential manager, libsecret, `gh`'s own keyring): nothing is run to find out.
//!
//! Only fingerprints are kept, and where each was found.

mod extract;
mod git;
mod gitconfig;
mod paths;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::token::Fingerprint;

/// No file of credentials or configuration is this long.
const LONGEST_FILE: u64 = 16 * 1024 * 1024;

/// Where credentials are looked for: a value, so that a test never reads the machine it runs on.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// The environment variables.
    pub env: HashMap<OsString, OsString>,
    /// The user's home.
    pub home: Option<PathBuf>,
    /// Where git would look for a repository.
    pub cwd: Option<PathBuf>,
}

impl Environment {
    /// A variable, unless it is empty.
    fn var(&self, name: &str) -> Option<&OsStr> {
        self.env.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// A variable that names a path.
    fn path(&self, name: &str) -> Option<PathBuf> {
        self.var(name).map(PathBuf::from)
    }

    /// `part` below the home.
    fn at_home(&self, part: &str) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(part))
    }

    /// `$XDG_CONFIG_HOME`, or `~/.config`
    /// (<https://specifications.freedesktop.org/basedir-spec/latest/>).
    fn config_home(&self) -> Option<PathBuf> {
        self.path("XDG_CONFIG_HOME").filter(|path| path.is_absolute()).or_else(|| self.at_home(".config"))
    }
}

/// A file that may hold a credential and could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The file.
    pub path: PathBuf,
    /// Why not.
    pub reason: String,
}

/// The credentials of this machine, by fingerprint.
#[derive(Debug, Default)]
pub struct LocalCredentials {
    found: HashMap<Fingerprint, String>,
    unread: Vec<Unread>,
}

impl LocalCredentials {
    /// Looks in every location. What cannot be read is noted in [`LocalCredentials::unread`]; what is not there is nothing.
    pub fn find(environment: &Environment) -> LocalCredentials {
        let mut credentials = LocalCredentials::default();
        for (name, value) in &environment.env {
            let location = format!("the environment variable {}", name.to_string_lossy());
            credentials.add_from(value.as_encoded_bytes(), &location);
        }
        for path in paths::of(environment) {
            credentials.add_from_file(&path);
        }
        git::read(environment, &mut credentials);
        credentials
    }

    /// Adds a credential from elsewhere, such as `--auth-token-file`.
    pub fn add(&mut self, fingerprint: Fingerprint, location: impl Into<String>) {
        self.found.entry(fingerprint).or_insert_with(|| location.into());
    }

    /// Every credential that was found.
    pub fn fingerprints(&self) -> impl Iterator<Item = Fingerprint> + '_ {
        self.found.keys().copied()
    }

    /// Where a credential of this machine is kept, if this is one.
    pub fn location_of(&self, fingerprint: Fingerprint) -> Option<&str> {
        self.found.get(&fingerprint).map(String::as_str)
    }

    /// What could not be read, in the order in which it was met.
    pub fn unread(&self) -> &[Unread] {
        &self.unread
    }

    /// Keeps the fingerprints of every token in a text.
    fn add_from(&mut self, text: &[u8], location: &str) {
        extract::tokens(text, &mut |token| {
            self.found.entry(Fingerprint::of(token)).or_insert_with(|| location.to_owned());
        });
    }

    fn add_from_file(&mut self, path: &Path) {
        if let Some(text) = self.read(path) {
            self.add_from(&text, &path.display().to_string());
        }
    }

    /// A file's content, if there is such a file.
    fn read(&mut self, path: &Path) -> Option<Zeroizing<Vec<u8>>> {
        match read_bounded(path) {
            Ok(text) => Some(text),
            // A path through something that is no directory names no file.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
            Err(error) => {
                self.unread.push(Unread { path: path.to_owned(), reason: error.to_string() });
                None
            }
        }
    }
}

fn read_bounded(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    // The usual way to say "no such configuration".
    if path == Path::new("/dev/null") {
        return Ok(Zeroizing::default());
    }
    // Before it is opened: opening a pipe waits for its other end.
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    if metadata.len() > LONGEST_FILE {
        return Err(std::io::Error::other("it is too long for a file of credentials"));
    }
    let mut text =
        Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1));
    File::open(path)?.take(LONGEST_FILE).read_to_end(&mut text)?;
    Ok(text)
}
