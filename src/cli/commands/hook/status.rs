//! `stanch hook status`: what git runs here, and whether any of it looks for tokens.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use super::global;
use super::hooks_dir::{HooksDir, shown};
use super::invocation;
use super::manager::Manager;
use super::script::is_ours;
use crate::cli::args::HookKind;
use crate::cli::error::redact;
use crate::source::git::Repo;
use crate::text::printable;

pub(super) fn print() -> anyhow::Result<()> {
    let lines = match Repo::discover(Path::new(".")) {
        Ok(repo) => of_repository(&repo)?,
        Err(error) => [vec![printable(&redact(&error.to_string()))], of_all_repositories()].concat(),
    };
    let mut out = io::stdout().lock();
    match out.write_all((lines.join("\n") + "\n").as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// What runs in one repository.
fn of_repository(repo: &Repo) -> anyhow::Result<Vec<String>> {
    let Some(directory) = repo.hooks_dir()? else {
        let states = HookKind::ALL.map(|kind| format!("  {:<18}{NOTHING}", kind.name()));
        return Ok(std::iter::once(NO_HOOKS.to_owned()).chain(states).collect());
    };
    let default = HooksDir::new(repo.default_hooks_dir());
    let is_global = global::directory().is_ok_and(|global| global == directory);
    let is_default = directory == repo.default_hooks_dir();
    let hooks = HooksDir::new(directory);
    let from = match (is_global, is_default) {
        (true, _) => " (core.hooksPath, for all your repositories)",
        (_, true) => "",
        _ => " (core.hooksPath)",
    };
    let mut lines = vec![format!("git looks for hooks in {}{from}", shown(hooks.path()))];
    for kind in HookKind::ALL {
        let name = kind.name();
        let mut state = state(&hooks, repo.root(), kind);
        if is_global {
            let own = self::state(&default, repo.root(), kind);
            state = match (looks(&state), own.as_str()) {
                (_, NOTHING) => state,
                (true, _) if looks(&own) => own,
                (true, _) => format!("{state}; before that {own}"),
                (false, _) => own,
            };
        }
        lines.push(format!("  {name:<18}{state}"));
    }
    if !is_default && !is_global {
        let idle = HookKind::ALL.into_iter().filter(|kind| default.has(kind.name()).unwrap_or(false));
        lines.extend(idle.map(|kind| {
            format!(
                "not run: {}, because core.hooksPath names another directory",
                shown(&default.path_of(kind.name()))
            )
        }));
    }
    if !is_global && global::is_installed() {
        lines.push(
            "not run: the hooks for all your repositories, because this one sets core.hooksPath itself; \
             to look for tokens here: stanch hook install"
                .to_owned(),
        );
    }
    Ok(lines)
}

/// What runs in all repositories, for where there is none.
fn of_all_repositories() -> Vec<String> {
    let Ok(directory) = global::directory() else { return Vec::new() };
    if !global::is_installed() {
        return vec!["no hook of stanch is installed for all your repositories".to_owned()];
    }
    let hooks = HooksDir::new(directory);
    let title = format!("for all your repositories, in {}", shown(hooks.path()));
    let states =
        HookKind::ALL.map(|kind| format!("  {:<18}{}", kind.name(), state(&hooks, Path::new(""), kind)));
    std::iter::once(title).chain(states).collect()
}

/// What an empty `core.hooksPath` means, and what to do.
pub(super) const NO_HOOKS: &str = "git runs no hook here, because core.hooksPath is empty: take that out of the configuration that \
                                   `git config --show-origin core.hooksPath` names";

const NOTHING: &str = "nothing";

const LOOKS: &str = "looks for tokens";

fn looks(state: &str) -> bool {
    state.starts_with(LOOKS)
}

/// What a hook does, in words.
fn state(hooks: &HooksDir, root: &Path, kind: HookKind) -> String {
    let path = hooks.path_of(kind.name());
    let Ok(text) = fs::read(&path) else {
        let broken = fs::symlink_metadata(&path).is_ok();
        return if broken { format!("cannot be read: {}", shown(&path)) } else { NOTHING.to_owned() };
    };
    if !is_executable(&path) {
        return format!("nothing: {} is not executable, and git passes over it", shown(&path));
    }
    if is_ours(&text) {
        if !global::scans(hooks, kind) {
            return NOTHING.to_owned();
        }
        return match program_of(&text) {
            Some(missing) => {
                format!("{LOOKS}, with the stanch on the PATH: {missing} is gone (stanch hook install)")
            }
            None if hooks.has_chained(kind.name()) => {
                format!("{LOOKS}, after the hook that was there before")
            }
            None => LOOKS.to_owned(),
        };
    }
    match Manager::of(hooks.path(), &text) {
        Some(manager) if manager.scans(root, kind) => format!("{LOOKS}, by {}", manager.name),
        Some(manager) if !manager.writes_over && hooks.is_run_by_pre_commit(kind.name()).unwrap_or(false) => {
            format!("{LOOKS}, by {}.legacy, which {} runs", shown(&path), manager.name)
        }
        Some(manager) => {
            format!("{}, without stanch: {}", manager.name, manager.advice(kind.name()))
        }
        None if invocation::scans(&String::from_utf8_lossy(&text), kind) => {
            format!("{LOOKS}, by {}", shown(&path))
        }
        None => format!("another hook, without stanch: {}", shown(&path)),
    }
}

/// The first program that a script names, where none of those it names is there any more.
fn program_of(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().find_map(|line| line.strip_prefix("for stanch in ")?.strip_suffix("; do"))?;
    let mut paths = line.trim_matches('\'').split("' '").map(|path| path.replace(r"'\''", "'"));
    let first = paths.next()?;
    let any = std::iter::once(first.clone()).chain(paths).any(|path| Path::new(&path).exists());
    (!any).then(|| shown(Path::new(&first)))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    true
}
