//! Where credentials are looked for.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Where credentials are looked for: a value, so that a test never reads the machine it runs on.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// The environment variables.
    pub env: HashMap<OsString, OsString>,
    /// The user's home.
    pub home: Option<PathBuf>,
    /// Where git would look for a repository.
    pub cwd: Option<PathBuf>,
    /// What is scanned: the repositories around and below belong to the job that scans them.
    pub roots: Vec<PathBuf>,
    /// The list of users (passwd(5)), for the home of the person behind sudo.
    pub passwd: Option<PathBuf>,
}

impl Environment {
    /// A variable, unless it is empty.
    pub(super) fn var(&self, name: &str) -> Option<&OsStr> {
        self.env.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// A variable that names a path.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.var(name).map(PathBuf::from)
    }

    /// `part` below the home.
    pub(super) fn at_home(&self, part: &str) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(part))
    }

    /// `$XDG_CONFIG_HOME`, or `~/.config`
    /// (<https://specifications.freedesktop.org/basedir-spec/latest/>).
    pub(super) fn config_home(&self) -> Option<PathBuf> {
        self.path("XDG_CONFIG_HOME").filter(|path| path.is_absolute()).or_else(|| self.at_home(".config"))
    }

    /// `~/x`, `$HOME/x` and `${HOME}/x` as a shell reads them, and absolute paths.
    pub(super) fn expanded(&self, path: &str) -> Option<PathBuf> {
        let below_home = ["~/", "$HOME/", "${HOME}/"].iter().find_map(|home| path.strip_prefix(home));
        match below_home {
            Some(rest) => self.at_home(rest),
            None => Some(PathBuf::from(path)).filter(|path| path.is_absolute()),
        }
    }

    /// A program as a shell finds it: by its path, or in the directories of `$PATH`.
    pub(super) fn program(&self, name: &str) -> Option<PathBuf> {
        if name.contains('/') {
            return self.expanded(name);
        }
        let directories = self.var("PATH")?;
        std::env::split_paths(directories)
            .map(|directory| directory.join(name))
            .find(|program| program.is_absolute() && program.is_file())
    }

    /// The person who started a program as somebody else, by sudo (sudo(8), "ENVIRONMENT"), doas or pkexec: their home,
    /// and nothing of the present variables, which are another's.
    pub(super) fn behind(&self) -> Option<Environment> {
        let text = |name: &str| self.var(name).and_then(OsStr::to_str);
        let name = text("SUDO_USER").or_else(|| text("DOAS_USER"));
        let id = text("SUDO_UID").or_else(|| text("PKEXEC_UID"));
        if name.is_none() && id.is_none() {
            return None;
        }
        let home = self
            .path("SUDO_HOME")
            .or_else(|| home_in(self.passwd.as_deref()?, name, id))
            .or_else(|| usual_home(name?))?;
        (self.home.as_ref() != Some(&home))
            .then(|| Environment { home: Some(home), ..Environment::default() })
    }
}

/// The home of a user in a file as passwd(5) describes it: `name:password:uid:gid:gecos:home:shell`.
fn home_in(passwd: &Path, name: Option<&str>, id: Option<&str>) -> Option<PathBuf> {
    let text = std::fs::read_to_string(passwd).ok()?;
    let users = || text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let field = |at: usize, wanted: Option<&str>| {
        users().find(|user| wanted.is_some() && user.get(at).copied() == wanted)
    };
    let user = field(0, name).or_else(|| field(2, id))?;
    user.get(5).filter(|home| home.starts_with('/')).map(PathBuf::from)
}

/// Where a user's home usually is who is not in the list, but in a directory service.
fn usual_home(name: &str) -> Option<PathBuf> {
    let plain = !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.');
    let homes = ["/home", "/Users"].map(|homes| Path::new(homes).join(name));
    homes.into_iter().find(|home| plain && home.is_dir())
}
