//! The arguments of `stanch hook`.

use std::ffi::OsString;

use clap::{Args, Subcommand, ValueEnum};

/// Git hooks that keep tokens out of commits, pushes and servers
#[derive(Subcommand)]
#[command(defer = true)]
pub(crate) enum HookCommand {
    /// Let git look for tokens by itself
    ///
    /// A hook that is there already is kept, and runs first. A repository whose `core.hooksPath` names a directory gets the
    /// hook there.
    Install(HookInstallArgs),
    /// Take a hook out again, and put back what was there before
    Uninstall(HookUninstallArgs),
    /// Look through the files whose names are passed, as pre-commit, lint-staged and lefthook pass them
    ///
    /// Takes the options of `stanch scan`, in front of the names. The first argument that exists is the first file, and all
    /// behind it are files, too, whatever they are called: a file named `--exit-zero` is looked into, and is no option.
    #[command(disable_help_flag = true)]
    Files(HookFilesArgs),
    /// What git runs here, and whether it looks for tokens
    Status,
    /// What an installed hook runs
    #[command(hide = true)]
    Run(HookRunArgs),
}

#[derive(Args)]
#[command(after_long_help = "\
Examples:
  stanch hook install                       before each commit here
  stanch hook install --type pre-push       before each push
  stanch hook install --global              in every repository of yours
  stanch hook install --type pre-receive    on a server, for all who push")]
pub(crate) struct HookInstallArgs {
    #[command(flatten)]
    pub(crate) hook: HookSelection,
}

#[derive(Args)]
pub(crate) struct HookUninstallArgs {
    #[command(flatten)]
    pub(crate) hook: HookSelection,
}

// Which hook.
#[derive(Args)]
pub(crate) struct HookSelection {
    /// When it runs
    #[arg(long = "type", value_enum, value_name = "TYPE", default_value_t)]
    pub(crate) kind: HookKind,

    /// For all repositories of this user, by core.hooksPath
    #[arg(long)]
    pub(crate) global: bool,
}

// What another program passes.
#[derive(Args)]
#[command(override_usage = "stanch hook files [OPTION]... [FILE]...")]
pub(crate) struct HookFilesArgs {
    /// Options of `stanch scan`, and files
    #[arg(last = true, value_name = "ARGUMENT")]
    pub(crate) arguments: Vec<OsString>,
}

// What an installed hook passes on.
#[derive(Args)]
pub(crate) struct HookRunArgs {
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    pub(crate) kind: HookKind,

    /// The arguments that git gave to the hook
    #[arg(last = true, value_name = "ARGUMENT")]
    pub(crate) arguments: Vec<OsString>,
}

/// When a hook runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum HookKind {
    /// Before a commit: looks at what is staged
    #[default]
    #[value(name = "pre-commit")]
    Commit,
    /// Before git commits a merge by itself: looks at what the merge adds
    #[value(name = "pre-merge-commit")]
    Merge,
    /// Before a push: looks at what the remote lacks
    #[value(name = "pre-push")]
    Push,
    /// On a server: looks at what is pushed, before it is taken
    #[value(name = "pre-receive")]
    Receive,
}

impl HookKind {
    pub(crate) const ALL: [HookKind; 4] =
        [HookKind::Commit, HookKind::Merge, HookKind::Push, HookKind::Receive];

    /// What it runs before.
    pub(crate) const fn action(self) -> &'static str {
        match self {
            HookKind::Commit => "commit",
            HookKind::Merge => "merge",
            HookKind::Push | HookKind::Receive => "push",
        }
    }

    /// The name of the hook (githooks(5)).
    pub(crate) const fn name(self) -> &'static str {
        match self {
            HookKind::Commit => "pre-commit",
            HookKind::Merge => "pre-merge-commit",
            HookKind::Push => "pre-push",
            HookKind::Receive => "pre-receive",
        }
    }
}
