//! `stanch hook`: git hooks that keep tokens out of commits, pushes and servers.

mod files;
mod framework;
mod global;
mod hooks_dir;
mod invocation;
mod kept_hook;
mod manager;
mod message;
mod own_name;
mod program;
mod purpose;
mod ref_updates;
mod run;
mod script;
mod status;

use std::fs;
use std::path::Path;

use anyhow::bail;

use self::hooks_dir::{HooksDir, Installed, Removed, shown};
use self::manager::Manager;
use self::program::Program;
use self::purpose::purpose;
use self::script::Script;
use crate::cli::args::{HookCommand, HookKind, HookSelection};
use crate::cli::commands::scan;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::settings::Env;
use crate::source::git::Repo;

pub(super) fn run(command: &HookCommand, env: &Env) -> anyhow::Result<Exit> {
    let console = Console::plain();
    match command {
        HookCommand::Install(args) => {
            let program = Program::find(env)?;
            if args.hook.global {
                global::install(args.hook.kind, &program, &console)?;
            } else {
                install(&args.hook, &program, &console)?;
            }
            if program.is_versioned() {
                console.info("  this program's directory has a version in it: after an upgrade, install the hook again");
            }
        }
        HookCommand::Uninstall(args) if args.hook.global => global::uninstall(args.hook.kind, &console)?,
        HookCommand::Uninstall(args) => uninstall(&args.hook, &console)?,
        HookCommand::Status => status::print()?,
        HookCommand::Files(args) => {
            return files::scan_args(&args.arguments, &console)?
                .map_or(Ok(Exit::Clean), |args| scan::run(&args, env));
        }
        HookCommand::Run(args) => return run::run(args, env),
    }
    Ok(Exit::Clean)
}

/// The hooks directory of a repository.
fn hooks_dir(repo: &Repo) -> anyhow::Result<HooksDir> {
    let Some(directory) = repo.hooks_dir()? else { return Ok(HooksDir::new(repo.default_hooks_dir())) };
    // The directory for all repositories calls each one's own hooks.
    let is_global = global::directory().is_ok_and(|global| global == directory);
    Ok(HooksDir::new(if is_global { repo.default_hooks_dir() } else { directory }))
}

/// The manager that wrote the hook of this kind, or that has the directory.
fn manager(hooks: &HooksDir, kind: HookKind) -> Option<&'static Manager> {
    Manager::of(hooks.path(), &fs::read(hooks.path_of(kind.name())).unwrap_or_default())
}

fn install(hook: &HookSelection, program: &Program, console: &Console) -> anyhow::Result<()> {
    let kind = hook.kind;
    let repo = Repo::discover(Path::new("."))?;
    if repo.hooks_dir()?.is_none() {
        bail!("{}; then install the hook again", status::NO_HOOKS);
    }
    let hooks = hooks_dir(&repo)?;
    if let Some(manager) = manager(&hooks, kind) {
        let put_aside = !manager.writes_over && hooks.is_run_by_pre_commit(kind.name())?;
        if put_aside || manager.scans(repo.root(), kind) {
            console.info(&format!(
                "nothing to do: {} runs stanch before each {}",
                manager.name,
                kind.action()
            ));
            return Ok(());
        }
        if manager.writes_over {
            bail!(
                "the hooks in `{}` are written by {}, which would write over this one; {}",
                hooks.path().display(),
                manager.name,
                manager.advice(kind.name())
            );
        }
    }
    let script = Script::new(kind, program)?;
    let installed = hooks.install(kind.name(), &script.local())?;
    console.info(&format!("installed: {}", shown(&hooks.path_of(kind.name()))));
    if installed == Installed::Chained {
        console.info("  the hook that was there is kept, and runs first");
    }
    console.info(&format!("  {}", purpose(kind)));
    Ok(())
}

fn uninstall(hook: &HookSelection, console: &Console) -> anyhow::Result<()> {
    let (name, hooks) = (hook.kind.name(), hooks_dir(&Repo::discover(Path::new("."))?)?);
    match hooks.uninstall(name)? {
        Removed::Nothing => console.info(&format!("no {name} hook of stanch is installed here")),
        Removed::Hook => console.info(&format!("removed: {}", shown(&hooks.path_of(name)))),
        Removed::Restored => {
            console.info(&format!(
                "removed: {}; the hook that was there before is back",
                shown(&hooks.path_of(name))
            ));
        }
    }
    Ok(())
}
