//! `stanch hook`: git hooks that keep tokens out of commits, pushes and servers.

mod global;
mod hooks_dir;
mod message;
mod ref_updates;
mod run;
mod script;

use std::path::Path;

use anyhow::bail;

use self::hooks_dir::{HooksDir, Installed, Removed};
use self::script::Script;
use crate::cli::args::{HookCommand, HookKind, Which};
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::source::git::Repo;

pub(super) fn run(command: &HookCommand) -> anyhow::Result<Exit> {
    let console = Console::plain();
    match command {
        HookCommand::Install(flags) if flags.which.global => global::install(flags.which.kind, &console)?,
        HookCommand::Uninstall(flags) if flags.which.global => global::uninstall(flags.which.kind, &console)?,
        HookCommand::Install(flags) => install(&flags.which, &console)?,
        HookCommand::Uninstall(flags) => uninstall(&flags.which, &console)?,
        HookCommand::Run(flags) => return run::run(flags),
    }
    Ok(Exit::Clean)
}

/// The hooks of the repository around here.
fn here() -> anyhow::Result<HooksDir> {
    let repo = Repo::discover(Path::new("."))?;
    let folder = repo.hooks_dir()?;
    // The folder for all repositories calls each one's own hooks.
    if global::folder().is_ok_and(|global| global == folder) {
        return Ok(HooksDir::new(repo.default_hooks_dir()));
    }
    let manager = folder.ends_with(".husky/_").then_some("husky");
    if let Some(manager) = manager {
        bail!(
            "the hooks in `{}` are written by {manager}, which would write over this one; \
             put this line into `.husky/pre-commit` instead: stanch git --staged",
            folder.display()
        );
    }
    Ok(HooksDir::new(folder))
}

fn install(which: &Which, console: &Console) -> anyhow::Result<()> {
    let (kind, folder) = (which.kind, here()?);
    let script = Script::new(kind)?;
    let installed = folder.install(kind.name(), &script.local())?;
    console.say(&format!("installed: {}", folder.hook(kind.name()).display()));
    if installed == Installed::Chained {
        console.say("  the hook that was there is kept, and runs first");
    }
    console.say(&format!("  {}", purpose(kind)));
    Ok(())
}

fn uninstall(which: &Which, console: &Console) -> anyhow::Result<()> {
    let (name, folder) = (which.kind.name(), here()?);
    match folder.uninstall(name)? {
        Removed::Nothing => console.say(&format!("no {name} hook of stanch is installed here")),
        Removed::Hook => console.say(&format!("removed: {}", folder.hook(name).display())),
        Removed::Restored => {
            console.say(&format!(
                "removed: {}; the hook that was there before is back",
                folder.hook(name).display()
            ));
        }
    }
    Ok(())
}

/// What an installed hook is good for.
fn purpose(kind: HookKind) -> &'static str {
    match kind {
        HookKind::Commit => "a commit that would add a token is refused; git commit --no-verify goes past it",
        HookKind::Push => "a push that would publish a token is refused; git push --no-verify goes past it",
        HookKind::Receive => "what others push is refused when it holds a token",
    }
}
