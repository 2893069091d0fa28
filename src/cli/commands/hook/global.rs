//! Hooks for all repositories of a user: a directory that `core.hooksPath` names (git-config(1)).
//!
//! Git looks for every hook in that directory then, and for none in a repository's own. So the directory has one for each
//! name that git knows, and each calls the repository's own.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context as _, bail};

use super::hooks_dir::{HooksDir, shown};
use super::program::Program;
use super::purpose::purpose;
use super::script::{DELEGATE, ON_DEMAND, Script, delegating};
use crate::cli::args::HookKind;
use crate::cli::console::Console;
use crate::settings::user_config_dir;

const HOOKS_PATH: &str = "core.hooksPath";

/// The other hooks of git (githooks(5)), but for those that get their script on demand. Two more are left out: without
/// `push-to-checkout` and `proc-receive` git does something of its own, which a script cannot ask it to do.
const OTHER_HOOKS: [&str; 16] = [
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "update",
    "post-receive",
    "post-update",
    "pre-auto-gc",
    "post-rewrite",
    "sendemail-validate",
    "p4-changelist",
    "p4-prepare-changelist",
    "p4-post-changelist",
    "p4-pre-submit",
];

/// The directory: `$XDG_CONFIG_HOME/stanch/hooks`.
pub(super) fn directory() -> anyhow::Result<PathBuf> {
    Ok(user_config_dir()
        .context("there is no home directory to keep hooks in: set HOME or XDG_CONFIG_HOME")?
        .join("hooks"))
}

pub(super) fn install(kind: HookKind, program: &Program, console: &Console) -> anyhow::Result<()> {
    let hooks = HooksDir::new(directory()?);
    let configured = InForce::find(&hooks)?;
    if let Some(other) = configured.as_ref().filter(|found| found.path != hooks.path()) {
        bail!(other.refusal(kind));
    }
    hooks.install(DELEGATE, &delegating())?;
    for name in OTHER_HOOKS {
        hooks.install(name, &delegating())?;
    }
    // Those that are there have been needed, or are of an earlier release.
    for name in ON_DEMAND {
        if hooks.has(name)? {
            hooks.install(name, &delegating())?;
        }
    }
    for other in HookKind::ALL {
        if other == kind {
            hooks.install(kind.name(), &Script::new(kind, program)?.global())?;
        } else if !hooks.has(other.name())? {
            hooks.install(other.name(), &delegating())?;
        }
    }
    if configured.is_none() {
        let output = git(&["--global".as_ref(), HOOKS_PATH.as_ref(), hooks.path().as_os_str()])?;
        if !output.status.success() {
            bail!("git cannot set {HOOKS_PATH}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        // What git writes is not what it obeys where another file comes after it.
        let now = InForce::find(&hooks)?;
        if now.as_ref().is_none_or(|found| found.path != hooks.path()) {
            git(&["--global", "--unset", HOOKS_PATH].map(OsStr::new))?;
            bail!(now.map_or_else(
                || format!("git was given {HOOKS_PATH}, and does not obey it: git config --show-origin --get-all {HOOKS_PATH}"),
                |other| other.refusal(kind)
            ));
        }
    }
    console.info(&format!("installed for all your repositories: {}", shown(&hooks.path_of(kind.name()))));
    console.info("  the hooks that a repository has of its own run first");
    console.info(
        "  a repository that sets core.hooksPath itself, as husky does, runs none of these: there, run stanch hook install \
         (stanch hook status says what runs)",
    );
    console.info(&format!("  {}", purpose(kind)));
    Ok(())
}

pub(super) fn uninstall(kind: HookKind, console: &Console) -> anyhow::Result<()> {
    let hooks = HooksDir::new(directory()?);
    if !scans(&hooks, kind) {
        console.info(&format!("no {} hook of stanch is installed for all your repositories", kind.name()));
        return Ok(());
    }
    if HookKind::ALL.iter().any(|other| *other != kind && scans(&hooks, *other)) {
        hooks.install(kind.name(), &delegating())?;
        console.info(&format!("removed: {}", shown(&hooks.path_of(kind.name()))));
        return Ok(());
    }
    // The last one: everything becomes as it was. Git first, so that it never looks into an empty directory.
    if hooks_path()?.is_some_and(|path| path == hooks.path()) {
        let output = git(&["--global".as_ref(), "--unset".as_ref(), HOOKS_PATH.as_ref()])?;
        if !output.status.success() {
            bail!("git cannot unset {HOOKS_PATH}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
    }
    let all =
        OTHER_HOOKS.into_iter().chain(ON_DEMAND).chain([DELEGATE]).chain(HookKind::ALL.map(HookKind::name));
    for name in all {
        hooks.uninstall(name)?;
    }
    // Fails, as it should, when anything else is in it.
    let _ = std::fs::remove_dir(hooks.path());
    console.info(&format!("removed: {}", shown(&hooks.path_of(kind.name()))));
    Ok(())
}

/// Whether hooks for all repositories are installed.
pub(super) fn is_installed() -> bool {
    let hooks = directory().map(HooksDir::new);
    hooks.is_ok_and(|hooks| HookKind::ALL.into_iter().any(|kind| scans(&hooks, kind)))
}

/// Whether the hook of that kind is installed, and scans for tokens.
pub(super) fn scans(hooks: &HooksDir, kind: HookKind) -> bool {
    let text = std::fs::read_to_string(hooks.path_of(kind.name())).unwrap_or_default();
    text.contains(&format!("hook run --type {}", kind.name()))
}

/// The `core.hooksPath` that git obeys in repositories that set none, whichever file has it: the system's, the user's, or one
/// that these include.
struct InForce {
    path: PathBuf,
    /// The file, as git names it.
    origin: String,
}

impl InForce {
    fn find(hooks: &HooksDir) -> anyhow::Result<Option<Self>> {
        // In no repository, so that none has a say.
        let nowhere = hooks.path().join("no-repository");
        let arguments =
            ["config", "--includes", "--type=path", "--show-origin", "--null", "--get", HOOKS_PATH];
        let mut command = Command::new("git");
        command.args(arguments).env("GIT_DIR", nowhere).env_remove("GIT_WORK_TREE");
        let output = command.output().context("cannot run git")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let found = text.trim_end_matches('\0').split_once('\0').filter(|_| output.status.success());
        Ok(found.map(|(origin, path)| InForce { path: PathBuf::from(path), origin: origin.to_owned() }))
    }

    /// Why there is no hook for all repositories.
    fn refusal(&self, kind: HookKind) -> String {
        format!(
            "your git configuration has {HOOKS_PATH} = {} already (in {}), and is left as it is; \
             to install the hook there, run this in a repository: stanch hook install --type {}",
            self.path.display(),
            self.origin.trim_start_matches("file:"),
            kind.name()
        )
    }
}

/// `core.hooksPath` in the user's own configuration.
fn hooks_path() -> anyhow::Result<Option<PathBuf>> {
    let arguments = ["--global", "--type=path", "--get", HOOKS_PATH];
    let output = git(&arguments.map(OsStr::new))?;
    let path = String::from_utf8_lossy(&output.stdout).trim_end_matches(['\r', '\n']).to_owned();
    Ok(Some(path).filter(|path| output.status.success() && !path.is_empty()).map(PathBuf::from))
}

/// Runs `git config`: only git knows where its configuration is.
fn git(arguments: &[&OsStr]) -> anyhow::Result<Output> {
    Command::new("git").arg("config").args(arguments).output().context("cannot run git")
}
