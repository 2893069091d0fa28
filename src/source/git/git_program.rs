//! The installed git, for what only it can read: refs in a reftable (git 2.45 and later, git-config(1),
//! `extensions.refStorage`).

use std::process::{Command, Stdio};

use super::repo::Repo;

/// What git's environment says about a repository (`git rev-parse --local-env-vars`), for a repository that was named.
const REPOSITORY_VARIABLES: [&str; 12] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Configuration that keeps git from starting other programs, whatever the repository configures.
const HARMLESS: [&str; 8] = [
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "protocol.allow=never",
    "-c",
    "gc.auto=0",
];

impl Repo {
    /// Runs git in the repository: what it prints, or its own reason why it could not.
    pub(super) fn run_git(&self, arguments: &[&str]) -> Result<Vec<u8>, String> {
        let mut command = Command::new("git");
        command.args(HARMLESS).arg("--git-dir").arg(self.inner.git_dir()).args(arguments);
        if !self.follow_env {
            for name in REPOSITORY_VARIABLES {
                command.env_remove(name);
            }
        }
        command
            .env_remove("GIT_DIR")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        let ran = command.output().map_err(|error| format!("git cannot be run: {error}"))?;
        if ran.status.success() {
            return Ok(ran.stdout);
        }
        let said = String::from_utf8_lossy(&ran.stderr);
        let said = said.lines().next().unwrap_or_default().trim_start_matches("fatal: ");
        Err(if said.is_empty() { format!("git ended with {}", ran.status) } else { said.to_owned() })
    }

    /// How the refs are stored, where only git can read them.
    pub(super) fn foreign_refs(&self) -> Option<String> {
        let format = self.inner.config_snapshot().string("extensions.refStorage")?;
        let format = format.to_string();
        (format != "files").then_some(format)
    }
}
