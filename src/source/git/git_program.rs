//! The installed git, for what only it can read: refs in a reftable (git 2.45 and later, git-config(1),
//! `extensions.refStorage`); and for its reason why it cannot.

use std::path::Path;
use std::process::{Command, Stdio};

use super::dot_git;

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

/// Why a repository near `path` cannot be opened: with git's own reason, where git cannot open it either.
pub(super) fn with_reason(path: &Path, error: &str) -> String {
    if dot_git::nearest(path).is_none() {
        return error.to_owned();
    }
    let mut command = harmless();
    command.arg("-C").arg(path).args(["rev-parse", "--git-dir"]);
    match run(command) {
        Ok(_) => error.to_owned(),
        Err(reason) => format!("{error}; git says: {reason}"),
    }
}

/// Git, about to start nothing else.
pub(super) fn harmless() -> Command {
    let mut command = Command::new("git");
    command.args(HARMLESS);
    command
}

/// Runs git: what it prints, or its own reason why it could not.
pub(super) fn run(mut command: Command) -> Result<Vec<u8>, String> {
    command
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
    let said =
        said.lines().map(|line| line.trim_start_matches("fatal: ").trim()).collect::<Vec<_>>().join(" ");
    Err(if said.is_empty() { format!("git ended with {}", ran.status) } else { said })
}
