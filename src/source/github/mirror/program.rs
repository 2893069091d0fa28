//! The system's `git`, in an environment of its own: nothing of the user's configuration has a say in it.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::authorities;
use super::child::{self, Input};
use super::error::GitError;
use super::url::CloneUrl;
use super::watch::{Limits, Watch};
use crate::http;
use crate::meter::CancelFlag;
use crate::token::Token;

/// Git has been configured by `GIT_CONFIG_COUNT` since 2.31: the only way to give it a credential that no file and no argument
/// shows.
const OLDEST: (u32, u32) = (2, 31);

/// The user name that GitHub takes with any token.
const USER: &str = "x-access-token";

/// What a proxy is told by. An `http` address is on this machine, and no proxy is asked for it.
const PROXIES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"];

/// What programs need on some systems.
const SYSTEM: [&str; 4] = ["PATH", "SYSTEMROOT", "TEMP", "TMP"];

/// No more of what it says of its version is kept.
const LONGEST_VERSION: usize = 4096;

/// Git's environment.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("LANG", "C"),
    ("LC_ALL", "C"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    // Set and empty: none is looked for elsewhere.
    ("GIT_ASKPASS", ""),
    ("GIT_NO_LAZY_FETCH", "1"),
    // A server's refs/replace/* must not show one object for another.
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    // The most that git allocates at once: a delta of some bytes may claim to be a thousand gigabytes.
    ("GIT_ALLOC_LIMIT", "2g"),
];

