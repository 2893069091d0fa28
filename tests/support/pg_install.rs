//! Where the system's PostgreSQL is, and as whom it runs.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use nix::unistd::{Uid, User};

/// An installed PostgreSQL.
pub(crate) struct Install {
    programs: PathBuf,
    /// The user it runs as where we are root, whom it refuses.
    user: Option<User>,
}

impl Install {
    /// The newest one, if there is any.
    pub(crate) fn find() -> Option<&'static Install> {
        static FOUND: LazyLock<Option<Install>> = LazyLock::new(|| {
            // Where Debian's packages put it; elsewhere it is in the path.
            let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
            let mut versions: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
            versions.sort_by_key(|path| {
                path.parent().and_then(Path::file_name).and_then(OsStr::to_str)?.parse::<u32>().ok()
            });
            let path = std::env::var_os("PATH").unwrap_or_default();
            let programs = std::env::split_paths(&path).chain(versions).collect::<Vec<_>>();
            let programs = programs.into_iter().rev().find(|directory| directory.join("initdb").is_file())?;
            let root = Uid::effective().is_root();
            let mut user = ["postgres", "nobody"].into_iter().filter(|_| root);
            let user = user.find_map(|name| User::from_name(name).ok().flatten());
            Some(Install { programs, user })
        });
        FOUND.as_ref()
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// One of its programs, run as its user.
    pub(crate) fn command(&self, name: &str, directory: &Path) -> Command {
        self.unprivileged(&[self.program(name).as_os_str()], directory)
    }

    /// A command run as its user, with nothing of this machine's own in its environment.
    pub(crate) fn unprivileged(&self, command: &[&OsStr], directory: &Path) -> Command {
        let mut all = Command::new(if self.user.is_some() { OsStr::new("setpriv") } else { command[0] });
        let rest = match &self.user {
            Some(user) => {
                all.args([format!("--reuid={}", user.uid), format!("--regid={}", user.gid)]);
                all.arg("--clear-groups");
                command
            }
            None => &command[1..],
        };
        all.args(rest);
        all.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        all.env("LC_ALL", "C").env("TZ", "UTC").current_dir(directory).stdin(Stdio::null());
        all
    }

    /// Gives a file to its user.
    pub(crate) fn hand_over(&self, path: &Path) {
        if let Some(user) = &self.user {
            chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("root may do that");
        }
    }
}
