//! Hooks for all repositories of a user: a folder that `core.hooksPath` names.
//!
//! Git looks for every hook in that folder then, and for none in a repository's own. So the folder has one for each name
//! that git knows, and each calls the repository's own.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context as _, bail};

use super::hooks_dir::HooksDir;
use super::purpose;
use super::script::{Script, passing_on};
use crate::cli::args::HookKind;
use crate::cli::console::Console;
use crate::settings::user_folder;

const KEY: &str = "core.hooksPath";

/// What git runs besides what looks for tokens (see githooks(5)). Two are left out, as git does something of its own where
/// they are not there, and a script cannot ask it to: `push-to-checkout` and `proc-receive`.
const OTHERS: [&str; 22] = [
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-merge-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "update",
    "post-receive",
    "post-update",
    "reference-transaction",
    "pre-auto-gc",
    "post-rewrite",
    "sendemail-validate",
    "post-index-change",
    "p4-changelist",
    "p4-prepare-changelist",
    "p4-post-changelist",
    "p4-pre-submit",
];

/// The folder: `$XDG_CONFIG_HOME/stanch/hooks`.
pub(super) fn folder() -> anyhow::Result<PathBuf> {
    Ok(user_folder()
        .context("there is no home folder to keep hooks in: set HOME or XDG_CONFIG_HOME")?
        .join("hooks"))
}

pub(super) fn install(kind: HookKind, console: &Console) -> anyhow::Result<()> {
    let folder = HooksDir::new(folder()?);
    let said = hooks_path()?;
    if let Some(other) = said.as_ref().filter(|said| *said != folder.path()) {
        bail!(
            "your git configuration has {KEY} = {} already, and is left as it is; \
             to install the hook there, run this in a repository: stanch hook install --type {}",
            other.display(),
            kind.name()
        );
    }
    for name in OTHERS {
        folder.install(name, &passing_on(name))?;
    }
    for other in HookKind::ALL {
        if other == kind {
            folder.install(kind.name(), &Script::new(kind)?.global())?;
        } else if !folder.has(other.name())? {
            folder.install(other.name(), &passing_on(other.name()))?;
        }
    }
    if said.is_none() {
        let output = git(&["--global".as_ref(), KEY.as_ref(), folder.path().as_os_str()])?;
        if !output.status.success() {
            bail!("git cannot set {KEY}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
    }
    console.say(&format!("installed for all your repositories: {}", folder.hook(kind.name()).display()));
    console.say("  the hooks that a repository has of its own run first");
    console.say(&format!("  {}", purpose(kind)));
    Ok(())
}

pub(super) fn uninstall(kind: HookKind, console: &Console) -> anyhow::Result<()> {
    let folder = HooksDir::new(folder()?);
    if !looks(&folder, kind) {
        console.say(&format!("no {} hook of stanch is installed for all your repositories", kind.name()));
        return Ok(());
    }
    if HookKind::ALL.iter().any(|other| *other != kind && looks(&folder, *other)) {
        folder.install(kind.name(), &passing_on(kind.name()))?;
        console.say(&format!("removed: {}", folder.hook(kind.name()).display()));
        return Ok(());
    }
    // The last one: everything is as it was. Git first, so that it never looks into an empty folder.
    if hooks_path()?.is_some_and(|said| said == folder.path()) {
        let output = git(&["--global".as_ref(), "--unset".as_ref(), KEY.as_ref()])?;
        if !output.status.success() {
            bail!("git cannot unset {KEY}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
    }
    for name in OTHERS.into_iter().chain(HookKind::ALL.map(HookKind::name)) {
        folder.uninstall(name)?;
    }
    // Only when nothing else is in it.
    let _ = std::fs::remove_dir(folder.path());
    console.say(&format!("removed: {}", folder.hook(kind.name()).display()));
    Ok(())
}

/// Whether the hook of that kind is there, and looks for tokens.
fn looks(folder: &HooksDir, kind: HookKind) -> bool {
    let text = std::fs::read_to_string(folder.hook(kind.name())).unwrap_or_default();
    text.contains(&format!("hook run --type {}", kind.name()))
}

/// What the user's own configuration says.
fn hooks_path() -> anyhow::Result<Option<PathBuf>> {
    let arguments = ["--global", "--type=path", "--get", KEY];
    let output = git(&arguments.map(OsStr::new))?;
    let said = String::from_utf8_lossy(&output.stdout).trim_end_matches(['\r', '\n']).to_owned();
    Ok(Some(said).filter(|said| output.status.success() && !said.is_empty()).map(PathBuf::from))
}

/// Where its configuration is, and how it is written, git alone knows.
fn git(arguments: &[&OsStr]) -> anyhow::Result<Output> {
    Command::new("git").arg("config").args(arguments).output().context("cannot run git")
}