/// Git's configuration (git-config(1)).
const SETTINGS: &[(&str, &str)] = &[
    // Nothing but git is started.
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.askPass", ""),
    ("credential.helper", ""),
    ("protocol.allow", "never"),
    ("protocol.https.allow", "always"),
    ("protocol.version", "2"),
    // Nothing is fetched from elsewhere; renames are resolved by the API.
    ("http.followRedirects", "false"),
    ("transfer.bundleURI", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("submodule.recurse", "false"),
    // What is hostile is to be scanned, not refused.
    ("transfer.fsckObjects", "false"),
    ("fetch.fsckObjects", "false"),
    // Objects that lose their refs stay.
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("fetch.writeCommitGraph", "false"),
    ("core.logAllRefUpdates", "false"),
    ("init.defaultBranch", "main"),
    ("advice.fetchShowForcedUpdates", "false"),
    // One pack for each fetch, and not a file for each object.
    ("fetch.unpackLimit", "1"),
    ("transfer.unpackLimit", "1"),
    // Several repositories are fetched at once.
    ("pack.threads", "2"),
    ("core.bigFileThreshold", "16m"),
    ("core.deltaBaseCacheLimit", "32m"),
    ("core.packedGitLimit", "256m"),
    ("core.packedGitWindowSize", "16m"),
    ("http.lowSpeedLimit", "1"),
];

/// The installed `git`, and what it is started with.
pub struct Git {
    path: PathBuf,
    variables: Vec<(&'static str, OsString)>,
    proxies: Vec<(&'static str, OsString)>,
    /// Empty but for the certificates: neither git nor libcurl finds any configuration of the user in it.
    home: TempDir,
    authorities: Option<PathBuf>,
}

/// Addresses of proxies may hold passwords.
impl fmt::Debug for Git {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Git").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What a git is found and asked with.
#[derive(Clone, Copy)]
pub struct GitOptions<'a> {
    /// Certificates to trust besides the system's.
    pub ca_cert: Option<&'a Path>,
    /// A directory of this run's own, in which the home of git is made: whoever removes that removes this.
    pub work_dir: &'a Path,
    /// How long it may think about its version.
    pub timeout: Duration,
    /// Ends it soon after it is set.
    pub cancel: &'a CancelFlag,
}

/// What one call is about.
#[derive(Clone, Copy, Default)]
pub(super) struct Call<'a> {
    /// The mirror, where there is one.
    pub(super) mirror: Option<&'a Path>,
    /// Who is spoken to, if anybody is, and what authenticates there.
    pub(super) remote: Option<(&'a CloneUrl, Option<&'a Token>)>,
    /// How long nothing may move.
    pub(super) stall: Duration,
}

impl Git {
    /// Finds it, and asks for its version.
    pub fn find(options: &GitOptions<'_>) -> Result<Git, GitError> {
        Git::find_in(&|name| std::env::var_os(name), options)
    }

    /// The same with this environment.
    pub(super) fn find_in(
        variable: &dyn Fn(&str) -> Option<OsString>,
        options: &GitOptions<'_>,
    ) -> Result<Git, GitError> {
        let no_home = |error: std::io::Error| {
            let place = options.work_dir.display();
            GitError::Program(format!("no directory can be made for git in `{place}`: {error}"))
        };
        // Git is started in it, and so its name must not depend on the current directory.
        let work_dir = std::path::absolute(options.work_dir).map_err(no_home)?;
        let home = tempfile::Builder::new().prefix("git-").tempdir_in(work_dir).map_err(no_home)?;
        let named = options
            .ca_cert
            .map(Path::to_owned)
            .into_iter()
            .chain(variable("SSL_CERT_FILE").map(PathBuf::from));
        let authorities =
            authorities::bundle(&named.collect::<Vec<_>>(), home.path()).map_err(|(path, error)| {
                GitError::Program(format!("cannot read the certificates in `{}`: {error}", path.display()))
            })?;
        let take = |names: &[&'static str]| {
            let found = names.iter().filter_map(|name| variable(name).map(|value| (*name, value)));
            found.collect::<Vec<_>>()
        };
        let git = Git {
            path: in_path(variable("PATH").as_ref())?,
            variables: take(&SYSTEM),
            proxies: take(&PROXIES),
            home,
            authorities,
        };
        git.check_version(options)?;
        Ok(git)
    }

    /// The home of all that it starts.
    #[cfg(test)]
    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    fn check_version(&self, options: &GitOptions<'_>) -> Result<(), GitError> {
        let mut command = self.command(&Call::default())?;
        command.arg("--version");
        let limits = Limits { stall: options.timeout, may_hold: &|_| true, cancel: options.cancel };
        let mut text = String::new();
        let each = &mut |line: &[u8]| {
            if text.len() < LONGEST_VERSION {
                text.push_str(&String::from_utf8_lossy(line));
            }
        };
        let hangs = |error| match error {
            GitError::Hung(seconds) => GitError::Program(format!(
                "`{}` does not say in {seconds} seconds which version of git it is: see which git comes first in PATH, or \
                 allow more with --timeout",
                self.path.display()
            )),
            error => error,
        };
        child::run(command, Input::Nothing, Watch::new(&limits, None), each).map_err(hangs)?;
        let told = || crate::text::one_line(&text, 60);
        match version(&text) {
            Some(found) if found >= OLDEST => Ok(()),
            Some(_) => Err(GitError::Program(format!(
                "`{}` is too old ({}): install git {}.{} or later",
                self.path.display(),
                told(),
                OLDEST.0,
                OLDEST.1
            ))),
            None => Err(GitError::Program(format!(
                "`{}` does not say which version of git it is ({}): see which git comes first in PATH",
                self.path.display(),
                told()
            ))),
        }
    }

    /// Whether it does what it is told: it says what it was configured with.
    pub(super) fn works(&self, limits: &Limits<'_>) -> Result<(), GitError> {
        let mut command = self.command(&Call::default())?;
        command.args(["config", "--get", "protocol.allow"]);
        let mut obeys = false;
        let each = &mut |line: &[u8]| obeys |= line == b"never";
        child::run(command, Input::Nothing, Watch::new(limits, None), each)?;
        if obeys {
            return Ok(());
        }
        Err(GitError::Program(format!(
            "`{}` says that it is git, and does not do what git does: see which git comes first in PATH",
            self.path.display()
        )))
    }

    /// Git, about to do something.
    pub(super) fn command(&self, call: &Call<'_>) -> Result<Command, GitError> {
        let mut command = Command::new(&self.path);
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.envs(ENVIRONMENT.iter().copied()).env("HOME", self.home.path()).current_dir(self.home.path());
        // Its home may be within somebody's repository, whose configuration is to have no say: none is looked for above.
        let no_repository = self.home.path().join("none");
        command.env("GIT_DIR", call.mirror.unwrap_or(&no_repository));
        for (index, (key, value)) in self.settings(call)?.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{index}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{index}"), value);
            command.env("GIT_CONFIG_COUNT", (index + 1).to_string());
        }
        if call.remote.is_some_and(|(url, _)| !url.is_cleartext()) {
            command.envs(self.proxies.iter().map(|(name, value)| (name, value)));
        }
        Ok(command)
    }

    /// Its configuration: the credential is for the host that is spoken to, and for nothing else.
    fn settings(&self, call: &Call<'_>) -> Result<Vec<(String, OsString)>, GitError> {
        let mut settings: Vec<(String, OsString)> =
            SETTINGS.iter().map(|(key, value)| ((*key).to_owned(), OsString::from(value))).collect();
        if let Some(file) = &self.authorities {
            settings.push(("http.sslCAInfo".to_owned(), file.into()));
        }
        let Some((url, credential)) = call.remote else { return Ok(settings) };
        // Longer than this program waits: it is for a git that has outlived it.
        let patience = call.stall.as_secs().saturating_mul(2).max(60);
        settings.push(("http.lowSpeedTime".to_owned(), patience.to_string().into()));
        if url.is_cleartext() {
            settings.push(("protocol.http.allow".to_owned(), "always".into()));
        }
        if let Some(token) = credential {
            let credential = http::basic_credential(USER, token).ok_or_else(|| {
                GitError::Program("the credential cannot be shown to git; nothing was sent".to_owned())
            })?;
            let header = format!("Authorization: basic {}", *credential);
            settings.push((format!("http.{}.extraHeader", url.base()), header.into()));
        }
        Ok(settings)
    }
}

/// The first `git` in `PATH`; what stands in the current directory is not meant by anybody.
fn in_path(path: Option<&OsString>) -> Result<PathBuf, GitError> {
    let name = format!("git{}", std::env::consts::EXE_SUFFIX);
    let directories = path.iter().flat_map(std::env::split_paths).filter(|directory| directory.is_absolute());
    let found = directories.map(|directory| directory.join(&name)).find(|file| is_program(file));
    found.ok_or_else(|| {
        GitError::Program(format!(
            "there is no git in PATH, and repositories are fetched with it: install git {}.{} or later",
            OLDEST.0, OLDEST.1
        ))
    })
}

fn is_program(file: &Path) -> bool {
    let Ok(meta) = fs::metadata(file) else { return false };
    #[cfg(unix)]
    let executable = std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let executable = true;
    meta.is_file() && executable
}

/// The first two numbers of `git version 2.47.3`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("git version ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.split_whitespace().next()?.parse().ok()?))
}
