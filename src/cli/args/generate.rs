//! The arguments of `stanch completions` and `stanch man`.

use std::path::PathBuf;

use clap::Args;

#[derive(Args)]
#[command(after_long_help = "\
Examples:
  stanch completions bash > ~/.local/share/bash-completion/completions/stanch
  stanch completions zsh > ~/.zfunc/_stanch
  stanch completions fish > ~/.config/fish/completions/stanch.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Args)]
#[command(after_long_help = "\
Examples:
  stanch man | man -l -                        read it
  stanch man --dir ~/.local/share/man/man1     install it")]
pub(crate) struct ManArgs {
    /// Write a file for each page into this directory instead
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}
