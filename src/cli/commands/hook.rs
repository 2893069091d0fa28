//! `stanch hook`: git hooks that keep tokens out of commits, pushes and servers.

mod files;
mod global;
mod hooks_dir;
mod message;
mod purpose;
mod ref_updates;
mod run;
mod script;

use std::path::Path;

use anyhow::bail;

use self::hooks_dir::{HooksDir, Installed, Removed};
use self::purpose::purpose;
use self::script::Script;
use crate::cli::args::{HookCommand, HookSelection};
use crate::cli::commands::scan;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::settings::Env;
use crate::source::git::Repo;

pub(super) fn run(command: &HookCommand, env: &Env) -> anyhow::Result<Exit> {
    let console = Console::plain();
    match command {
        HookCommand::Install(args) if args.hook.global => global::install(args.hook.kind, &console)?,
        HookCommand::Uninstall(args) if args.hook.global => global::uninstall(args.hook.kind, &console)?,
        HookCommand::Install(args) => install(&args.hook, &console)?,
        HookCommand::Uninstall(args) => uninstall(&args.hook, &console)?,
        HookCommand::Files(args) => {
            return files::scan_args(&args.arguments, &console)?
                .map_or(Ok(Exit::Clean), |args| scan::run(&args, env));
        }
        HookCommand::Run(args) => return run::run(args, env),
    }
    Ok(Exit::Clean)
}

/// The hooks directory of the repository around the current directory.
fn hooks_dir() -> anyhow::Result<HooksDir> {
    let repo = Repo::discover(Path::new("."))?;
    let directory = repo.hooks_dir()?;
    // The directory for all repositories calls each one's own hooks.
    if global::directory().is_ok_and(|global| global == directory) {
        return Ok(HooksDir::new(repo.default_hooks_dir()));
    }
    let manager = directory.ends_with(".husky/_").then_some("husky");
    if let Some(manager) = manager {
        bail!(
            "the hooks in `{}` are written by {manager}, which would write over this one; \
             put this line into `.husky/pre-commit` instead: stanch git --staged",
            directory.display()
        );
    }
    Ok(HooksDir::new(directory))
}

fn install(hook: &HookSelection, console: &Console) -> anyhow::Result<()> {
    let (kind, hooks) = (hook.kind, hooks_dir()?);
    let script = Script::new(kind)?;
    let installed = hooks.install(kind.name(), &script.local())?;
    console.info(&format!("installed: {}", hooks.path_of(kind.name()).display()));
    if installed == Installed::Chained {
        console.info("  the hook that was there is kept, and runs first");
    }
    console.info(&format!("  {}", purpose(kind)));
    Ok(())
}

fn uninstall(hook: &HookSelection, console: &Console) -> anyhow::Result<()> {
    let (name, hooks) = (hook.kind.name(), hooks_dir()?);
    match hooks.uninstall(name)? {
        Removed::Nothing => console.info(&format!("no {name} hook of stanch is installed here")),
        Removed::Hook => console.info(&format!("removed: {}", hooks.path_of(name).display())),
        Removed::Restored => {
            console.info(&format!(
                "removed: {}; the hook that was there before is back",
                hooks.path_of(name).display()
            ));
        }
    }
    Ok(())
}
